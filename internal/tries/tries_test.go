package tries_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/tries"
)

// A request counts for its operation and for the one around; elsewhere nobody counts.
func TestSums(t *testing.T) {
	outer := tries.With(t.Context())
	inner := tries.With(outer)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { tries.Add(inner, time.Second, 2*time.Second) })
	}
	wg.Wait()
	tries.Add(outer, time.Minute, 0)
	tries.Add(t.Context(), time.Hour, 0)
	for _, tt := range []struct {
		name            string
		ctx             context.Context
		counted         bool
		tries           int
		waited, backoff time.Duration
	}{
		{"none", t.Context(), false, 0, 0, 0},
		{"inner", inner, true, 10, 10 * time.Second, 20 * time.Second},
		{"outer", outer, true, 11, 70 * time.Second, 20 * time.Second},
	} {
		n, waited, backoff := tries.Of(tt.ctx)
		assert.Equal(t, tt.counted, tries.Counted(tt.ctx), tt.name)
		assert.Equal(t, tt.tries, n, tt.name)
		assert.Equal(t, tt.waited, waited, tt.name)
		assert.Equal(t, tt.backoff, backoff, tt.name)
	}
}
