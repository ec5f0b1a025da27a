package brevo

import (
	"encoding/base64"
	"strconv"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

// emailBody is the body of a mail that writes its own JSON: encoding/json takes
// more time for it than everything else in a send. TestEmailBody holds it
// against encoding/json, field by field.
type emailBody brevoapi.SendEmailRequest

// ownJSON makes the body of a call of SendEmail write its own JSON.
var ownJSON = rest.WithBody(func(body *brevoapi.SendEmailRequest) any { return (*emailBody)(body) })

// hasVersions reports whether body is a mail with versions.
func hasVersions(body any) bool {
	switch body := body.(type) {
	case *emailBody:
		return len(body.MessageVersions) > 0
	case *brevoapi.SendEmailRequest:
		return len(body.MessageVersions) > 0
	}
	return false
}

// AppendJSON writes the body behind dst.
func (b *emailBody) AppendJSON(dst []byte) ([]byte, error) {
	w := object{b: append(dst, '{')}
	if len(b.Attachment) > 0 {
		w.array("attachment", len(b.Attachment), func(i int) { w.attachment(&b.Attachment[i]) })
	}
	w.text("batchId", b.BatchID)
	w.addresses("bcc", b.Bcc)
	w.addresses("cc", b.Cc)
	w.texts("headers", b.Headers)
	w.checked("htmlContent", b.HTMLContent)
	if len(b.MessageVersions) > 0 {
		w.array("messageVersions", len(b.MessageVersions), func(i int) { w.version(&b.MessageVersions[i]) })
	}
	w.values("params", b.Params)
	w.address("replyTo", b.ReplyTo)
	w.text("scheduledAt", b.ScheduledAt)
	if s := b.Sender; s != nil {
		w.name("sender")
		w.open('{')
		w.text("email", s.Email)
		w.number("id", s.ID)
		w.text("name", s.Name)
		w.close('}')
	}
	w.checked("subject", b.Subject)
	if len(b.Tags) > 0 {
		w.array("tags", len(b.Tags), func(i int) { w.b = rest.AppendString(w.b, b.Tags[i]) })
	}
	w.number("templateId", b.TemplateID)
	w.checked("textContent", b.TextContent)
	w.addresses("to", b.To)
	w.close('}')
	return w.b, w.err
}

// object writes an object of the body; fields that are empty are left out.
type object struct {
	b    []byte
	more bool // the object that is open has a field already
	err  error
}

func (w *object) open(bracket byte) { w.b, w.more = append(w.b, bracket), false }

func (w *object) close(bracket byte) { w.b, w.more = append(w.b, bracket), true }

// name begins a field. Names are ours and need no escapes.
func (w *object) name(name string) {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *object) array(name string, n int, item func(i int)) {
	w.name(name)
	w.open('[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		item(i)
	}
	w.close(']')
}

func (w *object) text(name string, text *string) {
	if text != nil {
		w.name(name)
		w.b = rest.AppendString(w.b, *text)
	}
}

// checked writes a text that provider.Client has found to be UTF-8.
func (w *object) checked(name string, text *string) {
	if text != nil {
		w.name(name)
		w.b = rest.AppendText(w.b, *text)
	}
}

func (w *object) number(name string, n *int64) {
	if n != nil {
		w.name(name)
		w.b = strconv.AppendInt(w.b, *n, 10)
	}
}

func (w *object) truth(name string, b *bool) {
	if b != nil {
		w.name(name)
		w.b = strconv.AppendBool(w.b, *b)
	}
}

func (w *object) texts(name string, m map[string]string) {
	if len(m) > 0 {
		w.name(name)
		w.b = rest.AppendTexts(w.b, m)
	}
}

func (w *object) values(name string, m map[string]any) {
	if len(m) == 0 || w.err != nil {
		return
	}
	w.name(name)
	if b, err := rest.AppendValue(w.b, m); err != nil {
		w.err = err
	} else {
		w.b = b
	}
}

func (w *object) address(name string, a *brevoapi.EmailAddress) {
	if a != nil {
		w.name(name)
		w.oneAddress(a)
	}
}

func (w *object) addresses(name string, list []brevoapi.EmailAddress) {
	if len(list) > 0 {
		w.array(name, len(list), func(i int) { w.oneAddress(&list[i]) })
	}
}

func (w *object) oneAddress(a *brevoapi.EmailAddress) {
	w.open('{')
	w.truth("contactPixelTrackingConsent", a.TrackingConsent)
	w.text("email", &a.Email)
	w.text("name", a.Name)
	w.close('}')
}

func (w *object) attachment(a *brevoapi.EmailAttachment) {
	w.open('{')
	if a.Content != nil {
		w.name("content")
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, a.Content)
		w.b = append(w.b, '"')
	}
	w.text("name", a.Name)
	w.text("url", a.URL)
	w.close('}')
}

func (w *object) version(v *brevoapi.MessageVersion) {
	w.open('{')
	w.addresses("bcc", v.Bcc)
	w.addresses("cc", v.Cc)
	w.texts("headers", v.Headers)
	w.checked("htmlContent", v.HTMLContent)
	w.values("params", v.Params)
	w.address("replyTo", v.ReplyTo)
	w.checked("subject", v.Subject)
	w.number("templateId", v.TemplateID)
	w.checked("textContent", v.TextContent)
	if v.To == nil {
		w.name("to") // the one field that is never left out
		w.b = append(w.b, "null"...)
	} else {
		w.array("to", len(v.To), func(i int) { w.oneAddress(&v.To[i]) })
	}
	w.close('}')
}
