package pakat

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func v3FullMessage() *provider.Message {
	return &provider.Message{
		From:    provider.Address{Email: "shop@example.ir", Name: "فروشگاه نمونه"},
		To:      []provider.Address{{Email: "mina@example.ir", Name: "رضایی, مینا"}, {Email: "oleg@пример.example"}},
		Cc:      []provider.Address{{Email: "archive@example.ir", Name: "Archive, Inc."}},
		Bcc:     []provider.Address{{Email: "audit@example.ir", Name: "بایگانی"}},
		ReplyTo: []provider.Address{{Email: "help@example.ir", Name: "پشتیبانی"}},
		Subject: "رسید سفارش ۱۲", HTML: "<p>سفارش ۱۲ ارسال شد.</p>", Text: "سفارش ۱۲ ارسال شد.",
		Attachments: []provider.Attachment{
			{Name: "receipt.pdf", Content: []byte("hello")},
			{Name: "terms.pdf", URL: "https://example.ir/terms.pdf"},
			{URL: "https://example.ir/map.png"},
		},
		Headers:  map[string]string{"X-Order": "سفارش"},
		Metadata: map[string]string{"order": "12"},
		Tags:     []string{"order", "receipt"},
		SendAt:   time.Date(2026, 12, 1, 12, 30, 0, 0, time.FixedZone("", 12600)),
	}
}

func v3TemplateMessage() *provider.Message {
	return &provider.Message{
		To:       []provider.Address{{Email: "mina@example.ir"}},
		Template: provider.Ref{ID: "12"}, Variables: map[string]any{"NAME": "مینا", "ORDER": 12},
		Attachments: []provider.Attachment{{Name: "terms.pdf", URL: "https://example.ir/terms.pdf"}},
	}
}

func TestV3EmailToAPI(t *testing.T) {
	for name, m := range map[string]*provider.Message{"full": v3FullMessage(), "template": v3TemplateMessage()} {
		t.Run(name, func(t *testing.T) {
			body, _, err := v3EmailToAPI(m)
			require.NoError(t, err)
			got, err := json.Marshal(body)
			require.NoError(t, err)
			want, err := os.ReadFile(filepath.Join("testdata", "v3_email_"+name+".golden"))
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
		})
	}
}

func TestV3EmailNotes(t *testing.T) {
	_, notes, err := v3EmailToAPI(v3FullMessage())
	require.NoError(t, err)
	assert.Equal(t, []string{"to[0].name converted", "send_at warning", "headers.X-Order converted"}, v3Notes(notes))
	_, notes, err = v3EmailToAPI(v3TemplateMessage())
	require.NoError(t, err)
	assert.Equal(t, []string{"attachments[0] warning"}, v3Notes(notes))
}

func v3Notes(notes []provider.Note) []string {
	out := []string{}
	for _, n := range notes {
		out = append(out, n.Field+" "+string(n.Action))
	}
	return out
}

func TestV3EmailRefused(t *testing.T) {
	for field, change := range map[string]func(*provider.Message){
		"template.id":            func(m *provider.Message) { m.Template = provider.Ref{ID: "welcome"} },
		"to[0].email":            func(m *provider.Message) { m.To[0].Email = "مینا@example.ir" },
		"headers.X-Sib-Sandbox":  func(m *provider.Message) { m.Headers = map[string]string{"X-Sib-Sandbox": "drop"} },
		"attachments[0].content": func(m *provider.Message) { m.Attachments[0] = provider.Attachment{Name: "a.pdf", Content: []byte("x")} },
	} {
		t.Run(field, func(t *testing.T) {
			m := v3TemplateMessage()
			change(m)
			_, _, err := v3EmailToAPI(m)
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, field, e.Field)
			assert.True(t, e.Local())
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
		})
	}
}

// v3Example decodes an example of the spec.
func v3Example[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "api", "pakatv3", "examples", name+".json"))
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

func TestV3ReceiptFromAPI(t *testing.T) {
	m := &provider.Message{To: []provider.Address{{Email: "mina@example.ir"}}}
	for name, want := range map[string]provider.Receipt{
		"sendEmail.answer":       {MessageID: "<202612010900.12345678901@mail.example.ir>", State: provider.StateAccepted},
		"sendEmail.answer-202":   {MessageID: "<202612010900.12345678902@mail.example.ir>", BatchID: "3f0d8a4e-6c1b-4d2f-9a57-0b6e1c2d3f40", State: provider.StateAccepted},
		"sendEmail.answer-empty": {State: provider.StateAccepted},
	} {
		sent := v3Example[pakatv3api.SentEmail](t, name)
		want.Recipients = []provider.RecipientResult{{Email: "mina@example.ir", MessageID: want.MessageID, State: want.State}}
		assert.Equal(t, &want, v3ReceiptFromAPI(m, &sent), name)
	}
	m.SendAt = time.Now()
	assert.Equal(t, provider.StateScheduled, v3ReceiptFromAPI(m, new(pakatv3api.SentEmail)).State)
}

func TestV3RowsFromAPI(t *testing.T) {
	tehran := time.FixedZone("", 12600)
	p := v3Example[pakatv3api.ContactPage](t, "listContacts.answer")
	rows, err := v3RowsFromAPI(&p, 0, false)
	require.NoError(t, err)
	page := rows.Page
	assert.Equal(t, 2, rows.Got)
	require.Len(t, page.Items, 2)
	mina, oleg := page.Items[0], page.Items[1]
	assert.True(t, mina.CreatedAt.Equal(time.Date(2025, 7, 22, 7, 39, 18, 409e6, tehran)))
	assert.True(t, mina.ModifiedAt.Equal(time.Date(2025, 7, 22, 7, 42, 34, 627e6, tehran)))
	mina.CreatedAt, mina.ModifiedAt, oleg.CreatedAt, oleg.ModifiedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	assert.Equal(t, provider.Contact{
		Email: "mina@example.ir", FirstName: "مینا", LastName: "رضایی", Phone: "09120000000",
		Fields:      map[string]any{"ORDERS": 3.0},
		Memberships: []provider.Membership{{List: "4", Status: provider.StatusSubscribed}, {List: "9", Status: provider.StatusSubscribed}},
		Suppressed:  []provider.Suppression{},
	}, mina)
	assert.Equal(t, provider.Contact{
		Email: "oleg@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"}},
	}, oleg)

	phones := v3Example[pakatv3api.ContactPage](t, "listContacts.answer-sms-only")
	rows, err = v3RowsFromAPI(&phones, 0, false)
	require.NoError(t, err)
	page = rows.Page
	assert.Empty(t, page.Items)
	assert.Equal(t, 1, page.LeftOut)
	rows, err = v3RowsFromAPI(&phones, 0, true)
	require.NoError(t, err)
	page = rows.Page
	require.Len(t, page.Items, 1)
	assert.Empty(t, page.Items[0].Email, "the stand-in is no address")
	assert.Equal(t, map[string]any{"TAGS": []any{"الف", "ب"}, "VIP": true, "POINTS": 12.5}, page.Items[0].Fields)
}

// Whom a list has lost is shown where the answer names it.
func TestV3ListUnsubscribed(t *testing.T) {
	var c pakatv3api.Contact
	require.NoError(t, json.Unmarshal([]byte(`{"email":"a@example.com","listIds":[4,5],"listUnsubscribed":[5]}`), &c))
	got, err := v3ContactFromAPI(c).Portable()
	require.NoError(t, err)
	assert.Equal(t, []provider.Membership{
		{List: "4", Status: provider.StatusSubscribed}, {List: "5", Status: provider.StatusUnsubscribed},
	}, got.Memberships)
}

// v3Vendor answers each operation with an example of the spec, or with an error.
type v3Vendor struct {
	answers map[string]string // operation -> name of the example
	err     error
}

func (v v3Vendor) Do(_ context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	if v.err != nil {
		return nil, v.err
	}
	data, err := os.ReadFile(filepath.Join("..", "api", "pakatv3", "examples", v.answers[call.Operation]+".json"))
	if err != nil {
		return nil, err
	}
	return &rest.Reply{Status: http.StatusOK, Body: data}, json.Unmarshal(data, out)
}

func TestV3ListsAndHealth(t *testing.T) {
	a := newV3Adapter(pakatv3api.NewClient(v3Vendor{answers: map[string]string{
		"listLists": "listLists.answer", "getAccount": "getAccount.answer", "listSenders": "listSenders.answer",
	}}), "main", 0)
	lists, err := a.ListLists(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, provider.List{ID: "4", Name: "مشتریان", Count: 122}, lists.Items[0])
	health, err := a.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &provider.Health{
		Login:   "owner@example.ir",
		Senders: []provider.Sender{{Email: "shop@example.ir", Name: "فروشگاه نمونه", Verified: true}},
		Quotas:  []provider.Quota{{Name: "plan free", Unit: "mails", Left: adapterkit.Count(270)}},
	}, health)
}

// A change that was refused has a receipt: what is wrong may be known after a request.
func TestV3UnsubscribeHasAReceipt(t *testing.T) {
	refused := &provider.Error{Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404}
	for _, row := range []struct {
		name, list string
		vendor     error
		kind       provider.Kind
	}{
		{name: "no number", list: "x", kind: provider.ErrInvalid},
		{name: "no such list", list: "77", vendor: refused, kind: provider.ErrNotFound},
		{name: "all lists", vendor: refused, kind: provider.ErrNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := newV3Adapter(pakatv3api.NewClient(v3Vendor{err: row.vendor}), "main", 0)
			r, err := a.Unsubscribe(t.Context(), "a@example.com", provider.Ref{ID: row.list}, "asked")
			require.ErrorIs(t, err, row.kind)
			require.NotNil(t, r)
			assert.Equal(t, provider.ContactUnknown, r.State)
			assert.Equal(t, "reason", r.Notes[0].Field)
		})
	}
}
