package brevo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Largest pages and groups that the vendor takes.
const (
	contactsPage = 1000
	membersPage  = 500
	listsPage    = 50
	membersCall  = 150
	blockedPage  = 100
	findSize     = 500
	eventsPage   = 2500 // the default; the largest is 5,000
)

var pages = sendinblue.Pages{
	Contacts: contactsPage, Members: membersPage, Lists: listsPage, Blocked: blockedPage,
	Sent: findSize, Events: eventsPage,
}

// calls are the calls of the shared driver.
type calls struct{ api *brevoapi.Client }

var _ sendinblue.Calls = calls{}

func (c calls) ListEmailEvents(
	ctx context.Context, messageID string, limit, offset int64,
) ([]sendinblue.Event, error) {
	page, err := c.api.ListEmailEvents(ctx, &brevoapi.ListEmailEventsParams{
		MessageID: &messageID, Limit: &limit, Offset: &offset,
	})
	if err != nil {
		return nil, err
	}
	out := make([]sendinblue.Event, len(page.Events))
	for i, e := range page.Events {
		out[i] = sendinblue.Event{Email: e.Email, Event: e.Event, Date: e.Date}
	}
	return out, nil
}

// ListEmails lists no mail that is only scheduled. The vendor allows two such calls
// a second.
func (c calls) ListEmails(
	ctx context.Context, wire string, limit, offset int64,
) ([]sendinblue.Mail, int64, error) {
	got, err := c.api.ListEmails(ctx, &brevoapi.ListEmailsParams{
		Email: &wire, Sort: new(brevoapi.SortOrderDesc), Limit: &limit, Offset: &offset,
	})
	if err != nil {
		return nil, 0, err
	}
	out := make([]sendinblue.Mail, len(got.Emails))
	for i, m := range got.Emails {
		out[i] = sendinblue.Mail{
			MessageID: m.MessageID, Recipient: m.Email, Sender: m.From, Subject: m.Subject,
			Tags: m.Tags, Date: m.Date,
		}
	}
	return out, got.Count, nil
}

func (c calls) GetAccount(ctx context.Context) (sendinblue.Account, error) {
	got, err := c.api.GetAccount(ctx)
	if err != nil {
		return sendinblue.Account{}, err
	}
	out := sendinblue.Account{Email: got.Email}
	for _, p := range got.Plans {
		plan := sendinblue.Plan{Type: p.Type, CreditsType: p.CreditsType, Credits: p.Credits}
		out.Plans = append(out.Plans, plan)
	}
	return out, nil
}

func (c calls) ListSenders(ctx context.Context) ([]provider.Sender, error) {
	got, err := c.api.ListSenders(ctx, nil)
	if err != nil {
		return nil, err
	}
	var out []provider.Sender
	for _, s := range got.Senders {
		out = append(out, provider.Sender{Email: s.Email, Name: s.Name, Verified: s.Active})
	}
	return out, nil
}

func (c calls) ListAttributes(
	ctx context.Context, opts ...rest.Option,
) ([]sendinblue.Attribute, error) {
	got, err := c.api.ListAttributes(ctx, opts...)
	if err != nil {
		return nil, err
	}
	out := make([]sendinblue.Attribute, len(got.Attributes))
	for i, a := range got.Attributes {
		out[i] = sendinblue.Attribute{Name: a.Name, Type: a.Type, Category: a.Category}
	}
	return out, nil
}

// ListContacts reads oldest first: a contact that is added meanwhile comes at the end
// and shifts no page.
func (c calls) ListContacts(
	ctx context.Context, q sendinblue.ContactQuery,
) (*sendinblue.Rows, error) {
	order := new(brevoapi.SortOrderAsc)
	read := &pageReader{api: c.api, withoutEmail: q.WithoutEmail}
	api := brevoapi.NewClient(read)
	var page *brevoapi.ContactPage
	var err error
	if q.List == 0 {
		page, err = api.ListContacts(ctx, &brevoapi.ListContactsParams{
			Limit: &q.Limit, Offset: &q.Offset, ModifiedSince: q.ModifiedSince, Sort: order,
		})
	} else {
		page, err = api.ListContactsOfList(ctx, q.List, &brevoapi.ListContactsOfListParams{
			Limit: &q.Limit, Offset: &q.Offset, ModifiedSince: q.ModifiedSince, Sort: order,
		})
	}
	if err != nil {
		return nil, err
	}
	return read.page(page)
}

// MayJoin leaves out the lists that the contact has unsubscribed from: whether adding
// it again would undo that is not documented, so it costs one call to look.
func (c calls) MayJoin(
	ctx context.Context, wire string, lists []int64,
) ([]int64, []provider.Note, error) {
	known, err := c.look(ctx, wire, "create or update the contact")
	if err != nil || known == nil {
		return lists, nil, err
	}
	var notes []provider.Note
	lists = slices.DeleteFunc(lists, func(id int64) bool {
		gone := slices.Contains(known.ListUnsubscribed, id)
		if gone {
			notes = append(notes, provider.Note{
				Field: "lists", Action: provider.NoteDropped,
				Why: fmt.Sprintf("the contact has unsubscribed from list %d", id),
			})
		}
		return gone
	})
	return lists, notes, nil
}

// byEmail says that a contact is named by its address.
var byEmail = brevoapi.ContactIdentifierTypeEmailID

// look reads a contact; nil when there is none.
func (c calls) look(ctx context.Context, wire, then string) (*brevoapi.ContactDetails, error) {
	got, err := c.api.GetContact(
		ctx, wire, &brevoapi.GetContactParams{IdentifierType: &byEmail}, rest.WithThen(then),
	)
	if errors.Is(err, provider.ErrNotFound) {
		return nil, nil
	}
	return got, err
}

func (c calls) CreateContact(
	ctx context.Context, body sendinblue.ContactBody, opts ...rest.Option,
) (int64, error) {
	created, err := c.api.CreateContact(ctx, brevoapi.CreateContactRequest{
		Email: &body.Email, ExtID: adapterkit.Text(body.ExternalID), Attributes: body.Attributes,
		ListIDs: body.Lists, EmailBlacklisted: body.Blocked, UpdateEnabled: new(true),
	}, opts...)
	if err != nil {
		return 0, err
	}
	return created.ID, nil
}

// ReadBack looks the contact up.
func (c calls) ReadBack(
	ctx context.Context, wire string, _ time.Time,
) (*sendinblue.Contact, error) {
	got, err := c.api.GetContact(ctx, wire, &brevoapi.GetContactParams{IdentifierType: &byEmail})
	if err != nil {
		return nil, err
	}
	contact := contactFromDetails(got)
	return &contact, nil
}

func (c calls) UpdateContact(ctx context.Context, wire string, body sendinblue.ContactBody) error {
	_, err := c.api.UpdateContact(
		ctx, wire, &brevoapi.UpdateContactParams{IdentifierType: &byEmail},
		brevoapi.UpdateContactRequest{ListIDs: body.Lists, EmailBlacklisted: body.Blocked},
	)
	return err
}

func (c calls) ListLists(
	ctx context.Context, limit, offset int64,
) ([]sendinblue.List, int64, error) {
	page, err := c.api.ListLists(
		ctx,
		&brevoapi.ListListsParams{Limit: &limit, Offset: &offset, Sort: new(brevoapi.SortOrderAsc)},
	)
	if err != nil {
		return nil, 0, err
	}
	out := make([]sendinblue.List, len(page.Lists))
	for i, l := range page.Lists {
		// The vendor is emptying one of the counters.
		out[i] = sendinblue.List{
			ID: l.ID, Name: l.Name, Subscribers: max(l.UniqueSubscribers, l.TotalSubscribers),
		}
	}
	return out, page.Count, nil
}

func (c calls) CreateList(ctx context.Context, name string, folder int64) (int64, error) {
	created, err := c.api.CreateList(ctx, brevoapi.CreateListRequest{Name: name, FolderID: folder})
	if err != nil {
		return 0, err
	}
	return created.ID, nil
}

func (c calls) Leave(ctx context.Context, email string, list int64) error {
	results, err := c.removeFromList(ctx, list, []string{email})
	if err == nil && results[0].Error != nil {
		err = results[0].Error
	}
	return err
}

func (c calls) removeFromList(
	ctx context.Context, list int64, emails []string,
) ([]provider.MemberResult, error) {
	m, err := newMembers(emails)
	if err != nil {
		return nil, err
	}
	return m.change(func(group []string) (*brevoapi.ListChange, error) {
		return c.api.RemoveContactsFromList(
			ctx, list, brevoapi.RemoveContactsFromListRequest{Emails: group},
		)
	})
}

func (c calls) ListBlocked(
	ctx context.Context, limit, offset int64,
) ([]provider.Suppression, int64, error) {
	page, err := c.api.ListBlockedContacts(
		ctx,
		&brevoapi.ListBlockedContactsParams{
			Limit: &limit, Offset: &offset, Sort: new(brevoapi.SortOrderAsc),
		},
	)
	if err != nil {
		return nil, 0, err
	}
	out := make([]provider.Suppression, len(page.Contacts))
	for i, b := range page.Contacts {
		out[i] = sendinblue.Blocked(
			b.Email, b.SenderEmail, b.Reason.Code, b.Reason.Message, b.BlockedAt,
		)
	}
	return out, page.Count, nil
}
