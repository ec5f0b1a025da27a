package provider

import (
	"context"
	"time"
)

// Canceler withdraws mail that was scheduled and has not gone out.
type Canceler interface {
	// Cancel withdraws the mail with the MessageID of its Receipt. nil means
	// that it will not go out; ErrNotFound or ErrConflict that it has, or never
	// was there.
	Cancel(ctx context.Context, messageID string) error
}

// SuppressedAddress is an address that gets no mail, and why.
type SuppressedAddress struct {
	Email string `json:"email"`
	Suppression
	At time.Time `json:"at,omitzero"`
}

// SuppressionPage is one page of suppressed addresses.
type SuppressionPage struct {
	Addresses []SuppressedAddress
	Next      string // cursor of the next page; empty means this was the last
}

// Suppressions is the account's own list of addresses that get no mail,
// whether they are contacts or not.
type Suppressions interface {
	// ListSuppressions returns one page.
	ListSuppressions(ctx context.Context, cursor string) (*SuppressionPage, error)
	// AddSuppression keeps mail from an address.
	AddSuppression(ctx context.Context, email, reason string) (*ContactReceipt, error)
	// RemoveSuppression lets mail to an address through again. It is the
	// caller's word that the person wants it.
	RemoveSuppression(ctx context.Context, email string) (*ContactReceipt, error)
}

// Resubscription brings an address back: onto a list, or to all mail when List
// is zero. It is the one verb that undoes an unsubscription, so it is never part
// of another, and it is the caller's word that the person asked for it.
type Resubscription struct {
	Email string `json:"email"`
	List  Ref    `json:"list,omitzero"`
}

// Resubscriber undoes an unsubscription.
type Resubscriber interface {
	Resubscribe(ctx context.Context, r Resubscription) (*ContactReceipt, error)
}

// ListKeeper makes and removes lists.
type ListKeeper interface {
	// CreateList makes a list. It is not repeatable: after ErrOutcomeUnknown
	// look for the name before creating it again.
	CreateList(ctx context.Context, name string) (*List, error)
	// DeleteList removes a list; its contacts stay contacts where the provider
	// keeps them beside lists.
	DeleteList(ctx context.Context, list Ref) error
}

// Search describes a mail whose outcome is unknown.
type Search struct {
	Recipient string    // address of one recipient, as in the message
	Sender    string    // address of the sender
	Subject   string    // as in the message
	From, To  time.Time // when it may have been accepted
}

// Found is a mail that a search brought up.
type Found struct {
	MessageID string
	Recipient string
	Subject   string // empty when the provider does not tell it
	At        time.Time
	State     State
}

// Finder finds mail that was accepted without our knowing its id.
type Finder interface {
	// FindSent returns all mails that may be the one searched for. None proves
	// nothing: providers list mail with a delay.
	FindSent(ctx context.Context, s Search) ([]Found, error)
}
