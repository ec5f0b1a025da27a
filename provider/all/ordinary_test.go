package all_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// An ordinary mail goes out at all providers without a policy, and the notes tell what
// became of each part that a provider cannot take.
func TestAnOrdinaryMailNeedsNoPolicy(t *testing.T) {
	headers, err := provider.ListUnsubscribe("", "https://example.com/leave?t=8fk2")
	require.NoError(t, err)
	ordinary := &provider.Message{
		To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}}, Subject: "Your order", HTML: "<p>Thank you</p>", Text: "Thank you",
		Attachments: []provider.Attachment{{Name: "order.pdf", Content: []byte("%PDF-1.4")}}, Headers: headers, Tags: []string{"order"},
	}
	link := " takes no such header field, so the link stands at the end of the body"
	for _, row := range []struct {
		account string
		notes   map[string]string // by field
	}{
		{account: "brevo"},
		{account: "pakatv3"},
		{account: "pakat", notes: map[string]string{
			"headers.list_unsubscribe": "emulated: pakat" + link,
			"tags":                     "dropped: pakat has no message.tags",
			"send_at":                  "emulated: the provider requires a time; the present time was given",
		}},
		{account: "sendpulse", notes: map[string]string{
			"headers.list_unsubscribe": "emulated: sendpulse" + link,
			"tags":                     "dropped: sendpulse has no message.tags",
		}},
		{account: "smsby", notes: map[string]string{
			"headers.list_unsubscribe": "emulated: smsby" + link,
			"tags":                     "dropped: smsby has no message.tags",
			"text":                     "dropped: smsby has no message.text",
			"to[0].name":               "dropped: the provider has no place for a recipient's name",
		}},
	} {
		t.Run(row.account, func(t *testing.T) {
			sb := sandbox.New(t)
			cfg := sb.Config()
			cfg.Default = row.account
			plain := maps.Clone(cfg.Providers[row.account])
			delete(plain, "policy")
			cfg.Providers = map[string]provider.AccountConfig{row.account: plain}
			c, err := all.Open(t.Context(), cfg)
			require.NoError(t, err)
			r, err := c.Send(t.Context(), ordinary.Clone())
			require.NoError(t, err)
			assert.Equal(t, provider.StateAccepted, r.State)
			notes := make(map[string]string)
			for _, n := range r.Notes {
				notes[n.Field] = string(n.Action) + ": " + n.Why
			}
			want := row.notes
			if want == nil {
				want = map[string]string{}
			}
			assert.Equal(t, want, notes)
			got := sb.Messages(row.account)
			require.Len(t, got, 1)
			if _, linked := row.notes["headers.list_unsubscribe"]; linked {
				assert.Contains(t, got[0].HTML, `<a href="https://example.com/leave?t=8fk2">Unsubscribe</a>`)
			} else {
				assert.Equal(t, headers["List-Unsubscribe"], got[0].Headers["List-Unsubscribe"])
			}
		})
	}
}
