package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// OnStoreDown is what a Limiter does while its database does not answer.
type OnStoreDown string

// What a Limiter does then.
const (
	// DownShare lets each process keep the limit for itself: several may exceed it together,
	// and the provider answers 429. It is the default.
	DownShare OnStoreDown = "share"
	// DownRefuse keeps calls back: nothing is sent, and ErrRateLimited says when to try again.
	DownRefuse OnStoreDown = "refuse"
)

// LimiterOptions are how a Limiter works; the zero value is the default.
type LimiterOptions struct {
	OnStoreDown OnStoreDown
}

// Limiter returns a provider.Limiter on the Store, for provider.WithLimiter: all who use the
// same tables share the limits of an account, on any number of hosts, with a Box or without.
// It asks the database only while calls wait, and waits at most a second for an answer.
//
// A pause holds for all. Calls of other hosts that have their turn already, of the next fifth
// of a second, still leave.
func (s *Store) Limiter(o LimiterOptions) provider.Limiter {
	return &limiter{s: s, o: o, gates: make(map[provider.Slot]*gate), pauses: make(map[limitName]time.Time)}
}

const (
	// limitPiece is the time for which a process takes turns in one statement, and how long
	// before they begin.
	limitPiece = 100 * time.Millisecond
	// limitAnswer bounds the answers of the database, and for how long it is not asked again
	// after it gave none.
	limitAnswer = time.Second
	// limitLook is the longest time for which a waiting process does not look at the row.
	limitLook = 5 * time.Second
	// limitGrace is how late a call may leave that has its turn: processes wake up late.
	limitGrace = 20 * time.Millisecond
)

// limiter keeps limits as GCRA does: the row of a limit has the time of the next free turn,
// and turns are 1/PerSecond apart. A call leaves between the time of its turn and (Burst-1)
// turns later; who is later than that takes another turn. So in any time T at most
// Burst + PerSecond·T calls leave.
type limiter struct {
	s *Store
	o LimiterOptions

	mu     sync.Mutex
	gates  map[provider.Slot]*gate // those with calls that wait
	pauses map[limitName]time.Time // of this process, for calls that have their turn
	down   error                   // why the database gave no answer
	again  time.Time               // when it is asked again
}

type limitName struct{ key, class string }

// gate is the queue of a limit in this process. One goroutine takes turns for it while calls
// wait.
type gate struct {
	queue []*caller
	free  time.Time     // no turn is free before
	empty chan struct{} // the queue has become empty
}

// caller is an Acquire that waits for its turn.
type caller struct {
	n        int
	deadline time.Time // zero: none
	answer   chan turn
}

// turn is when n calls may leave.
type turn struct {
	from, until time.Time
	end         float64 // the value of the row after it, if nobody took a turn after it, else 0
	err         error
}

// Acquire implements provider.Limiter.
func (l *limiter) Acquire(ctx context.Context, s provider.Slot, n int) error {
	switch l.o.OnStoreDown {
	case "", DownShare, DownRefuse:
	default:
		return configError("on_store_down", "expected %s or %s, got %q", DownShare, DownRefuse, text.Clip(string(l.o.OnStoreDown)))
	}
	if n < 1 || n > s.Burst || !(s.PerSecond > 0) {
		return refusal("", "expected 1 to %d calls at once of a rate above 0, got %d of %g", s.Burst, n, s.PerSecond)
	}
	deadline, _ := ctx.Deadline()
	c := &caller{n: n, deadline: deadline, answer: make(chan turn, 1)}
	for first := true; ; first = false {
		if err := l.waitForPause(ctx, s); err != nil {
			return err
		}
		if err := l.lineUp(s, c, first); err != nil {
			return err
		}
		var t turn
		select {
		case t = <-c.answer:
		case <-ctx.Done():
			l.leave(s, c)
			return ctx.Err()
		}
		if t.err != nil {
			return t.err
		}
		if err := sleep(ctx, time.Until(t.from)); err != nil {
			l.giveBack(s, t, c.n)
			return err
		}
		if time.Now().Before(t.until) && !l.pausedUntil(s).After(time.Now()) {
			return nil
		}
	}
}

// Pause implements provider.Limiter.
func (l *limiter) Pause(ctx context.Context, s provider.Slot, d time.Duration) error {
	now, name := time.Now(), limitName{s.Key, s.Class}
	l.mu.Lock()
	for other, until := range l.pauses {
		if !until.After(now) {
			delete(l.pauses, other)
		}
	}
	if until := now.Add(d); until.After(l.pauses[name]) {
		l.pauses[name] = until
	}
	l.mu.Unlock()
	_, err := bounded(ctx, func(ctx context.Context) (int64, error) {
		return l.s.exec(ctx, l.s.own(), `
			insert into {limit} as l (bucket, class, next) values ({1}, {2}, {now} + cast({3} as double precision))
			on conflict (bucket, class) do update set next = excluded.next where l.next < excluded.next`,
			s.Key, s.Class, micro(d))
	})
	return err
}

func (l *limiter) pausedUntil(s provider.Slot) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pauses[limitName{s.Key, s.Class}]
}

// waitForPause waits for the end of a pause of this process.
func (l *limiter) waitForPause(ctx context.Context, s provider.Slot) error {
	for {
		wait := time.Until(l.pausedUntil(s))
		if wait <= 0 {
			return ctx.Err()
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return limitTooLong(wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func limitTooLong(wait time.Duration) error {
	return &provider.Error{
		Kind: provider.ErrRateLimited, Provider: driverName, Outcome: provider.OutcomeNotSent, RetryAfter: wait,
		Message: "the shared limit has no room before the deadline",
	}
}

// lineUp puts a call into the queue of its limit: at the end, or at the head when it was late
// for its turn.
func (l *limiter) lineUp(s provider.Slot, c *caller, atEnd bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil && time.Now().Before(l.again) {
		return l.away(l.down)
	}
	g := l.gates[s]
	if g == nil {
		g = &gate{empty: make(chan struct{}, 1)}
		l.gates[s] = g
		defer func() { go l.serve(s, g) }()
	}
	if !atEnd {
		g.queue = slices.Insert(g.queue, 0, c)
		return nil
	}
	before := 0
	for _, other := range g.queue {
		before += other.n
	}
	if wait := g.missing(s, before, c); wait > 0 {
		return limitTooLong(wait)
	}
	g.queue = append(g.queue, c)
	return nil
}

// missing is how long a call will wait behind a number of others, if that is beyond its
// deadline, else 0. It is the least time: other processes may take turns before it.
func (g *gate) missing(s provider.Slot, before int, c *caller) time.Duration {
	if c.deadline.IsZero() {
		return 0
	}
	at := g.free.Add(perSecond(s, before+c.n-1))
	if !at.After(c.deadline) {
		return 0
	}
	return max(time.Until(at), 1)
}

// leave takes a call out of the queue that gives up.
func (l *limiter) leave(s provider.Slot, c *caller) {
	l.mu.Lock()
	if g := l.gates[s]; g != nil {
		if i := slices.Index(g.queue, c); i >= 0 {
			if g.queue = slices.Delete(g.queue, i, i+1); len(g.queue) == 0 {
				g.stop()
			}
		}
	}
	l.mu.Unlock()
	select {
	case t := <-c.answer: // its turn came at the same moment
		if t.err == nil {
			l.giveBack(s, t, c.n)
		}
	default:
	}
}

func (g *gate) stop() {
	select {
	case g.empty <- struct{}{}:
	default:
	}
}

// away is the error of calls while the database gives no answer.
func (l *limiter) away(why error) error {
	if l.o.OnStoreDown == DownRefuse {
		return &provider.Error{
			Kind: provider.ErrRateLimited, Provider: driverName, Outcome: provider.OutcomeNotSent, RetryAfter: limitAnswer,
			Message: "the shared limit cannot be asked: " + why.Error(), Err: why,
		}
	}
	return fmt.Errorf("the shared limit cannot be asked: %w", why)
}

// The size of a limit in time.

// perSecond is how long n calls take.
func perSecond(s provider.Slot, n int) time.Duration {
	return time.Duration(min(float64(n)/s.PerSecond*float64(time.Second), float64(1<<62)))
}

// credit is how far behind the clock the next free turn may be: what is left of the burst, or
// the little by which processes wake up late, so that the time is not lost.
func credit(s provider.Slot) time.Duration {
	return max(perSecond(s, s.Burst-1), min(limitGrace, perSecond(s, 1)/2))
}

// grace is how late a call may be for its turn when its limit has no burst.
func grace(s provider.Slot) time.Duration {
	return min(max(limitGrace, perSecond(s, 1)/10), time.Second)
}

// piece is how many turns are taken at once, and how long before they begin. Of a slow limit
// single turns are taken when they have come, so that a call that gives up wastes none.
func piece(s provider.Slot) (int, time.Duration) {
	if n := int(s.PerSecond * limitPiece.Seconds()); n > 1 {
		return n, limitPiece
	}
	return 1, 0
}

// serve takes turns for the calls of a gate until none waits.
func (l *limiter) serve(s provider.Slot, g *gate) {
	_, ahead := piece(s)
	for lost := 0; ; lost++ {
		n := l.wanted(s, g)
		if n == 0 {
			return
		}
		// Processes that lose look again at different times, the rarer the more there are.
		spread := max(ahead/2, min(perSecond(s, 1)/100, limitPiece/2))
		wait := time.Until(g.free.Add(-ahead))
		if lost > 0 {
			wait = max(wait, 0) + rand.N(spread*time.Duration(min(lost, 20))+1) //nolint:gosec // no secret
		}
		if wait > 0 {
			timer := time.NewTimer(min(wait, limitLook))
			select {
			case <-timer.C:
			case <-g.empty:
				timer.Stop()
				continue
			}
			if n = l.wanted(s, g); n == 0 {
				return
			}
		}
		got, err := l.take(s, n)
		if err != nil {
			l.fail(g, err)
			continue
		}
		if got.taken {
			lost = -1
		}
		l.deal(s, g, got, n)
	}
}

// wanted is how many turns are taken next: for calls that wait, of one piece. When none waits
// the gate is closed.
func (l *limiter) wanted(s provider.Slot, g *gate) int {
	most, _ := piece(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(g.queue) == 0 {
		delete(l.gates, s)
		return 0
	}
	n := 0
	for _, c := range g.queue {
		if n > 0 && n+c.n > most {
			break
		}
		n += c.n
	}
	return n
}

// fail answers all calls of a gate: the database gave no answer.
func (l *limiter) fail(g *gate, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.again = err, time.Now().Add(limitAnswer)
	for _, c := range g.queue {
		c.answer <- turn{err: l.away(err)}
	}
	g.queue = nil
}

// taking is the answer of the database.
type taking struct {
	taken bool
	next  float64   // when the next turn is free, in microseconds of the database's clock
	local time.Time // the same by this host's clock
}

// take takes n turns of a limit if the first of them begins soon.
func (l *limiter) take(s provider.Slot, n int) (taking, error) {
	_, ahead := piece(s)
	args := []any{s.Key, s.Class, micro(perSecond(s, n)), micro(credit(s)), micro(ahead)}
	return bounded(context.Background(), func(ctx context.Context) (got taking, err error) {
		var now int64
		got.taken, err = l.s.one(ctx, l.s.own(), `update {limit} as l
			set next = case when l.next < {now} - cast({4} as double precision) then {now} - cast({4} as double precision)
				else l.next end + cast({3} as double precision){hasty}
			where l.bucket = {1} and l.class = {2} and l.next <= {now} + cast({5} as double precision)
			returning next, {now}`, args, &got.next, &now)
		for found := got.taken; err == nil && !found; {
			found, err = l.s.one(ctx, l.s.own(), "select next, {now} from {limit} where bucket = {1} and class = {2}",
				args[:2], &got.next, &now)
			if err == nil && !found {
				_, err = l.s.exec(ctx, l.s.own(), `insert into {limit} (bucket, class, next) values ({1}, {2}, 0)
					on conflict (bucket, class) do nothing`, args[:2]...)
			}
		}
		received := time.Now()
		if l.s.d.now == "" {
			now = l.s.clock().UnixMicro() // the statement may have waited for its lock
		}
		got.local = received.Add(time.Duration((got.next - float64(now)) * float64(time.Microsecond)))
		return got, err
	})
}

// micro is a duration as the database has it.
func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// deal gives the turns that were taken to the calls at the head of the queue, and refuses
// those that would wait beyond their deadline.
func (l *limiter) deal(s provider.Slot, g *gate, got taking, n int) {
	received := time.Now()
	l.mu.Lock()
	l.down, g.free = nil, got.local
	if !got.taken {
		kept, before := g.queue[:0], 0
		for _, c := range g.queue {
			if wait := g.missing(s, before, c); wait > 0 {
				c.answer <- turn{err: limitTooLong(wait)}
				continue
			}
			kept, before = append(kept, c), before+c.n
		}
		clear(g.queue[len(kept):])
		g.queue = kept
		l.mu.Unlock()
		return
	}
	first := got.local.Add(-perSecond(s, n))
	for n > 0 && len(g.queue) > 0 && g.queue[0].n <= n {
		c := g.queue[0]
		g.queue[0], g.queue = nil, g.queue[1:]
		last := first.Add(perSecond(s, c.n-1))
		t := turn{from: last, until: later(first.Add(credit(s)), later(last, received).Add(grace(s)))}
		if n -= c.n; n == 0 {
			t.end = got.next
		}
		first = first.Add(perSecond(s, c.n))
		c.answer <- t
	}
	l.mu.Unlock()
	if n > 0 { // calls gave up meanwhile
		l.giveBack(s, turn{end: got.next}, n)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// giveBack gives n turns back that nobody uses, unless others were taken after them: then no
// more than a piece is lost.
func (l *limiter) giveBack(s provider.Slot, t turn, n int) {
	if t.end == 0 {
		return
	}
	// An error loses the turns.
	_, _ = bounded(context.Background(), func(ctx context.Context) (int64, error) {
		return l.s.exec(ctx, l.s.own(), "update {limit} set next = next - {3} where bucket = {1} and class = {2} and next = {4}",
			s.Key, s.Class, micro(perSecond(s, n)), t.end)
	})
}

// errNoAnswer says that the database took too long.
var errNoAnswer = errors.New("the database gave no answer within " + limitAnswer.String())

// bounded runs f, which asks the database, and does not wait for longer than limitAnswer.
// Some drivers wait for a lock beyond the end of a context.
func bounded[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limitAnswer, errNoAnswer)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := f(ctx)
		done <- answer{value, err}
	}()
	var a answer
	select {
	case a = <-done:
		if a.err == nil {
			return a.value, nil
		}
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	if ctx.Err() != nil {
		a.err = context.Cause(ctx)
	}
	return a.value, a.err
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
