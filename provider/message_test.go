package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// fullMessage is docs/contract.md's message, every key in it.
const fullMessage = `{
  "from": {"email": "shop@example.ir", "name": "فروشگاه"},
  "to": [{"email": "anna@example.com", "name": "Иванова, Анна"}],
  "cc": [{"email": "c@example.com"}],
  "bcc": [{"email": "d@example.com"}],
  "reply_to": [{"email": "e@example.com"}],
  "subject": "سفارش شما",
  "html": "<p>سلام</p>",
  "text": "سلام",
  "template": {"id": "12"},
  "variables": {"n": 1},
  "attachments": [{"name": "a.txt", "content": "aGVsbG8=", "content_type": "text/plain", "inline": true, "content_id": "c1"}, {"name": "b.pdf", "url": "https://files.example.com/b.pdf"}],
  "headers": {"X-A": "b"},
  "tags": ["t"],
  "metadata": {"k": "v"},
  "send_at": "2026-12-01T10:00:00+03:30",
  "track_opens": true,
  "track_clicks": false,
  "idempotency_key": "k1",
  "recipients": [{"email": "r@example.com", "name": "R", "variables": {"x": "y"}, "subject": "s", "html": "h", "text": "t"}]
}`

func TestAttach(t *testing.T) {
	for _, tc := range []struct {
		name, content, want string
		read                error
	}{
		{name: "a.txt", content: "hello"},
		{name: "a.txt", want: "attachments[0]: a.txt is empty"},
		{name: "a.txt", read: io.ErrUnexpectedEOF, want: "attachments[0]: cannot read the file: unexpected EOF"},
		{name: "a.txt", content: strings.Repeat("x", 64<<20+1), want: "attachments[0]: cannot read the file: it is larger than 64 MiB"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			var r io.Reader = strings.NewReader(tc.content)
			if tc.read != nil {
				r = iotest.ErrReader(tc.read)
			}
			path := filepath.Join(t.TempDir(), tc.name)
			require.NoError(t, os.WriteFile(path, []byte(tc.content), 0o600))
			m := new(provider.Message)
			errs := []error{m.Attach(tc.name, r)}
			if tc.read == nil {
				errs = append(errs, m.AttachFile(path))
			}
			for _, err := range errs {
				if tc.want != "" {
					require.ErrorIs(t, err, provider.ErrInvalid)
					assert.ErrorContains(t, err, tc.want)
					assert.Empty(t, m.Attachments)
					continue
				}
				require.NoError(t, err)
			}
			if tc.want == "" {
				one := provider.Attachment{Name: "a.txt", Content: []byte("hello")}
				assert.Equal(t, []provider.Attachment{one, one}, m.Attachments)
			}
		})
	}
	assert.ErrorIs(t, new(provider.Message).AttachFile(filepath.Join(t.TempDir(), "none")), fs.ErrNotExist)
}

func TestParseMessage(t *testing.T) {
	m, err := provider.ParseMessage([]byte(fullMessage))
	require.NoError(t, err)
	assert.Equal(t, "hello", string(m.Attachments[0].Content))
	assert.Equal(t, provider.ToggleOn, m.TrackOpens)
	assert.Equal(t, provider.ToggleOff, m.TrackClicks)
	assert.True(t, time.Date(2026, 12, 1, 6, 30, 0, 0, time.UTC).Equal(m.SendAt))
	back, err := json.Marshal(m)
	require.NoError(t, err)
	assert.JSONEq(t, fullMessage, string(back), "writing a message gives the keys that are read")
	small, err := json.Marshal(provider.Message{Subject: "x"})
	require.NoError(t, err)
	assert.Equal(t, `{"subject":"x"}`, string(small), "what is not set is not written")
}

func TestParseMessageNamesTheField(t *testing.T) {
	for text, want := range map[string]string{
		`{"subjct": "x"}`:                                    "subjct: unknown key",
		`{"to": "a@example.com"}`:                            "to: expected a list, got a text",
		`{"to": [{"mail": "x"}]}`:                            "mail: unknown key",
		`{"attachments": [{"name": "a", "content": "***"}]}`: "attachments[0].content: expected base64",
		`{"attachments": [{}, {"nam": "a"}]}`:                "attachments[1].nam: unknown key",
		`{"track_opens": "yes"}`:                             `expected true or false, got "yes"`,
		`{"send_at": "tomorrow"}`:                            "tomorrow",
		`{"subject": "x"} {"subject": "y"}`:                  "one JSON document",
		`{`:                                                  "JSON",
	} {
		_, err := provider.ParseMessage([]byte(text))
		require.ErrorIs(t, err, provider.ErrInvalid, text)
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), "nothing was sent")
	}
}

func TestCheckEmail(t *testing.T) {
	for _, good := range []string{"a@b.co", "first.last+tag@sub.example.com", "a@xn--mgbab2bd.example", "info@فروشگاه.example", "ivan@пример.рф", "a@نمونه\u200cها.example", strings.Repeat("a", 64) + "@example.com"} {
		assert.NoError(t, provider.CheckEmail(good), good)
	}
	for _, bad := range []string{
		"", "a", "a@", "@b.co", "a@b", "a@b.", "a@.b.co", "a b@c.co", "a@b .co", "a@-b.co", "a@b-.co", "a@b_c.co",
		"A <a@b.co>", "a@b.co,c@d.co", "a@b@c.co", "a..b@c.co", "a@b..co", "a@b.co\n", "a\u202e@b.co", "a\u200b@b.co", "a@b\u2028.co",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 64) + ".co", strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "co", "a@\xff.co", "(c)a@b.co",
	} {
		assert.Error(t, provider.CheckEmail(bad), "%q", bad)
	}
}

func TestErrorText(t *testing.T) {
	e := &provider.Error{Kind: provider.ErrRateLimited, Provider: "brevo", Account: "main", Op: "send", Outcome: provider.OutcomeNotSent, Status: 429, Code: "too_many", RequestID: "r1", RetryAfter: 7 * time.Second, Message: "slow down"}
	assert.Equal(t, "main (brevo): send: rate limited: slow down (status 429, code too_many, request r1, try again in 7s); nothing was sent", e.Error())
	assert.ErrorIs(t, e, provider.ErrRateLimited)
	data, err := json.Marshal(e)
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"rate_limited","provider":"brevo","account":"main","op":"send","outcome":"not_sent","status":429,"code":"too_many","message":"slow down","request_id":"r1","retry_after_s":7,"field":"","feature":""}`, string(data))
	u := provider.Unsupported(feature.MessageCc, "one recipient a mail")
	assert.ErrorIs(t, u, errors.ErrUnsupported)
	assert.NotErrorIs(t, e, errors.ErrUnsupported)
	assert.Equal(t, "message.cc is not supported: one recipient a mail; nothing was sent", u.Error())
	assert.Equal(t, "send: outcome unknown: cut; it may have been sent", (&provider.Error{Kind: provider.ErrOutcomeUnknown, Op: "send", Outcome: provider.OutcomeMaybeSent, Message: "cut"}).Error())
}

func TestReceiptJSON(t *testing.T) {
	r := provider.Receipt{
		Provider: "brevo", Account: "main", MessageID: "<1@x>", BatchID: "b", State: provider.StateAccepted,
		Recipients:     []provider.RecipientResult{{Email: "a@example.com", MessageID: "<1@x>", State: provider.StateAccepted}},
		Notes:          []provider.Note{{Field: "headers", Action: provider.NoteDropped, Why: "policy"}},
		Accounts:       []provider.AccountResult{{Provider: "brevo", Account: "main", Outcome: provider.OutcomeSent, Took: 12 * time.Millisecond}},
		IdempotencyKey: "k",
	}
	data, err := json.Marshal(r)
	require.NoError(t, err)
	assert.JSONEq(t, `{"provider":"brevo","account":"main","message_id":"<1@x>","batch_id":"b","state":"accepted",
		"recipients":[{"email":"a@example.com","message_id":"<1@x>","state":"accepted"}],
		"notes":[{"field":"headers","action":"dropped","why":"policy"}],
		"accounts":[{"provider":"brevo","account":"main","outcome":"sent","took_ms":12}],"idempotency_key":"k"}`, string(data))
}

func TestChangeSaysLeaveSetOrClear(t *testing.T) {
	var c provider.ContactChange
	require.NoError(t, json.Unmarshal([]byte(`{"email":"a@example.com","first_name":"نگار","last_name":null,"fields":{"CITY":null,"AGE":5}}`), &c))
	assert.True(t, c.Phone.IsZero())
	assert.True(t, c.FirstName.IsSet())
	assert.True(t, c.LastName.Clears())
	assert.Equal(t, map[string]any{"CITY": nil, "AGE": 5.0}, c.Fields)
	data, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, `{"email":"a@example.com","first_name":"نگار","last_name":null,"fields":{"CITY":null,"AGE":5}}`, string(data))
}

// No exported type prints a key, whatever it is nested in.
func TestNothingExportedPrintsAKey(t *testing.T) {
	const planted = "PLANTED-4711"
	values := []any{
		provider.NewSecret(planted),
		provider.AccountConfig{"api_key": planted},
		provider.AccountConfig{"proxy": "http://user:" + planted + "@proxy.example.com:3128"},
		provider.AccountSettings{Proxy: provider.NewSecret("http://user:" + planted + "@proxy.example.com:3128")},
		brevo.Config{AccountSettings: provider.AccountSettings{Proxy: provider.NewSecret(planted)}, APIKey: provider.NewSecret(planted)},
		provider.Config{Providers: map[string]provider.AccountConfig{"a": {"k": map[string]any{"x": planted}}}},
		struct {
			S provider.Secret
			P *provider.Secret
		}{S: provider.NewSecret(planted), P: new(provider.NewSecret(planted))},
	}
	var out strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", v, &v, []any{v})
		}
		data, err := json.Marshal(map[string]any{"v": v})
		require.NoError(t, err)
		out.Write(data)
		data, err = yaml.Marshal(map[string]any{"v": v, "list": []any{v}})
		require.NoError(t, err)
		out.Write(data)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	assert.NotContains(t, out.String(), planted)
	assert.NotContains(t, strings.ToLower(out.String()), fmt.Sprintf("%x", planted))
}

func TestAccepted(t *testing.T) {
	for _, row := range []struct {
		name   string
		sendAt time.Time
		want   provider.State
	}{
		{name: "at once", want: provider.StateAccepted},
		{name: "later", sendAt: time.Unix(1, 0), want: provider.StateScheduled},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := &provider.Message{
				To: []provider.Address{{Email: "a@example.com"}}, Bcc: []provider.Address{{Email: "b@example.com"}}, SendAt: row.sendAt,
			}
			assert.Equal(t, &provider.Receipt{MessageID: "7", State: row.want, Recipients: []provider.RecipientResult{
				{Email: "a@example.com", MessageID: "7", State: row.want}, {Email: "b@example.com", MessageID: "7", State: row.want},
			}}, m.Accepted("7"))
		})
	}
}
