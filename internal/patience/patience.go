// Package patience tells the transport until when a message may wait, while it is proved
// that nothing was sent: a route has another member that is ready for it.
package patience

import (
	"context"
	"time"
)

type key struct{}

// With returns a context under which no wait for a limit and no repeat ends after until.
func With(ctx context.Context, until time.Time) context.Context {
	return context.WithValue(ctx, key{}, until)
}

// Without takes the bound off again, also that of a context around.
func Without(ctx context.Context) context.Context {
	if Of(ctx).IsZero() {
		return ctx
	}
	return With(ctx, time.Time{})
}

// Of returns the bound of ctx, zero for none.
func Of(ctx context.Context) time.Time {
	until, _ := ctx.Value(key{}).(time.Time)
	return until
}
