package brevo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// consentsOf are what a request says of each recipient; nil where it says nothing.
func consentsOf(t *testing.T, sb *sandbox.Server) []*bool {
	t.Helper()
	var body brevoapi.SendEmailRequest
	sent := sb.Requests("brevo")
	require.NoError(t, sent[len(sent)-1].JSON(&body))
	var out []*bool
	lists := [][]brevoapi.EmailAddress{body.To, body.Cc, body.Bcc}
	for _, v := range body.MessageVersions {
		lists = append(lists, v.To, v.Cc, v.Bcc)
	}
	for _, list := range lists {
		for _, a := range list {
			out = append(out, a.TrackingConsent)
		}
	}
	return out
}

func TestTrackingConsent(t *testing.T) {
	off, on := new(false), new(true)
	one := []provider.Address{{Email: "anna@example.com"}}
	for _, row := range []struct {
		name    string
		message provider.Message
		want    []*bool
	}{
		{"not said", provider.Message{To: one}, []*bool{nil}},
		{"off", provider.Message{To: one, TrackOpens: provider.ToggleOff}, []*bool{off}},
		{"on, with copies", provider.Message{To: one, Cc: []provider.Address{{Email: "c@example.com"}}, Bcc: []provider.Address{{Email: "b@example.com"}}, TrackOpens: provider.ToggleOn}, []*bool{on, on, on}},
		{"each for himself", provider.Message{Recipients: []provider.Recipient{{Email: "a@example.com"}, {Email: "b@example.com"}}, TrackOpens: provider.ToggleOff}, []*bool{off, off}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			c, err := brevo.Open(brevo.Config{
				AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo"), From: provider.Address{Email: "shop@example.com"}},
				APIKey:          provider.NewSecret(sandbox.Key("brevo")), TrackingConsent: true,
			})
			require.NoError(t, err)
			assert.Equal(t, provider.LevelLimited, c.Capabilities().Level(feature.MessageTrackOpens))
			m := row.message
			m.Subject, m.HTML = "Hi", "<p>Hi</p>"
			r, err := c.Send(t.Context(), &m)
			require.NoError(t, err)
			assert.Equal(t, row.want, consentsOf(t, sb))
			if m.TrackOpens == provider.ToggleOff {
				require.NotEmpty(t, r.Notes)
				assert.Equal(t, "still counted, without the person", r.Notes[0].Why)
			}

			receipts, err := sendTwo(t, c, m)
			require.NoError(t, err)
			assert.Equal(t, 2, receipts)
			for _, got := range consentsOf(t, sb) {
				assert.Equal(t, row.want[0], got)
			}
		})
	}
}

func sendTwo(t *testing.T, c *provider.Client, m provider.Message) (int, error) {
	t.Helper()
	other := m
	other.Subject = "Other"
	done := 0
	_, err := c.SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) { _ = yield(&m, nil) && yield(&other, nil) }, func(r provider.BatchResult) error {
		done++
		return r.Err
	})
	return done, err
}

// Without the setting a mail cannot say it.
func TestTrackOpensIsAccountWide(t *testing.T) {
	c := open(t, provider.AccountSettings{BaseURL: sandbox.New(t).BaseURL("brevo"), From: provider.Address{Email: "shop@example.com"}})
	assert.Equal(t, provider.LevelAccountWide, c.Capabilities().Level(feature.MessageTrackOpens))
	_, err := c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: "a@example.com"}}, Subject: "Hi", HTML: "x", TrackOpens: provider.ToggleOff})
	require.ErrorIs(t, err, provider.ErrUnsupported)
}
