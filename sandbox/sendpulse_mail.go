package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/provider"
)

// spFreeDomains are some mail services whose addresses may not be senders.
var spFreeDomains = []string{"gmail.com", "mail.ru", "yandex.ru", "outlook.com"}

func (p *sendpulse) sendEmail(c *call) answer {
	var req sendpulseapi.SendEmailRequest
	c.decode(&req)
	e := req.Email
	m := Mail{
		From: provider.Address{
			Email: e.From.Email, Name: e.From.Name,
		}, To: spAddresses(e.To), Cc: spAddresses(e.Cc), Bcc: spAddresses(e.Bcc),
		Subject: e.Subject, HTML: string(e.HTML), Text: value(e.Text), Raw: c.raw,
	}
	if e.ReplyTo != nil {
		m.ReplyTo = spAddresses([]sendpulseapi.Address{*e.ReplyTo})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Attachments)) {
		m.Attachments = append(m.Attachments, provider.Attachment{
			Name: name, Content: []byte(e.Attachments[name]),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(e.AttachmentsBinary)) {
		m.Attachments = append(m.Attachments, provider.Attachment{
			Name: name, Content: e.AttachmentsBinary[name],
		})
	}
	if refusal, ok := p.complete(&m, e.Template, value(e.AutoPlainText)); !ok {
		return refusal
	}
	m.ID = p.messageID()
	m.Dropped = p.dropped(&m)
	p.addMail(m)
	return answer{status: 200, body: map[string]any{"result": true, "id": m.ID}}
}

// complete fills in the template. It returns false and an error response when a
// part is missing. The vendor's file requires HTML together with text; its prose allows
// text alone.
func (p *sendpulse) complete(m *Mail, use *sendpulseapi.TemplateUse, autoText bool) (answer, bool) {
	_, domain, _ := strings.Cut(m.From.Email, "@")
	switch {
	case m.From.Email == "" || m.From.Name == "":
		return p.invalid(spNoSender, "Sender is empty"), false
	case slices.Contains(spFreeDomains, strings.ToLower(domain)):
		return p.invalid(spFreeMailbox, "Sender at a free mail service"), false
	case len(m.To) == 0:
		return p.invalid(spNoRecipient, "No recipients"), false
	case m.Subject == "": // also with a template
		return p.invalid(spNoSubject, "Subject is empty"), false
	}
	for _, email := range append(m.recipients(), m.From.Email) {
		if !strings.Contains(email, "@") {
			return p.invalid(http.StatusUnprocessableEntity, "Address is not valid"), false
		}
	}
	switch {
	case use != nil && (m.HTML != "" || m.Text != ""):
		return p.invalid(
			http.StatusUnprocessableEntity, "Template and body exclude each other",
		), false
	case use != nil:
		t := p.templateOf(use.ID)
		if t == nil {
			return p.invalid(spNoTemplate, "Template not found"), false
		}
		m.Template, m.HTML, m.Variables = t.ID, t.HTML, use.Variables
	case m.HTML == "" && m.Text == "":
		return p.invalid(spNoBody, "Body is empty"), false
	case m.Text == "" && !autoText:
		return p.invalid(http.StatusUnprocessableEntity, "Text is required"), false
	}
	return answer{}, true
}

// templateOf finds a template by its real_id, a number, or by its id, a text.
// Whether the vendor takes digits as text is not known; here it does not.
func (p *sendpulse) templateOf(id any) *Template {
	for _, t := range p.templates {
		if number, ok := exact.Text(id); ok && number == t.ID || id == hexID(t) {
			return t
		}
	}
	return nil
}

func spAddresses(in []sendpulseapi.Address) []provider.Address {
	var out []provider.Address
	for _, a := range in {
		out = append(out, provider.Address{Email: a.Email, Name: value(a.Name)})
	}
	return out
}

// record returns a mail as the vendor shows it, without a state. The reply code is
// a text when it is an error. Mail to an unsubscribed address has no reply, which
// is a guess.
func (p *sendpulse) record(m *mail) map[string]any {
	p.happen()
	to := m.To[0].Email
	r := map[string]any{
		"id": m.ID, "sender": m.From.Email, "total_size": len(m.Raw), "sender_ip": "192.0.2.7", "used_ip": "198.51.100.4",
		"recipient": to, "subject": m.Subject, "send_date": spTime(m.AcceptedAt),
		"tracking": p.tracking(m, to),
	}
	code, subcode, data, known := p.reply(m, to)
	switch {
	case known:
	case slices.ContainsFunc(m.happened, func(h *happening) bool { return h.what == wasBlocked && sameEmail(h.email, to) }):
		code, subcode, r["recipient"] = "", "", nil
	default: // on its way
		code, subcode = 0, ""
	}
	r["smtp_answer_code"], r["smtp_answer_subcode"], r["smtp_answer_data"] = code, subcode, data
	return r
}

func (p *sendpulse) listEmails(c *call) answer {
	q := c.query
	rows := []any{}
	for _, m := range newestFirst(p.mails.items) {
		day := m.AcceptedAt.Format(time.DateOnly)
		switch {
		case m.campaign, !p.listed(m.AcceptedAt, m.ID),
			q.Has("sender") && !sameEmail(q.Get("sender"), m.From.Email),
			q.Has("recipient") && !sameEmail(q.Get("recipient"), m.To[0].Email),
			q.Has("from") && day < q.Get("from")[:min(10, len(q.Get("from")))],
			q.Has("to") && day > q.Get("to")[:min(10, len(q.Get("to")))]:
			continue
		}
		r := p.record(m)
		r["smtp_answer_code_explain"] = "Delivered" // in lists only
		rows = append(rows, r)
	}
	return p.logPage(c, rows)
}

func (p *sendpulse) getEmailsTotal(*call) answer {
	return answer{status: 200, body: map[string]any{"total": p.mails.came()}}
}

func (p *sendpulse) mailByID(id string) *mail {
	i := slices.IndexFunc(p.mails.items, func(m *mail) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return p.mails.items[i]
}

// getEmail answers 400 and not 404 for an unknown id (vendor's file).
func (p *sendpulse) getEmail(c *call) answer {
	m := p.mailByID(c.path["id"])
	if m == nil {
		return p.refuse(http.StatusBadRequest, spNoMail, "Email not found")
	}
	return answer{status: 200, body: p.record(m)}
}

func (p *sendpulse) getEmails(c *call) answer {
	var req sendpulseapi.EmailIDs
	c.decode(&req)
	if len(req.IDs) == 0 || len(req.IDs) > 500 {
		return p.refuse(http.StatusBadRequest, spBadEmails, "1 to 500 ids")
	}
	rows := []any{}
	for _, id := range req.IDs {
		if m := p.mailByID(id); m != nil {
			rows = append(rows, p.record(m))
		}
	}
	return answer{status: 200, body: rows}
}

// sendResubscribeEmail sends a link by mail, at most five times a day.
func (p *sendpulse) sendResubscribeEmail(c *call) answer {
	var req sendpulseapi.SendResubscribeEmailRequest
	c.decode(&req)
	p.asked = slices.DeleteFunc(
		p.asked, func(t time.Time) bool { return p.now().Sub(t) >= 24*time.Hour },
	)
	switch {
	case !p.blocked(req.Email, spSMTP):
		return p.invalid(http.StatusUnprocessableEntity, "The address is not unsubscribed")
	case len(p.asked) >= 5:
		return p.invalid(http.StatusUnprocessableEntity, "Limit is exceeded. Max count: 5")
	}
	p.asked = append(p.asked, p.now())
	m := Mail{
		ID: fmt.Sprintf("sbx%d-0afezz-kf", p.nextID()), From: provider.Address{Email: req.Sender},
		To: []provider.Address{{Email: req.Email}}, Subject: "Subscribe again?", Raw: c.raw,
	}
	p.addMail(m)
	return answer{status: 200, body: map[string]any{"result": true, "id": m.ID}}
}
