package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file holds all contracts of adapters: the interface that NewClient takes,
// and the optional ones that it looks for. A program needs none of them.
//
// A Client checks and prepares what it passes on: addresses are valid, aliases are
// replaced by ids, texts can be written, the capability table has the features. An
// adapter converts, makes its calls and converts back. It does not repeat, wait,
// log or resolve aliases. Errors are *Error with a Kind and, once a request may
// have left, an Outcome; the Client adds account and operation. All methods are
// safe for concurrent use.

// Adapter is the part that every adapter has. Of the methods of Contacts, Lists and
// Suppressions, and of those below, an adapter has the ones that its provider can
// serve; its capability table states which. NewClient refuses an adapter whose table
// promises a method that it does not have. The comments in adapter.go say what each
// must do.
//
//	Status(context.Context, *Receipt) (*Receipt, error)  // follows mail that was sent
//	Cancel(context.Context, *Receipt) error              // withdraws scheduled mail
//	FindSent(context.Context, string, Trace) ([]SentMail, error)
//	Check(context.Context) (*Health, error)              // tests the credentials
//	BatchLimits() GroupLimits                            // these three: several messages
//	BatchKey(*Message) (key string, ok bool)             // in one request
//	SendBatch(context.Context, []*Message) ([]*Receipt, error)
//	NewBulkImport() BulkImport      // imports of many contacts in few requests
//	Native() any                    // its generated client, for Native; several as []any
//	KeyScope(key string) (scope string, window time.Duration) // the provider's own keys
//	Accepts(*Message) error         // with Member: a route, which hands messages to
//	Member(account string) *Client  // other Clients
type Adapter interface {
	Mailer
	// Capabilities are fixed for the life of the adapter.
	Capabilities() Capabilities
}

// Mailer sends mail. Client implements it again, so a program may depend on it.
type Mailer interface {
	// Send hands m to the provider. The Receipt is non-nil whenever a request may
	// have left, also together with an error. An adapter does not change m, does
	// not keep it, and refuses a field it cannot express.
	Send(ctx context.Context, m *Message) (*Receipt, error)
}

// SentMail is a mail in a provider's list of sent mail.
type SentMail struct {
	MessageID string
	Recipient string
	Subject   string // empty when the provider does not report it
	At        time.Time
	State     State
}

// Health is the result of Client.Check.
type Health struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	Login    string   `json:"login,omitempty"` // the owner of the account; empty when the provider does not report it
	Senders  []Sender `json:"senders,omitempty"`
	Quotas   []Quota  `json:"quotas,omitempty"`
	Notes    []Note   `json:"notes,omitempty"`
}

// Sender is an address the account may send from.
type Sender struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified"` // mail from it is accepted
}

// Quota is one allowance of the account. Left and Used are in Unit; nil means that the
// provider does not report it.
type Quota struct {
	Name      string   `json:"name"` // in plain words; a plan has the provider's name
	Unit      string   `json:"unit"` // "mails", "contacts", "messages", "SMS", or a currency like "USD"
	Left      *float64 `json:"left,omitempty"`
	Used      *float64 `json:"used,omitempty"`
	Unlimited bool     `json:"unlimited,omitempty"`
}

// Contacts keeps contacts. Client implements it again. An operation that the
// provider lacks is an error that matches errors.ErrUnsupported.
type Contacts interface {
	// GetContact returns the contact with this address, or ErrNotFound.
	GetContact(ctx context.Context, email string) (*Contact, error)
	// ListContacts returns one page. Contacts that change meanwhile may be missed
	// or returned twice.
	ListContacts(ctx context.Context, q ContactQuery) (*Page[Contact], error)
	// UpsertContact creates or changes a contact. The receipt is non-nil
	// whenever a request may have left. An adapter finds all lists of the change in
	// Memberships, each once, with the status "" for one of Lists without a Status;
	// Lists is empty then.
	UpsertContact(ctx context.Context, c ContactChange) (*ContactReceipt, error)
	// DeleteContact removes a contact from the account; ErrNotFound when it is
	// not there.
	DeleteContact(ctx context.Context, email string) error
	// Unsubscribe takes an address off a list, or off all mail when list is zero.
	Unsubscribe(ctx context.Context, email string, list Ref, reason string) (*ContactReceipt, error)
	// Resubscribe undoes an unsubscription: from a list, or from all mail when
	// list is zero.
	Resubscribe(ctx context.Context, email string, list Ref) (*ContactReceipt, error)
}

// Lists keeps lists and who is on them. Client implements it again.
type Lists interface {
	// ListLists returns one page of lists.
	ListLists(ctx context.Context, cursor string) (*Page[List], error)
	// AddToList adds contacts to a list. The results are in input order. Single
	// results may have errors although the error is nil.
	AddToList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
	// RemoveFromList takes contacts off a list; they stay contacts.
	RemoveFromList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
	// CreateList makes a list. It is not repeatable: after ErrOutcomeUnknown
	// look for the name before creating it again.
	CreateList(ctx context.Context, name string) (*List, error)
	// DeleteList removes a list; its contacts stay contacts where the provider
	// keeps them outside of lists.
	DeleteList(ctx context.Context, list Ref) error
}

// Suppressions is the account's own list of addresses that get no mail, whether
// they are contacts or not. Client implements it again.
type Suppressions interface {
	// ListSuppressions returns one page.
	ListSuppressions(ctx context.Context, cursor string) (*Page[Suppression], error)
	// AddSuppression stops mail to an address.
	AddSuppression(ctx context.Context, email, reason string) (*ContactReceipt, error)
	// RemoveSuppression lets mail to an address through again. The caller asserts
	// that the person wants it.
	RemoveSuppression(ctx context.Context, email string) (*ContactReceipt, error)
}

// BulkImport is a running import, at a provider that stores many contacts in one
// request or in a job. The adapter's method NewBulkImport returns one and makes no
// request. Row is called by one goroutine, Store by several.
type BulkImport interface {
	// Limits are the most that one Store takes. Addresses and Each have no
	// meaning there.
	Limits() GroupLimits
	// Row converts a checked change. It may request what all rows need from the
	// provider, such as its fields. An error is about this row, unless every
	// further row would cause it too.
	Row(ctx context.Context, change ContactChange) (BulkRow, error)
	// Store stores rows with the same key and returns a result for each, in their
	// order; only Receipt and Err of a result count. With an error and no results,
	// the error holds for all rows. Unlike UpsertContact it need not report whether
	// a contact is new, but it undoes no unsubscription either.
	Store(ctx context.Context, rows []BulkRow) ([]ImportResult, error)
}

// BulkRow is a contact in the form in which a BulkImport stores it.
type BulkRow struct {
	Key   string // rows with the same key may share a call
	Alone bool   // the row cannot be stored in bulk: UpsertContact does it
	Bytes int    // its approximate size in memory and on the wire
	// Identity has what identifies the contact at the provider besides its address, such as
	// a phone number. Two rows with the same one never share a call; they are stored one
	// after the other.
	Identity []string
	Data     any    // the adapter's own
	Notes    []Note // about the row, to be told before those of its receipt
}

// GroupLimits are the most that one call for several messages or contacts
// takes. Zero means no limit, but for Items, where it means one.
type GroupLimits struct {
	Items     int // messages or contacts
	Addresses int // recipients of all messages together
	Each      int // recipients of a single message; one with more gets a request of its own
	Variables int // bytes of the variables of all messages together
	// Bytes of all messages together: variables and texts, without the syntax of
	// the wire. Subject and body count once where they are the same.
	Bytes int
	// Distinct keeps messages with the same first recipient in different requests,
	// where the provider identifies the mails of a request by their addresses.
	Distinct bool
}

// One interface for each optional method.
type (
	statusReader interface {
		// Status finds a mail by the MessageID of the Receipt, which is not empty.
		Status(context.Context, *Receipt) (*Receipt, error)
	}
	canceler interface {
		// Cancel withdraws the mail with the MessageID of the Receipt, which is not
		// empty. nil means that it will not go out; ErrNotFound or ErrConflict that it
		// has, or never was there.
		Cancel(context.Context, *Receipt) error
	}
	finder interface {
		// FindSent returns all mails to recipient that may be the one t describes: same
		// sender and subject, accepted from t.At to t.Until. An empty result proves
		// nothing: providers list mail with a delay.
		FindSent(ctx context.Context, recipient string, t Trace) ([]SentMail, error)
	}
	checker interface {
		// Check makes one request or a few that change nothing.
		Check(context.Context) (*Health, error)
	}
	batcher interface {
		// BatchLimits are the most that one call takes.
		BatchLimits() GroupLimits
		// BatchKey decides which messages may share a request: those with the same
		// key. The key covers everything that the request states only once. ok is false
		// when the message must have a request of its own.
		BatchKey(m *Message) (key string, ok bool)
		// SendBatch sends messages with the same key, within the limits, in one call.
		// It returns a receipt for each, in their order. An error holds for all of
		// them; the receipts may then be nil.
		SendBatch(ctx context.Context, messages []*Message) ([]*Receipt, error)
	}
	contactGetter interface {
		GetContact(context.Context, string) (*Contact, error)
	}
	contactLister interface {
		ListContacts(context.Context, ContactQuery) (*Page[Contact], error)
	}
	contactUpserter interface {
		UpsertContact(context.Context, ContactChange) (*ContactReceipt, error)
	}
	contactDeleter interface {
		DeleteContact(context.Context, string) error
	}
	unsubscriber interface {
		Unsubscribe(context.Context, string, Ref, string) (*ContactReceipt, error)
	}
	resubscriber interface {
		Resubscribe(context.Context, string, Ref) (*ContactReceipt, error)
	}
	listLister interface {
		ListLists(context.Context, string) (*Page[List], error)
	}
	listAdder interface {
		AddToList(context.Context, Ref, []string) ([]MemberResult, error)
	}
	listRemover interface {
		RemoveFromList(context.Context, Ref, []string) ([]MemberResult, error)
	}
	listCreator interface {
		CreateList(context.Context, string) (*List, error)
	}
	listDeleter interface {
		DeleteList(context.Context, Ref) error
	}
	suppressionLister interface {
		ListSuppressions(context.Context, string) (*Page[Suppression], error)
	}
	suppressionAdder interface {
		AddSuppression(context.Context, string, string) (*ContactReceipt, error)
	}
	suppressionRemover interface {
		RemoveSuppression(context.Context, string) (*ContactReceipt, error)
	}
	bulkImporter interface{ NewBulkImport() BulkImport }
	keyScoper    interface {
		// KeyScope says for how long from the first request the provider itself knows an
		// idempotency key, and returns a text that is equal for the same key, as the provider
		// gets it, at the same account there. The text is no secret.
		KeyScope(key string) (scope string, window time.Duration)
	}
	nativer interface{ Native() any }
)

// methods maps a feature to the method of an adapter that serves it. Features
// without a row are parts of a message, a change or a query.
var methods = []struct {
	feature Feature
	name    string
	has     func(Adapter) bool
}{
	{featureStatus, "Status", has[statusReader]},
	{featureCancel, "Cancel", has[canceler]},
	{featureSettle, "FindSent", has[finder]},
	{featureContactGet, "GetContact", has[contactGetter]},
	{featureContactList, "ListContacts", has[contactLister]},
	{featureContactListOf, "ListContacts", has[contactLister]},
	{featureContactSince, "ListContacts", has[contactLister]},
	{featureContactUpsert, "UpsertContact", has[contactUpserter]},
	{featureContactDelete, "DeleteContact", has[contactDeleter]},
	{featureUnsubscribe, "Unsubscribe", has[unsubscriber]},
	{featureUnsubscribeList, "Unsubscribe", has[unsubscriber]},
	{featureResubscribe, "Resubscribe", has[resubscriber]},
	{featureLists, "ListLists", has[listLister]},
	{featureListAdd, "AddToList", has[listAdder]},
	{featureListRemove, "RemoveFromList", has[listRemover]},
	{featureListCreate, "CreateList", has[listCreator]},
	{featureListDelete, "DeleteList", has[listDeleter]},
	{featureSuppressions, "ListSuppressions", has[suppressionLister]},
	{featureSuppressionAdd, "AddSuppression", has[suppressionAdder]},
	{featureSuppressionRemove, "RemoveSuppression", has[suppressionRemover]},
	{featureCheck, "Check", has[checker]},
	{featureCheckSenders, "Check", has[checker]},
	{featureCheckQuota, "Check", has[checker]},
}

func has[T any](a Adapter) bool {
	_, ok := a.(T)
	return ok
}

// missingMethods returns an error that lists the methods which the capability table
// of a promises and a does not have, or has with another signature.
func missingMethods(a Adapter) error {
	caps := a.Capabilities()
	var missing []string
	for _, m := range methods {
		if caps.Level(m.feature) != LevelNone && !m.has(a) {
			missing = append(missing, fmt.Sprintf("%s (%s)", m.feature, m.name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return &Error{
		Kind: ErrInternal, Outcome: OutcomeNotSent,
		Message: "the capability table promises methods that the adapter does not have: " + strings.Join(missing, ", "),
	}
}
