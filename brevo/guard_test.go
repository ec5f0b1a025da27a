package brevo_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
)

// The figures of a send. A change that makes one larger must say why here; one
// that makes it smaller lowers it.
const (
	// sendAllocations are of a send through a transport that answers at once, whatever the
	// size of the mail. One gathers what the transport notices about the response, two are the
	// timer that bounds the wait for it, because the mail has the vendor's own key.
	sendAllocations = 43
	pageAllocations = 6100 // of a page of 1,000 contacts with three names and three further fields each
	sendBytes       = 2551 // of the request with a body of 2 kB on HTTP/1.1, without the value of User-Agent
)

func mailOf(size int) *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com", Name: "Shop"}, To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}},
		Subject: "سفارش شما", HTML: htmlOf(size), Variables: map[string]any{"order": "1042", "sum": 12.5, "city": "Tehran"}, Tags: []string{"order"},
	}
}

func open(t testing.TB, common provider.AccountSettings, opts ...provider.Option) *provider.Client {
	t.Helper()
	common.RateLimits = map[string]string{"send": "1000000/s", "contacts": "1000000/s"}
	c, err := brevo.Open(brevo.Config{APIKey: provider.NewSecret("key"), AccountSettings: common}, opts...)
	require.NoError(t, err)
	return c
}

func TestSendAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and empties pools")
	}
	c := open(t, provider.AccountSettings{}, provider.WithHTTPClient(&http.Client{Transport: instant{}}))
	for _, size := range []int{2 << 10, 50 << 10} {
		m := mailOf(size)
		n := testing.AllocsPerRun(500, func() {
			if _, err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		})
		assert.LessOrEqual(t, int(n), sendAllocations, "%d kB", size>>10)
	}
}

func TestPageAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := open(t, provider.AccountSettings{}, provider.WithHTTPClient(&http.Client{Transport: tells(pageOf(1000))}))
	n := testing.AllocsPerRun(5, func() {
		if page, err := c.ListContacts(t.Context(), provider.ContactQuery{}); err != nil || len(page.Items) != 1000 {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, int(n), pageAllocations)
}

// accepts answers as the vendor does.
func accepts(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
}

// counted counts connections, and the bytes that come in.
type counted struct {
	net.Listener
	conns, bytes atomic.Int64
}

func (l *counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.conns.Add(1)
	return &countedConn{c, l}, err
}

type countedConn struct {
	net.Conn
	l *counted
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.bytes.Add(int64(n))
	return n, err
}

func TestSendOnTheWire(t *testing.T) {
	var requests atomic.Int32
	var mu sync.Mutex
	var agent string
	var body []byte
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		mu.Lock()
		agent = r.UserAgent()
		body, _ = io.ReadAll(r.Body)
		mu.Unlock()
		accepts(w, r)
	}))
	l := &counted{Listener: srv.Listener}
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	c := open(t, provider.AccountSettings{BaseURL: srv.URL})
	m := mailOf(2 << 10)
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)

	got := int(l.bytes.Load()) - len(agent) - len(strings.TrimPrefix(srv.URL, "http://"))
	assert.LessOrEqual(t, got, sendBytes)
	assert.NotContains(t, string(body), `\u003c`, "HTML is not escaped")
	var sent any
	require.NoError(t, json.Unmarshal(body, &sent))
	escaped, err := json.Marshal(sent)
	require.NoError(t, err)
	assert.Greater(t, len(escaped), len(body)+500, "what encoding/json makes of it by default")

	for range 50 {
		_, err := c.Send(t.Context(), m)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 51, requests.Load(), "one call for a send")
	assert.EqualValues(t, 1, l.conns.Load(), "one connection for all")
}

// secured is a server with TLS, and the settings by which an account trusts it.
func secured(t testing.TB, http2 bool) (*httptest.Server, *counted, provider.AccountSettings) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(accepts))
	l := &counted{Listener: srv.Listener}
	srv.Listener, srv.EnableHTTP2 = l, http2
	srv.StartTLS()
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	return srv, l, provider.AccountSettings{BaseURL: srv.URL, CAFile: file}
}

// Sixty-four at a time share one connection. Over HTTP/1.1 the number depends on
// how the machine schedules dials, so there a test of internal/httpx looks at the settings.
func TestConnectionsOfManySends(t *testing.T) {
	_, l, common := secured(t, true)
	c := open(t, common)
	m := mailOf(2 << 10)
	_, err := c.Send(t.Context(), m) // with no connection yet, each of many would dial
	require.NoError(t, err)
	for range 10 {
		var g errgroup.Group
		for range 64 {
			g.Go(func() error {
				_, err := c.Send(t.Context(), m)
				return err
			})
		}
		require.NoError(t, g.Wait())
	}
	assert.EqualValues(t, 1, l.conns.Load())
}
