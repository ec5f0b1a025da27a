package httpx

import (
	"context"
	"errors"
	"time"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// pauseBound is how long an answer waits until a shared limiter knows of a pause.
const pauseBound = 2 * time.Second

// limiter keeps the account's limits. A call waits for the limit of its class, and an
// answer that reports a used-up limit pauses it.
type limiter struct {
	linked
	limits Limits
	gates  map[string]*gate // by class

	shared            provider.Limiter // the program's, nil when the process keeps the limits
	provider, account string
	failed            func(context.Context, provider.LimitEvent) // the program's hook
}

func (l *limiter) do(ctx context.Context, x exchange) (*Answer, *failure) {
	g := l.gateOf(x.call)
	if g == nil {
		return l.next.do(ctx, x)
	}
	bounded, cancel := endingAt(ctx, earliest(x.notAfter, x.letGo))
	waited, e := l.wait(bounded, g)
	cancel()
	if e != nil && ctx.Err() == nil && (e.Kind == provider.ErrCanceled ||
		e.Message == onlyLater && beyondDeadline(ctx, e.RetryAfter) == nil) { // it was the bound
		if x.boundBy(x.letGo) {
			return nil, tooLate("the account's own limit lets it out only later", begun.ErrOver)
		}
		e = &provider.Error{
			RetryAfter: e.RetryAfter, Message: "the account's own limit keeps it for longer than it may wait",
		}
	}
	if e != nil {
		if e.Kind == provider.ErrCanceled {
			return nil, &failure{outcome.Canceled, e}
		}
		return nil, &failure{outcome.Busy, e}
	}
	x.waited = waited
	a, f := l.next.do(ctx, x)
	if d := l.pauseAfter(a, f); d > 0 {
		l.pause(ctx, g, d)
	}
	return a, f
}

func (l *limiter) gateOf(call *rest.Call) *gate {
	if len(l.gates) == 0 {
		return nil
	}
	return l.gates[l.limits.Class(call)]
}

// wait waits until the call may go out and returns for how long it did.
func (l *limiter) wait(ctx context.Context, g *gate) (time.Duration, *provider.Error) {
	if l.shared == nil {
		return g.wait(ctx, 1)
	}
	start := time.Now()
	err := l.shared.Acquire(ctx, g.slot, 1)
	if err == nil {
		return time.Since(start), nil
	}
	e := keptBack(ctx, err)
	if e == nil {
		// Mail goes on without the shared limit: a vendor's 429 loses nothing, and a limiter
		// whose database is away must not be what stops all mail.
		l.tell(ctx, g, err)
		_, e = g.wait(ctx, 1)
	}
	return time.Since(start), e
}

// keptBack returns the error of a call that a shared limiter has kept back, nil when the
// limiter could not tell.
func keptBack(ctx context.Context, err error) *provider.Error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return nil
	}
	own := *e // the limiter may give the same one to every call
	own.Status = 0
	return &own
}

// pauseAfter is how long no calls may go out, because the answer says that none are left,
// or that there were too many.
func (l *limiter) pauseAfter(a *Answer, f *failure) time.Duration {
	var d time.Duration
	if a == nil {
		return 0
	}
	if l.limits.Left != nil {
		if left, reset, ok := l.limits.Left(a); ok && left == 0 {
			d = reset
		}
	}
	if f != nil && f.class == outcome.Throttled {
		d = max(d, f.err.RetryAfter)
	}
	return min(d, maxHint)
}

// pause holds in this process too: it is the limit that counts while the shared limiter
// is away.
func (l *limiter) pause(ctx context.Context, g *gate, d time.Duration) {
	g.pause(d)
	if l.shared == nil {
		return
	}
	// The call may have used up its time; the others of the account have not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pauseBound)
	defer cancel()
	if err := l.shared.Pause(ctx, g.slot, d); err != nil {
		l.tell(ctx, g, err)
	}
}

// tell calls the program's hook for a failure of the shared limiter.
func (l *limiter) tell(ctx context.Context, g *gate, err error) {
	if l.failed != nil {
		l.failed(ctx, provider.LimitEvent{
			Provider: l.provider, Account: l.account, Slot: g.slot, Err: err,
		})
	}
}
