package outbox

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// Without a worker of Run, Process itself finds out that a held account works again.
func TestProcessProbes(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		wrong := newFlag(true)
		v.answer = func(*provider.Message) error {
			if wrong.get() {
				return failure(provider.ErrUnauthorized, provider.OutcomeNotSent)
			}
			return nil
		}
		b := open(t, s, map[string]*vendor{"main": v}, nil)
		process := func(subject string) *Entry {
			id, err := b.Enqueue(t.Context(), mail(subject), nil)
			require.NoError(t, err)
			e, err := b.Process(t.Context(), id)
			require.NoError(t, err)
			return e
		}
		past := func() {
			_, err := s.exec(t.Context(), s.own(), "update {account} set held_until = {now} - 1")
			require.NoError(t, err)
		}
		assert.Equal(t, Queued, process("holds the account").State)
		e := process("waits")
		assert.Zero(t, e.Attempt)
		holds, err := s.Holds(t.Context())
		require.NoError(t, err)
		require.Len(t, holds, 1)
		assert.Equal(t, holds[0].Until, e.NextAt)

		past()
		e = process("a probe that fails")
		assert.Equal(t, 1, e.Attempt)
		assert.Equal(t, Queued, e.State)
		assert.Zero(t, process("waits behind the probe").Attempt)

		past()
		wrong.set(false)
		assert.Equal(t, Accepted, process("a probe that succeeds").State)
		assert.Equal(t, Accepted, process("the account works").State)

		require.NoError(t, s.Hold(t.Context(), "main", "for the test", "a person"))
		e = process("a person holds it")
		assert.Zero(t, e.Attempt)
		assert.True(t, e.NextAt.After(e.Created))
	})
}
