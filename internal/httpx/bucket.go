package httpx

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/provider"
)

// buckets are shared by all clients of the same account in the process: a limit
// is the account's, and so is a pause.
var buckets sync.Map // bucketKey -> *bucket

type bucketKey struct {
	base, class string
	identity    [sha256.Size]byte
	limit       Limit
}

// bucket lets calls of one class through at the account's rate, and none at all
// during a pause that the vendor has asked for. Calls that must wait stand in a queue:
// only the first of them has a reservation, so one that gives up leaves no trace.
type bucket struct {
	limiter *rate.Limiter

	mu     sync.Mutex
	paused time.Time
	busy   bool            // somebody stands at the head of the queue
	queue  []chan struct{} // of those behind; closed when it is their turn
}

func newBucket(l Limit) *bucket {
	return &bucket{limiter: rate.NewLimiter(l.Rate, l.Burst)}
}

// bucketsOf returns the buckets of the account with this identity at base, by class.
func bucketsOf(base string, identity [sha256.Size]byte, limits map[string]Limit) map[string]*bucket {
	out := make(map[string]*bucket, len(limits))
	for class, l := range limits {
		key := bucketKey{base, class, identity, l}
		b, ok := buckets.Load(key)
		if !ok {
			b, _ = buckets.LoadOrStore(key, newBucket(l))
		}
		out[class] = b.(*bucket)
	}
	return out
}

// wait waits until the call may go out and returns for how long it did. When the
// call would have to wait beyond the deadline of ctx, wait returns at once: the
// error has the time that is missing.
func (b *bucket) wait(ctx context.Context) (time.Duration, *provider.Error) {
	start := time.Now()
	if b.free(start) && b.limiter.AllowN(start, 1) {
		return 0, nil // the usual case
	}
	if e := b.lineUp(ctx); e != nil {
		return time.Since(start), e
	}
	defer b.next()
	for {
		if pause := time.Until(b.pausedUntil()); pause > 0 {
			if e := sleep(ctx, pause); e != nil {
				return time.Since(start), e
			}
			continue
		}
		r := b.limiter.Reserve()
		if delay := r.Delay(); delay > 0 {
			if e := sleep(ctx, delay); e != nil {
				r.Cancel() // nobody has reserved after it, so all of it is given back
				return time.Since(start), e
			}
			if time.Until(b.pausedUntil()) > 0 {
				continue // a pause has begun meanwhile
			}
		}
		return time.Since(start), nil
	}
}

// lineUp waits until the call stands at the head of the queue, in the order in which
// calls came.
func (b *bucket) lineUp(ctx context.Context) *provider.Error {
	b.mu.Lock()
	if !b.busy {
		b.busy = true
		b.mu.Unlock()
		return nil
	}
	if e := beyondDeadline(ctx, b.estimate()); e != nil {
		b.mu.Unlock()
		return e
	}
	turn := make(chan struct{})
	b.queue = append(b.queue, turn)
	b.mu.Unlock()
	select {
	case <-turn:
		return nil
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
	return ended(ctx)
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

// free reports whether nobody waits and there is no pause.
func (b *bucket) free(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.busy && b.paused.Before(now)
}

func (b *bucket) pausedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused
}

// pause lets nothing through for d. A longer pause that has begun before stays.
func (b *bucket) pause(d time.Duration) {
	until := time.Now().Add(min(d, maxHint))
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.paused) {
		b.paused = until
	}
}
