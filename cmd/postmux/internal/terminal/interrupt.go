package terminal

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Unhurried returns a context for calls that the first interrupt, which ends
// stop, lets come to their end: only a second one ends it. release gives the
// signals back.
func Unhurried(stop context.Context) (ctx context.Context, release func()) {
	// Whoever reads stdout may go away. That must end the run in order as well.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, Interrupts()...)
	ctx, end := afterSecond(stop, signals, func() { signal.Stop(signals) })
	return ctx, func() { end(); signal.Stop(signals) }
}

// Interrupts are the signals that end a run in order. The end of the terminal is
// one, unless the tool was started so that it outlives it.
func Interrupts() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
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
