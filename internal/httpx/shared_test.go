package httpx

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
	"github.com/postmux/postmux/rest"
)

// table is a limiter of several hosts, as one on a database would be: a row for each limit
// has the time at which the next call may leave.
type table struct {
	mu     sync.Mutex
	rows   map[string]time.Time
	away   error // of the database
	hangs  bool
	asked  int
	paused []time.Duration
}

func (s *table) Acquire(ctx context.Context, slot provider.Slot, n int) error {
	for {
		wait, err := s.next(slot, n)
		if err != nil || wait <= 0 {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return &provider.Error{Kind: provider.ErrRateLimited, RetryAfter: wait, Message: "the table has no room before the deadline"}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next takes n calls, or returns how long to wait.
func (s *table) next(slot provider.Slot, n int) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.away != nil {
		return 0, s.away
	}
	if s.hangs {
		return time.Second, nil
	}
	now, name := time.Now(), slot.Key+" "+slot.Class
	each := time.Duration(float64(time.Second) / slot.PerSecond)
	full := now.Add(-time.Duration(slot.Burst) * each)
	at := s.rows[name]
	if at.Before(full) {
		at = full
	}
	if at = at.Add(time.Duration(n) * each); at.After(now) {
		return at.Sub(now), nil
	}
	s.rows[name] = at
	return 0, nil
}

func (s *table) Pause(_ context.Context, slot provider.Slot, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = append(s.paused, d)
	if s.away != nil {
		return s.away
	}
	name, until := slot.Key+" "+slot.Class, time.Now().Add(d)
	if until.After(s.rows[name]) {
		s.rows[name] = until
	}
	return nil
}

func newTable() *table { return &table{rows: make(map[string]time.Time)} }

func TestLimiters(t *testing.T) {
	for _, row := range []struct {
		name  string
		store func() provider.Limiter // what all of a test share
	}{
		{"of the process", func() provider.Limiter { return newPool() }},
		{"of several hosts", func() provider.Limiter { return newTable() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var mu sync.Mutex
			stores := make(map[string]provider.Limiter)
			providertest.RunLimiter(t, providertest.LimiterHarness{Virtual: true, Open: func(t *testing.T) provider.Limiter {
				mu.Lock()
				defer mu.Unlock()
				if stores[t.Name()] == nil {
					stores[t.Name()] = row.store()
				}
				return stores[t.Name()]
			}})
		})
	}
}

// limitedAt returns a chain whose limit, ten calls a second, is kept by l.
func limitedAt(t *testing.T, s *script, l provider.Limiter, change func(*Config)) *Chain {
	t.Helper()
	return scripted(t, s, func(c *Config) {
		c.Limits = Single(10)
		c.Env.Limiter = l
		if change != nil {
			change(c)
		}
	})
}

func TestSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := &script{steps: []step{ok}}, newTable()
		var waited []time.Duration
		named := func(name string) *Chain {
			return limitedAt(t, s, l, func(c *Config) {
				c.Env.Account = name
				c.Env.Hooks.OnTry = func(_ context.Context, e provider.TryEvent) { waited = append(waited, e.Waited) }
			})
		}
		// Two names of one account: they share its row, and no secret is in it.
		a, b := named("main"), named("backup")
		for i := range 30 {
			_, err := []*Chain{a, b}[i%2].Do(t.Context(), sendCall(), new(sent))
			require.NoError(t, err)
		}
		assert.Len(t, l.rows, 1)
		for name := range l.rows {
			assert.NotContains(t, name, planted)
			assert.Len(t, strings.TrimSuffix(name, " all"), 32)
		}
		assert.Equal(t, 2900*time.Millisecond, s.times[29].Sub(s.times[0]))
		assert.Equal(t, 100*time.Millisecond, waited[29], "the chain measures the wait")

		other := limitedAt(t, s, l, func(c *Config) { c.Auth = HeaderKey("api-key", provider.NewSecret("another")) })
		_, err := other.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.Len(t, l.rows, 2)
	})
}

// A vendor that says that its limit is used up pauses the limit of all hosts.
func TestSharedPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := &script{steps: []step{{status: 429, header: http.Header{"Retry-After": {"20"}}}, ok}}, newTable()
		a := limitedAt(t, s, l, func(c *Config) { c.Settings.Tries = 1 })
		b := limitedAt(t, s, l, nil)
		_, err := a.Do(t.Context(), sendCall(), new(sent))
		require.ErrorIs(t, err, provider.ErrRateLimited)
		assert.Equal(t, []time.Duration{20 * time.Second}, l.paused)
		_, err = b.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.times[1].Sub(s.times[0]), 20*time.Second)

		// The context of the call is over, and the pause is stored all the same.
		ctx, cancel := context.WithCancel(t.Context())
		s.steps = []step{{status: 429, header: http.Header{"Retry-After": {"30"}}}}
		chain := limitedAt(t, s, pausing{l, cancel}, func(c *Config) { c.Settings.Tries = 1 })
		_, err = chain.Do(ctx, sendCall(), new(sent))
		require.Error(t, err)
		assert.Equal(t, 30*time.Second, l.paused[1])
	})
}

// pausing ends the call before it stores the pause.
type pausing struct {
	*table
	cancel context.CancelFunc
}

func (p pausing) Pause(ctx context.Context, s provider.Slot, d time.Duration) error {
	p.cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("a pause may take for ever")
	}
	return p.table.Pause(ctx, s, d)
}

// While a limiter cannot tell, calls go out under the limit of the process, and the
// program hears of each.
func TestLimiterAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := &script{steps: []step{ok}}, newTable()
		l.away = errors.New("database is away")
		var told []provider.LimitEvent
		chain := limitedAt(t, s, l, func(c *Config) {
			c.Env.Hooks.OnLimit = func(_ context.Context, e provider.LimitEvent) { told = append(told, e) }
		})
		for range 11 {
			_, err := chain.Do(t.Context(), sendCall(), new(sent))
			require.NoError(t, err)
		}
		assert.Equal(t, time.Second, s.times[10].Sub(s.times[0]))
		require.Len(t, told, 11)
		assert.Equal(t, "test", told[0].Provider)
		assert.Equal(t, "main", told[0].Account)
		assert.Equal(t, "all", told[0].Slot.Class)
		assert.InDelta(t, 10, told[0].Slot.PerSecond, 0)
		assert.Equal(t, l.away, told[0].Err)

		// A pause that the limiter cannot take holds here.
		s.steps = []step{{status: 429, header: http.Header{"Retry-After": {"20"}}}, ok}
		s.times = nil
		_, err := chain.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.times[1].Sub(s.times[0]), 20*time.Second)
		assert.Len(t, told, 11+3, "two waits and a pause")

		l.away = nil
		_, err = chain.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
		assert.Len(t, told, 14)
	})
}

// Whatever a limiter answers, nothing leaves that it has kept back.
func TestLimiterKeepsBack(t *testing.T) {
	odd := &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: 500, RetryAfter: time.Minute, Message: "no"}
	for _, row := range []struct {
		name   string
		change func(*table)
		ctx    time.Duration // after which the caller gives up
		kind   provider.Kind
		is     error
		after  time.Duration // RetryAfter
		took   time.Duration
	}{
		{name: "an error of ours", change: func(l *table) { l.away = odd }, kind: provider.ErrRateLimited, after: time.Minute},
		{name: "wrapped", change: func(l *table) { l.away = errors.Join(errors.New("x"), odd) }, kind: provider.ErrRateLimited, after: time.Minute},
		{name: "no time", change: func(l *table) { l.rows = nil; l.hangs = true }, ctx: 10500 * time.Millisecond, kind: provider.ErrRateLimited, after: time.Second, took: 10 * time.Second},
		{name: "given up", change: func(l *table) { l.hangs = true }, ctx: -3500 * time.Millisecond, kind: provider.ErrCanceled, is: context.Canceled, took: 3500 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, l := &script{steps: []step{ok}}, newTable()
				row.change(l)
				told := 0
				chain := limitedAt(t, s, l, func(c *Config) {
					c.Env.Hooks.OnLimit = func(context.Context, provider.LimitEvent) { told++ }
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if row.ctx > 0 {
					ctx, cancel = context.WithTimeout(ctx, row.ctx)
					defer cancel()
				} else if row.ctx < 0 {
					time.AfterFunc(-row.ctx, cancel)
				}
				start := time.Now()
				_, err := chain.Do(ctx, sendCall(), new(sent))
				e := errorOf(t, err)
				assert.Equal(t, row.kind, e.Kind)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.Equal(t, row.after, e.RetryAfter)
				assert.Zero(t, e.Status)
				assert.Equal(t, row.took, time.Since(start))
				if row.is != nil {
					assert.ErrorIs(t, err, row.is)
				}
				assert.Empty(t, s.times)
				assert.Zero(t, told)
				assert.Equal(t, provider.ErrOutcomeUnknown, odd.Kind, "the limiter's own error is not changed")
			})
		})
	}
}

// Where no limit is kept nobody is asked.
func TestLimiterIsNotAsked(t *testing.T) {
	l := newTable()
	s := &script{steps: []step{ok}, base: "http://127.0.0.1:1"}
	chain := limitedAt(t, s, l, nil)
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	chain = limitedAt(t, &script{steps: []step{ok}}, l, func(c *Config) {
		c.Limits.Class = func(*rest.Call) string { return "another" }
	})
	_, err = chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	assert.Zero(t, l.asked)
}
