package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// What is enqueued is sent once, by workers that share the work.
func TestRun(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		b := open(t, s, map[string]*vendor{"main": v}, nil)
		const mails = 300
		for i := range mails {
			_, err := b.Enqueue(t.Context(), mail(fmt.Sprint("mail ", i)), nil)
			require.NoError(t, err)
		}
		runUntil(t, b, 2, func() bool { return b.states(t)[Accepted] == mails })
		for i := range mails {
			assert.Equal(t, 1, v.count(fmt.Sprint("mail ", i)))
		}
		var bodies int
		_, err := s.one(t.Context(), s.own(), "select count(*) from {body}", nil, &bodies)
		require.NoError(t, err)
		assert.Zero(t, bodies, "the bodies of accepted messages are gone")
	})
}

// runUntil runs workers until done reports true.
func runUntil(t *testing.T, b *Box, workers int, done func() bool) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { assert.NoError(t, b.Run(ctx)) })
	}
	assert.Eventually(t, done, time.Minute, 10*time.Millisecond)
	stop()
	all.Wait()
}

func (b *Box) states(t *testing.T) map[State]int64 {
	stats, err := b.store.Stats(t.Context())
	require.NoError(t, err)
	return stats.ByState
}

// Process sends one message, and says what became of it.
func TestProcess(t *testing.T) {
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, row := range []struct {
		name    string
		window  time.Duration
		change  func(*provider.Message)
		answer  error
		state   State
		unclear bool
		mails   int
		again   bool // Process is called once more, and the vendor takes the mail
	}{
		{name: "accepted", state: Accepted, mails: 1},
		{name: "later", change: func(m *provider.Message) { m.SendAt = later }, state: Queued},
		{name: "refused", answer: failure(provider.ErrInvalid, provider.OutcomeNotSent), state: Refused},
		{name: "not now", answer: failure(provider.ErrUnavailable, provider.OutcomeNotSent), state: Queued},
		{name: "a wrong key", answer: failure(provider.ErrUnauthorized, provider.OutcomeNotSent), state: Queued},
		{name: "unknown", answer: failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent), state: Unknown, unclear: true, mails: 1},
		{
			name: "unknown, with a key", window: time.Hour, answer: failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent),
			state: Queued, unclear: true, mails: 1,
		},
		{name: "sent, and the answer was no use", answer: failure(provider.ErrBadResponse, provider.OutcomeSent), state: Accepted, mails: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				v := newVendor()
				v.window = row.window
				v.answer = func(*provider.Message) error { return row.answer }
				b := open(t, s, map[string]*vendor{"main": v}, nil)
				m := mail("one")
				if row.change != nil {
					row.change(m)
				}
				id, err := b.Enqueue(t.Context(), m, nil)
				require.NoError(t, err)
				e, err := b.Process(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, row.state, e.State, "%+v", e)
				assert.Equal(t, row.unclear, e.Unclear)
				assert.Equal(t, row.mails, v.count("one"))
				if row.state == Queued {
					assert.True(t, e.NextAt.After(time.Now().Add(-time.Minute)))
				}
				v.answer = nil
				e, err = b.Process(t.Context(), id)
				require.NoError(t, err)
				assert.LessOrEqual(t, v.count("one"), 1, "once at most")
				assert.Equal(t, row.state, e.State, "it was not due")
			})
		})
	}
}

// A key names one message, for all programs of a namespace.
func TestKeys(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		m := mail("order")
		m.IdempotencyKey = "order-1"
		first, err := b.Enqueue(t.Context(), m, nil)
		require.NoError(t, err)
		again, err := b.Enqueue(t.Context(), m, nil)
		require.NoError(t, err)
		assert.Equal(t, first, again)
		elsewhere, err := b.Enqueue(t.Context(), m, &EnqueueOpts{Namespace: "other"})
		require.NoError(t, err)
		assert.NotEqual(t, first, elsewhere)

		other := mail("another")
		other.IdempotencyKey = "order-1"
		tx, err := s.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = b.EnqueueTx(t.Context(), tx, other, nil)
		require.ErrorIs(t, err, provider.ErrInvalid)
		assert.Contains(t, err.Error(), "idempotency_key")
		kept, err := b.EnqueueTx(t.Context(), tx, mail("with the transaction"), nil)
		require.NoError(t, err, "the transaction goes on")
		require.NoError(t, tx.Commit())
		_, err = s.Get(t.Context(), kept)
		require.NoError(t, err)
	})
}

// A message is there when the program's transaction is.
func TestTransactions(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		for _, commit := range []bool{true, false} {
			tx, err := s.db.BeginTx(t.Context(), &sql.TxOptions{})
			require.NoError(t, err)
			id, err := b.EnqueueTx(t.Context(), tx, mail("tx"), nil)
			require.NoError(t, err)
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			_, err = s.Get(t.Context(), id)
			if commit {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, provider.ErrNotFound)
			}
		}
	})
}
