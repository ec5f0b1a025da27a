package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// badInput: everything wrong with a mail that is known without a request is an
// error with the field's name, before any request.
func (h Harness) badInput(t *testing.T) {
	for field, change := range map[string]func(*provider.Message){
		"to":                      func(m *provider.Message) { m.To = nil },
		"to[0].email":             func(m *provider.Message) { m.To[0].Email = "anna@example" },
		"to[0].name":              func(m *provider.Message) { m.To[0].Name = "a\r\nBcc: x@example.com" },
		"cc[0].email":             func(m *provider.Message) { m.Cc = addresses("a b@example.com") },
		"bcc[1].email":            func(m *provider.Message) { m.Bcc = addresses("a@example.com", "") },
		"reply_to[0].email":       func(m *provider.Message) { m.ReplyTo = addresses("a@b@example.com") },
		"from.email":              func(m *provider.Message) { m.From.Email = "shop@exa mple.com" },
		"subject":                 func(m *provider.Message) { m.Subject = "a\nX: y" },
		"html":                    func(m *provider.Message) { m.HTML = "" },
		"template":                func(m *provider.Message) { m.Template = provider.Ref{ID: "12"} },
		"headers.X-A":             func(m *provider.Message) { m.Headers = map[string]string{"X-A": "a\r\nb"} },
		"headers.Subject":         func(m *provider.Message) { m.Headers = map[string]string{"Subject": "a"} },
		"headers.X A":             func(m *provider.Message) { m.Headers = map[string]string{"X A": "a"} },
		"recipients":              func(m *provider.Message) { m.Recipients = []provider.Recipient{{Email: "a@example.com"}} },
		"attachments[0].content":  func(m *provider.Message) { m.Attachments = []provider.Attachment{{Name: "a.txt"}} },
		"attachments[0].name":     func(m *provider.Message) { m.Attachments = []provider.Attachment{{Name: "../a", Content: []byte("x")}} },
		"attachments[0].url":      func(m *provider.Message) { m.Attachments = []provider.Attachment{{URL: "http://x.example/a"}} },
		"tags":                    func(m *provider.Message) { m.Tags = []string{"a\nb"} },
		"idempotency_key":         func(m *provider.Message) { m.IdempotencyKey = "a\nb" },
		"template unknown alias":  func(m *provider.Message) { m.HTML, m.Template = "", provider.Ref{Alias: "nope"} },
		"template id and alias":   func(m *provider.Message) { m.HTML, m.Template = "", provider.Ref{ID: "1", Alias: "nope"} },
		"to[0].email (not ASCII)": func(m *provider.Message) { m.To[0].Email = "анна@example.com" },
	} {
		t.Run(field, func(t *testing.T) {
			v := h.start(t)
			m := h.baseline()
			change(m)
			r, err := v.open(t, nil).Send(t.Context(), m)
			assert.Nil(t, r)
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			if field == "template unknown alias" && errors.Is(err, provider.ErrUnsupported) {
				v.noRequests(t) // without templates the error is "unsupported"
				return
			}
			assert.ErrorIs(t, err, provider.ErrInvalid)
			assert.True(t, e.Local())
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			name, _, _ := strings.Cut(field, " ")
			assert.True(t, strings.HasPrefix(e.Field, name), e.Field)
			assert.Contains(t, err.Error(), "nothing was sent")
			v.noRequests(t)
		})
	}
	t.Run("contact", func(t *testing.T) {
		v := h.start(t)
		c := v.open(t, nil)
		for _, change := range []provider.ContactChange{
			{Email: "nobody"},
			{Email: "a@example.com", Lists: []provider.Ref{{Alias: "nope"}}},
			{Email: "a@example.com", Lists: []provider.Ref{{}}},
			{
				Email: "a@example.com", Lists: []provider.Ref{h.List},
				Fields: map[string]any{"x": struct{}{}},
			},
			{Email: "a@example.com", Lists: []provider.Ref{h.List}, Status: "odd"},
		} {
			_, err := c.UpsertContact(t.Context(), change)
			assert.Error(t, err)
			assert.True(
				t, errors.Is(err, provider.ErrInvalid) || errors.Is(err, provider.ErrUnsupported),
				"%v", err,
			)
		}
		v.noRequests(t)
	})
}

// canceledBefore asserts that err is that of a context which ended before any
// request.
func canceledBefore(t *testing.T, err error) {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrCanceled, e.Kind)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotEqual(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Equal(t, "account", e.Account)
}

func (h Harness) context(t *testing.T) {
	v := h.start(t)
	c := v.open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Send(ctx, h.baseline())
	canceledBefore(t, err)
	_, err = c.UpsertContact(ctx, h.change())
	canceledBefore(t, err)
	_, err = c.Check(ctx)
	canceledBefore(t, err)
	v.noRequests(t)
}

// notTheVendors are successful responses of a gateway, a maintenance page or
// another program, which prove nothing.
var notTheVendors = func() []struct {
	name  string
	fault sandbox.Fault
} {
	html := http.Header{"Content-Type": {"text/html"}}
	json := http.Header{"Content-Type": {"application/json"}}
	return []struct {
		name  string
		fault sandbox.Fault
	}{
		{name: "200 html", fault: sandbox.Fault{Status: 200, Body: `<html>login</html>`, Header: html}},
		{name: "200 html called JSON", fault: sandbox.Fault{Status: 200, Body: `<html>login</html>`, Header: json}},
		{name: "200 text", fault: sandbox.Fault{Status: 200, Body: `OK`}},
		{name: "200 broken off", fault: sandbox.Fault{Status: 200, Body: `{"`, Header: json}},
		{name: "200 empty", fault: sandbox.Fault{Status: 200}},
		{
			name:  "200 byte order mark",
			fault: sandbox.Fault{Status: 200, Body: "\xef\xbb\xbf", Header: json},
		},
		{name: "200 empty list", fault: sandbox.Fault{Status: 200, Body: `[]`, Header: json}},
		{name: "200 number", fault: sandbox.Fault{Status: 200, Body: `1`, Header: json}},
		{name: "200 null", fault: sandbox.Fault{Status: 200, Body: `null`, Header: json}},
		{name: "200 another shape", fault: sandbox.Fault{Status: 200, Body: `{"weather":"fine"}`, Header: json}},
		{name: "206 empty", fault: sandbox.Fault{Status: 206}},
	}
}()

// noEvidence checks the error of a send or a change whose response proves nothing.
func noEvidence(t *testing.T, err error) {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind, "%v", err)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.NotContains(t, err.Error(), "<html", "a page is no message")
}

// failures runs the failure table over the adapter: a call that certainly had no
// effect is reported as not sent, an uncertain one as unknown, and none is
// repeated.
func (h Harness) failures(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html"}}
	for _, row := range []struct {
		name    string
		fault   sandbox.Fault
		kind    provider.Kind
		outcome provider.Outcome
		state   provider.State
	}{
		{"400", sandbox.Fault{Status: 400, Body: `{}`}, provider.ErrInvalid, provider.OutcomeNotSent, provider.StateRefused},
		{"402", sandbox.Fault{Status: 402, Body: `{}`}, provider.ErrNoCredit, provider.OutcomeNotSent, provider.StateRefused},
		{"400 text", sandbox.Fault{Status: 400, Body: `Bad Request`}, provider.ErrInvalid, provider.OutcomeNotSent, provider.StateRefused},
		{"403 html", sandbox.Fault{Status: 403, Body: `<html>`, Header: html}, provider.ErrBadResponse, provider.OutcomeNotSent, provider.StateRefused},
		{"404", sandbox.Fault{Status: 404}, provider.ErrNotFound, provider.OutcomeNotSent, provider.StateRefused},
		{"408", sandbox.Fault{Status: 408}, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, provider.StateUnknown},
		{"413 html", sandbox.Fault{Status: 413, Body: `<html><head><title>413 Too Large</title>`, Header: html}, provider.ErrInvalid, provider.OutcomeNotSent, provider.StateRefused},
		{"425", sandbox.Fault{Status: 425}, provider.ErrUnavailable, provider.OutcomeNotSent, provider.StateRefused},
		{"429", sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, provider.ErrRateLimited, provider.OutcomeNotSent, provider.StateRefused},
		{"500", sandbox.Fault{Status: 500}, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, provider.StateUnknown},
		{"502 html", sandbox.Fault{Status: 502, Body: `<html>bad gateway</html>`, Header: html}, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, provider.StateUnknown},
		{
			"503 after it was done",
			sandbox.Fault{Status: 503, After: true},
			provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, provider.StateUnknown,
		},
		{
			"cut before",
			sandbox.Fault{Drop: true},
			provider.ErrOutcomeUnknown,
			provider.OutcomeMaybeSent, provider.StateUnknown,
		},
		{
			"cut after",
			sandbox.Fault{Drop: true, After: true},
			provider.ErrOutcomeUnknown,
			provider.OutcomeMaybeSent, provider.StateUnknown,
		},
		{
			"302",
			sandbox.Fault{Status: 302, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}},
			provider.ErrBadResponse, provider.OutcomeNotSent, provider.StateRefused,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := h.start(t)
			row.fault.Operation = h.SendOperation
			v.Fail(v.name, row.fault)
			r, err := v.open(t, nil).Send(t.Context(), h.baseline())
			require.NotNil(t, r, "a request left, so there is a receipt")
			assert.Equal(t, row.state, r.State)
			assert.Equal(t, h.Driver.Name(), r.Provider)
			assert.Equal(t, "account", r.Account)
			require.Len(t, r.Accounts, 1)
			assert.Len(t, v.sends(), 1, "nothing is repeated")
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, row.kind, e.Kind, "%v", err)
			assert.Equal(t, row.outcome, e.Outcome)
			assert.Equal(t, row.outcome, r.Accounts[0].Outcome)
			assert.EqualValues(t, "send", e.Op)
			assert.NotContains(t, err.Error(), "<html", "a page is no message")
			if row.name == "429" {
				assert.Equal(t, 7*time.Second, e.RetryAfter)
			}
		})
	}
	for _, row := range notTheVendors {
		t.Run(row.name, func(t *testing.T) {
			v := h.start(t)
			row.fault.Operation, row.fault.After = h.SendOperation, true
			v.Fail(v.name, row.fault)
			r, err := v.open(t, nil).Send(t.Context(), h.baseline())
			require.NotNil(t, r, "a request left, so there is a receipt")
			assert.Equal(t, provider.StateUnknown, r.State)
			assert.Empty(t, r.MessageID, "no id is invented")
			noEvidence(t, err)
			assert.Len(t, v.sends(), 1, "nothing is repeated")
		})
	}
	t.Run("wrong key", func(t *testing.T) {
		v := h.start(t)
		c := v.open(t, func(a provider.AccountConfig) {
			for _, x := range settings.Fields(reflect.TypeOf(h.Driver.Config())) {
				if _, ok := a[x.Name]; ok && x.Secret {
					a[x.Name] = "wrong-key-4711"
				}
			}
		})
		_, err := c.Send(t.Context(), h.baseline())
		assert.ErrorIs(t, err, provider.ErrUnauthorized)
		assert.Contains(t, err.Error(), "nothing was sent")
		assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), "wrong-key-4711")
		assert.Empty(t, v.Messages(v.name))
	})
	t.Run("nobody there", func(t *testing.T) {
		v := h.start(t)
		c := v.open(t, func(a provider.AccountConfig) { a["base_url"] = "http://127.0.0.1:1" })
		_, err := c.Send(t.Context(), h.baseline())
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.ErrUnavailable, e.Kind)
		assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
		assert.True(t, e.Elsewhere)
	})
}

func (h Harness) receipts(t *testing.T) {
	v := h.start(t)
	r, err := v.open(t, nil).Send(t.Context(), h.baseline())
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.NotEmpty(t, r.MessageID)
	require.Len(t, r.Recipients, 1)
	assert.Equal(
		t,
		provider.RecipientResult{
			Email: "anna@example.com", MessageID: r.MessageID, State: provider.StateAccepted,
		},
		r.Recipients[0],
	)
	mails := v.Messages(v.name)
	require.Len(t, mails, 1)
	assert.Equal(t, "سفارش شما", mails[0].Subject)
	assert.Equal(t, "<p>سلام</p>", mails[0].HTML)
	assert.Equal(t, "anna@example.com", mails[0].To[0].Email)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	for _, key := range []string{`"provider":`, `"account":`, `"message_id":`, `"state":"accepted"`, `"recipients":[{"email":"anna@example.com"`, `"accounts":[{"provider":`} {
		assert.Contains(t, string(data), key)
	}
	t.Run("international domain", func(t *testing.T) {
		v := h.start(t)
		m := h.baseline()
		m.To[0].Email = "anna@пример.example"
		r, err := v.open(t, nil).Send(t.Context(), m)
		require.NoError(t, err)
		assert.Equal(
			t, "anna@пример.example", r.Recipients[0].Email,
			"the receipt shows the address as it was given",
		)
		assert.Equal(t, "anna@xn--e1afmkfd.example", v.Messages(v.name)[0].To[0].Email)
	})
}

// iteration: every contact comes once, a break stops fetching, an error comes
// once and last.
func (h Harness) iteration(t *testing.T) {
	caps := h.capabilities()
	if !caps.Can(feature.ContactsList) {
		return
	}
	const size = 5
	for _, n := range []int{0, 1, size, size + 1, 3*size - 2} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v := h.start(t)
			for i := range n {
				v.seed(fmt.Sprintf("c%02d@example.com", i))
			}
			seen := map[string]int{}
			for c, err := range v.open(t, nil).AllContacts(t.Context(), provider.ContactQuery{Limit: size}) {
				require.NoError(t, err)
				seen[c.Email]++
			}
			assert.Len(t, seen, n)
			for email, times := range seen {
				assert.Equal(t, 1, times, email)
			}
		})
	}
	t.Run("break", func(t *testing.T) {
		v := h.start(t)
		for i := range 3 * size {
			v.seed(fmt.Sprintf("c%02d@example.com", i))
		}
		c := v.open(t, nil)
		got := 0
		for _, err := range c.AllContacts(t.Context(), provider.ContactQuery{Limit: size}) {
			require.NoError(t, err)
			if got++; got == size+1 {
				break
			}
		}
		some := len(v.Requests(v.name))
		for _, err := range c.AllContacts(t.Context(), provider.ContactQuery{Limit: size}) {
			require.NoError(t, err)
		}
		assert.Less(t, some, len(v.Requests(v.name))-some, "a break fetches less than the whole")
	})
	t.Run("error", func(t *testing.T) {
		v := h.start(t)
		v.seed(needleEmail)
		c := v.open(t, nil)
		v.Fail(v.name, sandbox.Fault{Status: 500, Times: 100})
		var errs []error
		for _, err := range c.AllContacts(t.Context(), provider.ContactQuery{}) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		assert.ErrorIs(t, errs[0], provider.ErrUnavailable)
	})
}

// secrets uses known keys and searches everything that is written for them.
func (h Harness) secrets(t *testing.T) {
	const planted, earlier = "PLANTED-4711-KEY", "EARLIER-0815-SECRET"
	var out safeWriter
	hooks := provider.WithHooks(
		provider.SlogHooks(
			slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		),
		provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
			req, answer := e.Describe()
			fmt.Fprintf(&out, "%v %+v %#v %v %+v\n", e, req, req, answer, e.Err)
			data, _ := json.Marshal([]any{req, answer})
			_, _ = out.Write(data)
		}},
	)
	v := h.start(t)
	plant := func(a provider.AccountConfig) {
		for _, x := range settings.Fields(reflect.TypeOf(h.Driver.Config())) {
			if _, ok := a[x.Name]; (ok || strings.HasPrefix(x.Name, "webhook_")) && x.Secret {
				a[x.Name] = planted
			}
		}
	}
	cfg := v.config(plant)
	fmt.Fprintf(&out, "%v %+v %#v\n", cfg, cfg, cfg)
	data, _ := json.Marshal(cfg)
	_, _ = out.Write(data)
	use := func(c *provider.Client) {
		fmt.Fprintf(&out, "%v %+v %#v\n", c, c, c)
		for range 2 {
			r, err := c.Send(t.Context(), h.baseline())
			fmt.Fprintf(&out, "%+v %v %+v %#v\n", r, err, err, err)
			v.Fail(v.name, sandbox.Fault{Status: 400, Body: `{"code":"x","message":"the key ` + planted + ` is bad","error":"` + planted + `"}`})
		}
		_, err := c.Check(t.Context())
		fmt.Fprintf(&out, "%v %+v\n", err, err)
		_, err = c.UpsertContact(t.Context(), h.change())
		fmt.Fprintf(&out, "%v %+v\n", err, err)
		h.registerSecretly(t, c, earlier, &out)
	}
	use(v.open(t, plant, hooks))
	v.Fail(v.name, sandbox.Fault{Drop: true, Times: 100})
	use(v.open(t, plant, hooks))
	use(
		v.open(
			t, func(a provider.AccountConfig) { plant(a); a["base_url"] = "http://127.0.0.1:1" },
			hooks,
		),
	)
	use(v.open(t, plant, provider.WithDryRun(func(r provider.WireRequest) {
		data, _ := json.Marshal(r)
		_, _ = out.Write(data)
		fmt.Fprintf(&out, "%+v %#v", r, r)
	})))
	v.Reset()                                                   // the faults that are left answer with the key
	h.registerSecretly(t, v.open(t, nil, hooks), earlier, &out) // which lists it too
	assert.Contains(t, out.String(), "REDACTED")
	assert.NotContains(t, out.String(), planted)
	assert.NotContains(t, out.String(), earlier, "the secret of a webhook that is none of the account's settings")
	assert.NotContains(t, out.String(), fmt.Sprintf("%x", planted))
	v.Violations() // faults and wrong keys are not what is tested here
	v.Faults(v.name)
}

// registerSecretly registers, lists and deletes a webhook whose address and header hold a
// secret, and writes what comes of it.
func (h Harness) registerSecretly(t *testing.T, c *provider.Client, secret string, out io.Writer) {
	if !h.capabilities().Can(feature.EventsWebhookRegister) {
		return
	}
	var stream string
	require.NoError(t, c.Call(t.Context(), "webhooks.list", nil, func(_ context.Context, a provider.Adapter) error {
		stream = a.(events.Registrar).WebhookStreams()[0].Stream
		return nil
	}))
	made, err := events.CreateWebhook(t.Context(), c, events.Webhook{
		Stream: stream, Address: provider.NewSecret("http://127.0.0.1:9/account/" + secret), Secret: provider.NewSecret(secret),
		Kinds: []events.Kind{events.KindDelivered},
	})
	fmt.Fprintf(out, "%v %+v %#v %v %+v\n", made, made, made, err, err)
	list, err := events.ListWebhooks(t.Context(), c)
	fmt.Fprintf(out, "%v %+v %#v %v %+v\n", list, list, list, err, err)
	for _, w := range list {
		fmt.Fprintln(out, w.Place())
		data, _ := json.Marshal(w)
		_, _ = out.Write(data)
		fmt.Fprintln(out, events.DeleteWebhook(t.Context(), c, w.ID))
	}
}

type safeWriter struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *safeWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *safeWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func (h Harness) parallel(t *testing.T) {
	v := h.start(t)
	c := v.open(t, nil)
	m := h.baseline() // one message for all: Send must not change it
	var wg sync.WaitGroup
	ids := make([]string, 32)
	for i := range ids {
		wg.Go(func() {
			r, err := c.Send(t.Context(), m)
			if assert.NoError(t, err) {
				ids[i] = r.MessageID
			}
		})
	}
	wg.Wait()
	unique := map[string]bool{}
	for _, id := range ids {
		unique[id] = true
	}
	assert.Len(t, unique, len(ids))
	assert.Len(t, v.Messages(v.name), len(ids))
}

// require: a configuration that requires a feature the provider lacks fails at
// Open.
func (h Harness) require(t *testing.T) {
	v := h.start(t)
	caps := h.capabilities()
	for _, f := range provider.Features() {
		_, err := provider.Registry{h.Driver}.Open(
			t.Context(),
			v.config(func(a provider.AccountConfig) { a["require"] = []provider.Feature{f} }),
		)
		if caps.Can(f) {
			assert.NoError(t, err, f)
			continue
		}
		assert.ErrorIs(t, err, provider.ErrConfig, f)
		assert.Contains(t, err.Error(), string(f))
	}
	v.noRequests(t)
}
