package brevo

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestBatchToAPI(t *testing.T) {
	shared := provider.Message{
		From: provider.Address{Email: "shop@example.com", Name: "Shop"}, Subject: "Ваш заказ", HTML: "<p>Готов.</p>",
		Tags: []string{"order"}, Headers: map[string]string{"X-Order": "yes"},
	}
	a, b := shared, shared
	a.To, a.Variables = []provider.Address{{Email: "a@example.com", Name: "A"}}, map[string]any{"N": 1}
	b.To, b.Cc, b.ReplyTo = []provider.Address{{Email: "b@example.com"}, {Email: "b2@example.com"}}, []provider.Address{{Email: "c@example.com"}}, []provider.Address{{Email: "help@example.com"}}
	b.Subject, b.HTML = "Ваш второй заказ", "<p>Тоже.</p>"
	body, notes, err := batchToAPI([]*provider.Message{&a, &b}, key)
	require.NoError(t, err)
	data, err := json.Marshal(body)
	require.NoError(t, err)
	assert.JSONEq(t, golden(t, "send_batch.golden.json"), string(data))
	assert.Equal(t, [][]provider.Note{nil, nil}, notes)
}

// Whatever a call says once must be equal in all of its messages.
func TestBatchKey(t *testing.T) {
	var ad adapter
	base := func() *provider.Message {
		return &provider.Message{
			From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}}, Subject: "s", HTML: "<p>x</p>",
			Attachments: []provider.Attachment{{Name: "a.txt", Content: []byte("1")}},
		}
	}
	want, ok := ad.BatchKey(base())
	require.True(t, ok)
	for name, change := range map[string]func(*provider.Message){
		"from":              func(m *provider.Message) { m.From.Name = "x" },
		"template":          func(m *provider.Message) { m.HTML, m.Template = "", provider.Ref{ID: "1"} },
		"attachment":        func(m *provider.Message) { m.Attachments[0].Content = []byte("2") },
		"attachment's name": func(m *provider.Message) { m.Attachments[0].Name = "b.txt" },
		"headers":           func(m *provider.Message) { m.Headers = map[string]string{"X": "1"} },
		"metadata":          func(m *provider.Message) { m.Metadata = map[string]string{"x": "1"} },
		"tags":              func(m *provider.Message) { m.Tags = []string{"x"} },
		"send_at":           func(m *provider.Message) { m.SendAt = time.Unix(1, 0) },
		"text beside":       func(m *provider.Message) { m.Text = "x" },
		"no subject":        func(m *provider.Message) { m.Subject = "" },
	} {
		m := base()
		change(m)
		got, ok := ad.BatchKey(m)
		assert.True(t, ok, name)
		assert.NotEqual(t, want, got, name)
	}
	for name, change := range map[string]func(*provider.Message){
		"to":        func(m *provider.Message) { m.To[0].Email = "b@example.com" },
		"cc":        func(m *provider.Message) { m.Cc = m.To },
		"reply_to":  func(m *provider.Message) { m.ReplyTo = m.To },
		"variables": func(m *provider.Message) { m.Variables = map[string]any{"x": 1} },
		"content":   func(m *provider.Message) { m.Subject, m.HTML = "t", "<p>y</p>" },
	} {
		m := base()
		change(m)
		got, ok := ad.BatchKey(m)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	bad := base()
	bad.Template, bad.HTML = provider.Ref{ID: "not a number"}, ""
	_, ok = ad.BatchKey(bad)
	assert.False(t, ok, "what cannot be converted goes alone")
}

// told is a vendor that answers every call with the same ids.
type told struct{ ids []string }

func (v told) Do(_ context.Context, _ *rest.Call, out any) (*rest.Reply, error) {
	out.(*brevoapi.SentEmail).MessageIDs = v.ids
	return &rest.Reply{Status: 201}, nil
}

// Ids that cannot be told apart are not given to anybody.
func TestBatchIDs(t *testing.T) {
	messages := []*provider.Message{
		{To: []provider.Address{{Email: "a@example.com"}}, Subject: "s", HTML: "x"}, {To: []provider.Address{{Email: "b@example.com"}}, Subject: "s", HTML: "x"},
	}
	for _, tc := range []struct{ told, want []string }{
		{[]string{"1", "2"}, []string{"1", "2"}}, {[]string{"1"}, []string{"", ""}}, {nil, []string{"", ""}}, {[]string{"1", "2", "3"}, []string{"", ""}},
	} {
		a := &adapter{api: brevoapi.NewClient(told{tc.told})}
		receipts, err := a.SendBatch(t.Context(), messages)
		require.NoError(t, err)
		require.Len(t, receipts, 2)
		for i, r := range receipts {
			assert.Equal(t, tc.want[i], r.MessageID)
			assert.Equal(t, messages[i].To[0].Email, r.Recipients[0].Email)
			assert.Equal(t, provider.StateAccepted, r.State)
			assert.Empty(t, r.IdempotencyKey, "the key of the call proves nothing for one of its messages")
		}
	}
}
