package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// maxBrevoMail is the documented size of a mail, in bytes. That more is refused as an
// invalid parameter is a guess.
const maxBrevoMail = 20 << 20

// idempotencyWindow is the time for which Brevo remembers a key. Its pages state 15
// and 30 minutes; the shorter one is the safe one.
const idempotencyWindow = 15 * time.Minute

// What a send takes. The cap of recipients is that of a call with versions; for a plain
// send the vendor states none. A send time in the past is refused, which is a guess: it
// hurts more than to send at once.
const (
	brevoMostRecipients = 2000
	brevoMostBytes      = 20 << 20 // of text and files, decoded (the vendor's help)
	clockSkew           = time.Minute
)

// brevoFiles are the extensions of files that the vendor attaches.
var brevoFiles = strings.Fields(`xlsx xls ods docx docm doc csv pdf txt gif jpg jpeg png tif tiff rtf bmp cgm css
	shtml html htm zip xml ppt pptx tar ez ics mobi msg pub eps odt mp3 m4a m4v wma ogg flac wav aif aifc aiff mp4
	mov avi mkv mpeg mpg wmv pkpass xlsm`)

func (b *brevo) sendEmail(c *call) answer {
	var req brevoapi.SendEmailRequest
	c.decode(&req)
	key := req.Headers["idempotencyKey"] // exactly this spelling; others are ignored
	if used, ok := b.sent[key]; ok && key != "" && b.now().Sub(used) < idempotencyWindow {
		return b.refuse(
			http.StatusBadRequest, "duplicate_parameter",
			"this idempotency key belongs to a mail that was processed already",
		)
	}
	mails, refusal, ok := b.mailsOf(&req, c.raw)
	if !ok {
		return refusal
	}
	ids := b.messageIDs(len(mails))
	body := map[string]any{"messageIds": ids}
	if len(req.MessageVersions) == 0 {
		body = map[string]any{"messageId": ids[0]}
	}
	if drop, _ := headerOf(req.Headers, "X-Sib-Sandbox"); drop == "drop" {
		return answer{status: 201, body: body}
	}
	status, batch := 201, ""
	if req.ScheduledAt != nil {
		status, batch = 202, value(req.BatchID)
		if batch == "" {
			batch = uuid(900000 + b.nextID())
		}
		body["batchId"] = batch
	}
	var first int64
	for i, m := range mails {
		m.ID, m.Batch = ids[i], batch
		kept := b.addMail(m)
		if i == 0 {
			first = kept.call
		}
		kept.call = first
		if !kept.Dropped {
			b.credits -= len(kept.recipients())
		}
	}
	if key != "" {
		b.sent[key] = b.now()
		if len(b.sent)%1000 == 0 {
			maps.DeleteFunc(b.sent, func(_ string, at time.Time) bool { return b.now().Sub(at) >= idempotencyWindow })
		}
	}
	return answer{status: status, body: body}
}

// mailsOf returns the mails of a request, one per version, or an error response.
func (b *brevo) mailsOf(req *brevoapi.SendEmailRequest, raw []byte) ([]Mail, answer, bool) {
	no := func(a answer) ([]Mail, answer, bool) { return nil, a, false }
	base := Mail{
		Subject: value(req.Subject), HTML: value(req.HTMLContent), Text: value(req.TextContent),
		To: addresses(req.To), Cc: addresses(req.Cc), Bcc: addresses(req.Bcc), ReplyTo: replyTo(req.ReplyTo),
		Headers: req.Headers, Tags: req.Tags, Variables: req.Params, Raw: raw,
	}
	size := len(base.HTML) + len(base.Text)
	for _, a := range req.Attachment {
		size += len(a.Content)
	}
	if size > brevoMostBytes {
		return no(b.invalid("the mail has more than 20 MB"))
	}
	switch s := req.Sender; {
	case s == nil && req.TemplateID == nil, s != nil && s.ID == nil && value(s.Email) == "":
		return no(b.missing("sender is missing"))
	case s != nil && s.ID != nil:
		own := b.sender(strconv.FormatInt(*s.ID, 10))
		if own == nil {
			return no(b.invalid("sender.id is not known"))
		}
		base.From = provider.Address{Email: own.email, Name: own.name}
	case s != nil:
		base.From = provider.Address{Email: *s.Email, Name: value(s.Name)}
	}
	for i, a := range req.Attachment {
		if value(a.URL) == "" && (a.Content == nil || value(a.Name) == "") {
			return no(b.missing(fmt.Sprintf("attachment[%d] needs url, or content and name", i)))
		}
		name := value(a.Name)
		if name == "" {
			name, _, _ = strings.Cut(*a.URL, "?")
		}
		if !slices.Contains(brevoFiles, strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))) {
			return no(b.invalid("Unsupported file format: attachment[%d]", i))
		}
		base.Attachments = append(base.Attachments, provider.Attachment{
			Name: value(a.Name), Content: a.Content, URL: value(a.URL),
		})
	}
	if base.content() > maxBrevoMail {
		return no(b.invalid("the mail is over 20 MB"))
	}
	if req.ScheduledAt != nil {
		at, err := time.Parse(time.RFC3339, *req.ScheduledAt)
		if err != nil || at.After(b.now().Add(72*time.Hour)) || at.Before(b.now().Add(-clockSkew)) {
			return no(b.invalid("scheduledAt is not a time within the next 72 hours"))
		}
		base.SendAt = at.UTC()
	}
	if len(req.MessageVersions) == 0 {
		if refusal, ok := b.complete(&base, req.TemplateID); !ok {
			return no(refusal)
		}
		if len(base.recipients()) > brevoMostRecipients {
			return no(b.invalid("to, cc and bcc hold more than %d recipients", brevoMostRecipients))
		}
		return []Mail{base}, answer{}, true
	}
	if len(base.recipients()) > 0 && !b.server.taken(b.name, "sendEmail", "outer recipients") {
		return no(b.invalid("to, cc and bcc are not allowed together with messageVersions"))
	}
	if len(req.MessageVersions) > 1000 {
		return no(b.invalid("messageVersions holds more than 1000"))
	}
	var mails []Mail
	total := 0
	for i, v := range req.MessageVersions {
		m := version(base, v)
		template := req.TemplateID
		if v.TemplateID != nil {
			template = v.TemplateID
		}
		if refusal, ok := b.complete(&m, template); !ok {
			return no(refusal)
		}
		if total += len(m.recipients()); len(m.recipients()) > 99 || total > brevoMostRecipients {
			return no(b.invalid("too many recipients in messageVersions[%d]", i))
		}
		mails = append(mails, m)
	}
	return mails, answer{}, true
}

// version returns the mail of a version: base with the fields of v.
func version(base Mail, v brevoapi.MessageVersion) Mail {
	m := base
	m.To, m.Cc, m.Bcc = addresses(v.To), addresses(v.Cc), addresses(v.Bcc)
	if v.ReplyTo != nil {
		m.ReplyTo = replyTo(v.ReplyTo)
	}
	if v.Subject != nil {
		m.Subject = *v.Subject
	}
	if v.HTMLContent != nil {
		m.HTML = *v.HTMLContent
	}
	if v.TextContent != nil {
		m.Text = *v.TextContent
	}
	if v.Params != nil {
		m.Variables = v.Params
	}
	if v.Headers != nil {
		m.Headers = v.Headers
	}
	return m
}

// complete fills in the template. It returns false and an error response when a
// part is missing.
func (b *brevo) complete(m *Mail, templateID *int64) (answer, bool) {
	if len(m.To) == 0 {
		return b.missing("to is missing"), false
	}
	for _, email := range m.recipients() {
		if !strings.Contains(email, "@") {
			return b.invalid("email is not valid in to, cc or bcc"), false
		}
	}
	if templateID != nil {
		t := b.template(strconv.FormatInt(*templateID, 10))
		if t == nil || t.Inactive {
			return b.invalid("templateId is not known, or not active"), false
		}
		if m.HTML != "" || m.Text != "" {
			b.server.note("The template %s takes the place of the HTML and the text that came with it.", t.ID)
		}
		m.Template, m.HTML, m.Text = t.ID, t.HTML, ""
		// Accepted all the same; the log has the event error and no credit is taken.
		m.Dropped = !renders(t.Subject) || !renders(t.HTML)
		if m.Subject == "" {
			m.Subject = t.Subject
		}
		if m.From.Email == "" {
			m.From = t.From
		}
		return answer{}, true
	}
	switch {
	case m.HTML == "" && m.Text == "":
		return b.missing("htmlContent or textContent is required"), false
	case m.Subject == "":
		return b.missing("subject is missing"), false
	}
	return answer{}, true
}

// messageIDs returns n message ids; those of versions end in .1, .2 and so on.
func (b *brevo) messageIDs(n int) []string {
	base := fmt.Sprintf("%s.8%010d", b.now().Format("200601021504"), b.nextID())
	if n == 1 {
		return []string{"<" + base + "@smtp-relay.mailin.fr>"}
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("<%s.%d@smtp-relay.mailin.fr>", base, i+1)
	}
	return ids
}

// byID finds mails by message id, with or without its brackets, or by batch id.
func (b *brevo) byID(id string) []*mail {
	var out []*mail
	for _, m := range b.mails.items {
		if m.ID == id || strings.Trim(m.ID, "<>") == id || m.Batch != "" && m.Batch == id {
			out = append(out, m)
		}
	}
	return out
}

// cancelScheduledEmail also answers 404 for a mail that has gone out, which is a
// guess.
func (b *brevo) cancelScheduledEmail(c *call) answer {
	stopped := 0
	for _, m := range b.byID(c.path["identifier"]) {
		if !m.Withdrawn && !b.due(m) {
			b.withdraw(m)
			stopped++
		}
	}
	if stopped == 0 {
		return b.notFound("no scheduled mail has this id")
	}
	return answer{status: 204}
}

func (b *brevo) getScheduledEmailStatus(c *call) answer {
	id := c.path["identifier"]
	in, refusal, ok := b.between(c)
	if !ok {
		return refusal
	}
	var rows []any
	var calls []int64
	found := b.byID(id)
	byBatch := len(found) > 0 && found[0].Batch == id
	for _, m := range found {
		if m.SendAt.IsZero() || m.Withdrawn || slices.Contains(calls, m.call) || !in(m.AcceptedAt) {
			continue
		}
		status := "queued"
		if b.due(m) {
			status = "processed"
		}
		if want := c.query.Get("status"); want != "" && want != status {
			continue
		}
		calls = append(calls, m.call)
		// Nanoseconds, unlike everywhere else.
		const layout = "2006-01-02T15:04:05.000000000Z"
		rows = append(rows, map[string]any{
			"scheduledAt": m.SendAt.Format(layout), "createdAt": m.AcceptedAt.Format(layout), "status": status,
		})
	}
	if !byBatch && (c.query.Has("limit") || c.query.Has("offset") || c.query.Has("sort") || c.query.Has("status")) {
		return b.invalid("limit, offset, sort and status need a batch id")
	}
	if len(rows) == 0 {
		return b.notFound("no scheduled mail has this id")
	}
	if !byBatch {
		return answer{status: 200, body: rows[0]}
	}
	part, refusal, ok := pageOf(b, c, rows, 100, 500)
	if !ok {
		return refusal
	}
	return answer{status: 200, body: map[string]any{"count": len(rows), "batches": part}}
}

func addresses(in []brevoapi.EmailAddress) []provider.Address {
	var out []provider.Address
	for _, a := range in {
		out = append(out, provider.Address{Email: a.Email, Name: value(a.Name)})
	}
	return out
}

func replyTo(a *brevoapi.EmailAddress) []provider.Address {
	if a == nil {
		return nil
	}
	return addresses([]brevoapi.EmailAddress{*a})
}

// headerOf finds a header by its name without regard to case.
func headerOf(headers map[string]string, name string) (string, bool) {
	for k, v := range headers {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// tagsOf reads the tags parameter, a JSON list.
func tagsOf(text string) []string {
	var tags []string
	_ = json.Unmarshal([]byte(text), &tags)
	return tags
}
