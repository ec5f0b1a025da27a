package sendinblue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider/events"
)

// A row of the log and a payload of the same event are one event.
func TestLogged(t *testing.T) {
	for _, row := range []struct {
		name, log, payload string
		reason             string
		kind               events.Kind
		same               bool // IDs, although the clocks differ by an hour
	}{
		{name: "queued", log: "requests", payload: "request", kind: events.KindQueued, same: true},
		{name: "delivered", log: "delivered", payload: "delivered", kind: events.KindDelivered, same: true},
		{name: "hard", log: "hardBounces", payload: "hard_bounce", reason: "550 5.1.1 no", kind: events.KindBounced, same: true},
		{name: "soft", log: "softBounces", payload: "soft_bounce", reason: "452 4.2.2 full", kind: events.KindBounced},
		{name: "deferred", log: "deferred", payload: "deferred", kind: events.KindDeferred},
		{name: "blocked", log: "blocked", payload: "blocked", kind: events.KindRejected, same: true},
		{name: "invalid", log: "invalid", payload: "invalid_email", kind: events.KindRejected, same: true},
		{name: "error", log: "error", payload: "error", kind: events.KindFailed, same: true},
		{name: "spam", log: "spam", payload: "complaint", kind: events.KindComplained, same: true},
		{name: "unsubscribed", log: "unsubscribed", payload: "unsubscribe", kind: events.KindUnsubscribed, same: true},
		{name: "opened", log: "opened", payload: "unique_opened", kind: events.KindOpened},
		{name: "by a machine", log: "loadedByProxy", payload: "proxy_open", kind: events.KindOpened},
		{name: "clicked", log: "clicks", payload: "click", kind: events.KindClicked},
	} {
		t.Run(row.name, func(t *testing.T) {
			at := time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC)
			l := Event{
				Email: "Anna@example.com", Event: row.log, Date: at.Format(time.RFC3339), MessageID: "<1@x>", Reason: row.reason, Tag: "order",
				Link: "https://shop.example/", IP: "198.51.100.7", From: "shop@example.com", Subject: "Order", Row: map[string]any{"event": row.log},
			}
			e := l.logged("brevo")
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, events.SourceLog, e.Source)
			assert.Equal(t, at, e.At)
			assert.Equal(t, []string{"order"}, e.Tags)
			assert.Equal(t, events.Unknown, e.First)
			assert.Equal(t, row.kind == events.KindClicked, e.URL != "")
			assert.Equal(t, row.kind == events.KindClicked || row.kind == events.KindOpened || row.kind == events.KindUnsubscribed, e.IP != "", "never that of a server")
			assert.JSONEq(t, `{"event":"`+row.log+`"}`, string(e.Raw))
			p := read("brevo", []byte(`{"event":"`+row.payload+`","email":"anna@example.com","message-id":"1@x","ts_epoch":1793614530000,"reason":"`+row.reason+`","link":"https://shop.example/"}`))
			assert.Equal(t, row.kind, p.Kind)
			assert.Equal(t, row.same, p.ID == e.ID)
			l.Date = time.UnixMilli(1793614530000).UTC().Format(time.RFC3339)
			assert.Equal(t, p.ID, l.logged("brevo").ID, "with equal clocks all are one")
		})
	}
	bounces := Event{Event: "bounces", Reason: "550 5.1.1 no", MessageID: "<1@x>"}.logged("brevo")
	assert.Equal(t, events.BounceUnclear, bounces.Bounce, "the vendor names no class here")
}
