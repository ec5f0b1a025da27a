package sandbox

import (
	"slices"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
)

// sendEmail reads the request as Brevo's, which has more fields. By the document
// html is required without a template; with a template a file with content is
// refused (only a URL is accepted); the send time has no limit.
func (p *pakatV3) sendEmail(c *call) answer {
	var req brevoapi.SendEmailRequest
	c.decode(&req)
	if req.TemplateID == nil && value(req.HTMLContent) == "" {
		return p.missing("htmlContent is missing")
	}
	for _, a := range req.Attachment {
		if req.TemplateID != nil && value(a.URL) == "" {
			return p.invalid("only attachment url is accepted with a template")
		}
	}
	var at time.Time
	if req.ScheduledAt != nil {
		var err error
		if at, err = time.Parse(time.RFC3339, *req.ScheduledAt); err != nil {
			return p.invalid("scheduledAt is not a date-time")
		}
		req.ScheduledAt = nil
	}
	mails, refusal, ok := p.mailsOf(&req, c.raw)
	if !ok {
		return refusal
	}
	m := mails[0]
	m.ID = p.messageIDs(1)[0]
	body, status := map[string]any{"messageId": m.ID}, 201
	if !at.IsZero() {
		m.SendAt, m.Batch, status = at.UTC(), value(req.BatchID), 202
		if m.Batch == "" {
			m.Batch = uuid(900000 + p.nextID())
		}
		body["batchId"] = m.Batch
	}
	p.credits -= len(p.addMail(m).recipients())
	return answer{status: status, body: body}
}

// last30days is what the logs show when no days are named.
const last30days = 30 * 24 * time.Hour

// period is a filter by startDate and endDate, or else by days.
func (p *pakatV3) period(c *call) (func(time.Time) bool, answer, bool) {
	if c.query.Has("startDate") || c.query.Has("endDate") {
		if c.query.Has("days") {
			return nil, p.invalid("days excludes startDate and endDate"), false
		}
		return p.between(c)
	}
	since := p.now().Add(-last30days)
	if days := c.integer("days", 0); days > 0 {
		since = p.now().AddDate(0, 0, 1-int(days)).Truncate(24 * time.Hour)
	}
	return func(t time.Time) bool { return !t.Before(since) }, answer{}, true
}

func (p *pakatV3) listEmailEvents(c *call) answer {
	in, refusal, ok := p.period(c)
	if !ok {
		return refusal
	}
	tags := tagsOf(c.query.Get("tags"))
	rows := []any{}
	for _, e := range p.events() {
		if !p.shows(c, e.m, e.email) || !in(e.at) || c.query.Has("event") && c.query.Get("event") != e.kind {
			continue
		}
		if len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(e.m.Tags, t) }) {
			continue
		}
		row := map[string]any{
			"email": e.email, "date": seconds(e.at), "messageId": e.m.ID, "event": e.kind, "tag": "", "from": e.m.From.Email,
		}
		if len(e.m.Tags) > 0 {
			row["tag"] = e.m.Tags[0]
		}
		if reason := brevoReason[e.what]; reason != "" {
			row["reason"] = reason
		}
		if e.what == wasClicked {
			row["link"] = clickedLink
		}
		rows = append(rows, row)
	}
	part := page(inLog(p.store, newestFirst(rows)), c.integer("offset", 0), p.logSize(c.integer("limit", 2500)))
	return answer{status: 200, body: map[string]any{"events": part}}
}

func (p *pakatV3) listEmails(c *call) answer {
	if !c.query.Has("email") && !c.query.Has("templateId") && !c.query.Has("messageId") {
		return p.missing("one of email, templateId and messageId is needed")
	}
	in, refusal, ok := p.period(c)
	if !ok {
		return refusal
	}
	rows := []any{}
	for _, e := range p.events() {
		if e.kind != "requests" || !p.shows(c, e.m, e.email) || !in(e.at) {
			continue
		}
		row := map[string]any{
			"email": e.email, "subject": e.m.Subject, "messageId": e.m.ID,
			"uuid": mailUUID(e.m, e.email), "date": seconds(e.at),
		}
		if id := templateNumber(e.m); id > 0 {
			row["templateId"] = id
		}
		rows = append(rows, row)
	}
	return answer{
		status: 200,
		body:   map[string]any{"count": len(rows), "transactionalEmails": newestFirst(rows)},
	}
}
