package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// claimed is a message that a worker has, with its body if that is small.
type claimed struct {
	entry *Entry
	body  []byte
	probe bool // its account is held, and this try tells whether it works again
}

// smallBody is the size up to which bodies are read with the claim.
const smallBody = 64 << 10

// The claims. An account that is held is left alone, and so is everything after another
// server took over, until that was looked after.
const (
	claimSet = `set state = 'leased', attempt = m.attempt + 1, worker = {2}, changed = {now}`
	notHeld  = `not exists (select 1 from {account} a where a.account = m.account)`

	claimDue = `update {message} as m ` + claimSet + ` from (
			select id as due_id from {message} m where state = 'queued' and account = {1} and run_at <= {now}
				and format <= {3} and {timeline} order by account, run_at, id limit {4}{locked}
		) as due where m.id = due_id returning ` + entryColumns
	claimThis = `update {message} as m ` + claimSet + ` where m.id = {1} and m.state = 'queued' and m.run_at <= {now}
			and m.format <= {3} and {timeline}`
	claimOne   = claimThis + ` and ` + notHeld + ` returning ` + entryColumns
	claimProbe = claimThis + ` returning ` + entryColumns
)

// claim takes due messages for a worker. args are the first and the later parameters of a
// claim; the second is the worker.
func (w *worker) claim(ctx context.Context, text, first string, args ...any) ([]*claimed, error) {
	w.claiming.RLock()
	defer w.claiming.RUnlock()
	list, err := w.box.store.claimed(ctx, text, append([]any{first, w.id}, args...)...)
	if err != nil {
		return nil, err // its commit may have been done: reclaim finds that
	}
	w.hand.Lock()
	defer w.hand.Unlock()
	for _, c := range list {
		w.hand.has[c] = true
		w.box.remember(c.entry.ID)
	}
	return list, nil
}

// hand are the messages that a worker has. It may have one twice: it had lost it, does not
// know that yet, and has taken it again.
type hand struct {
	sync.Mutex
	has map[*claimed]bool
}

// ids are those of the messages.
func (h *hand) ids() []string {
	h.Lock()
	defer h.Unlock()
	ids := make(map[string]bool, len(h.has))
	for c := range h.has {
		ids[c.entry.ID] = true
	}
	return accountsOf(ids)
}

// letGo says that the worker no longer has a message.
func (w *worker) letGo(c *claimed) {
	w.hand.Lock()
	defer w.hand.Unlock()
	delete(w.hand.has, c)
}

// reclaim gives back what is leased to this worker and not in its hand: claims whose answers
// were lost. The server may do such a commit late, so that this is looked for at each sign of
// life. It never waits for a claim that hangs: the sign of life would.
func (w *worker) reclaim(ctx context.Context) error {
	if !w.claiming.TryLock() {
		return nil // the next time
	}
	defer w.claiming.Unlock()
	text, err := jsonText(rowsOf(w.hand.ids()))
	if err != nil {
		return err
	}
	_, err = w.box.store.exec(ctx, w.box.store.own(), `update {message} as m set state = 'queued', worker = null, changed = {now}
		where m.state in ('leased', 'sending') and m.state = 'leased' and m.worker = {2}
			and m.id not in (select r_id from {rows 1: id id})`, text, w.id)
	return err
}

// idRow is an id as a row of a JSON text.
type idRow struct {
	ID string `json:"id"`
}

func rowsOf(ids []string) []idRow {
	rows := make([]idRow, len(ids))
	for i, id := range ids {
		rows[i] = idRow{id}
	}
	return rows
}

func (s *Store) claimed(ctx context.Context, text string, args ...any) ([]*claimed, error) {
	var list []*claimed
	err := s.in(ctx, func(x Execer) error {
		list = nil
		byID := make(map[string]*claimed)
		err := s.query(ctx, x, text, args, func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			if err != nil {
				return err
			}
			c := &claimed{entry: e}
			list, byID[e.ID] = append(list, c), c
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		return s.smallBodies(ctx, x, byID)
	})
	return list, err
}

func (s *Store) smallBodies(ctx context.Context, x Execer, byID map[string]*claimed) error {
	text, err := jsonText(rowsOf(accountsOf(byID)))
	if err != nil {
		return err
	}
	return s.query(ctx, x, `select m.id, m.message from {rows 1: id id} join {body} m on m.id = r_id
		where {listed 1} and length(m.message) <= {2}`, []any{text, smallBody},
		func(scan func(...any) error) error {
			var id string
			var body []byte
			if err := scan(&id, &body); err != nil {
				return err
			}
			byID[id].body = body
			return nil
		})
}

// message returns the message of a claim.
func (s *Store) message(ctx context.Context, c *claimed) (*provider.Message, error) {
	body := c.body
	if body == nil {
		found, err := s.one(ctx, s.own(), "select message from {body} where id = {1}", []any{c.entry.ID}, &body)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, &provider.Error{
				Kind: provider.ErrInternal, Provider: driverName, Account: c.entry.Account, Outcome: provider.OutcomeNotSent,
				Message: "the outbox has no body of the message " + c.entry.ID,
			}
		}
	}
	m := new(provider.Message)
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("the body of %s: %w", c.entry.ID, err)
	}
	return m, nil
}

// queue is an account with queued messages.
type queue struct {
	account string
	wait    time.Duration // until the first one is due; at most 0 when it is
}

// queues returns the accounts that have queued messages and are not held, and after how long
// a held one may be probed. It looks at one row of the index for each account.
func (s *Store) queues(ctx context.Context) (list []queue, holds []Hold, err error) {
	holds, err = s.holds(ctx, s.own())
	if err != nil {
		return nil, nil, err
	}
	held := make(map[string]bool)
	for _, h := range holds {
		held[h.Account] = true
	}
	err = s.query(ctx, s.own(), `
		with recursive q (account) as (
			select (select min(account) from {message} where state = 'queued')
			union all
			select (select min(m.account) from {message} m where m.state = 'queued' and m.account > q.account)
			from q where q.account is not null
		)
		select q.account, (select min(m.run_at) from {message} m where m.state = 'queued' and m.account = q.account) - {now}
		from q where q.account is not null`, nil,
		func(scan func(...any) error) error {
			var one queue
			var wait *int64
			if err := scan(&one.account, &wait); err != nil {
				return err
			}
			if wait != nil && !held[one.account] {
				one.wait = time.Duration(*wait) * time.Microsecond
				list = append(list, one)
			}
			return nil
		})
	return list, holds, err
}
