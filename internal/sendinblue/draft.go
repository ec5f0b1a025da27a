package sendinblue

import (
	"fmt"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Draft is a mail while it is converted.
type Draft struct{ adapterkit.Draft }

// NoIndex is the index of a field that is no list.
const NoIndex = -1

// Address returns a in the form of the wire; name is nil when there is none.
// The path of the field is put together only when there is something to tell:
// this runs for every recipient.
func (d *Draft) Address(field string, index int, a provider.Address) (email string, name *string) {
	email, err := mailaddr.Wire(a.Email)
	if err != nil {
		d.Fail(provider.Invalid(place(field, index)+".email", "%s", err.Error()))
	}
	text, encoded := Name(mailaddr.Name(a.Name))
	if encoded {
		d.Note(
			place(field, index)+".name", provider.NoteConverted,
			"a name with a comma and letters beyond ASCII is lost by the provider unless it is encoded (RFC 2047)",
		)
	}
	return email, adapterkit.Text(text)
}

func place(field string, index int) string {
	if index == NoIndex {
		return field
	}
	return fmt.Sprintf("%s[%d]", field, index)
}

// Addresses returns addresses of the field as address makes them of an address and a
// name, which is nil when there is none.
func Addresses[A any](
	d *Draft, field string, list []provider.Address, address func(email string, name *string) A,
) []A {
	if len(list) == 0 {
		return nil
	}
	out := make([]A, len(list))
	for i, a := range list {
		out[i] = address(d.Address(field, i, a))
	}
	return out
}

// Parts are what the mails of both vendors hold. A is the vendor's own type of
// an address.
type Parts[A any] struct {
	Sender              *Sender
	To, Cc, Bcc         []A
	ReplyTo             *A
	Subject, HTML, Text *string
	TemplateID          *int64
	ScheduledAt         *string
}

// Sender is the sender of a mail.
type Sender struct {
	Email string
	Name  *string
}

// PartsOf converts what both vendors take in the same way. Attachments and headers
// are left to the adapter.
func PartsOf[A any](
	d *Draft, m *provider.Message, address func(email string, name *string) A,
) Parts[A] {
	out := Parts[A]{
		To: Addresses(
			d, "to", m.To, address,
		), Cc: Addresses(d, "cc", m.Cc, address), Bcc: Addresses(d, "bcc", m.Bcc, address),
		Subject: present(&m.Subject), HTML: present(&m.HTML), Text: present(&m.Text),
	}
	if m.From.Email != "" {
		out.Sender = new(Sender)
		out.Sender.Email, out.Sender.Name = d.Address("from", NoIndex, m.From)
	}
	if len(m.ReplyTo) > 0 {
		out.ReplyTo = new(address(d.Address("reply_to", 0, m.ReplyTo[0])))
	}
	if !m.Template.IsZero() {
		id, err := adapterkit.ID("template.id", "template", m.Template)
		d.Fail(err)
		out.TemplateID = &id
	}
	if !m.SendAt.IsZero() {
		out.ScheduledAt = new(m.SendAt.Format(time.RFC3339))
	}
	return out
}

// present returns text itself, nil when it is empty. Nothing is copied.
func present(text *string) *string {
	if *text == "" {
		return nil
	}
	return text
}
