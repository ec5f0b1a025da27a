package pakat

import (
	"context"
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
var v3Pages = sendinblue.Pages{Contacts: 50, Lists: 10, Blocked: 50, Events: 50}

// v3Calls are the calls of the shared driver. The document shows few answers; those
// it does not show are taken to be Brevo's.
type v3Calls struct{ api *pakatv3api.Client }

var _ sendinblue.Calls = v3Calls{}

// ListEmailEvents reads the event log, which by default holds the last 30 days.
func (c v3Calls) ListEmailEvents(ctx context.Context, q sendinblue.EventQuery) ([]sendinblue.Event, error) {
	params := &pakatv3api.ListEmailEventsParams{
		MessageID: adapterkit.Given(q.MessageID), Email: adapterkit.Given(q.Recipient),
		StartDate: adapterkit.Given(q.From), EndDate: adapterkit.Given(q.To), Offset: &q.Offset,
	}
	if q.From == "" { // a larger one than an unknown maximum may be refused
		params.Limit = &q.Limit
	}
	page, err := c.api.ListEmailEvents(ctx, params)
	if err != nil {
		return nil, err
	}
	var events []sendinblue.Event
	for _, e := range page.Events {
		events = append(events, sendinblue.Event{
			Email: e.Email, Event: e.Event, Date: e.Date, MessageID: e.MessageID, Reason: e.Reason, Tag: e.Tag,
			Link: e.Link, IP: e.IP, From: e.From, Subject: e.Subject, Row: e,
		})
	}
	return events, nil
}

// ListEmails has no pages: what the vendor leaves out of a long list is not seen. An
// answer of another form than Brevo's finds nothing, which proves nothing. It does
// not tell the sender.
func (c v3Calls) ListEmails(
	ctx context.Context, wire string, _, _ int64,
) (mails []sendinblue.Mail, count int64, err error) {
	page, err := c.api.ListEmails(ctx, &pakatv3api.ListEmailsParams{Email: &wire})
	if err != nil {
		return nil, 0, err
	}
	for _, m := range page.Emails {
		mails = append(mails, sendinblue.Mail{
			MessageID: m.MessageID, Recipient: m.Email, Subject: m.Subject, Date: m.Date,
		})
	}
	return mails, page.Count, nil
}

func (c v3Calls) GetAccount(ctx context.Context) (account sendinblue.Account, err error) {
	got, err := c.api.GetAccount(ctx)
	if err != nil {
		return account, err
	}
	account.Email = got.Email
	for _, p := range got.Plans {
		account.Plans = append(
			account.Plans,
			sendinblue.Plan{Type: p.Type, CreditsType: p.CreditsType, Credits: p.Credits},
		)
	}
	return account, nil
}

func (c v3Calls) ListSenders(ctx context.Context) (senders []provider.Sender, err error) {
	got, err := c.api.ListSenders(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range got.Senders {
		senders = append(senders, provider.Sender{Email: s.Email, Name: s.Name, Verified: s.Active})
	}
	return senders, nil
}

func (c v3Calls) ListAttributes(
	ctx context.Context, opts ...rest.Option,
) (attributes []sendinblue.Attribute, err error) {
	got, err := c.api.ListAttributes(ctx, opts...)
	if err != nil {
		return nil, err
	}
	for _, a := range got.Attributes {
		attributes = append(
			attributes, sendinblue.Attribute{Name: a.Name, Type: a.Type, Category: a.Category},
		)
	}
	return attributes, nil
}

func (c v3Calls) ListContacts(
	ctx context.Context, q sendinblue.ContactQuery,
) (*sendinblue.Rows, error) {
	if q.List != 0 {
		return nil, provider.Unsupported(
			feature.ContactsListMembers, "the provider lists no members of a list",
		)
	}
	var unread int
	page, err := c.api.ListContacts(
		ctx,
		&pakatv3api.ListContactsParams{
			Limit: &q.Limit, Offset: &q.Offset, ModifiedSince: q.ModifiedSince,
		},
		rest.WithUnread(&unread),
	)
	if err != nil {
		return nil, err
	}
	return v3RowsFromAPI(page, unread, q.WithoutEmail)
}

// Look finds nothing: the vendor shows nothing of a contact to look at.
func (c v3Calls) Look(context.Context, sendinblue.ContactBody) (*sendinblue.Contact, bool, error) {
	return nil, false, nil
}

// CreateContact is assumed to answer 201 to a contact that is new, and 204 to others.
func (c v3Calls) CreateContact(
	ctx context.Context, body sendinblue.ContactBody, opts ...rest.Option,
) (id int64, err error) {
	if body.ExternalID != "" {
		return 0, provider.Unsupported(
			feature.ContactsUpsertExternalID, "the provider keeps no external id",
		)
	}
	created, err := c.api.CreateContact(ctx, pakatv3api.CreateContactRequest{
		Email: &body.Email, Attributes: body.Attributes, ListIDs: body.Lists,
		EmailBlacklisted: body.Blocked, SMSBlacklisted: body.SMSBlocked, UpdateEnabled: new(true),
	}, opts...)
	if err != nil {
		return 0, err
	}
	return created.ID, nil
}

// readBackSlack is how far the vendor's clock may be behind ours.
const readBackSlack = 10 * time.Minute

// ReadBack looks for the contact among those that were changed since then, on one page:
// the document has no look-up of one contact.
func (c v3Calls) ReadBack(
	ctx context.Context, wire string, since time.Time,
) (*sendinblue.Contact, error) {
	page, err := c.api.ListContacts(ctx, &pakatv3api.ListContactsParams{
		Limit: &v3Pages.Contacts, Offset: new(int64(0)),
		ModifiedSince: new(since.Add(-readBackSlack).UTC().Format(time.RFC3339)),
	})
	if err != nil {
		return nil, err
	}
	for _, found := range page.Contacts {
		if same(found.Email, wire) {
			contact := v3ContactFromAPI(found)
			return &contact, nil
		}
	}
	return nil, nil
}

// UpdateContact of an unknown address is assumed to be ErrNotFound.
func (c v3Calls) UpdateContact(
	ctx context.Context, wire string, body sendinblue.ContactBody,
) error {
	return c.update(
		ctx, wire,
		pakatv3api.UpdateContactRequest{ListIDs: body.Lists, EmailBlacklisted: body.Blocked},
	)
}

func (c v3Calls) update(
	ctx context.Context, wire string, body pakatv3api.UpdateContactRequest, opts ...rest.Option,
) error {
	_, err := c.api.UpdateContact(ctx, wire, body, opts...)
	return err
}

func (c v3Calls) ListLists(
	ctx context.Context, limit, offset int64,
) (lists []sendinblue.List, count int64, err error) {
	page, err := c.api.ListLists(
		ctx,
		&pakatv3api.ListListsParams{
			Limit: &limit, Offset: &offset, Sort: new(pakatv3api.SortOrderAsc),
		},
	)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range page.Lists {
		lists = append(
			lists,
			sendinblue.List{
				ID: l.ID, Name: l.Name, Subscribers: max(l.UniqueSubscribers, l.TotalSubscribers),
			},
		)
	}
	return lists, page.Count, nil
}

func (c v3Calls) CreateList(ctx context.Context, name string, folder int64) (id int64, err error) {
	created, err := c.api.CreateList(
		ctx, pakatv3api.CreateListRequest{Name: name, FolderID: folder},
	)
	if err != nil {
		return 0, err
	}
	return created.ID, nil
}

func (c v3Calls) Leave(ctx context.Context, email string, list int64) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	return c.update(ctx, wire, pakatv3api.UpdateContactRequest{UnlinkListIDs: []int64{list}})
}

func (c v3Calls) ListBlocked(
	ctx context.Context, limit, offset int64,
) (blocked []provider.Suppression, count int64, err error) {
	page, err := c.api.ListBlockedContacts(
		ctx,
		&pakatv3api.ListBlockedContactsParams{
			Limit: &limit, Offset: &offset, Sort: new(pakatv3api.SortOrderAsc),
		},
	)
	if err != nil {
		return nil, 0, err
	}
	for _, b := range page.Contacts {
		blocked = append(
			blocked,
			sendinblue.Blocked(
				b.Email, b.SenderEmail, b.Reason.Code, b.Reason.Message, b.BlockedAt,
			),
		)
	}
	return blocked, page.Count, nil
}
