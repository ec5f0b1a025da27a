package provider

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// streak counts calls in a row whose outcome is unknown. It is safe for
// concurrent use.
type streak struct{ n atomic.Int32 }

// ends returns the error that every further call would meet too, or the last of
// so many unknown outcomes that something is wrong in general. errOf are the
// errors of the n results of one call. What was refused on this side, or kept
// back for the outcome of an earlier run, says nothing about the provider.
func (s *streak) ends(n int, errOf func(i int) error) error {
	const most = 5
	var unknown error
	answered := false
	for i := range n {
		err := errOf(i)
		if fatal(err) {
			return err
		}
		var e *Error
		switch {
		case !errors.As(err, &e):
			answered = true
		case e.Local(), e.Kind == ErrOutcomeUnknown && e.Field == keyField:
		case e.Kind == ErrOutcomeUnknown:
			unknown = err
		default:
			answered = true
		}
	}
	switch {
	case answered:
		s.n.Store(0)
	case unknown != nil && s.n.Add(1) >= most:
		return unknown
	}
	return nil
}

// fatal reports whether the next message or row would meet the same error.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	switch kindOf(err) {
	case ErrInvalid, ErrUnsupported, ErrConflict, ErrNotFound, ErrOutcomeUnknown, ErrDryRun:
		return false
	case ErrBadResponse: // a redirect is about the provider's address, not about what was sent there
		e := errorOf(err)
		return e != nil && e.Status >= 300 && e.Status <= 399
	}
	return true
}

// untried makes err an *Error when it is the bare one of a context that ended
// before the call.
func (c *Client) untried(op string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return notTried(c, op, err)
}

// notTried is the error of an item that was read when it turned out that going
// on is of no use.
func notTried(c *Client, op string, why error) *Error {
	e := &Error{Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: op, Outcome: NotSent, Message: "not tried after the error before"}
	if errors.Is(why, context.Canceled) || errors.Is(why, context.DeadlineExceeded) {
		e.Message, e.Err = "not tried: "+why.Error(), why
	}
	return e
}

// limitWait is how long a batch or an import waits for a limit of the provider.
const limitWait = 5 * time.Minute

// patiently makes a call again that the provider's limit has kept back, after the
// time it names.
func patiently(ctx context.Context, call func() error) error {
	for waited := time.Duration(0); ; {
		err := call()
		var e *Error
		if !errors.As(err, &e) || e.Kind != ErrRateLimited || e.Outcome != NotSent || e.RetryAfter <= 0 || waited+e.RetryAfter > limitWait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(e.RetryAfter):
			waited += e.RetryAfter
		}
	}
}
