package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Decision is what a person decides about a message.
type Decision string

// The decisions.
const (
	WasSent   Decision = "sent"  // it went out: it becomes accepted
	SendAgain Decision = "again" // it is sent, whatever became of the tries so far: it may go out twice
	Drop      Decision = "drop"  // nothing more is done
)

// Cancel takes a message back. It succeeds only while provably nothing was sent: the message
// is queued, or it returns ErrConflict that names the state. A canceled message is no error.
func (s *Store) Cancel(ctx context.Context, id string) error {
	return s.change(ctx, "cancel", id, `update {message} as m set state = 'canceled', changed = {now}
		where m.id = {1} and m.state = 'queued' and not m.unclear`, Canceled)
}

// Retry queues a message that is dead or refused again, for now and for Config.GiveUp from
// now. Provably nothing was sent, so no mail goes out twice. Other states are ErrConflict.
func (b *Box) Retry(ctx context.Context, id string) error {
	err := b.store.change(ctx, "retry", id, `update {message} as m set state = 'queued', changed = {now}, run_at = {now},
		expires = {now} + {2}, failures = 0, first_at = null, key_until = null
		where m.id = {1} and m.state in ('dead', 'refused') and not m.unclear`, Queued, b.cfg.GiveUp.Microseconds())
	if err == nil {
		b.wake()
	}
	return err
}

// Decide closes what no program can: a message whose outcome is unknown. by names the person
// and is kept with the message. SendAgain sends it again, so that it may arrive twice. Drop
// also closes messages that are dead or refused. Other states are ErrConflict.
func (b *Box) Decide(ctx context.Context, id string, d Decision, by string) error {
	if by == "" {
		return refusal("by", "expected the name of the person who decides")
	}
	switch d {
	case WasSent:
		return b.store.change(ctx, "decide", id, `update {message} as m set state = 'accepted', decided = {2}, changed = {now}
			where m.id = {1} and m.state = 'unknown'`, Accepted, by)
	case Drop:
		return b.store.change(ctx, "decide", id, `update {message} as m set state = 'dropped', decided = {2}, changed = {now}
			where m.id = {1} and m.state in ('unknown', 'dead', 'refused')`, Dropped, by)
	case SendAgain:
		err := b.store.change(ctx, "decide", id, `update {message} as m set state = 'queued', decided = {2}, changed = {now},
			run_at = {now}, expires = {now} + {3}, unclear = false, failures = 0, first_at = null, key_until = null,
			resends = m.resends + 1, lookups = 0, attempt = m.attempt + 1
			where m.id = {1} and m.state = 'unknown' and exists (select 1 from {body} b where b.id = m.id)`,
			Queued, by, b.cfg.GiveUp.Microseconds())
		if err == nil {
			b.wake()
		}
		return err
	}
	return refusal("decision", "expected %s, %s or %s, got %q", WasSent, SendAgain, Drop, text.Clip(string(d)))
}

// change makes one change of a state. When it changes nothing, the message says why.
func (s *Store) change(ctx context.Context, verb, id, text string, to State, args ...any) error {
	if err := checkID(id); err != nil {
		return err
	}
	n, err := s.exec(ctx, s.own(), text, append([]any{id}, args...)...)
	if err != nil {
		return s.storeError(verb, err)
	}
	if n > 0 {
		return nil
	}
	e, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if e.State == to {
		return nil // it is so already
	}
	why := string(e.State)
	if e.Unclear && e.State != Unknown {
		why += ", and an earlier try may have sent it"
	}
	return &provider.Error{
		Kind: provider.ErrConflict, Provider: driverName, Account: e.Account, Outcome: provider.OutcomeNotSent,
		Message: fmt.Sprintf("%s: the message %s is %s; nothing was changed", verb, id, why),
	}
}

// Doubt makes every message unknown that may have gone out since a time: after a backup was
// restored, nobody knows what became of what the backup has as open. It returns how many.
// No worker may run meanwhile. by names the person.
func (s *Store) Doubt(ctx context.Context, since time.Time, by string) (int64, error) {
	if by == "" || since.IsZero() {
		return 0, refusal("by", "expected the time of the backup, and the name of the person who restored it")
	}
	n, err := s.exec(ctx, s.own(), `update {message} as m set state = 'unknown', unclear = true, worker = null, changed = {now},
			first_at = coalesce(m.first_at, {1}), intent_at = coalesce(m.intent_at, {1}), key_until = null, error = {2},
			run_at = {now} + {3}
		where m.state in ('queued', 'leased', 'sending') and m.run_at <= {now}`,
		since.UnixMicro(), sweepError("a backup was restored: it may have been sent since then, says "+by), lookUpAfter(0).Microseconds())
	if err != nil {
		return 0, s.storeError("doubt", err)
	}
	return n, nil
}

// Purged is what a purge removed.
type Purged struct {
	Messages int64 `json:"messages"`
	Keys     int64 `json:"keys"`
	Guarded  int64 `json:"guarded"` // keys of the duplicate guard
}

// purgeMost is how many messages one statement removes: a purge never holds locks for long.
const purgeMost = 1000

// Purge removes messages that ended longer ago than Config.Retention says, and keys of
// messages that were purged so long ago, those of Guard too. It never removes messages that are
// queued, under way or unknown. Run purges by itself once an hour.
func (b *Box) Purge(ctx context.Context) (Purged, error) {
	var out Purged
	r := b.cfg.Retention
	for _, step := range []struct {
		states string
		keep   time.Duration
	}{
		{"('accepted', 'scheduled')", r.Accepted},
		{"('refused', 'dead', 'canceled', 'dropped')", r.Failed},
	} {
		for {
			n, err := b.store.purge(ctx, step.states, step.keep)
			out.Messages += n
			if err != nil {
				return out, b.store.storeError("purge", err)
			}
			if n < purgeMost {
				break
			}
		}
	}
	n, err := b.store.exec(ctx, b.store.own(), "delete from {key} where purged is not null and purged < {now} - {1}", r.Keys.Microseconds())
	if err != nil {
		return out, b.store.storeError("purge", err)
	}
	out.Keys = n
	// A limit that was not used for so long is full; without its row it is as well.
	if _, err := b.store.exec(ctx, b.store.own(), "delete from {limit} where next < {now} - {1}", day.Microseconds()); err != nil {
		return out, b.store.storeError("purge", err)
	}
	out.Guarded, err = b.store.PurgeGuard(ctx, max(r.Keys, guardRuns))
	return out, err
}

func (s *Store) purge(ctx context.Context, states string, keep time.Duration) (n int64, err error) {
	err = s.in(ctx, func(x Execer) error {
		var ids []idRow
		err := s.query(ctx, x, "select id from {message} where state in "+states+" and changed < {now} - {1} order by changed limit {2}",
			[]any{keep.Microseconds(), purgeMost}, func(scan func(...any) error) error {
				var one idRow
				err := scan(&one.ID)
				ids = append(ids, one)
				return err
			})
		if err != nil || len(ids) == 0 {
			return err
		}
		text, err := jsonText(ids)
		if err != nil {
			return err
		}
		// The key stays, from now on for its own time. A person may have changed the state meanwhile.
		if n, err = s.exec(ctx, x, "delete from {message} as m where {listed 1} and m.id in (select r_id from {rows 1: id id}) and m.state in "+states, text); err != nil {
			return err
		}
		for _, q := range []string{
			"delete from {body} as m where {listed 1} and m.id in (select r_id from {rows 1: id id}) and not exists (select 1 from {message} g where g.id = m.id)",
			"delete from {settled} as m where {listed 1} and m.id in (select r_id from {rows 1: id id})",
			"update {key} as m set purged = {now} where {listed 1} and m.id in (select r_id from {rows 1: id id}) and not exists (select 1 from {message} g where g.id = m.id)",
		} {
			if _, err = s.exec(ctx, x, q, text); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
