package httpx

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

// Limit is a vendor's limit of calls of one class. Rate and burst together stay
// below it: within a window at most burst plus rate times the window goes out.
type Limit struct {
	Rate  rate.Limit // calls a second
	Burst int
}

// Single is one limit for all calls, named "all", of n calls a second.
func Single(n float64) Limits {
	return Limits{
		ByClass: map[string]Limit{"all": {Rate: rate.Limit(n), Burst: 1}},
		Class:   func(*rest.Call) string { return "all" },
	}
}

// PerHour is a rate of n calls an hour.
func PerHour(n float64) rate.Limit { return rate.Limit(n / 3600) }

// Limits are the limits of an account: by class, and which class a call is of.
type Limits struct {
	ByClass map[string]Limit
	Class   func(call *rest.Call) string
	// Left reads how many calls the vendor says are left and for how long; ok
	// is false when it does not say.
	Left func(a *Answer) (left int64, reset time.Duration, ok bool)
}

// buckets are shared by all clients of the same account in the process: a limit
// is the account's, and so is a pause.
var buckets sync.Map // bucketKey -> *bucket

type bucketKey struct {
	base, class string
	identity    [sha256.Size]byte
	limit       Limit
}

// bucket lets calls of one class through at the account's rate, and not at all
// while the vendor has said to wait.
type bucket struct {
	limiter *rate.Limiter
	mu      sync.Mutex
	paused  time.Time
}

func identityOf(parts ...string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}

// newLimiters returns the buckets by class, from the vendor's limits and the
// account's own. At a fake on loopback the vendor's limits mean nothing, so only
// the account's own count there.
func newLimiters(base string, cfg Config) (map[string]*bucket, error) {
	limits := map[string]Limit{}
	if !loopbackURL(base) {
		limits = maps.Clone(cfg.Limits.ByClass)
	}
	for _, class := range slices.Sorted(maps.Keys(cfg.Section.RateLimits)) {
		if _, ok := cfg.Limits.ByClass[class]; !ok {
			return nil, configError("rate_limits."+class, fmt.Errorf("no calls are counted under this name; known: %s", strings.Join(slices.Sorted(maps.Keys(cfg.Limits.ByClass)), ", ")))
		}
		l, err := ParseLimit(cfg.Section.RateLimits[class])
		if err != nil {
			return nil, configError("rate_limits."+class, err)
		}
		limits[class] = l
	}
	out := make(map[string]*bucket, len(limits))
	for class, l := range limits {
		key := bucketKey{base, class, cfg.Auth.identity, l}
		b, ok := buckets.Load(key)
		if !ok {
			b, _ = buckets.LoadOrStore(key, &bucket{limiter: rate.NewLimiter(l.Rate, l.Burst)})
		}
		out[class] = b.(*bucket)
	}
	return out, nil
}

// ParseLimit reads a limit as the configuration writes it: "10/s", "300/m",
// "100/h". A tenth of it, at least one call, may go out at once.
func ParseLimit(text string) (Limit, error) {
	count, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(count, 64)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || n <= 0 || n > 1e6 || seconds == 0 {
		return Limit{}, fmt.Errorf("expected a number of calls and a unit like 10/s, 300/m or 100/h")
	}
	burst := max(1, int(n/10))
	return Limit{Rate: rate.Limit((n - float64(burst-1)) / seconds), Burst: burst}, nil
}

// wait waits until the call may go out. It does not wait for what would not be
// in time: the error then says how long it would have taken.
func (b *bucket) wait(ctx context.Context) (time.Duration, *provider.Error) {
	start := time.Now()
	if b.until().Before(start) && b.limiter.AllowN(start, 1) {
		return 0, nil // by far the commonest
	}
	for {
		if pause := time.Until(b.until()); pause > 0 {
			if e := sleep(ctx, pause); e != nil {
				return time.Since(start), e
			}
			continue
		}
		r := b.limiter.Reserve()
		if delay := r.Delay(); delay > 0 {
			if e := sleep(ctx, delay); e != nil {
				r.Cancel()
				return time.Since(start), e
			}
			if time.Until(b.until()) > 0 {
				continue // a pause has begun meanwhile; all line up again after it
			}
		}
		return time.Since(start), nil
	}
}

func (b *bucket) until() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused
}

// sleep waits for d. It gives up at once when the context ends before.
func sleep(ctx context.Context, d time.Duration) *provider.Error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return &provider.Error{Kind: provider.ErrRateLimited, RetryAfter: d, Message: "the next call is allowed only after the deadline"}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return &provider.Error{Kind: provider.ErrCanceled, Message: ctx.Err().Error(), Err: ctx.Err()}
	case <-timer.C:
		return nil
	}
}

// pause lets nothing through for d. A longer pause that runs already stays.
func (b *bucket) pause(d time.Duration) {
	until := time.Now().Add(min(d, maxHint))
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.paused) {
		b.paused = until
	}
}

// admit waits for the limit of the call's class.
func (c *Chain) admit(ctx context.Context, call *rest.Call) (time.Duration, *failure) {
	b := c.bucketOf(call)
	if b == nil {
		return 0, nil
	}
	waited, e := b.wait(ctx)
	if e == nil {
		return waited, nil
	}
	class := outcome.Busy
	if e.Kind == provider.ErrCanceled {
		class = outcome.Canceled
	}
	return waited, &failure{class, e}
}

func (c *Chain) bucketOf(call *rest.Call) *bucket {
	if len(c.buckets) == 0 {
		return nil
	}
	return c.buckets[c.cfg.Limits.Class(call)]
}

// heed obeys what an answer says about the limit: nothing left, or too many.
func (c *Chain) heed(call *rest.Call, a *Answer, f *failure) {
	b := c.bucketOf(call)
	if b == nil || a == nil {
		return
	}
	if c.cfg.Limits.Left != nil {
		if left, reset, ok := c.cfg.Limits.Left(a); ok && left == 0 && reset > 0 {
			b.pause(reset)
		}
	}
	if f != nil && f.class == outcome.Throttled && f.err.RetryAfter > 0 {
		b.pause(f.err.RetryAfter)
	}
}
