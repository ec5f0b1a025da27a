package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// unhurried returns a context for calls that the first interrupt, which ends
// stop, lets come to their end: only a second one ends it. release gives the
// signals back.
func unhurried(stop context.Context) (ctx context.Context, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, end := afterSecond(stop, signals, func() { signal.Stop(signals) })
	return ctx, func() { end(); signal.Stop(signals) }
}

// afterSecond is unhurried for any source of signals. After the second signal
// quiet is called, so that a third ends the process.
func afterSecond(stop context.Context, signals <-chan os.Signal, quiet func()) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(context.WithoutCancel(stop))
	go func() {
		for range 2 {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
		}
		quiet()
		end()
	}()
	return ctx, end
}
