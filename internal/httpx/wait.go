package httpx

import (
	"context"
	"time"

	"github.com/postmux/postmux/provider"
)

// sleep waits for d. When the deadline of ctx comes before, it returns at once with
// a "rate limited" error; when ctx ends meanwhile, with a "canceled" one.
func sleep(ctx context.Context, d time.Duration) *provider.Error {
	if e := beyondDeadline(ctx, d); e != nil {
		return e
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-timer.C:
		return nil
	}
}

// onlyLater is the message of beyondDeadline.
const onlyLater = "the next call is allowed only after the deadline"

// beyondDeadline returns a "rate limited" error when the deadline of ctx is less than d
// away.
func beyondDeadline(ctx context.Context, d time.Duration) *provider.Error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return &provider.Error{
			Kind: provider.ErrRateLimited, RetryAfter: d,
			Message: onlyLater,
		}
	}
	return nil
}

// ended returns the error for a context that has ended.
func ended(ctx context.Context) *provider.Error {
	return &provider.Error{Kind: provider.ErrCanceled, Message: ctx.Err().Error(), Err: ctx.Err()}
}

// wall is the time by the machine's clock, without Go's monotonic reading.
var wall = func() time.Time { return time.Now().Round(0) }

// past reports whether t has come, by either clock; a zero t never comes. The monotonic
// clock, by which Go compares times and runs timers, stands still while a machine is
// suspended, and the other one may be set back.
func past(t time.Time) bool {
	return !t.IsZero() && (!time.Now().Before(t) || !wall().Before(t.Round(0)))
}

// earliest returns the earliest of times; a zero one is no time.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// endingAt returns a context that ends at t, or ctx itself when t is zero.
func endingAt(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	if t.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, t)
}
