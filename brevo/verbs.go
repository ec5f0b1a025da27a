package brevo

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// blockedPage is the largest page of blocked addresses that the vendor takes.
const blockedPage = 100

var (
	_ provider.Canceler     = (*adapter)(nil)
	_ provider.Suppressions = (*adapter)(nil)
	_ provider.Resubscriber = (*adapter)(nil)
	_ provider.ListKeeper   = (*adapter)(nil)
)

func (a *adapter) Cancel(ctx context.Context, messageID string) error {
	_, err := a.api.CancelScheduledEmail(ctx, messageID)
	return err
}

// ListSuppressions lists blocked transactional mail. Marketing mail is a switch
// of each contact and is told with the contact.
func (a *adapter) ListSuppressions(ctx context.Context, cursor string) (*provider.SuppressionPage, error) {
	offset, err := sendinblue.Offset(cursor)
	if err != nil {
		return nil, err
	}
	// Oldest first: an address that is blocked meanwhile comes at the end and shifts no page.
	page, err := a.api.ListBlockedContacts(ctx, &brevoapi.ListBlockedContactsParams{
		Limit: new(int64(blockedPage)), Offset: &offset, Sort: new(brevoapi.SortOrderAsc),
	})
	if err != nil {
		return nil, err
	}
	out := &provider.SuppressionPage{Next: sendinblue.Next(offset, len(page.Contacts), blockedPage, page.Count)}
	for _, b := range page.Contacts {
		out.Addresses = append(out.Addresses, sendinblue.Blocked(b.Email, b.SenderEmail, b.Reason.Code, b.Reason.Message, b.BlockedAt))
	}
	return out, nil
}

// AddSuppression is not there: the vendor blocks a contact for one sender only.
func (a *adapter) AddSuppression(context.Context, string, string) (*provider.ContactReceipt, error) {
	return nil, provider.Unsupported(feature.SuppressionsAdd, "the provider has no call that adds an address")
}

func (a *adapter) RemoveSuppression(ctx context.Context, email string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if _, err := a.api.UnblockContact(ctx, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	r.Notes = []provider.Note{{Field: "email", Action: "warning", Why: "lets transactional mail through again; a block of marketing mail stays"}}
	return r, nil
}

// Resubscribe changes a contact that is there; an unknown address is ErrNotFound.
func (a *adapter) Resubscribe(ctx context.Context, s provider.Resubscription) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", s.Email)
	if err != nil {
		return nil, err
	}
	body, note := brevoapi.UpdateContactRequest{EmailBlacklisted: new(false)}, sendinblue.NoteMarketing
	if !s.List.IsZero() {
		id, err := sendinblue.ID("list", s.List)
		if err != nil {
			return nil, err
		}
		body, note = brevoapi.UpdateContactRequest{ListIDs: []int64{id}}, sendinblue.NoteList
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if _, err := a.api.UpdateContact(ctx, wire, &brevoapi.UpdateContactParams{IdentifierType: new(brevoapi.ContactIdentifierTypeEmailID)}, body); err != nil {
		return r, err
	}
	r.State, r.Notes = provider.ContactDone, []provider.Note{note}
	return r, nil
}

func (a *adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	if a.folder == 0 {
		return nil, sendinblue.NoFolder(a.account)
	}
	created, err := a.api.CreateList(ctx, brevoapi.CreateListRequest{Name: name, FolderID: a.folder})
	if err != nil {
		return nil, err
	}
	list := &provider.List{Name: name}
	if created.ID != 0 {
		list.ID = strconv.FormatInt(created.ID, 10)
	}
	return list, nil
}

func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	id, err := sendinblue.ID("list", list)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteList(ctx, id)
	return err
}
