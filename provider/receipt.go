package provider

import "context"

// State says where a mail, or one recipient's copy of it, stands. Accepted
// never means delivered: it says that the provider has taken the mail over.
type State string

// The states of a Receipt. The first five come from Send, all of them from a
// look-up.
const (
	StateAccepted       State = "accepted"
	StateScheduled      State = "scheduled"
	StatePartlyAccepted State = "partly_accepted"
	StateRefused        State = "refused"
	StateUnknown        State = "unknown"
	StateQueued         State = "queued"
	StateDelivered      State = "delivered"
	StateDeferred       State = "deferred"
	StateBounced        State = "bounced"
	StateRejected       State = "rejected"
	StateComplained     State = "complained"
	StateOpened         State = "opened"
	StateClicked        State = "clicked"
	StateFailed         State = "failed"
)

// Receipt says what became of a Send, or what a look-up found.
type Receipt struct {
	Provider  string `json:"provider"`
	Account   string `json:"account"`
	MessageID string `json:"message_id"` // the provider's id; empty when it told none
	BatchID   string `json:"batch_id,omitempty"`
	State     State  `json:"state"`
	// Recipients are in the order of the Message: To, Cc, Bcc, or Recipients.
	Recipients []RecipientResult `json:"recipients"`
	Notes      []Note            `json:"notes,omitempty"`
	Attempts   []Attempt         `json:"attempts,omitempty"`
	// IdempotencyKey is the key that was used, also if we made it.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	// Unsettled is what Client.Settle needs while the state of a recipient is
	// unknown. It holds the subject.
	Unsettled *Trace `json:"unsettled,omitempty"`
}

// RecipientResult is the part of a Receipt about one recipient.
type RecipientResult struct {
	Email     string `json:"email"`
	MessageID string `json:"message_id"`
	State     State  `json:"state"`
	Error     *Error `json:"error,omitempty"`
}

// Note tells of something that was not passed on as it was given.
type Note struct {
	Field  string `json:"field"`
	Action string `json:"action"` // "dropped", "emulated", "converted", "warning", "settled"
	Why    string `json:"why"`
}

// Attempt is one try of a send at one account.
type Attempt struct {
	Provider string  `json:"provider"`
	Account  string  `json:"account"`
	Outcome  Outcome `json:"outcome"`
	Error    *Error  `json:"error,omitempty"`
	TookMS   int64   `json:"took_ms"`
}

// Mailer sends mail. Adapters implement it and Client does again, so a program
// may depend on either. Implementations are safe for concurrent use.
type Mailer interface {
	// Send hands m to the provider. The Receipt is non-nil whenever a request
	// may have left, also beside an error. An adapter does not change m, does
	// not keep it, and refuses a field it cannot express.
	Send(ctx context.Context, m *Message) (*Receipt, error)
}

// StatusReader looks up what became of a mail.
type StatusReader interface {
	// Status finds a mail by the MessageID of its Receipt.
	Status(ctx context.Context, messageID string) (*Receipt, error)
}

// Accepted returns the Receipt of a mail that the provider took over: every
// recipient in the state and under the id.
func Accepted(m *Message, messageID string, state State) *Receipt {
	r := &Receipt{MessageID: messageID, State: state}
	r.Recipients = make([]RecipientResult, 0, len(m.To)+len(m.Cc)+len(m.Bcc)+len(m.Recipients))
	add := func(email string) {
		r.Recipients = append(r.Recipients, RecipientResult{Email: email, MessageID: messageID, State: state})
	}
	for _, list := range [][]Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			add(a.Email)
		}
	}
	for _, p := range m.Recipients {
		add(p.Email)
	}
	return r
}
