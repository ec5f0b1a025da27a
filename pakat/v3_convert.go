package pakat

import (
	"fmt"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

func v3EmailToAPI(m *provider.Message) (pakatv3api.SendEmailRequest, []provider.Note, error) {
	var c v3Converter
	body := pakatv3api.SendEmailRequest{
		To: c.addresses("to", m.To), Cc: c.addresses("cc", m.Cc), Bcc: c.addresses("bcc", m.Bcc),
		Tags: m.Tags, Params: m.Variables,
		Subject: sendinblue.Text(m.Subject), HTMLContent: sendinblue.Text(m.HTML), TextContent: sendinblue.Text(m.Text),
	}
	if m.From.Email != "" {
		email, name := c.Address("from", sendinblue.NoIndex, m.From)
		body.Sender = &pakatv3api.EmailSender{Email: email, Name: name}
	}
	if len(m.ReplyTo) > 0 {
		reply := c.address("reply_to", 0, m.ReplyTo[0])
		body.ReplyTo = &reply
	}
	if !m.Template.IsZero() {
		id, err := sendinblue.ID("template.id", m.Template)
		c.Fail(err)
		body.TemplateID = &id
	}
	body.Attachment = c.attachments(m)
	if !m.SendAt.IsZero() {
		body.ScheduledAt = sendinblue.Text(m.SendAt.Format(time.RFC3339))
		c.Notes = append(c.Notes, provider.Note{Field: "send_at", Action: "warning", Why: "scheduling is a beta of the provider and up to 5 minutes late"})
	}
	headers, notes, err := sendinblue.Headers(m)
	c.Fail(err)
	c.Notes = append(c.Notes, notes...)
	body.Headers = headers
	return body, c.Notes, c.Err
}

// v3Converter makes the vendor's addresses and files of a mail.
type v3Converter struct{ sendinblue.Draft }

func (c *v3Converter) address(field string, index int, a provider.Address) pakatv3api.EmailAddress {
	email, name := c.Address(field, index, a)
	return pakatv3api.EmailAddress{Email: email, Name: name}
}

func (c *v3Converter) addresses(field string, list []provider.Address) []pakatv3api.EmailAddress {
	if len(list) == 0 {
		return nil
	}
	out := make([]pakatv3api.EmailAddress, len(list))
	for i, a := range list {
		out[i] = c.address(field, i, a)
	}
	return out
}

// attachments refuses a file with content beside a template: a template in the
// new language takes files by URL only, one in the old language takes none, and
// a mail cannot know which language its template is in.
func (c *v3Converter) attachments(m *provider.Message) []pakatv3api.EmailAttachment {
	var out []pakatv3api.EmailAttachment
	for i, f := range m.Attachments {
		field := fmt.Sprintf("attachments[%d]", i)
		if !m.Template.IsZero() && f.URL == "" {
			err := provider.Unsupported(feature.MessageAttachments, "beside a template the provider takes files by URL only")
			err.Field = field + ".content"
			c.Fail(err)
		}
		if !m.Template.IsZero() && f.URL != "" {
			c.Notes = append(c.Notes, provider.Note{Field: field, Action: "warning", Why: "a template in the provider's old language ignores files"})
		}
		out = append(out, pakatv3api.EmailAttachment{Name: sendinblue.Text(f.Name), Content: f.Content, URL: sendinblue.Text(f.URL)})
	}
	c.Notes = append(c.Notes, sendinblue.AttachmentNotes(m)...)
	return out
}

// v3ReceiptFromAPI also serves an answer that says nothing: the id is empty then.
func v3ReceiptFromAPI(m *provider.Message, sent *pakatv3api.SentEmail) *provider.Receipt {
	state := provider.StateAccepted
	if !m.SendAt.IsZero() {
		state = provider.StateScheduled
	}
	r := provider.Accepted(m, sent.MessageID, state)
	r.BatchID = sent.BatchID
	return r
}

func v3PageFromAPI(p *pakatv3api.ContactPage, offset, limit int64, withoutEmail bool) (*provider.ContactPage, error) {
	contacts := make([]sendinblue.Contact, len(p.Contacts))
	for i, c := range p.Contacts {
		contacts[i] = sendinblue.Contact{
			Email: c.Email, EmailBlacklisted: c.EmailBlacklisted, SMSBlacklisted: c.SMSBlacklisted,
			ListIDs: c.ListIDs, CreatedAt: c.CreatedAt, ModifiedAt: c.ModifiedAt, Attributes: c.Attributes,
		}
	}
	page, err := sendinblue.Page(contacts, withoutEmail)
	if err != nil {
		return nil, err
	}
	page.Next = sendinblue.Next(offset, len(p.Contacts), limit, p.Count)
	return page, nil
}

// v3ListFromAPI counts a list as -1 when the vendor shows no number: the answer
// is assumed, so a zero says nothing.
func v3ListFromAPI(l pakatv3api.List) provider.List {
	count := max(l.UniqueSubscribers, l.TotalSubscribers)
	if count == 0 {
		count = -1
	}
	return provider.List{ID: strconv.FormatInt(l.ID, 10), Name: l.Name, Count: count}
}

func v3HealthFromAPI(account *pakatv3api.Account, senders *pakatv3api.SenderList) *provider.Health {
	h := &provider.Health{Login: account.Email}
	for _, s := range senders.Senders {
		h.Senders = append(h.Senders, provider.Sender{Email: s.Email, Name: s.Name, Verified: s.Active})
	}
	for _, p := range account.Plans {
		h.Quotas = append(h.Quotas, provider.Quota{Name: p.Type, Left: strconv.FormatFloat(p.Credits, 'f', -1, 64) + " " + p.CreditsType})
	}
	return h
}
