package pakat

import (
	"fmt"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

func v3EmailToAPI(m *provider.Message) (pakatv3api.SendEmailRequest, []provider.Note, error) {
	var c v3Converter
	parts := sendinblue.PartsOf(&c.Draft, m, func(email string, name *string) pakatv3api.EmailAddress {
		return pakatv3api.EmailAddress{Email: email, Name: name}
	})
	body := pakatv3api.SendEmailRequest{
		Sender: (*pakatv3api.EmailSender)(parts.Sender), To: parts.To, Cc: parts.Cc, Bcc: parts.Bcc, ReplyTo: parts.ReplyTo,
		Subject: parts.Subject, HTMLContent: parts.HTML, TextContent: parts.Text, Tags: m.Tags, Params: m.Variables,
		TemplateID: parts.TemplateID, ScheduledAt: parts.ScheduledAt, Attachment: c.attachments(m),
	}
	if !m.SendAt.IsZero() {
		c.Note("send_at", provider.NoteWarning, "scheduling is a beta of the provider and up to 5 minutes late")
	}
	body.Headers = c.Headers(m)
	return body, c.Notes, c.Err
}

// v3Converter makes the vendor's parts of a mail.
type v3Converter struct{ sendinblue.Draft }

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
			c.Note(field, provider.NoteWarning, "a template in the provider's old language ignores files")
		}
		out = append(out, pakatv3api.EmailAttachment{Name: adapterkit.Text(f.Name), Content: f.Content, URL: adapterkit.Text(f.URL)})
	}
	c.FileNames(m)
	return out
}

// v3ReceiptFromAPI also serves an answer that says nothing: the id is empty then.
func v3ReceiptFromAPI(m *provider.Message, sent *pakatv3api.SentEmail) *provider.Receipt {
	r := m.Accepted(adapterkit.IDOf(sent.MessageID))
	r.BatchID = adapterkit.IDOf(sent.BatchID)
	return r
}

func v3RowsFromAPI(p *pakatv3api.ContactPage, unread int, withoutEmail bool) (*sendinblue.Rows, error) {
	contacts := make([]sendinblue.Contact, len(p.Contacts))
	for i, c := range p.Contacts {
		contacts[i] = v3ContactFromAPI(c)
	}
	return sendinblue.RowsOf(contacts, p.Count, unread, withoutEmail)
}

func v3ContactFromAPI(c pakatv3api.Contact) sendinblue.Contact {
	return sendinblue.Contact{
		ID: c.ID, Email: c.Email, EmailBlacklisted: c.EmailBlacklisted, SMSBlacklisted: c.SMSBlacklisted,
		ListIDs: c.ListIDs, ListUnsubscribed: c.ListUnsubscribed, CreatedAt: c.CreatedAt, ModifiedAt: c.ModifiedAt, Attributes: c.Attributes,
	}
}
