package httpx

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"sync"
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
	tr, err := transport(transportKey{dial: defaultDial})
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
	c := newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Settings.Proxy = provider.NewSecret("http://127.0.0.1:3") })
	assert.NotSame(t, clientOf(a).Transport, clientOf(c).Transport)
	_, err := New(Config{BaseURL: "https://x.example", Settings: provider.AccountSettings{Proxy: provider.NewSecret("http://p.example")}, Env: provider.DriverEnv{HTTPClient: &http.Client{}}})
	assert.ErrorIs(t, err, provider.ErrConfig)
	_, err = New(Config{BaseURL: "https://x.example", Settings: provider.AccountSettings{CAFile: "/does/not/exist"}})
	assert.ErrorIs(t, err, provider.ErrConfig)
	_, err = New(Config{BaseURL: "https://x.example", Settings: provider.AccountSettings{DialTimeout: 1}, Env: provider.DriverEnv{HTTPClient: &http.Client{}}})
	assert.ErrorContains(t, err, "dial_timeout", "a setting without effect is refused")
	_, err = New(Config{BaseURL: "http://x.example"})
	assert.ErrorIs(t, err, provider.ErrConfig)
	d := newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Settings.DialTimeout = time.Second })
	assert.NotSame(t, clientOf(a).Transport, clientOf(d).Transport)
}

// socks is a SOCKS5 proxy that demands the user "u" with the password planted.
func socks(t *testing.T) (address string, served *atomic.Int32) {
	t.Helper()
	served = new(atomic.Int32)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				if serveSocks(c) == nil {
					served.Add(1)
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String(), served
}

// serveSocks connects c to where it asks, RFC 1928 and 1929.
func serveSocks(c net.Conn) error {
	next := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(c, b)
		return b
	}
	next(int(next(2)[1]))
	_, _ = c.Write([]byte{5, 2})
	user := next(int(next(2)[1]))
	password := next(int(next(1)[0]))
	if string(user) != "u" || string(password) != planted {
		_, _ = c.Write([]byte{1, 1})
		return errors.New("refused")
	}
	_, _ = c.Write([]byte{1, 0})
	var host string
	switch head := next(4); head[3] {
	case 1:
		host = net.IP(next(4)).String()
	case 3:
		host = string(next(int(next(1)[0])))
	}
	there, err := (&net.Dialer{}).Dial("tcp", net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(next(2))))))
	if err != nil {
		return err
	}
	defer there.Close()
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() { _, _ = io.Copy(there, c); _ = there.Close() }()
	_, _ = io.Copy(c, there)
	return nil
}

func TestProxiesOfEveryScheme(t *testing.T) {
	vendor := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that no tunnel outlives the test
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	forward := httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
	var served atomic.Int32
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+planted))
		if r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		served.Add(1)
		forward.ServeHTTP(w, r)
	})
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(handler)
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, cert, 0o600))
	socksAt, socksServed := socks(t)
	for _, row := range []struct {
		scheme, address string
		served          *atomic.Int32
	}{
		{scheme: "http", address: plain.Listener.Addr().String(), served: &served},
		{scheme: "https", address: secure.Listener.Addr().String(), served: &served},
		{scheme: "socks5", address: socksAt, served: socksServed},
		{scheme: "socks5h", address: socksAt, served: socksServed},
	} {
		t.Run(row.scheme, func(t *testing.T) {
			do := func(user string) error {
				chain := newChain(t, vendor, func(c *Config) {
					c.Settings.CAFile = ca
					c.Settings.Proxy = provider.NewSecret(row.scheme + "://" + user + "@" + row.address)
				})
				defer clientOf(chain).CloseIdleConnections()
				_, err := chain.Do(t.Context(), sendCall(), new(sent))
				return err
			}
			before := row.served.Load()
			require.NoError(t, do("u:"+planted))
			assert.Eventually(t, func() bool { return row.served.Load() == before+1 }, 5*time.Second, time.Millisecond)
			e := errorOf(t, do("u:PLANTED-WRONG"))
			assert.NotContains(t, e.Error(), "PLANTED-WRONG")
			assert.NotEqual(t, provider.OutcomeSent, e.Outcome)
		})
	}
}

// http is for a vendor on this machine; a proxy elsewhere would read the key.
func TestNoKeyInClearToAProxy(t *testing.T) {
	_, err := New(Config{
		BaseURL:  "http://127.0.0.1:1",
		Settings: provider.AccountSettings{Proxy: provider.NewSecret("http://u:" + planted + "@proxy.example")},
	})
	e := errorOf(t, err)
	assert.Equal(t, "proxy", e.Field)
	assert.Contains(t, e.Message, "in clear")
}

func TestProxyAndCAFile(t *testing.T) {
	var viaProxy atomic.Int32
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		viaProxy.Add(1)
		assert.Equal(t, "vendor.example:80", r.URL.Host+":80")
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	chain := newChain(t, "http://127.0.0.1:9", func(c *Config) { c.Settings.Proxy = provider.NewSecret(proxy) })
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
