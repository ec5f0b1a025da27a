package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
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
