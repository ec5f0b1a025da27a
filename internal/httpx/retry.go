package httpx

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/patience"
	"github.com/postmux/postmux/rest"
)

// Numbers of the repeats. A hint of the vendor longer than maxWait is not waited
// for: it is in the error.
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

// newBackoff grows from half a second and draws evenly between nothing and the
// interval, so that callers who failed together do not come back together.
func newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: firstWait / 2, RandomizationFactor: 1, Multiplier: 2, MaxInterval: longestWait / 2,
	}
}

func newBudget() *rate.Limiter { return rate.NewLimiter(budgetRate, budgetBurst) }

// retrier makes the attempts of a call: one, and more as far as the failure
// table, the budget and the context allow.
type retrier struct {
	linked
	timeout  time.Duration // of a call with all its attempts and waits
	attempts int           // of one call, the first included
	budget   *rate.Limiter
}

func (l *retrier) do(ctx context.Context, x exchange) (*Answer, *failure) {
	began := time.Now()
	keyEnds := began.Add(x.call.KeyWindow)
	x.ends = began.Add(l.timeout)
	x.letGo = patience.Of(ctx)
	if x.call.Effect == rest.Send {
		x.until = begun.Until(ctx)
		x.notAfter = x.until
	}
	unclear := false // an earlier attempt may have been carried out
	var pace *backoff.ExponentialBackOff
	for x.attempt = 1; ; x.attempt++ {
		a, f := l.next.do(ctx, x)
		if f == nil {
			return a, nil
		}
		verdict := f.applyTable(outcome.Input{
			Effect: x.call.Effect, Keyed: !past(keyEnds), Unclear: unclear,
		})
		unclear = unclear || f.class.Unclear()
		if verdict.Next != outcome.Repeat || x.attempt >= l.attempts ||
			f.class == outcome.NoSuchHost && x.attempt > 1 {
			return a, f
		}
		if unclear {
			x.letGo = time.Time{} // it stays here, however long that takes
		}
		if unclear && x.call.Effect == rest.Send {
			// Whatever the later attempts meet, one that begins after the key's window could
			// send twice.
			x.notAfter = earliest(keyEnds, x.until)
		}
		if pace == nil {
			pace = newBackoff()
		}
		wait := max(pace.NextBackOff(), f.err.RetryAfter)
		if wait > maxWait || tooLong(x.letGo, wait) || !l.budget.Allow() {
			return a, f
		}
		bounded, cancel := context.WithDeadline(ctx, earliest(x.ends, x.notAfter))
		late := sleep(bounded, wait)
		x.backoff = wait
		cancel()
		if late != nil || past(x.notAfter) {
			if x.boundBy(x.ends) {
				f.err.Message = strings.TrimPrefix(f.err.Message+"; it is not tried again: "+begun.ErrOver.Error(), "; ")
				f.err.Err = errors.Join(f.err.Err, begun.ErrOver)
			}
			return a, f
		}
	}
}

// tooLong reports whether a wait that begins now ends after letGo.
func tooLong(letGo time.Time, wait time.Duration) bool {
	return !letGo.IsZero() && time.Until(letGo) < wait
}
