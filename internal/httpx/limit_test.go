package httpx

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// newGate is the gate of a limit that nobody else has.
func newGate(l Limit) *gate {
	return &gate{pool: newPool(), slot: provider.Slot{Key: "k", Class: "c", PerSecond: float64(l.Rate), Burst: l.Burst}}
}

// window is a vendor that allows n calls in each second by the clock and
// answers 429 beyond.
type window struct {
	mu       sync.Mutex
	n        int
	start    time.Time
	used     int
	accepted int
	refused  int
}

func (w *window) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now().Truncate(time.Second); !now.Equal(w.start) {
		w.start, w.used = now, 0
	}
	status, body := http.StatusOK, `{"id":"7"}`
	if w.used++; w.used > w.n {
		status, body = http.StatusTooManyRequests, ""
		w.refused++
	} else {
		w.accepted++
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// One process uses at least 90 % of a vendor's limit and meets it with at most
// 0.1 % of its calls. Virtual time: ten minutes at 10 calls a second.
func TestLimitIsUsedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{n: 10}
		limit := Limits{ByClass: map[string]Limit{"all": {Rate: 9.5, Burst: 1}}, Class: func(*rest.Call) string { return "all" }}
		chain := func() *Chain {
			return newChain(t, "https://limited.example", func(c *Config) {
				c.Env.HTTPClient = &http.Client{Transport: w}
				c.Limits = limit
			})
		}
		a, b := chain(), chain() // two clients of one account share the limit
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				c := []*Chain{a, b}[i%2]
				for ctx.Err() == nil {
					if _, err := c.Do(ctx, sendCall(), new(sent)); err != nil && errorOf(t, err).Status == 0 {
						return // the next call would be after the deadline
					}
				}
			})
		}
		wg.Wait()
		used := float64(w.accepted) / (10 * 600)
		refused := float64(w.refused) / float64(w.accepted+w.refused)
		t.Logf("%.1f %% of the limit used, %.2f %% of the answers were 429", 100*used, 100*refused)
		assert.GreaterOrEqual(t, used, 0.9)
		assert.LessOrEqual(t, refused, 0.001)
	})
}

func TestNothingLeftPausesAllClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{status: 200, body: `{"id":"7"}`, header: http.Header{"X-Left": {"0"}, "X-Reset": {"30"}}}, ok}}
		change := func(c *Config) {
			c.Limits = Limits{
				ByClass: map[string]Limit{"all": {Rate: 1000, Burst: 100}}, Class: func(*rest.Call) string { return "all" },
				Left: func(a *Answer) (int64, time.Duration, bool) {
					d, ok := Seconds(a.Header.Get("X-Reset"))
					return 0, d, ok
				},
			}
		}
		a, b := scripted(t, s, change), scripted(t, s, change)
		_, err := a.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		_, err = b.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.times[1].Sub(s.times[0]), 30*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		linkOf[*limiter](a).gateOf(sendCall()).pause(time.Minute)
		_, err = a.Do(ctx, sendCall(), new(sent))
		e := errorOf(t, err)
		assert.Equal(t, provider.ErrRateLimited, e.Kind)
		assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
		assert.True(t, e.Elsewhere, "another provider may have room")
		assert.Positive(t, e.RetryAfter)
	})
}

// A pause holds for those too who waited for the rate when it began, and after it
// they go out at the rate, not all at once.
func TestPauseHoldsForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newGate(Limit{Rate: 1, Burst: 1})
		start := time.Now()
		var mu sync.Mutex
		var out []time.Duration
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				waited, e := b.wait(t.Context(), 1)
				assert.Nil(t, e)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, time.Since(start))
				assert.Equal(t, time.Since(start), waited)
			})
		}
		<-time.After(1500 * time.Millisecond)
		b.pause(10 * time.Second)
		all.Wait()
		assert.Len(t, out, 5)
		for i, at := range out {
			if i < 2 {
				assert.Equal(t, time.Duration(i)*time.Second, at)
				continue
			}
			assert.GreaterOrEqual(t, at, 11500*time.Millisecond, "call %d", i)
			if i > 2 {
				assert.GreaterOrEqual(t, at-out[i-1], time.Second, "call %d", i)
			}
		}
	})
}

// Calls that gave up leave no trace: the next one waits as if they had never come.
func TestCanceledWaitsLeaveNoTrace(t *testing.T) {
	const waiters, perSecond = 1000, 10
	for _, order := range []string{"first in, first out", "last in, first out", "all at once"} {
		t.Run(order, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newGate(Limit{Rate: perSecond, Burst: 1})
				_, e := b.wait(t.Context(), 1)
				require.Nil(t, e)
				cancels := make([]context.CancelFunc, waiters)
				var wg sync.WaitGroup
				for i := range waiters {
					ctx, cancel := context.WithCancel(t.Context())
					cancels[i] = cancel
					wg.Go(func() {
						_, e := b.wait(ctx, 1)
						if assert.NotNil(t, e) {
							assert.Equal(t, provider.ErrCanceled, e.Kind)
							assert.ErrorIs(t, e, context.Canceled)
						}
					})
					synctest.Wait()
				}
				if order == "last in, first out" {
					slices.Reverse(cancels)
				}
				for _, cancel := range cancels {
					cancel()
					if order != "all at once" {
						synctest.Wait()
					}
				}
				wg.Wait()
				waited, e := b.wait(t.Context(), 1)
				require.Nil(t, e)
				assert.Less(t, waited, 2*time.Second/perSecond)
			})
		})
	}
}

// Calls go out in the order in which they came, at the rate, and one whose deadline
// comes before its turn is told at once.
func TestWaitsAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newGate(Limit{Rate: 10, Burst: 1})
		var mu sync.Mutex
		var order []int
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_, e := b.wait(t.Context(), 1)
				assert.Nil(t, e)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waited, e := b.wait(ctx, 1)
		require.NotNil(t, e)
		assert.Equal(t, provider.ErrRateLimited, e.Kind)
		assert.Zero(t, waited, "its turn is five seconds away")
		assert.InDelta(t, 5, e.RetryAfter.Seconds(), 0.01)
		soon, stop := context.WithTimeout(t.Context(), 5*time.Second+10*time.Millisecond)
		defer stop()
		wg.Go(func() {
			_, e := b.wait(soon, 1)
			assert.Nil(t, e, "its turn comes before its deadline")
		})
		wg.Wait()
		assert.True(t, slices.IsSorted(order), "%v", order)
		assert.InDelta(t, 5, time.Since(start).Seconds(), 0.01)
	})
}
