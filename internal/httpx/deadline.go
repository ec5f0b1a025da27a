package httpx

import (
	"context"
)

// deadline ends an attempt, with its waits, at the end of the whole call. A call whose
// context is over is not begun.
type deadline struct{ linked }

func (l *deadline) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if err := ctx.Err(); err != nil {
		return nil, canceled(err)
	}
	ctx, x.cancel = context.WithDeadline(ctx, x.ends)
	defer x.cancel()
	return l.next.do(ctx, x)
}
