package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/scrub/scrubtest"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestEchoedKeyIsScrubbed(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request", planted)
		w.Header().Set("X-Echo", planted)
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"key `+planted+` is bad","code":"`+planted+`"}`)
	})
	var seen strings.Builder
	hooks := provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
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
				c.Env.DryRun = func(r provider.WireRequest) { data, _ := json.Marshal(r); seen.Write(data) }
			})
			_, err = chain.Do(t.Context(), call, new(sent))
			assert.ErrorIs(t, err, provider.ErrDryRun)
		}
	}
	assert.Contains(t, seen.String(), "REDACTED")
	assert.NotContains(t, seen.String(), planted)
}

// keyEchoed is a chain with the key of scrubtest whose answers come from answer, and the
// text of what its hooks see.
func keyEchoed(t *testing.T, classify func(*Answer) *provider.Error, answer func(*http.Request) (*http.Response, error)) (*Chain, *strings.Builder) {
	t.Helper()
	var seen strings.Builder
	chain := newChain(t, "http://127.0.0.1:1", func(c *Config) {
		c.Auth = HeaderKey("api-key", provider.NewSecret(scrubtest.Key))
		c.Classify = classify
		c.Env.HTTPClient = &http.Client{Transport: transportFunc(answer)}
		c.Env.Hooks.OnTry = func(_ context.Context, e provider.TryEvent) {
			_, resp := e.Describe() // the request always has REDACTED in it
			fmt.Fprintf(&seen, "%v %+v %+v\n", e, resp, e.Err)
		}
	})
	return chain, &seen
}

// In no form and at no place does a key come back from an answer.
func TestNoFormOfTheKeyComesBack(t *testing.T) {
	inField := func(a *Answer) *provider.Error {
		if a.OK() {
			return nil
		}
		var body map[string]string
		_ = json.Unmarshal(a.Body, &body)
		for name, text := range body {
			return &provider.Error{Kind: provider.ErrInvalid, Field: name, Message: text}
		}
		return nil
	}
	for _, place := range []struct {
		name     string
		status   int
		classify func(*Answer) *provider.Error
		body     func(form string) string // nil for none
		header   func(form string) http.Header
		err      func(form string) error
	}{
		{name: "Message", status: 400, body: func(f string) string { return `{"error":"key ` + f + ` is bad"}` }},
		{name: "Code", status: 400, body: func(f string) string { return `{"error":"x","code":"` + f + `"}` }},
		{name: "Field", status: 400, classify: inField, body: func(f string) string { return `{"` + f + `":"bad"}` }},
		{name: "RequestID", status: 400, header: func(f string) http.Header { return http.Header{"X-Request": {f}} }},
		{name: "header value", status: 201, header: func(f string) http.Header { return http.Header{"X-Other": {"a", f}} }},
		{name: "header name", status: 201, header: func(f string) http.Header { return http.Header{f: {"a"}} }},
		{name: "id", status: 201, body: func(f string) string { return `{"id":"` + f + `"}` }},
		{name: "text that is no JSON", status: 502, body: func(f string) string { return strings.Repeat("x", 50) + f }},
		{name: "title", status: 502, body: func(f string) string { return "<title>" + strings.Repeat("x", 50) + f + "</title>" }},
		{name: "body at the cut", status: 400, body: func(f string) string {
			return `{"error":"` + strings.Repeat("x", maxDescribe-len(`{"error":"`)-len(scrubtest.Key)+1) + f + `"}`
		}},
		{name: "body that is not whole", status: 201, body: func(f string) string { return `{"id":"` + f }},
		{name: "answer of a wrong type", status: 201, body: func(f string) string { return `{"id":["` + f + `"]}` }},
		{name: "Err", err: func(f string) error { return fmt.Errorf("proxy says %s", f) }},
	} {
		t.Run(place.name, func(t *testing.T) {
			for _, form := range scrubtest.Forms(scrubtest.Key) {
				if place.classify == nil {
					place.classify = classify
				}
				asked := 0
				chain, seen := keyEchoed(t, place.classify, func(r *http.Request) (*http.Response, error) {
					asked++
					_, _ = io.Copy(io.Discard, r.Body)
					if place.err != nil {
						return nil, place.err(form.Text)
					}
					resp := &http.Response{StatusCode: place.status, Header: http.Header{}, Request: r}
					if place.header != nil {
						resp.Header = place.header(form.Text)
					}
					body := ""
					if place.body != nil {
						body = place.body(form.Text)
					}
					resp.Body = io.NopCloser(strings.NewReader(body))
					return resp, nil
				})
				var out sent
				_, err := chain.Do(t.Context(), sendCall(), &out)
				require.Equal(t, 1, asked)
				if e := (*provider.Error)(nil); errors.As(err, &e) {
					data, _ := json.Marshal(e)
					fmt.Fprintf(seen, "%v %+v %#v %s %v", err, err, *e, data, e.Err)
				}
				fmt.Fprintf(seen, "%+v", out)
				t.Run(form.Name, func(t *testing.T) {
					scrubtest.NoneIn(t, scrubtest.Key, seen.String())
					assert.Contains(t, seen.String(), redacted)
				})
			}
		})
	}
}

// What a vendor or a proxy writes cannot write to a terminal or forge a line of a log.
func TestTextsOfErrorsArePrintable(t *testing.T) {
	const hostile = "a\x1b[31m\x07\n2026-01-01 fake\r\u009b\x7f\u202e\u061c\u200e\u200f\u2028b"
	quoted, err := json.Marshal(hostile)
	require.NoError(t, err)
	for _, x := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
	}{
		{name: "answer", answer: func(r *http.Request) (*http.Response, error) {
			body := `{"error":` + string(quoted) + `,"code":` + string(quoted) + `}`
			return &http.Response{StatusCode: 400, Header: http.Header{"X-Request": {hostile}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}},
		{name: "proxy", answer: func(*http.Request) (*http.Response, error) { return nil, errors.New(hostile) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			chain, _ := keyEchoed(t, classify, x.answer)
			_, err := chain.Do(t.Context(), sendCall(), new(sent))
			e := errorOf(t, err)
			for _, s := range []string{e.Error(), e.Message, e.Code, e.RequestID, e.Field, fmt.Sprint(e.Err)} {
				assert.False(t, strings.ContainsFunc(s, text.Unprintable), "%q", s)
			}
			assert.Contains(t, e.Message, "2026-01-01 fake")
		})
	}
}

// What a proxy gets is looked for in what comes back; a usual word is not, alone.
func TestProxySecrets(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	for _, row := range []struct {
		name, proxy, environment string
		want                     []string
	}{
		{name: "none"},
		{name: "no user", proxy: "http://proxy.example.com"},
		{name: "a password", proxy: "http://user:long-enough@proxy.example.com", want: []string{"long-enough", "dXNlcjpsb25nLWVub3VnaA=="}},
		{name: "a short one", proxy: "http://user:test@proxy.example.com", want: []string{"dXNlcjp0ZXN0"}},
		{name: "a token", proxy: "http://a-long-token@proxy.example.com", want: []string{"a-long-token", "YS1sb25nLXRva2VuOg=="}},
		{name: "of the environment", environment: "http://user:long-enough@proxy.example.com", want: []string{"long-enough", "dXNlcjpsb25nLWVub3VnaA=="}},
		{name: "of the account alone", proxy: "http://proxy.example.com", environment: "http://user:long-enough@proxy.example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("https_proxy", row.environment)
			assert.Equal(t, row.want, proxySecrets(row.proxy))
		})
	}
}
