package brevo_test

import (
	"testing"
	"time"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/providertest"
)

func TestParseEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks", brevo.ParseEvents)
}

func FuzzParseEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks", brevo.ParseEvents, "event")
}

func BenchmarkParseEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/click.json", brevo.ParseEvents)
}

// Shapes of the tests of public clients: names, types and nesting are theirs, values ours.
// api/brevo/SOURCES.md names the clients in full.
func TestPublicShapes(t *testing.T) {
	const (
		anna     = "anna@example.com"
		id       = "<202611020915.51@relay.example>"
		single   = provider.ScopeTransactional
		campaign = provider.ScopeMarketing
	)
	at := time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC)
	providertest.EventShapes(t, brevo.ParseEvents, []providertest.EventShape{
		{
			Name: "anymail: the clocks differ, tags twice, metadata as text",
			Body: `{"event": "request", "email": "anna@example.com", "id": 7654321, "message-id": "<202611020915.51@relay.example>",
				"subject": "Your order", "date": "2026-11-02 01:15:30", "ts": 1793578530, "ts_event": 1793578530, "ts_epoch": 1793610930000,
				"X-Mailin-custom": "{\"order\": \"4711\"}", "tag": "[\"order\",\"first\"]", "tags": ["order", "first"], "template_id": 7, "sending_ip": "999.0.2.10"}`,
			Want: []events.Event{{
				Kind: events.KindQueued, VendorEvent: "request", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Tags: []string{"order", "first"}, Metadata: map[string]string{"order": "4711"},
			}},
		},
		{
			Name: "anymail: a reply with a blank and a word before it, one tag as text",
			Body: `{"event": "hard_bounce", "email": "anna@example.com", "ts_epoch": 1793610930000, "message-id": "<202611020915.51@relay.example>",
				"reason": " RecipientError: 550 5.5.0 the mailbox is not there", "tag": "order"}`,
			Want: []events.Event{{
				Kind: events.KindBounced, VendorEvent: "hard_bounce", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Bounce: events.BounceHard, SMTPCode: 550, SMTPStatus: "5.5.0", Diagnostic: " RecipientError: 550 5.5.0 the mailbox is not there",
				Tags: []string{"order"},
			}},
		},
		{
			Name: "anymail: a bounce before any server was reached",
			Body: `{"event": "soft_bounce", "email": "anna@nowhere.example", "ts_epoch": 1793610930000, "message-id": "<202611020915.51@relay.example>",
				"reason": "undefined no MX for nowhere.example"}`,
			Want: []events.Event{{
				Kind: events.KindBounced, VendorEvent: "soft_bounce", Scope: single, At: at, AtBasis: events.AtExact, Recipient: "anna@nowhere.example",
				MessageID: id, Bounce: events.BounceSoft, Diagnostic: "undefined no MX for nowhere.example",
			}},
		},
		{
			Name: "anymail: the code of a reply twice, under the name of a deferral",
			Body: `{"event": "deferred", "email": "anna@example.com", "ts_epoch": 1793610930000, "message-id": "<202611020915.51@relay.example>",
				"reason": "550 RecipientError: 550 5.1.1 <anna@example.com>: nobody of that name"}`,
			Want: []events.Event{{
				Kind: events.KindDeferred, VendorEvent: "deferred", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				SMTPCode: 550, SMTPStatus: "5.1.1", Diagnostic: "550 RecipientError: 550 5.1.1 <anna@example.com>: nobody of that name",
			}},
		},
		{
			Name: "anymail: an id in letters, no brackets, seconds of a clock that is not told",
			Body: `{"event": "complaint", "email": "anna@example.com", "id": "hook", "date": "2026-11-02 00:00:00", "ts": 1793610900,
				"message-id": "202611020915.51@relay.example", "ts_event": 1793610930, "X-Mailin-custom": "{\"order\": \"4711\"}", "tags": ["order"]}`,
			Want: []events.Event{{
				Kind: events.KindComplained, VendorEvent: "complaint", Scope: single, At: at, AtBasis: events.AtAssumed, Recipient: anna, MessageID: id,
				Tags: []string{"order"}, Metadata: map[string]string{"order": "4711"},
			}},
		},
		{
			Name: "anymail: an error, ts_epoch in seconds",
			Body: `{"event": "error", "email": "anna@example.com", "id": "hook", "date": "2026-11-02 00:00:00", "ts": 1793610900, "message-id": "202611020915.51@relay.example",
				"ts_event": 1793610935, "subject": "Your order", "template_id": 22, "tags": ["order"], "ts_epoch": 1793610930}`,
			Want: []events.Event{{
				Kind: events.KindFailed, VendorEvent: "error", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Tags: []string{"order"},
			}},
		},
		{
			Name: "anymail: a proxy, tag as a list, s_epoch alone",
			Body: `{"event": "proxy_open", "email": "anna@example.com", "id": 1, "date": "2026-11-02 00:00:00", "message-id": "202611020915.51@relay.example",
				"subject": "Your order", "tag": ["order"], "sending_ip": "hidden", "s_epoch": 1793610930000, "template_id": 1}`,
			Want: []events.Event{{
				Kind: events.KindOpened, VendorEvent: "proxy_open", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Tags: []string{"order"}, Automated: events.Yes, First: events.No,
			}},
		},
		{
			Name: "anymail: mail that came in, null and headers of both types",
			Body: `{"items": [{"Uuid": ["00000000-1111-2222-3333-444444444444"], "MessageId": "<9@mail.example>", "InReplyTo": null,
				"From": {"Name": "Anna", "Address": "anna@example.com"}, "To": [{"Name": null, "Address": "shop@in.example"}], "ReplyTo": null,
				"Headers": {"Received": ["by a", "from b"], "From": "Anna <anna@example.com>"}, "Attachments": [], "SpamScore": 2.5}]}`,
			Want: []events.Event{{Kind: events.KindUnknown, VendorEvent: "inboundEmailProcessed", AtBasis: events.AtReceived}},
		},
		{
			Name: "symfony: ts_epoch as text, metadata that is none, a reason that says nothing",
			Body: `{"id": 814, "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02 10:15:30", "event": "delivered",
				"subject": "Your order", "sending_ip": "192.0.2.10", "ts_event": 1793610930, "ts": 1793610930, "reason": "sent",
				"ts_epoch": "1793610930000", "X-Mailin-custom": "from_the_shop"}`,
			Want: []events.Event{{
				Kind: events.KindDelivered, VendorEvent: "delivered", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Diagnostic: "sent",
			}},
		},
		{
			Name: "symfony: blocked, for the person has left",
			Body: `{"id": 814, "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02 10:15:30", "tags": ["order", "first"],
				"tag": "[\"order\",\"first\"]", "event": "blocked", "subject": "Your order", "ts_event": 1793610930, "ts": 1793610930,
				"reason": "blocked : an unsubscribed user", "ts_epoch": 1793610930000}`,
			Want: []events.Event{{
				Kind: events.KindRejected, VendorEvent: "blocked", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Reason: events.ReasonUnsubscribed, Diagnostic: "blocked : an unsubscribed user", Tags: []string{"order", "first"},
			}},
		},
		{
			Name: "symfony: a truth value among the members",
			Body: `{"id": 814, "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02 10:15:30", "tags": ["order"],
				"tag": "[\"order\"]", "event": "unsubscribed", "subject": "Your order", "ts_event": 1793610930, "ts": 1793610930, "is_returnpath": true,
				"ts_epoch": 1793610930000}`,
			Want: []events.Event{{
				Kind: events.KindUnsubscribed, VendorEvent: "unsubscribed", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Subject: "Your order", Tags: []string{"order"},
			}},
		},
		{
			Name: "symfony: a proxy, s_epoch of another clock than ts",
			Body: `{"event": "proxy_open", "email": "anna@example.com", "id": 1, "date": "2026-11-02 00:00:00", "message-id": "<202611020915.51@relay.example>",
				"tags": ["order"], "s_epoch": 1793610930000, "ts": 1793618130, "ts_event": 1793618130}`,
			Want: []events.Event{{
				Kind: events.KindOpened, VendorEvent: "proxy_open", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Tags: []string{"order"}, Automated: events.Yes, First: events.No,
			}},
		},
		{
			Name: "pipedream: the sender is told",
			Body: `{"id": 123, "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02 10:15:30", "tags": ["order"],
				"tag": "[\"order\"]", "event": "request", "subject": "You have left", "ts_event": 1793610930, "ts": 1793610930, "template_id": 1, "reason": "sent",
				"ts_epoch": 1793610930, "sender_email": "Shop@shop.example"}`,
			Want: []events.Event{{
				Kind: events.KindQueued, VendorEvent: "request", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Sender: "Shop@shop.example", Subject: "You have left", Diagnostic: "sent", Tags: []string{"order"},
			}},
		},
		{
			Name: "mock-brevo: all members at once, empty ones, an id of the mail",
			Body: `{"contact_id": 0, "date": "2026-11-02 10:15:30", "device_used": "DESKTOP", "email": "anna@example.com", "event": "unique_proxy_open", "id": 9, "link": "",
				"message-id": "<202611020915.51@relay.example>", "mirror_link": "https://preview.example/1", "sender_email": "shop@shop.example", "sending_ip": "", "reason": "", "uuid": "00000000-1111-2222-3333-444444444444",
				"subject": "Your order", "tag": "[\"log-1\"]", "tags": ["log-1"], "template_id": 0, "ts": 1793610930, "ts_epoch": 1793610930000, "ts_event": 1793610930, "user_agent": "Mozilla/5.0"}`,
			Want: []events.Event{{
				Kind: events.KindOpened, VendorEvent: "unique_proxy_open", Scope: single, At: at, AtBasis: events.AtExact, Recipient: anna, MessageID: id,
				Sender: "shop@shop.example", Subject: "Your order", Automated: events.Yes, First: events.Yes, UserAgent: "Mozilla/5.0", Tags: []string{"log-1"},
			}},
		},
		{
			Name: "django-brevo-analytics: ts_event alone, tags with colons, blanks and bars",
			Body: `{"event": "request", "message-id": "<202611020915.51@relay.example>", "email": "anna@example.com", "subject": "News | No. 3: autumn",
				"ts_event": 1793610930, "tags": ["digest:42:No. 3 | autumn", "customer:15:A & B"]}`,
			Want: []events.Event{{
				Kind: events.KindQueued, VendorEvent: "request", Scope: single, At: at, AtBasis: events.AtAssumed, Recipient: anna, MessageID: id,
				Subject: "News | No. 3: autumn", Tags: []string{"digest:42:No. 3 | autumn", "customer:15:A & B"},
			}},
		},
		{
			Name: "mock-brevo: ts alone, a date of ISO 8601, no tags in a list",
			Body: `{"event": "soft_bounce", "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02T09:15:30Z", "ts": 1793610930,
				"tags": [], "reason": "452 4.2.2 full"}`,
			Want: []events.Event{{
				Kind: events.KindBounced, VendorEvent: "soft_bounce", Scope: single, At: at, AtBasis: events.AtAssumed, Recipient: anna, MessageID: id,
				Bounce: events.BounceSoft, Reason: events.ReasonMailboxFull, SMTPCode: 452, SMTPStatus: "4.2.2", Diagnostic: "452 4.2.2 full",
			}},
		},
		{
			Name: "turmail: a date of ISO 8601 and no other time",
			Body: `{"event": "opened", "email": "anna@example.com", "message-id": "<202611020915.51@relay.example>", "date": "2026-11-02T09:15:30.000Z", "tag": "test"}`,
			Want: []events.Event{{
				Kind: events.KindOpened, VendorEvent: "opened", Scope: single, AtBasis: events.AtReceived, Recipient: anna, MessageID: id,
				Automated: events.No, First: events.No, Tags: []string{"test"},
			}},
		},
		{
			Name: "the vendor's page about campaigns: no message id, an empty tag, a click in capitals",
			Body: `{"id": 11, "camp_id": 33, "email": "anna@example.com", "campaign name": "Autumn ", "date_sent": "2026-11-01 00:00:00", "date_event": "2026-11-02 00:00:00",
				"event": "click", "tag": "", "ts_sent": 1793524530, "ts_event": 1793610930, "ts": 1793614530, "URL": "https://shop.example/autumn"}`,
			Want: []events.Event{{
				Kind: events.KindClicked, VendorEvent: "click", Scope: campaign, At: at, AtBasis: events.AtAssumed, Recipient: anna, CampaignID: "33",
				URL: "https://shop.example/autumn",
			}},
		},
		{
			Name: "a text message of the same account, which has no event",
			Body: `{"id": 5, "to": "48500100200", "sms_count": 1, "credits_used": 1, "messageId": 1793610930123, "msg_status": "delivered", "date": "2026-11-02 10:15:30",
				"ts_event": 1793610930, "type": "transactional", "reference": {"1": "ab.cd"}, "tag": ["order"]}`,
			Want: []events.Event{{Kind: events.KindUnknown, At: at, AtBasis: events.AtAssumed, Tags: []string{"order"}}},
		},
		{
			Name: "a relay that wraps the record: one record, nothing of it lost",
			Body: `{"payload": {"event": "opened", "email": "anna@example.com"}}`,
			Want: []events.Event{{Kind: events.KindUnknown, AtBasis: events.AtReceived}},
		},
	})
}
