package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/postmux/postmux/provider"
)

// lookUpTimes are when the provider is asked about an unknown message, after its latest try:
// its lists show a mail late, and for some days.
var lookUpTimes = []time.Duration{2 * time.Minute, 20 * time.Minute, 3 * time.Hour, 24 * time.Hour}

// lookUpAfter is the wait before a look-up, by the number of those that were made.
func lookUpAfter(made int) time.Duration {
	if made >= len(lookUpTimes) {
		return 100 * 365 * day // never by itself
	}
	if made == 0 {
		return lookUpTimes[0]
	}
	return lookUpTimes[made] - lookUpTimes[made-1]
}

// Settled is what a look-up found about an unknown message.
type Settled struct {
	ID    string `json:"id"`
	State State  `json:"state"` // Unknown when the provider does not say
	Why   string `json:"why,omitempty"`
}

// Settle asks the provider now what became of an unknown message, and stores what is proved.
// It sends nothing. A message that is not unknown is returned as it is.
func (b *Box) Settle(ctx context.Context, id string) (Settled, error) {
	e, err := b.store.Get(ctx, id)
	if err != nil {
		return Settled{}, err
	}
	return b.settle(ctx, e)
}

// settle looks one message up.
func (b *Box) settle(ctx context.Context, e *Entry) (Settled, error) {
	out := Settled{ID: e.ID, State: e.State}
	if e.State != Unknown {
		return out, nil
	}
	r, err := b.traced(ctx, e)
	if err != nil {
		return out, err
	}
	client, err := b.client(ctx, e.Account)
	if err != nil {
		return out, err
	}
	others, err := b.store.others(ctx, e, r)
	if err != nil {
		return out, b.store.storeError("settle", err)
	}
	found, err := client.Settle(ctx, r, others...)
	if err != nil {
		out.Why = err.Error()
		if errors.Is(err, provider.ErrUnsupported) {
			return out, b.store.lookedUp(ctx, e, len(lookUpTimes))
		}
		return out, nil // the provider does not say; Why has it
	}
	v := verdict{state: Accepted}
	switch found.State {
	case provider.StateUnknown:
		out.Why = "the provider does not show the mail"
		return out, nil
	case provider.StateRefused:
		// Proved: nothing was sent. Whether it is wanted so late, a person says.
		v.state = Dead
	}
	ok, err := b.store.settled(ctx, e, v, found)
	switch {
	case err != nil:
		return out, b.store.storeError("settle", err)
	case !ok:
		out.Why = "the provider's id belongs to another message, or the state has changed meanwhile"
		return out, nil
	}
	out.State = v.state
	return out, nil
}

// traced is the receipt of an unknown message with what a look-up needs.
func (b *Box) traced(ctx context.Context, e *Entry) (*provider.Receipt, error) {
	if e.Receipt != nil && e.Receipt.Unsettled != nil {
		return e.Receipt, nil
	}
	m, err := b.store.message(ctx, &claimed{entry: e})
	if err != nil {
		return nil, b.store.storeError("settle", err)
	}
	until := e.IntentAt
	if until.IsZero() {
		until = e.Changed
	}
	// The worker that died had a call's time.
	return unknownReceipt(e, m, trial{entry: e, now: until.Add(time.Minute)}), nil
}

// othersSpan is how far from the tries of a message those of another may be, so that a mail in
// the provider's list can be either one's. Client.Settle looks at the times themselves.
const othersSpan = time.Hour

// others are the receipts of other messages to the same people at about the same time: a mail
// that is found may be one of theirs.
func (s *Store) others(ctx context.Context, e *Entry, r *provider.Receipt) ([]*provider.Receipt, error) {
	from, until := e.FirstAt, e.Changed
	if r.Unsettled != nil {
		from, until = r.Unsettled.At, r.Unsettled.Until
	}
	type person struct {
		Rcpt string `json:"rcpt"`
	}
	people := make([]person, len(r.Recipients))
	for i, p := range r.Recipients {
		people[i] = person{emailKey(p.Email)}
	}
	text, err := jsonText(people)
	if err != nil {
		return nil, err
	}
	const open = " and account = {1} and id <> cast({2} as {id}) and intent_at between {3} and {4} and state not in ('refused', 'canceled', 'dead')"
	var out []*provider.Receipt
	seen := make(map[string]bool)
	for _, q := range []string{
		"select " + entryColumns + " from {message} m where rcpt in (select r_rcpt from {rows 5: rcpt text})" + open,
		"select " + entryColumns + " from {message} m where rcpts > 1 and {5} <> ''" + open,
	} {
		args := []any{e.Account, e.ID, from.Add(-othersSpan).UnixMicro(), until.Add(othersSpan).UnixMicro(), text}
		err := s.query(ctx, s.own(), q, args, func(scan func(...any) error) error {
			other, err := scanEntry(scan)
			if err != nil || seen[other.ID] {
				return err
			}
			seen[other.ID] = true
			if other.Receipt == nil { // nothing is known of it, so it may be any
				other.Receipt = &provider.Receipt{State: provider.StateUnknown}
				for _, p := range r.Recipients {
					other.Receipt.Recipients = append(other.Receipt.Recipients, provider.RecipientResult{Email: p.Email, State: provider.StateUnknown})
				}
			}
			out = append(out, other.Receipt)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settled stores what a look-up proved. It reports false when the provider's id was given to
// another message before, or the message is not unknown any more.
func (s *Store) settled(ctx context.Context, e *Entry, v verdict, r *provider.Receipt) (bool, error) {
	c, err := resultOf(e, v, r, nil)
	if err != nil {
		return false, err
	}
	done := false
	err = s.in(ctx, func(x Execer) error {
		done = false
		if c.Vendor != nil {
			n, err := s.exec(ctx, x, `insert into {settled} (account, vendor_id, rcpt, id) select {1}, {2}, {3}, cast({4} as {id})
				where not exists (select 1 from {message} m where m.account = {1} and m.vendor_id = {2} and m.rcpt = {3} and m.id <> cast({4} as {id}))
				on conflict do nothing`, e.Account, *c.Vendor, e.Recipient, e.ID)
			if err != nil || n == 0 {
				return err
			}
		}
		answers := make([]changed, 1)
		if err := s.applyKind(ctx, x, e.ID, result, []*change{c}, answers); err != nil {
			return err
		}
		done = answers[0].ok
		if !done {
			return errNotSettled
		}
		return s.dropBodies(ctx, x, []*change{c}, answers)
	})
	if errors.Is(err, errNotSettled) {
		return false, nil
	}
	return done, err
}

// errNotSettled rolls a settlement back.
var errNotSettled = errors.New("the message is not unknown any more")

// lookedUp notes that look-ups were made.
func (s *Store) lookedUp(ctx context.Context, e *Entry, made int) error {
	_, err := s.exec(ctx, s.own(), `update {message} as m set lookups = {2}, run_at = {now} + {3}
		where m.id = {1} and m.state = 'unknown' and m.lookups < {2}`, e.ID, made, lookUpAfter(made).Microseconds())
	return err
}

// nextLookUp takes an unknown message whose time for a look-up has come; nil when there is
// none. Other workers do not take it.
func (s *Store) nextLookUp(ctx context.Context) (*Entry, error) {
	var e *Entry
	err := s.in(ctx, func(x Execer) error {
		e = nil
		err := s.query(ctx, x, "select "+entryColumns+` from {message} m where m.id in (
			select id from {message} where state = 'unknown' and run_at <= {now} order by run_at limit 1{locked})`, nil,
			func(scan func(...any) error) (err error) {
				e, err = scanEntry(scan)
				return err
			})
		if err != nil || e == nil {
			return err
		}
		_, err = s.exec(ctx, x, `update {message} as m set lookups = m.lookups + 1, run_at = {now} + {2}
			where m.id = {1} and m.state = 'unknown'`, e.ID, lookUpAfter(e.lookups+1).Microseconds())
		return err
	})
	return e, err
}

// Pace of the look-ups of a worker.
const (
	lookUpPause = 2 * time.Second // after one, so that sends keep most of the account's calls
	lookUpIdle  = 30 * time.Second
	purgeEvery  = time.Hour
)

// lookUps asks providers about unknown messages, one at a time, and purges, until ctx ends.
func (w *worker) lookUps(ctx context.Context) {
	wait := time.NewTimer(lookUpIdle)
	defer wait.Stop()
	purged := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		pause := lookUpIdle
		e, err := w.box.store.nextLookUp(ctx)
		if err == nil && e != nil {
			pause = lookUpPause
			var s Settled
			if s, err = w.box.settle(ctx, e); err == nil && s.State != Unknown && w.box.cfg.Hooks.OnState != nil {
				w.box.cfg.Hooks.OnState(ctx, e.ID, s.State)
			}
		}
		if err == nil && time.Since(purged) > purgeEvery {
			purged = time.Now()
			_, err = w.box.Purge(ctx)
		}
		if err != nil {
			w.storeError(ctx, err)
		}
		wait.Reset(pause)
	}
}
