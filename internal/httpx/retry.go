package httpx

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

// Numbers of the repeats. A hint of the vendor longer than maxWait is not waited
// for: the error tells it.
const (
	maxAttempts = 4
	firstWait   = 500 * time.Millisecond
	longestWait = 20 * time.Second
	maxWait     = 60 * time.Second
	// budgetRate and budgetBurst bound the repeats of a client: when a vendor
	// is down, a program with much to do must not make it worse.
	budgetRate  = 10
	budgetBurst = 50
)

// failure is an attempt that failed: its row of the table, and the error so far.
type failure struct {
	class outcome.Class
	err   *provider.Error
}

// history is what is known of the earlier attempts of a call.
type history struct {
	first   time.Time // when the first attempt began
	unclear bool      // one of them may have been carried out
}

// keyed reports whether the vendor still knows the call's idempotency key.
func (h history) keyed(call *rest.Call) bool {
	return call.KeyWindow > 0 && time.Since(h.first) < call.KeyWindow
}

// bound ends ctx with the key's window once a send may have gone out: whatever
// the later attempts met, a repeat that begins after the window could send twice.
func (h history) bound(ctx context.Context, call *rest.Call) (context.Context, context.CancelFunc) {
	if !h.unclear || call.Effect != rest.Send {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, h.first.Add(call.KeyWindow))
}

// newBackoff grows from half a second and draws evenly between nothing and the
// interval, so that callers who failed together do not come back together.
func newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: firstWait / 2, RandomizationFactor: 1, Multiplier: 2, MaxInterval: longestWait / 2}
}

func newBudget() *rate.Limiter { return rate.NewLimiter(budgetRate, budgetBurst) }

// exchange carries the call out, and again as far as the failure table, the
// budget and the context allow.
func (c *Chain) exchange(ctx context.Context, call *rest.Call) (*Answer, error) {
	h := history{first: time.Now()}
	var pace *backoff.ExponentialBackOff
	for attempt := 1; ; attempt++ {
		inWindow, cancel := h.bound(ctx, call)
		a, f := c.admitted(ctx, inWindow, call, attempt)
		cancel()
		if f == nil {
			return a, nil
		}
		keyed := h.keyed(call)
		verdict := complete(f, outcome.Input{Class: f.class, Effect: call.Effect, Keyed: keyed, Unclear: h.unclear})
		h.unclear = h.unclear || f.class.Unclear()
		if verdict.Next != outcome.Repeat || attempt >= c.attempts || f.class == outcome.NoSuchHost && attempt > 1 {
			return a, f.err
		}
		if pace == nil {
			pace = newBackoff()
		}
		wait := max(pace.NextBackOff(), f.err.RetryAfter)
		if wait > maxWait || !c.budget.Allow() {
			return a, f.err
		}
		inWindow, cancel = h.bound(ctx, call)
		late := sleep(inWindow, wait)
		cancel()
		if late != nil {
			return a, f.err
		}
	}
}

// admitted waits for the limit, as long as inWindow lasts, and makes one attempt.
func (c *Chain) admitted(ctx, inWindow context.Context, call *rest.Call, number int) (*Answer, *failure) {
	waited, f := c.admit(inWindow, call)
	if f != nil {
		return nil, f
	}
	a, f := c.authorized(ctx, call, number, waited)
	c.heed(call, a, f)
	return a, f
}
