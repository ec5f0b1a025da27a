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
type beginner struct{ linked }

func (l *beginner) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if x.call.Effect == rest.Read {
		return l.next.do(ctx, x)
	}
	if err := begun.Call(ctx); err != nil {
		return nil, &failure{outcome.Local, &provider.Error{
			Kind: provider.ErrCanceled, Message: "not begun: " + err.Error(), Err: err,
		}}
	}
	return l.next.do(ctx, x)
}
