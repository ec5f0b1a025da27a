package outbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// set changes a row as the test wants it.
func set(t *testing.T, s *Store, id, columns string, args ...any) {
	n, err := s.exec(t.Context(), s.own(), "update {message} set "+columns+" where id = {1}", append([]any{id}, args...)...)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// What a sweep makes of messages in each state, by what became of their worker.
func TestSweep(t *testing.T) {
	const dead, alive = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
	for _, row := range []struct {
		name   string
		set    string
		worker string
		want   State
	}{
		{name: "queued", set: "state = 'queued'", want: Queued},
		{name: "leased", set: "state = 'leased'", worker: dead, want: Queued},
		{name: "leased by a live worker", set: "state = 'leased'", worker: alive, want: Leased},
		{name: "leased by a worker without a row", set: "state = 'leased'", worker: "00000000-0000-7000-8000-000000000003", want: Queued},
		{name: "sending", set: "state = 'sending', first_at = 1, intent_at = 1", worker: dead, want: Unknown},
		{name: "sending by a live worker", set: "state = 'sending', first_at = 1", worker: alive, want: Sending},
		{name: "sending, the key is known", set: "state = 'sending', key_until = {now} + 60000000", worker: dead, want: Queued},
		{name: "sending, the key is over", set: "state = 'sending', key_until = {now} - 1", worker: dead, want: Unknown},
		{name: "waits for its repeat, the key is over", set: "state = 'queued', unclear = true, key_until = {now} - 1", want: Unknown},
		{name: "expired", set: "state = 'queued', expires = {now} - 1", want: Dead},
		{name: "expired, and may have been sent", set: "state = 'queued', unclear = true, key_until = {now} + 60000000, expires = {now} - 1", want: Queued},
		{name: "expired under way", set: "state = 'sending', expires = {now} - 1", worker: alive, want: Sending},
		{name: "unknown", set: "state = 'unknown', expires = {now} - 1", want: Unknown},
		{name: "accepted", set: "state = 'accepted', expires = {now} - 1", want: Accepted},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
				_, err := s.exec(t.Context(), s.own(), `insert into {worker} (id, host, started, seen, expires)
					values ({1}, 'a', 0, 0, {now} - 1), ({2}, 'b', 0, 0, {now} + 60000000)`, dead, alive)
				require.NoError(t, err)
				id, err := b.Enqueue(t.Context(), mail("one"), nil)
				require.NoError(t, err)
				set(t, s, id, row.set)
				if row.worker != "" {
					set(t, s, id, "worker = {2}", row.worker)
				}
				for range 2 { // a second one changes nothing
					_, err = s.sweep(t.Context())
					require.NoError(t, err)
					e, err := s.Get(t.Context(), id)
					require.NoError(t, err)
					assert.Equal(t, row.want, e.State)
				}
			})
		})
	}
}

// A worker that was taken for dead and has the answer writes it over unknown, and not over
// what a person decided. Its intent is refused.
func TestLateTruth(t *testing.T) {
	for _, row := range []struct {
		name    string
		state   string // of the row when the worker comes back
		attempt int    // of the row
		result  State
		want    State
	}{
		{name: "unknown", state: "state = 'unknown', worker = null", attempt: 1, result: Accepted, want: Accepted},
		{name: "unknown, provably not sent", state: "state = 'unknown', worker = null", attempt: 1, result: Refused, want: Refused},
		{name: "queued again", state: "state = 'queued', worker = null", attempt: 1, result: Accepted, want: Accepted},
		{name: "queued again, not sent", state: "state = 'queued', worker = null", attempt: 1, result: Refused, want: Queued},
		{name: "a person said it was sent", state: "state = 'accepted', decided = 'ann'", attempt: 1, result: Refused, want: Accepted},
		{name: "a person dropped it", state: "state = 'dropped', decided = 'ann'", attempt: 1, result: Accepted, want: Dropped},
		{name: "sent again by a person", state: "state = 'queued', decided = 'ann'", attempt: 2, result: Accepted, want: Queued},
		{name: "taken by another", state: "state = 'leased'", attempt: 2, result: Accepted, want: Leased},
		{name: "a promotion lost the attempt", state: "state = 'unknown', worker = null", attempt: 0, result: Accepted, want: Accepted},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
				id, err := b.Enqueue(t.Context(), mail("one"), nil)
				require.NoError(t, err)
				set(t, s, id, row.state+", attempt = {2}", row.attempt)
				me, err := newID()
				require.NoError(t, err)
				answers, err := s.apply(t.Context(), me, []*change{
					{ID: id, Attempt: 1, kind: intent, Member: "main"},
				})
				require.NoError(t, err)
				assert.False(t, answers[0].ok, "an intent of a worker that does not have it")
				_, err = s.apply(t.Context(), me, []*change{{ID: id, Attempt: 1, kind: result, State: row.result}})
				require.NoError(t, err)
				e, err := s.Get(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, row.want, e.State)
			})
		})
	}
}

// An account in trouble is held, gets one message from time to time, and goes on when that
// one went out.
func TestHolds(t *testing.T) {
	t.Parallel() // it waits
	for _, row := range []struct {
		name   string
		answer error
		asked  int // calls before the hold, at most
	}{
		{name: "a wrong key", answer: failure(provider.ErrUnauthorized, provider.OutcomeNotSent), asked: 16},
		{name: "an outage", answer: failure(provider.ErrUnavailable, provider.OutcomeNotSent), asked: stumbles + 16},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				v := newVendor()
				var calls counter
				broken := newFlag(true)
				v.answer = func(*provider.Message) error {
					if !broken.get() {
						return nil
					}
					calls.add()
					return row.answer
				}
				b := open(t, s, map[string]*vendor{"main": v}, nil)
				const mails = 100
				for i := range mails {
					_, err := b.Enqueue(t.Context(), mail(fmt.Sprint("mail ", i)), nil)
					require.NoError(t, err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- b.Run(ctx) }()
				require.Eventually(t, func() bool {
					holds, err := s.Holds(t.Context())
					return err == nil && len(holds) == 1
				}, 20*time.Second, 5*time.Millisecond)
				assert.LessOrEqual(t, calls.get(), 2*row.asked)
				broken.set(false)
				// Its time comes at once, and every wait of a message is over.
				_, err := s.exec(t.Context(), s.own(), "update {account} set held_until = {now}")
				require.NoError(t, err)
				require.Eventually(t, func() bool {
					_, err := s.exec(t.Context(), s.own(), "update {message} set run_at = {now} where state = 'queued' and run_at > {now}")
					return err == nil && b.states(t)[Accepted] == mails
				}, 20*time.Second, 20*time.Millisecond)
				holds, err := s.Holds(t.Context())
				require.NoError(t, err)
				assert.Empty(t, holds)
				stop()
				require.NoError(t, <-ended)
			})
		})
	}
}

// What a person holds stays held, and Process says so.
func TestHoldByAPerson(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		b := open(t, s, map[string]*vendor{"main": v}, nil)
		id, err := b.Enqueue(t.Context(), mail("one"), nil)
		require.NoError(t, err)
		require.NoError(t, s.Hold(t.Context(), "main", "a wrong price", "ann"))
		e, err := b.Process(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, Queued, e.State)
		assert.True(t, e.NextAt.After(time.Now()), "try again later")
		assert.Zero(t, v.count("one"))
		held, err := s.Release(t.Context(), "main")
		require.NoError(t, err)
		assert.True(t, held)
		e, err = b.Process(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, Accepted, e.State)
	})
}

// What a person may do in each state, and what it becomes.
func TestDecisions(t *testing.T) {
	type act func(context.Context, *Box, string) error
	cancel := act(func(ctx context.Context, b *Box, id string) error { return b.store.Cancel(ctx, id) })
	retry := act(func(ctx context.Context, b *Box, id string) error { return b.Retry(ctx, id) })
	decide := func(d Decision) act {
		return func(ctx context.Context, b *Box, id string) error { return b.Decide(ctx, id, d, "ann") }
	}
	for _, row := range []struct {
		name string
		set  string
		do   act
		want State // empty: ErrConflict, and nothing changes
	}{
		{name: "cancel what is queued", set: "state = 'queued'", do: cancel, want: Canceled},
		{name: "cancel it again", set: "state = 'canceled'", do: cancel, want: Canceled},
		{name: "cancel what may have been sent", set: "state = 'queued', unclear = true", do: cancel},
		{name: "cancel what a worker has", set: "state = 'leased'", do: cancel},
		{name: "cancel what went out", set: "state = 'accepted'", do: cancel},
		{name: "retry what is dead", set: "state = 'dead'", do: retry, want: Queued},
		{name: "retry what was refused", set: "state = 'refused'", do: retry, want: Queued},
		{name: "retry what is unknown", set: "state = 'unknown', unclear = true", do: retry},
		{name: "retry what went out", set: "state = 'accepted'", do: retry},
		{name: "it was sent", set: "state = 'unknown', unclear = true", do: decide(WasSent), want: Accepted},
		{name: "send it again", set: "state = 'unknown', unclear = true", do: decide(SendAgain), want: Queued},
		{name: "drop it", set: "state = 'unknown', unclear = true", do: decide(Drop), want: Dropped},
		{name: "drop what is dead", set: "state = 'dead'", do: decide(Drop), want: Dropped},
		{name: "drop what is queued", set: "state = 'queued'", do: decide(Drop)},
		{name: "send again what is under way", set: "state = 'sending'", do: decide(SendAgain)},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
				id, err := b.Enqueue(t.Context(), mail("one"), nil)
				require.NoError(t, err)
				set(t, s, id, row.set)
				before, err := s.Get(t.Context(), id)
				require.NoError(t, err)
				err = row.do(t.Context(), b, id)
				e, failed := s.Get(t.Context(), id)
				require.NoError(t, failed)
				if row.want == "" {
					require.ErrorIs(t, err, provider.ErrConflict)
					assert.ErrorContains(t, err, string(before.State))
					assert.Equal(t, before, e)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, row.want, e.State)
				assert.Equal(t, row.want == Queued, !e.Unclear && !e.NextAt.IsZero())
			})
		})
	}
}

// A purge removes what ended long ago, and nothing that is open; keys stay for their own time.
func TestPurge(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		ids := make(map[State]string)
		for _, state := range States() {
			m := mail(string(state))
			m.IdempotencyKey = "key of " + string(state)
			id, err := b.Enqueue(t.Context(), m, nil)
			require.NoError(t, err)
			set(t, s, id, "state = {2}, changed = {now} - {3}", string(state), (365 * day).Microseconds())
			ids[state] = id
		}
		purged, err := b.Purge(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Purged{Messages: 6}, purged)
		for state, id := range ids {
			_, err := s.Get(t.Context(), id)
			if state.Ended() {
				require.ErrorIs(t, err, provider.ErrNotFound, state)
			} else {
				require.NoError(t, err, state)
			}
			m := mail(string(state))
			m.IdempotencyKey = "key of " + string(state)
			again, err := b.Enqueue(t.Context(), m, nil)
			require.NoError(t, err)
			assert.Equal(t, id, again, "the key is known")
		}
		_, err = s.exec(t.Context(), s.own(), "update {key} set purged = purged - {1}", (100 * day).Microseconds())
		require.NoError(t, err)
		purged, err = b.Purge(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Purged{Keys: 6}, purged)
	})
}
