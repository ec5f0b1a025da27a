package route

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// sent makes the table remember the end of a send.
func (t *keyTable) sent(tb testing.TB, key string, m *member, doubt bool) {
	tb.Helper()
	_, err := t.acquire(tb.Context(), key)
	require.NoError(tb, err)
	t.release(key, m, doubt)
}

// A key in doubt outlives any number of finished ones.
func TestKeyInDoubtStays(t *testing.T) {
	var table keyTable
	a := new(member)
	table.sent(t, "doubt", a, true)
	table.sent(t, "unsent", nil, false)
	for i := range mostKeys + 1000 {
		table.sent(t, fmt.Sprint(i), a, false)
	}
	held, err := table.acquire(t.Context(), "doubt")
	require.NoError(t, err)
	assert.Same(t, a, held)
	table.release("doubt", a, true)
	assert.Equal(t, mostKeys+1, len(table.byKey))
	for key, known := range map[string]bool{"0": false, "unsent": false, "1500": true} {
		held, err = table.acquire(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, known, held == a, key)
		table.release(key, held, false)
	}
}

// A table that is full of doubt takes no new key; those that it has go on, and what is
// settled or an hour old makes room.
func TestTableFullOfDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table keyTable
		a := new(member)
		for i := range mostKeys {
			table.sent(t, fmt.Sprint(i), a, true)
		}
		_, err := table.acquire(t.Context(), "new")
		require.ErrorIs(t, err, provider.ErrUnavailable)
		assert.ErrorContains(t, err, "the outcome of 100000 keys of the last hour is unknown")
		for i := range 3 {
			held, err := table.acquire(t.Context(), fmt.Sprint(i))
			require.NoError(t, err)
			assert.Same(t, a, held)
			table.release(fmt.Sprint(i), a, false) // settled
		}
		table.sent(t, "new", a, true)
		<-time.After(keyMemory + time.Second)
		table.sent(t, "newer", a, true)
		assert.Equal(t, 1, len(table.byKey))
		assert.Equal(t, 1, table.inDoubt)
	})
}

// What was accepted is not put in doubt by a repeat.
func TestFinishedStaysFinished(t *testing.T) {
	var table keyTable
	a := new(member)
	table.sent(t, "k", a, false)
	table.sent(t, "k", a, true)
	assert.Zero(t, table.inDoubt)
	table.sent(t, "d", a, true)
	table.sent(t, "d", a, true)
	assert.Equal(t, 1, table.inDoubt)
	table.sent(t, "d", a, false)
	assert.Zero(t, table.inDoubt)
}
