package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// brevoEvent is an entry of the log of a mail, under the word of the log.
type brevoEvent struct {
	*happening
	kind string
}

// events returns the events of the mails that have gone out, by mail, oldest first.
func (b *brevo) events() []brevoEvent {
	b.happen()
	var out []brevoEvent
	for _, m := range b.mails.items {
		if m.campaign {
			continue
		}
		for _, h := range m.happened {
			if h.listed(b.store) {
				out = append(out, brevoEvent{h, brevoWord[h.what].log})
			}
		}
	}
	return out
}

// shows reports whether the filters that the logs share accept a mail.
func (b *brevo) shows(c *call, m *mail, email string) bool {
	q := c.query
	id := q.Get("messageId")
	return (!q.Has("email") || sameEmail(q.Get("email"), email)) &&
		(!q.Has("templateId") || q.Get("templateId") == m.Template) &&
		(id == "" || id == m.ID || "<"+id+">" == m.ID)
}

func (b *brevo) listEmailEvents(c *call) answer {
	in, refusal, ok := b.between(c)
	if !ok {
		return refusal
	}
	tags := tagsOf(c.query.Get("tags"))
	var rows []any
	for _, e := range b.events() {
		if !b.shows(c, e.m, e.email) || !in(e.at) {
			continue
		}
		if kind := c.query.Get("event"); kind != "" && kind != e.kind && (kind != "bounces" || e.kind != "hardBounces") {
			continue
		}
		if len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(e.m.Tags, t) }) {
			continue
		}
		row := map[string]any{
			"email": e.email, "date": offset(e.at), "subject": e.m.Subject, "messageId": e.m.ID, "event": e.kind, "from": e.m.From.Email,
		}
		if len(e.m.Tags) > 0 {
			row["tag"] = e.m.Tags[0]
		}
		if id := templateNumber(e.m); id > 0 {
			row["templateId"] = id
		}
		if reason := brevoReason[e.what]; reason != "" {
			row["reason"] = reason
		}
		if e.what == wasClicked {
			row["link"] = clickedLink
		}
		rows = append(rows, row)
	}
	part, refusal, ok := pageOf(b, c, inLog(b.store, rows), 2500, 5000)
	if !ok {
		return refusal
	}
	if len(part) == 0 {
		return answer{status: 200, body: map[string]any{}} // without a list
	}
	return answer{status: 200, body: map[string]any{"events": part}}
}

func (b *brevo) listEmails(c *call) answer {
	if !c.query.Has("email") && !c.query.Has("templateId") && !c.query.Has("messageId") {
		return b.missing("one of email, templateId and messageId is needed")
	}
	in, refusal, ok := b.between(c)
	if !ok {
		return refusal
	}
	var rows []any
	for _, e := range b.events() {
		if e.kind != "requests" || !b.shows(c, e.m, e.email) || !in(e.at) {
			continue
		}
		row := map[string]any{
			"email": e.email, "subject": e.m.Subject, "messageId": e.m.ID, "uuid": mailUUID(e.m, e.email), "date": zulu(e.at), "from": e.m.From.Email,
		}
		if len(e.m.Tags) > 0 {
			row["tags"] = e.m.Tags
		}
		if id := templateNumber(e.m); id > 0 {
			row["templateId"] = id
		}
		rows = append(rows, row)
	}
	part, refusal, ok := pageOf(b, c, rows, 500, 1000)
	if !ok {
		return refusal
	}
	return answer{
		status: 200, body: map[string]any{"count": len(rows), "transactionalEmails": part},
	}
}

func (b *brevo) getEmail(c *call) answer {
	var body map[string]any
	var log []any
	for _, e := range b.events() {
		if mailUUID(e.m, e.email) != c.path["uuid"] {
			continue
		}
		// The names differ from those of the statistics.
		name := map[string]string{"requests": "sent", "hardBounces": "hardBounce"}[e.kind]
		if name == "" {
			name = e.kind
		}
		log = append(log, map[string]any{"name": name, "time": zulu(e.at)})
		body = map[string]any{
			"email": e.email, "subject": render(e.m.Subject, "params.", e.m.Variables), "date": zulu(e.m.AcceptedAt),
			"body": render(e.m.HTML, "params.", e.m.Variables), "attachmentCount": len(e.m.Attachments),
		}
		if id := templateNumber(e.m); id > 0 {
			body["templateId"] = id
		}
	}
	if body == nil {
		return b.notFound("no mail has this uuid")
	}
	body["events"] = log
	return answer{status: 200, body: body}
}

// mailUUID returns the id of the copy for one recipient.
func mailUUID(m *mail, email string) string {
	i := slices.Index(m.recipients(), email)
	return strings.Replace(m.uuid, "-0000-4000-", fmt.Sprintf("-%04x-4000-", i), 1)
}

func templateNumber(m *mail) int64 {
	id, _ := strconv.ParseInt(m.Template, 10, 64)
	return id
}
