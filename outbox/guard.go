package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// Guard returns a provider.GuardStore on the Store, for provider.WithDuplicateGuard: all who
// use the same tables and namespace send a key's mail once, on any number of hosts, with a Box
// or without. Before its first claim it checks the database as Store.Check does. While the
// database is away, nothing is sent.
//
// A call that finds another send under the same key under way waits for its end, for up to 90
// seconds from the beginning of that send; then its process counts as dead, and the outcome as
// unknown. Box.Purge and PurgeGuard forget keys.
func (s *Store) Guard() provider.GuardStore { return &guard{s: s, claims: make(map[string]string)} }

// guardRuns is the longest time that a send runs.
const guardRuns = 90 * time.Second

// guardAnswer bounds the answers of the database: after that nothing is sent.
const guardAnswer = 10 * time.Second

// errGuardGone: an entry was removed between two statements.
var errGuardGone = errors.New("the entry was removed meanwhile")

type guard struct {
	s *Store

	mu      sync.Mutex
	checked bool
	claims  map[string]string // key -> claim, of the sends that run here
}

// Begin implements provider.GuardStore.
func (g *guard) Begin(ctx context.Context, key string, by provider.GuardEntry) (provider.GuardEntry, bool, error) {
	if err := g.check(ctx); err != nil {
		return provider.GuardEntry{}, false, err
	}
	claim, err := newID()
	if err != nil {
		return provider.GuardEntry{}, false, err
	}
	for {
		before, claimed, err := g.claim(ctx, key, claim, by)
		switch {
		case errors.Is(err, errGuardGone):
			continue
		case err != nil:
			return provider.GuardEntry{}, false, g.s.guardError(ctx, "begin", err)
		case claimed:
			g.mu.Lock()
			g.claims[key] = claim
			g.mu.Unlock()
		}
		if claimed || before.Status != provider.StateBegun || before.Digest != by.Digest {
			return before, claimed, nil
		}
		ended, err := g.await(ctx, key, before)
		if err != nil {
			return provider.GuardEntry{}, false, g.s.guardError(ctx, "begin", err)
		}
		if !ended {
			return before, false, nil
		}
	}
}

// check checks the database before the first claim: one that it does not keep is a second
// mail.
func (g *guard) check(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.checked {
		return nil
	}
	if _, err := g.s.Check(ctx); err != nil {
		return g.s.guardError(ctx, "check", err)
	}
	g.checked = true
	return nil
}

// guardError is the error of a call; that of ctx when it has ended.
func (s *Store) guardError(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the rows of keys, %s: %w", verb, err)
}

// guardRow is a row of a key.
type guardRow struct {
	provider.GuardEntry
	claim string
	age   time.Duration // since its latest change
}

// row reads the row of a key; the zero guardRow stands for none.
func (g *guard) row(ctx context.Context, x Execer, key, end string) (guardRow, error) {
	ctx, cancel := context.WithTimeout(ctx, guardAnswer)
	defer cancel()
	var r guardRow
	var text string
	var age int64
	found, err := g.s.one(ctx, x, "select entry, claim, {now} - at from {guard} where key = {1}"+end, []any{key}, &text, &r.claim, &age)
	if err != nil || !found {
		return guardRow{}, err
	}
	r.age = time.Duration(age) * time.Microsecond
	if err := json.Unmarshal([]byte(text), &r.GuardEntry); err != nil {
		return guardRow{}, fmt.Errorf("the entry of a key: %w", err)
	}
	return r, nil
}

// claim claims a key as far as GuardEntry.Claim allows. A claim whose commit had no answer is
// looked for by its id: when it is there, it is durable, and else nothing is sent.
func (g *guard) claim(
	ctx context.Context, key, claim string, by provider.GuardEntry,
) (before provider.GuardEntry, claimed bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, guardAnswer)
	err = g.s.in(bounded, func(x Execer) (err error) {
		before, claimed, err = g.claimIn(bounded, x, key, claim, by)
		return err
	})
	cancel()
	if _, unanswered := errors.AsType[*commitError](err); !unanswered || !claimed {
		return before, claimed && err == nil, err
	}
	for _, wait := range storeWaits {
		if sleep(ctx, wait) != nil {
			break
		}
		r, failed := g.row(ctx, g.s.own(), key, "")
		if failed != nil {
			continue
		}
		if r.claim == claim && r.Status == provider.StateBegun {
			return before, true, nil
		}
		break
	}
	return before, false, err
}

func (g *guard) claimIn(ctx context.Context, x Execer, key, claim string, by provider.GuardEntry) (provider.GuardEntry, bool, error) {
	begun, ok := provider.GuardEntry{}.Claim(by)
	text, err := jsonText(begun)
	if err != nil || !ok {
		return provider.GuardEntry{}, false, err
	}
	// The first statement takes the row, or waits for who has it.
	n, err := g.s.exec(ctx, x, "insert into {guard} (key, entry, claim, at) values ({1}, {2}, {3}, {now}) on conflict (key) do nothing", key, text, claim)
	if err != nil || n > 0 {
		return provider.GuardEntry{}, err == nil, err
	}
	r, err := g.row(ctx, x, key, g.s.d.forUpdate)
	if err == nil && r.Status == "" {
		// A Finish removed it between the statements, and somebody else may have the key by now:
		// an update here would take it from him.
		err = errGuardGone
	}
	if err != nil {
		return provider.GuardEntry{}, false, err
	}
	if begun, ok = r.Claim(by); !ok {
		return r.GuardEntry, false, nil
	}
	if text, err = jsonText(begun); err != nil {
		return provider.GuardEntry{}, false, err
	}
	_, err = g.s.exec(ctx, x, "update {guard} set entry = {2}, claim = {3}, at = {now} where key = {1}", key, text, claim)
	return r.GuardEntry, err == nil, err
}

// await waits for the end of the send that has begun, and reports whether it has ended.
func (g *guard) await(ctx context.Context, key string, begun provider.GuardEntry) (bool, error) {
	for wait := 20 * time.Millisecond; ; wait = min(wait*3/2, 500*time.Millisecond) {
		r, err := g.row(ctx, g.s.own(), key, "")
		switch {
		case err != nil:
			return false, err
		case r.Status != provider.StateBegun || r.Digest != begun.Digest:
			return true, nil
		case r.age >= guardRuns:
			return false, nil
		}
		if err := sleep(ctx, wait+rand.N(wait/4)); err != nil { //nolint:gosec // no secret
			return false, err
		}
	}
}

// Finish implements provider.GuardStore. It tries again until ctx ends: a result that is not
// stored is a mail of which nobody knows later that it was sent.
func (g *guard) Finish(ctx context.Context, key string, end provider.GuardEntry) error {
	g.mu.Lock()
	claim := g.claims[key]
	delete(g.claims, key)
	g.mu.Unlock()
	for try := 0; ; try++ {
		err := g.s.in(ctx, func(x Execer) error { return g.finish(ctx, x, key, claim, end) })
		if err == nil {
			return nil
		}
		if sleep(ctx, storeWaits[min(try, len(storeWaits)-1)]) != nil {
			return fmt.Errorf("the rows of keys, finish: %w", err)
		}
	}
}

// finish stores a result. Of a send of this process only for its own claim: when the commit
// before had no answer, another one may have the key by now. claim is empty for what Settle
// has found.
func (g *guard) finish(ctx context.Context, x Execer, key, claim string, end provider.GuardEntry) error {
	r, err := g.row(ctx, x, key, g.s.d.forUpdate)
	if err != nil || claim != "" && r.claim != claim {
		return err
	}
	next, keep := r.Finish(end)
	switch {
	case r.Status == "":
		return nil
	case !keep:
		_, err = g.s.exec(ctx, x, "delete from {guard} where key = {1}", key)
		return err
	}
	text, err := jsonText(next)
	if err != nil {
		return err
	}
	_, err = g.s.exec(ctx, x, "update {guard} set entry = {2}, at = {now} where key = {1}", key, text)
	return err
}

// PurgeGuard forgets keys of Guard that have not changed for a time, whatever became of their
// mail: with the same key it could be sent again. Box.Purge does it after Retention.Keys;
// programs without a Box call it themselves. It returns how many it forgot.
func (s *Store) PurgeGuard(ctx context.Context, keep time.Duration) (int64, error) {
	if keep < guardRuns {
		return 0, configError("keep", "expected at least %s, for as long as a send may run, got %s", guardRuns, keep)
	}
	var all int64
	for {
		n, err := s.exec(ctx, s.own(), `delete from {guard} where key in (
			select key from {guard} where at < {now} - {1} order by at limit {2})`, keep.Microseconds(), purgeMost)
		all += n
		if err != nil {
			return all, s.storeError("purge", err)
		}
		if n < purgeMost {
			return all, nil
		}
	}
}
