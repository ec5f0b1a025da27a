package httpx

import (
	"context"
	"errors"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// repeatableAnswer bounds the wait for an answer where the same call may be made again
// without harm: then a second try is better than a longer wait.
const repeatableAnswer = 30 * time.Second

// errNoAnswer is the cause of an attempt that answerBound has ended. It is none of the
// context errors, which tell a program that its own context has ended.
var errNoAnswer = errors.New("no answer within answer_timeout")

// answerBound ends a try whose answer does not come in time. The time counts from the
// moment at which the request was handed over: how long a large mail takes to leave
// depends on the line and says nothing about the vendor.
type answerBound struct {
	linked
	given time.Duration // the account's, 0 for the default
}

func (l *answerBound) do(ctx context.Context, x exchange) (*Answer, *failure) {
	bound := l.of(x.call)
	if bound == 0 {
		return l.next.do(ctx, x)
	}
	x.body.expectAnswer(bound, x.cancel)
	a, f := l.next.do(ctx, x)
	x.body.answered()
	return a, f
}

// of returns the bound for call, 0 when only the deadline of the whole call counts:
// mail and changes that a late answer may still settle.
func (l *answerBound) of(call *rest.Call) time.Duration {
	switch {
	case l.given > 0:
		return l.given
	case call.Effect == rest.Read, call.KeyWindow > 0:
		return repeatableAnswer
	}
	return 0
}

// noAnswerInTime returns the error of a try that the bound has ended.
func noAnswerInTime(call *rest.Call, base string) *provider.Error {
	return &provider.Error{Message: place(call, base) + ": " + errNoAnswer.Error(), Err: errNoAnswer}
}
