package brevo

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// keyHeader is where the vendor looks for the idempotency key: in the headers
// object of the body. An HTTP header of any spelling has no effect there, and
// makes Go's transport resend requests by itself.
const keyHeader = "idempotencyKey"

// sendKey is the key of a mail: the caller's if it is a UUID, else a UUID that
// the same text always leads to in the same space, else a new one.
func sendKey(space, key string) string {
	if key == "" {
		return uuid.NewString()
	}
	if id, err := uuid.Parse(key); err == nil && len(key) == 36 {
		return id.String()
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("postmux:brevo:"+space+":"+key)).String()
}

func emailToAPI(m *provider.Message, key string) (brevoapi.SendEmailRequest, []provider.Note, error) {
	var c converter
	parts := sendinblue.PartsOf(&c.Draft, m, address)
	body := brevoapi.SendEmailRequest{
		To: parts.To, Cc: parts.Cc, Bcc: parts.Bcc, ReplyTo: parts.ReplyTo, Tags: m.Tags, Params: m.Variables,
		Subject: parts.Subject, HTMLContent: parts.HTML, TextContent: parts.Text,
		TemplateID: parts.TemplateID, ScheduledAt: parts.ScheduledAt,
	}
	if from := parts.Sender; from != nil {
		body.Sender = &brevoapi.EmailSender{Email: &from.Email, Name: from.Name}
	}
	for _, f := range m.Attachments {
		body.Attachment = append(body.Attachment, brevoapi.EmailAttachment{Name: adapterkit.Text(f.Name), Content: f.Content, URL: adapterkit.Text(f.URL)})
	}
	c.FileNames(m)
	if body.Headers = c.Headers(m); body.Headers == nil {
		body.Headers = make(map[string]string, 1)
	}
	body.Headers[keyHeader] = key
	c.versions(m, &body)
	if m.TrackOpens != 0 { // refused before, unless the account has the setting
		c.consent(m.TrackOpens == provider.ToggleOn, &body)
	}
	return body, c.Notes, c.Err
}

// consent says for each recipient whether an opening may be tied to the person.
func (c *converter) consent(given bool, body *brevoapi.SendEmailRequest) {
	set := func(lists ...[]brevoapi.EmailAddress) {
		for _, list := range lists {
			for i := range list {
				list[i].TrackingConsent = &given
			}
		}
	}
	set(body.To, body.Cc, body.Bcc)
	for i := range body.MessageVersions {
		v := &body.MessageVersions[i]
		set(v.To, v.Cc, v.Bcc)
	}
	if !given {
		c.Note("track_opens", provider.NoteWarning, "still counted, without the person")
	}
}

// versions makes one version of the mail for each of m.Recipients. The vendor
// fills what a version leaves out from the top level, and takes a part in a
// version only where the top level has it too. So a part that some recipients
// have and others do not cannot be said: one would get another's.
func (c *converter) versions(m *provider.Message, body *brevoapi.SendEmailRequest) {
	if len(m.Recipients) == 0 {
		return
	}
	own := make([]provider.Recipient, len(m.Recipients))
	for i, r := range m.Recipients {
		own[i] = r.Resolved(m)
	}
	body.HTMLContent = c.shared("html", own, func(r provider.Recipient) string { return r.HTML })
	body.TextContent = c.shared("text", own, func(r provider.Recipient) string { return r.Text })
	if m.Template.IsZero() {
		body.Subject = adapterkit.Text(own[0].Subject)
	}
	for i, r := range own {
		to := address(c.Address("recipients", i, provider.Address{Email: r.Email, Name: r.Name}))
		body.MessageVersions = append(body.MessageVersions, brevoapi.MessageVersion{
			To: []brevoapi.EmailAddress{to}, Params: merged(m.Variables, m.Recipients[i].Variables),
			Subject:     unless(body.Subject, r.Subject),
			HTMLContent: unless(body.HTMLContent, r.HTML), TextContent: unless(body.TextContent, r.Text),
		})
	}
}

// shared is the first recipient's part, for the top level; all or none must have one.
func (c *converter) shared(part string, own []provider.Recipient, of func(provider.Recipient) string) *string {
	for i, r := range own {
		if (of(r) == "") != (of(own[0]) == "") {
			c.Fail(provider.Invalid(fmt.Sprintf("recipients[%d].%s", i, part), "expected %s for every recipient or for none: in one call the provider would give one recipient another's", part))
		}
	}
	return adapterkit.Text(of(own[0]))
}

// unless is v, or nil where it is what the top level says already.
func unless(top *string, v string) *string {
	if top != nil && *top == v {
		return nil
	}
	return adapterkit.Text(v)
}

// merged lays a recipient's variables over the message's; nil when they add nothing.
func merged(all, own map[string]any) map[string]any {
	if len(own) == 0 {
		return nil
	}
	out := make(map[string]any, len(all)+len(own))
	for _, m := range []map[string]any{all, own} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// converter makes the vendor's addresses and versions of a mail.
type converter struct{ sendinblue.Draft }

func address(email string, name *string) brevoapi.EmailAddress {
	return brevoapi.EmailAddress{Email: email, Name: name}
}

// receiptFromAPI takes the ids of versions in their order; one shared mail has
// one id for all.
func receiptFromAPI(m *provider.Message, sent *brevoapi.SentEmail) *provider.Receipt {
	r := m.Accepted(adapterkit.IDOf(sent.MessageID))
	r.BatchID = adapterkit.IDOf(sent.BatchID)
	if len(m.Recipients) > 0 && len(sent.MessageIDs) == len(m.Recipients) {
		for i, id := range sent.MessageIDs {
			r.Recipients[i].MessageID = adapterkit.IDOf(id)
		}
		if len(sent.MessageIDs) == 1 {
			r.MessageID = adapterkit.IDOf(sent.MessageIDs[0])
		}
	}
	return r
}

func contactFromAPI(c brevoapi.Contact) sendinblue.Contact {
	return sendinblue.Contact{
		ID: c.ID, Email: c.Email, EmailBlacklisted: c.EmailBlacklisted, SMSBlacklisted: c.SMSBlacklisted,
		ListIDs: c.ListIDs, ListUnsubscribed: c.ListUnsubscribed,
		CreatedAt: c.CreatedAt, ModifiedAt: c.ModifiedAt, Attributes: c.Attributes,
	}
}

func contactFromDetails(c *brevoapi.ContactDetails) sendinblue.Contact {
	return sendinblue.Contact{
		Email: c.Email, EmailBlacklisted: c.EmailBlacklisted, SMSBlacklisted: c.SMSBlacklisted,
		ListIDs: c.ListIDs, ListUnsubscribed: c.ListUnsubscribed,
		CreatedAt: c.CreatedAt, ModifiedAt: c.ModifiedAt, Attributes: c.Attributes,
	}
}

// pageReader carries out one call for contacts and reads its response itself, the fast
// way where it can.
type pageReader struct {
	api          *brevoapi.Client
	withoutEmail bool
	rows         *sendinblue.Rows // nil when the response is in the generated type
	out          any              // the generated type
	unread       int              // contacts that are not in it, because they cannot be read
}

// Do hands the reader to the chain in place of out.
func (r *pageReader) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	r.out = out
	return r.api.Raw(ctx, call, r)
}

// DecodeJSON makes the reader a fastpath.Decoder.
func (r *pageReader) DecodeJSON(data []byte) (err error) {
	if r.rows = sendinblue.ReadPage(data, r.withoutEmail); r.rows != nil {
		return nil
	}
	r.unread, err = rest.DecodeRows(data, r.out)
	return err
}

func (r *pageReader) page(p *brevoapi.ContactPage) (*sendinblue.Rows, error) {
	if r.rows != nil {
		return r.rows, nil
	}
	contacts := make([]sendinblue.Contact, len(p.Contacts))
	for i, c := range p.Contacts {
		contacts[i] = contactFromAPI(c)
	}
	return sendinblue.RowsOf(contacts, p.Count, r.unread, r.withoutEmail)
}
