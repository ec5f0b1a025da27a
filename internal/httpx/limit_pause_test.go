package httpx

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/time/rate"
)

// A pause holds for those too who waited for the rate when it began, and after it
// they go out at the rate, not all at once.
func TestPauseHoldsForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{limiter: rate.NewLimiter(1, 1)}
		start := time.Now()
		var mu sync.Mutex
		var out []time.Duration
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				waited, e := b.wait(t.Context())
				assert.Nil(t, e)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, time.Since(start))
				assert.Equal(t, time.Since(start), waited)
			})
		}
		<-time.After(1500 * time.Millisecond)
		b.pause(10 * time.Second)
		all.Wait()
		assert.Len(t, out, 5)
		for i, at := range out {
			if i < 2 {
				assert.Equal(t, time.Duration(i)*time.Second, at)
				continue
			}
			assert.GreaterOrEqual(t, at, 11500*time.Millisecond, "call %d", i)
			if i > 2 {
				assert.GreaterOrEqual(t, at-out[i-1], time.Second, "call %d", i)
			}
		}
	})
}
