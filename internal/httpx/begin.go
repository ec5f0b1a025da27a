package httpx

import (
	"context"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// beginner tells whoever keeps a journal that a call which may send, or change something,
// leaves now. When that cannot be written down, the call is not made.
type beginner struct {
	linked
	account string
}

func (l *beginner) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if x.call.Effect == rest.Read {
		return l.next.do(ctx, x)
	}
	if err := begun.Call(ctx, l.account); err != nil {
		return nil, &failure{outcome.Local, &provider.Error{
			Kind: provider.ErrCanceled, Message: "not begun: " + err.Error(), Err: err,
		}}
	}
	a, f := l.next.do(ctx, x)
	if f != nil {
		// An attempt that provably did nothing, such as one that got a 429, waits again.
		v := outcome.Decide(outcome.Input{Class: f.class, Effect: x.call.Effect})
		if v.Next == outcome.Repeat && v.Outcome == provider.OutcomeNotSent {
			begun.KeptBack(ctx, l.account)
		}
	}
	return a, f
}
