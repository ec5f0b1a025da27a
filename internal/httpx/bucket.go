package httpx

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/provider"
)

// bucket lets calls of one class through at the account's rate, and none at all
// during a pause that the vendor has asked for. Calls that must wait stand in a queue:
// only the first of them has a reservation, so one that gives up leaves no trace.
type bucket struct {
	limiter *rate.Limiter

	mu     sync.Mutex
	paused time.Time
	busy   bool            // somebody stands at the head of the queue
	gone   bool            // the pool has let it go: another one counts now
	queue  []chan struct{} // of those behind; closed when it is their turn
}

func newBucket(l Limit) *bucket {
	return &bucket{limiter: rate.NewLimiter(l.Rate, l.Burst)}
}

// take takes n calls when they may go out now, and returns the time of it. gone reports
// that the bucket no longer counts.
func (b *bucket) take(n int) (now time.Time, taken, gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = time.Now() // in here: the limiter gives more when it gets an older time than before
	if b.gone {
		return now, false, true
	}
	return now, !b.busy && b.paused.Before(now) && b.limiter.AllowN(now, n), false
}

// wait waits until n calls may go out, behind those who wait already. When they would have
// to wait beyond the deadline of ctx, it returns at once: the error has the time that is
// missing. gone reports that the bucket no longer counts.
func (b *bucket) wait(ctx context.Context, n int) (_ *provider.Error, gone bool) {
	if e, gone := b.lineUp(ctx); e != nil || gone {
		return e, gone
	}
	defer b.next()
	for {
		if pause := time.Until(b.pausedUntil()); pause > 0 {
			if e := sleep(ctx, pause); e != nil {
				return e, false
			}
			continue
		}
		r := b.limiter.ReserveN(time.Now(), n)
		if delay := r.Delay(); delay > 0 {
			if e := sleep(ctx, delay); e != nil {
				r.Cancel() // nobody has reserved after it, so all of it is given back
				return e, false
			}
			if time.Until(b.pausedUntil()) > 0 {
				continue // a pause has begun meanwhile
			}
		}
		return nil, false
	}
}

// lineUp waits until the call stands at the head of the queue, in the order in which
// calls came.
func (b *bucket) lineUp(ctx context.Context) (_ *provider.Error, gone bool) {
	b.mu.Lock()
	if !b.busy {
		b.busy, gone = !b.gone, b.gone
		b.mu.Unlock()
		return nil, gone
	}
	if e := beyondDeadline(ctx, b.estimate()); e != nil {
		b.mu.Unlock()
		return e, false
	}
	turn := make(chan struct{})
	b.queue = append(b.queue, turn)
	b.mu.Unlock()
	select {
	case <-turn:
		return nil, false
	case <-ctx.Done():
	}
	b.mu.Lock()
	i := slices.Index(b.queue, turn)
	if i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	}
	b.mu.Unlock()
	if i < 0 { // its turn came at the same moment
		b.next()
	}
	return ended(ctx), false
}

// next lets the next of the queue to its head.
func (b *bucket) next() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.busy, b.queue = false, nil
		return
	}
	close(b.queue[0])
	b.queue = b.queue[1:]
}

// estimate is how long a call will wait that stands at the end of the queue; b.mu is held.
func (b *bucket) estimate() time.Duration {
	tokens := b.limiter.Tokens()
	missing := float64(len(b.queue)+1) - tokens
	if tokens >= 0 {
		missing++ // the head of the queue has not reserved yet
	}
	wait := max(time.Until(b.paused), 0)
	if limit := b.limiter.Limit(); missing > 0 && limit > 0 {
		wait += time.Duration(missing / float64(limit) * float64(time.Second))
	}
	return wait
}

func (b *bucket) pausedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused
}

// pause lets nothing through for d. A longer pause that has begun before stays. It reports
// whether the bucket still counts.
func (b *bucket) pause(d time.Duration) (gone bool) {
	until := time.Now().Add(d)
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.paused) {
		b.paused = until
	}
	return b.gone
}

// letGo makes the bucket count no longer when a new one would do the same: it is full, it
// has no pause, and nobody waits.
func (b *bucket) letGo(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.limiter.TokensAt(now) >= float64(b.limiter.Burst())
	b.gone = b.gone || full && !b.busy && b.paused.Before(now)
	return b.gone
}
