package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Kind says what is wrong, in the same words for every provider. Kinds are
// sentinel errors: errors.Is(err, provider.ErrNotFound).
type Kind string

// The kinds of Error.
const (
	// ErrConfig: the configuration is wrong. Always local.
	ErrConfig Kind = "config"
	// ErrInvalid: the message or contact is wrong; local when Status is 0.
	ErrInvalid Kind = "invalid"
	// ErrUnsupported: the provider has no such feature; it also matches
	// errors.ErrUnsupported. Always local: no request was made.
	ErrUnsupported Kind = "unsupported"
	// ErrUnauthorized: the key is wrong, or not allowed from this IP address.
	ErrUnauthorized Kind = "unauthorized"
	// ErrForbidden: the account may not do this: plan, sender not verified.
	ErrForbidden Kind = "forbidden"
	// ErrNoCredit: credits or quota are used up.
	ErrNoCredit Kind = "no_credit"
	// ErrRateLimited: too many calls; RetryAfter says how long, when known.
	ErrRateLimited Kind = "rate_limited"
	// ErrNotFound: the contact, list, message or template is not there.
	ErrNotFound Kind = "not_found"
	// ErrConflict: it exists already, or is in a state that forbids the call.
	ErrConflict Kind = "conflict"
	// ErrUnavailable: the provider could not be reached or is out of order,
	// and the call had no effect.
	ErrUnavailable Kind = "unavailable"
	// ErrOutcomeUnknown: the request left and no usable answer came. The mail
	// may have been sent; sending it again may send it twice.
	ErrOutcomeUnknown Kind = "outcome_unknown"
	// ErrBadResponse: the provider answered what its documents do not allow.
	ErrBadResponse Kind = "bad_response"
	// ErrCanceled: the context ended before the request left.
	ErrCanceled Kind = "canceled"
	// ErrDryRun: a dry run stopped before sending.
	ErrDryRun Kind = "dry_run"
	// ErrInternal: a bug of this library or of an adapter.
	ErrInternal Kind = "internal"
)

// Error returns the kind in words.
func (k Kind) Error() string { return strings.ReplaceAll(string(k), "_", " ") }

// Is makes ErrUnsupported match errors.ErrUnsupported.
func (k Kind) Is(target error) bool {
	return k == ErrUnsupported && target == errors.ErrUnsupported
}

// Outcome says what a failed call did at the provider.
type Outcome string

// The outcomes of a failed call. Reads have none.
const (
	NotSent   Outcome = "not_sent"
	MaybeSent Outcome = "maybe_sent"
	Sent      Outcome = "sent"
)

// Error is the one error type of this module. Its texts and fields never hold
// a credential. Context errors that came before any work are returned bare;
// those that interrupted a request are inside Err.
type Error struct {
	Kind     Kind
	Provider string // driver name: "brevo"
	Account  string // name in the configuration: "main"
	Op       string // "send", "contacts.get" …
	Outcome  Outcome
	// Elsewhere says that another provider may be tried: this one did not act
	// and the reason lies with it, not with the message.
	Elsewhere  bool
	Status     int    // HTTP status; 0 means the provider did not answer
	Code       string // the provider's own code
	Message    string // the provider's own words, or ours
	RequestID  string
	RetryAfter time.Duration
	Field      string  // JSON name of the wrong field, "to[0].email"
	Feature    Feature // what is not supported
	Err        error   // cause, if any
}

// Invalid returns a local error about a field; nothing was sent.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Kind: ErrInvalid, Outcome: NotSent, Field: field, Message: fmt.Sprintf(format, args...)}
}

// ofAccount marks a local error whose reason lies with the account: another one
// may take the message.
func ofAccount(e *Error) *Error {
	e.Elsewhere = true
	return e
}

// At returns a copy of e whose Field is below path: the error about a part
// becomes one about the whole.
func (e *Error) At(path string) *Error {
	c := *e
	c.Field = path + c.Field
	return &c
}

// atField is At for an error that is known to be an *Error or nil.
func atField(path string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.At(path)
	}
	return err
}

// Unsupported returns the error for a feature the provider does not have.
func Unsupported(f Feature, format string, args ...any) *Error {
	return &Error{Kind: ErrUnsupported, Outcome: NotSent, Elsewhere: true, Feature: f, Message: fmt.Sprintf(format, args...)}
}

// Local reports whether the call was stopped here, before any request.
func (e *Error) Local() bool {
	switch e.Kind {
	case ErrConfig, ErrUnsupported:
		return true
	case ErrInvalid:
		return e.Status == 0
	}
	return false
}

// Error is one line: where, what, and what became of the call.
func (e *Error) Error() string {
	var b strings.Builder
	area := ""
	if e.Kind == ErrConfig {
		area = "configuration"
	}
	for _, part := range []string{e.who(), e.Op, area, text.OneLine(e.Field), e.what()} {
		if part != "" {
			if b.Len() > 0 {
				b.WriteString(": ")
			}
			b.WriteString(part)
		}
	}
	var facts []string
	if e.Status != 0 {
		facts = append(facts, fmt.Sprintf("status %d", e.Status))
	}
	if e.Code != "" {
		facts = append(facts, "code "+e.Code)
	}
	if e.RequestID != "" {
		facts = append(facts, "request "+e.RequestID)
	}
	if e.RetryAfter > 0 {
		facts = append(facts, "try again in "+e.RetryAfter.Round(time.Second).String())
	}
	if len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	b.WriteString(e.became())
	if e.Status == 0 {
		return b.String()
	}
	return text.OneLine(b.String()) // the vendor's words are in it
}

// changes reports whether op changes contacts or lists, not mail.
func changes(op string) bool {
	return strings.HasPrefix(op, "contacts.") || strings.HasPrefix(op, "lists.") || strings.HasPrefix(op, "suppressions.")
}

// became says what became of the call, in the words of its operation.
func (e *Error) became() string {
	verb := "sent"
	switch {
	case slices.Contains(readOps, e.Op):
		return ""
	case e.Op == "cancel":
		verb = "canceled"
	case strings.HasPrefix(e.Op, "contacts.") || strings.HasPrefix(e.Op, "lists.") || strings.HasPrefix(e.Op, "suppressions."):
		verb = "changed"
	}
	switch e.Outcome {
	case NotSent:
		return "; nothing was " + verb
	case MaybeSent:
		return "; it may have been " + verb
	case Sent:
		return "; it was " + verb
	}
	return ""
}

func (e *Error) who() string {
	if e.Account == "" || e.Account == e.Provider {
		return e.Provider
	}
	return e.Account + " (" + e.Provider + ")"
}

func (e *Error) what() string {
	var parts []string
	switch {
	case e.Feature != "":
		parts = append(parts, string(e.Feature)+" is not supported")
	case e.Kind != ErrConfig && (e.Kind != ErrInvalid || e.Field == ""):
		parts = append(parts, e.Kind.Error())
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil && e.Message == "" {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives errors.Is the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// MarshalJSON writes the form that the command-line tool prints.
func (e *Error) MarshalJSON() ([]byte, error) {
	message := e.Message
	if message == "" && e.Err != nil {
		message = e.Err.Error()
	}
	outcome := e.Outcome
	if outcome == "" {
		outcome = NotSent
	}
	return json.Marshal(wireError{e.Kind, e.Provider, e.Account, e.Op, outcome, e.Status, e.Code, message, e.RequestID, e.RetryAfter.Seconds(), e.Field, e.Feature})
}

// readOps change nothing at the provider.
var readOps = []string{"status", "settle", "check", "contacts.get", "contacts.list", "lists.list", "suppressions.list"}

// asError gives err the operation and the account it belongs to. A context
// error stays bare: nothing is known to be wrong.
func asError(err error, prov, account, op string) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		e = &Error{Kind: ErrInternal, Outcome: MaybeSent, Err: err}
		if slices.Contains(readOps, op) {
			e.Outcome = ""
		}
	}
	c := *e
	if c.Provider == "" {
		c.Provider = prov
	}
	if c.Account == "" {
		c.Account = account
	}
	if c.Op == "" {
		c.Op = op
	}
	if c.Outcome == "" && !slices.Contains(readOps, op) && changes(op) {
		c.Outcome = NotSent // the look before the change failed
	}
	return &c
}
