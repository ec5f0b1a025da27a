package httpx

import (
	"context"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// classifier decides whether an answer is a success. The adapter reads the
// vendor's error; the table of statuses says what it means for the call.
type classifier struct {
	linked
	classify func(*Answer) *provider.Error // the adapter's, nil for a success
	header   headerReader
}

func (l *classifier) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f == nil {
		f = l.failureOf(x.call.Effect, a)
	}
	if f != nil && a != nil {
		l.header.annotate(f.err, a)
	}
	return a, f
}

// failureOf returns nil for a success.
func (l *classifier) failureOf(effect rest.Effect, a *Answer) *failure {
	e := l.errorOf(a)
	if e == nil {
		return nil
	}
	return &failure{classOf(effect, a.Status, e.Kind), e}
}

// errorOf returns what the adapter makes of the answer, with two exceptions: the
// adapter is not asked about a redirect, and an answer outside 2xx is an error
// even when the adapter finds none.
func (l *classifier) errorOf(a *Answer) *provider.Error {
	if a.Status >= 300 && a.Status <= 399 {
		return &provider.Error{
			Kind:    KindOfStatus(a.Status),
			Message: "the answer is a redirect, which is never followed; check base_url",
		}
	}
	e := l.classify(a)
	if e == nil && !a.OK() {
		e = &provider.Error{}
	}
	return e
}
