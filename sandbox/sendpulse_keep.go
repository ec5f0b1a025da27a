package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
)

// spSender is a sender address of the account.
type spSender struct {
	name, email string
	active      bool
	asked       time.Time // when a code was mailed last
}

// spCode is the code that activates a sender; the vendor mails it.
const spCode = "a1b2c3"

// Codes of errors about senders, templates and campaigns.
const (
	spTemplateInUse = 573
	spNoCampaign    = 602
	spPastTime      = 799
	spSenderInUse   = 902
	spNoSenderThere = 802
	spCodeTooEarly  = 1004
)

func (p *sendpulse) sender(email string) *spSender {
	i := slices.IndexFunc(p.senders, func(s *spSender) bool { return sameEmail(s.email, email) })
	if i < 0 {
		return nil
	}
	return p.senders[i]
}

func (p *sendpulse) listSMTPSenders(*call) answer {
	out := []string{}
	for _, s := range p.senders {
		if s.active {
			out = append(out, s.email)
		}
	}
	return answer{status: 200, body: out}
}

// listSenders has another word than Active for an address that waits, which is a guess.
func (p *sendpulse) listSenders(*call) answer {
	rows := []any{}
	for _, s := range p.senders {
		status := "Active"
		if !s.active {
			status = "Not active"
		}
		rows = append(rows, map[string]any{"name": s.name, "email": s.email, "status": status, "is_allowed_for_smtp": s.active})
	}
	return answer{status: 200, body: rows}
}

func (p *sendpulse) addSender(c *call) answer {
	var req sendpulseapi.AddSenderRequest
	c.decode(&req)
	_, domain, _ := strings.Cut(req.Email, "@")
	switch {
	case !validEmail(req.Email):
		return p.invalid(spBadAddress, "Invalid email")
	case slices.Contains(spFreeDomains, strings.ToLower(domain)):
		return p.invalid(spFreeMailbox, "Sender at a free mail service")
	case p.sender(req.Email) != nil:
		return p.invalid(spSenderInUse, "Sender already exists")
	}
	p.senders = append(p.senders, &spSender{name: req.Name, email: req.Email})
	return p.done()
}

func (p *sendpulse) deleteSender(c *call) answer {
	var req sendpulseapi.DeleteSenderRequest
	c.decode(&req)
	if p.sender(req.Email) == nil {
		return p.older(http.StatusNotFound, spNoSenderThere, "Sender not found")
	}
	p.senders = slices.DeleteFunc(p.senders, func(s *spSender) bool { return sameEmail(s.email, req.Email) })
	return p.done()
}

// sendSenderCode mails at most one code in 15 minutes; the one of addSender does not count.
func (p *sendpulse) sendSenderCode(c *call) answer {
	s := p.sender(c.path["email"])
	switch {
	case s == nil:
		return p.older(http.StatusNotFound, spNoSenderThere, "Sender not found")
	case !s.asked.IsZero() && p.now().Sub(s.asked) < 15*time.Minute:
		return p.older(http.StatusBadRequest, spCodeTooEarly, "A code was sent already")
	}
	s.asked = p.now()
	return answer{status: 200, body: map[string]any{"result": true, "email": s.email}}
}

func (p *sendpulse) activateSender(c *call) answer {
	var req sendpulseapi.ActivateSenderRequest
	c.decode(&req)
	s := p.sender(c.path["email"])
	if s == nil || req.Code != spCode {
		return answer{status: 200, body: map[string]any{"result": false, "email": c.path["email"]}}
	}
	s.active = true
	return answer{status: 200, body: map[string]any{"result": true, "email": s.email}}
}

func (p *sendpulse) templateView(t *Template) map[string]any {
	id, _ := strconv.ParseInt(t.ID, 10, 64)
	return map[string]any{
		"id": hexID(t), "real_id": id, "lang": "en", "name": t.Name, "name_slug": slug(t.Name),
		"created": spTime(t.created), "full_description": nil, "category": "",
		"category_info": []any{}, "tags": []any{}, // in place of objects
		"owner": "you", "preview": "https://example.com/preview/" + t.ID + ".png",
	}
}

func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// listTemplates returns the vendor's own templates by default (vendor's file), of
// which the fake has none.
func (p *sendpulse) listTemplates(c *call) answer {
	var rows []any
	for _, t := range p.templates {
		if c.query.Get("owner") != "me" {
			break
		}
		rows = append(rows, p.templateView(t))
	}
	return p.page(c, rows)
}

// namedTemplate finds a template by its real_id in digits, or by its id.
func (p *sendpulse) namedTemplate(id string) *Template {
	i := slices.IndexFunc(p.templates, func(t *Template) bool { return t.ID == id || hexID(t) == id })
	if i < 0 {
		return nil
	}
	return p.templates[i]
}

func (p *sendpulse) noTemplate() answer {
	return p.refuse(http.StatusNotFound, spNoTemplate, "Template not found")
}

func (p *sendpulse) getTemplate(c *call) answer {
	t := p.namedTemplate(c.path["template_id"])
	if t == nil {
		return p.noTemplate()
	}
	view := p.templateView(t)
	view["body"] = t.HTML
	return answer{status: 200, body: view}
}

func (p *sendpulse) createTemplate(c *call) answer {
	var req sendpulseapi.CreateTemplateRequest
	c.decode(&req)
	name := value(req.Name)
	if name == "" {
		name = "Template " + spTime(p.now())
	}
	switch {
	case len(req.Body) == 0:
		return p.invalid(http.StatusUnprocessableEntity, "Body is empty")
	case slices.ContainsFunc(p.templates, func(t *Template) bool { return t.Name == name }):
		return p.invalid(spTemplateInUse, "Template name is in use")
	}
	id := p.nextID()
	p.addTemplate(Template{ID: strconv.FormatInt(id, 10), Name: name, HTML: string(req.Body)})
	return answer{status: 200, body: map[string]any{"result": true, "real_id": id}}
}

func (p *sendpulse) updateTemplate(c *call) answer {
	var req sendpulseapi.UpdateTemplateRequest
	c.decode(&req)
	t := p.namedTemplate(c.path["id"])
	if t == nil {
		return p.noTemplate()
	}
	t.HTML = string(req.Body)
	return p.done()
}

// Codes of the state of a campaign.
const (
	spSentState   = 3
	spQueuedState = 13
	spCanceled    = 16
	spDraft       = 26
)

// spCampaign is a campaign. Without a time it is under way for a minute, and then sent;
// its mail is not kept in the sandbox. A draft stays one.
type spCampaign struct {
	id, list                        int64
	name, senderName, sender, about string
	html                            string
	at                              time.Time
	draft, canceled                 bool
	count                           int
}

func (p *sendpulse) stateOf(k *spCampaign) int {
	switch {
	case k.canceled:
		return spCanceled
	case k.draft:
		return spDraft
	case p.now().Before(k.at.Add(time.Minute)):
		return spQueuedState
	}
	return spSentState
}

func (p *sendpulse) campaign(c *call) *spCampaign {
	i := slices.IndexFunc(p.campaigns, func(k *spCampaign) bool { return strconv.FormatInt(k.id, 10) == c.path["id"] })
	if i < 0 {
		return nil
	}
	return p.campaigns[i]
}

func (p *sendpulse) noCampaign() answer {
	return p.older(http.StatusNotFound, spNoCampaign, "Campaign not found")
}

// activeOn reports whether a campaign to the list is planned or under way.
func (p *sendpulse) activeOn(list string) bool {
	return slices.ContainsFunc(p.campaigns, func(k *spCampaign) bool {
		return strconv.FormatInt(k.list, 10) == list && p.stateOf(k) == spQueuedState
	})
}

func (p *sendpulse) campaignView(k *spCampaign) map[string]any {
	return map[string]any{
		"id": k.id, "name": k.name, "status": p.stateOf(k), "all_email_qty": k.count, "tariff_email_qty": k.count, "paid_email_qty": 0,
		"overdraft_price": 0, "overdraft_currency": "USD", "send_date": spTime(k.at),
		"message": map[string]any{
			"sender_name": k.senderName, "sender_email": k.sender, "subject": k.about, "list_id": k.list, "attachments": "", "body": k.html,
		},
	}
}

func (p *sendpulse) listCampaigns(c *call) answer {
	var rows []any
	for _, k := range newestFirst(p.campaigns) {
		if status := c.query["status"]; len(status) == 0 || slices.Contains(status, strconv.Itoa(p.stateOf(k))) {
			rows = append(rows, p.campaignView(k))
		}
	}
	return p.page(c, rows)
}

func (p *sendpulse) listCampaignsOfList(c *call) answer {
	if p.list(c.path["id"]) == nil {
		return p.noList()
	}
	var rows []any
	for _, k := range newestFirst(p.campaigns) {
		if strconv.FormatInt(k.list, 10) == c.path["id"] {
			rows = append(rows, map[string]any{"task_id": k.id})
		}
	}
	return p.page(c, rows)
}

func (p *sendpulse) getCampaign(c *call) answer {
	k := p.campaign(c)
	if k == nil {
		return p.noCampaign()
	}
	view := p.campaignView(k)
	view["statistics"] = []any{}
	return answer{status: 200, body: view}
}

// when reads a send_date; the zone, which is not documented, is UTC here.
func (p *sendpulse) when(text *string) (time.Time, answer, bool) {
	if value(text) == "" {
		return p.now(), answer{}, true
	}
	at, err := time.Parse(time.DateTime, *text)
	if err != nil || at.Before(p.now().Add(-clockSkew)) {
		return at, p.older(http.StatusBadRequest, spPastTime, "Wrong send date"), false
	}
	return at, answer{}, true
}

func (p *sendpulse) createCampaign(c *call) answer {
	var req sendpulseapi.CreateCampaignRequest
	c.decode(&req)
	at, refusal, ok := p.when(req.SendDate)
	if !ok {
		return refusal
	}
	sender := p.sender(req.SenderEmail)
	html := string(req.Body)
	if req.TemplateID != nil {
		t := p.templateOf(req.TemplateID)
		if t == nil {
			return p.older(http.StatusNotFound, spNoTemplate, "Template not found")
		}
		html = t.HTML
	}
	switch {
	case sender == nil || !sender.active:
		return p.older(http.StatusNotFound, spNoSenderThere, "Sender is not valid")
	case html == "":
		return p.older(http.StatusBadRequest, spNoBody, "Body is empty")
	case len(req.ListIDs) == 0 && req.SegmentID == nil:
		return p.older(http.StatusBadRequest, spWrong, "list_id is missing")
	}
	k := &spCampaign{
		id: p.nextID(), name: value(req.Name), senderName: req.SenderName, sender: req.SenderEmail, about: req.Subject, html: html, at: at,
		draft: value(req.Type) == sendpulseapi.CampaignKindDraft,
	}
	for _, id := range req.ListIDs {
		list := strconv.FormatInt(id, 10)
		if p.list(list) == nil {
			return p.older(http.StatusNotFound, spNoList, "Mailing list not found")
		}
		k.list = id
		for _, person := range p.membersOf(list) {
			if p.statusOf(person, person.on(list)) == spActive {
				k.count++
			}
		}
	}
	if k.name == "" {
		k.name = k.about
	}
	p.campaigns = append(p.campaigns, k)
	return answer{status: 200, body: map[string]any{
		"id": k.id, "status": p.stateOf(k), "count": k.count, "tariff_email_qty": k.count, "paid_email_qty": 0, "overdraft_price": 0, "ovedraft_currency": "USD",
	}}
}

// updateCampaign changes one that is planned or a draft. Fields that are left out are lost
// at the vendor; here they stay, as the document does not say which.
func (p *sendpulse) updateCampaign(c *call) answer {
	var req sendpulseapi.UpdateCampaignRequest
	c.decode(&req)
	k := p.campaign(c)
	if k == nil {
		return p.noCampaign()
	}
	if state := p.stateOf(k); state != spDraft && (state != spQueuedState || !k.at.After(p.now())) {
		return p.older(http.StatusBadRequest, spWrong, "The campaign cannot be changed")
	}
	at, refusal, ok := p.when(req.SendDate)
	if !ok {
		return refusal
	}
	if value(req.SendDate) != "" {
		k.at = at
	}
	for to, v := range map[*string]*string{&k.name: req.Name, &k.senderName: req.SenderName, &k.sender: req.SenderEmail, &k.about: req.Subject} {
		if v != nil {
			*to = *v
		}
	}
	if len(req.Body) > 0 {
		k.html = string(req.Body)
	}
	return answer{status: 200, body: map[string]any{"result": true, "id": k.id}}
}

func (p *sendpulse) cancelCampaign(c *call) answer {
	k := p.campaign(c)
	if k == nil {
		return p.noCampaign()
	}
	k.canceled = true
	return p.done()
}

// page returns one page of rows: 100, which is also the most. A larger limit is taken for
// it, which is a guess.
func (p *sendpulse) page(c *call, rows []any) answer {
	return answer{status: 200, body: page(rows, c.integer("offset", 0), min(c.integer("limit", 100), 100))}
}

// logPage is a page of a log.
func (p *sendpulse) logPage(c *call, rows []any) answer {
	rows = inLog(p.store, rows)
	return answer{status: 200, body: page(rows, c.integer("offset", 0), p.logSize(min(c.integer("limit", 100), 100)))}
}

// dropped reports whether mail to all recipients of m is dropped in silence, because they
// are unsubscribed from transactional mail (vendor's notes).
func (p *sendpulse) dropped(m *Mail) bool {
	return !slices.ContainsFunc(m.To, func(a provider.Address) bool { return !p.blocked(a.Email, spSMTP) })
}
