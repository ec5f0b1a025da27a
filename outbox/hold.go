package outbox

import (
	"context"
	"database/sql"
	"time"
)

// Hold is an account of which nothing is sent for now.
type Hold struct {
	Account string `json:"account"`
	Reason  string `json:"reason"`
	// By is the person who held it; empty when a worker did, for trouble with the account.
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since"`
	// Until is when one message is tried again; zero: when a person releases the account.
	Until time.Time `json:"until,omitzero"`
	Tries int       `json:"tries"` // how often that was done

	left time.Duration // until Until, by the clock of the database
}

// A held account gets one message after a time that doubles from probe to probe. After an
// outage the queue is to move within a minute; a wrong key is mended by a person.
const (
	probeOutage  = 5 * time.Second
	probeBlocked = 30 * time.Second
	probeMost    = 40 * time.Second
)

// stumbles is how many failures of an account in a row hold it.
const stumbles = 5

// Hold stops the sending of an account's messages until Release. Calls under way go on. by
// names the person.
func (s *Store) Hold(ctx context.Context, account, reason, by string) error {
	if account == "" || by == "" {
		return refusal("account", "expected the name of an account, and who holds it")
	}
	_, err := s.exec(ctx, s.own(), `
		insert into {account} (account, held_until, reason, by_person, since) values ({1}, null, {2}, {3}, {now})
		on conflict (account) do update set held_until = null, reason = {2}, by_person = {3}`, account, reason, by)
	if err != nil {
		return s.storeError("hold", err)
	}
	return nil
}

// Release lets the messages of an account go out again. It reports whether it was held.
func (s *Store) Release(ctx context.Context, account string) (bool, error) {
	n, err := s.exec(ctx, s.own(), "delete from {account} where account = {1}", account)
	if err != nil {
		return false, s.storeError("release", err)
	}
	return n > 0, nil
}

// Holds returns the accounts that are held.
func (s *Store) Holds(ctx context.Context) ([]Hold, error) {
	list, err := s.holds(ctx, s.own())
	if err != nil {
		return nil, s.storeError("holds", err)
	}
	return list, nil
}

func (s *Store) holds(ctx context.Context, x Execer) ([]Hold, error) {
	var list []Hold
	err := s.query(ctx, x, `select account, reason, coalesce(by_person, ''), since, held_until, tries, coalesce(held_until, 0) - {now}
		from {account} order by account`, nil,
		func(scan func(...any) error) error {
			var h Hold
			var since, left int64
			var until sql.NullInt64
			if err := scan(&h.Account, &h.Reason, &h.By, &since, &until, &h.Tries, &left); err != nil {
				return err
			}
			h.Since, h.Until, h.left = timeOf(since), nullTime(until), time.Duration(left)*time.Microsecond
			list = append(list, h)
			return nil
		})
	return list, err
}

// hold holds an account for trouble, or lengthens the hold of a probe that failed. A hold by
// a person stays.
func (s *Store) hold(ctx context.Context, account, reason string, wait time.Duration) error {
	_, err := s.exec(ctx, s.own(), `
		insert into {account} (account, held_until, reason, since, step) values ({1}, {now} + {3}, {2}, {now}, {3})
		on conflict (account) do nothing`, account, reason, wait.Microseconds())
	return err
}

// probe takes the right to try one message of a held account whose time has come. The hold
// stays, longer, until the try has succeeded.
func (s *Store) probe(ctx context.Context, account string) (bool, error) {
	n, err := s.exec(ctx, s.own(), `update {account} set tries = tries + 1,
			held_until = {now} + case when step * 2 > {2} then {2} else step * 2 end,
			step = case when step * 2 > {2} then {2} else step * 2 end
		where account = {1} and held_until is not null and held_until <= {now}`, account, probeMost.Microseconds())
	return n > 0, err
}

// heldUntil returns when the account of a message may send again, the zero time when it may.
func (s *Store) heldUntil(ctx context.Context, account string) (time.Time, bool, error) {
	var until sql.NullInt64
	held, err := s.one(ctx, s.own(), "select held_until from {account} where account = {1}", []any{account}, &until)
	return nullTime(until), held, err
}

// works releases an account that a worker has held: a message went out.
func (s *Store) works(ctx context.Context, account string) (bool, error) {
	n, err := s.exec(ctx, s.own(), "delete from {account} where account = {1} and held_until is not null", account)
	return n > 0, err
}

// noteTrial counts what a try says about its account, and holds or releases it. probing says that
// the account was held before the try.
func (b *Box) noteTrial(ctx context.Context, account string, t trouble, err error, probing bool) {
	b.mu.Lock()
	switch t {
	case fine:
		b.streaks[account] = 0
	case stumbling, blocked:
		b.streaks[account]++
	}
	streak := b.streaks[account]
	b.mu.Unlock()
	switch {
	case t == fine && probing:
		if released, failed := b.store.works(ctx, account); failed != nil {
			b.storeError(ctx, failed)
		} else if released {
			b.cfg.Log.InfoContext(ctx, "outbox: the account works again", "account", account)
			if b.cfg.Hooks.OnHold != nil {
				b.cfg.Hooks.OnHold(ctx, Hold{Account: account})
			}
		}
	case t == blocked || t == stumbling && streak >= stumbles:
		b.holdFor(ctx, account, t, err)
	}
}

func (b *Box) holdFor(ctx context.Context, account string, t trouble, why error) {
	wait, reason := probeOutage, "it does not work"
	if t == blocked {
		wait = probeBlocked
	}
	if e, ok := asProviderError(why); ok {
		reason = e.Error()
	}
	if err := b.store.hold(ctx, account, reason, wait); err != nil {
		b.storeError(ctx, err)
		return
	}
	b.cfg.Log.WarnContext(ctx, "outbox: the account is held", "account", account, "why", reason)
	if b.cfg.Hooks.OnHold != nil {
		b.cfg.Hooks.OnHold(ctx, Hold{Account: account, Reason: reason})
	}
}

func (b *Box) storeError(ctx context.Context, err error) {
	if ctx.Err() != nil && isContextError(err) {
		return
	}
	b.cfg.Log.WarnContext(ctx, "outbox: the database did not do it, and is asked again", "error", err.Error())
	if b.cfg.Hooks.OnStoreError != nil {
		b.cfg.Hooks.OnStoreError(ctx, b.store.storeError("outbox", err))
	}
}
