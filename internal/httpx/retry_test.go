package httpx

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

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
						if e.Outcome == provider.OutcomeMaybeSent {
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
		assert.Equal(t, provider.OutcomeMaybeSent, errorOf(t, err).Outcome)
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
			assert.Equal(t, provider.OutcomeMaybeSent, errorOf(t, err).Outcome)
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
			assert.Equal(t, provider.OutcomeMaybeSent, errorOf(t, err).Outcome)
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
		assert.Equal(t, provider.OutcomeNotSent, errorOf(t, err).Outcome)
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
