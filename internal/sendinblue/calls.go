package sendinblue

import (
	"context"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Calls are the calls that both vendors have, in structs of this package. An adapter
// makes them with its generated client, in a file named calls.go, and adds nothing:
// what follows from an answer is decided by Driver. Each method is one request,
// unless it says otherwise.
type Calls interface {
	ListEmailEvents(ctx context.Context, q EventQuery) ([]Event, error)
	// ListEmails returns a page of the mail sent to an address, newest first. A vendor
	// without pages of it returns all that it gives.
	ListEmails(
		ctx context.Context, wire string, limit, offset int64,
	) (mails []Mail, count int64, err error)
	GetAccount(ctx context.Context) (Account, error)
	ListSenders(ctx context.Context) ([]provider.Sender, error)

	ListAttributes(ctx context.Context, opts ...rest.Option) ([]Attribute, error)
	ListContacts(ctx context.Context, q ContactQuery) (*Rows, error)
	// Look returns the contact that a change is about, nil when there is none, and
	// ErrConflict when another one has an identifier that the change sets. looks is
	// false where the vendor has no look-up. Without lists the address need not be
	// looked up, and known may be nil.
	Look(ctx context.Context, body ContactBody) (known *Contact, looks bool, err error)
	// CreateContact creates the contact or updates it; id is 0 when the answer has none.
	CreateContact(ctx context.Context, body ContactBody, opts ...rest.Option) (id int64, err error)
	UpdateContact(ctx context.Context, wire string, body ContactBody) error
	// ReadBack returns the contact as it stands after a change that began at since, nil
	// when the vendor does not show it.
	ReadBack(ctx context.Context, wire string, since time.Time) (*Contact, error)

	ListLists(ctx context.Context, limit, offset int64) (lists []List, count int64, err error)
	CreateList(ctx context.Context, name string, folder int64) (id int64, err error)
	// Leave takes the address off the list. An answer that proves nothing is an error.
	Leave(ctx context.Context, email string, list int64) error
	// ListBlocked returns a page of the addresses without transactional mail, oldest first.
	ListBlocked(
		ctx context.Context, limit, offset int64,
	) (blocked []provider.Suppression, count int64, err error)
}

// EventQuery asks for a page of the log. What is empty is not asked for.
type EventQuery struct {
	MessageID, Recipient string
	From, To             string // days, both or none; the oldest event first then, where the vendor can
	Limit, Offset        int64  // no limit is the vendor's own
}

// Event is an event of the log. Row is the row that it is from.
type Event struct {
	Email, Event, Date, MessageID, Reason, Tag, Link, IP, From, Subject string
	Row                                                                 any
}

// Mail is a mail of the list of sent mail. Sender is empty where it is not told.
type Mail struct {
	MessageID, Recipient, Sender, Subject, Date string
	Tags                                        []string
}

// Account is the account that a key belongs to.
type Account struct {
	Email string
	Plans []Plan
}

// Plan is a plan of the account, and what is left of it.
type Plan struct {
	Type, CreditsType string
	Credits           float64
}

// Attribute is an attribute that the account's contacts may have.
type Attribute struct{ Name, Type, Category string }

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	Limit, Offset int64
	List          int64   // 0 means all contacts
	ModifiedSince *string // RFC 3339; nil means always
	WithoutEmail  bool    // with contacts that have no address
}

// ContactBody is what a change says about a contact. What is empty is left out.
type ContactBody struct {
	Email      string
	ExternalID string
	Attributes map[string]any
	Lists      []int64 // to join
	// Also are lists to join that the contact gets no mail of, because it is blocked. One
	// that it has left is left out without a word.
	Also       []int64
	Blocked    *bool // whether it gets no marketing mail
	SMSBlocked *bool // whether it gets no SMS
}

// empty reports whether the body sets nothing.
func (b *ContactBody) empty() bool {
	return b.ExternalID == "" && len(b.Attributes) == 0 && len(b.Lists) == 0 && b.Blocked == nil && b.SMSBlocked == nil
}

// List is a list. Subscribers is 0 when the vendor shows no number.
type List struct {
	ID          int64
	Name        string
	Subscribers int64
}
