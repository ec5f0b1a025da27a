package outbox

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

// Process takes one message now and sends it, and returns what became of it. It is the step
// that every dispatcher calls: the workers of Run, a job queue, a program of its own. Several
// may have the same id: one of them has the message, the others return it as it is.
//
// A message that is not due, whose account is held or that ended is not sent and returned as
// it is. Call Process again after Entry.NextAt while Entry.State is Queued; what is Unknown
// is settled by a worker or a person, and is never sent again by Process.
//
// The error is about the database, or that there is no such message; a message that its
// provider refuses is no error. The first Process of a Box starts its sign of life, as Start
// does, and Close ends it.
func (b *Box) Process(ctx context.Context, id string) (*Entry, error) {
	e, err := b.store.Get(ctx, id)
	if err != nil || e.State.Ended() || e.State == Unknown {
		return e, err
	}
	if _, err := b.client(ctx, e.Account); err != nil {
		return nil, err // this process does not have the account; another may
	}
	// Also for one that another worker has: who has died is swept by who lives.
	w, err := b.working(ctx)
	if err != nil {
		return nil, err
	}
	defer w.underWay.Done()
	if e.State != Queued {
		return e, nil
	}
	e, err = b.step(ctx, w, e, claimOne)
	if err != nil || e.State != Queued {
		return e, err
	}
	until, err := b.heldUntil(ctx, w, e)
	if err != nil || e.NextAt.After(w.now()) || until.IsZero() || until.After(w.now()) {
		return e.after(until), err
	}
	// It is time to try one message of the held account, and this is one.
	mine, err := b.store.probe(ctx, e.Account)
	if err != nil {
		return nil, b.store.storeError("process", err)
	}
	if mine {
		if e, err = b.step(ctx, w, e, claimProbe); err != nil || e.State != Queued {
			return e, err
		}
	}
	until, err = b.heldUntil(ctx, w, e)
	return e.after(until), err
}

// Start starts the sign of life of a Box whose dispatcher calls Process, as the first Process
// does. It also takes up what dead workers left, and looks up unknown outcomes, so a program
// that waits for its first message calls it. Close ends it. Run needs no Start.
func (b *Box) Start(ctx context.Context) error {
	w, err := b.working(ctx)
	if err != nil {
		return err
	}
	w.underWay.Done()
	return nil
}

// step sends the message of an entry if a claim takes it, and returns the entry after that.
func (b *Box) step(ctx context.Context, w *worker, e *Entry, claim string) (*Entry, error) {
	list, err := w.claim(ctx, claim, e.ID, bodyFormat)
	if err != nil {
		return nil, b.store.storeError("process", err)
	}
	for _, c := range list {
		c.probe = claim == claimProbe
		// A call that has begun ends as its own timeout says, or with the worker.
		b.try(w.calls, w, c)
	}
	return b.store.Get(ctx, e.ID)
}

// heldUntil returns until when the account of a message is held; the zero time when it is not.
func (b *Box) heldUntil(ctx context.Context, w *worker, e *Entry) (time.Time, error) {
	until, held, err := b.store.heldUntil(ctx, e.Account)
	switch {
	case err != nil:
		return time.Time{}, b.store.storeError("process", err)
	case held && until.IsZero():
		return w.now().Add(time.Minute), nil // a person releases it
	}
	return until, nil
}

// after returns the entry, which is not sent before t.
func (e *Entry) after(t time.Time) *Entry {
	if t.After(e.NextAt) {
		e.NextAt = t
	}
	return e
}

// try sends a claimed message and stores what became of it.
func (b *Box) try(ctx context.Context, w *worker, c *claimed) {
	defer w.letGo(c)
	t := trial{entry: c.entry}
	m, err := b.store.message(ctx, c)
	if err == nil {
		b.sendOne(ctx, w, c, m, &t)
	} else {
		t.err = b.store.storeError("read of a message", err)
	}
	t.now = w.now()
	b.conclude(ctx, w, c, m, t)
}

// conclude judges a trial, stores the result and waits for it.
func (b *Box) conclude(ctx context.Context, w *worker, c *claimed, m *provider.Message, t trial) {
	b.concluding(ctx, w, c, m, t)()
}

// concluding judges a trial and hands the result to the journal. The function returned waits
// until it is stored: the results of a call with many messages go into one transaction.
func (b *Box) concluding(ctx context.Context, w *worker, c *claimed, m *provider.Message, t trial) (stored func()) {
	v := judge(t)
	r := t.receipt
	if v.state == Unknown && (r == nil || r.Unsettled == nil) && m != nil {
		r = unknownReceipt(c.entry, m, t)
	}
	b.ended(c.entry, v)
	change, err := resultOf(c.entry, v, r, t.err)
	if err != nil {
		b.storeError(ctx, err)
		return func() {}
	}
	// The result is stored also when the calls are interrupted.
	wait := w.journal.post(w.quit, change)
	return func() {
		if a, err := wait(); err == nil && a.ok && b.cfg.Hooks.OnState != nil {
			b.cfg.Hooks.OnState(ctx, c.entry.ID, v.state)
		}
		b.noteTrial(ctx, c.entry.Account, v.trouble, t.err, c.probe)
	}
}

// unknownReceipt is the receipt with which a look-up finds a message.
func unknownReceipt(e *Entry, m *provider.Message, t trial) *provider.Receipt {
	r := m.Receipt("", provider.StateUnknown)
	r.Account, r.IdempotencyKey = e.Account, m.IdempotencyKey
	if e.Member != "" {
		r.Account = e.Member
	}
	first := e.FirstAt
	if first.IsZero() {
		first = t.now.Add(-time.Minute)
	}
	r.Unsettled = m.Trace(first, t.now)
	return r
}

// sendOne sends the message of a claim into t.
func (b *Box) sendOne(ctx context.Context, w *worker, c *claimed, m *provider.Message, t *trial) {
	client, err := b.client(ctx, c.entry.Account)
	if err != nil {
		t.err = notSentError(err)
		return
	}
	window := client.KeyWindow()
	if c.entry.Unclear {
		// Only the account that may have sent it knows the key.
		if member := c.entry.Member; member != "" && member != c.entry.Account {
			ctx = route.WithMember(ctx, member)
		}
		ctx = begun.NotAfter(ctx, w.local(c.entry.keyUntil))
		t.keyUntil = c.entry.keyUntil
	}
	t.keyed = window > 0
	out := b.outgoing(c.entry, m, window > 0)
	sending := begun.WithEach(ctx, func(account string) error {
		a, err := w.journal.store(ctx, &change{
			ID: c.entry.ID, Attempt: c.entry.Attempt, kind: intent, Member: account, Window: window.Microseconds(),
		})
		switch {
		case err != nil:
			return err
		case !a.ok || !w.alive():
			return errFenced
		}
		c.entry.Member, c.entry.FirstAt = account, a.firstAt
		if window > 0 {
			t.keyUntil = a.firstAt.Add(window)
		}
		b.tried(c.entry, t.keyUntil)
		return nil
	}, func() {
		_, _ = w.journal.store(w.quit, &change{ID: c.entry.ID, Attempt: c.entry.Attempt, kind: back})
	})
	t.receipt, t.err = client.Send(sending, out)
	t.err = notSentError(t.err)
}

// outgoing is the message as the account gets it: it is due, and has the key of the outbox
// where the provider knows keys.
func (b *Box) outgoing(e *Entry, m *provider.Message, keyed bool) *provider.Message {
	out := *m
	out.SendAt, out.IdempotencyKey = time.Time{}, ""
	if keyed {
		out.IdempotencyKey = e.ID
		if e.Resends > 0 { // a person had it sent again: it is to be another mail
			out.IdempotencyKey = fmt.Sprintf("%s-%d", e.ID, e.Resends)
		}
	}
	return &out
}

// notSentError takes care that an error that is not of package provider has no outcome of
// its own: it comes from before the send.
func notSentError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := asProviderError(err); ok {
		return e
	}
	return &provider.Error{Kind: provider.ErrInternal, Provider: driverName, Outcome: provider.OutcomeNotSent, Err: err}
}

// sendTogether sends the messages of a lane many in a call.
func (r *running) sendTogether(l *lane) {
	for c := range l.queue {
		list := []*claimed{c}
	more:
		for len(list) < batchMost {
			select {
			case next, ok := <-l.queue:
				if !ok {
					break more
				}
				list = append(list, next)
			default:
				break more
			}
		}
		if r.stopping.Load() || !r.alive() {
			for _, c := range list {
				r.giveBack(c)
			}
		} else {
			r.box.tryTogether(r.calls, r.worker, l.account, list)
		}
		for range list {
			r.done(l)
		}
	}
}

// tryTogether sends claimed messages of one account in as few calls as its provider allows,
// with one intent for each call. Such calls have no key.
func (b *Box) tryTogether(ctx context.Context, w *worker, account string, list []*claimed) {
	defer func() {
		for _, c := range list {
			w.letGo(c)
		}
	}()
	client, err := b.client(ctx, account)
	if err != nil {
		for _, c := range list {
			b.conclude(ctx, w, c, nil, trial{entry: c.entry, err: notSentError(err), now: w.now()})
		}
		return
	}
	messages := make([]*provider.Message, 0, len(list))
	var mine []*claimed // nil once reported
	for _, c := range list {
		m, err := b.store.message(ctx, c)
		if err == nil && !c.entry.Unclear {
			messages, mine = append(messages, b.outgoing(c.entry, m, false)), append(mine, c)
			continue
		}
		if err != nil {
			b.conclude(ctx, w, c, nil, trial{entry: c.entry, err: notSentError(err), now: w.now()})
		} else {
			b.try(ctx, w, c) // it has a key, of a time when the account's messages went alone
		}
	}
	claims := slices.Clone(mine)
	var stored []func()
	_, err = client.SendBatch(ctx, each(messages), func(r provider.BatchResult) error {
		c := mine[r.Index]
		mine[r.Index] = nil
		stored = append(stored, b.concluding(ctx, w, c, messages[r.Index], trial{
			entry: c.entry, receipt: r.Receipt, err: notSentError(r.Err), now: w.now(),
		}))
		return nil
	}, provider.BeforeSending(func(indexes []int) error {
		return b.intents(ctx, w, account, claims, indexes)
	}, nil))
	if err == nil {
		err = errFenced
	}
	for _, c := range mine { // not reported: nothing of them was sent
		if c != nil {
			stored = append(stored, b.concluding(ctx, w, c, nil, trial{entry: c.entry, err: notSentError(err), now: w.now()}))
		}
	}
	for _, wait := range stored {
		wait()
	}
}

// intents stores one intent for all messages of a call.
func (b *Box) intents(ctx context.Context, w *worker, account string, list []*claimed, indexes []int) error {
	changes := make([]*change, len(indexes))
	for i, index := range indexes {
		changes[i] = &change{ID: list[index].entry.ID, Attempt: list[index].entry.Attempt, kind: intent, Member: account}
	}
	answers, err := w.journal.storeAll(ctx, changes)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if !a.ok || !w.alive() {
			return errFenced // those whose intent is stored go back with the result
		}
		list[indexes[i]].entry.Member, list[indexes[i]].entry.FirstAt = account, a.firstAt
		b.tried(list[indexes[i]].entry, time.Time{})
	}
	return nil
}

// each is a stream of messages.
func each(messages []*provider.Message) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}
