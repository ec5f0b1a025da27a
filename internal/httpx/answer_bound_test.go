package httpx

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// pipes is a network in memory: each dial takes some time and leads to one server.
// Inside a bubble of synctest its time is not the machine's.
type pipes struct {
	takes time.Duration
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// inMemory returns a chain with the library's transport, whose dials take some time and
// lead to handler; nil accepts connections and says nothing.
func inMemory(t *testing.T, takes time.Duration, handler http.HandlerFunc, change func(*Config)) *Chain {
	t.Helper()
	base := "http://127.0.0.1"
	network := &pipes{takes: takes, conns: make(chan net.Conn, 8), done: make(chan struct{})}
	if handler == nil {
		base = "https://vendor.example"
	} else {
		srv := &http.Server{Handler: handler} //nolint:gosec // no network
		go func() { _ = srv.Serve(network) }()
		t.Cleanup(func() { _ = srv.Close() })
	}
	var key transportKey
	chain := newChain(t, base, func(c *Config) {
		if change != nil {
			change(c)
		}
		key = transportKeyOf(c.Settings)
	})
	transport, err := newTransport(key, network.dial)
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	linkOf[*sender](chain).client = &http.Client{Transport: transport, CheckRedirect: noRedirect}
	return chain
}

func keyedCall() *rest.Call {
	call := sendCall()
	call.KeyWindow = 10 * time.Minute
	return call
}

func changeCall() *rest.Call {
	call := sendCall()
	call.Effect = rest.Upsert
	return call
}

func TestAnswerBound(t *testing.T) {
	const never = time.Hour
	for _, row := range []struct {
		name     string
		call     *rest.Call
		settings provider.AccountSettings
		answers  []time.Duration // after which each request is answered, the last one stays
		took     time.Duration
		repeats  time.Duration // how much later than took it may be, for the waits of repeats
		requests int32
		fails    provider.Kind
		says     string
	}{
		{
			name: "mail without a key", call: sendCall(), settings: provider.AccountSettings{Timeout: 2 * time.Minute},
			answers: []time.Duration{33 * time.Second}, took: 33 * time.Second, requests: 1,
		},
		{
			name: "mail without a key, never", call: sendCall(), settings: provider.AccountSettings{Timeout: 2 * time.Minute},
			answers: []time.Duration{never}, took: 2 * time.Minute, requests: 1, fails: provider.ErrOutcomeUnknown, says: "no answer in time",
		},
		{
			name: "change", call: changeCall(), settings: provider.AccountSettings{Timeout: 2 * time.Minute},
			answers: []time.Duration{110 * time.Second}, took: 110 * time.Second, requests: 1,
		},
		{
			name: "read", call: readCall(), settings: provider.AccountSettings{},
			answers: []time.Duration{never, 0}, took: 30 * time.Second, repeats: time.Second, requests: 2,
		},
		{
			name: "read once", call: readCall(), settings: provider.AccountSettings{Tries: 1},
			answers: []time.Duration{never}, took: 30 * time.Second, requests: 1, fails: provider.ErrUnavailable, says: "no answer within answer_timeout",
		},
		{
			name: "mail with a key", call: keyedCall(), settings: provider.AccountSettings{},
			answers: []time.Duration{never, time.Second}, took: 31 * time.Second, repeats: time.Second, requests: 2,
		},
		{
			name: "read of an account that waits longer", call: readCall(), settings: provider.AccountSettings{AnswerTimeout: time.Minute},
			answers: []time.Duration{45 * time.Second}, took: 45 * time.Second, requests: 1,
		},
		{
			name: "mail of an account that waits less", call: sendCall(), settings: provider.AccountSettings{AnswerTimeout: 5 * time.Second},
			answers: []time.Duration{never}, took: 5 * time.Second, requests: 1, fails: provider.ErrOutcomeUnknown, says: "no answer within answer_timeout",
		},
		{
			name: "the whole call", call: readCall(), settings: provider.AccountSettings{Timeout: 20 * time.Second},
			answers: []time.Duration{never}, took: 20 * time.Second, requests: 1, fails: provider.ErrUnavailable, says: "no answer in time",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int32
				chain := inMemory(t, 0, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					n := int(requests.Add(1))
					select {
					case <-time.After(row.answers[min(n, len(row.answers))-1]):
						_, _ = io.WriteString(w, `{"id":"7"}`)
					case <-r.Context().Done():
					}
				}, func(c *Config) { c.Settings = row.settings })
				start, got := time.Now(), new(sent)
				_, err := chain.Do(t.Context(), row.call, got)
				took := time.Since(start)
				assert.GreaterOrEqual(t, took, row.took)
				assert.LessOrEqual(t, took, row.took+row.repeats)
				assert.Equal(t, row.requests, requests.Load())
				if row.fails == "" {
					require.NoError(t, err)
					assert.Equal(t, "7", got.ID)
					return
				}
				e := errorOf(t, err)
				assert.Equal(t, row.fails, e.Kind)
				assert.Contains(t, e.Message, row.says)
				ofTheCall := !strings.Contains(row.says, "answer_timeout")
				assert.Equal(t, ofTheCall, errors.Is(err, context.DeadlineExceeded), "%v", e.Err)
			})
		})
	}
}

// An answer that begins and does not go on is as late as one that does not come.
func TestAnswerBoundHoldsForTheRestOfAnAnswer(t *testing.T) {
	for _, row := range []struct {
		name     string
		call     *rest.Call
		begins   string
		requests int32
		says     string // empty when the call succeeds
	}{
		{name: "read", call: readCall(), begins: `{"id":`, requests: 2},
		{name: "mail with a key", call: keyedCall(), begins: `{"other":`, requests: 2},
		{
			name: "mail with a key, a beginning that proves it", call: keyedCall(), begins: `{"id":"7`, requests: 1,
			says: "the rest of the answer did not come within answer_timeout",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int32
				chain := inMemory(t, 0, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if requests.Add(1) > 1 {
						_, _ = io.WriteString(w, `{"id":"7"}`)
						return
					}
					_, _ = io.WriteString(w, row.begins)
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				}, func(c *Config) { c.Settings.Tries = 2 })
				start, call := time.Now(), row.call
				call.Success = "200"
				_, err := chain.Do(t.Context(), call, new(sent))
				assert.GreaterOrEqual(t, time.Since(start), repeatableAnswer)
				assert.Less(t, time.Since(start), repeatableAnswer+2*time.Second)
				assert.Equal(t, row.requests, requests.Load())
				if row.says == "" {
					require.NoError(t, err)
					return
				}
				assert.Contains(t, errorOf(t, err).Message, row.says)
			})
		})
	}
}

// A large mail on a slow line takes longer to leave than an answer may take.
func TestAnswerBoundCountsFromTheEndOfTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := inMemory(t, 0, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(40 * time.Second)
			_, _ = io.Copy(io.Discard, r.Body)
			<-time.After(20 * time.Second)
			_, _ = io.WriteString(w, `{"id":"7"}`)
		}, nil)
		call := keyedCall()
		call.Body = &mail{To: "a@b.example", HTML: strings.Repeat("x", 256<<10)}
		start := time.Now()
		_, err := chain.Do(t.Context(), call, new(sent))
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

// A caller's transport that reports no connections is bounded as well.
func TestAnswerBoundOfACallersTransport(t *testing.T) {
	for _, row := range []struct {
		name string
		call *rest.Call
	}{{"with a body", keyedCall()}, {"without a body", readCall()}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hangs := transportFunc(func(r *http.Request) (*http.Response, error) {
					if r.Body != nil {
						_, _ = io.Copy(io.Discard, r.Body)
					}
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				chain := newChain(t, "https://x.example", func(c *Config) { c.Env.HTTPClient = &http.Client{Transport: hangs} })
				start := time.Now()
				_, err := chain.Do(t.Context(), row.call, new(sent))
				assert.ErrorContains(t, err, "no answer within answer_timeout")
				assert.Equal(t, repeatableAnswer, time.Since(start))
			})
		})
	}
}

// The caller's end of a call is told as such, also below the bound.
func TestAnswerBoundIsNotTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := inMemory(t, 0, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, err := chain.Do(ctx, readCall(), new(sent))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, provider.ErrCanceled, errorOf(t, err).Kind)
	})
}

// A resolver asks the second name server when the first was silent for five seconds.
func TestDialTimeout(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"7"}`) }
	for _, row := range []struct {
		name    string
		takes   time.Duration
		bound   time.Duration // the setting
		handler http.HandlerFunc
		took    time.Duration
		fails   bool
	}{
		{name: "six seconds", takes: 6 * time.Second, handler: answer, took: 6 * time.Second},
		{name: "too long", takes: time.Hour, handler: answer, took: 15 * time.Second, fails: true},
		{name: "too long for the account", takes: 6 * time.Second, bound: 2 * time.Second, handler: answer, took: 2 * time.Second, fails: true},
		{name: "an account that waits longer", takes: 40 * time.Second, bound: time.Minute, handler: answer, took: 40 * time.Second},
		{name: "no handshake", takes: 6 * time.Second, took: 21 * time.Second, fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chain := inMemory(t, row.takes, row.handler, func(c *Config) {
					c.Settings.DialTimeout, c.Settings.Tries = row.bound, 1
				})
				start := time.Now()
				_, err := chain.Do(t.Context(), sendCall(), new(sent))
				assert.Equal(t, row.took, time.Since(start))
				if !row.fails {
					require.NoError(t, err)
					return
				}
				e := errorOf(t, err)
				assert.Equal(t, provider.ErrUnavailable, e.Kind)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			})
		})
	}
}
