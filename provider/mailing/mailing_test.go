package mailing_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/mailing"
)

var secret = provider.NewSecret("0123456789abcdef")

func config() mailing.Config {
	return mailing.Config{
		Name: "spring", List: provider.Ref{ID: "4"},
		Message: provider.Message{
			From:    provider.Address{Email: "shop@example.com"},
			Subject: `Hello {{or .FirstName "reader"}}`,
			HTML:    `<p title="{{.Field "city"}}">Dear {{.FirstName}}</p><a href="{{.UnsubscribeURL}}">leave</a>`,
			Text:    `Dear {{.FirstName}} of {{.Field "city"}}: {{.UnsubscribeURL}}`,
		},
		Unsubscribe: mailing.Unsubscribe{Link: "https://example.com/leave?t={token}", Secret: secret},
	}
}

func TestMessage(t *testing.T) {
	m, err := mailing.New(config())
	require.NoError(t, err)
	msg, notes, err := m.Message(provider.Contact{
		Email: "Anna@Example.com", FirstName: "Anna", LastName: "O'Hara",
		Fields: map[string]any{"city": "Minsk"},
	})
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Equal(t, "Hello Anna", msg.Subject)
	assert.Equal(t, []provider.Address{{Email: "Anna@Example.com", Name: "Anna O'Hara"}}, msg.To)
	assert.Equal(t, "spring/anna@example.com", msg.IdempotencyKey)
	assert.Contains(t, msg.HTML, `<p title="Minsk">Dear Anna</p>`)
	assert.Contains(t, msg.Text, "Dear Anna of Minsk: https://example.com/leave?t=")
	link := strings.Trim(msg.Headers["List-Unsubscribe"], "<>")
	assert.Contains(t, msg.Text, link)
	assert.Equal(t, "List-Unsubscribe=One-Click", msg.Headers["List-Unsubscribe-Post"])
	assert.NoError(t, msg.Validate())

	again, _, err := m.Message(provider.Contact{Email: "boris@example.com"})
	require.NoError(t, err)
	assert.Equal(t, "Hello reader", again.Subject)
	assert.Contains(t, again.Text, "Dear  of : ", "the mail of one contact leaves nothing in the next")
}

func TestFields(t *testing.T) {
	c := config()
	c.Message = provider.Message{Subject: "s", Text: `{{.Field "n"}} {{.Field "big"}} {{if .Field "vip"}}vip{{end}} {{.Field "tags"}}{{with .Field "more"}}{{range .}} <{{.}}>{{end}}{{end}} {{.Phone}} {{.ExternalID}} {{.Email}}`}
	m, err := mailing.New(c)
	require.NoError(t, err)
	msg, _, err := m.Message(provider.Contact{
		Email: "a@example.com", Phone: "+375291234567", ExternalID: "7",
		Fields: map[string]any{
			"n": 1234567.5, "big": json.Number("12345678901234567890"), "vip": true,
			"tags": []string{"a", "b"}, "more": []any{"c", "d"},
		},
	})
	require.NoError(t, err)
	assert.Equal(t, "1234567.5 12345678901234567890 vip a, b <c> <d> +375291234567 7 a@example.com", msg.Text)
}

func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*mailing.Config)
		want   string
	}{
		{"no name", func(c *mailing.Config) { c.Name = " " }, "name"},
		{"recipients", func(c *mailing.Config) { c.Message.To = []provider.Address{{Email: "a@example.com"}} }, "message.to"},
		{"a key", func(c *mailing.Config) { c.Message.IdempotencyKey = "k" }, "message.idempotency_key"},
		{"a header of its own", func(c *mailing.Config) {
			c.Message.Headers = map[string]string{"list-unsubscribe": "<mailto:a@example.com>"}
		}, "message.headers"},
		{"no way out", func(c *mailing.Config) { c.Unsubscribe = mailing.Unsubscribe{} }, "unsubscribe"},
		{"none beside a link", func(c *mailing.Config) { c.Unsubscribe.None = true }, "unsubscribe.none"},
		{"no token", func(c *mailing.Config) { c.Unsubscribe.Link = "https://example.com/leave" }, "unsubscribe.link"},
		{"no secret", func(c *mailing.Config) { c.Unsubscribe.Secret = provider.NewSecret("short") }, "unsubscribe.secret"},
		{"no https", func(c *mailing.Config) { c.Unsubscribe.Link = "http://example.com/{token}" }, "unsubscribe"},
		{"a template that does not end", func(c *mailing.Config) { c.Message.Text = "{{if" }, "message.text"},
		{"a field that contacts do not have", func(c *mailing.Config) { c.Message.HTML = "{{.Firstname}}" }, "message.html"},
		{"a function that templates do not have", func(c *mailing.Config) { c.Message.Subject = "{{env}}" }, "message.subject"},
		{"a bad variable", func(c *mailing.Config) { c.Message.Variables = map[string]any{"x": "{{"} }, "message.variables.x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config()
			tt.change(&c)
			_, err := mailing.New(c)
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, provider.ErrInvalid)
			assert.Equal(t, tt.want, strings.ReplaceAll(e.Field, `"`, ""))
		})
	}
}

func TestParse(t *testing.T) {
	t.Setenv("MAILING_SECRET", "0123456789abcdef")
	c, err := mailing.Parse([]byte(`{"name": "spring", "list": "newsletter",
		"message": {"subject": "s", "text": "t"},
		"unsubscribe": {"link": "https://example.com/{token}", "secret": "env:MAILING_SECRET"}}`))
	require.NoError(t, err)
	assert.Equal(t, provider.Ref{Alias: "newsletter"}, c.List)
	assert.Equal(t, "0123456789abcdef", c.Unsubscribe.Secret.Reveal())
	_, err = mailing.New(c)
	require.NoError(t, err)

	for _, tt := range []struct{ name, doc, want string }{
		{"a key that nobody knows", `{"nam": "x"}`, "nam"},
		{"a secret that is not there", `{"unsubscribe": {"secret": "env:NOT_SET_ANYWHERE"}}`, "unsubscribe.secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mailing.Parse([]byte(tt.doc))
			assert.ErrorContains(t, err, tt.want)
			assert.ErrorIs(t, err, provider.ErrInvalid)
		})
	}
}

// A mail address, or nothing, instead of a link.
func TestOtherWaysOut(t *testing.T) {
	c := config()
	c.Unsubscribe = mailing.Unsubscribe{Mailto: "leave@example.com"}
	m, err := mailing.New(c)
	require.NoError(t, err)
	msg, _, err := m.Message(provider.Contact{Email: "a@example.com"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"List-Unsubscribe": "<mailto:leave@example.com>"}, msg.Headers)
	assert.Contains(t, msg.Text, "mailto:leave@example.com")

	c.Unsubscribe = mailing.Unsubscribe{None: true}
	m, err = mailing.New(c)
	require.NoError(t, err)
	msg, _, err = m.Message(provider.Contact{Email: "a@example.com"})
	require.NoError(t, err)
	assert.Empty(t, msg.Headers)
}

// hostile are values of fields that try to be more than a value.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{ contact.EMAIL }}`, `{% include "x" %}`,
	"{{.UnsubscribeURL}}", "{", "}}", "a\r\nBcc: everybody@example.com", "a\nb", "a\u2028b", "\u202egnol", "\x00\x1b[2J", "\xff\xfe",
	"javascript:alert(1)", "' onload='x", "&lt;b&gt;", "<!--", "]]>", "\u2066never ended",
}

// shape is a mail without the words in it: what a hostile value must not change.
func shape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("<>\"{}\n\r%", r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func checkHostile(t *testing.T, value string) {
	c := config()
	c.Message.Variables = map[string]any{"name": "{{.FirstName}}{{.LastName}}", "n": 1}
	c.Message.HTML = `<p title="{{.FirstName}}">{{.FirstName}}{{.LastName}} {{.Field "city"}}</p><a href="{{.Field "city"}}">x</a>`
	c.Message.Text = `{{.FirstName}}{{.LastName}} {{.Field "city"}} {{.UnsubscribeURL}}`
	c.Message.Subject = `News for {{.FirstName}}{{.LastName}}`
	m, err := mailing.New(c)
	require.NoError(t, err)
	plain, _, err := m.Message(provider.Contact{Email: "a@example.com", FirstName: "Anna", LastName: "X", Fields: map[string]any{"city": "Minsk"}})
	require.NoError(t, err)
	msg, notes, err := m.Message(provider.Contact{Email: "a@example.com", FirstName: value, LastName: value, Fields: map[string]any{"city": value}})
	require.NoError(t, err)
	percent := strings.NewReplacer("%", "")
	assert.Equal(t, percent.Replace(shape(plain.HTML)), percent.Replace(shape(msg.HTML)), "%q: %s", value, msg.HTML)
	assert.NotContains(t, msg.HTML, `href="javascript:`)
	for _, text := range []string{msg.Subject, msg.Text, msg.To[0].Name, msg.HTML} {
		assert.NotContains(t, text, "{", "%q", value)
		assert.NotContains(t, text, "}", "%q", value)
		assert.NotContains(t, text, "\n", "%q", value)
	}
	assert.Empty(t, strings.Trim(shape(msg.Variables["name"].(string)), "%"), "%q", value)
	assert.NoError(t, msg.Validate(), "%q", value)
	assert.Equal(t, plain.Headers, msg.Headers)
	if strings.ContainsAny(strings.TrimSpace(value), "{}\n") {
		assert.NotEmpty(t, notes)
	}
}

func TestHostileFields(t *testing.T) {
	for _, value := range hostile {
		checkHostile(t, value)
	}
}

func FuzzHostileFields(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) < 1000 {
			checkHostile(t, value)
		}
	})
}
