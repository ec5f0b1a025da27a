package events_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

func at(second int) time.Time { return time.Unix(int64(1793610930+second), 0).UTC() }

func event(kind events.Kind, change func(*events.Event)) events.Event {
	e := events.Event{
		Kind: kind, Provider: "brevo", Recipient: "anna@example.com", MessageID: "<1@x>", At: at(0), AtBasis: events.AtExact,
	}
	if change != nil {
		change(&e)
	}
	e.Identify()
	return e
}

// The recipe of IDs is frozen: programs keep events by them. docs/compatibility.md has
// the same table.
func TestFrozenIDs(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	require.NoError(t, err)
	natural := events.Event{Provider: "pakat"}
	natural.Identify("campaign", "anna@example.com", "bounced")
	for name, e := range map[string]events.Event{
		"delivered, with a message id": event(events.KindDelivered, nil),
		"delivered, of a campaign": event(events.KindDelivered, func(e *events.Event) {
			e.MessageID, e.CampaignID = "", "33"
		}),
		"hard bounce":         event(events.KindBounced, func(e *events.Event) { e.Bounce = events.BounceHard }),
		"soft bounce":         event(events.KindBounced, func(e *events.Event) { e.Bounce = events.BounceSoft }),
		"opened":              event(events.KindOpened, nil),
		"opened, automated":   event(events.KindOpened, func(e *events.Event) { e.Automated = events.Yes }),
		"clicked":             event(events.KindClicked, func(e *events.Event) { e.URL = "https://shop.example/" }),
		"unsubscribed":        event(events.KindUnsubscribed, func(e *events.Event) { e.MessageID, e.Lists = "", []string{"42", "3"} }),
		"unknown":             event(events.KindUnknown, func(e *events.Event) { e.Raw = json.RawMessage(`{"event":"new"}`) }),
		"a bounce, no time":   event(events.KindBounced, func(e *events.Event) { e.At, e.Bounce, e.Raw = time.Time{}, events.BounceSoft, []byte(`{}`) }),
		"of a provider's key": natural,
	} {
		assert.Regexp(t, `^1-[0-9a-f]{32}$`, e.ID)
		line := "| " + name + " | `" + e.ID + "` |"
		assert.True(t, strings.Contains(string(page), line), "docs/compatibility.md lacks %s", line)
	}
}

func TestIdentity(t *testing.T) {
	first := event(events.KindDelivered, nil)
	assert.Equal(t, first.ID, event(events.KindDelivered, func(e *events.Event) {
		e.At, e.Source, e.Account, e.Raw, e.Recipient = at(3600), events.SourceLog, "x", []byte(`{}`), "ANNA@EXAMPLE.COM"
	}).ID, "once for a mail: the way, the clock and the case say nothing")
	assert.NotEqual(t, event(events.KindOpened, nil).ID, event(events.KindOpened, func(e *events.Event) { e.At = at(1) }).ID)
	assert.Equal(t, event(events.KindOpened, nil).ID, event(events.KindOpened, func(e *events.Event) { e.At = at(0).Add(900 * time.Millisecond) }).ID)
	for name, change := range map[string]func(*events.Event){
		"kind":       func(e *events.Event) { e.Kind = events.KindQueued },
		"provider":   func(e *events.Event) { e.Provider = "pakatv3" },
		"message":    func(e *events.Event) { e.MessageID = "<2@x>" },
		"campaign":   func(e *events.Event) { e.CampaignID = "1" },
		"recipient":  func(e *events.Event) { e.Recipient = "bert@example.com" },
		"list":       func(e *events.Event) { e.Lists = []string{"1"} },
		"URL":        func(e *events.Event) { e.URL = "https://a.example" },
		"no message": func(e *events.Event) { e.MessageID = "" },
	} {
		assert.NotEqual(t, first.ID, event(events.KindDelivered, change).ID, name)
	}
}

func TestSuppression(t *testing.T) {
	for _, row := range []struct {
		name   string
		kind   events.Kind
		change func(*events.Event)
		reason string // empty: none
		scope  provider.Scope
	}{
		{name: "hard", kind: events.KindBounced, change: func(e *events.Event) { e.Bounce = events.BounceHard }, reason: "bounced", scope: provider.ScopeAll},
		{name: "soft", kind: events.KindBounced, change: func(e *events.Event) { e.Bounce = events.BounceSoft }},
		{name: "unclear", kind: events.KindBounced, change: func(e *events.Event) { e.Bounce = events.BounceUnclear }},
		{name: "complained", kind: events.KindComplained, reason: "complained", scope: provider.ScopeAll},
		{name: "invalid", kind: events.KindRejected, change: func(e *events.Event) { e.Reason = events.ReasonInvalid }, reason: "invalid", scope: provider.ScopeAll},
		{name: "suppressed", kind: events.KindRejected, change: func(e *events.Event) { e.Reason = events.ReasonSuppressed }},
		{name: "unsubscribed", kind: events.KindUnsubscribed, reason: "unsubscribed", scope: provider.ScopeAll},
		{name: "unsubscribed, marketing", kind: events.KindUnsubscribed, change: func(e *events.Event) { e.Scope = provider.ScopeMarketing }, reason: "unsubscribed", scope: provider.ScopeMarketing},
		{name: "resubscribed", kind: events.KindResubscribed},
		{name: "deferred 550", kind: events.KindDeferred, change: func(e *events.Event) { e.SMTPCode = 550 }},
		{name: "failed", kind: events.KindFailed},
		{name: "no address", kind: events.KindComplained, change: func(e *events.Event) { e.Recipient = "" }},
	} {
		e := event(row.kind, row.change)
		s, ok := e.Suppression()
		assert.Equal(t, row.reason != "", ok, row.name)
		assert.Equal(t, provider.Reason(row.reason), s.Reason, row.name)
		assert.Equal(t, row.scope, s.Scope, row.name)
	}
}

func TestApply(t *testing.T) {
	sent := func() *provider.Receipt {
		return &provider.Receipt{Provider: "brevo", Account: "main", MessageID: "<1@x>", State: provider.StateAccepted, Recipients: []provider.RecipientResult{
			{Email: "anna@example.com", MessageID: "<1@x>", State: provider.StateAccepted},
			{Email: "bert@example.com", MessageID: "<1@x>", State: provider.StateAccepted},
		}}
	}
	lost := func() *provider.Receipt {
		return &provider.Receipt{
			Provider: "brevo", State: provider.StateUnknown, Recipients: []provider.RecipientResult{{Email: "anna@example.com", State: provider.StateUnknown}},
			Unsettled: &provider.Trace{At: at(-2), Until: at(5), Subject: "Your order"},
		}
	}
	about := func(kind events.Kind, change func(*events.Event)) events.Event {
		return event(kind, func(e *events.Event) {
			e.Subject = "Your  order"
			if change != nil {
				change(e)
			}
		})
	}
	for _, row := range []struct {
		name    string
		receipt *provider.Receipt
		event   events.Event
		state   provider.State // of the first recipient; empty: says nothing
		whole   provider.State
	}{
		{name: "delivered", receipt: sent(), event: event(events.KindDelivered, nil), state: provider.StateDelivered, whole: provider.StateAccepted},
		{name: "another case", receipt: sent(), event: event(events.KindDelivered, func(e *events.Event) { e.Recipient = "Anna@EXAMPLE.com" }), state: provider.StateDelivered, whole: provider.StateAccepted},
		{name: "automated", receipt: sent(), event: event(events.KindOpened, func(e *events.Event) { e.Automated = events.Yes }), state: provider.StateDelivered, whole: provider.StateAccepted},
		{name: "bounced", receipt: sent(), event: event(events.KindBounced, func(e *events.Event) { e.Bounce = events.BounceHard }), state: provider.StateBounced, whole: provider.StateBounced},
		{name: "another mail", receipt: sent(), event: event(events.KindDelivered, func(e *events.Event) { e.MessageID = "<2@x>" })},
		{name: "another person", receipt: sent(), event: event(events.KindDelivered, func(e *events.Event) { e.Recipient = "carl@example.com" })},
		{name: "another provider", receipt: sent(), event: event(events.KindDelivered, func(e *events.Event) { e.Provider = "pakatv3" })},
		{name: "no way of a mail", receipt: sent(), event: event(events.KindUnsubscribed, nil)},
		{name: "an id alone", receipt: provider.ReceiptFor("main", "<1@x>"), event: event(events.KindDelivered, nil), whole: provider.StateDelivered},
		{name: "an unknown mail", receipt: lost(), event: about(events.KindQueued, nil), state: provider.StateQueued, whole: provider.StateQueued},
		{name: "another subject", receipt: lost(), event: about(events.KindQueued, func(e *events.Event) { e.Subject = "Other" })},
		{name: "before", receipt: lost(), event: about(events.KindQueued, func(e *events.Event) { e.At = at(-10) })},
		{name: "long after", receipt: lost(), event: about(events.KindQueued, func(e *events.Event) { e.At = at(400) })},
		{name: "no time", receipt: lost(), event: about(events.KindQueued, func(e *events.Event) { e.At = time.Time{} })},
		{name: "nothing", event: event(events.KindDelivered, nil)},
	} {
		t.Run(row.name, func(t *testing.T) {
			before, err := json.Marshal(row.receipt)
			require.NoError(t, err)
			out, ok := events.Apply(row.receipt, row.event)
			assert.Equal(t, row.whole != "", ok)
			after, err := json.Marshal(row.receipt)
			require.NoError(t, err)
			assert.Equal(t, string(before), string(after), "the receipt itself is not changed")
			if !ok {
				assert.Nil(t, out)
				return
			}
			assert.Equal(t, row.whole, out.State)
			if row.state != "" {
				assert.Equal(t, row.state, out.Recipients[0].State)
				assert.Equal(t, "<1@x>", out.Recipients[0].MessageID)
			}
			_, again := events.Apply(out, row.event)
			assert.False(t, again, "it is known now")
			if strings.HasPrefix(row.name, "an unknown") {
				assert.Nil(t, out.Unsettled)
				assert.Equal(t, "<1@x>", out.MessageID)
				assert.Equal(t, provider.NoteSettled, out.Notes[0].Action)
			}
		})
	}
	bounced := sent()
	bounced.Recipients[0].State = provider.StateBounced
	_, ok := events.Apply(bounced, event(events.KindDelivered, nil))
	assert.False(t, ok, "never back")
}

// The fields of an event in JSON are public.
func TestEventJSON(t *testing.T) {
	e := events.Event{
		ID: "1-0", Kind: events.KindOpened, Provider: "brevo", Account: "main", VendorEvent: "opened", Source: events.SourceWebhook,
		Scope: provider.ScopeMarketing, At: at(0), AtBasis: events.AtExact, ReceivedAt: at(1), Recipient: "a@example.com",
		MessageID: "m", CampaignID: "c", Lists: []string{"1"}, Sender: "s@example.com", Subject: "S", Bounce: events.BounceSoft,
		Reason: events.ReasonOther, SMTPCode: 250, SMTPStatus: "2.0.0", Diagnostic: "d", Automated: events.No, First: events.Yes,
		URL: "https://x.example", UserAgent: "u", IP: "192.0.2.1", Tags: []string{"t"}, Metadata: map[string]string{"k": "v"}, Raw: json.RawMessage(`{"a":1}`),
	}
	data, err := json.Marshal(e)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"1-0","kind":"opened","provider":"brevo","account":"main","vendor_event":"opened","source":"webhook","scope":"marketing",
		"at":"2026-11-02T09:15:30Z","at_basis":"exact","received_at":"2026-11-02T09:15:31Z","recipient":"a@example.com","message_id":"m","campaign_id":"c",
		"lists":["1"],"sender":"s@example.com","subject":"S","bounce":"soft","reason":"other","smtp_code":250,"smtp_status":"2.0.0","diagnostic":"d",
		"automated":false,"first":true,"url":"https://x.example","user_agent":"u","ip":"192.0.2.1","tags":["t"],"metadata":{"k":"v"},"raw":{"a":1}}`, string(data))
	var back events.Event
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, e, back)
	var f events.Flag
	assert.Error(t, json.Unmarshal([]byte(`"yes"`), &f))
}
