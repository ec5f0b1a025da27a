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

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// jumped is how far the machine's clock is from Go's monotonic one; TestMain puts it into
// wall.
var jumped atomic.Int64

// suspend makes the machine's clock jump, while timers and Go's monotonic clock see
// nothing of it.
func suspend(d time.Duration) { jumped.Store(int64(d)) }

func wakeUp() { jumped.Store(0) }

// No body leaves after the window of the vendor's key once an attempt was unclear, nor
// after the bound of a ledger, wherever the attempt was when that ended: by its own time,
// or because the machine was suspended.
func TestNothingLeavesAfterTheKeysWindow(t *testing.T) {
	const window = 10 * time.Second
	for _, row := range []struct {
		name   string
		ledger bool  // its bound, else that of the vendor's key
		before int32 // requests that are made before
	}{
		{name: "the key's", before: 1},
		{name: "a ledger's", ledger: true},
		{name: "a ledger's, at a repeat", ledger: true, before: 1},
	} {
		t.Run(row.name, func(t *testing.T) { nothingLeavesAfter(t, window, row.ledger, row.before) })
	}
}

func nothingLeavesAfter(t *testing.T, window time.Duration, ledger bool, before int32) {
	t.Helper()
	type place string
	for _, at := range []place{"", "the backoff", "the limit", "the token", "the dial"} {
		for _, how := range []struct {
			name string
			wait func(ctx context.Context) // takes the time, when it comes to that place
		}{
			{"takes long", func(ctx context.Context) {
				select {
				case <-time.After(window + 2*time.Second):
				case <-ctx.Done():
				}
			}},
			{"suspended", func(context.Context) { suspend(30 * time.Minute) }},
			{"set forward", func(context.Context) { suspend(window) }},
		} {
			if at == "the backoff" && (how.name == "takes long" || before == 0) {
				continue // has a test with the repeats; and there is none before the first
			}
			t.Run(string(at)+"/"+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					defer func() { <-time.After(time.Minute) }() // what was given up ends by itself
					defer wakeUp()
					var requests, tokens atomic.Int32
					meet := func(ctx context.Context, here place) {
						if here == at && requests.Load() == before {
							how.wait(ctx)
						}
					}
					network := &pipes{conns: make(chan net.Conn, 8), done: make(chan struct{})}
					srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // no network
						if _, err := io.Copy(io.Discard, r.Body); err != nil {
							return // not the whole request
						}
						w.Header().Set("Connection", "close") // so that the next one dials
						if requests.Add(1) > 1 {
							_, _ = io.WriteString(w, `{"id":"7"}`)
							return
						}
						w.Header().Set("Retry-After", "3")
						w.WriteHeader(http.StatusServiceUnavailable)
						if at == "the backoff" {
							time.AfterFunc(time.Second, func() { how.wait(r.Context()) })
						}
					})}
					go func() { _ = srv.Serve(network) }()
					defer func() { _ = srv.Close() }()
					chain := newChain(t, "http://127.0.0.1", func(c *Config) {
						c.Settings.Tries = 2
						c.Settings.RateLimits = map[string]string{"all": "1000/s"}
						c.Limits = Single(1000)
						c.Env.Limiter = asked{newPool(), func(ctx context.Context) { meet(ctx, "the limit") }}
						c.Auth = Bearer("id", func(ctx context.Context) (string, time.Duration, error) {
							tokens.Add(1)
							meet(ctx, "the token")
							return planted, time.Nanosecond, nil
						})
					})
					transport, err := newTransport(transportKey{dial: defaultDial}, func(ctx context.Context, n, a string) (net.Conn, error) {
						meet(ctx, "the dial")
						return network.dial(ctx, n, a)
					})
					require.NoError(t, err)
					defer transport.CloseIdleConnections()
					linkOf[*sender](chain).client = &http.Client{Transport: transport, CheckRedirect: noRedirect}
					call := sendCall()
					call.KeyWindow = window
					start := time.Now()
					ctx := t.Context()
					if ledger {
						call.KeyWindow = time.Hour
						ctx = begun.NotAfter(ctx, start.Add(window))
					}
					_, err = chain.Do(ctx, call, new(sent))
					if at == "" {
						require.NoError(t, err)
						assert.EqualValues(t, 2, requests.Load())
						return
					}
					e := errorOf(t, err)
					assert.Equal(t, before, requests.Load())
					if before == 0 {
						assert.Equal(t, provider.ErrCanceled, e.Kind, "%v", e)
						assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
						assert.False(t, e.Elsewhere)
					} else {
						assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind, "%v", e)
						assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
					}
					assert.Equal(t, ledger, errors.Is(err, context.DeadlineExceeded), "%v", err)
					assert.Equal(t, ledger, strings.Contains(e.Message, begun.ErrOver.Error()), "%v", err)
					switch at {
					case "the backoff":
						assert.EqualValues(t, 1, tokens.Load(), "a repeat was begun")
					case "the limit", "the token":
						assert.LessOrEqual(t, time.Since(start), window, "nothing is waited for that comes too late")
					}
				})
			})
		}
	}
}

// asked does something before each call is let through.
type asked struct {
	provider.Limiter
	before func(ctx context.Context)
}

func (a asked) Acquire(ctx context.Context, s provider.Slot, n int) error {
	a.before(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.Limiter.Acquire(ctx, s, n)
}

// A call without a body has no last moment at which it could be kept back but before it.
func TestNothingLeavesAfterTheKeysWindowWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer wakeUp()
		s := &script{steps: []step{broken, ok}}
		chain := scripted(t, s, func(c *Config) {
			c.Auth = Bearer("id", func(context.Context) (string, time.Duration, error) {
				if len(s.times) == 1 {
					suspend(time.Hour)
				}
				return planted, time.Nanosecond, nil
			})
		})
		call := &rest.Call{Operation: "resend", Method: "GET", Route: "/resend", Effect: rest.Send, KeyWindow: time.Minute}
		_, err := chain.Do(t.Context(), call, new(sent))
		e := errorOf(t, err)
		assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
		assert.ErrorIs(t, err, errTooLate)
		assert.Len(t, s.times, 1)
	})
}

// The bound of a ledger is for requests that may send. It keeps back the first one too, and
// ends the wait for a repeat, whose error says so beside what was wrong.
func TestNotAfter(t *testing.T) {
	hint := func(status int, wait string) step {
		return step{status: status, header: http.Header{"Retry-After": {wait}}}
	}
	for _, row := range []struct {
		name    string
		call    *rest.Call
		steps   []step
		bound   time.Duration // from now
		earlier time.Duration // of the context around, from now; 0: none
		kind    provider.Kind // empty: no error
		outcome provider.Outcome
		calls   int
	}{
		{name: "in time", call: sendCall(), steps: []step{ok}, bound: time.Second, calls: 1},
		{name: "over", call: sendCall(), steps: []step{ok}, bound: -time.Second, kind: provider.ErrCanceled, outcome: provider.OutcomeNotSent},
		{name: "over by the context around", call: sendCall(), steps: []step{ok}, bound: time.Hour, earlier: -time.Second, kind: provider.ErrCanceled, outcome: provider.OutcomeNotSent},
		{name: "a read", call: readCall(), steps: []step{ok}, bound: -time.Second, calls: 1},
		{name: "a repeat in time", call: keyedCall(), steps: []step{hint(503, "20"), ok}, bound: 25 * time.Second, calls: 2},
		{name: "a repeat too late", call: keyedCall(), steps: []step{hint(503, "20"), ok}, bound: 15 * time.Second, kind: provider.ErrOutcomeUnknown, outcome: provider.OutcomeMaybeSent, calls: 1},
		{name: "limited", call: sendCall(), steps: []step{hint(429, "20"), ok}, bound: 15 * time.Second, kind: provider.ErrRateLimited, outcome: provider.OutcomeNotSent, calls: 1},
		{name: "refused", call: sendCall(), steps: []step{refused}, bound: 15 * time.Second, kind: provider.ErrInvalid, outcome: provider.OutcomeNotSent, calls: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: row.steps}
				ctx := t.Context()
				if row.earlier != 0 {
					ctx = begun.NotAfter(ctx, time.Now().Add(row.earlier))
				}
				ctx = begun.NotAfter(ctx, time.Now().Add(row.bound))
				_, err := scripted(t, s, nil).Do(ctx, row.call, new(sent))
				assert.Len(t, s.times, row.calls)
				if row.kind == "" {
					require.NoError(t, err)
					return
				}
				e := errorOf(t, err)
				assert.Equal(t, row.kind, e.Kind)
				assert.Equal(t, row.outcome, e.Outcome)
				over := row.name != "refused"
				assert.Equal(t, over, errors.Is(err, begun.ErrOver))
				assert.Equal(t, over, errors.Is(err, context.DeadlineExceeded))
				assert.Equal(t, over, strings.Contains(e.Message, "is over"), e.Message)
			})
		})
	}
}

func TestPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer wakeUp()
		at := time.Now().Add(time.Minute)
		assert.False(t, past(time.Time{}))
		assert.False(t, past(at))
		suspend(time.Minute)
		assert.True(t, past(at))
		suspend(-time.Hour) // the clock was set back
		assert.False(t, past(at))
		<-time.After(time.Minute)
		assert.True(t, past(at))
	})
}
