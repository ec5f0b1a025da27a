package httpx

import (
	"context"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// limiter keeps the account's limits. A call waits for the bucket of its class,
// and an answer that reports a used-up limit pauses the bucket.
type limiter struct {
	linked
	limits  Limits
	buckets map[string]*bucket // by class
}

func (l *limiter) do(ctx context.Context, x exchange) (*Answer, *failure) {
	b := l.bucketOf(x.call)
	if b == nil {
		return l.next.do(ctx, x)
	}
	bounded, cancel := endingAt(ctx, x.notAfter)
	waited, e := b.wait(bounded)
	cancel()
	if e != nil {
		if e.Kind == provider.ErrCanceled {
			return nil, &failure{outcome.Canceled, e}
		}
		return nil, &failure{outcome.Busy, e}
	}
	x.waited = waited
	a, f := l.next.do(ctx, x)
	l.pauseAfter(b, a, f)
	return a, f
}

func (l *limiter) bucketOf(call *rest.Call) *bucket {
	if len(l.buckets) == 0 {
		return nil
	}
	return l.buckets[l.limits.Class(call)]
}

// pauseAfter pauses b when the answer says that no calls are left, or that there
// were too many.
func (l *limiter) pauseAfter(b *bucket, a *Answer, f *failure) {
	if a == nil {
		return
	}
	if l.limits.Left != nil {
		if left, reset, ok := l.limits.Left(a); ok && left == 0 && reset > 0 {
			b.pause(reset)
		}
	}
	if f != nil && f.class == outcome.Throttled && f.err.RetryAfter > 0 {
		b.pause(f.err.RetryAfter)
	}
}
