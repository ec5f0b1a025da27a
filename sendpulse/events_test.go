package sendpulse_test

import (
	"testing"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/providertest"
	"github.com/postmux/postmux/sendpulse"
)

func TestParseBulkEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks/bulk", sendpulse.ParseBulkEvents)
}

func TestParseSMTPEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks/smtp", sendpulse.ParseSMTPEvents)
}

func FuzzParseBulkEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks/bulk", sendpulse.ParseBulkEvents, "event")
}

func FuzzParseSMTPEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks/smtp", sendpulse.ParseSMTPEvents, "event")
}

func BenchmarkParseSMTPEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/smtp/delivered.json", sendpulse.ParseSMTPEvents)
}

func BenchmarkParseBulkEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/bulk/redirect.json", sendpulse.ParseBulkEvents)
}

// Shapes of the tests of public clients: names, types and nesting are theirs, values ours.
// api/sendpulse/SOURCES.md names the clients in full.
func TestPublicBulkShapes(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC)
	event := func(kind events.Kind, word string, change func(*events.Event)) events.Event {
		e := events.Event{
			Kind: kind, VendorEvent: word, Scope: provider.ScopeMarketing, At: at, AtBasis: events.AtExact, Recipient: anna, CampaignID: "36681",
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	providertest.EventShapes(t, sendpulse.ParseBulkEvents, []providertest.EventShape{
		{
			Name: "SendPulser: numbers as text and as numbers in one batch, null, an empty text for a list, a new name",
			Body: `[
				{"timestamp": "1793610930", "event": "open", "task_id": "36681", "open_device": "Desktop", "open_platform": "Linux", "browser_ver": "11.0", "browser_name": "Firefox", "email": "anna@example.com"},
				{"link_url": "http://shop.example", "task_id": "36681", "timestamp": "1793610930", "link_id": "717", "email": "anna@example.com", "event": "redirect"},
				{"task_id": "36681", "timestamp": "1793610930", "from_all": "1", "email": "anna@example.com", "reason": null, "book_id": "4906", "event": "unsubscribe", "categories": ""},
				{"timestamp": 1793610930, "event": "delivered", "task_id": 36681, "email": "anna@example.com"},
				{"timestamp": 1793610930, "event": "levitated", "task_id": 36681, "email": "anna@example.com", "new_member": "x"}
			]`,
			Want: []events.Event{
				event(events.KindOpened, "open", func(e *events.Event) { e.UserAgent = "Desktop Linux 11.0 Firefox" }),
				event(events.KindClicked, "redirect", func(e *events.Event) { e.URL = "http://shop.example" }),
				event(events.KindUnsubscribed, "unsubscribe", nil),
				event(events.KindDelivered, "delivered", nil),
				event(events.KindUnknown, "levitated", nil),
			},
		},
		{
			Name: "SendPulser: variables with numbers, a change of a campaign, a bounce with codes, a complaint of an automation",
			Body: `[
				{"timestamp": "1793610930", "variables": {"name": "Anna", "age": 42}, "email": "anna@example.com", "source": "form", "book_id": "4906", "event": "new_emails", "brand": "x"},
				{"timestamp": 1793610930, "email": "anna@example.com", "book_id": 4906, "event": "delete"},
				{"timestamp": 1793610930, "event": "task_status_update", "task_id": 36681, "status": "approve", "status_explain": "it goes out", "book_id": 4906},
				{"timestamp": 1793610930, "event": "soft_bounces", "task_id": 36681, "email": "anna@example.com", "smtp_server_response_code": 550, "smtp_server_response_subcode": "5.1.0", "smtp_server_response": "not now"},
				{"timestamp": 1793610930, "event": "spam", "task_id": 36681, "email": "anna@example.com", "source": "link", "automation_id": 7}
			]`,
			Want: []events.Event{
				event(events.KindListed, "new_emails", func(e *events.Event) { e.CampaignID, e.Lists = "", []string{"4906"} }),
				event(events.KindUnlisted, "delete", func(e *events.Event) { e.CampaignID, e.Lists = "", []string{"4906"} }),
				event(events.KindUnknown, "task_status_update", func(e *events.Event) { e.Recipient, e.Lists = "", []string{"4906"} }),
				event(events.KindBounced, "soft_bounces", func(e *events.Event) {
					e.Bounce, e.Reason, e.SMTPCode, e.SMTPStatus, e.Diagnostic = events.BounceSoft, events.ReasonInvalid, 550, "5.1.0", "not now"
				}),
				event(events.KindComplained, "spam", nil),
			},
		},
	})
}

func TestPublicSMTPShapes(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC)
	event := func(kind events.Kind, word string, change func(*events.Event)) events.Event {
		e := events.Event{
			Kind: kind, VendorEvent: word, Scope: provider.ScopeTransactional, At: at, AtBasis: events.AtExact, Recipient: anna,
			Sender: "shop@shop.example", Subject: "Your order",
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	providertest.EventShapes(t, sendpulse.ParseSMTPEvents, []providertest.EventShape{
		{
			Name: "SendPulser: codes as text, an empty status, ids as number and as text, a bounce with the members of lists",
			Body: `[
				{"smtp_server_response_code": "250", "smtp_server_response_subcode": "", "sender": "shop@shop.example", "smtp_server_response": "ok", "timestamp": 1793610930, "message_id": 114931, "recipient": "anna@example.com", "event": "delivered", "subject": "Your order"},
				{"event": "opened", "timestamp": 1793610930, "message_id": "114931", "recipient": "anna@example.com", "sender": "shop@shop.example", "subject": "Your order"},
				{"smtp_server_response_code": "554", "smtp_server_response_subcode": "5.7.1", "sender": "shop@shop.example", "smtp_server_response": "no", "timestamp": 1793610930, "message_id": 114931, "recipient": "anna@example.com", "event": "undelivered", "subject": "Your order"},
				{"event": "spam_by_user", "timestamp": 1793610930, "message_id": 114531, "recipient": "anna@example.com", "sender": "shop@shop.example", "subject": "Your order"},
				{"smtp_server_response_code": 550, "smtp_server_response_subcode": "5.1.1", "task_id": 1707, "smtp_server_response": "nobody of that name", "timestamp": 1793610930, "event": "hard_bounces", "email": "anna@example.com"}
			]`,
			Want: []events.Event{
				event(events.KindDelivered, "delivered", func(e *events.Event) { e.SMTPCode, e.Diagnostic = 250, "ok" }),
				event(events.KindOpened, "opened", nil),
				event(events.KindBounced, "undelivered", func(e *events.Event) {
					e.Bounce, e.Reason, e.SMTPCode, e.SMTPStatus, e.Diagnostic = events.BounceUnclear, events.ReasonPolicy, 554, "5.7.1", "no"
				}),
				event(events.KindComplained, "spam_by_user", nil),
				event(events.KindBounced, "hard_bounces", func(e *events.Event) {
					e.Sender, e.Subject, e.CampaignID = "", "", "1707"
					e.Bounce, e.Reason, e.SMTPCode, e.SMTPStatus, e.Diagnostic = events.BounceHard, events.ReasonInvalid, 550, "5.1.1", "nobody of that name"
				}),
			},
		},
		{
			Name: "SendPulser: a status as a number, which is none",
			Body: `[{"smtp_server_response_code": 421, "smtp_server_response_subcode": 4, "smtp_server_response": "421 4.7.0 later", "timestamp": 1793610930, "message_id": 1, "recipient": "anna@example.com", "sender": "shop@shop.example", "subject": "Your order", "event": "undelivered"}]`,
			Want: []events.Event{event(events.KindBounced, "undelivered", func(e *events.Event) {
				e.Bounce, e.SMTPCode, e.Diagnostic = events.BounceSoft, 421, "421 4.7.0 later"
			})},
		},
		{
			Name: "sendpulse-skills: one event in place of a list, past tense, the id of a send",
			Body: `{"event": "hard_bounced", "email": "anna@example.com", "id": "abc12-3def4-5g", "timestamp": 1793610930}`,
			Want: []events.Event{event(events.KindBounced, "hard_bounced", func(e *events.Event) {
				e.Sender, e.Subject, e.Bounce = "", "", events.BounceHard
			})},
		},
		{
			Name: "a receiver in TypeScript: no time, no id; a click with a link",
			Body: `[{"event": "resubscribed", "recipient": "anna@example.com"}, {"event": "clicked", "timestamp": 1793610930, "message_id": "", "recipient": "anna@example.com", "link_url": "https://shop.example/", "user_agent": "Mozilla/5.0", "ip": "198.51.100.7"}]`,
			Want: []events.Event{
				event(events.KindResubscribed, "resubscribed", func(e *events.Event) {
					e.Sender, e.Subject, e.At, e.AtBasis = "", "", time.Time{}, events.AtReceived
				}),
				event(events.KindClicked, "clicked", func(e *events.Event) { e.Sender, e.Subject, e.URL = "", "", "https://shop.example/" }),
			},
		},
	})
}
