package all_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/internal/scrub/scrubtest"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sendpulse"
)

// answers is a transport that makes up each answer.
type answers func(r *http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return a(r)
}

// answered is an answer with a JSON body.
func answered(r *http.Request, status int, header http.Header, body string) (*http.Response, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}

// printed gathers everything that a program may print. Hooks of a batch print from several
// goroutines.
type printed struct {
	all   bool // of the operations; the others differ in little, and forms are many
	mu    sync.Mutex
	text  strings.Builder
	calls int
}

func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *printed) reset(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = all
	p.text.Reset()
}

// value prints v as JSON, which goes to its depth, and an error also as its text and by
// its fields. In how many other ways a value with a key is printed without it, is tested
// in package provider.
func (p *printed) value(v any) {
	data, _ := json.Marshal(v)
	_, _ = p.Write(data)
	err, _ := v.(error)
	var e *provider.Error
	if errors.As(err, &e) {
		fmt.Fprintf(p, "%v %+v %v\n", err, *e, e.Err)
	}
}

// call prints what an operation gave.
func (p *printed) call(v any, err error) {
	p.mu.Lock()
	p.calls++
	p.mu.Unlock()
	p.value(v)
	p.value(err)
}

// hooks print what hooks get, with the bodies.
func (p *printed) hooks() provider.Option {
	return provider.WithHooks(
		provider.SlogHooks(slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		provider.Hooks{
			OnTry: func(_ context.Context, e provider.TryEvent) {
				req, resp := e.Describe()
				p.value(req)
				p.value(resp)
				p.value(e.RequestID)
				p.value(e.Err)
			},
			OnResult: func(_ context.Context, e provider.ResultEvent) { p.value(e.Receipt); p.value(e.Err) },
		})
}

// operations does the chief things that an account can, or all.
func (p *printed) operations(ctx context.Context, c *provider.Client) {
	receipt, err := c.Send(ctx, mail())
	p.call(receipt, err)
	const email = "a@example.com"
	list := provider.Ref{ID: "1"}
	change := provider.ContactChange{Email: email, FirstName: provider.ChangeTo("A"), Lists: []provider.Ref{list}}
	p.call(c.UpsertContact(ctx, change))
	p.call(c.GetContact(ctx, email))
	p.call(c.ListContacts(ctx, provider.ContactQuery{List: list}))
	if !p.all {
		return
	}
	_, err = c.SendBatch(ctx, func(yield func(*provider.Message, error) bool) {
		if yield(mail(), nil) {
			yield(mail(), nil)
		}
	}, func(r provider.BatchResult) error { p.call(r, r.Err); return nil })
	p.call(nil, err)
	id := provider.ReceiptFor(c.Account(), "1")
	p.call(c.Status(ctx, id))
	p.call(nil, c.Cancel(ctx, id))
	if receipt != nil && receipt.Unsettled != nil {
		p.call(c.Settle(ctx, receipt))
	}
	p.call(c.Check(ctx))
	p.call(c.ListContacts(ctx, provider.ContactQuery{}))
	p.call(c.Unsubscribe(ctx, email, list, ""))
	p.call(c.Resubscribe(ctx, email, list))
	p.call(nil, c.DeleteContact(ctx, email))
	p.call(c.ListLists(ctx, ""))
	p.call(c.CreateList(ctx, "x"))
	p.call(nil, c.DeleteList(ctx, list))
	p.call(c.AddToList(ctx, list, []string{email}))
	p.call(c.RemoveFromList(ctx, list, []string{email}))
	p.call(c.ListSuppressions(ctx, ""))
	p.call(c.AddSuppression(ctx, email, ""))
	p.call(c.RemoveSuppression(ctx, email))
	p.imports(ctx, c, 2)
}

// imports imports contacts; from 50 on Brevo uses a job.
func (p *printed) imports(ctx context.Context, c *provider.Client, rows int) {
	_, err := c.ImportContacts(ctx, func(yield func(provider.ContactChange, error) bool) {
		for i := range rows {
			change := provider.ContactChange{Email: fmt.Sprintf("a%d@example.com", i), Lists: []provider.Ref{{ID: "1"}}}
			if !yield(change, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error { p.call(r, r.Err); return nil })
	p.call(nil, err)
}

// everyMember is an answer with the text in each member that some vendor has.
func everyMember(text string) string {
	const members = `"code":%[1]q,"message":%[1]q,"error":%[1]q,"error_code":%[1]q,"error_description":%[1]q`
	return "{" + strings.ReplaceAll(members, "%[1]q", text) + "}"
}

// comingBack are the ways in which a text comes back to an account of any vendor. text is
// the inside of a text of JSON.
var comingBack = []struct {
	name   string
	answer func(r *http.Request, text string) (*http.Response, error)
}{
	{"refused", withBody(400, everyMember)},
	{"refused with 200", withBody(200, everyMember)},
	{"refused by field", withBody(422, func(s string) string {
		return `{"status":"error","error":{"` + s + `":"bad"},"message":{"` + s + `":["bad"]}}`
	})},
	{"refused by field, with 200", withBody(200, func(s string) string { return `{"status":"error","error":{"a":{"` + s + `":["` + s + `"]}}}` })},
	{"refused in a list", withBody(400, func(s string) string { return `{"error":["` + s + `"],"message":["` + s + `"],"code":["` + s + `"]}` })},
	{"unauthorized", withBody(401, everyMember)},
	{"no credit", withBody(402, everyMember)},
	{"forbidden", withBody(403, everyMember)},
	{"not found", withBody(404, everyMember)},
	{"conflict", withBody(409, everyMember)},
	{"too large", withBody(413, everyMember)},
	{"limited", withBody(429, everyMember)},
	{"a fault", withBody(500, everyMember)},
	{"unavailable", withBody(503, everyMember)},
	{"an odd status", withBody(299, everyMember)},
	{"duplicate", withBody(400, func(s string) string { return `{"code":"duplicate_parameter","message":"idempotency ` + s + `"}` })},
	{"text", withBody(502, func(s string) string { return strings.Repeat("x", 50) + s })},
	{"HTML", withBody(503, func(s string) string { return "<title>" + s + "</title><p>" + s })},
	{"HTML with 200", withBody(200, func(s string) string { return "<title>" + s + "</title><p>" + s })},
	{"warnings before JSON", withBody(200, func(s string) string { return "<br>Warning: " + s + "<br>" + everyMember(s) })},
	{"accepted", withBody(201, func(s string) string {
		return `{"messageId":"` + s + `","batchId":"` + s + `","id":"` + s + `","uuid":"` + s + `","result":true,"status":"success","error":0,"email_id":"` + s +
			`","data":{"record":{"email_uid":"` + s + `","subscriber_uid":"` + s + `"}}}`
	})},
	{"contacts", withBody(200, func(s string) string {
		contact := `{"email":"a@example.com","id":1,"firstName":"` + s + `","attributes":{"` + s + `":"` + s + `"},"variables":[{"name":"` + s + `","value":"` + s +
			`"}],"listIds":["` + s + `"],"lists":[{"id":"` + s + `","name":"` + s + `"}]}`
		return `{"count":1,"contacts":[` + contact + `],"status":"success","data":{"count":"1","records":[` + contact + `],"record":` + contact + `},` + contact[1:]
	})},
	{"a list of contacts", withBody(200, func(s string) string { return `[{"email":"a@example.com","name":"` + s + `","id":"` + s + `"}]` })},
	{"wrong types", withBody(200, func(s string) string {
		return `{"messageId":["` + s + `"],"id":{"` + s + `":1},"contacts":"` + s + `","lists":"` + s + `","data":"` + s + `","result":"` + s + `","email":["` + s + `"]}`
	})},
	{"not whole", withBody(201, func(s string) string { return `{"messageId":"` + s })},
	{"nested", withBody(400, func(s string) string {
		return strings.Repeat(`{"message":`, 50) + `"` + s + `"` + strings.Repeat("}", 50)
	})},
	{"at the cut of a description", withBody(400, func(s string) string { return `{"message":"` + strings.Repeat("x", 4096-len(s)) + s + `"}` })},
	{"header", func(r *http.Request, s string) (*http.Response, error) {
		h := http.Header{
			"Sib-Request-Id": {s}, "X-Request-Id": {s}, "Retry-After": {s}, "Set-Cookie": {s}, "X-Sib-Ratelimit-Reset": {s}, "Server": {s},
			http.CanonicalHeaderKey(s): {"a"},
		}
		return answered(r, 400, h, `{"message":"x"}`)
	}},
	{"header of an answer that is not whole", func(r *http.Request, s string) (*http.Response, error) {
		return answered(r, 200, http.Header{"Sib-Request-Id": {s}}, `{"id":`)
	}},
	{"redirect", func(r *http.Request, s string) (*http.Response, error) {
		return answered(r, 307, http.Header{"Location": {"https://example.com/" + s}}, everyMember(s))
	}},
	{"an answer that breaks off", func(r *http.Request, s string) (*http.Response, error) {
		resp, err := answered(r, 200, nil, "")
		resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{"messageId":"`+s), broken{errors.New(s)})), -1
		return resp, err
	}},
	{"transport", failing(func(s string) error { return errors.New("the proxy says " + s) })},
	{"transport, a URL", failing(func(s string) error {
		return &url.Error{Op: "Post", URL: "https://example.com/" + s, Err: &net.OpError{Op: "dial", Net: s, Err: errors.New(s)}}
	})},
	{"transport, a name", failing(func(s string) error { return &net.DNSError{Err: s, Name: s, Server: s, IsNotFound: true} })},
	{"TLS, a name", failing(func(s string) error {
		return &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{s}}, Host: s}}
	})},
	{"TLS, a record", failing(func(s string) error { return tls.RecordHeaderError{Msg: s} })},
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func withBody(status int, body func(text string) string) func(*http.Request, string) (*http.Response, error) {
	return func(r *http.Request, text string) (*http.Response, error) {
		return answered(r, status, nil, body(text))
	}
}

func failing(with func(text string) error) func(*http.Request, string) (*http.Response, error) {
	return func(_ *http.Request, text string) (*http.Response, error) { return nil, with(text) }
}

// place is a way on which a key might come into what a program prints.
type place struct {
	name string
	// print brings the form of scrubtest.Key there.
	print func(t *testing.T, p *printed, form string)
	// answer is print for an account with these settings, whose answers it makes.
	settings provider.AccountConfig
	answer   func(r *http.Request, form string) (*http.Response, error)
	// silent says that nothing of the text is passed on, so that nothing shows that it was
	// there.
	silent bool
}

// places are all of them. A new one is a row, here or in comingBack.
func places(t *testing.T) []place {
	t.Helper()
	var out []place
	for _, v := range vendors() {
		secret := oneSecret(t, v.Driver, scrubtest.Key)
		for _, row := range comingBack {
			out = append(out, place{name: v.Driver + ", " + row.name, settings: secret, answer: row.answer})
		}
		out = append(out, place{name: v.Driver + ", dry run", print: func(t *testing.T, p *printed, form string) {
			show := provider.WithDryRun(func(r provider.WireRequest) { p.value(r) })
			for _, base := range []string{"https://api.example.com/" + url.PathEscape(form), "https://api.example.com"} {
				c := account(t, p, secret.With("base_url", base), nil, show)
				m := mail()
				m.Subject, m.HTML, m.To[0].Name = form, form, form
				p.call(c.Send(t.Context(), m))
				p.call(c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", FirstName: provider.ChangeTo(form), Lists: []provider.Ref{{ID: "1"}}}))
			}
		}})
	}
	return append(append(out, placesOfOne()...), placesOfConfiguration()...)
}

// account opens an account whose answers a makes.
func account(t *testing.T, p *printed, settings provider.AccountConfig, a answers, opts ...provider.Option) *provider.Client {
	t.Helper()
	settings = settings.With("tries", 1).With("from", provider.Address{Email: "shop@example.com", Name: "Shop"})
	if settings["base_url"] == nil {
		settings = settings.With("base_url", "http://127.0.0.1:1")
	}
	c, err := all.Open(t.Context(), provider.Config{Providers: map[string]provider.AccountConfig{"main": settings}},
		append(opts, p.hooks(), provider.WithHTTPClient(&http.Client{Transport: a}))...)
	require.NoError(t, err)
	return c
}

// placesOfOne are those that one vendor has, or the way to all of them.
func placesOfOne() []place {
	job := func(status string) func(t *testing.T, p *printed, form string) {
		return func(t *testing.T, p *printed, form string) {
			synctest.Test(t, func(t *testing.T) {
				p.imports(t.Context(), account(t, p, provider.AccountConfig{"provider": "brevo", "api_key": scrubtest.Key}, func(r *http.Request) (*http.Response, error) {
					switch path := r.URL.Path; {
					case strings.HasSuffix(path, "/contacts/import"):
						return answered(r, 202, nil, `{"processId":7}`)
					case strings.Contains(path, "/processes/"):
						return answered(r, 200, nil, `{"id":7,"status":"`+status+`","error":"`+form+`","info":{"import":{"invalid_emails":"`+form+`"}}}`)
					case strings.HasSuffix(path, "/contacts"):
						return answered(r, 200, nil, `{"contacts":[],"count":0}`)
					}
					return answered(r, 404, nil, `{"code":"document_not_found","message":"`+form+`"}`)
				}), 60)
			})
		}
	}
	const other = "the-other-secret-of-this-account"
	token := func(secret string) provider.AccountConfig {
		return provider.AccountConfig{"provider": "sendpulse", "client_id": "id", "client_secret": secret}
	}
	isToken := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access_token") }
	var got atomic.Int32
	refusedThenNone := func(r *http.Request, form string) (*http.Response, error) {
		if n := got.Add(1); isToken(r) && n%3 == 1 {
			return answered(r, 200, nil, `{"access_token":"`+other+`","expires_in":3600}`)
		}
		return answered(r, 401, nil, everyMember(form))
	}
	out := []place{
		{name: "import job, failed", print: job("failed")},
		{name: "import job, done", print: job("completed")},
		{name: "token, echoed by the API", settings: token(other), answer: func(r *http.Request, form string) (*http.Response, error) {
			if isToken(r) {
				data, _ := json.Marshal(scrubtest.Key)
				return answered(r, 200, nil, `{"access_token":`+string(data)+`,"expires_in":3600}`)
			}
			return answered(r, 400, nil, everyMember(form))
		}},
		{name: "secret, echoed by the API", settings: token(scrubtest.Key), answer: func(r *http.Request, form string) (*http.Response, error) {
			if isToken(r) {
				return answered(r, 200, nil, `{"access_token":"`+other+`","expires_in":3600}`)
			}
			return answered(r, 400, nil, everyMember(form))
		}},
		{name: "token refused, then no other one", settings: token(scrubtest.Key), answer: refusedThenNone},
		{name: "token that no header can carry", silent: true, settings: token(scrubtest.Key), answer: func(r *http.Request, form string) (*http.Response, error) {
			return answered(r, 200, nil, `{"access_token":"`+form+` \u0000"}`)
		}},
		{name: "proxy, status", print: func(t *testing.T, p *printed, form string) {
			proxied(t, p, func(w io.Writer) { fmt.Fprintf(w, "HTTP/1.1 407 %s\r\nContent-Length: 0\r\n\r\n", form) })
		}},
		{name: "proxy, header and body", silent: true, print: func(t *testing.T, p *printed, form string) {
			proxied(t, p, func(w io.Writer) {
				fmt.Fprintf(w, "HTTP/1.1 502 Bad Gateway\r\nProxy-Authenticate: %s\r\nContent-Length: %d\r\n\r\n%s", form, len(form), form)
			})
		}},
		{name: "proxy, no HTTP", print: func(t *testing.T, p *printed, form string) {
			proxied(t, p, func(w io.Writer) { fmt.Fprintf(w, "%s %s\r\n\r\n", form, form) })
		}},
	}
	for _, row := range comingBack {
		out = append(out, place{name: "token, " + row.name, settings: token(scrubtest.Key), answer: row.answer}, place{name: "route, " + row.name, print: func(t *testing.T, p *printed, form string) {
			member := provider.AccountConfig{
				"provider": "brevo", "api_key": scrubtest.Key, "base_url": "http://127.0.0.1:1", "tries": 1, "from": provider.Address{Email: "shop@example.com"},
			}
			c, err := all.Open(t.Context(), provider.Config{Default: "any", Providers: map[string]provider.AccountConfig{
				"any": {"provider": "failover", "members": []any{"a", "b"}}, "a": member, "b": member,
			}}, p.hooks(), provider.WithHTTPClient(&http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) { return row.answer(r, form) })}))
			require.NoError(t, err)
			p.call(c.Send(t.Context(), mail()))
		}})
	}
	return out
}

// proxied sends through a proxy that knows the key and answers a request for a tunnel.
func proxied(t *testing.T, p *printed, answer func(io.Writer)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				answer(conn)
			}
			_ = conn.Close()
		}
	}()
	c, err := brevo.Open(brevo.Config{
		APIKey: provider.NewSecret("a-key-of-the-provider"),
		AccountSettings: provider.AccountSettings{
			From: provider.Address{Email: "shop@example.com"}, Tries: 1, BaseURL: "https://api.example.com",
			Proxy: provider.NewSecret((&url.URL{Scheme: "http", User: url.UserPassword("user", scrubtest.Key), Host: l.Addr().String()}).String()),
		},
	}, p.hooks())
	require.NoError(t, err)
	p.call(c.Send(t.Context(), mail()))
}

// placesOfConfiguration are the settings in which a key may stand by mistake.
func placesOfConfiguration() []place {
	wrong := func(name string, silent bool, change func(a provider.AccountConfig, form string)) place {
		return place{name: "configuration, " + name, silent: silent, print: func(t *testing.T, p *printed, form string) {
			for _, v := range vendors() {
				a := oneSecret(t, v.Driver, scrubtest.Key)
				change(a, form)
				p.config(t, provider.Config{Providers: map[string]provider.AccountConfig{"main": a}})
			}
		}}
	}
	out := []place{
		wrong("the name of a variable", true, func(a provider.AccountConfig, form string) {
			for name := range settingsOf(true) {
				a[name] = "env:" + form
			}
		}),
		wrong("the name of a file", true, func(a provider.AccountConfig, form string) {
			for name := range settingsOf(true) {
				a[name] = "file:" + form
			}
		}),
		wrong("a name of a setting", false, func(a provider.AccountConfig, form string) { a[form] = "x" }),
		wrong("a name inside of a setting", false, func(a provider.AccountConfig, form string) { a["from"] = map[string]any{form: form} }),
		wrong("the provider", true, func(a provider.AccountConfig, form string) { a["provider"] = form }),
		{name: "configuration, the name of an account", print: func(t *testing.T, p *printed, form string) {
			a := provider.AccountConfig{"provider": "brevo", "api_key": scrubtest.Key, "timeout": "soon"}
			p.config(t, provider.Config{Default: form + "x", Providers: map[string]provider.AccountConfig{form: a}})
		}},
		{name: "configuration, an alias", print: func(t *testing.T, p *printed, form string) {
			cfg := provider.Config{Providers: map[string]provider.AccountConfig{"main": {"provider": "brevo", "api_key": scrubtest.Key}}}
			cfg.Aliases.Lists = map[string]map[string]string{form: {form: form, "main": ""}}
			p.config(t, cfg)
		}},
		{name: "configuration, a member of a route", silent: true, print: func(t *testing.T, p *printed, form string) {
			p.config(t, provider.Config{Default: "any", Providers: map[string]provider.AccountConfig{
				"any": {"provider": "failover", "members": []any{form, "main"}}, "main": {"provider": "brevo", "api_key": scrubtest.Key},
			}})
		}},
	}
	for name, driver := range settingsOf(false) {
		for kind, value := range map[string]func(form string) any{
			"text": func(form string) any { return form }, "list": func(form string) any { return []any{form} },
			"object": func(form string) any { return map[string]any{form: form} },
		} {
			// Whether a value is wrong at all, and is told then, differs.
			out = append(out, place{name: "configuration, " + name + ", " + kind, silent: true, print: func(t *testing.T, p *printed, form string) {
				a := oneSecret(t, driver, scrubtest.Key).With(name, value(form))
				p.config(t, provider.Config{Providers: map[string]provider.AccountConfig{"main": a}})
			}})
		}
	}
	return out
}

// config prints what a configuration is told.
func (p *printed) config(t *testing.T, cfg provider.Config) {
	t.Helper()
	p.call(nil, all.Registry().Check(cfg))
	p.call(nil, all.Registry().CheckSecrets(cfg))
	_, err := all.Open(t.Context(), cfg)
	p.call(nil, err)
	p.value(all.Registry().Warnings(cfg))
}

// settingsOf are the names of the settings that are secrets, or are none, each with a
// driver that has it.
func settingsOf(secret bool) map[string]string {
	out := make(map[string]string)
	for _, v := range vendors() {
		d, _ := all.Registry().Driver(v.Driver)
		for _, f := range settings.Fields(reflect.TypeOf(d.Config())) {
			if f.Secret == secret {
				out[f.Name] = v.Driver
			}
		}
	}
	return out
}

// No form of a key comes out of any place at which it might.
func TestNoKeyIsPrinted(t *testing.T) {
	rows, calls := places(t), 0
	forms := scrubtest.Forms(scrubtest.Key)
	if raceEnabled {
		forms = forms[:2] // a race does not depend on the form, and the detector is slow
	}
	each := func(t *testing.T, row place) {
		p, text := new(printed), ""
		if row.answer != nil {
			c := account(t, p, row.settings, func(r *http.Request) (*http.Response, error) { return row.answer(r, text) })
			row.print = func(t *testing.T, p *printed, _ string) { p.operations(t.Context(), c) }
		}
		for i, form := range forms {
			p.reset(i == 0)
			text = form.Text
			row.print(t, p, form.Text)
			scrubtest.NoneIn(t, scrubtest.Key, p.String())
			if !row.silent {
				assert.Contains(t, p.String(), "REDACTED")
			}
			if t.Failed() {
				t.Fatalf("brought in as %s", form.Name)
			}
		}
		calls += p.calls
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.answer == nil {
				each(t, row)
				return
			}
			synctest.Test(t, func(t *testing.T) { each(t, row) }) // after some answers calls wait
		})
	}
	t.Logf("%d places in %d forms, %d calls", len(rows), len(forms), calls)
}

// Where the key stands nowhere else, it is known by its look alone.
func TestKeyThatIsNowhereElse(t *testing.T) {
	const key = "xkeysib-0123456789abcdef0123456789abcdef-AbCdEfGhIjKlMnOp"
	for _, row := range []struct {
		name string
		cfg  provider.Config
	}{
		{name: "an account", cfg: provider.Config{Providers: map[string]provider.AccountConfig{key: {"provider": "brevo"}}}},
		{name: "the default", cfg: provider.Config{Default: key, Providers: map[string]provider.AccountConfig{key + "x": {"provider": "brevo"}}}},
		{name: "the provider", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": key}}}},
		{name: "a setting", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": "brevo", key: "x"}}}},
		{name: "a duration", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": "brevo", "timeout": key}}}},
		{name: "a number", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": "brevo", "tries": key}}}},
		{name: "a variable", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": "brevo", "api_key": "env:" + key}}}},
		{name: "a file", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"a": {"provider": "brevo", "api_key": "file:" + key}}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := new(printed)
			p.call(nil, all.Registry().CheckSecrets(row.cfg))
			_, err := all.Open(t.Context(), row.cfg)
			p.call(nil, err)
			require.Error(t, err)
			for i := range len(key) - 12 {
				require.NotContains(t, p.String(), key[i:i+12])
			}
		})
	}
	_, err := sendpulse.Open(sendpulse.Config{ClientID: "id", ClientSecret: provider.NewSecret("file:" + key)})
	require.ErrorContains(t, err, "client_secret: cannot read the file: no such file")
	assert.NotContains(t, err.Error(), key)
}
