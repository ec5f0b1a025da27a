package pakat

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// Sizes of pages. The document states no maximum, so these are the defaults of
// the service that Pakat v3 descends from.
const (
	v3ContactsPage = 50
	v3ListsPage    = 10
)

func (a *v3Adapter) attributes(ctx context.Context) (map[string]string, error) {
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

// GetContact is not documented; scanning the whole list for one address would
// not be what was asked for.
func (a *v3Adapter) GetContact(context.Context, string) (*provider.Contact, error) {
	return nil, provider.Unsupported(feature.ContactsGet, "the provider documents no look-up of one contact")
}

func (a *v3Adapter) ListContacts(ctx context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	if !q.List.IsZero() {
		return nil, provider.Unsupported(feature.ContactsListMembers, "the provider lists no members of a list")
	}
	offset, err := sendinblue.Offset(q.Cursor)
	if err != nil {
		return nil, err
	}
	limit := int64(v3ContactsPage)
	if q.Limit > 0 {
		limit = min(limit, int64(q.Limit))
	}
	var since *string
	if !q.ModifiedSince.IsZero() {
		since = new(q.ModifiedSince.UTC().Format(time.RFC3339))
	}
	page, err := a.api.ListContacts(ctx, &pakatv3api.ListContactsParams{Limit: &limit, Offset: &offset, ModifiedSince: since})
	if err != nil {
		return nil, err
	}
	return v3PageFromAPI(page, offset, limit, q.WithoutEmail)
}

func (a *v3Adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	lists, err := sendinblue.IDs(change.Lists)
	if err != nil {
		return nil, err
	}
	attrs, err := a.attrs.Convert(ctx, change)
	if err != nil {
		return nil, err
	}
	body := pakatv3api.CreateContactRequest{Email: &wire, Attributes: attrs, ListIDs: lists, UpdateEnabled: new(true)}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if len(lists) > 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "lists", Action: provider.NoteWarning, Why: "whether joining a list lifts an unsubscription from it is not documented, and the provider shows none to look at before"})
	}
	if change.Status.Terminal() {
		// Only ever set: false would lift a block that somebody else has put up.
		body.EmailBlacklisted = new(true)
		r.Notes = append(r.Notes, provider.Note{Field: "status", Action: provider.NoteConverted, Why: "blocks marketing mail of the whole account"})
	}
	return r, a.store(ctx, body, r)
}

// store calls the vendor's upsert and completes r by its answer. That 201 means
// created and 204 updated is assumed; any other success does not tell which.
func (a *v3Adapter) store(ctx context.Context, body pakatv3api.CreateContactRequest, r *provider.ContactReceipt) error {
	var reply rest.Reply
	created, err := a.api.CreateContact(ctx, body, rest.WithReply(&reply))
	if err != nil {
		return err
	}
	switch reply.Status {
	case http.StatusCreated:
		r.State = provider.ContactCreated
	case http.StatusNoContent:
		r.State = provider.ContactUpdated
	default:
		r.State = provider.ContactStored
	}
	if created.ID != 0 {
		r.ID = strconv.FormatInt(created.ID, 10)
	}
	return nil
}

func (a *v3Adapter) DeleteContact(context.Context, string) error {
	return provider.Unsupported(feature.ContactsDelete, "the provider documents no way to delete a contact")
}

// Unsubscribe from all is an upsert, so that an address which is not a contact
// yet is kept from mail too.
func (a *v3Adapter) Unsubscribe(ctx context.Context, email string, list provider.Ref, reason string) (*provider.ContactReceipt, error) {
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
		return r, a.store(ctx, pakatv3api.CreateContactRequest{Email: &wire, EmailBlacklisted: new(true), UpdateEnabled: new(true)}, r)
	}
	id, err := sendinblue.ID("list", list)
	if err != nil {
		return nil, err
	}
	if _, err := a.api.UpdateContact(ctx, wire, pakatv3api.UpdateContactRequest{UnlinkListIDs: []int64{id}}); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "list", Action: provider.NoteEmulated, Why: "taken off the list; it may be added again"})
	return r, nil
}

func (a *v3Adapter) ListLists(ctx context.Context, cursor string) (*provider.Page[provider.List], error) {
	offset, err := sendinblue.Offset(cursor)
	if err != nil {
		return nil, err
	}
	// Oldest first: a list that is added meanwhile comes at the end and shifts no page.
	page, err := a.api.ListLists(ctx, &pakatv3api.ListListsParams{Limit: new(int64(v3ListsPage)), Offset: &offset, Sort: new(pakatv3api.SortOrderAsc)})
	if err != nil {
		return nil, err
	}
	out := &provider.Page[provider.List]{Next: sendinblue.Next(offset, len(page.Lists), v3ListsPage, page.Count)}
	for _, l := range page.Lists {
		out.Items = append(out.Items, v3ListFromAPI(l))
	}
	return out, nil
}

func (a *v3Adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	return a.change(ctx, list, emails, func(id int64) pakatv3api.UpdateContactRequest {
		return pakatv3api.UpdateContactRequest{ListIDs: []int64{id}}
	})
}

func (a *v3Adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	return a.change(ctx, list, emails, func(id int64) pakatv3api.UpdateContactRequest {
		return pakatv3api.UpdateContactRequest{UnlinkListIDs: []int64{id}}
	})
}

// change updates one contact after the other. What is wrong with one address is
// its own result; any other error ends the work, and results tells how far it got.
func (a *v3Adapter) change(ctx context.Context, list provider.Ref, emails []string, body func(list int64) pakatv3api.UpdateContactRequest) ([]provider.MemberResult, error) {
	id, err := sendinblue.ID("list", list)
	if err != nil {
		return nil, err
	}
	wires := make([]string, len(emails))
	for i, email := range emails {
		if wires[i], err = adapterkit.Wire("email", email); err != nil {
			return nil, err
		}
	}
	var opts []rest.Option
	if len(wires) > 1 {
		opts = append(opts, rest.WithThen("the same for each further address"))
	}
	results := make([]provider.MemberResult, 0, len(emails))
	for i, wire := range wires {
		_, err := a.api.UpdateContact(ctx, wire, body(id), opts...)
		var e *provider.Error
		switch {
		case err == nil, taken(err):
		case errors.As(err, &e) && (e.Kind == provider.ErrInvalid || e.Kind == provider.ErrNotFound || e.Kind == provider.ErrConflict):
		default:
			return results, err
		}
		results = append(results, provider.MemberResult{Email: emails[i], Error: e})
	}
	return results, nil
}
