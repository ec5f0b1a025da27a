package provider

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// State is the state of a mail, or of one recipient's copy of it. Accepted does not
// mean delivered: the provider took the mail over. docs/states.md compares all
// states and outcomes.
type State string

// The states of a Receipt. The first five come from Send, all but StateBegun from a
// look-up; StateBegun is for journals and the entries of a GuardStore.
const (
	StateAccepted       State = "accepted"        // the provider took the mail over
	StateScheduled      State = "scheduled"       // accepted, to go out at a later time
	StatePartlyAccepted State = "partly_accepted" // accepted for some recipients, refused for others
	StateRefused        State = "refused"         // provably not sent
	StateUnknown        State = "unknown"         // may have been sent: no usable response came
	StateQueued         State = "queued"          // waiting at the provider
	StateDelivered      State = "delivered"       // the recipient's server accepted it
	StateDeferred       State = "deferred"        // not delivered yet; the provider tries again
	StateBounced        State = "bounced"         // the recipient's server refused it for good
	StateRejected       State = "rejected"        // the provider did not send it: suppressed, spam, invalid
	StateComplained     State = "complained"      // the recipient called it spam
	StateOpened         State = "opened"          // the recipient opened it, as far as tracking sees
	StateClicked        State = "clicked"         // the recipient followed a link in it
	StateFailed         State = "failed"          // the provider could not send it, for an internal reason
	StateBegun          State = "begun"           // the send has begun and its result is not known yet
)

// stateEnqueued is the state of a mail that an outbox of the program has accepted, and of
// which no provider was asked yet. The outbox gives it, and has the exported constant.
const stateEnqueued State = "enqueued"

// weight orders states by how much they report; a heavier one replaces a lighter
// one.
var weight = map[State]int{
	stateEnqueued: -1, // nobody was asked
	StateUnknown:  0, StateAccepted: 1, StateScheduled: 2, StateQueued: 3, StateDeferred: 4,
	StateDelivered: 5, StateOpened: 6, StateClicked: 7,
	StateFailed: 8, StateRefused: 8, StateRejected: 9, StateBounced: 10, StateComplained: 11,
}

// Over reports whether s replaces t as the state of one recipient's copy, whichever
// was reported first: delivered replaces queued, bounced replaces delivered.
func (s State) Over(t State) bool { return weight[s] > weight[t] }

// Failure reports whether s means that the recipient did not get the mail, or
// complained about it.
func (s State) Failure() bool { return weight[s] >= weight[StateFailed] }

// With returns the state of a mail with recipients in the states s and t: the worst
// failure, else the lesser state. An empty state counts as no recipient.
func (s State) With(t State) State {
	switch {
	case s == "":
		return t
	case s.Failure() || t.Failure():
		if t.Over(s) {
			return t
		}
		return s
	case s.Over(t) && t != "":
		return t
	}
	return s
}

// Receipt is the result of a Send or of a look-up.
type Receipt struct {
	Provider  string `json:"provider"`
	Account   string `json:"account"`
	MessageID string `json:"message_id"` // the provider's id; empty when it returned none
	BatchID   string `json:"batch_id,omitempty"`
	// OutboxID is the id of the mail in the outbox of the program, where it went through
	// one. While State is "enqueued" no provider was asked, and only the outbox knows the
	// mail: Status, Cancel and Settle of a Client refuse the receipt.
	OutboxID string `json:"outbox_id,omitempty"`
	State    State  `json:"state"`
	// Recipients are in the order of the Message: To, Cc, Bcc, or Recipients.
	Recipients []RecipientResult `json:"recipients"`
	Notes      []Note            `json:"notes,omitempty"`
	// Accounts are the accounts that tried to send the mail, in order: one, or
	// those of the members of a route.
	Accounts []AccountResult `json:"accounts,omitempty"`
	// IdempotencyKey is the key of the message as the caller gave it, else the one
	// that the library made.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	// Unsettled is the data that Client.Settle needs while the state of a recipient
	// is unknown. It holds the subject.
	Unsettled *Trace `json:"unsettled,omitempty"`
}

// ReceiptFor returns a receipt for an id that was stored without its receipt, for
// Client.Status and Client.Cancel. account may be empty, except on a route.
func ReceiptFor(account, messageID string) *Receipt {
	return &Receipt{Account: account, MessageID: messageID}
}

// RecipientResult is the part of a Receipt about one recipient.
type RecipientResult struct {
	Email     string `json:"email"`
	MessageID string `json:"message_id"` // of this recipient's copy, where it has its own
	State     State  `json:"state"`
	Error     *Error `json:"error,omitempty"`
}

// NotSent reports whether it is proved that nothing was sent to this recipient.
func (p RecipientResult) NotSent() bool {
	return p.State == StateRefused && p.Error != nil && p.Error.Outcome == OutcomeNotSent
}

// NoteAction is the kind of a Note.
type NoteAction string

// The actions of a Note.
const (
	NoteDropped   NoteAction = "dropped"   // left out, because a policy allows it
	NoteEmulated  NoteAction = "emulated"  // done by other means
	NoteConverted NoteAction = "converted" // passed on in another form
	NoteWarning   NoteAction = "warning"   // passed on, with a warning
	NoteSettled   NoteAction = "settled"   // an unknown outcome is known now
)

// Note describes something that was not passed on as it was given, or a warning.
type Note struct {
	Field  string     `json:"field"` // JSON name, "to[0].email"
	Action NoteAction `json:"action"`
	Why    string     `json:"why"`
}

// AccountResult is the result of a send at one account. Hooks.OnTry gets its HTTP
// requests.
type AccountResult struct {
	Provider string
	Account  string
	Outcome  Outcome
	Error    *Error
	Took     time.Duration // with all tries
}

type wireAccount struct {
	Provider string  `json:"provider"`
	Account  string  `json:"account"`
	Outcome  Outcome `json:"outcome"`
	Error    *Error  `json:"error,omitempty"`
	TookMS   int64   `json:"took_ms"`
}

// MarshalJSON writes the time in milliseconds, as took_ms.
func (a AccountResult) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireAccount{
		a.Provider, a.Account, a.Outcome, a.Error, a.Took.Milliseconds(),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *AccountResult) UnmarshalJSON(data []byte) error {
	var w wireAccount
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*a = AccountResult{
		w.Provider, w.Account, w.Outcome, w.Error, time.Duration(w.TookMS) * time.Millisecond,
	}
	return nil
}

// Trace is the data with which a look-up finds a mail whose id is not known. It is
// part of a Receipt of unknown state. It holds the subject: protect a stored
// receipt like the mail.
type Trace struct {
	At      time.Time `json:"at"`    // when the first try began
	Until   time.Time `json:"until"` // when the last try ended
	From    string    `json:"from"`  // address of the sender; empty when the template has one
	Subject string    `json:"subject"`
	SendAt  time.Time `json:"send_at,omitzero"` // of a scheduled mail
	// Tags are those of the message. A listed mail with other tags is another mail; a
	// list that shows none proves nothing.
	Tags []string `json:"tags,omitempty"`
	// Digest is that of a GuardEntry, where the mail was sent under a duplicate guard.
	Digest string `json:"digest,omitempty"`
	// Own has the traces of recipients with a request or a subject of their own, by
	// address.
	Own map[string]Trace `json:"own,omitempty"`
}

// of is the trace of one recipient's copy.
func (t *Trace) of(email string) Trace {
	if own, ok := t.Own[email]; ok {
		return own
	}
	out := *t
	out.Own = nil
	return out
}

// hasID reports whether the provider gave any id for the mail.
func (r *Receipt) hasID() bool {
	return r.MessageID != "" || r.BatchID != "" ||
		slices.ContainsFunc(r.Recipients, func(p RecipientResult) bool { return p.MessageID != "" })
}

// unknown are the indexes of the recipients whose state is unknown.
func (r *Receipt) unknown() []int {
	var out []int
	for i, p := range r.Recipients {
		if p.State == StateUnknown {
			out = append(out, i)
		}
	}
	return out
}

// Clone returns a copy that shares only errors with r; they are not changed.
func (r *Receipt) Clone() *Receipt {
	if r == nil {
		return nil
	}
	c := *r
	c.Recipients, c.Notes, c.Accounts = slices.Clone(r.Recipients), slices.Clone(r.Notes), slices.Clone(r.Accounts)
	if r.Unsettled != nil {
		t := *r.Unsettled
		t.Own, t.Tags = maps.Clone(t.Own), slices.Clone(t.Tags)
		c.Unsettled = &t
	}
	return &c
}

// note notes something about the i-th recipient's state, in place of what was
// noted about it before.
func (r *Receipt) note(field string, action NoteAction, why string) {
	r.Notes = slices.DeleteFunc(r.Notes, func(n Note) bool { return n.Field == field })
	r.Notes = append(r.Notes, Note{Field: field, Action: action, Why: why})
}

// summary is the state of a receipt whose recipients had calls of their own.
func summary(results []RecipientResult) State {
	counts := make(map[State]int)
	for _, r := range results {
		counts[r.State]++
	}
	switch {
	case counts[StateUnknown] > 0:
		return StateUnknown
	case counts[StateRefused] == len(results):
		return StateRefused
	case counts[StateRefused] > 0:
		return StatePartlyAccepted
	case counts[StateScheduled] == len(results):
		return StateScheduled
	}
	return StateAccepted
}
