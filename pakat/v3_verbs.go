package pakat

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// v3BlockedPage is the size of a page of blocked addresses, chosen like the others.
const v3BlockedPage = 50

var (
	_ provider.Suppressions = (*v3Adapter)(nil)
	_ provider.Resubscriber = (*v3Adapter)(nil)
	_ provider.ListKeeper   = (*v3Adapter)(nil)
)

// ListSuppressions lists blocked transactional mail. Marketing mail is a switch
// of each contact and is told with the contact.
func (a *v3Adapter) ListSuppressions(ctx context.Context, cursor string) (*provider.SuppressionPage, error) {
	offset, err := sendinblue.Offset(cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.api.ListBlockedContacts(ctx, &pakatv3api.ListBlockedContactsParams{
		Limit: new(int64(v3BlockedPage)), Offset: &offset, Sort: new(pakatv3api.SortOrderAsc),
	})
	if err != nil {
		return nil, err
	}
	out := &provider.SuppressionPage{Next: sendinblue.Next(offset, len(page.Contacts), v3BlockedPage, page.Count)}
	for _, b := range page.Contacts {
		out.Addresses = append(out.Addresses, sendinblue.Blocked(b.Email, b.SenderEmail, b.Reason.Code, b.Reason.Message, b.BlockedAt))
	}
	return out, nil
}

func (a *v3Adapter) AddSuppression(context.Context, string, string) (*provider.ContactReceipt, error) {
	return nil, provider.Unsupported(feature.SuppressionsAdd, "the provider documents no way to add an address")
}

func (a *v3Adapter) RemoveSuppression(context.Context, string) (*provider.ContactReceipt, error) {
	return nil, provider.Unsupported(feature.SuppressionsRemove, "the provider documents no way to remove an address")
}

// Resubscribe changes a contact that is there; an unknown address is assumed to
// be ErrNotFound.
func (a *v3Adapter) Resubscribe(ctx context.Context, s provider.Resubscription) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", s.Email)
	if err != nil {
		return nil, err
	}
	body, note := pakatv3api.UpdateContactRequest{EmailBlacklisted: new(false)}, sendinblue.NoteMarketing
	if !s.List.IsZero() {
		id, err := sendinblue.ID("list", s.List)
		if err != nil {
			return nil, err
		}
		body, note = pakatv3api.UpdateContactRequest{ListIDs: []int64{id}}, sendinblue.NoteList
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if _, err := a.api.UpdateContact(ctx, wire, body); err != nil {
		return r, err
	}
	r.State, r.Notes = provider.ContactDone, []provider.Note{note}
	return r, nil
}

func (a *v3Adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	if a.folder == 0 {
		return nil, sendinblue.NoFolder(a.account)
	}
	created, err := a.api.CreateList(ctx, pakatv3api.CreateListRequest{Name: name, FolderID: a.folder})
	if err != nil {
		return nil, err
	}
	list := &provider.List{Name: name}
	if created.ID != 0 {
		list.ID = strconv.FormatInt(created.ID, 10)
	}
	return list, nil
}

func (a *v3Adapter) DeleteList(context.Context, provider.Ref) error {
	return provider.Unsupported(feature.ListsDelete, "the provider documents no way to delete a list")
}
