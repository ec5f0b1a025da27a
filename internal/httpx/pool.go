package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/provider"
)

// process has the buckets of all clients in the process: a limit is the account's, and so
// is a pause.
var process = newPool()

// pool has the buckets of the limits that are in use. It is the limiter of one process.
type pool struct {
	mu      sync.Mutex
	buckets map[provider.Slot]*bucket
	most    int          // as many buckets are swept
	again   atomic.Int64 // or at this time, in nanoseconds of Unix
}

var _ provider.Limiter = (*pool)(nil)

// Buckets that would do the same as new ones are let go once a minute by whoever comes
// then, and earlier when their number has doubled. So a program that has one account for
// each of its customers keeps those of the last minute, and pays for a sweep as often as it
// makes as many buckets.
const (
	sweepEvery = time.Minute
	leastSwept = 1024
)

func newPool() *pool {
	return &pool{buckets: make(map[provider.Slot]*bucket), most: leastSwept}
}

// bucket returns the bucket that counts for s.
func (p *pool) bucket(s provider.Slot) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[s]
	if b == nil {
		if len(p.buckets) >= p.most {
			p.sweep(time.Now())
		}
		b = newBucket(Limit{Rate: rate.Limit(s.PerSecond), Burst: s.Burst})
		p.buckets[s] = b
	}
	return b
}

// tidy sweeps when it is time to.
func (p *pool) tidy(now time.Time) {
	again := p.again.Load()
	if now.UnixNano() < again || !p.again.CompareAndSwap(again, now.Add(sweepEvery).UnixNano()) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
}

// sweep lets go what need not be kept. A map does not shrink, so a new one takes its
// place when most has gone. p.mu is held.
func (p *pool) sweep(now time.Time) {
	before := len(p.buckets)
	for s, b := range p.buckets {
		if b.letGo(now) {
			delete(p.buckets, s)
		}
	}
	if kept := p.buckets; len(kept) < before/4 {
		p.buckets = make(map[provider.Slot]*bucket, len(kept))
		for s, b := range kept {
			p.buckets[s] = b
		}
	}
	p.most = max(2*len(p.buckets), leastSwept)
}

// Acquire implements provider.Limiter.
func (p *pool) Acquire(ctx context.Context, s provider.Slot, n int) error {
	if n < 1 || n > s.Burst {
		return provider.Invalid("", "expected 1 to %d calls at once, got %d", s.Burst, n)
	}
	g := gate{pool: p, slot: s}
	if _, e := g.wait(ctx, n); e != nil {
		return e
	}
	return nil
}

// Pause implements provider.Limiter.
func (p *pool) Pause(_ context.Context, s provider.Slot, d time.Duration) error {
	(&gate{pool: p, slot: s}).pause(d)
	return nil
}

// gate is a client's way to the bucket of one of its limits.
type gate struct {
	pool *pool
	slot provider.Slot
	last atomic.Pointer[bucket] // the one that counted last
}

// gatesOf returns the gates of the account with this identity at base, by class.
func gatesOf(p *pool, base string, identity [sha256.Size]byte, limits map[string]Limit) map[string]*gate {
	if len(limits) == 0 {
		return nil
	}
	key := slotKey(base, identity)
	out := make(map[string]*gate, len(limits))
	for class, l := range limits {
		out[class] = &gate{pool: p, slot: provider.Slot{
			Key: key, Class: class, PerSecond: float64(l.Rate), Burst: l.Burst,
		}}
	}
	return out
}

// slotKey is the Key of the slots of an account. Half of a digest is enough to tell
// accounts apart.
func slotKey(base string, identity [sha256.Size]byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "postmux limit\x00%s\x00%s", strings.ToLower(base), identity[:]))
	return hex.EncodeToString(sum[:16])
}

// wait waits until n calls may go out and returns for how long it did.
func (g *gate) wait(ctx context.Context, n int) (time.Duration, *provider.Error) {
	var start time.Time
	for b := g.last.Load(); ; b = g.fresh() {
		if b == nil {
			continue
		}
		now, taken, gone := b.take(n)
		if start.IsZero() {
			start = now
			g.pool.tidy(now)
		}
		if taken {
			return 0, nil // the usual case
		}
		if gone {
			continue
		}
		if e, gone := b.wait(ctx, n); !gone {
			return time.Since(start), e
		}
	}
}

// pause lets nothing through for d.
func (g *gate) pause(d time.Duration) {
	b := g.last.Load()
	for b == nil || b.pause(d) {
		b = g.fresh()
	}
}

// fresh returns the bucket that counts now.
func (g *gate) fresh() *bucket {
	b := g.pool.bucket(g.slot)
	g.last.Store(b)
	return b
}
