package brevo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// Largest pages and groups that the vendor takes.
const (
	contactsPage = 1000
	membersPage  = 500
	listsPage    = 50
	membersCall  = 150
)

func (a *adapter) attributes(ctx context.Context) (map[string]string, error) {
	list, err := a.api.ListAttributes(ctx, rest.WithThen("create or update the contact"))
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(list.Attributes))
	for _, attr := range list.Attributes {
		switch attr.Category {
		case "normal", "category":
			types[attr.Name] = attr.Type
		}
	}
	return types, nil
}

func (a *adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	c, err := a.api.GetContact(ctx, wire, &brevoapi.GetContactParams{IdentifierType: new(brevoapi.ContactIdentifierTypeEmailID)})
	if err != nil {
		return nil, err
	}
	p, err := contactFromDetails(c).Portable()
	return &p, err
}

func (a *adapter) ListContacts(ctx context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	offset, err := sendinblue.Offset(q.Cursor)
	if err != nil {
		return nil, err
	}
	var since *string
	if !q.ModifiedSince.IsZero() {
		since = new(q.ModifiedSince.UTC().Format(time.RFC3339))
	}
	// Oldest first: a contact that is added meanwhile comes at the end and shifts no page.
	order := new(brevoapi.SortOrderAsc)
	read := &pageReader{chain: a.chain, withoutEmail: q.WithoutEmail}
	api := brevoapi.NewClient(read)
	if q.List.IsZero() {
		limit := pageSize(q.Limit, contactsPage)
		page, err := api.ListContacts(ctx, &brevoapi.ListContactsParams{
			Limit: limit, Offset: &offset, ModifiedSince: since, Sort: order,
		})
		if err != nil {
			return nil, err
		}
		return read.page(page, offset, *limit)
	}
	list, err := sendinblue.ID("list", q.List)
	if err != nil {
		return nil, err
	}
	limit := pageSize(q.Limit, membersPage)
	page, err := api.ListContactsOfList(ctx, list, &brevoapi.ListContactsOfListParams{
		Limit: limit, Offset: &offset, ModifiedSince: since, Sort: order,
	})
	if err != nil {
		return nil, err
	}
	return read.page(page, offset, *limit)
}

func pageSize(want, most int) *int64 {
	if want == 0 || want > most {
		want = most
	}
	return new(int64(want))
}

func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	if change.ExternalID.Clears() {
		return nil, provider.Unsupported(feature.ContactsUpsertClear, "an external id cannot be emptied")
	}
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	lists, err := sendinblue.IDs(change.Lists)
	if err != nil {
		return nil, err
	}
	lists, notes, err := a.addable(ctx, wire, lists)
	if err != nil {
		return nil, err
	}
	attrs, err := a.attrs.Convert(ctx, change)
	if err != nil {
		return nil, err
	}
	body := brevoapi.CreateContactRequest{Email: &wire, Attributes: attrs, ListIDs: lists, UpdateEnabled: new(true)}
	if change.ExternalID.IsSet() {
		body.ExtID = new(change.ExternalID.Value())
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}
	if change.Status.Terminal() {
		// Only ever set: false would lift a block that somebody else has put up.
		body.EmailBlacklisted = new(true)
		r.Notes = append(r.Notes, provider.Note{Field: "status", Action: provider.NoteConverted, Why: "blocks marketing mail of the whole account"})
	}
	return r, a.store(ctx, body, r)
}

// addable leaves out the lists that the contact has unsubscribed from: whether
// adding it again would undo that is not documented, so it costs one call to
// look. Between the look and the change somebody may unsubscribe; the vendor has
// no conditional update.
func (a *adapter) addable(ctx context.Context, wire string, lists []int64) ([]int64, []provider.Note, error) {
	if len(lists) == 0 {
		return nil, nil, nil
	}
	c, err := a.look(ctx, wire, "create or update the contact")
	if err != nil || c == nil {
		return lists, nil, err
	}
	var notes []provider.Note
	lists = slices.DeleteFunc(lists, func(id int64) bool {
		gone := slices.Contains(c.ListUnsubscribed, id)
		if gone {
			notes = append(notes, provider.Note{Field: "lists", Action: provider.NoteDropped, Why: "the contact has unsubscribed from list " + strconv.FormatInt(id, 10)})
		}
		return gone
	})
	return lists, notes, nil
}

// look reads a contact; nil when there is none.
func (a *adapter) look(ctx context.Context, wire, then string) (*brevoapi.ContactDetails, error) {
	c, err := a.api.GetContact(ctx, wire, &brevoapi.GetContactParams{IdentifierType: new(brevoapi.ContactIdentifierTypeEmailID)}, rest.WithThen(then))
	if errors.Is(err, provider.ErrNotFound) {
		return nil, nil
	}
	return c, err
}

// store calls the vendor's upsert and completes r by its answer.
func (a *adapter) store(ctx context.Context, body brevoapi.CreateContactRequest, r *provider.ContactReceipt) error {
	var reply rest.Reply
	created, err := a.api.CreateContact(ctx, body, rest.WithReply(&reply))
	switch {
	case err != nil:
		return err
	case reply.Status == http.StatusNoContent:
		r.State = provider.ContactUpdated
	default:
		r.State = provider.ContactCreated
		if created.ID != 0 {
			r.ID = strconv.FormatInt(created.ID, 10)
		}
	}
	return nil
}

func (a *adapter) DeleteContact(ctx context.Context, email string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteContact(ctx, wire, &brevoapi.DeleteContactParams{IdentifierType: new(brevoapi.ContactIdentifierTypeEmailID)})
	return err
}

// Unsubscribe from all is an upsert, so that an address which is not a contact
// yet is kept from mail too.
func (a *adapter) Unsubscribe(ctx context.Context, email string, list provider.Ref, reason string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if reason != "" {
		r.Notes = append(r.Notes, provider.Note{Field: "reason", Action: provider.NoteDropped, Why: "the provider stores no reason"})
	}
	if list.IsZero() {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteConverted, Why: "blocks marketing mail; transactional mail still goes out"})
		return r, a.store(ctx, brevoapi.CreateContactRequest{Email: &wire, EmailBlacklisted: new(true), UpdateEnabled: new(true)}, r)
	}
	results, err := a.RemoveFromList(ctx, list, []string{email})
	if err != nil {
		return r, err
	}
	if len(results) == 1 && results[0].Error != nil {
		return r, results[0].Error
	}
	r.State = provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "list", Action: provider.NoteEmulated, Why: "taken off the list; it may be added again"})
	return r, nil
}

func (a *adapter) ListLists(ctx context.Context, cursor string) (*provider.Page[provider.List], error) {
	offset, err := sendinblue.Offset(cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.api.ListLists(ctx, &brevoapi.ListListsParams{Limit: new(int64(listsPage)), Offset: &offset, Sort: new(brevoapi.SortOrderAsc)})
	if err != nil {
		return nil, err
	}
	out := &provider.Page[provider.List]{Next: sendinblue.Next(offset, len(page.Lists), listsPage, page.Count)}
	for _, l := range page.Lists {
		out.Items = append(out.Items, listFromAPI(l))
	}
	return out, nil
}

// AddToList looks at each contact first, as an upsert does, and for the same
// reason. Who is on the list already needs no change.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	m, err := newMembers(list, emails)
	if err != nil {
		return nil, err
	}
	for i := range m.wires {
		c, err := a.look(ctx, m.wires[i], "add the contacts to the list, 150 a call")
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			m.settle(i, &provider.Error{Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: http.StatusNotFound, Message: "no such contact"})
		case slices.Contains(c.ListUnsubscribed, m.list):
			m.settle(i, &provider.Error{Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: http.StatusOK, Message: "the contact has unsubscribed from this list; resubscribe is a verb of its own"})
		case slices.Contains(c.ListIDs, m.list):
			m.settle(i, nil)
		}
	}
	return a.change(m, func(group []string) (*brevoapi.ListChange, error) {
		return a.api.AddContactsToList(ctx, m.list, brevoapi.AddContactsToListRequest{Emails: group})
	})
}

func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	m, err := newMembers(list, emails)
	if err != nil {
		return nil, err
	}
	return a.change(m, func(group []string) (*brevoapi.ListChange, error) {
		return a.api.RemoveContactsFromList(ctx, m.list, brevoapi.RemoveContactsFromListRequest{Emails: group})
	})
}
