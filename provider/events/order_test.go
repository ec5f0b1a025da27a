package events

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// Every kind of a mail's way has a weight, and the table names nothing twice.
func TestOrder(t *testing.T) {
	type what struct {
		kind      Kind
		bounce    Bounce
		automated bool
	}
	seen := map[what]bool{}
	for _, row := range order {
		w := what{row.kind, row.bounce, row.automated}
		assert.False(t, seen[w], "%v", w)
		seen[w] = true
		require.NotEqual(t, provider.StateUnknown, row.state)
		assert.Equal(t, row.kind == KindBounced, row.bounce != "")
	}
}
