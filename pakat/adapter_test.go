package pakat_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// Lists of the fake; the second asks new subscribers for a confirmation.
const (
	listA = "newsletter001"
	listB = "confirmed0001"
	sara  = "sara@example.com"
)

func config(s *sandbox.Server) pakat.Config {
	return pakat.Config{
		AccountSettings: provider.AccountSettings{BaseURL: s.BaseURL("pakat"), From: provider.Address{Email: "shop@example.com", Name: "Shop"}},
		APIKey:          provider.NewSecret(sandbox.Key("pakat")),
	}
}

func start(t *testing.T, opts ...provider.Option) (*sandbox.Server, *provider.Client) {
	t.Helper()
	s := sandbox.New(t)
	cfg := config(s)
	cfg.PhoneTag, cfg.Tries = "PHONE", 1
	c, err := pakat.Open(cfg, opts...)
	require.NoError(t, err)
	return s, c
}

// The two drivers of this package hand out each the generated client of its own.
func TestAPI(t *testing.T) {
	s, c := start(t)
	v3 := v3Client(t, s, nil)
	_, ok := pakat.API(c)
	assert.True(t, ok)
	_, ok = pakat.API(v3)
	assert.False(t, ok)
	_, ok = pakat.APIV3(v3)
	assert.True(t, ok)
	_, ok = pakat.APIV3(c)
	assert.False(t, ok)
}

// operations are what the fake was asked since the first skip requests.
func operations(s *sandbox.Server, skip int) []string {
	var out []string
	for _, r := range s.Requests("pakat")[skip:] {
		out = append(out, r.Operation)
	}
	return out
}

func in(ids ...string) []provider.Ref {
	var out []provider.Ref
	for _, id := range ids {
		out = append(out, provider.Ref{ID: id})
	}
	return out
}

func TestSettings(t *testing.T) {
	for _, cfg := range []pakat.Config{{}, {PhoneTag: "phone"}, {PhoneTag: "EMAIL"}, {PlainText: "gzip"}} {
		if cfg.PhoneTag+cfg.PlainText != "" {
			cfg.APIKey = provider.NewSecret("k")
		}
		_, err := pakat.Open(cfg)
		assert.ErrorIs(t, err, provider.ErrConfig)
	}
	_, c := start(t)
	api, ok := pakat.API(c)
	require.True(t, ok)
	page, err := api.ListTemplates(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "orderready001", page.Data.Records[0].UID)
}

func TestSend(t *testing.T) {
	s, c := start(t)
	at := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	r, err := c.Send(t.Context(), &provider.Message{
		From: provider.Address{Email: "news@example.com"}, To: []provider.Address{{Email: sara, Name: "سارا"}},
		ReplyTo: []provider.Address{{Email: "hello@example.com", Name: "Hello"}},
		Subject: "سلام", HTML: "<p>سپاس</p>", Text: "سپاس", SendAt: at,
		Attachments: []provider.Attachment{{Name: "a.txt", Content: []byte("A")}, {Name: "b.odd", Content: []byte("B"), ContentType: "application/x-b"}},
	})
	require.NoError(t, err)
	assert.Equal(t, provider.StateScheduled, r.State)
	assert.Equal(t, []provider.Note{{Field: "from.name", Action: provider.NoteEmulated, Why: "the provider requires a name; the address was given"}}, r.Notes)
	mails := s.Messages("pakat")
	require.Len(t, mails, 1)
	got := mails[0]
	assert.Equal(t, r.MessageID, got.ID)
	assert.Equal(t, provider.Address{Email: "news@example.com", Name: "news@example.com"}, got.From)
	assert.Equal(t, []provider.Address{{Email: sara, Name: "سارا"}}, got.To)
	assert.Equal(t, []provider.Address{{Email: "hello@example.com", Name: "Hello"}}, got.ReplyTo)
	assert.Equal(t, "سلام", got.Subject)
	assert.Equal(t, "<p>سپاس</p>", got.HTML)
	assert.Equal(t, "سپاس", got.Text)
	assert.Equal(t, at, got.SendAt)
	assert.Equal(t, []provider.Attachment{
		{Name: "a.txt", Content: []byte("A"), ContentType: "text/plain"}, {Name: "b.odd", Content: []byte("B"), ContentType: "application/x-b"},
	}, got.Attachments)
}

func TestSendTemplateAndStatus(t *testing.T) {
	s, c := start(t)
	m := &provider.Message{
		To: []provider.Address{{Email: sara}}, Subject: "Your order", Template: provider.Ref{ID: "orderready001"},
		Variables: map[string]any{"name": "سارا", "order": 1027.0},
	}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Equal(t, "<p>Hello سارا, your order 1027 is ready.</p>", s.Messages("pakat")[0].HTML)

	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateQueued, status.State)
	s.Advance(time.Hour)
	status, err = c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, status.State, "handed over is not delivered")
	assert.Equal(t, []provider.RecipientResult{{Email: sara, MessageID: r.MessageID, State: provider.StateAccepted}}, status.Recipients)
	_, err = c.Status(t.Context(), provider.ReceiptFor("", "nosuchmail000"))
	assert.ErrorIs(t, err, provider.ErrNotFound)

	m.Subject = ""
	_, err = c.Send(t.Context(), m)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "subject", e.Field)
	assert.True(t, e.Local())

	m.Subject, m.Template.ID = "x", "nosuchthing00"
	_, err = c.Send(t.Context(), m)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, "template.id", e.Field)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
}

// A blacklisted address is refused; one that is blacklisted while the mail waits fails.
func TestSendSuppressedFails(t *testing.T) {
	s, c := start(t)
	m := &provider.Message{To: []provider.Address{{Email: sara}}, Subject: "x", HTML: "y"}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	s.AddSuppression("pakat", sara, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeAll})
	_, err = c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrConflict)
	assert.Len(t, s.Messages(), 1)
	s.Advance(time.Hour)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateFailed, status.State)
}

func TestSendErrorIn200(t *testing.T) {
	s, c := start(t)
	s.Fail("pakat", sandbox.Fault{Status: 200, Body: `{"status":"error","error":{"to_email":"no"}}`})
	r, err := c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: sara}}, Subject: "x", HTML: "y"})
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, "to[0].email", e.Field)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.Equal(t, provider.StateRefused, r.State)
}

func TestCheck(t *testing.T) {
	s, c := start(t)
	h, err := c.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []provider.Quota{{Name: "sending", Unit: "mails", Used: adapterkit.Count(0), Left: adapterkit.Count(10000)}}, h.Quotas)
	s.Fail("pakat", sandbox.Fault{Operation: "getQuota", Status: 404})
	h, err = c.Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, h.Quotas)
	assert.Len(t, h.Notes, 1)

	cfg := config(s)
	cfg.APIKey = provider.NewSecret("wrong-key")
	c, err = pakat.Open(cfg)
	require.NoError(t, err)
	_, err = c.Check(t.Context())
	assert.ErrorIs(t, err, provider.ErrUnauthorized)
}

func TestPages(t *testing.T) {
	s, c := start(t)
	for i := range 55 {
		s.AddList("pakat", "list"+string(rune('a'+i%26))+string(rune('a'+i/26)), "List")
	}
	n := 0
	for l, err := range c.AllLists(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, int64(-1), l.Count, "the vendor tells no number")
		n++
	}
	assert.Equal(t, 57, n)
	for _, cursor := range []string{"x", "0/1", "1/"} {
		_, err := c.ListContacts(t.Context(), provider.ContactQuery{Cursor: cursor})
		assert.ErrorIs(t, err, provider.ErrInvalid)
	}
	_, err := c.ListContacts(t.Context(), provider.ContactQuery{Cursor: "x", List: provider.Ref{ID: listA}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = c.ListLists(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrInvalid)
}

func TestDryRun(t *testing.T) {
	var shown []provider.WireRequest
	s, c := start(t, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }))
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA)})
	assert.ErrorIs(t, err, provider.ErrDryRun)
	assert.ErrorIs(t, c.DeleteContact(t.Context(), sara), provider.ErrDryRun)
	_, err = c.RemoveFromList(t.Context(), provider.Ref{ID: listA}, []string{sara})
	assert.ErrorIs(t, err, provider.ErrDryRun)
	require.Len(t, shown, 3)
	for _, r := range shown {
		assert.NotEmpty(t, r.Then, r.URL)
		assert.Equal(t, "REDACTED", r.Headers["X-Api-Key"])
	}
	assert.Empty(t, s.Requests("pakat"))
}

// The vendor's other shape of the answer to a change has no record level.
func TestFlatAnswer(t *testing.T) {
	s, c := start(t)
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 201, Body: `{"status":"success","subscriber_uid":"hd905xr1m6tqe","email":"sara@example.com"}`})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA)})
	require.NoError(t, err)
	assert.Equal(t, "hd905xr1m6tqe", r.ID)
}
