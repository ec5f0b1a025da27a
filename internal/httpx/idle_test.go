package httpx

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// impatient is a vendor that gives up connections which are idle for as long as keeps. A
// request that comes later has crossed the close, and gets no answer.
type impatient struct {
	keeps    time.Duration
	tells    string // Keep-Alive header, empty for none
	mu       sync.Mutex
	conns    int
	last     map[net.Conn]time.Time // end of its last answer
	crossed  int
	requests int
}

type connKey struct{}

func (s *impatient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn := r.Context().Value(connKey{}).(net.Conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if last, ok := s.last[conn]; ok && time.Since(last) >= s.keeps {
		s.crossed++
		panic(http.ErrAbortHandler)
	}
	s.last[conn] = time.Now()
	if s.tells != "" {
		w.Header().Set("Keep-Alive", s.tells)
	}
	_, _ = io.WriteString(w, `{"id":"7"}`)
}

// at returns a chain with the library's transport to s.
func (s *impatient) at(t *testing.T, change func(*Config)) *Chain {
	s.last = make(map[net.Conn]time.Time)
	network := &pipes{conns: make(chan net.Conn, 8), done: make(chan struct{})}
	srv := &http.Server{Handler: s, ConnContext: func(ctx context.Context, c net.Conn) context.Context { //nolint:gosec // no network
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns++
		return context.WithValue(ctx, connKey{}, c)
	}}
	go func() { _ = srv.Serve(network) }()
	chain := newChain(t, "http://127.0.0.1", change)
	transport, err := newTransport(transportKey{dial: defaultDial}, network.dial)
	require.NoError(t, err)
	linkOf[*sender](chain).client = &http.Client{Transport: transport, CheckRedirect: noRedirect}
	t.Cleanup(func() { transport.CloseIdleConnections(); _ = srv.Close() })
	return chain
}

// No mail ends unknown because a server closes its idle connections.
func TestIdleConnections(t *testing.T) {
	every := func(d time.Duration) []time.Duration { return []time.Duration{0, d, d, d} }
	for _, row := range []struct {
		name    string
		keeps   time.Duration
		tells   string
		call    *rest.Call
		pauses  []time.Duration // before each call
		tries   int
		conns   int
		crossed int
	}{
		{name: "5 s, just before", keeps: 5 * time.Second, call: sendCall(), pauses: every(4999 * time.Millisecond), conns: 4},
		{name: "5 s, just after", keeps: 5 * time.Second, call: sendCall(), pauses: every(5001 * time.Millisecond), conns: 4},
		{name: "5 s, soon", keeps: 5 * time.Second, call: sendCall(), pauses: every(4 * time.Second), conns: 1},
		{name: "5 s, all gaps", keeps: 5 * time.Second, call: sendCall(), pauses: []time.Duration{0, 0, time.Second, 6 * time.Second, 29 * time.Second, time.Hour}, conns: 4},
		{name: "tells 2 s", keeps: 2 * time.Second, tells: "timeout=2", call: sendCall(), pauses: every(1500 * time.Millisecond), conns: 4},
		{name: "tells 2 s, at once", keeps: 2 * time.Second, tells: "timeout=2, max=100", call: sendCall(), pauses: every(900 * time.Millisecond), conns: 1},
		{name: "tells 1 s", keeps: time.Second, tells: "max=5, Timeout = 1", call: sendCall(), pauses: every(time.Millisecond), conns: 4},
		{name: "tells 15 s", keeps: 15 * time.Second, tells: "timeout=15", call: sendCall(), pauses: every(13 * time.Second), conns: 1},
		{name: "tells 15 s, late", keeps: 15 * time.Second, tells: "timeout=15", call: sendCall(), pauses: every(14500 * time.Millisecond), conns: 4},
		{name: "tells an hour", keeps: time.Hour, tells: "timeout=3600", call: sendCall(), pauses: every(29 * time.Second), conns: 1},
		{name: "tells an hour, and the transport is done", keeps: time.Hour, tells: "timeout=3600", call: sendCall(), pauses: every(31 * time.Second), conns: 4},
		{name: "tells what is no time", keeps: time.Hour, tells: "timeout=soon", call: sendCall(), pauses: every(10 * time.Second), conns: 4},
		// What may be repeated keeps its connections for longer.
		{name: "a key", keeps: time.Minute, call: keyedCall(), pauses: every(20 * time.Second), conns: 1},
		{name: "a change", keeps: time.Minute, call: changeCall(), pauses: every(20 * time.Second), conns: 1},
		{name: "a change that crosses", keeps: 5 * time.Second, call: changeCall(), pauses: every(20 * time.Second), tries: 2, conns: 4, crossed: 3},
		{name: "a change that is told", keeps: 5 * time.Second, tells: "timeout=5", call: changeCall(), pauses: every(20 * time.Second), conns: 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &impatient{keeps: row.keeps, tells: row.tells}
				chain := s.at(t, func(c *Config) { c.Settings.Tries = max(row.tries, 1) })
				for _, pause := range row.pauses {
					<-time.After(pause)
					_, err := chain.Do(t.Context(), row.call, new(sent))
					require.NoError(t, err, "after %s", pause)
				}
				assert.Equal(t, row.conns, s.conns)
				assert.Equal(t, row.crossed, s.crossed)
				assert.Equal(t, len(row.pauses)+row.crossed, s.requests)
			})
		})
	}
}

// Many connections that are all too old: none of them is used.
func TestAllIdleConnectionsAreOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &impatient{keeps: 5 * time.Second}
		chain := s.at(t, nil)
		for range 3 {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					_, err := chain.Do(t.Context(), sendCall(), new(sent))
					assert.NoError(t, err)
				})
			}
			all.Wait()
			<-time.After(6 * time.Second)
		}
		assert.Zero(t, s.crossed)
		assert.Equal(t, 60, s.requests)
	})
}

// A connection that was given up took nothing, so when no other can be had the mail is not
// sent, also without a body.
func TestNoConnectionAfterAnIdleOne(t *testing.T) {
	bodiless := &rest.Call{Operation: "resend", Method: "GET", Route: "/resend", Effect: rest.Send}
	for _, row := range []struct {
		name string
		call *rest.Call
	}{{"with a body", sendCall()}, {"without a body", bodiless}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &impatient{keeps: 5 * time.Second}
				chain := s.at(t, nil)
				_, err := chain.Do(t.Context(), row.call, new(sent))
				require.NoError(t, err)
				<-time.After(6 * time.Second)
				linkOf[*sender](chain).client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
				}
				_, err = chain.Do(t.Context(), row.call, new(sent))
				e := errorOf(t, err)
				assert.Equal(t, provider.ErrUnavailable, e.Kind)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.Equal(t, 1, s.requests)
			})
		})
	}
}

// Over TLS the connection that the transport reports is one of TLS; one of HTTP/2 has
// other requests on it.
func TestIdleConnectionsOfTLS(t *testing.T) {
	for _, row := range []struct {
		name  string
		http2 bool
		conns int32
	}{
		{name: "HTTP/1.1", conns: 5}, {name: "HTTP/2", http2: true, conns: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var conns atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, `{"id":"7"}`)
			}))
			srv.EnableHTTP2 = row.http2
			srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					conns.Add(1)
				}
			}
			srv.StartTLS()
			defer srv.Close()
			chain := newChain(t, srv.URL, func(c *Config) { c.Env.HTTPClient = srv.Client() })
			linkOf[*sender](chain).idle.told.Store(1)
			for range 5 {
				_, err := chain.Do(t.Context(), sendCall(), new(sent))
				require.NoError(t, err)
			}
			assert.Equal(t, row.conns, conns.Load())
		})
	}
}
