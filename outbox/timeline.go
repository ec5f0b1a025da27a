package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// begin notes which server has the Store, the first time.
func (s *Store) begin(ctx context.Context) error {
	_, err := s.exec(ctx, s.own(), "insert into {fact} (name, value) values ('timeline', "+s.d.timeline+") on conflict (name) do nothing")
	return err
}

// Promotion is what a Store found after another server took over as its database: a standby
// that may lack the last transactions of the one before.
type Promotion struct {
	From, To string // timelines
	// Since is the newest sign of life of a worker that the new server has. Everything from
	// before is there; what came after may be missing, an intent too.
	Since time.Time
	// Doubted is how many messages may have been sent in between, and are unknown now.
	Doubted int64
	// Held are the accounts that a person is to release.
	Held []string
}

// followTimeline looks whether another server took over since the Store was used last. One
// worker does what is to be done then: it knows how its accounts send. Until that is done no
// message is taken and no request leaves. Each process looks for messages of its own that are
// lost.
func (b *Box) followTimeline(ctx context.Context, works, atEnd bool) error {
	s := b.store
	if !s.d.is(postgres) {
		return nil
	}
	var noted, current string
	if _, err := s.one(ctx, s.own(), "select value, "+s.d.timeline+" from {fact} where name = 'timeline'", nil, &noted, &current); err != nil {
		return fmt.Errorf("timeline of the server: %w", err)
	}
	if noted != current && works {
		b.mu.Lock()
		accounts := accountsOf(b.clients)
		b.mu.Unlock()
		p, err := s.promoted(ctx, current, accounts, b.keyWindow(ctx))
		if err != nil {
			return fmt.Errorf("after another server took over: %w", err)
		}
		if p != nil {
			b.cfg.Log.WarnContext(ctx, "outbox: another server took over as the database; what may have been sent is unknown "+
				"now, and accounts are held until a person releases them", "from", p.From, "to", p.To, "since", p.Since,
				"doubted", p.Doubted, "held", p.Held)
		}
	}
	return b.tellLost(ctx, current, atEnd)
}

// keyWindow returns a function that says for how long the provider of an account knows a
// key: 0 for none.
func (b *Box) keyWindow(ctx context.Context) func(account string) time.Duration {
	return func(account string) time.Duration {
		client, err := b.client(ctx, account)
		if err != nil || b.batches(account) {
			return 0
		}
		return client.KeyWindow()
	}
}

// doubt is a condition on a message m of the account {1}: some worker may have sent it in the
// time that is missing.
const doubt = `m.account = {1} and m.state in ('queued', 'leased', 'sending') and m.run_at <= {now}`

const (
	doubtUnkeyed = `update {message} as m set state = 'unknown', unclear = true, worker = null, changed = {now}, decided = null,
			first_at = coalesce(m.first_at, {2}), intent_at = coalesce(m.intent_at, {2}), key_until = null, error = {3},
			run_at = {now} + {4} where ` + doubt
	doubtKeyed = `update {message} as m set state = 'queued', unclear = true, worker = null, changed = {now},
			first_at = coalesce(m.first_at, {2}), key_until = coalesce(m.key_until, {2} + {3}) where ` + doubt
)

// promoted notes that another server has taken over, holds every account, the process's own
// and those of all messages, and doubts what may have been sent in the time that the new
// server lacks. It returns nil when another process did it.
func (s *Store) promoted(
	ctx context.Context, current string, own []string, window func(account string) time.Duration,
) (*Promotion, error) {
	var p *Promotion
	why := sweepError("another server took over as the database of the outbox, and may lack the intent of this message")
	err := s.in(ctx, func(x Execer) error {
		p = &Promotion{To: current}
		found, err := s.one(ctx, x, "select value from {fact} where name = 'timeline' for update", nil, &p.From)
		if err != nil || !found || p.From == current {
			p = nil
			return err
		}
		var seen *int64
		if _, err := s.one(ctx, x, "select max(seen) from {worker}", nil, &seen); err != nil {
			return err
		}
		since := int64(0)
		if seen != nil {
			since = *seen
		}
		p.Since = timeOf(since)
		accounts := slices.Clone(own)
		err = s.query(ctx, x, "select distinct account from {message}", nil,
			func(scan func(...any) error) error {
				var account string
				err := scan(&account)
				accounts = append(accounts, account)
				return err
			})
		if err != nil {
			return err
		}
		slices.Sort(accounts)
		for _, account := range slices.Compact(accounts) {
			if err := s.doubtAccount(ctx, x, p, account, since, window(account), why); err != nil {
				return err
			}
		}
		_, err = s.exec(ctx, x, "update {fact} set value = {1} where name = 'timeline'", current)
		return err
	})
	return p, err
}

func (s *Store) doubtAccount(
	ctx context.Context, x Execer, p *Promotion, account string, since int64, window time.Duration, why string,
) error {
	var n int64
	var err error
	if window > 0 {
		// The key tells the provider a repeat; when it is over, the sweep makes it unknown.
		_, err = s.exec(ctx, x, doubtKeyed, account, since, window.Microseconds())
	} else {
		n, err = s.exec(ctx, x, doubtUnkeyed, account, since, why, lookUpAfter(0).Microseconds())
	}
	if err != nil {
		return err
	}
	p.Doubted += n
	p.Held = append(p.Held, account)
	_, err = s.exec(ctx, x, `
		insert into {account} (account, held_until, reason, since) values ({1}, null, {2}, {now})
		on conflict (account) do update set held_until = null, reason = {2}`,
		account, fmt.Sprintf("another server took over as the database of the outbox (timeline %s, before %s): "+
			"look at its unknown messages, then release the account", p.To, p.From))
	return err
}

// tellLost stores again, at once after another server has taken over, what this process may
// have sent. A lease later, when every worker has done so, it tells what is missing still;
// at the end of the process it does not wait.
func (b *Box) tellLost(ctx context.Context, current string, atOnce bool) error {
	b.mu.Lock()
	changed := b.timeline != "" && b.timeline != current
	if b.timeline == "" {
		b.timeline = current
	}
	b.mu.Unlock()
	if changed {
		if err := b.recall(ctx); err != nil {
			return err // the next look does it
		}
		b.mu.Lock()
		b.timeline, b.tell = current, time.Now().Add(b.cfg.Lease)
		b.mu.Unlock()
	}
	b.mu.Lock()
	due := !b.tell.IsZero() && (atOnce || time.Now().After(b.tell))
	b.mu.Unlock()
	if !due {
		return nil
	}
	var lost []string
	for part := range slices.Chunk(b.remembered(), 1000) {
		missing, err := b.store.missing(ctx, part)
		if err != nil {
			return err
		}
		lost = append(lost, missing...)
	}
	b.mu.Lock()
	b.tell = time.Time{}
	b.mu.Unlock()
	if len(lost) == 0 {
		return nil
	}
	b.cfg.Log.ErrorContext(ctx, "outbox: messages that were stored are lost: the server that took over does not have them",
		"messages", len(lost))
	if b.cfg.Hooks.OnLost != nil {
		b.cfg.Hooks.OnLost(ctx, lost)
	}
	return nil
}

// missing returns the ids of which there is no message and no key.
func (s *Store) missing(ctx context.Context, ids []string) ([]string, error) {
	text, err := jsonText(rowsOf(ids))
	if err != nil {
		return nil, err
	}
	var out []string
	err = s.query(ctx, s.own(), `select r_id from {rows 1: id id}
		where not exists (select 1 from {message} m where m.id = r_id) and not exists (select 1 from {key} k where k.id = r_id)`,
		[]any{text}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		})
	return out, err
}
