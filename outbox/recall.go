package outbox

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A standby that takes over may lack what a worker has just stored: its claims, its intents
// and what became of them, and whole messages. The worker still knows. What it remembers of
// its tries is written again, so that a message that it may have sent is not sent once more
// when a program enqueues it again, under its key or as lost.

// recentTry is a try whose intent this process has stored, and what became of it.
type recentTry struct {
	ID        string  `json:"id"`
	Account   string  `json:"account"`
	Member    string  `json:"member"`
	Namespace string  `json:"namespace"`
	Key       *string `json:"key"`
	Digest    string  `json:"digest"`
	Rcpt      string  `json:"rcpt"`
	Rcpts     int     `json:"rcpts"`
	Format    int     `json:"format"`
	Attempt   int     `json:"attempt"`
	State     State   `json:"state"` // accepted, scheduled or unknown
	Until     *int64  `json:"until"` // of the provider's key; nil: none
}

// Bounds of what a process remembers: a standby is behind by seconds, not by an hour.
const (
	recentMost = 100_000 // ids
	triesMost  = 20_000
	recentTime = time.Hour
)

// recent is what this process has stored lately.
type recent struct {
	ids   []recentID // a ring, from next on
	next  int
	tries map[string]*recentTry
	order []string // of tries, the oldest first; some have gone
}

type recentID struct {
	id string
	at time.Time
}

// remember notes ids of messages that this process has stored or taken.
func (b *Box) remember(ids ...string) {
	if !b.store.d.is(postgres) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.recent
	for _, id := range ids {
		one := recentID{id, time.Now()}
		if len(r.ids) < recentMost {
			r.ids = append(r.ids, one)
			continue
		}
		r.ids[r.next] = one
		r.next = (r.next + 1) % recentMost
	}
}

// remembered returns those of the last hour, each once.
func (b *Box) remembered() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make(map[string]bool)
	for _, one := range b.recent.ids {
		if time.Since(one.at) < recentTime {
			ids[one.id] = true
		}
	}
	return slices.Collect(maps.Keys(ids))
}

// tried notes a try whose intent is stored.
func (b *Box) tried(e *Entry, until time.Time) {
	if !b.store.d.is(postgres) {
		return
	}
	t := &recentTry{
		ID: e.ID, Account: e.Account, Member: e.Member, Namespace: e.Namespace, Digest: e.digest, Rcpt: e.Recipient,
		Rcpts: e.Recipients, Format: e.format, Attempt: e.Attempt, State: Unknown, Until: micros(until),
	}
	if e.Key != "" {
		t.Key = &e.Key
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.recent
	if r.tries == nil {
		r.tries = make(map[string]*recentTry)
	}
	if r.tries[e.ID] == nil {
		r.order = append(r.order, e.ID)
	}
	r.tries[e.ID] = t
	for len(r.order) > triesMost {
		delete(r.tries, r.order[0])
		r.order = r.order[1:]
	}
}

// ended notes what became of a try.
func (b *Box) ended(e *Entry, v verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.recent.tries[e.ID]
	switch {
	case t == nil || t.Attempt != e.Attempt:
	case v.state == Accepted || v.state == Scheduled:
		t.State = v.state
	case !v.unclear: // provably nothing was sent
		delete(b.recent.tries, e.ID)
	}
}

const tryRows = "{rows 1: id id, account text, member text, namespace text, key text, digest text, rcpt text, rcpts int, " +
	"format int, attempt int, state text, until int}"

// recallTexts write tries of this process again, in this order: keys and messages that are
// missing, the doubt of rows that lack the try, and what is known of those in doubt. {2} is
// why, {3} the wait for a look-up; a message without a body is not looked up.
var recallTexts = []struct {
	text string
	args int
}{
	{`insert into {key} (namespace, key, id, digest, created)
		select r_namespace, r_key, r_id, r_digest, {now} from ` + tryRows + ` where r_key is not null
		order by r_namespace, r_key on conflict do nothing`, 1},
	{`insert into {message} (id, account, member, state, run_at, attempt, unclear, first_at, intent_at, key_until, lookups,
			namespace, key, digest, rcpt, rcpts, format, error, created, changed)
		select r_id, r_account, r_member, r_state, {now} + {3}, r_attempt, r_state = 'unknown', {now}, {now}, r_until, 99,
			r_namespace, r_key, r_digest, r_rcpt, r_rcpts, r_format, case when r_state = 'unknown' then {2} end, {now}, {now}
		from ` + tryRows + ` where true order by r_id on conflict do nothing`, 3},
	{`update {message} as m set state = 'unknown', unclear = true, worker = null, changed = {now}, member = r_member,
			attempt = r_attempt, first_at = coalesce(m.first_at, {now}), intent_at = {now}, key_until = null, error = {2}, run_at = {now} + {3}
		from ` + tryRows + ` where {listed 1} and m.id = r_id and m.attempt < r_attempt and m.state in ('queued', 'leased')
			and m.resends = 0 and r_until is null`, 3},
	{`update {message} as m set state = 'queued', unclear = true, worker = null, changed = {now}, member = r_member,
			attempt = r_attempt, first_at = coalesce(m.first_at, {now}), key_until = r_until
		from ` + tryRows + ` where {listed 1} and m.id = r_id and m.attempt < r_attempt and m.state in ('queued', 'leased')
			and m.resends = 0 and r_until is not null`, 1},
	{`update {message} as m set state = r_state, unclear = false, worker = null, changed = {now}, error = null
		from ` + tryRows + ` where {listed 1} and m.id = r_id and m.attempt <= r_attempt and m.resends = 0
			and (m.state = 'unknown' or m.state = 'queued' and m.unclear) and r_state in ('accepted', 'scheduled')`, 1},
}

// recall writes the tries of this process into a database that another server has taken over.
func (b *Box) recall(ctx context.Context) error {
	b.mu.Lock()
	tries := make([]*recentTry, 0, len(b.recent.tries))
	for _, id := range slices.Sorted(maps.Keys(b.recent.tries)) {
		one := *b.recent.tries[id]
		tries = append(tries, &one)
	}
	b.mu.Unlock()
	why := sweepError("another server took over as the database of the outbox, and lacked the intent of this message")
	for part := range slices.Chunk(tries, commitMost) {
		text, err := jsonText(part)
		if err != nil {
			return err
		}
		args := []any{text, why, lookUpAfter(len(lookUpTimes)).Microseconds()}
		err = b.store.in(ctx, func(x Execer) error {
			for _, step := range recallTexts {
				if _, err := b.store.exec(ctx, x, step.text, args[:step.args]...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
