package begun

import (
	"context"
	"time"
)

type notAfterKey struct{}

// NotAfter returns a context under which no request that may send begins to leave after t:
// who sends mail again after a crash, under a key that the provider knows for a time, must
// not do so later. No wait for a limit, a token or a repeat goes on beyond t, and the
// transport looks once more when it takes the body. An answer may come later. A bound of
// the context around that is earlier stays. What is kept back fails with ErrOver.
func NotAfter(ctx context.Context, t time.Time) context.Context {
	if outer := Until(ctx); !outer.IsZero() && outer.Before(t) {
		return ctx
	}
	return context.WithValue(ctx, notAfterKey{}, t)
}

// Until returns the bound of ctx, zero for none.
func Until(ctx context.Context) time.Time {
	t, _ := ctx.Value(notAfterKey{}).(time.Time)
	return t
}

// ErrOver is the cause of what NotAfter has kept back. To errors.Is it is
// context.DeadlineExceeded.
var ErrOver error = over{}

type over struct{}

func (over) Error() string {
	return "the time in which the mail may be sent under its key is over"
}

func (over) Is(target error) bool { return target == context.DeadlineExceeded }
