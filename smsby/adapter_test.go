package smsby_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/smsby"
)

func config(sb *sandbox.Server) smsby.Config {
	return smsby.Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("smsby"), From: provider.Address{Email: "shop@example.by", Name: "Садовый центр"}},
		Token:           provider.NewSecret(sandbox.Key("smsby")), TimeZone: "Europe/Minsk",
	}
}

func open(t *testing.T, cfg smsby.Config, opts ...provider.Option) *provider.Client {
	t.Helper()
	cfg.Tries = 1 // the chain's repeats have tests of their own
	c, err := smsby.Open(cfg, opts...)
	require.NoError(t, err)
	return c
}

// The generated client is that of an account of this vendor only.
func TestAPI(t *testing.T) {
	c, err := memory.NewStore().Client()
	require.NoError(t, err)
	_, ok := smsby.API(c)
	assert.False(t, ok)
	_, ok = smsby.API(open(t, config(sandbox.New(t))))
	assert.True(t, ok)
}

func mail() *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: "anna@example.by"}}, Subject: "Заказ принят", HTML: "<p>Спасибо!</p>"}
}

func TestSendSingle(t *testing.T) {
	sb := sandbox.New(t)
	c := open(t, config(sb))
	m := mail()
	at := time.Now().Add(48 * time.Hour).Truncate(time.Minute).UTC()
	m.SendAt = at.Add(30 * time.Second)
	m.TrackOpens = provider.ToggleOff
	m.Attachments = []provider.Attachment{{Name: "счёт.pdf", ContentType: "application/x-invoice", Content: []byte("%PDF")}}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateScheduled, r.State)
	assert.True(t, strings.HasPrefix(r.MessageID, "email:"), r.MessageID)
	got := sb.Messages("smsby")[0]
	assert.Equal(t, at, got.SendAt)
	assert.Equal(t, m.Attachments, got.Attachments)
	assert.Equal(t, "Садовый центр", got.From.Name)

	before := len(sb.Requests("smsby"))
	for _, via := range []string{"single", "bulk"} {
		cfg := config(sb)
		cfg.SendVia = via
		_, err = open(t, cfg).Status(t.Context(), r)
		assert.ErrorIs(t, err, errors.ErrUnsupported, via)
	}
	assert.Len(t, sb.Requests("smsby"), before, "an id that nothing can look up makes no request")
}

func TestSendNeedsZoneOnlyWithTime(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.TimeZone = ""
	c := open(t, cfg)
	_, err := c.Send(t.Context(), mail())
	require.NoError(t, err)
	m := mail()
	m.SendAt = time.Now().Add(time.Hour)
	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrConfig)
	assert.ErrorContains(t, err, "providers.smsby.time_zone")
	assert.ErrorContains(t, err, "send_at")
	assert.Len(t, sb.Messages("smsby"), 1)
}

func TestSendBulk(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.SendVia = "bulk"
	c := open(t, cfg)
	r, err := c.Send(t.Context(), mail())
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(r.MessageID, "bulk:"), r.MessageID)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateDelivered, status.State)

	m := mail()
	m.To = nil
	m.Recipients = []provider.Recipient{{Email: "anna@example.by", Subject: "Анна"}, {Email: "bounce@example.by", HTML: "<p>Павел</p>"}}
	r, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Len(t, sb.Requests("smsby"), 3, "one call for all")
	status, err = c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateBounced, status.State)
	assert.Equal(t, "550 no such mailbox", status.Notes[0].Why)
	mails := sb.Messages("smsby")
	assert.Equal(t, []string{"Заказ принят", "Анна", "Заказ принят"}, []string{mails[0].Subject, mails[1].Subject, mails[2].Subject})
	assert.Equal(t, "<p>Павел</p>", mails[2].HTML)

	m = mail()
	m.Attachments = []provider.Attachment{{Name: "a.pdf", Content: []byte("x")}}
	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "send_via")
	_, err = c.Status(t.Context(), provider.ReceiptFor("", "bulk:5a4db0c5-0000-4000-8000-000000000000"))
	assert.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.Status(t.Context(), provider.ReceiptFor("", "4711"))
	assert.ErrorIs(t, err, provider.ErrInvalid)
}

func TestBulkThatWaitsHasNoState(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.SendVia = "bulk"
	c := open(t, cfg)
	m := mail()
	m.SendAt = time.Now().Add(time.Hour)
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	_, err = c.Status(t.Context(), r)
	assert.ErrorIs(t, err, provider.ErrNotFound)
	sb.Advance(2 * time.Hour)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateDelivered, status.State)
}

// The vendor's examples of a bulk look like JSON, with the token inside.
func TestBulkAsJSON(t *testing.T) {
	const token = "PLANTED-TOKEN"
	var got []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Empty(t, r.URL.RawQuery)
		got, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"status":"OK","result":{"uuid":"3f0c52aa-51de-11f0-9c1d-7b2a40e6d915"}}`)
	}))
	defer srv.Close()
	m := mail()
	m.HTML, m.To = "<p>Спасибо за покупку!</p>", nil
	m.Recipients = []provider.Recipient{
		{Email: "anna@example.by", Subject: "Анна, заказ готов", HTML: "<p>Заказ 1027 ждёт вас.</p>"}, {Email: "pavel@example.by"},
	}
	cfg := smsby.Config{
		AccountSettings: provider.AccountSettings{BaseURL: srv.URL, From: provider.Address{Email: "shop@example.by"}},
		Token:           provider.NewSecret(token), SendVia: "bulk", BulkEncoding: "json",
	}
	r, err := open(t, cfg).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "bulk:3f0c52aa-51de-11f0-9c1d-7b2a40e6d915", r.MessageID)
	want, err := os.ReadFile("testdata/bulk_personal.json.golden")
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))

	var shown provider.WireRequest
	_, err = open(t, cfg, provider.WithDryRun(func(r provider.WireRequest) { shown = r })).Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrDryRun)
	assert.Contains(t, string(shown.JSON), "REDACTED")
	assert.NotContains(t, fmt.Sprintf("%+v", shown), token)
}

func TestRecipientsOfSingleNeedAPolicy(t *testing.T) {
	sb := sandbox.New(t)
	m := mail()
	m.To = nil
	m.Recipients = []provider.Recipient{{Email: "a@example.by"}, {Email: "b@example.by", Variables: map[string]any{"x": 1}}}
	_, err := open(t, config(sb)).Send(t.Context(), m)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Empty(t, sb.Requests("smsby"))
	m.Recipients[1].Variables = nil
	cfg := config(sb)
	cfg.Policy = provider.Policy{"message.recipients": "emulate"}
	r, err := open(t, cfg).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Len(t, r.Recipients, 2)
	assert.Len(t, sb.Messages("smsby"), 2)
}

func TestContacts(t *testing.T) {
	sb := sandbox.New(t)
	sb.AddList("smsby", "319", "Второй")
	c := open(t, config(sb))
	change := provider.ContactChange{
		Email: "anna@example.by", Phone: provider.ChangeTo("+375291234567"), FirstName: provider.ChangeTo("Анна"), LastName: provider.ChangeTo("Иванова"),
		Fields: map[string]any{"city": "Гомель & Минск"}, Lists: []provider.Ref{{ID: "318"}},
	}
	r, err := c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.NotEmpty(t, r.Notes)
	r, err = c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactUpdated, r.State)
	change.Lists = []provider.Ref{{ID: "318"}, {ID: "319"}}
	r, err = c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactStored, r.State, "updated on one list, created on the other")

	got := sb.Contacts("smsby")[0]
	assert.Equal(t, "+375291234567", got.Phone)
	assert.Equal(t, "Анна Иванова", got.FirstName, "one field holds the name")
	assert.Equal(t, map[string]any{"city": "Гомель & Минск"}, got.Fields)
	assert.Len(t, got.Memberships, 2)

	change.Lists = []provider.Ref{{ID: "318"}, {ID: "999"}}
	_, err = c.UpsertContact(t.Context(), change)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome, "one list has it")
	assert.Contains(t, e.Message, "stored on 1 lists")

	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by"})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: "318,319"}}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
}

func TestRefusedRow(t *testing.T) {
	sb := sandbox.New(t)
	sb.Fail("smsby", sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":0,"updated":0,"invalid":1,"log":[{"index":0,"error_message":"неверный адрес"}]}}`})
	c := open(t, config(sb))
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: "318"}}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "неверный адрес")
	sb.Fail("smsby", sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":0,"updated":0,"invalid":1}}`})
	results, err := c.AddToList(t.Context(), provider.Ref{ID: "318"}, []string{"bad@example.by", "good@example.by"})
	require.NoError(t, err)
	assert.ErrorIs(t, results[0].Error, provider.ErrInvalid)
	assert.Nil(t, results[1].Error)
	assert.Equal(t, "good@example.by", sb.Contacts("smsby")[0].Email)
}

func TestUnsubscribe(t *testing.T) {
	sb := sandbox.New(t)
	on := provider.Contact{Email: "anna@example.by", Memberships: []provider.Membership{{List: "318"}}}
	sb.AddContact("smsby", on)
	c := open(t, config(sb))
	_, err := c.Unsubscribe(t.Context(), "anna@example.by", provider.Ref{ID: "318"}, "по просьбе")
	require.NoError(t, err)
	fields := sb.Requests("smsby")[0].Fields
	assert.Contains(t, fields, sandbox.Field{Name: "reason", Value: "по просьбе"})
	assert.Contains(t, fields, sandbox.Field{Name: "list_ids", Value: "318"})
	assert.Equal(t, provider.StatusUnsubscribed, sb.Contacts("smsby")[0].Memberships[0].Status)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: "318"}}})
	require.NoError(t, err)
	assert.Equal(t, provider.StatusUnsubscribed, sb.Contacts("smsby")[0].Memberships[0].Status)
	_, err = c.Unsubscribe(t.Context(), "anna@example.by", provider.Ref{}, "")
	require.NoError(t, err)
	assert.NotEmpty(t, sb.Contacts("smsby")[0].Suppressed)
	_, err = c.Unsubscribe(t.Context(), "anna@example.by", provider.Ref{ID: "1,2"}, "")
	assert.ErrorIs(t, err, provider.ErrInvalid)
}

func TestCheckAndSettings(t *testing.T) {
	sb := sandbox.New(t)
	h, err := open(t, config(sb)).Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, h.Senders)
	cfg := config(sb)
	cfg.Token = provider.NewSecret("wrong-token")
	_, err = open(t, cfg).Check(t.Context())
	assert.ErrorIs(t, err, provider.ErrUnauthorized)
	for field, cfg := range map[string]smsby.Config{
		"open: configuration: token":         {},
		"open: configuration: time_zone":     {Token: cfg.Token, TimeZone: "Local"},
		"open: configuration: send_via":      {Token: cfg.Token, SendVia: "both"},
		"open: configuration: bulk_encoding": {Token: cfg.Token, BulkEncoding: "xml"},
	} {
		_, err := smsby.Open(cfg)
		assert.ErrorIs(t, err, provider.ErrConfig)
		assert.ErrorContains(t, err, field)
	}
	t.Setenv("SMSBY_TEST_ZONE", "Nowhere/Town")
	_, err = smsby.Open(smsby.Config{Token: cfg.Token, TimeZone: "env:SMSBY_TEST_ZONE"})
	assert.ErrorContains(t, err, "open: configuration: time_zone")
	assert.ErrorContains(t, err, "unknown time zone Nowhere/Town", "the cause")
	assert.ErrorContains(t, err, "time/tzdata")
}

// Three methods have the token in the URL, where logs and errors of an HTTP
// client would show it.
func TestTokenInURLsIsNeverShown(t *testing.T) {
	const token = "PLANTED+4711/token=="
	var out strings.Builder
	hooks := provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		req, answer := e.Describe()
		fmt.Fprintf(&out, "%+v %#v %+v %+v\n", e, req, req, answer)
		data, _ := json.Marshal([]any{req, answer})
		out.Write(data)
	}}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, token, r.URL.Query().Get("token"), "the token is on the wire")
		_, _ = fmt.Fprintf(w, `{"error":"bad token %s in %s"}`, r.URL.Query().Get("token"), r.URL.RawQuery)
	}))
	defer echo.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }))
	defer loop.Close()

	use := func(base string, opts ...provider.Option) {
		c := open(t, smsby.Config{AccountSettings: provider.AccountSettings{BaseURL: base}, Token: provider.NewSecret(token)}, append(opts, provider.WithHooks(hooks))...)
		api, ok := smsby.API(c)
		require.True(t, ok)
		_, err1 := c.Check(t.Context())
		_, err2 := c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: "318"}}})
		_, err3 := api.CreateSubscriberList(t.Context(), &smsbyapi.CreateSubscriberListParams{Name: "Новый"})
		for _, err := range []error{err1, err2, err3} {
			require.Error(t, err)
			fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
		}
	}
	for _, base := range []string{echo.URL, cut.URL, loop.URL, "http://127.0.0.1:1"} {
		use(base)
	}
	use("http://127.0.0.1:1", provider.WithDryRun(func(r provider.WireRequest) {
		assert.Contains(t, r.URL, "token=REDACTED")
		fmt.Fprintf(&out, "%+v\n", r)
	}))
	assert.Contains(t, out.String(), "REDACTED")
	for _, form := range []string{token, "PLANTED", "4711"} {
		assert.NotContains(t, out.String(), form)
	}
}

// Two mails to an address in one bulk could not be told apart afterwards.
func TestBatchKeepsMailsToOneAddressApart(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.SendVia = "bulk"
	ids := map[string]bool{}
	_, err := open(t, cfg).SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) {
		for i, to := range []string{"anna@example.by", "pavel@example.by", "Anna@example.by", "olga@example.by"} {
			m := mail()
			m.To[0].Email = to
			m.Subject = fmt.Sprint("Заказ ", i)
			if !yield(m, nil) {
				return
			}
		}
	}, func(r provider.BatchResult) error {
		require.NoError(t, r.Err)
		ids[strings.ToLower(r.Receipt.MessageID)] = true
		return nil
	})
	require.NoError(t, err)
	assert.Len(t, ids, 4)
	assert.Len(t, sb.Requests("smsby"), 2)
}
