package all_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// Random batches through every adapter: each message arrives once, as it was
// given, and nobody gets another's content.
func TestBatchesArriveAsGiven(t *testing.T) {
	type row struct {
		name     string
		settings map[string]any
	}
	rows := map[string]row{"smsby in bulk": {"smsby", map[string]any{"send_via": "bulk"}}} // another way to send
	for _, v := range vendors() {
		rows[v.Driver] = row{name: v.Driver}
	}
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				sb := sandbox.New(t)
				cfg := sb.Config()
				for name, value := range tc.settings {
					cfg.Providers[tc.name].Settings[name] = provider.NewValue(value)
				}
				c, err := all.Open(t.Context(), cfg, provider.WithAccount(tc.name))
				require.NoError(t, err)
				want := randomBatch(seed, 1+int(seed)*9, c)
				n := 0
				for r, err := range c.SendBatch(t.Context(), each(want)) {
					require.NoError(t, err)
					require.NoError(t, r.Err)
					require.Equal(t, n, r.Index)
					require.Len(t, r.Receipt.Recipients, len(want[n].To)+len(want[n].Cc))
					n++
				}
				require.Equal(t, len(want), n)
				assertArrived(t, want, sb.Messages())
			}
		})
	}
}

// randomBatch are messages to addresses of their own, with what the account can say.
func randomBatch(seed uint64, n int, c *provider.Client) []*provider.Message {
	r := rand.New(rand.NewPCG(seed, 2))
	out := make([]*provider.Message, n)
	for i := range out {
		m := &provider.Message{
			From:    provider.Address{Email: []string{"shop@example.com", "news@example.com"}[r.IntN(2)]},
			To:      []provider.Address{{Email: fmt.Sprintf("to%d@example.com", i)}},
			Subject: fmt.Sprint("subject ", r.IntN(3)), HTML: fmt.Sprintf("<p>body %d</p>", r.IntN(3)),
		}
		if r.IntN(2) == 0 && c.Has(feature.MessageText) {
			m.Text = fmt.Sprint("text ", r.IntN(3))
		}
		if r.IntN(2) == 0 && c.Has(feature.MessageCc) {
			m.Cc = []provider.Address{{Email: fmt.Sprintf("cc%d@example.com", i)}}
		}
		if r.IntN(3) == 0 && c.Has(feature.MessageTags) {
			m.Tags = []string{fmt.Sprint("tag", r.IntN(2))}
		}
		if r.IntN(3) == 0 && c.Has(feature.MessageReplyTo) {
			m.ReplyTo = []provider.Address{{Email: fmt.Sprintf("reply%d@example.com", i)}}
		}
		if r.IntN(5) == 0 && c.Has(feature.MessageIdempotencyKey) {
			m.IdempotencyKey = fmt.Sprintf("%d/%d", seed, i)
		}
		out[i] = m
	}
	return out
}

func each(messages []*provider.Message) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func assertArrived(t *testing.T, want []*provider.Message, got []sandbox.Mail) {
	t.Helper()
	require.Len(t, got, len(want))
	byAddress := make(map[string]sandbox.Mail)
	for _, mail := range got {
		require.Len(t, mail.To, 1)
		byAddress[mail.To[0].Email] = mail
	}
	emails := func(list []provider.Address) (out []string) {
		for _, a := range list {
			out = append(out, a.Email)
		}
		return out
	}
	for _, m := range want {
		mail, ok := byAddress[m.To[0].Email]
		require.True(t, ok, "%s got nothing", m.To[0].Email)
		assert.Equal(t, m.From.Email, mail.From.Email)
		assert.Equal(t, m.Subject, mail.Subject)
		assert.Equal(t, m.HTML, mail.HTML)
		assert.Equal(t, m.Text, mail.Text)
		assert.Equal(t, emails(m.Cc), emails(mail.Cc))
		assert.Equal(t, emails(m.ReplyTo), emails(mail.ReplyTo))
		assert.Equal(t, len(m.Tags), len(mail.Tags))
	}
}

// Ten thousand mails are ten calls at Brevo, twenty at SMS.by.
func TestBatchCalls(t *testing.T) {
	for name, calls := range map[string]int{"brevo": 10, "smsby": 20} {
		t.Run(name, func(t *testing.T) {
			sb := sandbox.New(t)
			cfg := sb.Config()
			s := cfg.Providers[name]
			if name == "smsby" {
				s.Settings["send_via"] = provider.NewValue("bulk")
			}
			cfg.Providers[name] = s
			c, err := all.Open(t.Context(), cfg, provider.WithAccount(name))
			require.NoError(t, err)
			n := 0
			for r, err := range c.SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) {
				for i := range 10_000 {
					m := &provider.Message{
						From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: fmt.Sprintf("a%d@example.com", i)}},
						Subject: "s", HTML: "<p>x</p>",
					}
					if !yield(m, nil) {
						return
					}
				}
			}) {
				require.NoError(t, err)
				require.NoError(t, r.Err)
				n++
			}
			assert.Equal(t, 10_000, n)
			assert.Len(t, sb.Requests(name), calls)
			assert.Len(t, sb.Messages(), 10_000)
		})
	}
}
