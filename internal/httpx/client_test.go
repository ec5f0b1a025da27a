package httpx

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// With Go's default of two idle connections, each call of a batch over HTTP/1.1
// would dial and shake hands anew.
func TestTransportKeepsConnectionsOfABatch(t *testing.T) {
	tr, err := transport(transportKey{})
	require.NoError(t, err)
	const most = 256 // the largest concurrency
	assert.GreaterOrEqual(t, tr.MaxIdleConnsPerHost, most)
	assert.GreaterOrEqual(t, tr.MaxIdleConns, tr.MaxIdleConnsPerHost)
	assert.Zero(t, tr.MaxConnsPerHost, "limits are kept by the limiter, where they can be reported")
	assert.True(t, tr.ForceAttemptHTTP2)
}

func TestConnectionsAreShared(t *testing.T) {
	a, b := newChain(t, "http://127.0.0.1:1", nil), newChain(t, "http://127.0.0.1:2", nil)
	assert.Same(t, clientOf(a).Transport, clientOf(b).Transport)
	c := newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Settings.Proxy = "http://127.0.0.1:3" })
	assert.NotSame(t, clientOf(a).Transport, clientOf(c).Transport)
	_, err := New(Config{BaseURL: "https://x.example", Settings: provider.AccountSettings{Proxy: "http://p.example"}, Env: provider.DriverEnv{HTTPClient: &http.Client{}}})
	assert.ErrorIs(t, err, provider.ErrConfig)
	_, err = New(Config{BaseURL: "https://x.example", Settings: provider.AccountSettings{CAFile: "/does/not/exist"}})
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
	chain := newChain(t, "http://127.0.0.1:9", func(c *Config) { c.Settings.Proxy = proxy })
	linkOf[*encoder](chain).urls.base = "http://vendor.example" // only https is allowed here; the test has no certificate for a tunnel
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	assert.Equal(t, int32(1), viaProxy.Load())
}

// What a caller's client does besides its transport is kept, and a transport
// that breaks its contract crashes nothing.
func TestCallersClient(t *testing.T) {
	var cookies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, `{"id":"7"}`)
	}))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	chain := newChain(t, srv.URL, func(c *Config) { c.Env.HTTPClient = &http.Client{Jar: jar} })
	for range 2 {
		_, err := chain.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"", "a=b"}, cookies)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	slow := transportFunc(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	chain = newChain(t, "https://x.example", func(c *Config) {
		c.Env.HTTPClient, c.Settings.Tries = &http.Client{Transport: slow, Timeout: time.Millisecond}, 1
	})
	_, err = chain.Do(t.Context(), sendCall(), new(sent))
	require.Error(t, err, "the client's timeout counts")

	for _, resp := range []*http.Response{nil, {StatusCode: 200}} {
		own := transportFunc(func(*http.Request) (*http.Response, error) { return resp, nil }) //nolint:nilnil // the fault under test
		chain := newChain(t, "https://x.example", func(c *Config) {
			c.Env.HTTPClient, c.Settings.Tries = &http.Client{Transport: own}, 1
		})
		_, err := chain.Do(t.Context(), sendCall(), new(sent))
		var e *provider.Error
		if resp == nil {
			require.True(t, errors.As(err, &e))
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome, "it has not read the body")
		} else {
			require.NoError(t, err)
		}
	}
}
