package sandbox

import (
	"net/http"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
)

// SendPulse has three sets of addresses that get no mail: one for each list, one
// for transactional mail, and the account's blacklist. In the store the second has
// the scope transactional, the third all; marketing is a contact who unsubscribed
// from everything (status 6).

// spSMTP matches suppressions of transactional mail only.
func spSMTP(s provider.Suppression) bool { return s.Channel == "email" && s.Scope == "transactional" }

func spBlacklisted(s provider.Suppression) bool { return s.Channel == "email" && s.Scope == "all" }

func spMarketing(s provider.Suppression) bool { return s.Channel == "email" && s.Scope == "marketing" }

func (p *sendpulse) addSMTPUnsubscribes(c *call) answer {
	var req sendpulseapi.AddSMTPUnsubscribesRequest
	c.decode(&req)
	if len(req.Emails) == 0 {
		return p.refuse(http.StatusBadRequest, spBadEmails, "No emails")
	}
	for _, e := range req.Emails {
		if !strings.Contains(e.Email, "@") {
			return p.refuse(http.StatusBadRequest, spBadAddress, "Invalid email")
		}
	}
	for _, e := range req.Emails {
		p.block(e.Email, provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional,
			Reason: provider.Reason(provider.StatusUnsubscribed),
		})
	}
	return p.done()
}

func (p *sendpulse) removeSMTPUnsubscribes(c *call) answer {
	var req sendpulseapi.Addresses
	c.decode(&req)
	if len(req.Emails) == 0 {
		return p.refuse(http.StatusBadRequest, spBadEmails, "No emails")
	}
	for _, email := range req.Emails {
		p.unblock(email, spSMTP)
	}
	return p.done()
}

func (p *sendpulse) listSMTPUnsubscribes(c *call) answer {
	rows := []any{}
	for _, b := range p.blocks {
		if !spSMTP(b.Suppression) || !p.listed(b.at, b.email) || c.query.Has("date") && c.query.Get("date") != b.at.Format(time.DateOnly) {
			continue
		}
		complaint := 0
		if b.Reason == provider.Reason(provider.StatusComplained) {
			complaint = 1
		}
		rows = append(rows, map[string]any{ // truth values are numbers
			"email": b.email, "unsubscribe_by_link": 0, "unsubscribe_by_user": 1 - complaint, "spam_complaint": complaint, "date": spTime(b.at),
		})
	}
	return p.logPage(c, rows)
}

// getSMTPUnsubscribe has its data in the field that elsewhere reports an error.
func (p *sendpulse) getSMTPUnsubscribe(c *call) answer {
	return answer{
		status: 200, body: map[string]any{"result": p.blocked(c.query.Get("email"), spSMTP)},
	}
}

// listBlacklist is not paged.
func (p *sendpulse) listBlacklist(*call) answer {
	emails := []string{}
	for _, b := range p.blocks {
		if spBlacklisted(b.Suppression) {
			emails = append(emails, b.email)
		}
	}
	return answer{status: 200, body: emails}
}

func (p *sendpulse) addToBlacklist(c *call) answer {
	var req sendpulseapi.AddToBlacklistRequest
	c.decode(&req)
	for _, email := range joined(req.Emails) {
		p.block(email, provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeAll,
			Reason: provider.Reason(provider.StatusBlocked),
		})
		p.comments[email] = value(req.Comment)
	}
	return p.done()
}

func (p *sendpulse) removeFromBlacklist(c *call) answer {
	var req sendpulseapi.RemoveFromBlacklistRequest
	c.decode(&req)
	for _, email := range joined(req.Emails) {
		p.unblock(email, spBlacklisted)
		delete(p.comments, email)
	}
	return p.done()
}

// joined returns the addresses of the blacklist operations, which are in one text.
func joined(data []byte) []string {
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == ',' || r == ' ' })
}
