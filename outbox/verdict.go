package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/postmux/postmux/provider"
)

// trial is a try that has ended, and what is known about those before it.
type trial struct {
	entry   *Entry
	receipt *provider.Receipt
	err     error
	// keyed: the try had a key of the provider, which is known there until keyUntil.
	keyed    bool
	keyUntil time.Time
	now      time.Time // of the database
}

// verdict is what becomes of a message after a try.
type verdict struct {
	state    State
	wait     time.Duration // until the next try, of a queued one
	unclear  bool          // some try may have sent it
	failures int
	// trouble says that the account and not the message is the reason.
	trouble trouble
}

// trouble is why an account is held.
type trouble uint8

const (
	fine      trouble = iota // the account works
	unasked                  // the try says nothing about the account
	stumbling                // the provider does not answer well: held after several in a row
	blocked                  // key, plan, credit or configuration: held at once
)

// judge decides what becomes of a message. It is the one place that does.
func judge(t trial) verdict {
	v := verdict{unclear: t.entry.Unclear, failures: t.entry.Failures}
	e, _ := errors.AsType[*provider.Error](t.err)
	switch {
	case t.receipt != nil && t.receipt.State == provider.StateScheduled:
		return verdict{state: Scheduled}
	case t.receipt != nil && taken(t.receipt.State):
		return verdict{state: Accepted}
	case e != nil && e.Outcome == provider.OutcomeSent:
		return verdict{state: Accepted}
	case e != nil && e.Kind == provider.ErrDryRun:
		return t.later(v, blocked)
	case e == nil && errors.Is(t.err, errFenced):
		v.state, v.trouble = Queued, unasked
		return v
	case e == nil || e.Outcome != provider.OutcomeNotSent:
		v.unclear = true
		return t.later(v, stumbling)
	case errors.Is(t.err, errFenced), e.Kind == provider.ErrCanceled && errors.Is(t.err, context.Canceled):
		// This process stops, or the message is another's. It was not tried.
		v.state, v.trouble = Queued, unasked
		return t.inWindow(v)
	case wrongMessage(e):
		v.state, v.trouble = Refused, unasked
		if e.Status != 0 {
			v.trouble = fine // it answered
		}
		if v.unclear {
			v.state = Unknown // an earlier try may have sent it, and this says nothing about that one
		}
		return v
	}
	return t.later(v, troubleOf(e))
}

// taken reports whether the provider has the mail, at least for some recipients.
func taken(s provider.State) bool {
	switch s {
	case provider.StateUnknown, provider.StateRefused, provider.StateBegun, StateEnqueued, "":
		return false
	}
	return true
}

// later is the verdict of a message that is to be tried again, if it may be.
func (t trial) later(v verdict, why trouble) verdict {
	v.state, v.trouble = Queued, why
	v.failures++
	v.wait = max(backoff(v.failures), provider.RetryAfter(t.err))
	v = t.inWindow(v)
	if v.state != Queued || t.entry.Expires.IsZero() || t.now.Add(v.wait).Before(t.entry.Expires) {
		return v
	}
	if v.wait = max(t.entry.Expires.Sub(t.now)-time.Second, 0); v.wait > 0 {
		return v // once more, just before it expires
	}
	v.state = Dead
	if v.unclear {
		v.state = Unknown
	}
	return v
}

// inWindow takes care that a message that may have been sent goes out again only while the
// provider knows its key.
func (t trial) inWindow(v verdict) verdict {
	if v.unclear && (!t.keyed || !t.now.Add(v.wait).Before(t.keyUntil)) {
		v.state, v.wait = Unknown, 0
	}
	return v
}

// wrongMessage reports whether the message itself is the reason of a refusal.
func wrongMessage(e *provider.Error) bool {
	switch e.Kind {
	case provider.ErrInvalid, provider.ErrUnsupported, provider.ErrNotFound, provider.ErrConflict:
		return true
	}
	return false
}

// troubleOf tells what an error says about the account.
func troubleOf(e *provider.Error) trouble {
	if e.Provider == driverName {
		return unasked // of the database
	}
	switch e.Kind {
	case provider.ErrUnauthorized, provider.ErrForbidden, provider.ErrNoCredit, provider.ErrConfig:
		return blocked
	case provider.ErrUnavailable, provider.ErrBadResponse, provider.ErrOutcomeUnknown:
		return stumbling
	}
	return unasked
}

// backoffs are the waits after the first, the second … failure in a row.
var backoffs = []time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
}

// backoff is the wait after a number of failures in a row.
func backoff(failures int) time.Duration {
	if failures > len(backoffs) {
		return time.Hour
	}
	return backoffs[max(failures, 1)-1]
}
