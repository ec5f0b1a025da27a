package pakat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/providertest"
)

func TestParseEvents(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks", pakat.ParseEvents)
}

func TestParseV3Events(t *testing.T) {
	providertest.EventGoldens(t, "testdata/webhooks_v3", pakat.ParseV3Events)
}

func FuzzParseEvents(f *testing.F) {
	providertest.FuzzEvents(f, "testdata/webhooks", pakat.ParseEvents, "event", "type")
}

func BenchmarkParseEvents(b *testing.B) {
	providertest.BenchmarkEvents(b, "testdata/webhooks/click.json", pakat.ParseEvents)
}

// mailWizzClick is a click as MailWizz writes it, sent 23 seconds after it happened.
const mailWizzClick = `{"event": {"type": "click", "ip_address": "198.51.100.7", "user_agent": "Mozilla/5.0", "date_added": "2026-11-02 09:15:30",
	"clicked_url": "https://shop.example/autumn?a=1"}, "timestamp": 1793610953, "list": {"attributes": {"list_uid": "ab123cd456e", "name": "Shop"}},
	"subscriber": {"attributes": {"subscriber_uid": "zz999yy888x", "email": "anna@example.com", "source": "import", "status": "confirmed", "ip_address": ""},
	"fields": {"EMAIL": "anna@example.com", "FNAME": "Anna"}}, "campaign": {"attributes": {"campaign_uid": "qq111ww222e", "name": "Autumn"}}}`

// Shapes of MailWizz, whose webhooks these are: its help and its source, see
// api/pakat/SOURCES.md. Names, types and nesting are theirs, values ours.
func TestPublicShapes(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 15, 30, 0, time.UTC)
	click := events.Event{
		Kind: events.KindClicked, VendorEvent: "click", Scope: provider.ScopeMarketing, At: at, AtBasis: events.AtAssumed, Recipient: "anna@example.com",
		CampaignID: "qq111ww222e", Lists: []string{"ab123cd456e"}, URL: "https://shop.example/autumn?a=1", UserAgent: "Mozilla/5.0", IP: "198.51.100.7",
	}
	late := click
	late.At = at.Add(23 * time.Second)
	empty := events.Event{
		Kind: events.KindUnknown, VendorEvent: "n/a", Scope: provider.ScopeMarketing, At: late.At, AtBasis: events.AtAssumed, Recipient: "anna@example.com",
	}
	mail := click
	mail.URL = "mailto:shop@shop.example"
	providertest.EventShapes(t, pakat.ParseEvents, []providertest.EventShape{
		{Name: "help: a click", Body: mailWizzClick, Want: []events.Event{click}},
		{Name: "source: the time of the event is missing", Body: strings.Replace(mailWizzClick, "2026-11-02 09:15:30", "", 1), Want: []events.Event{late}},
		{Name: "source: a link that is no page", Body: strings.Replace(mailWizzClick, click.URL, mail.URL, 1), Want: []events.Event{mail}},
		{
			Name: "source: values before an event is known, no fields of a contact",
			Body: `{"event": {"type": "n/a", "ip_address": "", "user_agent": "", "date_added": ""}, "timestamp": 1793610953, "list": {"attributes": []},
				"subscriber": {"attributes": {"email": "anna@example.com"}, "fields": []}, "campaign": {"attributes": []}}`,
			Want: []events.Event{empty},
		},
	})
}

// A call that is repeated has the time of the repeat in it, and is the same event.
func TestRepeatedCall(t *testing.T) {
	first, err := pakat.ParseEvents([]byte(mailWizzClick))
	require.NoError(t, err)
	again, err := pakat.ParseEvents([]byte(strings.Replace(mailWizzClick, "1793610953", "1793614560", 1)))
	require.NoError(t, err)
	assert.Equal(t, first[0].ID, again[0].ID)
}
