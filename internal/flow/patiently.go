package flow

import (
	"context"
	"time"
)

// patience is how long Patiently waits in all.
const patience = 5 * time.Minute

// Patiently makes a call again that a limit has kept back. keptBack returns the time
// after which an error's call may be made again, 0 when it was not kept back by a limit.
// Patiently waits for up to five minutes in all, and not beyond ctx.
func Patiently(ctx context.Context, call func() error, keptBack func(error) time.Duration) error {
	for waited := time.Duration(0); ; {
		err := call()
		d := keptBack(err)
		if d <= 0 || waited+d > patience || Pause(ctx, d) != nil {
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
