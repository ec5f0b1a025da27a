package pakat

import (
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
)

// placeholder is the body beside a template: the vendor marks the body as
// required there too, although the template replaces it.
const placeholder = "-"

func emailToAPI(m *provider.Message, now time.Time, encodeText bool) (pakatapi.TransactionalEmailForm, []provider.Note, error) {
	var c converter
	form := pakatapi.TransactionalEmailForm{Subject: m.Subject, Params: c.variables(m)}
	if m.Subject == "" {
		c.Fail(provider.Invalid("subject", "expected a subject: the provider requires one, with a template too"))
	}
	c.people(m, &form)
	c.content(m, &form, encodeText)
	if m.SendAt.IsZero() {
		form.SendAt = wireTime(now)
		c.Note("send_at", "emulated", "the provider requires a time; the present time was given")
	} else {
		form.SendAt = wireTime(m.SendAt)
		if m.SendAt.Nanosecond() != 0 {
			c.Note("send_at", "converted", "cut to whole seconds")
		}
	}
	for i, f := range m.Attachments {
		field := fmt.Sprintf("attachments[%d]", i)
		if ext := path.Ext(f.Name); len(ext) < 2 {
			c.Fail(provider.Invalid(field+".name", "expected a name with an extension, got %q: the provider takes no other files", f.Name))
		}
		if len(f.Content) == 0 {
			c.Fail(provider.Invalid(field+".content", "expected a file that is not empty: the provider takes no other"))
		}
		form.Attachments = append(form.Attachments, attachmentToAPI(f))
	}
	return form, c.Notes, c.Err
}

// converter makes the vendor's parts of a mail.
type converter struct{ adapterkit.Draft }

func (c *converter) people(m *provider.Message, form *pakatapi.TransactionalEmailForm) {
	if len(m.To) != 1 {
		c.Fail(provider.Unsupported(feature.MessageToMany, "a mail goes to one recipient"))
		return
	}
	form.ToEmail = c.Email("to[0].email", m.To[0].Email)
	form.ToName = c.name("to[0].name", m.To[0], form.ToEmail)
	if m.From.Email == "" {
		// The server has an address of its own for this case, but no name.
		c.Fail(provider.Invalid("from", "expected a sender: the provider requires its name, with a template too"))
		return
	}
	form.FromEmail = new(c.Email("from.email", m.From.Email))
	form.FromName = c.name("from.name", m.From, *form.FromEmail)
	if len(m.ReplyTo) > 0 {
		form.ReplyToEmail = new(c.Email("reply_to[0].email", m.ReplyTo[0].Email))
		form.ReplyToName = adapterkit.Text(mailaddr.Name(m.ReplyTo[0].Name))
	}
}

// name is the name shown with an address, which the vendor requires.
func (c *converter) name(field string, a provider.Address, wire string) string {
	if a.Name != "" {
		return mailaddr.Name(a.Name)
	}
	c.Note(field, "emulated", "the provider requires a name; the address was given")
	return wire
}

func (c *converter) content(m *provider.Message, form *pakatapi.TransactionalEmailForm, encodeText bool) {
	switch {
	case !m.Template.IsZero():
		form.TemplateUID, form.Body = &m.Template.ID, []byte(placeholder)
		c.Note("html", "emulated", "the provider requires a body, which the template replaces; a dash was given")
	case m.HTML == "":
		c.Fail(provider.Unsupported(feature.MessageTextOnly, "HTML is required"))
	default:
		form.Body = []byte(m.HTML)
	}
	if m.Text == "" {
		return
	}
	plain := m.Text
	if encodeText {
		plain = base64.StdEncoding.EncodeToString([]byte(plain))
	}
	form.PlainText = &plain
}

// variables are texts at the vendor. Numbers and truth values have one obvious
// text; null, lists and objects have none.
func (c *converter) variables(m *provider.Message) map[string]string {
	if len(m.Variables) == 0 {
		return nil
	}
	if m.Template.IsZero() {
		c.Note("variables", "warning", "whether they are filled in outside templates is not stated")
	}
	out := make(map[string]string, len(m.Variables))
	for _, name := range slices.Sorted(maps.Keys(m.Variables)) {
		field := "variables." + name
		if name == "" || strings.ContainsAny(name, "[]") {
			c.Fail(provider.Invalid(field, "expected a name without brackets: the provider takes variables as fields of a form"))
			continue
		}
		value, converted, ok := scalar(m.Variables[name])
		if !ok {
			c.Fail(provider.Invalid(field, "expected a text, a number, true or false: the provider takes nothing else"))
		}
		if converted {
			c.Note(field, "converted", "written as text")
		}
		out[name] = value
	}
	return out
}

// scalar is the text of a JSON scalar, and whether it was something else before.
func scalar(v any) (text string, converted, ok bool) {
	switch v := v.(type) {
	case string:
		return v, false, true
	case bool:
		return strconv.FormatBool(v), true, true
	}
	text, ok = exact.Text(v)
	return text, ok, ok
}

// attachmentToAPI takes the type from the name when none is given: the vendor
// wants one always.
func attachmentToAPI(f provider.Attachment) pakatapi.Attachment {
	typ := f.ContentType
	if typ == "" {
		typ, _, _ = mime.ParseMediaType(mime.TypeByExtension(path.Ext(f.Name)))
	}
	if typ == "" {
		typ = "application/octet-stream"
	}
	return pakatapi.Attachment{Name: f.Name, Type: typ, Data: f.Content}
}

// wireTime writes a time as the vendor reads it, in UTC.
func wireTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

// statusFromAPI never says delivered: the vendor's "sent" means that a mail
// server has taken the mail.
func statusFromAPI(messageID string, mail pakatapi.TransactionalEmail) *provider.Receipt {
	what, known := stateWords.Find(mail.Status)
	r := &provider.Receipt{MessageID: messageID, State: what.State()}
	switch {
	case !known:
		r.Notes = []provider.Note{{Field: "state", Action: provider.NoteWarning, Why: "the provider says " + strconv.Quote(mail.Status)}}
	case what.Kind == events.KindSent:
		r.Notes = []provider.Note{{
			Field: "state", Action: provider.NoteWarning,
			Why: "handed to a mail server; the provider tells nothing of delivery",
		}}
	}
	if mail.ToEmail != "" {
		r.Recipients = []provider.RecipientResult{{Email: mail.ToEmail, MessageID: messageID, State: r.State}}
	}
	return r
}

func healthFromAPI(q pakatapi.Quota) *provider.Health {
	out := provider.Quota{Name: "sending", Unit: "mails", Used: adapterkit.Count(q.Used)}
	switch allowed := adapterkit.Amount(string(q.Allowed)); {
	case q.Allowed == "": // not reported
	case allowed == nil || *allowed < 0: // a word, or a negative number, of an account without a limit
		out.Unlimited = true
	default:
		out.Left = adapterkit.Count(max(int64(*allowed)-int64(q.Used), 0))
	}
	return &provider.Health{Quotas: []provider.Quota{out}}
}
