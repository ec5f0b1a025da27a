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
	gates    map[string]*gate
}

func (l *dryRun) do(_ context.Context, x exchange) (*Answer, *failure) {
	r := l.describe.request(x.call, l.secrets)
	if len(l.gates) > 0 {
		if g := l.gates[l.limits.Class(x.call)]; g != nil {
			r.PerSecond = g.slot.PerSecond
		}
	}
	l.show(r)
	return nil, &failure{outcome.Local, &provider.Error{
		Kind: provider.ErrDryRun, Outcome: provider.OutcomeNotSent, Message: "the request is shown, not sent",
	}}
}
