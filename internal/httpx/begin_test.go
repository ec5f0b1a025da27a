package httpx

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// A send is begun when it leaves: not while it waits for the limit, and not by a read.
func TestBegunBehindTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{n: 1000}
		chain := newChain(t, "https://begun.example", func(c *Config) {
			c.Env.HTTPClient = &http.Client{Transport: w}
			c.Limits = Limits{
				ByClass: map[string]Limit{"all": {Rate: 1. / 60, Burst: 1}},
				Class:   func(*rest.Call) string { return "all" },
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var begunAt atomic.Int32
		marked := func() context.Context {
			return begun.With(ctx, func() error { begunAt.Add(1); return nil }, nil)
		}
		_, err := chain.Do(marked(), readCall(), new(sent))
		require.NoError(t, err)
		assert.Zero(t, begunAt.Load(), "a read sends nothing")
		done := make(chan error, 8)
		for range cap(done) {
			go func() {
				_, err := chain.Do(marked(), sendCall(), new(sent))
				done <- err
			}()
		}
		for range cap(done) {
			assert.Error(t, <-done, "the next is allowed after the deadline")
		}
		assert.Zero(t, begunAt.Load(), "what only waited was not begun")
		assert.Equal(t, 1, w.accepted)
	})
}

// What cannot be written down does not leave, and is not tried again. Without a limit it
// is asked as well, once for all requests under one context.
func TestBegunFails(t *testing.T) {
	full := errors.New("disk full")
	for _, row := range []struct {
		name  string
		call  *rest.Call
		err   error
		calls int32
	}{
		{name: "a send", call: sendCall(), err: full},
		{name: "a read", call: readCall(), err: full, calls: 2},
		{name: "written", call: sendCall(), calls: 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				_, _ = io.WriteString(w, `{"id":"7"}`)
			})
			asked := 0
			ctx := begun.With(t.Context(), func() error { asked++; return row.err }, nil)
			for range 2 {
				chain := newChain(t, url, func(c *Config) { c.Settings.Tries = 4 })
				_, err := chain.Do(ctx, row.call, new(sent))
				if row.calls > 0 {
					require.NoError(t, err)
					continue
				}
				e := errorOf(t, err)
				assert.Equal(t, provider.ErrCanceled, e.Kind)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.False(t, e.Elsewhere)
				require.ErrorIs(t, err, full)
			}
			assert.Equal(t, row.calls, calls.Load())
			assert.LessOrEqual(t, asked, 1)
		})
	}
}

// A send is begun while something may have been sent, and not while it waits for the repeat
// of an attempt that did nothing.
func TestBegunIsTakenBack(t *testing.T) {
	limited := step{status: 429, header: http.Header{"Retry-After": {"5"}}}
	for _, row := range []struct {
		name  string
		steps []step
		want  string // b: begin, w: waits
		fails bool
	}{
		{name: "at once", steps: []step{ok}, want: "b"},
		{name: "limited", steps: []step{limited, ok}, want: "bwb"},
		{name: "limited to the end", steps: []step{limited}, want: "bwbwbwbw", fails: true},
		{name: "no connection", steps: []step{{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, unread: true}, ok}, want: "bwb"},
		{name: "may have been sent", steps: []step{broken, ok}, want: "b"},
		{name: "limited behind one that may have been sent", steps: []step{broken, limited, ok}, want: "b"},
		{name: "refused", steps: []step{refused}, want: "b", fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, s := "", &script{steps: row.steps}
				ctx := begun.With(t.Context(), func() error { got += "b"; return nil }, func() {
					assert.NotEmpty(t, s.times)
					got += "w"
				})
				_, err := scripted(t, s, nil).Do(ctx, keyedCall(), new(sent))
				assert.Equal(t, row.fails, err != nil, "%v", err)
				assert.Equal(t, row.want, got)
			})
		})
	}
}
