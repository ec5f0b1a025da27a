package sendpulse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/rest/flex"
)

// What the reply code of a row says, by the rule for codes alone.
func TestLogRows(t *testing.T) {
	a := &adapter{zone: adapterkit.ZoneOf("Europe/Minsk")}
	for _, row := range []struct {
		name, words, subcode string
		code                 int
		kind                 events.Kind
		bounce               events.Bounce
		reason               events.Reason
	}{
		{name: "delivered", code: 250, words: "OK", kind: events.KindDelivered},
		{name: "on its way", code: 0, kind: events.KindQueued},
		{name: "later", code: 451, words: "451 later", kind: events.KindBounced, bounce: events.BounceSoft},
		{name: "no such user", code: 550, words: "550 5.1.1 no such user", kind: events.KindBounced, bounce: events.BounceHard, reason: events.ReasonInvalid},
		{name: "by the subcode", code: 550, words: "refused", subcode: "5.7.1", kind: events.KindBounced, bounce: events.BounceUnclear, reason: events.ReasonPolicy},
		{name: "full", code: 552, words: "552 5.2.2 full", kind: events.KindBounced, bounce: events.BounceSoft, reason: events.ReasonMailboxFull},
		{name: "something", code: 554, words: "554 no", kind: events.KindBounced, bounce: events.BounceUnclear},
		{name: "no code", code: 17, kind: events.KindUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			list := a.eventsOf(&sendpulseapi.EmailRecord{
				ID: "pzkic9-0afezp-fc", Recipient: "anna@example.com", Sender: "shop@example.com", Subject: "Order", SendDate: "2026-11-02 12:15:30",
				SMTPAnswerCode: flex.Int(row.code), SMTPAnswerData: row.words, SMTPAnswerSubcode: flex.Text(row.subcode),
			})
			require.Len(t, list, 1)
			e := list[0]
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.bounce, e.Bounce)
			assert.Equal(t, row.reason, e.Reason)
			assert.Equal(t, "pzkic9-0afezp-fc", e.MessageID)
			assert.Equal(t, time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC), e.At)
			assert.Equal(t, row.kind != events.KindQueued, e.AtBasis == events.AtSent, "no time is told of what the server said")
		})
	}
}

func TestTrackingRows(t *testing.T) {
	a := &adapter{}
	record := &sendpulseapi.EmailRecord{ID: "a-b-c", Recipient: "anna@example.com", SMTPAnswerCode: 250, SendDate: "2026-11-02 10:15:30"}
	record.Tracking.Clients = []sendpulseapi.EmailOpen{{ActionDate: "2026-11-02 11:00:00", Browser: "Firefox", OS: "Linux", IP: "198.51.100.7"}, {ActionDate: "2026-11-02 12:00:00"}}
	record.Tracking.Links = []sendpulseapi.EmailClick{{ActionDate: "2026-11-02 12:00:05", URL: "https://shop.example/"}}
	list := a.eventsOf(record)
	require.Len(t, list, 4)
	assert.Equal(t, events.KindDelivered, list[0].Kind)
	assert.Equal(t, events.KindOpened, list[1].Kind)
	assert.Equal(t, "Firefox Linux", list[1].UserAgent)
	assert.Equal(t, events.Unknown, list[1].Automated)
	assert.Equal(t, "https://shop.example/", list[3].URL)
	ids := map[string]bool{}
	for _, e := range list {
		ids[e.ID] = true
	}
	assert.Len(t, ids, 4)
	stop := a.stopOf(&sendpulseapi.SMTPUnsubscribe{Email: "anna@example.com", Date: "2026-11-02 10:15:30", SpamComplaint: true})
	assert.Equal(t, events.KindComplained, stop.Kind)
	stop = a.stopOf(&sendpulseapi.SMTPUnsubscribe{Email: "anna@example.com", Date: "2026-11-02 10:15:30"})
	assert.Equal(t, events.KindUnsubscribed, stop.Kind)
}
