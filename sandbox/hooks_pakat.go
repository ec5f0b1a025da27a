package sandbox

import "time"

// told tells opens and clicks of campaigns; the fake has no campaign of its own, so each is
// one that Trigger makes. The form is that of MailWizz; under which name the link comes is
// not known.
func (p *pakat) told(_ *hook, h *happening) map[string]any {
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
		"campaign":   map[string]any{"attributes": map[string]any{"campaign_uid": uid(2), "subject": h.m.Subject}},
	}
}

func (p *pakat) most(*hook) int { return 0 }

func (p *pakat) again(_, n int) (time.Duration, bool) { return time.Hour, n <= 5 }
