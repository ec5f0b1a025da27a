package outbox

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Stats is the state of an outbox.
type Stats struct {
	ByState map[State]int64 `json:"by_state"`
	// OldestDue is how long the oldest queued message has been due; 0 when none is.
	OldestDue time.Duration `json:"oldest_due"`
	Holds     []Hold        `json:"holds"`
	Workers   []Worker      `json:"workers"`
}

// Worker is a process that sends, or whose sign of life ended lately.
type Worker struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Alive   bool      `json:"alive"`
}

// Stats counts all messages; it reads the whole table.
func (s *Store) Stats(ctx context.Context) (*Stats, error) {
	out := &Stats{ByState: make(map[State]int64)}
	for _, state := range States() {
		out.ByState[state] = 0
	}
	err := s.query(ctx, s.own(), "select state, count(*) from {message} group by state", nil, func(scan func(...any) error) error {
		var state State
		var n int64
		err := scan(&state, &n)
		out.ByState[state] = n
		return err
	})
	var oldest *int64
	if err == nil {
		_, err = s.one(ctx, s.own(), "select {now} - min(run_at) from {message} where state = 'queued'", nil, &oldest)
	}
	if err == nil {
		if oldest != nil {
			out.OldestDue = max(time.Duration(*oldest)*time.Microsecond, 0)
		}
		out.Holds, err = s.holds(ctx, s.own())
	}
	if err == nil {
		err = s.query(ctx, s.own(), "select id, host, started, seen, case when expires > {now} then 1 else 0 end from {worker} order by started, id", nil,
			func(scan func(...any) error) error {
				var w Worker
				var started, seen int64
				var alive int
				err := scan(&w.ID, &w.Host, &started, &seen, &alive)
				w.Started, w.Seen, w.Alive = timeOf(started), timeOf(seen), alive == 1
				out.Workers = append(out.Workers, w)
				return err
			})
	}
	if err != nil {
		return nil, s.storeError("stats", err)
	}
	return out, nil
}

// Overdue returns the ids of up to so many messages that have been due for so long, of accounts
// that are not held. A dispatcher that was told of messages one by one, as a job queue is,
// finds with it what it has missed: give them to Process.
func (s *Store) Overdue(ctx context.Context, by time.Duration, most int) ([]string, error) {
	queues, _, err := s.queues(ctx)
	if err != nil {
		return nil, s.storeError("overdue", err)
	}
	var ids []string
	for _, q := range queues {
		err := s.query(ctx, s.own(), `select id from {message} m where m.state = 'queued' and m.account = {1}
			and m.run_at <= {now} - {2} order by m.account, m.run_at, m.id limit {3}`,
			[]any{q.account, by.Microseconds(), most - len(ids)}, func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				ids = append(ids, id)
				return err
			})
		if err != nil {
			return nil, s.storeError("overdue", err)
		}
	}
	return ids, nil
}

// Query says which messages List returns; zero fields say nothing.
type Query struct {
	States    []State
	Account   string
	Namespace string
	Key       string
	Recipient string // an address
	MessageID string // the provider's id
	Since     time.Time
	Until     time.Time
}

// listMost is the size of a page.
const listMost = 500

// List returns messages, the newest first. The error comes once and last. What is stored
// while it runs may be missing.
func (s *Store) List(ctx context.Context, q Query) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		created, id := int64(1)<<62, "ffffffff-ffff-ffff-ffff-ffffffffffff"
		for {
			page, err := s.page(ctx, q, created, id)
			if err != nil {
				yield(nil, s.storeError("list", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < listMost {
				return
			}
			last := page[len(page)-1]
			created, id = last.Created.UnixMicro(), last.ID
		}
	}
}

// page returns the messages of q before the one with a time and an id.
func (s *Store) page(ctx context.Context, q Query, created int64, id string) ([]*Entry, error) {
	var where []string
	args := []any{created, id}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, strings.ReplaceAll(condition, "{}", "{"+strconv.Itoa(len(args))+"}"))
	}
	where = append(where, "(m.created < {1} or m.created = {1} and m.id < cast({2} as {id}))", "m.created <= {1}")
	if len(q.States) > 0 {
		names := make([]string, len(q.States))
		for i, state := range q.States {
			args = append(args, string(state))
			names[i] = "{" + strconv.Itoa(len(args)) + "}"
		}
		where = append(where, "m.state in ("+strings.Join(names, ", ")+")")
	}
	for _, c := range []struct{ column, value string }{
		{"m.account", q.Account},
		{"m.namespace", q.Namespace},
		{"m.key", q.Key},
		{"m.vendor_id", q.MessageID},
		{"m.rcpt", optional(q.Recipient, emailKey)},
	} {
		if c.value != "" {
			add(c.column+" = {}", c.value)
		}
	}
	if !q.Since.IsZero() {
		add("m.created >= {}", q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		add("m.created < {}", q.Until.UnixMicro())
	}
	var list []*Entry
	err := s.query(ctx, s.own(), "select "+entryColumns+" from {message} m where "+strings.Join(where, " and ")+
		" order by m.created desc, m.id desc limit "+strconv.Itoa(listMost), args, func(scan func(...any) error) error {
		e, err := scanEntry(scan)
		list = append(list, e)
		return err
	})
	return list, err
}

// optional is f of a text that is given.
func optional(text string, f func(string) string) string {
	if text == "" {
		return ""
	}
	return f(text)
}
