package sandbox

import (
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
)

// smtpStream is the stream of webhooks about single mails, which are made in the dashboard.
const smtpStream = "smtp"

// spWord has the vendor's words for the events of single mails. What it does not tell has
// none.
var spWord = map[string]string{
	wasDelivered: "delivered", wasSoft: "undelivered", wasBounced: "undelivered", wasOpened: "opened", wasClicked: "clicked",
	wasComplained: "spam_by_user", wasUnsubscribed: "unsubscribed",
}

// spReply are what the recipient's server replies.
var spReply = map[string]struct {
	code, subcode, text string
}{
	wasDelivered: {"250", "0", "OK id=1sandbox"},
	wasBounced:   {"550", "5.1.1", "550 5.1.1 no such user"},
	wasSoft:      {"452", "4.2.2", "452 4.2.2 mailbox full"},
}

// spAction has the vendor's words for the events of campaigns, by which its webhooks are
// registered too.
var spAction = map[string]string{
	wasDelivered: "delivered", wasSoft: "soft_bounces", wasBounced: "hard_bounces", wasOpened: "open", wasClicked: "redirect",
	wasComplained: "spam", wasUnsubscribed: "unsubscribe",
}

// toldOfCampaign is what a webhook of an action is told.
func (p *sendpulse) toldOfCampaign(k *hook, h *happening) map[string]any {
	action := spAction[h.what]
	if action == "" || !slices.Contains(k.words, action) {
		return nil
	}
	row := map[string]any{"event": action, "timestamp": h.at.Unix(), "email": h.email, "task_id": triggered}
	switch h.what {
	case wasClicked:
		row["link_url"] = clickedLink
	case wasUnsubscribed:
		row["from_all"], row["book_id"] = 0, 3
	case wasBounced, wasSoft, wasDelivered:
		reply := spReply[h.what]
		row["smtp_server_response_code"], row["smtp_server_response_subcode"] = reply.code, reply.subcode
		row["smtp_server_response"] = reply.text
	}
	return row
}

// told tells of single mails and of campaigns. The number of a single mail is not its id,
// which is the careful assumption.
func (p *sendpulse) told(k *hook, h *happening) map[string]any {
	if h.m.campaign {
		return p.toldOfCampaign(k, h)
	}
	word := spWord[h.what]
	if k.typ != smtpStream || word == "" {
		return nil
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(h.m.ID))
	row := map[string]any{
		"event": word, "timestamp": h.at.Unix(), "message_id": sum.Sum32(), "recipient": h.email,
		"sender": h.m.From.Email, "subject": h.m.Subject,
	}
	if reply, ok := spReply[h.what]; ok {
		row["smtp_server_response_code"], row["smtp_server_response_subcode"] = reply.code, reply.subcode
		row["smtp_server_response"] = reply.text
	}
	return row
}

func (p *sendpulse) most(*hook) int { return 100 }

// again repeats whatever is not 2xx. The schedule is not stated; here it is every minute,
// for a day.
func (p *sendpulse) again(_, n int) (time.Duration, bool) { return time.Minute, n < 24*60 }

func (p *sendpulse) webhook(k *hook) map[string]any {
	return map[string]any{"id": k.id, "user_id": 301122, "url": k.url, "action": k.words[0]}
}

func (p *sendpulse) listWebhooks(*call) answer {
	rows := []any{}
	for _, k := range p.hooks {
		if k.typ != smtpStream {
			rows = append(rows, p.webhook(k))
		}
	}
	return answer{status: 200, body: map[string]any{"success": true, "data": rows}}
}

// createWebhook makes one for each action.
func (p *sendpulse) createWebhook(c *call) answer {
	var req sendpulseapi.CreateWebhookRequest
	c.decode(&req)
	if !loopbackURL(req.URL) {
		return p.invalid(http.StatusUnprocessableEntity, "the sandbox calls webhooks on loopback only")
	}
	rows := []any{}
	for _, action := range req.Actions {
		rows = append(rows, p.webhook(p.addHook(&hook{url: req.URL, words: []string{string(action)}})))
	}
	return answer{status: 200, body: map[string]any{"success": true, "data": rows}}
}

func (p *sendpulse) hookOf(c *call) (*hook, answer) {
	if k := p.hook(c.path["id"]); k != nil && k.typ != smtpStream {
		return k, answer{}
	}
	return nil, p.fail(http.StatusForbidden, "Webhook not found") // which status is not documented
}

func (p *sendpulse) getWebhook(c *call) answer {
	k, refusal := p.hookOf(c)
	if k == nil {
		return refusal
	}
	return answer{status: 200, body: map[string]any{"success": true, "data": p.webhook(k)}}
}

func (p *sendpulse) updateWebhook(c *call) answer {
	k, refusal := p.hookOf(c)
	if k == nil {
		return refusal
	}
	var req sendpulseapi.UpdateWebhookRequest
	c.decode(&req)
	if !loopbackURL(req.URL) {
		return p.invalid(http.StatusUnprocessableEntity, "the sandbox calls webhooks on loopback only")
	}
	k.url = req.URL
	return answer{status: 200, body: map[string]any{"success": true, "data": []bool{true}}}
}

func (p *sendpulse) deleteWebhook(c *call) answer {
	k, refusal := p.hookOf(c)
	if k == nil {
		return refusal
	}
	p.deleteHook(k)
	return answer{status: 200, body: map[string]any{"success": true, "data": []bool{true}}}
}

// tracking is what the vendor shows of opens and clicks of a mail.
func (p *sendpulse) tracking(m *mail, email string) map[string]any {
	opens, clicks := []any{}, []any{}
	for _, h := range m.happened {
		if !sameEmail(h.email, email) || !h.listed(p.store) {
			continue
		}
		switch h.what {
		case wasOpened, wasLoaded: // the vendor does not tell a machine
			opens = append(opens, map[string]any{"action_date": spTime(h.at), "browser": "Firefox", "os": "Linux", "ip": "198.51.100.7"})
		case wasClicked:
			clicks = append(clicks, map[string]any{"action_date": spTime(h.at), "url": clickedLink, "browser": "Firefox", "os": "Linux", "ip": "198.51.100.7"})
		}
	}
	return map[string]any{"click": len(clicks), "open": len(opens), "link": clicks, "client_info": opens}
}

// reply is the last word of the recipient's server about a mail.
func (p *sendpulse) reply(m *mail, email string) (code, subcode any, text string, ok bool) {
	for _, h := range slices.Backward(m.happened) {
		if r, found := spReply[h.what]; found && sameEmail(h.email, email) && h.listed(p.store) {
			if number, err := strconv.Atoi(r.code); err == nil && number < 300 {
				return number, r.subcode, r.text, true
			}
			return r.code, digitsOf(r.subcode), r.text, true
		}
	}
	return nil, nil, "", false
}

// digitsOf is a status as the vendor writes it: 511.
func digitsOf(status string) int {
	n := 0
	for _, c := range status {
		if c >= '0' && c <= '9' {
			n = n*10 + int(c-'0')
		}
	}
	return n
}

func (p *sendpulse) messageID() string {
	return "sbx" + strconv.FormatInt(p.nextID(), 10) + "-0afezz-kd"
}
