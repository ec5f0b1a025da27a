package sandbox

import (
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/provider"
)

// sendMail queues a mail. There is no idempotency key: the same request twice is
// two mails.
func (p *pakat) sendMail(c *call) answer {
	var req pakatapi.TransactionalEmailForm
	c.decode(&req)
	bad := map[string]any{}
	for name, text := range map[string]string{
		"to_name": req.ToName, "to_email": req.ToEmail, "from_name": req.FromName, "subject": req.Subject, "body": string(req.Body),
	} {
		if text == "" {
			bad[name] = "This field may not be empty."
		}
	}
	at, err := time.Parse(time.DateTime, req.SendAt)
	if err != nil {
		bad["send_at"] = "The time is not of the form Y-m-d H:i:s."
	}
	for _, f := range req.Attachments {
		if f.Type == "" || len(f.Data) == 0 || path.Ext(f.Name) == "" {
			bad["attachments"] = "An attachment needs a name with an extension, type and data."
		}
	}
	m := Mail{
		From:    provider.Address{Email: defaultFrom.Email, Name: req.FromName},
		To:      []provider.Address{{Email: req.ToEmail, Name: req.ToName}},
		Subject: req.Subject, HTML: string(req.Body), Text: plainText(req.PlainText),
		Variables: map[string]any{}, SendAt: at, Raw: c.raw,
	}
	if req.FromEmail != nil { // else the sending server's own
		m.From.Email = *req.FromEmail
	}
	if req.ReplyToEmail != nil {
		m.ReplyTo = []provider.Address{{Email: *req.ReplyToEmail, Name: value(req.ReplyToName)}}
	}
	for k, v := range req.Params {
		m.Variables[k] = v
	}
	for _, f := range req.Attachments {
		m.Attachments = append(m.Attachments, provider.Attachment{
			Name: f.Name, Content: f.Data, ContentType: f.Type,
		})
	}
	if req.TemplateUID != nil {
		t := p.template(*req.TemplateUID)
		if t == nil {
			bad["template_uid"] = "The template does not exist."
		} else {
			p.server.note("The template %s takes the place of the body that came with it.", t.ID)
			m.Template, m.HTML = t.ID, render(t.HTML, "params.", m.Variables)
		}
	}
	if len(bad) > 0 {
		return p.invalid(bad)
	}
	if p.blacklisted(req.ToEmail) {
		return p.fail(http.StatusUnprocessableEntity, "This email address is blacklisted!")
	}
	m.ID = uid(p.nextID())
	p.addMail(m)
	return answer{
		status: http.StatusCreated, body: map[string]any{"status": "success", "email_uid": m.ID},
	}
}

// plainText decodes the text part: the PHP clients send base64, others the text.
func plainText(s *string) string {
	if s == nil {
		return ""
	}
	if data, err := base64.StdEncoding.DecodeString(*s); err == nil && utf8.Valid(data) {
		return string(data)
	}
	return *s
}

// mailByUID finds a mail that was not deleted.
func (p *pakat) mailByUID(uid string) *mail {
	i := slices.IndexFunc(p.mails.items, func(m *mail) bool { return m.ID == uid && !m.Withdrawn })
	if i < 0 {
		return nil
	}
	return p.mails.items[i]
}

// queued reports whether m still waits. There is no state between waiting and
// handed over, and no later one.
func (p *pakat) queued(m *mail) bool {
	return p.now().Before(m.goesOut().Add(time.Minute))
}

// mailView returns the body decoded, although it was sent in base64, and some
// numbers as text.
func (p *pakat) mailView(m *mail) map[string]any {
	status, retries := "sent", "1"
	updated := m.goesOut().Add(time.Minute)
	switch {
	case p.queued(m):
		status, retries, updated = "unsent", "0", m.AcceptedAt
	case p.fate(m.From.Email, m.To[0].Email) == "blocked":
		status, retries = "failed", "3"
	}
	view := map[string]any{
		"email_uid": m.ID, "customer_id": "1",
		"to_name": m.To[0].Name, "to_email": m.To[0].Email, "from_name": m.From.Name, "from_email": m.From.Email,
		"reply_to_name": nil, "reply_to_email": nil,
		"subject": m.Subject, "body": m.HTML, "plain_text": nil,
		"priority": "5", "retries": retries, "max_retries": "3",
		"send_at": pakatTime(m.SendAt), "fallback_system_servers": "no", "status": status,
		"attachments": []any{}, "date_added": pakatTime(m.AcceptedAt), "last_updated": pakatTime(updated),
	}
	if len(m.ReplyTo) > 0 {
		view["reply_to_name"], view["reply_to_email"] = m.ReplyTo[0].Name, m.ReplyTo[0].Email
	}
	if m.Text != "" {
		view["plain_text"] = m.Text
	}
	return view
}

func (p *pakat) getMail(c *call) answer {
	m := p.mailByUID(c.path["email_uid"])
	if m == nil {
		return p.notFound("email")
	}
	return p.record(http.StatusOK, p.mailView(m))
}

func (p *pakat) listMails(c *call) answer {
	var kept []*mail
	for _, m := range p.mails.items {
		if !m.Withdrawn && !m.campaign && p.listed(m.AcceptedAt, m.ID) {
			kept = append(kept, m)
		}
	}
	return pakatLog(p, c, newestFirst(kept), p.mailView)
}

// deleteMail deletes a mail; a queued one is then not sent.
func (p *pakat) deleteMail(c *call) answer {
	m := p.mailByUID(c.path["email_uid"])
	if m == nil {
		return p.notFound("email")
	}
	p.withdraw(m)
	return p.done()
}
