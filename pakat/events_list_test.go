package pakat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// What each row of the log becomes. Times are in the zone of the account.
func TestLogRows(t *testing.T) {
	a := &adapter{zone: adapterkit.ZoneOf("Asia/Tehran")}
	who := pakatapi.SubscriberRef{Email: "anna@example.com", UID: "s1"}
	at := time.Date(2026, 11, 2, 6, 45, 30, 0, time.UTC)
	const local = "2026-11-02 10:15:30"
	for _, row := range []struct {
		name, status, confirmed string
		kind                    events.Kind
		bounce                  events.Bounce
		reason                  events.Reason
		state                   provider.State
		none                    bool
	}{
		{name: "delivered", status: "success", confirmed: "yes", kind: events.KindDelivered, state: provider.StateDelivered},
		{name: "handed on", status: "success", confirmed: "no", kind: events.KindSent, state: provider.StateAccepted},
		{name: "later", status: "temporary-error", kind: events.KindDeferred, state: provider.StateDeferred},
		{name: "blacklisted", status: "blacklisted", kind: events.KindRejected, reason: events.ReasonSuppressed, state: provider.StateRejected},
		{name: "suppressed", status: "suppressed", kind: events.KindRejected, reason: events.ReasonSuppressed, state: provider.StateRejected},
		{name: "blocked", status: "blocked", kind: events.KindFailed, state: provider.StateFailed},
		{name: "rejected by a plugin", status: "ds-dp-reject", kind: events.KindFailed, state: provider.StateFailed},
		{name: "given up", status: "giveup", kind: events.KindFailed, state: provider.StateFailed},
		{name: "fatal", status: "fatal-error", kind: events.KindFailed, state: provider.StateFailed},
		{name: "error", status: "error", kind: events.KindBounced, bounce: events.BounceUnclear, state: provider.StateBounced},
		{name: "another campaign's", status: "hdl-by-sg-cmp", none: true},
		{name: "a new word", status: "levitated", kind: events.KindUnknown, state: provider.StateUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, ok := a.deliveryEvent("c1", pakatapi.DeliveryLog{Subscriber: who, Status: row.status, DeliveryConfirmed: row.confirmed, DateAdded: local, EmailMessageID: "<m@x>"})
			require.Equal(t, !row.none, ok)
			if row.none {
				return
			}
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.bounce, e.Bounce)
			assert.Equal(t, row.reason, e.Reason)
			assert.Equal(t, "anna@example.com", e.Recipient)
			assert.Equal(t, "c1", e.CampaignID)
			assert.Equal(t, provider.ScopeMarketing, e.Scope)
			assert.Equal(t, at, e.At)
			basis := events.AtAssumed
			if row.confirmed == "yes" {
				basis = events.AtSent
			}
			assert.Equal(t, basis, e.AtBasis)
			assert.Empty(t, e.MessageID, "linked to no id of a send")
			assert.Contains(t, string(e.Raw), "m@x")
			state, _ := e.State()
			assert.Equal(t, row.state, state)
		})
	}
}

// A bounce has no time and changes its "processed", and keeps its ID.
func TestBounceRows(t *testing.T) {
	row := pakatapi.Bounce{BounceType: "hard", Message: "550 5.1.1 no such user", Processed: "no", Subscriber: pakatapi.SubscriberRef{Email: "anna@example.com"}}
	first := bounceEvent("c1", row)
	row.Processed = "yes"
	second := bounceEvent("c1", row)
	assert.Equal(t, first.ID, second.ID)
	assert.Equal(t, events.BounceHard, first.Bounce)
	assert.Equal(t, events.ReasonInvalid, first.Reason)
	assert.Equal(t, events.AtReceived, first.AtBasis)
	assert.NotEqual(t, first.ID, bounceEvent("c2", row).ID)
	for word, want := range map[string]events.Bounce{"soft": events.BounceSoft, "internal": events.BounceSoft, "new": events.BounceUnclear} {
		row.BounceType = word
		assert.Equal(t, want, bounceEvent("c1", row).Bounce, word)
	}
}

func TestLeaveAndMailRows(t *testing.T) {
	a := &adapter{}
	e := a.leaveEvent("c1", pakatapi.CampaignUnsubscribe{
		Subscriber: pakatapi.SubscriberRef{Email: "anna@example.com"}, Reason: "too much", IPAddress: "198.51.100.7", UserAgent: "Mozilla/5.0", DateAdded: "2026-11-02 10:15:30",
	})
	assert.Equal(t, events.KindUnsubscribed, e.Kind)
	assert.Equal(t, "too much", e.Diagnostic)
	assert.Equal(t, "198.51.100.7", e.IP)
	assert.Equal(t, time.Date(2026, 11, 2, 10, 15, 30, 0, time.UTC), e.At)
	for word, want := range map[string]events.Kind{"unsent": events.KindQueued, "sent": events.KindSent, "failed": events.KindFailed, "new": events.KindUnknown} {
		e := a.mailEvent(pakatapi.TransactionalEmail{UID: "m1", ToEmail: "anna@example.com", Status: word, Body: "the secret of the mail", DateAdded: "2026-11-02 10:15:30"})
		assert.Equal(t, want, e.Kind)
		assert.Equal(t, "m1", e.MessageID)
		assert.NotContains(t, string(e.Raw), "secret of the mail")
	}
}

// A cursor of the log goes through all parts in their order.
func TestPlaces(t *testing.T) {
	p := place{Pages: "2", Left: []string{"c1", "c2"}, Part: partUnsubscribes, At: "3"}
	again, err := parsePlace(p.String())
	require.NoError(t, err)
	p.Version = placeVersion
	assert.Equal(t, p, again)
	for _, text := range []string{"x", "e30", "eyJ2IjoyfQ", "eyJ2IjoxLCJrIjo5fQ"} {
		_, err := parsePlace(text)
		assert.ErrorIs(t, err, provider.ErrInvalid, text)
	}
}
