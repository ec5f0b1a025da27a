package all_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/sendpulse"
	"github.com/postmux/postmux/smsby"
)

// A double takes and refuses what the vendor's account does before its first request, in
// the same words, and keeps what it takes.
func TestDoublesAreLikeTheirVendors(t *testing.T) {
	shop := provider.WithFrom(provider.Address{Email: "shop@example.com", Name: "Shop"})
	dry := provider.WithDryRun(func(provider.WireRequest) {})
	open := map[string]func() (*provider.Client, error){
		"brevo":   func() (*provider.Client, error) { return brevo.New("k", shop, dry) },
		"pakat":   func() (*provider.Client, error) { return pakat.New("k", shop, dry) },
		"pakatv3": func() (*provider.Client, error) { return pakat.NewV3("k", shop, dry) },
		"sendpulse": func() (*provider.Client, error) {
			return sendpulse.Open(sendpulse.Config{APIKey: provider.NewSecret("k")}, shop, dry)
		},
		"smsby": func() (*provider.Client, error) {
			return smsby.Open(smsby.Config{Token: provider.NewSecret("k"), TimeZone: "UTC"}, shop, dry)
		},
	}
	to := func(emails ...string) (out []provider.Address) {
		for _, e := range emails {
			out = append(out, provider.Address{Email: e})
		}
		return out
	}
	file := provider.Attachment{Name: "a.pdf", Content: []byte("%PDF"), ContentType: "application/pdf"}
	for _, tt := range []struct {
		name    string
		message provider.Message
	}{
		{"ordinary", provider.Message{}},
		{"text and HTML", provider.Message{Text: "x"}},
		{"address in another script", provider.Message{To: to("анна@пример.бел")}},
		{"domain in another script", provider.Message{To: to("anna@пример.бел")}},
		{"wrong address", provider.Message{To: to("anna@")}},
		{"two recipients", provider.Message{To: to("a@example.com", "b@example.com")}},
		{"copies", provider.Message{Cc: to("c@example.com"), Bcc: to("b@example.com")}},
		{"two addresses for answers", provider.Message{ReplyTo: to("a@example.com", "b@example.com")}},
		{"file", provider.Message{Attachments: []provider.Attachment{file}}},
		{"two files", provider.Message{Attachments: []provider.Attachment{file, file}}},
		{"inline file", provider.Message{Attachments: []provider.Attachment{{Name: "a.png", Content: []byte("x"), ContentType: "image/png", Inline: true, ContentID: "a"}}}},
		{"tags and data", provider.Message{Tags: []string{"a"}, Metadata: map[string]string{"a": "b"}}},
		{"header", provider.Message{Headers: map[string]string{"List-Unsubscribe": "<https://example.com/u>"}}},
		{"header that the vendor writes", provider.Message{Headers: map[string]string{"Date": "now"}}},
		{"later", provider.Message{SendAt: time.Now().Add(time.Hour)}},
		{"in ten years", provider.Message{SendAt: time.Now().AddDate(10, 0, 0)}},
		{"key", provider.Message{IdempotencyKey: "order 4711"}},
		{"placeholders", provider.Message{HTML: "Dear {{name}}"}},
		{"personal", provider.Message{Recipients: []provider.Recipient{{Email: "a@example.com"}, {Email: "b@example.com"}}}},
	} {
		m := tt.message
		m.Subject = "Заказ 4711"
		if m.HTML == "" {
			m.HTML = "<p>سلام</p>"
		}
		if m.To == nil && m.Recipients == nil {
			m.To = to("anna@example.com")
		}
		for name := range open {
			t.Run(tt.name+" at "+name, func(t *testing.T) {
				vendor, err := open[name]()
				require.NoError(t, err)
				store, err := all.Memory(name)
				require.NoError(t, err)
				double, err := store.Client()
				require.NoError(t, err)
				assert.Equal(t, vendor.Capabilities(), double.Capabilities())
				_, want := vendor.Send(t.Context(), &m)
				r, got := double.Send(t.Context(), &m)
				if errors.Is(want, provider.ErrDryRun) {
					require.NoError(t, got)
					assert.NotEmpty(t, store.Messages())
					assert.Equal(t, name, r.Provider)
					return
				}
				assert.Empty(t, store.Messages())
				require.Error(t, want)
				require.Error(t, got)
				assert.Equal(t, ago(want), ago(got))
			})
		}
	}
	_, err := all.Memory("mailgun")
	assert.EqualError(t, err, `no vendor is called "mailgun"; known: brevo, pakat, pakatv3, sendpulse, smsby`)
}

// ago leaves the part of an error out that has a time in it.
func ago(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", which is")
	return text
}

// A double takes the settings of an account: sender, policy, aliases, what its adapter has
// with them.
func TestDoubleOfAnAccount(t *testing.T) {
	store, err := memory.Like(smsby.Driver(), provider.AccountConfig{
		"token": "any", "from": "Laden <laden@example.com>", "policy": map[string]any{"message.tags": "drop"},
		"send_via": "bulk", "require": []any{"message.status"},
	})
	require.NoError(t, err)
	store.AddList("4", "newsletter")
	c, err := store.Client()
	require.NoError(t, err)
	r, err := c.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "x", HTML: "x", Tags: []string{"a"},
	})
	require.NoError(t, err)
	assert.Equal(t, provider.NoteDropped, r.Notes[0].Action)
	sent, err := store.Wait(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "laden@example.com", sent[0].Message.From.Email)
	_, err = c.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "x", HTML: "x",
		Attachments: []provider.Attachment{{Name: "a.pdf", Content: []byte("x"), ContentType: "application/pdf"}},
	})
	assert.ErrorContains(t, err, "smsby: send: message.attachments is not supported: send_via bulk takes no files")
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.com", Lists: []provider.Ref{{Alias: "newsletter"}}})
	require.NoError(t, err)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.com"})
	assert.ErrorIs(t, err, errors.ErrUnsupported, "a contact is on a list there")
	_, err = memory.Like(smsby.Driver(), provider.AccountConfig{"send_via": "pigeon"})
	assert.ErrorIs(t, err, provider.ErrConfig)
}
