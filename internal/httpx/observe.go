package httpx

import (
	"context"
	"time"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/internal/tries"
	"github.com/postmux/postmux/provider"
)

// observer counts each request and calls the program's hook after it.
type observer struct {
	linked
	provider, account string
	requestID         string // header in which the vendor names the request
	hook              func(context.Context, provider.TryEvent)
	describe          describer
}

func (l *observer) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if l.hook == nil && !tries.Counted(ctx) {
		return l.next.do(ctx, x) // reading the clock takes longer than most links
	}
	start := time.Now()
	a, f := l.next.do(ctx, x)
	if f != nil && f.class == outcome.Local {
		return a, f // no request was made
	}
	tries.Add(ctx, x.waited, x.backoff)
	if l.hook == nil {
		return a, f
	}
	call, secrets := x.call, x.secrets // all of x that Describe may keep
	event := provider.TryEvent{
		Provider: l.provider, Account: l.account,
		Operation: call.Operation, Method: call.Method, Route: call.Route,
		Try: x.attempt, Waited: x.waited, Backoff: x.backoff, Took: time.Since(start),
		Describe: func() (provider.WireRequest, provider.WireResponse) {
			return l.describe.request(call, secrets), l.describe.answer(call, a, secrets)
		},
	}
	if a != nil {
		event.Status, event.RequestID = a.Status, text.OneLine(secrets.Text(a.Header.Get(l.requestID)))
	}
	if f != nil {
		own := *f.err // of this attempt alone: the earlier ones do not change it
		(&failure{f.class, &own}).applyTable(outcome.Input{Effect: call.Effect})
		event.Err, event.Outcome = &own, own.Outcome
	}
	l.hook(ctx, event)
	return a, f
}
