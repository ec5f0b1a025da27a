package httpx

import (
	"context"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/provider"
)

// dryRun shows a call instead of sending it. It is the last link of its chain.
type dryRun struct {
	linked
	show     func(provider.WireRequest)
	describe describer
	secrets  *scrub.Scrubber
	limits   Limits
}

func (l *dryRun) do(_ context.Context, x exchange) (*Answer, *failure) {
	r := l.describe.request(x.call, l.secrets)
	if len(l.limits.ByClass) > 0 {
		r.PerSecond = float64(l.limits.ByClass[l.limits.Class(x.call)].Rate)
	}
	l.show(r)
	return nil, &failure{outcome.Local, &provider.Error{
		Kind: provider.ErrDryRun, Outcome: provider.OutcomeNotSent, Message: "the request is shown, not sent",
	}}
}
