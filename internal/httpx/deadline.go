package httpx

import (
	"context"
	"time"

	"github.com/postmux/postmux/internal/outcome"
)

// deadline bounds a call in time, with all its attempts and waits. A call whose
// context is over is not begun.
type deadline struct {
	linked
	timeout time.Duration
}

func (l *deadline) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if err := ctx.Err(); err != nil {
		f := canceled(err)
		f.applyTable(outcome.Input{Effect: x.call.Effect})
		return nil, f
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.next.do(ctx, x)
}
