// Package outcome is the failure table, a pure function from a failed attempt to
// its meaning. Nothing else in the module decides whether a mail may be sent again.
package outcome

import (
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Class is the class of a failure, a row of the table.
type Class int

// The rows.
const (
	NoConnection Class = iota + 1 // 3: DNS, dial refused, unreachable, timed out
	NoSuchHost                    // 3b: the name does not exist
	BadTLS                        // 4: certificate, name or version
	BrokenTLS                     // 4b: handshake cut or timed out
	Incomplete                    // 5: the body was not handed over completely
	NoAnswer                      // 6, 7: complete, and no complete response header came
	Throttled                     // 8: 429 or the vendor's throttle code
	Unauthorized                  // 9: 401, 403
	NoCredit                      // 10: 402, credit or quota code
	Refused                       // 11: 400, 422 and other refusals of the content
	Duplicate                     // 12: the vendor has seen our key before
	Misdirected                   // 13: 404, 405, 410, 501 on a send; any 3xx
	Conflict                      // 14: 409
	TimedOut                      // 15: 408
	ServerFault                   // 16: other 5xx
	Unreadable                    // 17: 2xx that proves a success, but its id cannot be read
	NoEvidence                    // 17b: 2xx, and the body proves nothing
	NotThere                      // 13 on a read or a change: 404, the normal "not found"
	Canceled                      // 1: the caller's context ended before anything left
	Busy                          // 2: waiting for the account's own limit would take too long
	NoCredential                  // no token could be obtained, so the call was not made
	Local                         // 1: the call cannot be encoded
)

// Unclear reports whether the attempt may have been carried out, so that later
// ones are judged by the sticky rule.
func (c Class) Unclear() bool {
	switch c {
	case NoAnswer, TimedOut, ServerFault, NoEvidence:
		return true
	}
	return false
}

// Next is the action that is allowed after a failed attempt.
type Next int

// The choices.
const (
	Stop   Next = iota
	Repeat      // the same call, at the same provider; a send under a key with the same key
	Accept      // treat the call as done
)

// Input describes a failed attempt.
type Input struct {
	Class  Class
	Effect rest.Effect
	// Keyed means that the provider's own idempotency key was used and its window,
	// counted from the first attempt, is still open.
	Keyed bool
	// Unclear means that an earlier attempt of the same message was NoAnswer,
	// TimedOut, ServerFault or NoEvidence. Then only success or Duplicate settles
	// it.
	Unclear bool
}

// Verdict is the result of the table.
type Verdict struct {
	Next    Next
	Outcome provider.Outcome // empty for reads
	Kind    provider.Kind    // empty means that the vendor's code decides
	// Elsewhere allows another provider.
	Elsewhere bool
	// Breaker counts the failure against the provider.
	Breaker bool
}

// Decide returns the verdict of the table for in.
func Decide(in Input) Verdict {
	v := row(in)
	if in.Effect == rest.Read {
		v.Outcome = ""
		if v.Kind == provider.ErrOutcomeUnknown {
			v.Kind = provider.ErrUnavailable
		}
		return v
	}
	if in.Unclear && v.Outcome == provider.OutcomeNotSent {
		v.Outcome, v.Kind, v.Elsewhere = provider.OutcomeMaybeSent, provider.ErrOutcomeUnknown, false
	}
	if in.Unclear && in.Effect == rest.Send {
		v.Elsewhere = false
	}
	return v
}

func row(in Input) Verdict {
	repeatable := in.Effect != rest.Send || in.Keyed
	unclear := Verdict{
		Outcome: provider.OutcomeMaybeSent, Kind: provider.ErrOutcomeUnknown, Breaker: true,
	}
	if repeatable {
		unclear.Next = Repeat
	}
	notSent := Verdict{Outcome: provider.OutcomeNotSent}
	switch in.Class {
	case NoConnection, NoSuchHost, BrokenTLS, Incomplete:
		return Verdict{
			Next: Repeat, Outcome: provider.OutcomeNotSent, Kind: provider.ErrUnavailable,
			Elsewhere: true, Breaker: true,
		}
	case BadTLS:
		return Verdict{
			Outcome: provider.OutcomeNotSent, Kind: provider.ErrUnavailable, Elsewhere: true,
			Breaker: true,
		}
	case NoAnswer, TimedOut, ServerFault, NoEvidence:
		return unclear
	case Throttled:
		return Verdict{
			Next: Repeat, Outcome: provider.OutcomeNotSent, Kind: provider.ErrRateLimited,
			Elsewhere: true,
		}
	case Unauthorized, NoCredit, Misdirected, NoCredential:
		notSent.Elsewhere = true
		return notSent
	case Busy:
		notSent.Elsewhere, notSent.Kind = true, provider.ErrRateLimited
		return notSent
	case Duplicate, Unreadable:
		return Verdict{Next: Accept, Outcome: provider.OutcomeSent, Kind: provider.ErrBadResponse}
	case Canceled:
		notSent.Kind = provider.ErrCanceled
		return notSent
	case Refused, Conflict, NotThere, Local:
		return notSent
	}
	return unclear // without proof the outcome is unclear
}
