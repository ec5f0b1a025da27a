package brevo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

const key = "0b9c2f0e-6c1d-4a5e-9a53-3f2a7d0c1e44"

// The golden files were written from the vendor's specification and guides, not
// from what the code gives.
func golden(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(data)
}

func wire(t *testing.T, m *provider.Message) string {
	t.Helper()
	body, _, err := emailToAPI(m, key)
	require.NoError(t, err)
	data, err := json.Marshal(body)
	require.NoError(t, err)
	return string(data)
}

func TestEmailToAPI(t *testing.T) {
	m := &provider.Message{
		From:    provider.Address{Email: "shop@نمونه.example", Name: "فروشگاه"},
		To:      []provider.Address{{Email: "anna@example.com", Name: "Иванова, Анна"}, {Email: "b@example.com"}},
		Cc:      []provider.Address{{Email: "c@example.com", Name: "C"}},
		Bcc:     []provider.Address{{Email: "d@example.com"}},
		ReplyTo: []provider.Address{{Email: "help@example.ir", Name: "کمک"}},
		Subject: "سفارش شما", HTML: "<p>سلام & درود</p>", Text: "سلام",
		Attachments: []provider.Attachment{{Name: "order.txt", Content: []byte("1042\n")}, {Name: "terms.pdf", URL: "https://files.example.com/terms.pdf"}},
		Headers:     map[string]string{"X-Order": "1042", "X-Note": "срочно"},
		Metadata:    map[string]string{"order": "1042", "city": "تهران"},
		Variables:   map[string]any{"ORDER": 1042},
		Tags:        []string{"order", "ir"},
		SendAt:      time.Date(2026, 12, 1, 10, 0, 0, 0, time.FixedZone("", 12600)),
	}
	assert.JSONEq(t, golden(t, "send_full.golden.json"), wire(t, m))
	_, notes, err := emailToAPI(m, key)
	require.NoError(t, err)
	var fields []string
	for _, n := range notes {
		fields = append(fields, n.Field+" "+string(n.Action))
	}
	assert.Equal(t, []string{"to[0].name converted", "headers.X-Note converted"}, fields)
}

func TestVersionsToAPI(t *testing.T) {
	m := &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, Template: provider.Ref{ID: "12"}, Variables: map[string]any{"SHOP": "x"},
		Recipients: []provider.Recipient{
			{Email: "a@example.com", Name: "A", Variables: map[string]any{"NAME": "Анна"}},
			{Email: "b@example.com", Subject: "для вас"},
		},
	}
	assert.JSONEq(t, golden(t, "send_versions.golden.json"), wire(t, m))
}

// What one recipient has and another has not would come from the first: the
// vendor fills a version from the top level.
func TestNobodyGetsAnothersContent(t *testing.T) {
	base := func(all provider.Message, r ...provider.Recipient) *provider.Message {
		all.From, all.Subject, all.Recipients = provider.Address{Email: "shop@example.com"}, "s", r
		return &all
	}
	for field, m := range map[string]*provider.Message{
		"recipients[1].text": base(provider.Message{}, provider.Recipient{Email: "a@example.com", HTML: "<p>a</p>", Text: "a"}, provider.Recipient{Email: "b@example.com", HTML: "<p>b</p>"}),
		"recipients[1].html": base(provider.Message{Text: "all"}, provider.Recipient{Email: "a@example.com", HTML: "<p>a</p>"}, provider.Recipient{Email: "b@example.com"}),
	} {
		_, _, err := emailToAPI(m, key)
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, field, e.Field)
	}
	body, _, err := emailToAPI(base(provider.Message{HTML: "<p>all</p>"}, provider.Recipient{Email: "a@example.com"}, provider.Recipient{Email: "b@example.com", HTML: "<p>b</p>", Subject: "own"}), key)
	require.NoError(t, err)
	assert.Equal(t, "<p>all</p>", *body.HTMLContent)
	assert.Nil(t, body.MessageVersions[0].HTMLContent)
	assert.Equal(t, "<p>b</p>", *body.MessageVersions[1].HTMLContent)
	assert.Equal(t, "own", *body.MessageVersions[1].Subject)
	assert.Nil(t, body.TextContent)
}

func TestBadTemplateID(t *testing.T) {
	_, _, err := emailToAPI(&provider.Message{Template: provider.Ref{ID: "welcome"}, To: []provider.Address{{Email: "a@example.com"}}}, key)
	assert.ErrorContains(t, err, "template.id: expected the number of a template")
}

func TestSendKey(t *testing.T) {
	assert.Equal(t, key, sendKey("main", key))
	assert.NotEqual(t, sendKey("main", ""), sendKey("main", ""))
	assert.Equal(t, sendKey("main", "order-1"), sendKey("main", "order-1"))
	assert.NotEqual(t, sendKey("main", "order-1"), sendKey("backup", "order-1"))
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab]`, sendKey("main", "order-1"))
}

// The sample is api/brevo/examples; the values beside it are read off by hand.
func TestContactFromAPI(t *testing.T) {
	var d brevoapi.ContactDetails
	require.NoError(t, json.Unmarshal([]byte(`{"email":"anna@example.com","id":42,"emailBlacklisted":true,"smsBlacklisted":false,
		"createdAt":"2026-03-04T05:06:07.000+03:30","modifiedAt":"2026-03-05T05:06:07Z","listIds":[4,7],"listUnsubscribed":[7,9],
		"attributes":{"FIRSTNAME":"Анна","LASTNAME":"Иванова","SMS":"989121234567","POINTS":12.5,"VIP":true,"BIRTHDAY":"2000-01-02","BIG":12345678901234567890,"NIL":null},"statistics":{}}`), &d))
	c, err := contactFromDetails(&d).Portable()
	require.NoError(t, err)
	assert.Equal(t, provider.Contact{
		Email: "anna@example.com", Phone: "989121234567", FirstName: "Анна", LastName: "Иванова",
		Fields: map[string]any{"POINTS": 12.5, "VIP": true, "BIRTHDAY": "2000-01-02", "BIG": json.Number("12345678901234567890")},
		Memberships: []provider.Membership{
			{List: "4", Status: provider.StatusBlocked}, {List: "7", Status: provider.StatusUnsubscribed}, {List: "9", Status: provider.StatusUnsubscribed},
		},
		Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"}},
		CreatedAt:  c.CreatedAt, ModifiedAt: time.Date(2026, 3, 5, 5, 6, 7, 0, time.UTC),
	}, c)
	assert.True(t, c.CreatedAt.Equal(time.Date(2026, 3, 4, 1, 36, 7, 0, time.UTC)))
}
