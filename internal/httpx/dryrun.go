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
}

func (l *dryRun) do(_ context.Context, x exchange) (*Answer, *failure) {
	l.show(l.describe.request(x.call, l.secrets))
	return nil, &failure{outcome.Local, &provider.Error{
		Kind: provider.ErrDryRun, Outcome: provider.OutcomeNotSent, Message: "the request is shown, not sent",
	}}
}
