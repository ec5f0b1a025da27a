package providertest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// LimiterHarness describes a provider.Limiter to the suite.
type LimiterHarness struct {
	// Open returns a limiter. All that one test opens share their limits, as several
	// hosts do with one store.
	Open func(t *testing.T) provider.Limiter
	// Virtual runs each test in a bubble of testing/synctest, where time passes at
	// once. A limiter that talks to a database cannot be in one.
	Virtual bool
}

// RunLimiter checks that a provider.Limiter keeps what the interface promises.
func RunLimiter(t *testing.T, h LimiterHarness) {
	for _, c := range []struct {
		name  string
		check func(*limiterTest)
	}{
		{"the limit is kept and used", (*limiterTest).rate},
		{"several calls at once", (*limiterTest).several},
		{"hosts share a limit", (*limiterTest).hosts},
		{"limits of other names are others", (*limiterTest).names},
		{"a pause holds for all", (*limiterTest).pause},
		{"a shorter pause changes nothing", (*limiterTest).shorter},
		{"calls that give up leave no trace", (*limiterTest).canceled},
		{"a wait beyond the deadline", (*limiterTest).deadline},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(t *testing.T) { c.check(&limiterTest{t, h, rand.Text()}) }
			if h.Virtual {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}

// limiterTest is one test of the suite, whose limits nobody else has.
type limiterTest struct {
	*testing.T
	h    LimiterHarness
	name string
}

// Limits of the tests, so fast that real time does not matter much.
const (
	limitRate  = 50 // calls a second
	limitBurst = 5
	limitAhead = 5 // how many calls a limiter may be ahead, a tenth of a second
)

func (l *limiterTest) slot(class string) provider.Slot {
	return provider.Slot{Key: l.name, Class: class, PerSecond: limitRate, Burst: limitBurst}
}

func (l *limiterTest) take(in provider.Limiter, s provider.Slot, n int) {
	l.Helper()
	require.NoError(l, in.Acquire(l.Context(), s, n))
}

// kept checks that n calls in took were neither too many nor too few.
func (l *limiterTest) kept(n int, took time.Duration) {
	l.Helper()
	least := time.Duration(n-limitBurst-limitAhead) * time.Second / limitRate
	assert.GreaterOrEqual(l, took, least, "%d calls", n)
	assert.LessOrEqual(l, took, 2*time.Duration(n)*time.Second/limitRate+time.Second, "%d calls", n)
}

func (l *limiterTest) rate() {
	in, start := l.h.Open(l.T), time.Now()
	for range 40 {
		l.take(in, l.slot("all"), 1)
	}
	l.kept(40, time.Since(start))
}

func (l *limiterTest) several() {
	in, start := l.h.Open(l.T), time.Now()
	for range 10 {
		l.take(in, l.slot("all"), limitBurst)
	}
	l.kept(10*limitBurst, time.Since(start))
}

func (l *limiterTest) hosts() {
	const hosts, each = 4, 20
	start := time.Now()
	var all sync.WaitGroup
	for range hosts {
		in := l.h.Open(l.T)
		for range 2 {
			all.Go(func() {
				for range each / 2 {
					assert.NoError(l, in.Acquire(l.Context(), l.slot("all"), 1))
				}
			})
		}
	}
	all.Wait()
	l.kept(hosts*each, time.Since(start))
}

func (l *limiterTest) names() {
	in := l.h.Open(l.T)
	require.NoError(l, in.Pause(l.Context(), l.slot("paused"), time.Minute))
	start := time.Now()
	l.take(in, l.slot("other"), 1)
	other := l.slot("paused")
	other.Key += "2"
	l.take(in, other, 1)
	assert.Less(l, time.Since(start), 10*time.Second)
}

func (l *limiterTest) pause() {
	const pause = 400 * time.Millisecond
	one, other := l.h.Open(l.T), l.h.Open(l.T)
	s := l.slot("all")
	for range limitBurst + limitAhead {
		l.take(one, s, 1)
	}
	start := time.Now()
	require.NoError(l, one.Pause(l.Context(), s, pause))
	var all sync.WaitGroup
	for _, in := range []provider.Limiter{one, other} {
		all.Go(func() {
			if assert.NoError(l, in.Acquire(l.Context(), s, 1)) {
				assert.GreaterOrEqual(l, time.Since(start), pause)
			}
		})
	}
	all.Wait()
}

func (l *limiterTest) shorter() {
	const pause = 400 * time.Millisecond
	in, s, start := l.h.Open(l.T), l.slot("all"), time.Now()
	require.NoError(l, in.Pause(l.Context(), s, pause))
	require.NoError(l, in.Pause(l.Context(), s, time.Millisecond))
	l.take(in, s, 1)
	assert.GreaterOrEqual(l, time.Since(start), pause)
}

func (l *limiterTest) canceled() {
	in, s := l.h.Open(l.T), l.slot("all")
	for range limitBurst + limitAhead {
		l.take(in, s, 1)
	}
	ctx, cancel := context.WithCancel(l.Context())
	var all sync.WaitGroup
	for range 10 * limitRate { // ten seconds of calls
		all.Go(func() {
			if err := in.Acquire(ctx, s, 1); err != nil {
				assert.ErrorIs(l, err, context.Canceled)
			}
		})
	}
	l.take(in, s, 1)
	cancel()
	start := time.Now()
	all.Wait()
	l.take(in, s, 1)
	assert.Less(l, time.Since(start), 2*time.Second)
}

func (l *limiterTest) deadline() {
	in, s := l.h.Open(l.T), l.slot("all")
	require.NoError(l, in.Pause(l.Context(), s, time.Minute))
	ctx, cancel := context.WithTimeout(l.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := in.Acquire(ctx, s, 1)
	assert.Less(l, time.Since(start), 2*time.Second)
	var e *provider.Error
	if errors.As(err, &e) {
		assert.ErrorIs(l, err, provider.ErrRateLimited)
		assert.NotEqual(l, provider.OutcomeMaybeSent, e.Outcome)
		return
	}
	assert.ErrorIs(l, err, context.DeadlineExceeded)
}
