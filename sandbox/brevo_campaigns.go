package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// brevoCampaign is a mail campaign. It is a draft until it has a time, and then waits for
// it; its mail goes out at the first request after that.
type brevoCampaign struct {
	id                              int64
	name, subject, html, tag, state string
	from                            provider.Address
	replyTo, preview                string
	lists, exclude                  []int64
	at, sent, created, modified     time.Time
	tested                          bool
	mails                           []*mail
}

// campaign finds the campaign of the path.
func (b *brevo) campaign(c *call) *brevoCampaign {
	i := slices.IndexFunc(b.campaigns, func(k *brevoCampaign) bool { return strconv.FormatInt(k.id, 10) == c.path["campaignId"] })
	if i < 0 {
		return nil
	}
	return b.campaigns[i]
}

func (b *brevo) campaignView(k *brevoCampaign) map[string]any {
	counts := map[string]int{}
	for _, m := range k.mails {
		counts["sent"]++
		counts[b.fate(m.From.Email, m.To[0].Email)]++
	}
	view := map[string]any{
		"id": k.id, "name": k.name, "subject": k.subject, "previewText": k.preview, "type": "classic", "status": k.state, "testSent": k.tested,
		"header": "", "footer": "", "sender": b.senderView(k.from), "replyTo": k.replyTo, "toField": "", "htmlContent": k.html, "tag": k.tag,
		"createdAt": b.stamp(k.created), "modifiedAt": b.stamp(k.modified),
		"recipients": map[string]any{"lists": numbers(k.lists), "exclusionLists": numbers(k.exclude)},
		"statistics": map[string]any{"globalStats": map[string]any{
			"sent": counts["sent"], "delivered": counts["delivered"], "hardBounces": counts["bounced"], "softBounces": 0, "uniqueClicks": 0, "clickers": 0,
			"complaints": 0, "uniqueViews": 0, "unsubscriptions": 0, "viewed": 0, "trackableViews": 0,
		}},
	}
	if !k.at.IsZero() {
		view["scheduledAt"] = b.stamp(k.at)
	}
	if !k.sent.IsZero() {
		view["sentDate"] = b.stamp(k.sent)
	}
	return view
}

// numbers returns ids, never null.
func numbers(ids []int64) []int64 { return append([]int64{}, ids...) }

func (b *brevo) listCampaigns(c *call) answer {
	var rows []any
	for _, k := range b.campaigns {
		if status := c.query.Get("status"); status == "" || status == k.state {
			view := b.campaignView(k)
			if c.query.Get("excludeHtmlContent") == "true" {
				view["htmlContent"] = ""
			}
			if c.query.Get("statistics") == "" {
				view["statistics"] = map[string]any{}
			}
			rows = append(rows, view)
		}
	}
	part, refusal, ok := pageOf(b, c, rows, 50, 100)
	if !ok {
		return refusal
	}
	body := map[string]any{"count": len(rows)}
	if len(part) > 0 {
		body["campaigns"] = part
	}
	return answer{status: 200, body: body}
}

func (b *brevo) getCampaign(c *call) answer {
	k := b.campaign(c)
	if k == nil {
		return b.notFound("Campaign ID does not exist")
	}
	return answer{status: 200, body: b.campaignView(k)}
}

func (b *brevo) createCampaign(c *call) answer {
	var req brevoapi.CreateCampaignRequest
	c.decode(&req)
	k := &brevoCampaign{state: "draft", created: b.now()}
	change := brevoapi.UpdateCampaignRequest{
		Name: &req.Name, Sender: &req.Sender, Subject: req.Subject, HTMLContent: req.HTMLContent, HTMLURL: req.HTMLURL, PreviewText: req.PreviewText,
		ReplyTo: req.ReplyTo, Tag: req.Tag, Recipients: req.Recipients, ScheduledAt: req.ScheduledAt,
	}
	if req.TemplateID != nil {
		t := b.template(strconv.FormatInt(*req.TemplateID, 10))
		if t == nil || t.Inactive {
			return b.invalid("templateId is not an active template")
		}
		change.HTMLContent = &t.HTML
		if req.Subject == nil {
			change.Subject = &t.Subject
		}
	}
	if req.Name == "" || value(change.Subject) == "" && !value(req.ABTesting) {
		return b.missing("name and subject are needed")
	}
	if change.HTMLContent == nil && req.HTMLURL == nil {
		return b.missing("htmlContent, htmlUrl or templateId is needed")
	}
	if refusal, ok := b.changeCampaign(k, change); !ok {
		return refusal
	}
	k.id = b.nextID()
	b.campaigns = append(b.campaigns, k)
	return answer{status: 201, body: map[string]any{"id": k.id}}
}

func (b *brevo) updateCampaign(c *call) answer {
	var req brevoapi.UpdateCampaignRequest
	c.decode(&req)
	k := b.campaign(c)
	switch {
	case k == nil:
		return b.notFound("Campaign ID does not exist")
	case k.state == "sent":
		return b.refuse(http.StatusBadRequest, "campaign_sent", "The campaign was sent")
	}
	if refusal, ok := b.changeCampaign(k, req); !ok {
		return refusal
	}
	return answer{status: http.StatusNoContent}
}

// changeCampaign writes the fields that are given, all or none. A time puts the campaign
// into the queue.
func (b *brevo) changeCampaign(k *brevoCampaign, req brevoapi.UpdateCampaignRequest) (answer, bool) {
	next := *k
	if refusal, ok := b.content(req.HTMLContent, req.HTMLURL); !ok {
		return refusal, false
	}
	if req.Sender != nil {
		from, refusal, ok := b.storedSender(*req.Sender)
		if !ok {
			return refusal, false
		}
		next.from = from
	}
	for to, v := range map[*string]*string{
		&next.name: req.Name, &next.subject: req.Subject, &next.html: req.HTMLContent, &next.preview: req.PreviewText, &next.replyTo: req.ReplyTo, &next.tag: req.Tag,
	} {
		if v != nil {
			*to = *v
		}
	}
	if r := req.Recipients; r != nil {
		if refusal, ok := b.known(slices.Concat(r.ListIDs, r.ExclusionListIDs)); !ok {
			return refusal, false
		}
		if r.ListIDs != nil {
			next.lists = r.ListIDs
		}
		if r.ExclusionListIDs != nil {
			next.exclude = r.ExclusionListIDs
		}
	}
	if req.ScheduledAt != nil {
		at, err := time.Parse(time.RFC3339, *req.ScheduledAt)
		switch {
		case err != nil:
			return b.invalid("scheduledAt is not a date-time"), false
		case at.Before(b.now()):
			return b.invalid("Schedule date can not be in the past"), false
		case len(next.lists) == 0:
			return b.missing("recipients are needed with scheduledAt"), false
		}
		next.at, next.state = at.UTC(), "queued"
	}
	next.modified = b.now()
	*k = next
	return answer{}, true
}

func (b *brevo) deleteCampaign(c *call) answer {
	k := b.campaign(c)
	if k == nil {
		return b.notFound("Campaign ID does not exist")
	}
	b.campaigns = slices.DeleteFunc(b.campaigns, func(x *brevoCampaign) bool { return x == k })
	return answer{status: http.StatusNoContent}
}

func (b *brevo) sendCampaignNow(c *call) answer {
	k := b.campaign(c)
	switch {
	case k == nil:
		return b.notFound("Campaign ID does not exist")
	case k.state == "sent":
		return b.refuse(http.StatusBadRequest, "campaign_sent", "The campaign was sent")
	case len(k.lists) == 0:
		return b.missing("recipients are missing")
	}
	b.send(k)
	return answer{status: http.StatusNoContent}
}

func (b *brevo) sendCampaignTest(c *call) answer {
	k := b.campaign(c)
	if k == nil {
		return b.notFound("Campaign ID does not exist")
	}
	a, ok := b.test(c, Mail{From: k.from, Subject: k.subject, HTML: k.html})
	k.tested = k.tested || ok
	return a
}

// updateCampaignStatus moves a campaign. Which moves the vendor allows is not documented:
// here a sent one can only be archived or copied.
func (b *brevo) updateCampaignStatus(c *call) answer {
	var req brevoapi.UpdateCampaignStatusRequest
	c.decode(&req)
	k := b.campaign(c)
	to := string(value(req.Status))
	switch {
	case k == nil:
		return b.notFound("Campaign ID does not exist")
	case to == "replicate":
		copied := *k
		copied.id, copied.state, copied.at, copied.sent, copied.mails = b.nextID(), "draft", time.Time{}, time.Time{}, nil
		b.campaigns = append(b.campaigns, &copied)
	case to == "archive", to == "darchive" && k.state == "archive":
		k.state = map[bool]string{true: "archive", false: "sent"}[to == "archive"]
	case k.state == "sent" || k.state == "archive" || to == "sent":
		return b.refuse(http.StatusBadRequest, "campaign_sent", "The campaign cannot be moved to this state")
	case to == "draft":
		k.state, k.at = to, time.Time{}
	case to == "queued" && k.at.IsZero():
		return b.missing("scheduledAt is missing")
	default:
		k.state = to
	}
	return answer{status: http.StatusNoContent}
}

// sendDue sends the campaigns whose time has come.
func (b *brevo) sendDue() {
	for _, k := range b.campaigns {
		if k.state == "queued" && !k.at.After(b.now()) {
			b.send(k)
		}
	}
}

// send mails the subscribed contacts of the campaign's lists that have no block, each once.
func (b *brevo) send(k *brevoCampaign) {
	on := func(p *contact, lists []int64) string {
		for _, id := range lists {
			if m := p.on(strconv.FormatInt(id, 10)); m != nil && m.status == provider.StatusSubscribed {
				return m.list
			}
		}
		return ""
	}
	for _, p := range b.contacts {
		list := on(p, k.lists)
		if list == "" || on(p, k.exclude) != "" || p.email == "" || b.blocked(p.key(), is(noMarketing)) {
			continue
		}
		k.mails = append(k.mails, b.addMail(Mail{
			ID: b.messageIDs(1)[0], From: k.from, To: []provider.Address{{Email: p.email}}, List: list,
			Subject: render(k.subject, "contact.", p.fields), HTML: render(k.html, "contact.", p.fields),
		}))
	}
	k.state, k.sent = "sent", b.now()
	b.credits -= len(k.mails)
}
