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

// told is told of single mails only: campaigns of the fake reach nobody. The number of a
// mail is not its id, which is the careful assumption.
func (p *sendpulse) told(k *hook, h *happening) map[string]any {
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
		if !sameEmail(h.email, email) {
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
		if r, found := spReply[h.what]; found && sameEmail(h.email, email) {
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
