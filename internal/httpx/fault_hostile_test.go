package httpx

import (
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/faultserver"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const (
	memoryBound = 16 << 20
	hostileTime = 400 * time.Millisecond // the account's timeout
)

// peakHeap runs f and returns by how much the heap grew at most, garbage
// included.
func peakHeap(f func()) uint64 {
	// The server of the test lives in the same heap. An eager collector keeps its
	// garbage, and that of the program, from being counted as need.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return max(peak.Load(), before) - before
}

// TestHostileAnswers: no answer may take the program's memory or its time.
func TestHostileAnswers(t *testing.T) {
	slow := faultserver.Fault{Kind: faultserver.Drip, Pause: 60 * time.Millisecond}
	for _, row := range []struct {
		name    string
		fault   faultserver.Fault
		outcome provider.Outcome
		late    bool // the timeout ends it
	}{
		{"gzip bomb", faultserver.Fault{Kind: faultserver.Bomb}, provider.OutcomeMaybeSent, false},
		{"endless body", faultserver.Fault{Kind: faultserver.Endless}, provider.OutcomeMaybeSent, false},
		{"1 MiB header", faultserver.Fault{Kind: faultserver.BigHeader}, provider.OutcomeMaybeSent, false},
		{"deep JSON", faultserver.Fault{Kind: faultserver.Deep}, provider.OutcomeMaybeSent, false},
		{"a page of HTML", faultserver.Fault{Kind: faultserver.WrongType}, provider.OutcomeMaybeSent, false},
		{"slow drip", slow, provider.OutcomeMaybeSent, true},
		{"silence", faultserver.Fault{Kind: faultserver.Silence}, provider.OutcomeMaybeSent, true},
		{"half a status line", faultserver.Fault{Kind: faultserver.HalfStatus}, provider.OutcomeMaybeSent, false},
		{"half a body", faultserver.Fault{Kind: faultserver.CutBody}, provider.OutcomeSent, false},
	} {
		for _, p := range []faultserver.Protocol{faultserver.Plain, faultserver.TLS, faultserver.HTTP2} {
			t.Run(row.name+" "+p.String(), func(t *testing.T) {
				if p == faultserver.HTTP2 && raced {
					t.Skip("aborted HTTP/2 streams under the race detector")
				}
				want := []provider.Outcome{row.outcome}
				if p == faultserver.HTTP2 && row.fault.Kind == faultserver.Drip {
					// The status line does not drip there: what has come of the body by then decides.
					want = append(want, provider.OutcomeSent)
				}
				hostile(t, p, row.fault, want, row.late)
			})
		}
	}
}

func hostile(t *testing.T, p faultserver.Protocol, fault faultserver.Fault, want []provider.Outcome, late bool) {
	var warm atomic.Bool
	srv, err := faultserver.Start(faultserver.Config{Protocol: p, OK: faultserver.Reply{Status: 201, Body: `{"id":"message-7"}`}, Plan: func(fresh bool) faultserver.Fault {
		if !warm.Load() || fresh && p == faultserver.HTTP2 {
			return faultserver.Fault{}
		}
		return fault
	}})
	require.NoError(t, err)
	defer srv.Close()
	chain := newChain(t, srv.URL(), func(c *Config) {
		if p != faultserver.Plain {
			c.Settings.CAFile = caFile(t)
		}
		c.Settings.Timeout = 10 * time.Second
		if late {
			c.Settings.Timeout = hostileTime
		}
	})
	defer clientOf(chain).CloseIdleConnections()
	// A good call first, and the bomb built, so that only the answer is measured.
	_, err = chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	clientOf(chain).CloseIdleConnections()
	warm.Store(true)
	faultserver.Prepare(fault.Kind)

	start := time.Now()
	grew := peakHeap(func() { _, err = chain.Do(t.Context(), sendCall(), new(sent)) })
	took := time.Since(start)
	e := errorOf(t, err)
	t.Logf("heap +%.1f MiB, %v: %v", float64(grew)/(1<<20), took.Round(time.Millisecond), e)
	assert.Contains(t, want, e.Outcome)
	assert.Less(t, grew, uint64(memoryBound))
	if late {
		assert.GreaterOrEqual(t, took, hostileTime)
		assert.Less(t, took, hostileTime+time.Second)
	}
}

// Deep nesting ends in an error of encoding/json, which stops at 10,000 levels,
// and not in an overflow of the stack, which nothing could recover.
func TestDeepJSONIsAnError(t *testing.T) {
	for _, doc := range []string{
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat("[", 100_000),
		strings.Repeat(`{"id":`, 100_000) + "1" + strings.Repeat("}", 100_000),
	} {
		for _, out := range []any{new(sent), new(any), new(map[string]any)} {
			assert.ErrorContains(t, rest.Decode([]byte(doc), out), "exceeded max depth")
		}
	}
	var out any
	assert.NoError(t, rest.Decode([]byte(strings.Repeat("[", 9_999)+strings.Repeat("]", 9_999)), &out))
}

// TestRedirectsLeakNoByte looks at the wire of the second host, where a request
// counter would miss a half-sent one.
func TestRedirectsLeakNoByte(t *testing.T) {
	secret := provider.NewSecret(planted)
	auths := map[string]func() (Auth, rest.BodyKind){
		"api-key":       func() (Auth, rest.BodyKind) { return HeaderKey("api-key", secret), rest.JSON },
		"X-Auth-Token":  func() (Auth, rest.BodyKind) { return HeaderKey("X-Auth-Token", secret), rest.JSON },
		"Authorization": func() (Auth, rest.BodyKind) { return BearerKey(secret), rest.JSON },
		"form token":    func() (Auth, rest.BodyKind) { return FormToken("token", secret), rest.Formdata },
		"JSON token":    func() (Auth, rest.BodyKind) { return FormToken("token", secret), rest.JSON },
	}
	for name, auth := range auths {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(name+" "+http.StatusText(code), func(t *testing.T) {
				other, counted := wiretap(t)
				srv, err := faultserver.Start(faultserver.Config{OK: faultserver.Reply{Status: code, Header: map[string]string{"Location": other}}})
				require.NoError(t, err)
				defer srv.Close()
				a, kind := auth()
				call := sendCall()
				call.Kind = kind
				chain := newChain(t, srv.URL(), func(c *Config) { c.Auth = a })
				defer clientOf(chain).CloseIdleConnections()
				_, err = chain.Do(t.Context(), call, new(sent))
				assert.Equal(t, code, errorOf(t, err).Status)
				conns, bytes := counted()
				assert.Zero(t, conns)
				assert.Zero(t, bytes)
			})
		}
	}
}

// wiretap is a second host. counted closes it and returns what it got.
func wiretap(t *testing.T) (url string, counted func() (conns, bytes int)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns, bytes int
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4<<10)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			conns++
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			for n := 1; n > 0; bytes += n {
				n, _ = c.Read(buf)
			}
			_ = c.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/elsewhere", func() (int, int) {
		_ = listener.Close()
		<-done
		return conns, bytes
	}
}
