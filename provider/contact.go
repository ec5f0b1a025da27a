package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Contact is an address with what an account knows of it.
type Contact struct {
	Email      string `json:"email"`
	Phone      string `json:"phone,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
	FirstName  string `json:"first_name,omitempty"`
	LastName   string `json:"last_name,omitempty"`
	// Fields are the account's further fields: text, number, true or false, or
	// a list of text. Dates are text, YYYY-MM-DD.
	Fields      map[string]any `json:"fields,omitempty"`
	Memberships []Membership   `json:"memberships,omitempty"`
	// Suppressed says which mail the address does not get; empty means free.
	Suppressed []Suppression `json:"suppressed"`
	CreatedAt  time.Time     `json:"created_at,omitzero"`
	ModifiedAt time.Time     `json:"modified_at,omitzero"`
}

// SuppressLeft adds a suppression of marketing mail when the contact has left
// every list that is shown, and none is told otherwise. It is for adapters of
// providers that keep consent by list.
func (c *Contact) SuppressLeft() {
	var left MembershipStatus
	for _, m := range c.Memberships {
		switch {
		case m.Status.Terminal():
			left = m.Status
		case m.Status != Removed:
			return
		}
	}
	if left != "" && len(c.Suppressed) == 0 {
		c.Suppressed = append(c.Suppressed, Suppression{Channel: "email", Scope: "marketing", Reason: string(left)})
	}
}

// Membership is the belonging of a contact to a list.
type Membership struct {
	List   string           `json:"list"` // the provider's id of the list
	Status MembershipStatus `json:"status"`
}

// MembershipStatus says how a contact stands on a list.
type MembershipStatus string

// The statuses of a Membership. Unsubscribed, bounced, complained and blocked
// are final: upsert and import never undo them.
const (
	Subscribed   MembershipStatus = "subscribed"
	Pending      MembershipStatus = "pending" // waits for confirmation
	Unsubscribed MembershipStatus = "unsubscribed"
	Bounced      MembershipStatus = "bounced"
	Complained   MembershipStatus = "complained"
	Blocked      MembershipStatus = "blocked"
	Removed      MembershipStatus = "removed"
	StatusOther  MembershipStatus = "unknown"
)

// Terminal reports whether upsert and import must leave the status alone.
func (s MembershipStatus) Terminal() bool {
	switch s {
	case Unsubscribed, Bounced, Complained, Blocked:
		return true
	}
	return false
}

// Suppression is one kind of mail that an address does not get.
type Suppression struct {
	Channel string `json:"channel"`          // "email", "sms"
	Scope   string `json:"scope"`            // "marketing", "transactional", "all"
	Sender  string `json:"sender,omitempty"` // only for mail from this sender
	Reason  string `json:"reason,omitempty"`
}

// Change says leave, set or clear for one field of a contact; the zero Change
// leaves it. In JSON: absent, a value, null.
type Change[T any] struct {
	Value T
	Clear bool
	set   bool
}

// Set returns a Change that sets v.
func Set[T any](v T) Change[T] { return Change[T]{Value: v, set: true} }

// Clear returns a Change that empties the field.
func Clear[T any]() Change[T] { return Change[T]{Clear: true} }

// IsSet reports whether a value is to be set.
func (c Change[T]) IsSet() bool { return c.set }

// IsZero reports whether the field is to be left as it is.
func (c Change[T]) IsZero() bool { return !c.set && !c.Clear }

// MarshalJSON writes the value, or null.
func (c Change[T]) MarshalJSON() ([]byte, error) {
	if !c.set {
		return []byte("null"), nil
	}
	return json.Marshal(c.Value)
}

// UnmarshalJSON reads a value, or null to clear.
func (c *Change[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*c = Clear[T]()
		return nil
	}
	c.set = true
	return json.Unmarshal(data, &c.Value)
}

// ContactChange is what an upsert does: it adds the lists and sets the named
// fields of the contact with this address, creating it when it is not there.
// It removes nothing but fields that are cleared.
type ContactChange struct {
	Email      string         `json:"email"`
	Phone      Change[string] `json:"phone,omitzero"`
	ExternalID Change[string] `json:"external_id,omitzero"`
	FirstName  Change[string] `json:"first_name,omitzero"`
	LastName   Change[string] `json:"last_name,omitzero"`
	// Fields sets the named fields; a nil value clears one. Values as in
	// Contact.Fields.
	Fields map[string]any `json:"fields,omitempty"`
	// Lists are added to the contact's memberships.
	Lists []Ref `json:"lists,omitempty"`
	// Status is the status to store the contact under, for moving contacts
	// from another place: empty means subscribed, or what the provider's list
	// asks for (a confirmation). Only subscribed, unsubscribed and blocked can be given.
	Status MembershipStatus `json:"status,omitempty"`
}

// ContactState says what an upsert did.
type ContactState string

// The states of a ContactReceipt.
const (
	ContactCreated ContactState = "created"
	ContactUpdated ContactState = "updated"
	ContactStored  ContactState = "stored" // the provider does not tell which
	ContactDone    ContactState = "done"   // of other verbs
	ContactUnknown ContactState = "unknown"
)

// ContactReceipt says what became of a change of a contact.
type ContactReceipt struct {
	Provider string       `json:"provider"`
	Account  string       `json:"account"`
	Email    string       `json:"email"`
	ID       string       `json:"id,omitempty"` // the provider's id; empty when it told none
	State    ContactState `json:"state"`
	Notes    []Note       `json:"notes,omitempty"`
}

// ContactQuery selects contacts and a page of them.
type ContactQuery struct {
	List          Ref       // only members of this list; zero means all contacts
	ModifiedSince time.Time // only contacts changed since
	Limit         int       // contacts a page; 0 means the adapter's choice
	Cursor        string    // from ContactPage.Next; empty means the first page
	// WithoutEmail includes contacts that have no mail address. They are left
	// out and counted otherwise.
	WithoutEmail bool
}

// ContactPage is one page of contacts.
type ContactPage struct {
	Contacts []Contact
	Next     string // cursor of the next page; empty means this was the last
	LeftOut  int    // contacts of this page without a mail address
}

// Contacts keeps contacts. Adapters implement it and Client does again. What a
// provider lacks is an error that matches errors.ErrUnsupported.
// Implementations are safe for concurrent use.
type Contacts interface {
	// GetContact returns the contact with this address, or ErrNotFound.
	GetContact(ctx context.Context, email string) (*Contact, error)
	// ListContacts returns one page. Contacts that change meanwhile may be
	// missed or come twice.
	ListContacts(ctx context.Context, q ContactQuery) (*ContactPage, error)
	// UpsertContact creates or changes a contact. The receipt is non-nil
	// whenever a request may have left.
	UpsertContact(ctx context.Context, c ContactChange) (*ContactReceipt, error)
	// DeleteContact removes a contact from the account; ErrNotFound when it is
	// not there.
	DeleteContact(ctx context.Context, email string) error
}

// Unsubscription takes an address off a list, or off all mail when List is zero.
type Unsubscription struct {
	Email  string `json:"email"`
	List   Ref    `json:"list,omitzero"`
	Reason string `json:"reason,omitempty"`
}

// Unsubscriber unsubscribes.
type Unsubscriber interface {
	Unsubscribe(ctx context.Context, u Unsubscription) (*ContactReceipt, error)
}

// List is a list of contacts.
type List struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Count int64  `json:"count"` // contacts on it as the provider counts; -1 when it does not tell
}

// ListPage is one page of lists.
type ListPage struct {
	Lists []List
	Next  string
}

// MemberResult is the result of adding or removing one address.
type MemberResult struct {
	Email string `json:"email"`
	Error *Error `json:"error,omitempty"`
}

// Lists reads lists and changes who is on them.
type Lists interface {
	// ListLists returns one page of lists.
	ListLists(ctx context.Context, cursor string) (*ListPage, error)
	// AddToList adds contacts to a list. The results are in input order and
	// may hold errors of single addresses beside a nil error.
	AddToList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
	// RemoveFromList takes contacts off a list; they stay contacts.
	RemoveFromList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
}

// Health is what Check found.
type Health struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	Login    string   `json:"login,omitempty"` // whose account it is, as far as the provider tells
	Senders  []Sender `json:"senders,omitempty"`
	Quotas   []Quota  `json:"quotas,omitempty"`
	Notes    []Note   `json:"notes,omitempty"`
}

// Sender is an address the account may send from.
type Sender struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified"`
}

// Quota is one allowance of the account. Left and Used are texts because
// providers mix numbers, percentages and words; empty means not told.
type Quota struct {
	Name string `json:"name"`
	Left string `json:"left,omitempty"`
	Used string `json:"used,omitempty"`
}

// Checker asks the provider whether the credentials work, without sending.
type Checker interface {
	Check(ctx context.Context) (*Health, error)
}

// checkFieldValue refuses values that no provider's field holds.
func checkFieldValue(v any) error {
	switch v := v.(type) {
	case nil, bool, float64, int, int64, json.Number:
		return nil
	case string:
		return checkText("", v)
	case []string:
		return checkListOfTexts(len(v), func(i int) any { return v[i] })
	case []any:
		return checkListOfTexts(len(v), func(i int) any { return v[i] })
	}
	return Invalid("", "expected a text, a number, true, false or a list of texts, got %T", v)
}

func checkListOfTexts(n int, item func(int) any) error {
	for i := range n {
		s, ok := item(i).(string)
		if !ok {
			return Invalid("", "expected a list of texts, got a list with %T", item(i))
		}
		if err := checkText(fmt.Sprintf("[%d]", i), s); err != nil {
			return err
		}
	}
	return nil
}

// ParseContactChange reads a ContactChange from JSON: absent leaves a field,
// null clears it. Unknown keys are errors that name them.
func ParseContactChange(data []byte) (ContactChange, error) {
	var c ContactChange
	err := decodeStrict(data, &c)
	return c, err
}
