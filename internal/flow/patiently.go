package flow

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// patience is how long Patiently waits in all.
	patience = 5 * time.Minute
	// Waits of which nobody said how long they must be grow between these.
	shortestGuess = 5 * time.Second
	longestGuess  = time.Minute
)

// Patiently makes a call again that a limit has kept back. keptBack reports whether a
// limit did, and the time after which the call may be made again, 0 when nobody named one:
// then waits begin with some seconds and double. Patiently waits for up to five minutes
// in all, and not beyond ctx.
func Patiently(
	ctx context.Context, call func() error, keptBack func(error) (wait time.Duration, kept bool),
) error {
	guess := shortestGuess
	for waited := time.Duration(0); ; {
		err := call()
		d, kept := keptBack(err)
		if kept && d <= 0 {
			// Calls that were refused together do not come back together.
			d = guess/2 + rand.N(guess/2)
			guess = min(2*guess, longestGuess)
		}
		if !kept || waited+d > patience || Pause(ctx, d) != nil {
			return err
		}
		waited += d
	}
}

// Pause waits for d, or returns the error of ctx when it ends before.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
