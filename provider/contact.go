package provider

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Contact is an address with the data that an account keeps about it.
type Contact struct {
	// Email identifies the contact in every method of this package. The others are
	// empty where the account or the provider does not have them.
	Email      string `json:"email"`
	Phone      string `json:"phone,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
	FirstName  string `json:"first_name,omitempty"`
	LastName   string `json:"last_name,omitempty"`
	// Fields are the account's further fields: text, number, true or false, or
	// a list of text. Dates are text, YYYY-MM-DD. A number is a json.Number where a
	// float64 would print other digits, else a float64.
	Fields      map[string]any `json:"fields,omitempty"`
	Memberships []Membership   `json:"memberships,omitempty"`
	// Suppressed lists the kinds of mail that the address does not get; empty means
	// that it gets all.
	Suppressed []Suppression `json:"suppressed"`
	CreatedAt  time.Time     `json:"created_at,omitzero"`
	ModifiedAt time.Time     `json:"modified_at,omitzero"`
}

// Membership is the status of a contact on one list.
type Membership struct {
	List   string           `json:"list"` // the provider's id of the list
	Status MembershipStatus `json:"status"`
}

// MembershipStatus is the status of a contact on a list.
type MembershipStatus string

// The statuses of a Membership. Unsubscribed, bounced, complained and blocked
// are final: upsert and import never undo them.
const (
	StatusSubscribed   MembershipStatus = "subscribed"   // gets the mail of the list
	StatusPending      MembershipStatus = "pending"      // the person has not confirmed yet
	StatusUnsubscribed MembershipStatus = "unsubscribed" // the person left the list
	StatusBounced      MembershipStatus = "bounced"      // mail to the address came back
	StatusComplained   MembershipStatus = "complained"   // the person called a mail spam
	StatusBlocked      MembershipStatus = "blocked"      // blocked by the account or the provider
	StatusRemoved      MembershipStatus = "removed"      // taken off the list by the account
	StatusOther        MembershipStatus = "other"        // the provider's status has no counterpart here
)

// Terminal reports whether upsert and import must leave the status alone.
func (s MembershipStatus) Terminal() bool {
	switch s {
	case StatusUnsubscribed, StatusBounced, StatusComplained, StatusBlocked:
		return true
	}
	return false
}

// Change leaves, sets or clears one field of a contact. The zero Change leaves the
// field; only ChangeTo and ChangeToNone make others. In JSON a Change is absent, a
// value, or null.
type Change[T any] struct {
	value T
	kind  changeKind
}

type changeKind uint8

const (
	changeLeave changeKind = iota
	changeSet
	changeClear
)

// ChangeTo returns a Change that sets v.
func ChangeTo[T any](v T) Change[T] { return Change[T]{value: v, kind: changeSet} }

// ChangeToNone returns a Change that empties the field.
func ChangeToNone[T any]() Change[T] { return Change[T]{kind: changeClear} }

// IsSet reports whether a value is to be set.
func (c Change[T]) IsSet() bool { return c.kind == changeSet }

// Value returns the value to set, the zero T when none is to be set.
func (c Change[T]) Value() T { return c.value }

// Clears reports whether the field is to be emptied.
func (c Change[T]) Clears() bool { return c.kind == changeClear }

// IsZero reports whether the field is to be left as it is.
func (c Change[T]) IsZero() bool { return c.kind == changeLeave }

// String is the value to set, "none" for a Change that clears, and empty for one
// that leaves.
func (c Change[T]) String() string {
	switch c.kind {
	case changeSet:
		return fmt.Sprint(c.value)
	case changeClear:
		return "none"
	}
	return ""
}

// MarshalJSON writes the value, or null.
func (c Change[T]) MarshalJSON() ([]byte, error) {
	if c.kind != changeSet {
		return []byte("null"), nil
	}
	return json.Marshal(c.value)
}

// UnmarshalJSON reads a value, or null to clear.
func (c *Change[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*c = ChangeToNone[T]()
		return nil
	}
	c.kind = changeSet
	return json.Unmarshal(data, &c.value)
}

// ContactChange is what an upsert does: it adds the lists and sets the named fields of the
// contact with this address, creating it when it is not there. It removes nothing but
// fields that are cleared, and stops mail to the person only where Status, Memberships or
// Suppressed says so. An empty text clears a field.
type ContactChange struct {
	Email string `json:"email"`
	// Phone is a number: "+" and 7 to 15 digits. Signs between them, and Persian and
	// Arabic digits, are converted with a note; anything else is refused.
	Phone      Change[string] `json:"phone,omitzero"`
	ExternalID Change[string] `json:"external_id,omitzero"`
	FirstName  Change[string] `json:"first_name,omitzero"`
	LastName   Change[string] `json:"last_name,omitzero"`
	// Fields sets the named fields; a nil value, or nil pointer, clears one. Values as
	// in Contact.Fields; Go's other numbers, named types, times (RFC 3339) and text
	// marshalers become one of these.
	Fields map[string]any `json:"fields,omitempty"`
	// Lists are added to the contact's memberships, with the Status below.
	Lists []Ref `json:"lists,omitempty"`
	// Status is the status to store the contact under, for moving contacts
	// from another place: empty means subscribed, or what the provider's list
	// asks for (a confirmation). Only subscribed and the final ones can be given. A
	// final one is about the contact on all of Lists, and about all marketing mail
	// at a provider that keeps consent for the whole account.
	Status MembershipStatus `json:"status,omitempty"`
	// Memberships are the standing on single lists, by the provider's ids. Subscribed
	// puts the contact on the list, a final status keeps it off. No list may be
	// here and in Lists.
	Memberships []Membership `json:"memberships,omitempty"`
	// Suppressed are kinds of mail that the contact is not to get any more. What a
	// provider cannot keep is refused by name, and never in place of the others.
	Suppressed []Suppression `json:"suppressed,omitempty"`
}

// stops reports whether the change takes mail from the contact.
func (c *ContactChange) stops() bool {
	return c.Status.Terminal() || len(c.Suppressed) > 0 ||
		slices.ContainsFunc(c.Memberships, func(m Membership) bool { return m.Status.Terminal() })
}

// onlyStops returns the part of the change that takes mail from the contact.
func (c *ContactChange) onlyStops() ContactChange {
	out := ContactChange{Email: c.Email, Suppressed: c.Suppressed}
	if c.Status.Terminal() {
		out.Lists, out.Status = c.Lists, c.Status
	}
	for _, m := range c.Memberships {
		if m.Status.Terminal() {
			out.Memberships = append(out.Memberships, m)
		}
	}
	return out
}

// ContactState is the result of a change of a contact.
type ContactState string

// The states of a ContactReceipt.
const (
	ContactCreated ContactState = "created" // the contact is new
	ContactUpdated ContactState = "updated" // the contact existed and was changed
	ContactStored  ContactState = "stored"  // created or updated; the provider does not report which
	ContactDone    ContactState = "done"    // the change of another method was made
	ContactUnknown ContactState = "unknown" // the change may have been made
)

// ContactReceipt is the result of a change of a contact.
type ContactReceipt struct {
	Provider string       `json:"provider"`
	Account  string       `json:"account"`
	Email    string       `json:"email"`
	ID       string       `json:"id,omitempty"` // the provider's id; empty when it returned none
	State    ContactState `json:"state"`
	Notes    []Note       `json:"notes,omitempty"`
}

// ContactQuery selects contacts and a page of them.
type ContactQuery struct {
	List          Ref       // only members of this list; zero means all contacts
	ModifiedSince time.Time // only contacts changed since
	Limit         int       // contacts in a page; 0 means the adapter's default
	Cursor        string    // from Page.Next; empty means the first page
	// WithoutEmail includes contacts that have no mail address. Otherwise they are
	// left out and counted in Page.LeftOut.
	WithoutEmail bool
}

// ParseContactChange reads a ContactChange from JSON: absent leaves a field,
// null clears it. Unknown keys, and text that is not UTF-8, are errors that name the
// field.
func ParseContactChange(data []byte) (ContactChange, error) {
	var c ContactChange
	err := decode(data, &c, contactMost)
	return c, err
}

// Channel is a way of reaching a person.
type Channel string

// The channels.
const (
	ChannelEmail Channel = "email" // mail
	ChannelSMS   Channel = "sms"   // text messages to a phone
)

// Scope is a kind of mail.
type Scope string

// The scopes.
const (
	ScopeMarketing     Scope = "marketing"     // mail to lists: campaigns and automations
	ScopeTransactional Scope = "transactional" // single mails: everything that Client.Send sends
	ScopeAll           Scope = "all"           // both
)

// Reason is the reason for which an address gets no mail: one of the final
// MembershipStatuses, or the provider's own term.
type Reason string

// Suppression is one kind of mail that an address does not get.
type Suppression struct {
	// Email is the address; empty in Contact.Suppressed, where it is that of the
	// contact.
	Email   string    `json:"email,omitempty"`
	Channel Channel   `json:"channel"`
	Scope   Scope     `json:"scope"`
	Sender  string    `json:"sender,omitempty"` // only for mail from this sender
	Reason  Reason    `json:"reason,omitempty"`
	At      time.Time `json:"at,omitzero"` // since when; zero when the provider does not report it
}

// Page is one page of a listing.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page; empty means this was the last
	// LeftOut counts contacts of this page that have no mail address.
	LeftOut int
	// Unread counts contacts of this page that could not be read. They are not in Items.
	Unread int
}

// List is a list of contacts.
type List struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Count int64  `json:"count"` // the provider's count of its contacts; -1 when it reports none
}

// MemberResult is the result of adding or removing one address.
type MemberResult struct {
	Email string `json:"email"`           // as given
	Error *Error `json:"error,omitempty"` // nil when the address was added or removed
}

// ImportResult is the result of one row of an import.
type ImportResult struct {
	Index   int // of the row in the input, from 0
	Email   string
	Receipt *ContactReceipt
	Err     error
}
