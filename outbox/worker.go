package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// worker is this process as the database sees it: a sign of life, and the messages it has.
type worker struct {
	box *Box
	id  string

	// calls is the context of requests under way; interrupt ends it.
	calls     context.Context
	interrupt context.CancelFunc
	// quit ends everything, also what waits for a database that is away.
	quit     context.Context
	giveUp   context.CancelFunc
	renewed  atomic.Int64 // when the sign of life was last stored, by the monotonic clock since born
	offset   atomic.Int64 // of the database's clock from this host's, in microseconds
	born     time.Time
	journal  *journal
	underWay sync.WaitGroup // tries
	claiming sync.RWMutex   // held by claims; whole, by what looks for lost ones
	hand     hand
	beats    sync.WaitGroup // the goroutines of the sign of life, the sweep and the look-ups
	stopBeat context.CancelFunc
	stopping atomic.Bool // no further try begins
	once     sync.Once
	failed   error // of stop
}

// working returns the worker with which Process works, and starts it the first time. The
// caller calls underWay.Done.
func (b *Box) working(ctx context.Context) (*worker, error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	if b.work == nil {
		w, err := b.newWorker(ctx)
		if err != nil {
			return nil, err
		}
		b.work = w
	}
	b.work.underWay.Add(1)
	return b.work, nil
}

// newWorker starts a worker.
func (b *Box) newWorker(ctx context.Context) (*worker, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	w := &worker{box: b, id: id, born: time.Now()}
	w.hand.has = make(map[*claimed]bool)
	w.quit, w.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	w.calls, w.interrupt = context.WithCancel(w.quit)
	if err := w.beat(ctx); err != nil {
		return nil, b.store.storeError("start of a worker", err)
	}
	w.journal = newJournal(w)
	go w.journal.run(w.quit)
	beating, stop := context.WithCancel(w.quit)
	w.stopBeat = stop
	w.beats.Go(func() { w.live(beating) })
	w.beats.Go(func() { w.lookUps(beating) })
	return w, nil
}

// beat stores the sign of life.
func (w *worker) beat(ctx context.Context) error {
	s, lease := w.box.store, w.box.cfg.Lease.Microseconds()
	start := time.Now()
	var seen int64
	_, err := s.one(ctx, s.own(), `
		insert into {worker} (id, host, started, seen, expires) values ({1}, {2}, {now}, {now}, {now} + {3})
		on conflict (id) do update set seen = {now}, expires = {now} + {3} returning seen`,
		[]any{w.id, hostName(), lease}, &seen)
	if err != nil {
		return err
	}
	// From before the request: what is said of the database's clock is not too late.
	w.renewed.Store(int64(start.Sub(w.born)))
	w.offset.Store(seen - start.UnixMicro())
	return nil
}

// alive reports whether the lease runs for a while yet: two thirds of it.
func (w *worker) alive() bool {
	return time.Since(w.born)-time.Duration(w.renewed.Load()) < w.box.cfg.Lease*2/3
}

// now is about the time of the database.
func (w *worker) now() time.Time {
	return time.Now().Add(time.Duration(w.offset.Load()) * time.Microsecond).UTC()
}

// local is a time of the database by this host's clock.
func (w *worker) local(t time.Time) time.Time {
	return t.Add(-time.Duration(w.offset.Load()) * time.Microsecond)
}

// live keeps the sign of life and takes up what dead workers left, each quarter of a lease.
func (w *worker) live(ctx context.Context) {
	tick := time.NewTicker(w.box.cfg.Lease / 4)
	defer tick.Stop()
	for {
		// Bounded, so that a database that hangs does not stop the next beat.
		bounded, cancel := context.WithTimeout(ctx, w.box.cfg.Lease/2)
		err := w.beat(bounded)
		if err == nil {
			err = w.box.sweep(bounded)
		}
		if err == nil {
			err = w.reclaim(bounded)
		}
		cancel()
		if err != nil {
			w.storeError(ctx, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) storeError(ctx context.Context, err error) { w.box.storeError(ctx, err) }

// stop ends the worker: it waits for the calls under way, interrupts them when they take
// too long, stores what became of them, and gives back what was not begun.
func (w *worker) stop() error {
	w.once.Do(func() {
		done := make(chan struct{})
		go func() {
			w.underWay.Wait()
			close(done)
		}()
		patience := time.NewTimer(w.box.cfg.StopWithin)
		defer patience.Stop()
		select {
		case <-done:
		case <-patience.C:
			w.cut(done)
		case <-w.box.hurried:
			w.cut(done)
		}
		w.stopBeat()
		w.beats.Wait()
		close(w.journal.input)
		<-w.journal.ended
		w.failed = w.leave()
		w.giveUp()
		w.interrupt()
	})
	return w.failed
}

// cut interrupts the calls under way, until done is closed.
func (w *worker) cut(done <-chan struct{}) {
	w.interrupt()
	hurry := time.NewTimer(max(w.box.cfg.StopWithin, 5*time.Second))
	defer hurry.Stop()
	select {
	case <-done:
	case <-hurry.C: // the database is away: results stay in memory no longer
		w.giveUp()
		<-done
	}
}

// leave gives back what this worker has not begun and takes its sign of life away.
func (w *worker) leave() error {
	ctx, cancel := context.WithTimeout(w.quit, 10*time.Second)
	defer cancel()
	s := w.box.store
	err := s.in(ctx, func(x Execer) error {
		if _, err := s.exec(ctx, x, `update {message} set state = 'queued', worker = null, changed = {now}
			where worker = {1} and state in ('leased', 'sending') and state = 'leased'`, w.id); err != nil {
			return err
		}
		// What is still sending is for the sweep of another: its outcome was not stored.
		_, err := s.exec(ctx, x, "delete from {worker} where id = {1}", w.id)
		return err
	})
	if err != nil {
		return s.storeError("end of a worker", err)
	}
	return nil
}

// Run sends messages until ctx ends. Then it takes no more, waits up to Config.StopWithin
// for the calls under way, stores their results and returns nil. A database that is away is
// asked again until it is back. Several Runs, in this process or on other hosts, share the
// work.
func (b *Box) Run(ctx context.Context) error {
	w, err := b.newWorker(ctx)
	if err != nil {
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
