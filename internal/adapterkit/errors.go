package adapterkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Taken reports whether a failed call was carried out, and only its answer is of no
// use.
func Taken(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Outcome == provider.OutcomeSent
}

// Midway returns the error of a change whose steps are calls of their own, when a
// step ends with err after done others: then the change as a whole is neither made
// nor refused. The text, a format with args, says what was done; it stands before
// the text of err. err itself is returned when nothing was done before it.
func Midway(err error, done int, format string, args ...any) error {
	if err == nil || done == 0 || Taken(err) {
		return err
	}
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		e = &provider.Error{Kind: provider.ErrOutcomeUnknown, Message: err.Error(), Err: err}
	}
	c := *e
	c.Outcome, c.Elsewhere = provider.OutcomeMaybeSent, false
	c.Message = text.Because(fmt.Sprintf(format, args...), e.Message)
	return &c
}

// Limited reports whether a limit kept the call back, so that nothing was done.
func Limited(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Kind == provider.ErrRateLimited && e.Outcome == provider.OutcomeNotSent
}

// Patiently makes a call again that a limit has kept back, after the time that the
// provider names, or after waits that grow. It waits for up to five minutes in all, and
// not beyond ctx.
func Patiently(ctx context.Context, call func() error) error {
	return flow.Patiently(ctx, call, func(err error) (time.Duration, bool) {
		return provider.RetryAfter(err), Limited(err)
	})
}

// AboutItem reports whether err is about one message, address or row, so that the
// next one need not meet it too.
func AboutItem(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case provider.ErrInvalid, provider.ErrConflict, provider.ErrNotFound, provider.ErrOutcomeUnknown,
		provider.ErrBadResponse, provider.ErrDryRun:
		return true
	}
	return false
}

// Conflict is the refusal of a change that would undo what somebody decided. It is
// ours, not the provider's.
func Conflict(field, message string) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Field: field, Message: message,
	}
}

// NoListID is the error for a list that was made, when the answer has no id of it.
func NoListID() error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Outcome: provider.OutcomeSent,
		Message: "the list was made, but the answer has no id; look for its name",
	}
}
