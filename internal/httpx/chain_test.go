package httpx

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

const planted = "PLANTED-KEY-4711"

type mail struct {
	To   string `json:"to"`
	HTML string `json:"html,omitempty"`
}

type sent struct {
	ID string `json:"id"`
}

func sendCall() *rest.Call {
	return &rest.Call{Operation: "SendEmail", Method: "POST", Route: "/send", Effect: rest.Send, Kind: rest.JSON, Body: &mail{To: "a@b.example"}}
}

func readCall() *rest.Call {
	return &rest.Call{Operation: "GetEmail", Method: "GET", Route: "/mails/{id}", Segments: []string{"secret.person@b.example"}, Effect: rest.Read}
}

// classify is as strict as the adapters': a status outside 2xx, or an error inside.
func classify(a *Answer) *provider.Error {
	var body struct{ Error, Code string }
	_ = json.Unmarshal(a.Body, &body)
	if a.OK() && body.Error == "" {
		return nil
	}
	return &provider.Error{Kind: KindOfStatus(a.Status), Code: body.Code, Message: body.Error}
}

func newChain(t *testing.T, base string, change func(*Config)) *Chain {
	t.Helper()
	cfg := Config{
		Provider: "test", BaseURL: base, Classify: classify, RequestID: "X-Request",
		Auth: HeaderKey("api-key", provider.NewSecret(planted)),
		Env:  provider.Env{Account: "main"},
	}
	cfg.Section.Attempts = 1 // repeats are tested for themselves
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func errorOf(t *testing.T, err error) *provider.Error {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, e), planted)
	return e
}

func TestDoSendsOnceAndDecodes(t *testing.T) {
	var got http.Header
	var body []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	var out sent
	reply, err := newChain(t, url, func(c *Config) { c.Env.UserAgent = "shop/1.0" }).Do(t.Context(), sendCall(), &out)
	require.NoError(t, err)
	assert.Equal(t, "7", out.ID)
	assert.Equal(t, 200, reply.Status)
	assert.Equal(t, `{"to":"a@b.example"}`, string(body))
	assert.Equal(t, planted, got.Get("api-key"))
	assert.Regexp(t, `^shop/1\.0 postmux/\S+ \(test\)$`, got.Get("User-Agent"))
	assert.Empty(t, got.Get("Idempotency-Key"), "that header makes Go resend by itself")
	assert.Equal(t, "20", got.Get("Content-Length"))
}

func TestAnswersAreClassified(t *testing.T) {
	for _, row := range []struct {
		status    int
		body      string
		kind      provider.Kind
		outcome   provider.Outcome
		elsewhere bool
		readKind  provider.Kind
	}{
		{400, `{"error":"bad","code":"x"}`, provider.ErrInvalid, provider.NotSent, false, provider.ErrInvalid},
		{401, ``, provider.ErrUnauthorized, provider.NotSent, true, provider.ErrUnauthorized},
		{402, ``, provider.ErrNoCredit, provider.NotSent, true, provider.ErrNoCredit},
		{403, `<html>`, provider.ErrForbidden, provider.NotSent, true, provider.ErrForbidden},
		{404, ``, provider.ErrNotFound, provider.NotSent, true, provider.ErrNotFound},
		{405, ``, provider.ErrInvalid, provider.NotSent, true, provider.ErrInvalid},
		{408, ``, provider.ErrOutcomeUnknown, provider.MaybeSent, false, provider.ErrUnavailable},
		{409, ``, provider.ErrConflict, provider.NotSent, false, provider.ErrConflict},
		{422, ``, provider.ErrInvalid, provider.NotSent, false, provider.ErrInvalid},
		{429, ``, provider.ErrRateLimited, provider.NotSent, true, provider.ErrRateLimited},
		{500, ``, provider.ErrOutcomeUnknown, provider.MaybeSent, false, provider.ErrUnavailable},
		{502, `<html>bad gateway</html>`, provider.ErrOutcomeUnknown, provider.MaybeSent, false, provider.ErrUnavailable},
		{503, `{"error":"later"}`, provider.ErrOutcomeUnknown, provider.MaybeSent, false, provider.ErrUnavailable},
		{200, `{"error":"no such sender"}`, provider.ErrBadResponse, provider.NotSent, false, provider.ErrBadResponse},
		{200, `<html>login</html>`, provider.ErrBadResponse, provider.Sent, false, provider.ErrBadResponse},
		{201, `{"id":`, provider.ErrBadResponse, provider.Sent, false, provider.ErrBadResponse},
		{200, `{"id":5}`, provider.ErrBadResponse, provider.Sent, false, provider.ErrBadResponse},
	} {
		t.Run(fmt.Sprint(row.status, row.body), func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("X-Request", "req-1")
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			})
			chain := newChain(t, url, nil)
			reply, err := chain.Do(t.Context(), sendCall(), new(sent))
			e := errorOf(t, err)
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.outcome, e.Outcome)
			assert.Equal(t, row.elsewhere, e.Elsewhere)
			assert.Equal(t, row.status, e.Status)
			assert.Equal(t, "req-1", e.RequestID)
			assert.Equal(t, row.status, reply.Status)
			assert.Equal(t, int32(1), calls.Load(), "nothing is repeated")
			_, err = chain.Do(t.Context(), readCall(), new(sent))
			e = errorOf(t, err)
			assert.Equal(t, row.readKind, e.Kind)
			assert.Empty(t, e.Outcome, "reads have no outcome")
		})
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	auths := map[string]Auth{
		"header":      HeaderKey("api-key", provider.NewSecret(planted)),
		"X-header":    HeaderKey("X-API-KEY", provider.NewSecret(planted)),
		"bearer key":  BearerKey(provider.NewSecret(planted)),
		"bearer":      Bearer("account", func(context.Context) (string, time.Duration, error) { return planted, time.Hour, nil }),
		"form token":  FormToken("token", provider.NewSecret(planted)),
		"caller's":    HeaderKey("api-key", provider.NewSecret(planted)),
		"query token": FormToken("token", provider.NewSecret(planted)),
	}
	for name, auth := range auths {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, code), func(t *testing.T) {
				var leaked atomic.Int32
				other := serve(t, func(http.ResponseWriter, *http.Request) { leaked.Add(1) })
				url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other+"/elsewhere?a=1", code) })
				call := sendCall()
				if name == "form token" {
					call.Kind = rest.Formdata
				}
				if name == "query token" {
					call.Kind, call.Body = "", nil
				}
				_, err := newChain(t, url, func(c *Config) {
					c.Auth = auth
					if name == "caller's" {
						c.Env.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
					}
				}).Do(t.Context(), call, new(sent))
				e := errorOf(t, err)
				assert.Equal(t, code, e.Status)
				assert.Equal(t, provider.NotSent, e.Outcome)
				assert.Zero(t, leaked.Load(), "a second host got a request")
			})
		}
	}
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	var fetched, calls atomic.Int32
	valid := "token-2"
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	fetch := func(context.Context) (string, time.Duration, error) {
		return fmt.Sprintf("token-%d", fetched.Add(1)), time.Hour, nil
	}
	chain := newChain(t, url, func(c *Config) { c.Auth = Bearer("account", fetch) })
	var out sent
	_, err := chain.Do(t.Context(), sendCall(), &out)
	require.NoError(t, err)
	assert.Equal(t, int32(2), fetched.Load())
	assert.Equal(t, int32(2), calls.Load())
	valid = "never"
	_, err = chain.Do(t.Context(), sendCall(), &out)
	assert.Equal(t, provider.ErrUnauthorized, errorOf(t, err).Kind)
	assert.Equal(t, int32(3), fetched.Load(), "exactly one forced refresh")
	assert.Equal(t, int32(4), calls.Load())
}

func TestOneTokenForAllWhoWait(t *testing.T) {
	var fetched atomic.Int32
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"7"}`) })
	chain := newChain(t, url, func(c *Config) {
		c.Auth = Bearer("account", func(context.Context) (string, time.Duration, error) {
			fetched.Add(1)
			<-release
			return "t", time.Hour, nil
		})
	})
	first, cancelFirst := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			ctx := t.Context()
			if i == 0 {
				ctx = first
			}
			_, err := chain.Do(ctx, sendCall(), new(sent))
			if i > 0 {
				assert.NoError(t, err, "the end of one caller's context is not the others'")
			}
		})
	}
	cancelFirst()
	close(release)
	wg.Wait()
	assert.Equal(t, int32(1), fetched.Load())
}

func TestTokenFailureMeansNotSent(t *testing.T) {
	var calls atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	_, err := newChain(t, url, func(c *Config) {
		c.Auth = Bearer("account", func(context.Context) (string, time.Duration, error) {
			return "", 0, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.MaybeSent, Message: "cut"}
		})
	}).Do(t.Context(), sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.NotSent, e.Outcome)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.True(t, e.Elsewhere)
	assert.Zero(t, calls.Load())
}

func TestAnswersAreCapped(t *testing.T) {
	big := bytes.Repeat([]byte(" "), 64<<20)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(big)
	require.NoError(t, zip.Close())
	for _, status := range []int{200, 500} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			_, _ = w.Write(bomb.Bytes())
		})
		reply, err := newChain(t, url, nil).Do(t.Context(), sendCall(), new(sent))
		e := errorOf(t, err)
		assert.Equal(t, status, e.Status)
		if status == 200 {
			assert.Equal(t, provider.Sent, e.Outcome)
			assert.Contains(t, e.Message, "8 MiB")
		} else {
			assert.LessOrEqual(t, len(reply.Body), maxErrorAnswer)
		}
	}
}

func TestNoAnswerIsUnknownAndNoConnectionIsNotSent(t *testing.T) {
	lost := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	chain := newChain(t, lost, nil)
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.False(t, e.Elsewhere)
	_, err = chain.Do(t.Context(), readCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.NotContains(t, err.Error(), "secret.person", "paths hold addresses: errors show the route only")

	listener, lerr := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, lerr)
	dead := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = newChain(t, dead, nil).Do(t.Context(), sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.NotSent, e.Outcome)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.True(t, e.Elsewhere)
}

func TestBadCertificateIsNotSent(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	srv.Config.ErrorLog = nil
	defer srv.Close()
	_, err := newChain(t, srv.URL, nil).Do(t.Context(), sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.NotSent, e.Outcome)
	assert.Contains(t, e.Message, "certificate")
	own := newChain(t, srv.URL, func(c *Config) { c.Env.HTTPClient = srv.Client() })
	_, err = own.Do(t.Context(), sendCall(), new(sent))
	assert.NoError(t, err, "a caller's client brings its own authorities")
}

func TestCanceledAndLate(t *testing.T) {
	got := make(chan struct{}, 1)
	hang := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- struct{}{}
		<-hang
	})
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	_, err := newChain(t, url, nil).Do(ctx, sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome, "the vendor has the whole request")
	assert.ErrorIs(t, err, context.Canceled)

	_, err = newChain(t, url, nil).Do(ctx, sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.ErrCanceled, e.Kind)
	assert.Equal(t, provider.NotSent, e.Outcome)

	_, err = newChain(t, url, func(c *Config) { c.Section.Timeout = 50 * time.Millisecond }).Do(t.Context(), sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestHintsAreClamped(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, " 7 ": 7 * time.Second, "-1": 0, "x": 0, "99999999999999999999": 0, "9999999999": time.Hour,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(48 * time.Hour).Format(http.TimeFormat):   time.Hour,
	} {
		assert.Equal(t, want, RetryAfter(text, now), text)
	}
}

func TestEchoedKeyIsScrubbed(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request", planted)
		w.Header().Set("X-Echo", planted)
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"key `+planted+` is bad","code":"`+planted+`"}`)
	})
	var seen strings.Builder
	hooks := provider.Hooks{OnAttempt: func(_ context.Context, e provider.AttemptEvent) {
		req, answer := e.Describe()
		fmt.Fprintf(&seen, "%+v %+v %+v", req, answer, e.Err)
	}}
	for _, auth := range []Auth{HeaderKey("api-key", provider.NewSecret(planted)), BearerKey(provider.NewSecret(planted)), FormToken("token", provider.NewSecret(planted))} {
		for _, kind := range []rest.BodyKind{rest.JSON, rest.Formdata, rest.Multipart, ""} {
			call := sendCall()
			call.Kind = kind
			_, err := newChain(t, url, func(c *Config) { c.Auth, c.Env.Hooks = auth, hooks }).Do(t.Context(), call, new(sent))
			_ = errorOf(t, err)
			chain := newChain(t, url, func(c *Config) {
				c.Auth = auth
				c.Env.DryRun = func(r provider.Request) { data, _ := json.Marshal(r); seen.Write(data) }
			})
			_, err = chain.Do(t.Context(), call, new(sent))
			assert.ErrorIs(t, err, provider.ErrDryRun)
		}
	}
	assert.Contains(t, seen.String(), "REDACTED")
	assert.NotContains(t, seen.String(), planted)
}

func TestUnencodableCallsAreLocal(t *testing.T) {
	var calls atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	chain := newChain(t, url, nil)
	for _, call := range []*rest.Call{
		{Method: "GET", Route: "/x/{id}", Segments: []string{".."}, Effect: rest.Read},
		{Method: "POST", Route: "/x", Kind: rest.JSON, Body: make(chan int), Effect: rest.Send},
		{Method: "POST", Route: "/x", Kind: rest.Formdata, Body: 5, Effect: rest.Send},
	} {
		_, err := chain.Do(t.Context(), call, new(sent))
		e := errorOf(t, err)
		assert.Equal(t, provider.ErrInvalid, e.Kind)
		assert.True(t, e.Local())
	}
	assert.Zero(t, calls.Load())
}

func TestConnectionsAreShared(t *testing.T) {
	a, b := newChain(t, "http://127.0.0.1:1", nil), newChain(t, "http://127.0.0.1:2", nil)
	assert.Same(t, a.client.Transport, b.client.Transport)
	c := newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Section.Proxy = "http://127.0.0.1:3" })
	assert.NotSame(t, a.client.Transport, c.client.Transport)
	_, err := New(Config{BaseURL: "https://x.example", Section: provider.Section{Common: provider.Common{Proxy: "http://p.example"}}, Env: provider.Env{HTTPClient: &http.Client{}}})
	assert.ErrorIs(t, err, provider.ErrConfig)
	_, err = New(Config{BaseURL: "https://x.example", Section: provider.Section{Common: provider.Common{CAFile: "/does/not/exist"}}})
	assert.ErrorIs(t, err, provider.ErrConfig)
	_, err = New(Config{BaseURL: "http://x.example"})
	assert.ErrorIs(t, err, provider.ErrConfig)
}

func TestProxyAndCAFile(t *testing.T) {
	var viaProxy atomic.Int32
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		viaProxy.Add(1)
		assert.Equal(t, "vendor.example:80", r.URL.Host+":80")
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	chain := newChain(t, "http://127.0.0.1:9", func(c *Config) { c.Section.Proxy = proxy })
	chain.base, chain.place = "http://vendor.example", url.URL{} // only https is allowed here; the test has no certificate for a tunnel
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	assert.Equal(t, int32(1), viaProxy.Load())
}

func TestSealedBody(t *testing.T) {
	b := &sealedBody{data: []byte("hello")}
	assert.Equal(t, leftNothing, (&sealedBody{data: []byte("x")}).seal(true))
	b.gotConn = true
	r := b.reader()
	_, err := io.ReadFull(r, make([]byte, 4))
	require.NoError(t, err)
	assert.Equal(t, leftPart, b.seal(true))
	_, err = r.Read(make([]byte, 1))
	assert.ErrorIs(t, err, errSealed, "after the verdict no byte leaves")
	full := &sealedBody{data: []byte("hello"), gotConn: true}
	_, _ = io.ReadAll(full.reader())
	_ = full.reader() // a replay of the transport starts anew, and the verdict stays
	assert.Equal(t, leftAll, full.seal(true))
	silent := &sealedBody{data: []byte("hello")}
	_, _ = io.ReadAll(silent.reader())
	assert.Equal(t, leftAll, silent.seal(false), "a transport that tells of no connection may have one")
	assert.Equal(t, leftAll, (&sealedBody{}).seal(false))
	assert.Equal(t, leftAll, (&sealedBody{gotConn: true}).seal(true), "a call without a body is complete once there is a connection")
}

func TestDecodeFailureKeepsCause(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":{}}`) })
	_, err := newChain(t, url, nil).Do(t.Context(), readCall(), new(sent))
	var typ *json.UnmarshalTypeError
	assert.True(t, errors.As(err, &typ))
}
