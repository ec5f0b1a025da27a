package provider_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func plainMessage() *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: "anna@example.com"}}, Subject: "x", Text: "x"}
}

func TestHeadersThatAreOurs(t *testing.T) {
	check := func(headers map[string]string) error {
		m := plainMessage()
		m.Headers = headers
		return m.Validate()
	}
	for _, name := range []string{
		"From", "TO", "cc", "Bcc", "Reply-To", "Subject", "MIME-Version", "Content-Type", "content-transfer-encoding", "Content-", "DKIM-Signature", "dkim-x",
		"idempotencyKey", "Idempotency-Key", "X-Mailin-Custom", "", " ", "X A", "X:A", "X\r\nBcc", "سلام", "X\x00", "X(a)", "X\"", "X\u00e9", strings.Repeat("X", 77),
	} {
		assert.ErrorIs(t, check(map[string]string{name: "x"}), provider.ErrInvalid, "%q", name)
	}
	assert.ErrorIs(t, check(map[string]string{"X-A": "1", "x-a": "2"}), provider.ErrInvalid, "one header in two spellings")
	for name, value := range map[string]string{
		"X-A": "b", "List-Unsubscribe": "<https://x.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "In-Reply-To": "<1@x.example>",
		"Precedence": "bulk", "X-Persian": "می\u200cخواهم", "X_B!#$": "", strings.Repeat("X", 76): strings.Repeat("a", 998),
	} {
		assert.NoError(t, check(map[string]string{name: value}), "%q", name)
	}
}

func TestAttachmentsThatLeaveTheirPlace(t *testing.T) {
	check := func(a provider.Attachment) error {
		m := plainMessage()
		m.Attachments = []provider.Attachment{a}
		return m.Validate()
	}
	for _, name := range []string{".", "..", "../a", "a/b", `a\b`, `..\a`, "/etc/passwd", "a\r\nX: y", "a\x00.pdf", "\u202efdp.exe", "\xff.pdf", strings.Repeat("a", 256)} {
		assert.ErrorIs(t, check(provider.Attachment{Name: name, Content: []byte("x")}), provider.ErrInvalid, "%q", name)
	}
	for _, name := range []string{"a", "گزارش\u200cها.pdf", "...", ".profile", "a..b", "a%2f..%2fb", `"a".txt`, "=cmd().csv", strings.Repeat("a", 255)} {
		assert.NoError(t, check(provider.Attachment{Name: name, Content: []byte("x")}), "%q", name)
	}
	for _, link := range []string{
		"http://x.example/a", "ftp://x.example/a", "file:///etc/passwd", "javascript:alert(1)", "data:text/plain,x", "//x.example/a", "x.example/a", "https://", "https:///a", "https://:443/a",
		"https://x.example/a\r\nX: y", "https://x.example/a b", "https://x.example/\u202ea", "https://x.example/\xff", "https://x.example/%zz",
	} {
		assert.ErrorIs(t, check(provider.Attachment{URL: link}), provider.ErrInvalid, "%q", link)
	}
	assert.NoError(t, check(provider.Attachment{URL: "https://x.example/a%20b?c=d", Name: "a.pdf"}))
	for _, typ := range []string{"text", "text/", "/plain", "text/plain\r\nX: y", "text/plain; charset=", "a/b/c", "text plain"} {
		assert.ErrorIs(t, check(provider.Attachment{Name: "a", Content: []byte("x"), ContentType: typ}), provider.ErrInvalid, "%q", typ)
	}
	assert.NoError(t, check(provider.Attachment{Name: "a", Content: []byte("x"), ContentType: "text/plain; charset=utf-8"}))
}

// JSON would write other characters in place of broken UTF-8 without a word.
func TestContentThatWouldChange(t *testing.T) {
	for field, put := range map[string]func(m *provider.Message, s string){
		"html":      func(m *provider.Message, s string) { m.HTML = s },
		"text":      func(m *provider.Message, s string) { m.Text = s },
		"variables": func(m *provider.Message, s string) { m.Variables = map[string]any{"a": []any{map[string]any{"b": s}}} },
		"recipients[0].": func(m *provider.Message, s string) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", HTML: s}}
		},
		"recipients[0].var": func(m *provider.Message, s string) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", Variables: map[string]any{"a": s}}}
		},
	} {
		for _, text := range []string{"a\xff", "a\x00b"} {
			m := plainMessage()
			put(m, text)
			var e *provider.Error
			require.ErrorAs(t, m.Validate(), &e, "%s %q", field, text)
			assert.True(t, strings.HasPrefix(e.Field, field), e.Field)
		}
		m := plainMessage()
		put(m, "می\u200cخواهم\r\n\t\u202eb")
		assert.NoError(t, m.Validate(), field)
	}
	m := plainMessage()
	m.Subject, m.To[0].Name = strings.Repeat("a", 998), "می\u200cخواهم \u200fب"
	assert.NoError(t, m.Validate(), "joiners and marks of direction are part of names")
	m.Tags = []string{""}
	assert.ErrorIs(t, m.Validate(), provider.ErrInvalid)
}

// Isolates may stand where a mail program shows text, each closed, and nowhere else.
func TestIsolates(t *testing.T) {
	const closed, open = "سفارش \u2068A-1\u2069 رسید", "سفارش \u2068A-1 رسید"
	for _, row := range []struct {
		name  string
		put   func(m *provider.Message, s string)
		shown bool
	}{
		{name: "subject", shown: true, put: func(m *provider.Message, s string) { m.Subject = s }},
		{name: "to[0].name", shown: true, put: func(m *provider.Message, s string) { m.To[0].Name = s }},
		{name: "from.name", shown: true, put: func(m *provider.Message, s string) {
			m.From = provider.Address{Email: "shop@example.com", Name: s}
		}},
		{name: "recipients[0].name", shown: true, put: func(m *provider.Message, s string) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", Name: s}}
		}},
		{name: "recipients[0].subject", shown: true, put: func(m *provider.Message, s string) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", Subject: s}}
		}},
		{name: "tags[0]", put: func(m *provider.Message, s string) { m.Tags = []string{s} }},
		{name: "headers.X-A", put: func(m *provider.Message, s string) { m.Headers = map[string]string{"X-A": s} }},
		{name: "metadata.a", put: func(m *provider.Message, s string) { m.Metadata = map[string]string{"a": s} }},
		{name: "attachments[0].name", put: func(m *provider.Message, s string) {
			m.Attachments = []provider.Attachment{{Name: s, Content: []byte("x")}}
		}},
		{name: "idempotency_key", put: func(m *provider.Message, s string) { m.IdempotencyKey = s }},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, text := range []string{closed, open} {
				m := plainMessage()
				row.put(m, text)
				err := m.Validate()
				if row.shown && text == closed {
					assert.NoError(t, err)
					continue
				}
				var e *provider.Error
				require.ErrorAs(t, err, &e, "%q", text)
				assert.Equal(t, row.name, e.Field)
			}
		})
	}
}

// What a vendor wrote is shown short and on one line.
func TestErrorIsOneLine(t *testing.T) {
	e := &provider.Error{Kind: provider.ErrInvalid, Status: 400, Code: "a\nb", RequestID: "r\x1b[31m", Message: "x\r\ny\u2028z\u202e" + strings.Repeat("a", 100_000) + "\xff"}
	assert.NotRegexp(t, "[\\x00-\\x1f\u2028\u202e]", e.Error())
	assert.Less(t, len(e.Error()), 3000)
}

// The check of plain addresses in one pass says what the thorough one says: a
// domain beyond ASCII in front sends every other label through the latter.
func TestPlainDomainsAreCheckedAlike(t *testing.T) {
	long := strings.Repeat("b", 63)
	for _, domain := range []string{
		"b.co", "b", "b.", ".b", "b..co", "-b.co", "b-.co", "b.-co", "b.co-", "b-c.co", "1.2", "b.1", "1.b", "b.1-1", "b.1a", "b._", "", ".", "-", "B.CO",
		long + ".co", long + "b.co", "co." + long, "co." + long + "b",
	} {
		plain, thorough := provider.CheckEmail("a@x."+domain), provider.CheckEmail("a@é."+domain)
		assert.Equal(t, thorough == nil, plain == nil, "%q: %v, %v", domain, plain, thorough)
	}
}

func TestVariablesThatHoldThemselves(t *testing.T) {
	m := order()
	loop := map[string]any{"x": 1}
	loop["self"] = []any{loop}
	m.Variables = loop
	err := m.Validate()
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "variables: expected values nested at most 100 deep")
}
