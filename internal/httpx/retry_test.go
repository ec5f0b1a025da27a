package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

// script is a transport that plays answers in order; the last one stays.
type script struct {
	base  string
	mu    sync.Mutex
	steps []step
	times []time.Time // when a request came
}

type step struct {
	status int
	body   string
	header http.Header
	err    error
	unread bool // the body was not handed over
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	st := s.steps[min(len(s.times), len(s.steps)-1)]
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	if r.Body != nil && !st.unread {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	if st.err != nil {
		return nil, st.err
	}
	h := st.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: st.status, Header: h, Body: io.NopCloser(strings.NewReader(st.body)), Request: r}, nil
}

var scripts atomic.Int64

func scripted(t *testing.T, s *script, change func(*Config)) *Chain {
	t.Helper()
	if s.base == "" {
		// Limits are kept for the whole process: each script is a vendor of its own.
		s.base = fmt.Sprintf("https://vendor-%d.example", scripts.Add(1))
	}
	return newChain(t, s.base, func(c *Config) {
		c.Env.HTTPClient = &http.Client{Transport: s}
		c.Section.Attempts = 0
		if change != nil {
			change(c)
		}
	})
}

var (
	ok        = step{status: 200, body: `{"id":"7"}`}
	duplicate = step{status: 400, body: `{"code":"duplicate_parameter","error":"idempotency"}`}
	cut       = step{err: errors.New("connection reset")}
	partly    = step{err: errors.New("connection reset"), unread: true}
	refused   = step{status: 400, body: `{"error":"bad"}`}
	busy      = step{status: 429}
	broken    = step{status: 503}
)

// keyed is a classifier that knows the vendor's word for a key it has seen.
func keyed(a *Answer) *provider.Error {
	e := classify(a)
	if e != nil && e.Code == "duplicate_parameter" {
		e.Kind = KindDuplicate
	}
	return e
}

func TestRepeats(t *testing.T) {
	for _, row := range []struct {
		name    string
		steps   []step
		calls   [3]int // send without key, send with key, read or change
		outcome [3]provider.Outcome
		errs    [3]bool
	}{
		{"ok", []step{ok}, [3]int{1, 1, 1}, [3]provider.Outcome{}, [3]bool{}},
		{"refused", []step{refused}, [3]int{1, 1, 1}, [3]provider.Outcome{"not_sent", "not_sent", "not_sent"}, [3]bool{true, true, true}},
		{"not handed over, then ok", []step{partly, ok}, [3]int{2, 2, 2}, [3]provider.Outcome{}, [3]bool{}},
		{"never handed over", []step{partly}, [3]int{4, 4, 4}, [3]provider.Outcome{"not_sent", "not_sent", "not_sent"}, [3]bool{true, true, true}},
		{"throttled, then ok", []step{busy, ok}, [3]int{2, 2, 2}, [3]provider.Outcome{}, [3]bool{}},
		{"no answer, then ok", []step{cut, ok}, [3]int{1, 2, 2}, [3]provider.Outcome{"maybe_sent", "", ""}, [3]bool{true, false, false}},
		{"no answer, then known", []step{cut, duplicate}, [3]int{1, 2, 2}, [3]provider.Outcome{"maybe_sent", "sent", "sent"}, [3]bool{true, true, true}},
		{"5xx, then refused", []step{broken, refused}, [3]int{1, 2, 2}, [3]provider.Outcome{"maybe_sent", "maybe_sent", "maybe_sent"}, [3]bool{true, true, true}},
		{"5xx, then never handed over", []step{broken, partly}, [3]int{1, 4, 4}, [3]provider.Outcome{"maybe_sent", "maybe_sent", "maybe_sent"}, [3]bool{true, true, true}},
		{"throttled, 5xx, throttled", []step{busy, broken, busy}, [3]int{2, 4, 4}, [3]provider.Outcome{"maybe_sent", "maybe_sent", "maybe_sent"}, [3]bool{true, true, true}},
	} {
		for i, kind := range []string{"send", "keyed", "change"} {
			t.Run(row.name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{steps: row.steps}
					call := sendCall()
					switch kind {
					case "keyed":
						call.KeyWindow = 10 * time.Minute
					case "change":
						call.Effect = rest.Upsert
					}
					_, err := scripted(t, s, func(c *Config) { c.Classify = keyed }).Do(t.Context(), call, new(sent))
					assert.Len(t, s.times, row.calls[i])
					assert.Equal(t, row.errs[i], err != nil, "%v", err)
					if err != nil {
						e := errorOf(t, err)
						assert.Equal(t, row.outcome[i], e.Outcome)
						if e.Outcome == provider.MaybeSent {
							assert.False(t, e.Elsewhere)
							assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
						}
					}
				})
			})
		}
	}
}

// A repeat under a key begins while the vendor still knows the key, or not at all.
func TestRepeatKeepsToTheKeysWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{status: 503, header: http.Header{"Retry-After": {"40"}}}, ok}}
		call := sendCall()
		call.KeyWindow = 30 * time.Second
		_, err := scripted(t, s, nil).Do(t.Context(), call, new(sent))
		assert.Equal(t, provider.MaybeSent, errorOf(t, err).Outcome)
		assert.Len(t, s.times, 1)
	})
}

// The window counts for every repeat after an unclear attempt, also when the
// last answer was a harmless one, and while waiting for a limit.
func TestNoRepeatAfterTheKeysWindow(t *testing.T) {
	hint := func(status int, wait string) step {
		return step{status: status, header: http.Header{"Retry-After": {wait}}}
	}
	t.Run("throttled meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{steps: []step{hint(503, "20"), hint(429, "20"), ok}}
			call := sendCall()
			call.KeyWindow = 30 * time.Second
			_, err := scripted(t, s, nil).Do(t.Context(), call, new(sent))
			assert.Equal(t, provider.MaybeSent, errorOf(t, err).Outcome)
			assert.Len(t, s.times, 2, "the third would begin after the window")
		})
	})
	t.Run("limit meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{steps: []step{broken, ok}}
			call := sendCall()
			call.KeyWindow = 30 * time.Second
			chain := scripted(t, s, func(c *Config) {
				c.Limits = Limits{ByClass: map[string]Limit{"all": {Rate: 1.0 / 40, Burst: 1}}, Class: func(*rest.Call) string { return "all" }}
			})
			_, err := chain.Do(t.Context(), call, new(sent))
			assert.Equal(t, provider.MaybeSent, errorOf(t, err).Outcome)
			assert.Len(t, s.times, 1)
		})
	})
}

func TestHintsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hint := func(s string) step { return step{status: 429, header: http.Header{"Retry-After": {s}}} }
		s := &script{steps: []step{hint("7"), ok}}
		_, err := scripted(t, s, nil).Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.times[1].Sub(s.times[0]), 7*time.Second)

		s = &script{steps: []step{hint("61"), ok}}
		_, err = scripted(t, s, nil).Do(t.Context(), sendCall(), new(sent))
		assert.Equal(t, 61*time.Second, errorOf(t, err).RetryAfter, "a long wait is the caller's to decide")
		assert.Len(t, s.times, 1)

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s = &script{steps: []step{hint("7"), ok}}
		start := time.Now()
		_, err = scripted(t, s, nil).Do(ctx, sendCall(), new(sent))
		assert.Equal(t, provider.ErrRateLimited, errorOf(t, err).Kind)
		assert.Zero(t, time.Since(start), "a wait that would pass the deadline is not begun")
	})
}

func TestWaitObeysTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &script{steps: []step{{status: 429, header: http.Header{"Retry-After": {"50"}}}}}
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := scripted(t, s, nil).Do(ctx, sendCall(), new(sent))
		assert.Equal(t, provider.NotSent, errorOf(t, err).Outcome)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

// When a vendor is down, a program with much to do does not multiply its calls.
func TestBudgetBoundsRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{partly}}
		chain := scripted(t, s, nil)
		var wg sync.WaitGroup
		const calls = 1000
		for range calls {
			wg.Go(func() { _, _ = chain.Do(t.Context(), sendCall(), new(sent)) })
		}
		wg.Wait()
		repeats := len(s.times) - calls
		took := s.times[len(s.times)-1].Sub(s.times[0]).Seconds()
		assert.LessOrEqual(t, repeats, budgetBurst+int(took*budgetRate)+1)
		assert.Positive(t, repeats)
	})
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
		a.bucketOf(sendCall()).pause(time.Minute)
		_, err = a.Do(ctx, sendCall(), new(sent))
		e := errorOf(t, err)
		assert.Equal(t, provider.ErrRateLimited, e.Kind)
		assert.Equal(t, provider.NotSent, e.Outcome)
		assert.True(t, e.Elsewhere, "another provider may have room")
		assert.Positive(t, e.RetryAfter)
	})
}

func TestRateLimitsInTheConfiguration(t *testing.T) {
	limits := Limits{ByClass: map[string]Limit{"send": {Rate: 1, Burst: 1}}, Class: func(*rest.Call) string { return "send" }}
	open := func(own map[string]string) error {
		_, err := New(Config{BaseURL: "https://x.example", Limits: limits, Section: provider.Section{Common: provider.Common{RateLimits: own}}})
		return err
	}
	assert.NoError(t, open(map[string]string{"send": "50/s"}))
	assert.ErrorContains(t, open(map[string]string{"sned": "50/s"}), "rate_limits.sned: no calls are counted under this name; known: send")
	for _, bad := range []string{"", "50", "x/s", "50/d", "-1/s", "0/s"} {
		assert.ErrorContains(t, open(map[string]string{"send": bad}), "expected a number of calls and a unit", bad)
	}
	for text, perHour := range map[string]float64{"10/s": 36000, "300/m": 18000, "100/h": 100} {
		l, err := ParseLimit(text)
		require.NoError(t, err)
		assert.LessOrEqual(t, float64(l.Burst)+float64(l.Rate)*3600, perHour+1, text)
	}
	assert.Empty(t, newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Limits = limits }).buckets, "a fake on loopback has no limits of the vendor")
}

func ExampleLimit() {
	l, _ := ParseLimit("300/m")
	fmt.Printf("%.2f calls a second, %d at once\n", float64(l.Rate), l.Burst)
	// Output: 4.52 calls a second, 30 at once
}
