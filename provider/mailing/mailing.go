// Package mailing sends one message to many contacts, each by a mail of its own, and only to
// those who may be mailed. It works the same at every provider: the mail is rendered here.
//
//	config, err := mailing.Parse(data) // the message, the list and how recipients unsubscribe
//	m, err := mailing.New(config)
//	report, err := m.Send(ctx, client, mailing.Members(client, config.List, ""), nil)
//
// Subject, HTML, Text and the texts of Variables are Go templates over the contact:
//
//	Dear {{or .FirstName "reader"}}, news from {{.Field "city"}}: … {{.UnsubscribeURL}}
//
// They have .Email, .FirstName, .LastName, .Phone, .ExternalID, .Field "NAME" and
// .UnsubscribeURL. What is empty is "", so "or" gives a default. Values in HTML are escaped
// for their place by html/template. No field of a contact can change the mail: line breaks
// and control characters become blanks, and braces, which providers take for templates of
// their own, become parentheses. The receipt of such a mail has a note.
//
// Each mail has the key NAME/ADDRESS, the address by provider.EmailKey. Under a duplicate
// guard a second run mails nobody twice, through whichever account; see
// provider.WithDuplicateGuard.
package mailing

import (
	htmltemplate "html/template"
	"io"
	"maps"
	"strings"
	texttemplate "text/template"

	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Config describes a mailing. It is plain JSON.
type Config struct {
	// Name names the mailing, "spring-2026", and is a part of the keys. A mailing with
	// another name is another act.
	Name string `json:"name"`
	// List is the list whose members get it, and that the link to unsubscribe is about. The
	// link of a mailing without one is about all mail.
	List provider.Ref `json:"list,omitzero"`
	// Message is the mail without recipients. Subject, HTML, Text and the texts of Variables
	// are templates; Template names one at the provider, which Variables fill.
	Message provider.Message `json:"message"`
	// Unsubscribe is the way out. There must be one, or None must say that there is none.
	Unsubscribe Unsubscribe `json:"unsubscribe,omitzero"`
}

// Parse reads a Config from JSON, strictly. unsubscribe.secret may be "env:NAME" or
// "file:PATH". Errors are of kind ErrInvalid and name the field.
func Parse(data []byte) (Config, error) {
	var c Config
	if err := strictjson.Decode(data, &c); err != nil {
		return c, provider.Invalid(err.Path, "%s", err.Message)
	}
	if !c.Unsubscribe.Secret.IsZero() {
		secret, err := settings.Follow(c.Unsubscribe.Secret.Reveal())
		if err != nil {
			return c, provider.Invalid("unsubscribe.secret", "%v", err)
		}
		c.Unsubscribe.Secret = provider.NewSecret(secret)
	}
	return c, nil
}

// Mailing is a checked Config. It is safe for concurrent use.
type Mailing struct {
	config Config
	parts  []part
}

// part is a text of the message that is a template.
type part struct {
	field    string
	template interface {
		Execute(w io.Writer, data any) error
	}
	in       func(m *provider.Message, text string) // puts what was rendered into its place
	variable bool                                   // the provider puts it into HTML
}

// New checks c, compiles its templates and renders them once, for a contact without fields.
// Errors are of kind ErrInvalid and name the field.
func New(c Config) (*Mailing, error) {
	m := &Mailing{config: c}
	msg := &c.Message
	switch {
	case strings.TrimSpace(c.Name) == "" || strings.ContainsFunc(c.Name, text.ForbiddenInLine):
		return nil, provider.Invalid("name", "expected a name of one line, like spring-2026")
	case len(msg.To)+len(msg.Cc)+len(msg.Bcc)+len(msg.Recipients) > 0:
		return nil, provider.Invalid("message.to", "expected no recipients: they are the contacts")
	case msg.IdempotencyKey != "":
		return nil, provider.Invalid("message.idempotency_key", "expected none: each mail has its own, of the name and the address")
	}
	for name := range msg.Headers {
		if strings.HasPrefix(strings.ToLower(name), "list-unsubscribe") {
			return nil, provider.Invalid("message.headers", "expected no %s: unsubscribe makes it", text.Quoted(name))
		}
	}
	if err := c.Unsubscribe.check(); err != nil {
		return nil, err
	}
	if err := m.compile(); err != nil {
		return nil, err
	}
	_, _, err := m.Message(provider.Contact{Email: "nobody@example.com"})
	return m, err
}

func (m *Mailing) compile() error {
	msg := &m.config.Message
	if msg.HTML != "" {
		t, err := htmltemplate.New("message.html").Parse(msg.HTML)
		if err != nil {
			return provider.Invalid("message.html", "%v", err)
		}
		m.parts = append(m.parts, part{
			field: "message.html", template: t,
			in: func(m *provider.Message, text string) { m.HTML = text },
		})
	}
	plain := func(field, body string, variable bool, in func(*provider.Message, string)) error {
		if body == "" {
			return nil
		}
		t, err := texttemplate.New(field).Parse(body)
		if err != nil {
			return provider.Invalid(field, "%v", err)
		}
		m.parts = append(m.parts, part{field, t, in, variable})
		return nil
	}
	err := plain("message.subject", msg.Subject, false, func(m *provider.Message, text string) { m.Subject = text })
	if err == nil {
		err = plain("message.text", msg.Text, false, func(m *provider.Message, text string) { m.Text = text })
	}
	for name, v := range msg.Variables {
		if body, ok := v.(string); ok && err == nil {
			err = plain("message.variables."+text.Quoted(name), body, true, func(m *provider.Message, text string) { m.Variables[name] = text })
		}
	}
	return err
}

// Key names the mail to an address: it is the Message.IdempotencyKey. The error is of kind
// ErrInvalid when email is no address.
func (m *Mailing) Key(email string) (string, error) {
	key, err := provider.EmailKey(email)
	return m.config.Name + "/" + key, err
}

// Message returns the mail to c, and notes about what was converted of the contact's fields.
// Errors are of kind ErrInvalid: a template fails for this contact, or its address is none.
func (m *Mailing) Message(c provider.Contact) (*provider.Message, []provider.Note, error) {
	key, err := m.Key(c.Email)
	if err != nil {
		return nil, nil, err
	}
	way, headers, err := m.config.Unsubscribe.of(Subscription{
		Email: c.Email, List: m.config.List, Mailing: m.config.Name,
	})
	if err != nil {
		return nil, nil, err
	}
	p := &person{contact: &c, unsubscribe: way}
	msg := m.config.Message
	msg.IdempotencyKey = key
	msg.To = []provider.Address{{
		Email: c.Email, Name: strings.TrimSpace(p.FirstName() + " " + p.LastName()),
	}}
	msg.Variables = maps.Clone(msg.Variables)
	if len(headers) > 0 {
		maps.Copy(headers, msg.Headers)
		msg.Headers = headers
	}
	var b strings.Builder
	for _, part := range m.parts {
		b.Reset()
		p.inHTML = part.variable
		if err := part.template.Execute(&b, p); err != nil {
			return nil, nil, provider.Invalid(part.field, "%v", err)
		}
		part.in(&msg, b.String())
	}
	return &msg, p.notes, nil
}
