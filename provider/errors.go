package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Kind classifies an error, with the same values for every provider. Kinds are
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
	// ErrRateLimited: too many requests; RetryAfter is the time to wait, when
	// known.
	ErrRateLimited Kind = "rate_limited"
	// ErrNotFound: there is no such contact, list, message or template.
	ErrNotFound Kind = "not_found"
	// ErrConflict: it exists already, or is in a state that forbids the call.
	ErrConflict Kind = "conflict"
	// ErrUnavailable: the provider could not be reached or does not work, and the
	// call had no effect.
	ErrUnavailable Kind = "unavailable"
	// ErrOutcomeUnknown: the request left and no usable response came. The mail may
	// have been sent; sending it again may send it twice.
	ErrOutcomeUnknown Kind = "outcome_unknown"
	// ErrBadResponse: the response differs from the provider's documents.
	ErrBadResponse Kind = "bad_response"
	// ErrCanceled: the context ended before a request left. The error also matches
	// context.Canceled or context.DeadlineExceeded.
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

// Outcome is the effect that a failed call had at the provider.
type Outcome string

// The outcomes of a failed call. Reads have none.
const (
	OutcomeNotSent   Outcome = "not_sent"   // nothing was done at the provider
	OutcomeMaybeSent Outcome = "maybe_sent" // it is not known whether it was done
	// OutcomeSent: it was done, and only the response could not be read. Together with
	// ErrConflict: it was done, except for the part that the error names.
	OutcomeSent Outcome = "sent"
)

// Error is the one error type of this module. Its texts and fields never hold a
// credential.
type Error struct {
	Kind     Kind
	Provider string // driver name: "brevo"
	Account  string // name in the configuration: "main"
	Op       Op     // "send", "contacts.get" …
	Outcome  Outcome
	// Elsewhere reports that another provider may be tried: this one did not act,
	// and the reason is not the message.
	Elsewhere  bool
	Status     int    // HTTP status; 0 means the provider did not answer
	Code       string // the provider's own code
	Message    string // the provider's text, or this library's
	RequestID  string
	RetryAfter time.Duration // how long the provider asks to wait; 0 when it does not
	Field      string        // JSON name of the wrong field, "to[0].email"
	Feature    Feature       // the feature that is not supported
	Err        error         // cause, if any
	// Members has the reason of each member of a route: first of those that were asked
	// or are in trouble, then of those that cannot take the message. It is nil when only
	// one member had a reason. The other fields of the Error are copied from one of the
	// reasons: from the one that ended the search, else from one that may pass with
	// time. errors.Is matches the kinds of all reasons when nothing was sent. When the
	// mail may have been sent it matches only the kind of the copied one, so that no
	// check for another kind leads to a second send.
	Members []*Error
}

// keyField is the JSON name of Message.IdempotencyKey.
const keyField = "idempotency_key"

// Invalid returns a local error about a field; nothing was sent.
func Invalid(field, format string, args ...any) *Error {
	return &Error{
		Kind: ErrInvalid, Outcome: OutcomeNotSent, Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}

// Unsupported returns the error for a feature the provider does not have.
func Unsupported(f Feature, format string, args ...any) *Error {
	return &Error{
		Kind: ErrUnsupported, Outcome: OutcomeNotSent, Elsewhere: true, Feature: f,
		Message: fmt.Sprintf(format, args...),
	}
}

func configError(field, format string, args ...any) *Error {
	return &Error{
		Kind: ErrConfig, Outcome: OutcomeNotSent, Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}

// ofAccount marks a local error whose reason is the account: another account may
// take the message.
func ofAccount(e *Error) *Error {
	e.Elsewhere = true
	return e
}

// At returns a copy of e with path before its Field: an error about a part becomes
// one about the whole.
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

// Local reports whether the library stopped the call before any request.
func (e *Error) Local() bool {
	switch e.Kind {
	case ErrConfig, ErrUnsupported:
		return true
	case ErrInvalid:
		return e.Status == 0
	}
	return false
}

// Retryable reports whether the same call may succeed later: nothing was done at
// the provider, and the reason is a limit, an outage or used-up credit. RetryAfter
// is the time to wait, when the provider stated one.
func (e *Error) Retryable() bool {
	if e.Outcome == OutcomeMaybeSent || e.Outcome == OutcomeSent {
		return false
	}
	switch e.Kind {
	case ErrRateLimited, ErrUnavailable, ErrNoCredit:
		return true
	case ErrBadResponse:
		return e.Op.info().effect == reads
	}
	return false
}

// aboutItem reports whether e is a refusal of this contact.
func (e *Error) aboutItem() bool {
	switch e.Kind {
	case ErrInvalid, ErrUnsupported, ErrConflict, ErrNotFound:
		return true
	}
	return false
}

// RetryAfter returns the time that the provider asks to wait before the call of err
// is made again; 0 when it stated none, or when err is no error of a provider.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Error returns one line: account, operation, field, kind and message, and the
// outcome of the call. Of a route it has the account, kind and message of each member.
func (e *Error) Error() string {
	line := e.reason(string(e.Op))
	if len(e.Members) > 0 {
		reasons := make([]string, len(e.Members))
		for i, m := range e.Members {
			reasons[i] = m.reason("")
		}
		line = string(e.Op) + ": " + strings.Join(reasons, " | ")
	}
	line = text.PrintableLines(line + e.became()) // whatever its parts came from
	if e.Status == 0 && len(e.Members) == 0 {
		return line
	}
	return text.OneLine(line) // it contains the vendor's text
}

// reason describes what went wrong, without the outcome of the call.
func (e *Error) reason(op string) string {
	var b strings.Builder
	area := ""
	if e.Kind == ErrConfig {
		area = "configuration"
	}
	for _, part := range []string{text.OneLine(e.who()), op, area, text.OneLine(e.Field), e.what()} {
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
		facts = append(facts, "code "+text.OneLine(e.Code))
	}
	if e.RequestID != "" {
		facts = append(facts, "request "+text.OneLine(e.RequestID))
	}
	if e.RetryAfter > 0 {
		facts = append(facts, "try again in "+e.RetryAfter.Round(time.Second).String())
	}
	if len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	return b.String()
}

// became describes the outcome of the call, with the verb of its operation.
func (e *Error) became() string {
	verb := e.Op.info().verb
	switch {
	case verb == "" && e.Local():
		return "; no request was made"
	case verb == "":
		return ""
	}
	switch e.Outcome {
	case OutcomeNotSent:
		if e.Field == keyField { // an earlier call may have sent it
			return "; nothing was " + verb + " by this call"
		}
		return "; nothing was " + verb
	case OutcomeMaybeSent:
		return "; it may have been " + verb
	case OutcomeSent:
		if !e.aboutItem() { // whose message says what was done and what not
			return "; it was " + verb
		}
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
	case e.Kind == ErrCanceled && e.message() == context.Canceled.Error(): // says it already
	case e.Kind != ErrConfig && (e.Kind != ErrInvalid || e.Field == ""):
		parts = append(parts, e.Kind.Error())
	}
	if m := e.message(); m != "" {
		parts = append(parts, m)
	}
	return strings.Join(parts, ": ")
}

// message is the Message, else the cause, in one line. What was found before any request
// may have several: the problems of a configuration or of a file have a line each.
func (e *Error) message() string {
	m := e.Message
	if m == "" && e.Err != nil {
		m = e.Err.Error()
	}
	if e.Local() {
		return text.PrintableLines(m)
	}
	return text.OneLine(m)
}

// Unwrap gives errors.Is the kind, the cause and the reasons of a route's members.
func (e *Error) Unwrap() []error {
	out := []error{e.Kind}
	if e.Err != nil {
		out = append(out, e.Err)
	}
	if e.Outcome == OutcomeMaybeSent {
		return out
	}
	for _, m := range e.Members {
		out = append(out, m)
	}
	return out
}

// wireError is an Error in JSON.
type wireError struct {
	Kind       Kind    `json:"kind"`
	Provider   string  `json:"provider"`
	Account    string  `json:"account"`
	Op         Op      `json:"op"`
	Outcome    Outcome `json:"outcome"`
	Elsewhere  bool    `json:"elsewhere,omitempty"`
	Status     int     `json:"status"`
	Code       string  `json:"code"`
	Message    string  `json:"message"`
	RequestID  string  `json:"request_id"`
	RetryAfter float64 `json:"retry_after_s"`
	Field      string  `json:"field"`
	Feature    Feature `json:"feature"`

	Members []*Error `json:"members,omitempty"`
}

// MarshalJSON writes the form that the command-line tool prints. The cause is
// written as the message where there is no message.
func (e *Error) MarshalJSON() ([]byte, error) {
	outcome := e.Outcome
	if outcome == "" && !e.Op.info().only() {
		outcome = OutcomeNotSent
	}
	return json.Marshal(wireError{
		Kind: e.Kind, Provider: e.Provider, Account: e.Account, Op: e.Op, Outcome: outcome, Elsewhere: e.Elsewhere,
		Status: e.Status, Code: e.Code, Message: e.message(), RequestID: e.RequestID, RetryAfter: e.RetryAfter.Seconds(),
		Field: e.Field, Feature: e.Feature, Members: e.Members,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote, so that a stored Receipt keeps its
// errors. The cause is not kept.
func (e *Error) UnmarshalJSON(data []byte) error {
	var wire wireError
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*e = Error{
		Kind: wire.Kind, Provider: wire.Provider, Account: wire.Account, Op: wire.Op, Outcome: wire.Outcome, Elsewhere: wire.Elsewhere,
		Status: wire.Status, Code: wire.Code, Message: wire.Message, RequestID: wire.RequestID,
		RetryAfter: time.Duration(wire.RetryAfter * float64(time.Second)), Field: wire.Field, Feature: wire.Feature,
		Members: wire.Members,
	}
	return nil
}

// asError makes err an *Error with operation and account. A bare context error
// means that no request was made.
func asError(err error, prov, account string, op Op) error {
	if err == nil {
		return nil
	}
	e := errorOf(err)
	if e == nil {
		e = &Error{Kind: ErrInternal, Outcome: OutcomeMaybeSent, Err: err}
		if isContextError(err) {
			e = &Error{Kind: ErrCanceled, Outcome: OutcomeNotSent, Message: err.Error(), Err: err}
		}
		if op.info().effect == reads {
			e.Outcome = ""
		}
	}
	c := *e
	if c.Message != "" {
		c.Message = c.message() // an adapter may quote its provider
	}
	if c.Provider == "" {
		c.Provider = prov
	}
	if c.Account == "" {
		c.Account = account
	}
	if c.Op == "" {
		c.Op = op
	}
	switch info := op.info(); {
	case info.only():
		c.Outcome = "" // what a look-up found wrong before any request has none either
	case c.Outcome == "" && info.effect == changes:
		c.Outcome = OutcomeNotSent // the look-up before the change failed
	}
	return &c
}

// errorOf is the *Error in err, or nil. It is a function of its own so that only a
// call which fails pays for the variable.
func errorOf(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// kindOf is the kind of err.
func kindOf(err error) Kind {
	switch e := errorOf(err); {
	case e != nil:
		return e.Kind
	case isContextError(err):
		return ErrCanceled
	}
	return ErrInternal
}

// partlyDone corrects the error that ended an operation on several items: when
// something was done before it, its outcome is not "not sent".
func partlyDone(err error, done bool) error {
	e := errorOf(err)
	if !done || e == nil || e.Outcome == OutcomeSent || e.Kind == ErrDryRun {
		return err
	}
	c := *e
	c.Outcome, c.Elsewhere = OutcomeMaybeSent, false
	return &c
}

// joinProblems joins all problems into one error, with a line of text for each.
func joinProblems(problems []*Error) error {
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	errs := make([]error, len(problems))
	lines := make([]string, len(problems))
	for i, p := range problems {
		errs[i], lines[i] = p, text.OneLine(p.Field)+": "+text.OneLine(p.Message)
	}
	return &Error{
		Kind: ErrConfig, Outcome: OutcomeNotSent, Err: errors.Join(errs...),
		Message: fmt.Sprintf("%d problems:\n  %s\n", len(problems), strings.Join(lines, "\n  ")),
	}
}
