package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file holds all contracts of adapters: what NewClient takes, and the further
// abilities that it looks for. A program needs none of them.
//
// A Client checks and prepares what it passes on: addresses are valid, aliases are
// replaced by ids, texts can be written, the capability table has the features. An
// adapter converts, makes its calls and converts back. It does not repeat, wait,
// log or resolve aliases. Errors are *Error with a Kind and, once a request may
// have left, an Outcome; the Client adds account and operation. All methods are
// safe for concurrent use.

// Adapter is what an adapter must have. All else is looked for method by method:
// an adapter has those methods of Tracker, Finder, Contacts, Lists, Suppressions,
// Checker and Batcher that its provider can serve, and its capability table says which. NewClient refuses an adapter whose
// table promises a method that it does not have.
//
// An adapter may also have
//
//	Native() any                  // its generated client for the function Native; several as []any
//	NewBulkImport() BulkImport    // imports of many contacts by few calls
//	Accepts(*Message) error       // together: a route, which hands messages to other Clients
//	Member(account string) *Client
type Adapter interface {
	Mailer
	// Capabilities are fixed for the life of the adapter.
	Capabilities() Capabilities
}

// Mailer sends mail. Client implements it again, so a program may depend on it.
type Mailer interface {
	// Send hands m to the provider. The Receipt is non-nil whenever a request
	// may have left, also beside an error. An adapter does not change m, does
	// not keep it, and refuses a field it cannot express.
	Send(ctx context.Context, m *Message) (*Receipt, error)
}

// Tracker follows mail that was sent. Client implements it again.
type Tracker interface {
	// Status finds a mail by the MessageID of r, which is not empty.
	Status(ctx context.Context, r *Receipt) (*Receipt, error)
	// Cancel withdraws the mail with the MessageID of r, which is not empty. nil
	// means that it will not go out; ErrNotFound or ErrConflict that it has, or
	// never was there.
	Cancel(ctx context.Context, r *Receipt) error
}

// Finder finds mail that was accepted without our knowing its id.
type Finder interface {
	// FindSent returns all mails to recipient that may be the one that t tells of:
	// same sender and subject, accepted from t.At to t.Until. None proves nothing:
	// providers list mail with a delay.
	FindSent(ctx context.Context, recipient string, t Trace) ([]SentMail, error)
}

// SentMail is a mail in a provider's list of sent mail.
type SentMail struct {
	MessageID string
	Recipient string
	Subject   string // empty when the provider does not tell it
	At        time.Time
	State     State
}

// Contacts keeps contacts. Client implements it again. What a provider lacks is an
// error that matches errors.ErrUnsupported.
type Contacts interface {
	// GetContact returns the contact with this address, or ErrNotFound.
	GetContact(ctx context.Context, email string) (*Contact, error)
	// ListContacts returns one page. Contacts that change meanwhile may be
	// missed or come twice.
	ListContacts(ctx context.Context, q ContactQuery) (*Page[Contact], error)
	// UpsertContact creates or changes a contact. The receipt is non-nil
	// whenever a request may have left.
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
	// AddToList adds contacts to a list. The results are in input order and may
	// hold errors of single addresses beside a nil error.
	AddToList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
	// RemoveFromList takes contacts off a list; they stay contacts.
	RemoveFromList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error)
	// CreateList makes a list. It is not repeatable: after ErrOutcomeUnknown
	// look for the name before creating it again.
	CreateList(ctx context.Context, name string) (*List, error)
	// DeleteList removes a list; its contacts stay contacts where the provider
	// keeps them beside lists.
	DeleteList(ctx context.Context, list Ref) error
}

// Suppressions is the account's own list of addresses that get no mail, whether
// they are contacts or not. Client implements it again.
type Suppressions interface {
	// ListSuppressions returns one page.
	ListSuppressions(ctx context.Context, cursor string) (*Page[Suppression], error)
	// AddSuppression keeps mail from an address.
	AddSuppression(ctx context.Context, email, reason string) (*ContactReceipt, error)
	// RemoveSuppression lets mail to an address through again. It is the
	// caller's word that the person wants it.
	RemoveSuppression(ctx context.Context, email string) (*ContactReceipt, error)
}

// Checker asks the provider whether the credentials work, without sending. Client
// implements it again.
type Checker interface {
	Check(ctx context.Context) (*Health, error)
}

// Batcher is implemented by an adapter whose provider takes several messages in
// one call.
type Batcher interface {
	// BatchLimits are the most that one call takes.
	BatchLimits() GroupLimits
	// BatchKey tells which messages may share a call: those with the same key.
	// It covers all but what each message of a call says for itself. ok is false
	// when the message must have a call of its own.
	BatchKey(m *Message) (key string, ok bool)
	// SendBatch sends messages with the same key, within the limits, in one call.
	// It returns a receipt for each, in their order; beside an error, which holds
	// for all of them, those may be nil.
	SendBatch(ctx context.Context, messages []*Message) ([]*Receipt, error)
}

// BulkImport is one import under way, at a provider that stores many contacts in
// one call or in a job. An adapter makes one by its method NewBulkImport, which
// makes no request. Row is called by one goroutine, Store by several.
type BulkImport interface {
	// Limits are the most that one Store takes. Addresses and Each have no
	// meaning there.
	Limits() GroupLimits
	// Row converts a change that was checked. It may ask the provider for what
	// all rows need, its fields for example. An error is about this row, unless
	// every further one would meet it too.
	Row(ctx context.Context, change ContactChange) (BulkRow, error)
	// Store stores rows with the same key and returns what became of each, in
	// their order; only Receipt and Err of a result count. An error beside no
	// results holds for all of them. Unlike UpsertContact it need not say whether
	// a contact is new, but it keeps its promise that no unsubscription is undone.
	Store(ctx context.Context, rows []BulkRow) ([]ImportResult, error)
}

// BulkRow is a contact in the form in which a BulkImport stores it.
type BulkRow struct {
	Key   string // rows with the same key may share a call
	Alone bool   // the row cannot be stored in bulk: UpsertContact does it
	Bytes int    // its size in memory and on the wire, about
	Data  any    // the adapter's own
}

// GroupLimits are the most that one call for several messages or contacts
// takes. Zero means no limit, but for Items, where it means one.
type GroupLimits struct {
	Items     int // messages or contacts
	Addresses int // recipients of all messages together
	Each      int // recipients of a single message; one with more has a call of its own
	Variables int // bytes of the variables of all messages together
	// Bytes of all together: variables and texts, without the wire's own words.
	// Subject and body count once where they are the same.
	Bytes int
	// Distinct keeps messages whose first recipient is the same out of one call,
	// where the provider tells the mails of a call apart by their addresses.
	Distinct bool
}

// The methods that are looked for one by one.
type (
	statusReader interface {
		Status(context.Context, *Receipt) (*Receipt, error)
	}
	canceler interface {
		Cancel(context.Context, *Receipt) error
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
	nativer      interface{ Native() any }
)

// methods says which method of an adapter serves a feature. Features without a row
// are parts of a message, a change or a query.
var methods = []struct {
	feature Feature
	name    string
	has     func(Adapter) bool
}{
	{featureStatus, "Status", has[statusReader]},
	{featureCancel, "Cancel", has[canceler]},
	{featureSettle, "FindSent", has[Finder]},
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
	{featureCheck, "Check", has[Checker]},
	{featureCheckSenders, "Check", has[Checker]},
	{featureCheckQuota, "Check", has[Checker]},
}

func has[T any](a Adapter) bool {
	_, ok := a.(T)
	return ok
}

// missingMethods returns what the capability table of a promises and a does not
// have, or has with another signature.
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
		Message: "the adapter's capability table has what its methods do not: " + strings.Join(missing, ", "),
	}
}
