package sendpulse

import (
	"fmt"
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
)

// emailToAPI is m in the vendor's form. HTML and attachments are base64 on the
// wire, which the encoder of byte slices does.
func emailToAPI(m *provider.Message) (sendpulseapi.OutgoingEmail, []provider.Note, error) {
	var c converter
	email := sendpulseapi.OutgoingEmail{
		From: c.from(m.From), To: c.addresses("to", m.To), Cc: c.addresses("cc", m.Cc), Bcc: c.addresses("bcc", m.Bcc),
		Subject: m.Subject, Text: adapterkit.Text(m.Text),
	}
	if m.Subject == "" {
		c.Fail(provider.Invalid("subject", "expected a subject: the provider needs one with a template too"))
	}
	if len(m.ReplyTo) > 0 {
		email.ReplyTo = new(c.address("reply_to[0]", m.ReplyTo[0]))
	}
	switch {
	case m.HTML != "":
		email.HTML = []byte(m.HTML)
		if m.Text == "" {
			email.AutoPlainText = new(true)
			c.Note("text", "emulated", "the provider makes the text part from the HTML")
		}
	case m.Template.IsZero():
		e := provider.Unsupported(feature.MessageTextOnly, "HTML or a template is required")
		e.Field = "html"
		c.Fail(e)
	}
	switch {
	case !m.Template.IsZero():
		email.Template = templateToAPI(m.Template, m.Variables)
	case len(m.Variables) > 0:
		e := provider.Unsupported(feature.MessageVariables, "the provider fills variables into stored templates only")
		e.Field = "variables"
		c.Fail(e)
	}
	for i, f := range m.Attachments {
		if email.AttachmentsBinary == nil {
			email.AttachmentsBinary = make(map[string][]byte, len(m.Attachments))
		}
		if _, twice := email.AttachmentsBinary[f.Name]; twice {
			c.Fail(provider.Invalid(fmt.Sprintf("attachments[%d].name", i), "expected a name that no other attachment has: the provider keeps one file for a name"))
		}
		email.AttachmentsBinary[f.Name] = f.Content
	}
	return email, c.Notes, c.Err
}

// templateToAPI sends a whole number as a number: that is how the vendor writes
// the stable id. The other id, 32 hexadecimal digits, stays text.
func templateToAPI(t provider.Ref, variables map[string]any) *sendpulseapi.TemplateUse {
	use := &sendpulseapi.TemplateUse{ID: t.ID, Variables: variables}
	if n, err := strconv.ParseInt(t.ID, 10, 64); err == nil && strconv.FormatInt(n, 10) == t.ID {
		use.ID = n
	}
	if use.Variables == nil {
		use.Variables = map[string]any{} // the key is required
	}
	return use
}

// converter makes the vendor's parts of a mail.
type converter struct{ adapterkit.Draft }

func (c *converter) from(a provider.Address) sendpulseapi.FromAddress {
	if a.Email == "" {
		c.Fail(provider.Invalid("from", "expected a sender: the provider needs one with a template too"))
		return sendpulseapi.FromAddress{}
	}
	email := c.Email("from.email", a.Email)
	name := mailaddr.Name(a.Name)
	if name == "" {
		name = a.Email
		c.Note("from.name", "emulated", "the provider needs a name; the address is used")
	}
	return sendpulseapi.FromAddress{Email: email, Name: name}
}

func (c *converter) address(field string, a provider.Address) sendpulseapi.Address {
	return sendpulseapi.Address{Email: c.Email(field+".email", a.Email), Name: adapterkit.Text(mailaddr.Name(a.Name))}
}

func (c *converter) addresses(field string, list []provider.Address) []sendpulseapi.Address {
	if len(list) == 0 {
		return nil
	}
	out := make([]sendpulseapi.Address, len(list))
	for i, a := range list {
		out[i] = c.address(fmt.Sprintf("%s[%d]", field, i), a)
	}
	return out
}

// statusFromAPI reads the state of a mail from the reply code of the recipient's
// mail server and from the tracking: the vendor has no word for it.
func statusFromAPI(messageID string, record *sendpulseapi.EmailRecord) *provider.Receipt {
	log := mailevent.Log{}
	what, known := codeWhat(int64(record.SMTPAnswerCode))
	log.Add(record.Recipient, what)
	if record.Tracking.Opens > 0 {
		log.Add(record.Recipient, mailevent.What{Kind: events.KindOpened})
	}
	if record.Tracking.Clicks > 0 {
		log.Add(record.Recipient, mailevent.What{Kind: events.KindClicked})
	}
	r := log.Receipt(messageID)
	if record.Recipient == "" {
		r.Recipients = nil
	}
	if !known {
		r.Notes = []provider.Note{{Field: "state", Action: provider.NoteWarning, Why: fmt.Sprintf("the recipient's mail server replied with code %d", record.SMTPAnswerCode)}}
	}
	return r
}

func healthFromAPI(b *sendpulseapi.BalanceDetail, senders []sendpulseapi.Sender) *provider.Health {
	h := &provider.Health{}
	for _, s := range senders {
		h.Senders = append(h.Senders, provider.Sender{Email: s.Email, Name: s.Name, Verified: s.Status == "Active"})
	}
	subscribers := provider.Quota{Name: "subscribers", Unit: "contacts", Used: adapterkit.Count(b.Email.CurrentSubscribers)}
	if most := b.Email.MaximumSubscribers; most > 0 {
		subscribers.Left = adapterkit.Count(max(most-b.Email.CurrentSubscribers, 0))
	}
	h.Quotas = []provider.Quota{
		{Name: "campaigns, plan " + b.Email.TariffName, Unit: "mails", Left: adapterkit.Count(b.Email.EmailsLeft)},
		subscribers,
		{Name: "balance", Unit: b.Balance.Currency, Left: adapterkit.Amount(string(b.Balance.Main))},
		{Name: "bonus", Unit: b.Balance.Currency, Left: adapterkit.Amount(string(b.Balance.Bonus))},
	}
	return h
}
