package guard_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/providertest"
)

const hold = 10

// begin claims a key and reports whether it got it.
func begin(t *testing.T, g *guard.Memory, key string) bool {
	t.Helper()
	_, ok, err := g.Begin(t.Context(), key, provider.GuardEntry{Digest: "d", At: time.Now()})
	require.NoError(t, err, "no send is refused")
	return ok
}

func end(t *testing.T, g *guard.Memory, key string, s provider.State) {
	t.Helper()
	require.NoError(t, g.Finish(t.Context(), key, provider.GuardEntry{Digest: "d", Status: s}))
}

// A store that is full of accepted keys forgets the oldest of them, and no others.
func TestFullOfAccepted(t *testing.T) {
	g := guard.NewMemory(hold, time.Hour)
	for i := range 3 { // in doubt, and older than all that follow
		require.True(t, begin(t, g, fmt.Sprint("doubt", i)))
	}
	end(t, g, "doubt1", provider.StateUnknown)
	end(t, g, "doubt2", provider.StatePartlyAccepted)
	for i := range 3 * hold {
		require.True(t, begin(t, g, fmt.Sprint("done", i)))
		end(t, g, fmt.Sprint("done", i), provider.StateAccepted)
	}
	assert.Equal(t, hold+3, g.Len())
	for i := range 3 * hold {
		key := fmt.Sprint("done", i)
		if i >= 2*hold {
			assert.False(t, begin(t, g, key), key)
		}
	}
	assert.True(t, begin(t, g, "done0"), "forgotten")
	assert.False(t, begin(t, g, "doubt1"))
	assert.True(t, begin(t, g, "doubt2"), "the rest of it")
}

// A store that holds nothing but keys in doubt grows: it forgets none before its time,
// refuses none, and still remembers as many accepted ones as it should.
func TestFullOfDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard.NewMemory(hold, time.Hour)
		for i := range 10 * hold {
			require.True(t, begin(t, g, fmt.Sprint(i)))
			if i%2 == 0 { // the others still run
				end(t, g, fmt.Sprint(i), provider.StateUnknown)
			}
		}
		for i := range hold {
			key := fmt.Sprint("done", i)
			require.True(t, begin(t, g, key))
			end(t, g, key, provider.StateAccepted)
		}
		assert.Equal(t, 11*hold, g.Len())
		for i := range hold {
			assert.False(t, begin(t, g, fmt.Sprint("done", i)))
		}
		for i := range 10 * hold {
			if i%2 == 0 {
				assert.False(t, begin(t, g, fmt.Sprint(i)))
			}
		}
		<-time.After(time.Hour + time.Second)
		assert.Equal(t, 5*hold, g.Len(), "those that run")
	})
}

// A settled key counts as accepted from then on.
func TestSettledIsAccepted(t *testing.T) {
	g := guard.NewMemory(1, time.Hour)
	require.True(t, begin(t, g, "a"))
	end(t, g, "a", provider.StateUnknown)
	end(t, g, "a", provider.StateAccepted)
	end(t, g, "a", provider.StateRefused)
	assert.False(t, begin(t, g, "a"), "accepted stays")
	require.True(t, begin(t, g, "b"))
	end(t, g, "b", provider.StateAccepted)
	assert.True(t, begin(t, g, "a"), "it was the oldest")
}

func TestGuardStore(t *testing.T) {
	providertest.RunGuardStore(t, providertest.GuardHarness{
		Single: true, Open: func(*testing.T) provider.GuardStore { return guard.NewMemory(0, 0) },
	})
}
