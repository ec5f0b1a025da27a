package outbox

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
)

func TestLimiter(t *testing.T) {
	t.Parallel() // it waits
	stores(t, func(t *testing.T, s *Store) {
		providertest.RunLimiter(t, providertest.LimiterHarness{
			Open: func(*testing.T) provider.Limiter { return s.Limiter(LimiterOptions{}) },
		})
	})
}

// slot is a limit of a test.
func slot(perSecond float64, burst int) provider.Slot {
	return provider.Slot{Key: "0123456789abcdef0123456789abcdef", Class: "send", PerSecond: perSecond, Burst: burst}
}

// next returns the row of a limit.
func (s *Store) next(t *testing.T, l provider.Slot) (next float64) {
	found, err := s.one(t.Context(), s.own(), "select next from {limit} where bucket = {1} and class = {2}",
		[]any{l.Key, l.Class}, &next)
	require.NoError(t, err)
	require.True(t, found)
	return next
}

// A call of a slow limit that gives up, or comes too late, takes no turn of it.
func TestSlowLimit(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		l, hourly := s.Limiter(LimiterOptions{}), slot(100.0/3600, 1)
		require.NoError(t, l.Acquire(t.Context(), hourly, 1))
		before := s.next(t, hourly)

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := l.Acquire(ctx, hourly, 1)
		if !errors.Is(err, context.DeadlineExceeded) { // it did not know the row yet
			require.ErrorIs(t, err, provider.ErrRateLimited)
			assert.InDelta(t, 36, provider.RetryAfter(err).Seconds(), 2)
		}
		canceled, stop := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, stop)
		require.ErrorIs(t, l.Acquire(canceled, hourly, 1), context.Canceled)
		assert.InDelta(t, before, s.next(t, hourly), 0)
	})
}

// A limit that was not used lets its burst out at once, and no more.
func TestBurst(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		l, five := s.Limiter(LimiterOptions{}), slot(0.5, 5)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
			require.NoError(t, l.Acquire(ctx, five, 1))
			cancel()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		require.Error(t, l.Acquire(ctx, five, 1))
	})
}

// While the database is away, the process keeps the limit, or nothing is sent.
func TestLimiterAway(t *testing.T) {
	db, err := sql.Open("pgx", "postgres://nobody:the-password@127.0.0.1:1/none?sslmode=disable")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := Postgres(db, StoreOptions{})
	require.NoError(t, err)
	for _, row := range []struct {
		down    OnStoreDown
		kind    provider.Kind // empty: no *provider.Error
		outcome provider.Outcome
	}{
		{down: ""},
		{down: DownShare},
		{down: DownRefuse, kind: provider.ErrRateLimited, outcome: provider.OutcomeNotSent},
		{down: "guess", kind: provider.ErrConfig, outcome: provider.OutcomeNotSent},
	} {
		t.Run(string(row.down), func(t *testing.T) {
			l := s.Limiter(LimiterOptions{OnStoreDown: row.down})
			for range 2 { // the second one does not ask
				err := l.Acquire(t.Context(), slot(100, 1), 1)
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "the-password")
				e, ok := asProviderError(err)
				require.Equal(t, row.kind != "", ok, "%v", err)
				if ok {
					assert.Equal(t, row.kind, e.Kind)
					assert.Equal(t, row.outcome, e.Outcome)
				}
			}
			err := l.Pause(t.Context(), slot(100, 1), time.Second)
			require.Error(t, err)
			_, ok := asProviderError(err)
			assert.False(t, ok)
		})
	}
}

// A database that hangs is not waited for: a second, and then it is left alone for another.
func TestLimiterHangs(t *testing.T) {
	t.Parallel() // it waits
	stores(t, func(t *testing.T, s *Store) {
		l, fast := s.Limiter(LimiterOptions{}), slot(1000, 1)
		require.NoError(t, l.Acquire(t.Context(), fast, 1))
		tx, err := s.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = s.exec(t.Context(), sqlExecer{tx}, "update {limit} set next = next")
		require.NoError(t, err)
		start := time.Now()
		require.ErrorIs(t, l.Acquire(t.Context(), fast, 1), errNoAnswer)
		require.ErrorIs(t, l.Acquire(t.Context(), fast, 1), errNoAnswer)
		assert.Less(t, time.Since(start), 1900*time.Millisecond)
		require.NoError(t, tx.Rollback())
		assert.Eventually(t, func() bool { return l.Acquire(t.Context(), fast, 1) == nil }, 10*time.Second, 50*time.Millisecond)
	})
}
