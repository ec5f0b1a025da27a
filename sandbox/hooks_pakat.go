package sandbox

import (
	"strconv"
	"time"
)

// told tells opens and clicks of the campaign of TriggerCampaign. The form is that of
// MailWizz; under which name the link comes is not known.
func (p *pakat) told(_ *hook, h *happening) map[string]any {
	if !h.m.campaign {
		return nil
	}
	event := map[string]any{"ip_address": "198.51.100.7", "user_agent": "Mozilla/5.0", "date_added": h.at.Format(time.DateTime)}
	switch h.what {
	case wasOpened, wasLoaded:
		event["type"] = "open"
	case wasClicked:
		event["type"], event["url"] = "click", clickedLink
	default:
		return nil
	}
	return map[string]any{
		"event": event, "timestamp": h.at.Unix(),
		"list":       map[string]any{"attributes": map[string]any{"list_uid": uid(1)}},
		"subscriber": map[string]any{"attributes": map[string]any{"email": h.email, "status": "confirmed"}},
		"campaign":   map[string]any{"attributes": map[string]any{"campaign_uid": uid(triggered), "subject": h.m.Subject}},
	}
}

func (p *pakat) most(*hook) int { return 0 }

func (p *pakat) again(_, n int) (time.Duration, bool) { return time.Hour, n <= 5 }

// addTriggered adds the campaign of TriggerCampaign, which has gone out.
func (p *pakat) addTriggered() {
	id := uid(triggered)
	for _, k := range p.campaigns {
		if k.uid == id {
			return
		}
	}
	p.campaigns = append(p.campaigns, &pakatCampaign{
		uid: id, id: triggered, state: "sent", form: map[string]any{"campaign[name]": "Made by a trigger"}, at: p.now(), added: p.now(),
	})
}

// campaignLog is a page of what the log of a campaign has of some kinds of events, the newest
// first.
func (p *pakat) campaignLog(c *call, view func(*happening) map[string]any) answer {
	k := p.campaign(c)
	if k == nil {
		return p.notFound("campaign")
	}
	var rows []map[string]any
	for _, m := range p.mails.items {
		if !m.campaign || k.id != triggered {
			continue
		}
		for _, h := range m.happened {
			if row := view(h); row != nil && h.listed(p.store) {
				row["subscriber"] = map[string]any{"subscriber_uid": uid(m.seq), "email": h.email}
				rows = append(rows, row)
			}
		}
	}
	return pakatLog(p, c, newestFirst(rows), func(row map[string]any) map[string]any { return row })
}

// pakatDelivery has the states of the log of deliveries.
var pakatDelivery = map[string]string{
	wasQueued: "success", wasDelivered: "success", wasDeferred: "temporary-error", wasBlocked: "blacklisted", wasFailed: "fatal-error",
}

func (p *pakat) listDeliveries(c *call) answer {
	return p.campaignLog(c, func(h *happening) map[string]any {
		state := pakatDelivery[h.what]
		if state == "" {
			return nil
		}
		confirmed := "no"
		if h.what == wasDelivered {
			confirmed = "yes"
		}
		return map[string]any{
			"campaign": map[string]any{"campaign_uid": uid(triggered), "list": map[string]any{"list_uid": uid(1)}},
			"message":  "OK", "retries": "0", "max_retries": 3, "email_message_id": strconv.FormatInt(h.m.seq, 10) + "@mail.example.com",
			"delivery_confirmed": confirmed, "status": state, "date_added": pakatTime(h.at),
		}
	})
}

// listBounces tells no times.
func (p *pakat) listBounces(c *call) answer {
	kinds := map[string]string{wasBounced: "hard", wasSoft: "soft"}
	return p.campaignLog(c, func(h *happening) map[string]any {
		if kinds[h.what] == "" {
			return nil
		}
		return map[string]any{"message": "mailbox unavailable", "processed": "yes", "bounce_type": kinds[h.what]}
	})
}

func (p *pakat) listLeaves(c *call) answer {
	return p.campaignLog(c, func(h *happening) map[string]any {
		if h.what != wasUnsubscribed {
			return nil
		}
		return map[string]any{
			"ip_address": "198.51.100.7", "user_agent": "Mozilla/5.0", "reason": "too much mail", "note": nil, "date_added": pakatTime(h.at),
		}
	})
}
