package outbox

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Run sends messages until ctx ends. Then it takes no more, waits up to Config.StopWithin
// for the calls under way, stores their results and returns nil. A database that is away is
// asked again until it is back. Several Runs, in this process or on other hosts, share the
// work.
func (b *Box) Run(ctx context.Context) error {
	w, err := b.newWorker(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil //nolint:nilerr // it ended before anything began
	case err != nil:
		return err
	}
	r := &running{
		worker: w, lanes: make(map[string]*lane), freed: make(chan struct{}, 1), told: make(map[string]time.Time),
	}
	r.loop(ctx)
	r.drop()
	return w.stop()
}

// Hurry interrupts the calls of Runs whose context has ended, as Config.StopWithin does
// later: for a person who asks a second time. Calls of other Runs go on. Unknown is what a
// provider without keys was just asked to send.
func (b *Box) Hurry() { b.hurry.Do(func() { close(b.hurried) }) }

// Drain is Run until no message is due and none is under way, for programs that are started
// now and then. Messages that wait for their time or whose account is held are left.
func (b *Box) Drain(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-look.C:
			if idle, err := b.store.idle(ctx); err == nil && idle { // Run tells that the database is away
				stop()
			}
		}
	}
}

// drainLook is how often Drain looks whether it is done.
const drainLook = 100 * time.Millisecond

// idle reports whether nothing is due and nothing is under way.
func (s *Store) idle(ctx context.Context) (bool, error) {
	var busy int
	_, err := s.one(ctx, s.own(), `select case when exists (
			select 1 from {message} m where m.state = 'queued' and m.run_at <= {now} and `+notHeld+`
		) or exists (select 1 from {message} m where m.state in ('leased', 'sending')) then 1 else 0 end`, nil, &busy)
	return busy == 0, err
}

// running is a Run: a lane for each account with messages.
type running struct {
	*worker
	lanes map[string]*lane
	freed chan struct{} // a lane has room again
	told  map[string]time.Time
}

// lane is the messages of an account that this worker has, and those that are sent.
type lane struct {
	account string
	queue   chan *claimed
	senders int
	busy    atomic.Int64
}

// Bounds of the loop that takes messages.
const (
	claimMost = 128
	batchMost = 1000
	idle      = time.Second // how long new messages of other hosts may wait
)

// loop takes messages for its lanes until ctx ends.
func (r *running) loop(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		case <-r.box.woken:
		case <-r.freed:
		}
		next := idle
		if r.alive() {
			var err error
			if next, err = r.fill(ctx); err != nil && ctx.Err() == nil {
				r.storeError(ctx, err)
				next = idle
			}
		}
		wait.Reset(next)
	}
}

// fill takes due messages where a lane has room, and returns when to look again.
func (r *running) fill(ctx context.Context) (time.Duration, error) {
	next := idle
	queues, holds, err := r.box.store.queues(ctx)
	if err != nil {
		return next, err
	}
	for _, q := range queues {
		if q.wait > 0 {
			next = min(next, q.wait)
			continue
		}
		if !r.opens(ctx, q.account) {
			continue
		}
		l := r.lane(q.account)
		room := l.room()
		if room == 0 {
			continue
		}
		n, err := r.take(ctx, l, room, false)
		if err != nil {
			return next, err
		}
		if n == room {
			next = 0 // there may be more
		}
	}
	for _, h := range holds {
		switch {
		case h.Until.IsZero():
		case h.left > 0:
			next = min(next, h.left)
		case r.opens(ctx, h.Account):
			l := r.lane(h.Account)
			if l.busy.Load() > 0 || l.room() == 0 {
				continue
			}
			if mine, err := r.box.store.probe(ctx, h.Account); err != nil || !mine {
				if err != nil {
					return next, err
				}
				continue
			}
			if _, err := r.take(ctx, l, 1, true); err != nil {
				return next, err
			}
		}
	}
	return next, nil
}

// room is how many more messages the lane takes: none while it has enough for its senders.
func (l *lane) room() int {
	if len(l.queue) > cap(l.queue)/2 {
		return 0
	}
	return cap(l.queue) - len(l.queue)
}

func (r *running) take(ctx context.Context, l *lane, n int, probe bool) (int, error) {
	list, err := r.claim(ctx, claimDue, l.account, bodyFormat, n)
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		l.busy.Add(1)
		c.probe = probe
		l.queue <- c
	}
	return len(list), nil
}

// opens reports whether this process has an account; when not, it tells so once a minute.
func (r *running) opens(ctx context.Context, account string) bool {
	_, err := r.box.client(ctx, account)
	if err != nil && time.Since(r.told[account]) > time.Minute {
		r.told[account] = time.Now()
		r.box.cfg.Log.WarnContext(ctx, "outbox: messages wait for an account that this process cannot open",
			"account", account, "error", err.Error())
	}
	return err == nil
}

// lane returns the lane of an account, and starts it the first time.
func (r *running) lane(account string) *lane {
	if l := r.lanes[account]; l != nil {
		return l
	}
	l := &lane{account: account, senders: r.box.cfg.Senders}
	size := min(max(2*l.senders, 16), claimMost)
	work := r.send
	if client, err := r.box.client(r.quit, account); r.box.batches(account) && err == nil && takesMany(client) {
		l.senders, size, work = 1, 2*batchMost, r.sendTogether
	}
	l.queue = make(chan *claimed, size)
	r.lanes[account] = l
	for range l.senders {
		r.underWay.Go(func() { work(l) })
	}
	return l
}

// send sends the messages of a lane, one by one.
func (r *running) send(l *lane) {
	for c := range l.queue {
		if r.stopping.Load() || !r.alive() {
			r.giveBack(c)
		} else {
			r.box.try(r.calls, r.worker, c)
		}
		r.done(l)
	}
}

// takesMany reports whether the provider itself takes many messages in a call.
func takesMany(c *provider.Client) bool {
	switch c.Capabilities().Level(feature.MessageBatch) {
	case provider.LevelNative, provider.LevelLimited:
		return true
	}
	return false
}

func (r *running) done(l *lane) {
	l.busy.Add(-1)
	if len(l.queue) <= cap(l.queue)/2 {
		select {
		case r.freed <- struct{}{}:
		default:
		}
	}
}

// giveBack gives a message back that was not begun.
func (r *running) giveBack(c *claimed) {
	defer r.letGo(c)
	v := verdict{state: Queued, unclear: c.entry.Unclear, failures: c.entry.Failures}
	change, err := resultOf(c.entry, v, nil, nil)
	if err == nil {
		_, _ = r.journal.store(r.quit, change) // else the sweep gives it back
	}
}

// drop ends the lanes: what they have not begun is given back.
func (r *running) drop() {
	r.stopping.Store(true)
	for _, l := range r.lanes {
		close(l.queue)
	}
}
