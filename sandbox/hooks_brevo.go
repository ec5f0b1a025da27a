package sandbox

import (
	"net/http"
	"slices"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
)

// brevoWord has what the vendor calls an event: in payloads, the first time and later, in
// the log, and where webhooks are registered.
var brevoWord = map[string]struct {
	first, later, log string
	register          []string
}{
	wasQueued:       {"request", "request", "requests", []string{"sent", "request"}},
	wasDelivered:    {"delivered", "delivered", "delivered", []string{"delivered"}},
	wasDeferred:     {"deferred", "deferred", "deferred", []string{"deferred"}},
	wasSoft:         {"soft_bounce", "soft_bounce", "softBounces", []string{"softBounce"}},
	wasBounced:      {"hard_bounce", "hard_bounce", "hardBounces", []string{"hardBounce"}},
	wasBlocked:      {"blocked", "blocked", "blocked", []string{"blocked"}},
	wasInvalid:      {"invalid_email", "invalid_email", "invalid", []string{"invalid"}},
	wasFailed:       {"error", "error", "error", nil}, // told to every webhook
	wasComplained:   {"spam", "complaint", "spam", []string{"spam"}},
	wasOpened:       {"unique_opened", "opened", "opened", []string{"opened", "uniqueOpened"}},
	wasLoaded:       {"unique_proxy_open", "proxy_open", "loadedByProxy", nil},
	wasClicked:      {"click", "click", "clicks", []string{"click"}},
	wasUnsubscribed: {"unsubscribed", "unsubscribed", "unsubscribed", []string{"unsubscribed"}},
}

// brevoReason are the words of a server about an event.
var brevoReason = map[string]string{
	wasBounced:  "550 no such mailbox",
	wasSoft:     "452 4.2.2 mailbox full",
	wasDeferred: "421 4.7.0 try again later",
	wasInvalid:  "invalid address",
	wasFailed:   "the template cannot be filled in",
	wasBlocked:  "blocked: due to blacklist user",
}

// told is as others have captured it, with values of our own: ts counts as if the local time
// of the account were UTC, date is that time.
func (b *brevo) told(k *hook, h *happening) map[string]any {
	w, ok := brevoWord[h.what]
	if !ok || h.m.campaign != (k.typ == "marketing") {
		return nil
	}
	if len(k.words) > 0 && len(w.register) > 0 && !slices.ContainsFunc(w.register, func(word string) bool { return slices.Contains(k.words, word) }) {
		return nil
	}
	if h.m.campaign {
		return b.toldOfCampaign(k, h)
	}
	local := h.at.In(time.FixedZone("", 2*60*60))
	row := map[string]any{
		"event": w.later, "email": h.email, "id": k.id, "date": local.Format(time.DateTime), "ts": h.at.Unix() + 2*60*60,
		"ts_event": h.at.Unix(), "message-id": h.m.ID, "subject": h.m.Subject, "sending_ip": "192.0.2.10",
	}
	if h.first {
		row["event"] = w.first
	}
	if custom, ok := headerOf(h.m.Headers, "X-Mailin-custom"); ok {
		row["X-Mailin-custom"] = custom
	}
	if len(h.m.Tags) > 0 {
		row["tags"] = h.m.Tags
	}
	if reason := brevoReason[h.what]; reason != "" {
		row["reason"] = reason
	}
	switch h.what {
	case wasClicked:
		row["link"] = clickedLink
		fallthrough
	case wasOpened:
		row["user_agent"] = "Mozilla/5.0"
	}
	if h.what == wasLoaded {
		row["s_epoch"] = h.at.UnixMilli()
	} else {
		row["ts_epoch"] = h.at.UnixMilli()
	}
	return row
}

// campaignWord has the words for mail to lists where they are others. What is not told of it
// has none.
var campaignWord = map[string]string{
	wasDelivered: "delivered", wasSoft: "soft_bounced", wasBounced: "hard_bounced", wasComplained: "spam", wasOpened: "opened",
	wasClicked: "click", wasUnsubscribed: "unsubscribed",
}

// toldOfCampaign is the form of the vendor's page about webhooks of mail to lists.
func (b *brevo) toldOfCampaign(k *hook, h *happening) map[string]any {
	word := campaignWord[h.what]
	if word == "" {
		return nil
	}
	row := map[string]any{
		"event": word, "email": h.email, "id": k.id, "camp_id": triggered, "campaign name": h.m.Subject,
		"date_event": h.at.In(time.FixedZone("", 2*60*60)).Format(time.DateTime), "ts_event": h.at.Unix(),
	}
	switch h.what {
	case wasClicked:
		row["URL"] = clickedLink
	case wasUnsubscribed:
		row["list_id"] = []int{3}
	case wasBounced, wasSoft:
		row["reason"] = brevoReason[h.what]
	}
	return row
}

func (b *brevo) most(k *hook) int {
	if k.batched {
		return 500
	}
	return 0
}

// again is the schedule of the vendor's site: any answer but 2xx and 429 ends it.
func (b *brevo) again(status, n int) (time.Duration, bool) {
	schedule := []time.Duration{10 * time.Minute, time.Hour, 2 * time.Hour, 8 * time.Hour}
	if status != 0 && status != http.StatusTooManyRequests || n > len(schedule) {
		return 0, false
	}
	return schedule[n-1], true
}

// brevoHooks is how many webhooks an account has at most.
const brevoHooks = 40

func (b *brevo) listWebhooks(c *call) answer {
	want := c.query.Get("type")
	rows := []any{}
	for _, k := range b.hooks {
		if want == "" || hookType(want) == hookType(k.typ) {
			rows = append(rows, b.webhook(k))
		}
	}
	if c.query.Get("sort") != "asc" {
		rows = newestFirst(rows)
	}
	return answer{status: 200, body: map[string]any{"webhooks": rows}}
}

// hookType reads the two spellings of a type as one; without one it is transactional.
func hookType(word string) string {
	if word == "" || word == "transac" {
		return "transactional"
	}
	return word
}

func (b *brevo) webhook(k *hook) map[string]any {
	words := k.words
	if words == nil {
		words = []string{}
	}
	out := map[string]any{
		"id": k.id, "url": k.url, "description": k.about, "events": words, "type": hookType(k.typ),
		"createdAt": b.stamp(k.created), "modifiedAt": b.stamp(k.modified),
	}
	if b.name == "brevo" { // the younger of the two
		out["channel"], out["batched"] = "email", k.batched
		if k.bearer != "" {
			out["auth"] = map[string]any{"type": "bearer", "token": k.bearer}
		}
	}
	return out
}

// setHook changes k as the request says; what it does not name stays.
func (b *brevo) setHook(k *hook, req *brevoapi.CreateWebhookRequest) (answer, bool) {
	if req.URL != "" {
		if !loopbackURL(req.URL) {
			return b.invalid("the sandbox calls webhooks on loopback only"), false
		}
		k.url = req.URL
	}
	if req.Events != nil {
		k.words = nil
		for _, word := range req.Events {
			k.words = append(k.words, string(word))
		}
	}
	if req.Type != nil {
		k.typ = string(*req.Type)
	}
	if req.Description != nil {
		k.about = *req.Description
	}
	if req.Batched != nil {
		k.batched = *req.Batched
	}
	if req.Auth != nil {
		k.bearer = value(req.Auth.Token)
	}
	for _, h := range req.Headers {
		if k.headers == nil {
			k.headers = map[string]string{}
		}
		k.headers[value(h.Key)] = value(h.Value)
	}
	return answer{}, true
}

func (b *brevo) createWebhook(c *call) answer {
	var req brevoapi.CreateWebhookRequest
	c.decode(&req)
	if len(b.hooks) >= brevoHooks {
		return b.invalid("an account has at most %d webhooks", brevoHooks)
	}
	if len(req.Events) == 0 {
		return b.missing("events is missing")
	}
	k := &hook{}
	if refusal, ok := b.setHook(k, &req); !ok {
		return refusal
	}
	return answer{status: http.StatusCreated, body: map[string]any{"id": b.addHook(k).id}}
}

func (b *brevo) hookOf(c *call) (*hook, answer) {
	if k := b.hook(c.path["webhookId"]); k != nil {
		return k, answer{}
	}
	return nil, b.notFound("Webhook not found")
}

func (b *brevo) getWebhook(c *call) answer {
	k, refusal := b.hookOf(c)
	if k == nil {
		return refusal
	}
	return answer{status: 200, body: b.webhook(k)}
}

func (b *brevo) updateWebhook(c *call) answer {
	k, refusal := b.hookOf(c)
	if k == nil {
		return refusal
	}
	var req brevoapi.CreateWebhookRequest
	c.decode(&req)
	if refusal, ok := b.setHook(k, &req); !ok {
		return refusal
	}
	k.modified = b.now()
	return answer{status: http.StatusNoContent}
}

func (b *brevo) deleteWebhook(c *call) answer {
	k, refusal := b.hookOf(c)
	if k == nil {
		return refusal
	}
	b.deleteHook(k)
	return answer{status: http.StatusNoContent}
}

// told has the form of an older build: no ts_epoch, one tag.
func (p *pakatV3) told(k *hook, h *happening) map[string]any {
	row := p.brevo.told(k, h)
	if row == nil {
		return nil
	}
	delete(row, "ts_epoch")
	delete(row, "s_epoch")
	delete(row, "tags")
	if len(h.m.Tags) > 0 {
		row["tag"] = h.m.Tags[0]
	}
	return row
}
