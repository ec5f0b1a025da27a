package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
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

func (c calls) ListEmailEvents(ctx context.Context, q sendinblue.EventQuery) ([]sendinblue.Event, error) {
	params := &brevoapi.ListEmailEventsParams{
		MessageID: adapterkit.Given(q.MessageID), Email: adapterkit.Given(q.Recipient),
		StartDate: adapterkit.Given(q.From), EndDate: adapterkit.Given(q.To), Limit: &q.Limit, Offset: &q.Offset,
	}
	if q.From != "" {
		params.Sort = new(brevoapi.SortOrder("asc"))
	}
	page, err := c.api.ListEmailEvents(ctx, params)
	if err != nil {
		return nil, err
	}
	out := make([]sendinblue.Event, len(page.Events))
	for i, e := range page.Events {
		out[i] = sendinblue.Event{
			Email: e.Email, Event: e.Event, Date: e.Date, MessageID: e.MessageID, Reason: e.Reason, Tag: e.Tag,
			Link: e.Link, IP: e.IP, From: e.From, Subject: e.Subject, Row: e,
		}
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

// byEmail says that a contact is named by its address.
var byEmail = brevoapi.ContactIdentifierTypeEmailID

// identities are the attributes by which the vendor tells contacts apart beside the
// address: it merges two contacts of whom one gets a value of the other.
var identities = []struct {
	attribute, field string
	kind             brevoapi.ContactIdentifierType
}{
	{sendinblue.Phone, "phone", brevoapi.ContactIdentifierTypePhoneID},
	{"EXT_ID", "external_id", brevoapi.ContactIdentifierTypeExtID},
	{"WHATSAPP", "fields.WHATSAPP", brevoapi.ContactIdentifierTypeWhatsAppID},
	{"LANDLINE_NUMBER", "fields.LANDLINE_NUMBER", brevoapi.ContactIdentifierTypeLandlineNumberID},
}

// identifier is a value of one of the identities as it is compared: a phone number
// without what stands between and before its digits. It is empty for none.
func identifier(attribute string, v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		text := string(raw) // of a number
		_ = json.Unmarshal(raw, &text)
		v = text
	}
	text, _ := v.(string)
	if attribute == "EXT_ID" {
		return text
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	return strings.TrimLeft(digits, "0")
}

// Look reads the contact of each identifier that the body sets, and that of the address
// where it is to join lists: whether adding it to one that it has left would undo that is
// not documented.
func (c calls) Look(
	ctx context.Context, body sendinblue.ContactBody,
) (known *sendinblue.Contact, looks bool, err error) {
	const then = "create or update the contact"
	for _, own := range identities {
		value := identifier(own.attribute, body.Attributes[own.attribute])
		if own.attribute == "EXT_ID" && body.ExternalID != "" {
			value = body.ExternalID
		}
		if value == "" {
			continue
		}
		found, err := c.look(ctx, value, own.kind, then)
		if e, ok := errors.AsType[*provider.Error](err); ok && e.Kind == provider.ErrInvalid {
			e.Field = own.field
		}
		switch {
		case err != nil:
			return nil, true, err
		case found == nil:
		case mailaddr.Key(found.Email) != mailaddr.Key(body.Email):
			e := adapterkit.Conflict(own.field, "another contact has it, and the provider would make one of the two")
			if found.Email != "" {
				e.Message = "another contact has it, " + found.Email + ", and the provider would make one of the two"
			}
			return nil, true, e
		default:
			known = new(contactFromDetails(found))
		}
	}
	if known != nil || len(body.Lists) == 0 {
		return known, true, nil
	}
	found, err := c.look(ctx, body.Email, byEmail, then)
	if found != nil {
		known = new(contactFromDetails(found))
	}
	return known, true, err
}

// look reads a contact; nil when there is none.
func (c calls) look(
	ctx context.Context, id string, kind brevoapi.ContactIdentifierType, then string,
) (*brevoapi.ContactDetails, error) {
	got, err := c.api.GetContact(
		ctx, id, &brevoapi.GetContactParams{IdentifierType: &kind}, rest.WithThen(then),
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
		ListIDs: body.Lists, EmailBlacklisted: body.Blocked, SMSBlacklisted: body.SMSBlocked, UpdateEnabled: new(true),
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

// Leave looks first: taking off who has left the list would forget that, and who is not
// on it needs no call.
func (c calls) Leave(ctx context.Context, email string, list int64) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	known, err := c.look(ctx, wire, byEmail, "take the contact off the list")
	switch {
	case err != nil:
		return err
	case known == nil:
		return noContact()
	case slices.Contains(known.ListUnsubscribed, list) || !slices.Contains(known.ListIDs, list):
		return nil
	}
	results, err := c.removeFromList(ctx, list, []string{email})
	if err == nil && results[0].Error != nil {
		err = results[0].Error
	}
	return err
}

func noContact() *provider.Error {
	return &provider.Error{
		Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: http.StatusNotFound, Message: "no such contact",
	}
}

func (c calls) removeFromList(
	ctx context.Context, list int64, emails []string,
) ([]provider.MemberResult, error) {
	m, err := newMembers(emails)
	if err != nil {
		return nil, err
	}
	return m.change(c.remove(ctx, list))
}

// remove takes a group off a list.
func (c calls) remove(ctx context.Context, list int64) func([]string) (*brevoapi.ListChange, error) {
	return func(group []string) (*brevoapi.ListChange, error) {
		return c.api.RemoveContactsFromList(
			ctx, list, brevoapi.RemoveContactsFromListRequest{Emails: group},
		)
	}
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
