package route_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/patience"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

// A provider is dead, and ten minutes of mail, 10 a second, want to go out.
// Times are virtual; the command is go test -v -run TestDeadProvider.
func TestDeadProvider(t *testing.T) {
	const rate, mails = 10, 10 * 600
	for _, tt := range []struct {
		name  string
		took  func(rnd *rand.Rand, patient bool) time.Duration // until a gives up
		err   *provider.Error
		share float64 // of the mail that is out within 5 s, at least
	}{
		{name: "refuses connections, no repeats", took: func(*rand.Rand, bool) time.Duration { return time.Millisecond }, err: unreachable, share: 0.99},
		{name: "refuses connections, three repeats", took: repeats, err: unreachable, share: 0.99},
		{name: "three repeats, a fifth unknown", took: repeats, share: 0.99},
		{name: "swallows connections, dial_timeout 5s", took: swallows(5 * time.Second), err: unreachable, share: 0.99},
		{name: "swallows connections, dial_timeout 15s", took: swallows(15 * time.Second), err: unreachable, share: 0.99},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(1, 2))
				var mu sync.Mutex
				c, a, b := pair(t, route.Options{})
				a.reply = func(ctx context.Context, _ *provider.Message) error {
					mu.Lock()
					wait, unknown := tt.took(rnd, patience.Of(ctx).IsZero()), tt.err == nil && rnd.IntN(5) == 0
					mu.Unlock()
					<-time.After(wait)
					if unknown {
						return noAnswer
					}
					return unreachable
				}
				b.reply = func(context.Context, *provider.Message) error {
					<-time.After(100 * time.Millisecond)
					return nil
				}
				var took []time.Duration
				var unknown, lost int
				var wg sync.WaitGroup
				for range mails {
					wg.Go(func() {
						start := time.Now()
						r, err := c.Send(t.Context(), message())
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil && r.Account == "b":
							took = append(took, time.Since(start))
						case r.State == provider.StateUnknown:
							unknown++
						default:
							lost++
						}
					})
					<-time.After(time.Second / rate)
				}
				wg.Wait()
				slices.Sort(took)
				inTime, _ := slices.BinarySearch(took, 5*time.Second+1)
				share := float64(inTime) / float64(mails-unknown)
				t.Logf("%d mails: %d provably unsent, of them %.2f %% out by the other within 5 s; median %v, 99 %% %v, worst %v; %d unknown; %d sends reached the dead one",
					mails, mails-unknown, share*100, took[len(took)/2], took[len(took)*99/100], took[len(took)-1], unknown, a.calls.Load())
				assert.Zero(t, lost)
				assert.GreaterOrEqual(t, share, tt.share)
				require.EqualValues(t, len(took), b.calls.Load(), "nothing twice")
			})
		})
	}
}

// swallows is how long a try takes that connects to nothing, or four of them when no other
// member is ready.
func swallows(dial time.Duration) func(*rand.Rand, bool) time.Duration {
	return func(r *rand.Rand, patient bool) time.Duration {
		if !patient {
			return dial
		}
		return 4*dial + repeats(r, true)
	}
}

// repeats is how long three repeats take with full jitter over 0.5, 1 and 2 s, or those
// that end within the patience of a route.
func repeats(rnd *rand.Rand, patient bool) time.Duration {
	took := time.Duration(0)
	for _, most := range []float64{500, 1000, 2000} {
		next := time.Duration(rnd.Float64()*most) * time.Millisecond
		if !patient && took+next > 2*time.Second {
			break
		}
		took += next
	}
	return took
}
