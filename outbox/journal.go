package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// errFenced ends a try whose message is another worker's by now, or nobody's.
var errFenced = errors.New("the message was taken from this worker: its lease had run out, or a person decided about it")

// change is one change of a message's state, by the worker that has it.
type change struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`

	// Of an intent:
	Member string `json:"member,omitempty"`
	Window int64  `json:"keyed"` // how long the provider knows the key; 0: none

	// Of a result:
	State    State   `json:"state,omitempty"`
	Wait     *int64  `json:"wait"`
	Unclear  bool    `json:"unclear"`
	Failures int     `json:"failures"`
	Vendor   *string `json:"vendor"`
	Receipt  *string `json:"receipt"`
	Error    *string `json:"error"`

	kind changeKind
	done chan changed
}

type changeKind uint8

const (
	intent changeKind = iota // a request leaves now
	back                     // nothing of the request was sent: it waits again
	result                   // the try has ended
	kinds
)

// changed is the answer to a change.
type changed struct {
	ok      bool      // the message was this worker's
	firstAt time.Time // of an intent: the first try that may have sent it
	now     time.Time // of the database
}

// commitMost is how many changes one transaction has.
const commitMost = 512

// journal stores the changes of all senders of a worker: what comes while a transaction
// runs goes into the next one.
type journal struct {
	w     *worker
	input chan *change
	ended chan struct{}
}

func newJournal(w *worker) *journal {
	return &journal{w: w, input: make(chan *change, commitMost), ended: make(chan struct{})}
}

// post hands a change over and returns a function that waits for it. An error means that
// nobody knows whether it is stored: ctx has ended.
func (j *journal) post(ctx context.Context, c *change) (wait func() (changed, error)) {
	c.done = make(chan changed, 1)
	select {
	case j.input <- c:
	case <-ctx.Done():
		return func() (changed, error) { return changed{}, ctx.Err() }
	}
	return func() (changed, error) {
		select {
		case a := <-c.done:
			return a, nil
		case <-ctx.Done():
			return changed{}, ctx.Err()
		}
	}
}

// store stores a change and waits for it.
func (j *journal) store(ctx context.Context, c *change) (changed, error) { return j.post(ctx, c)() }

// storeAll stores changes and waits for all.
func (j *journal) storeAll(ctx context.Context, list []*change) ([]changed, error) {
	waits := make([]func() (changed, error), len(list))
	for i, c := range list {
		waits[i] = j.post(ctx, c)
	}
	answers := make([]changed, len(list))
	for i, wait := range waits {
		var err error
		if answers[i], err = wait(); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// run stores changes until the input is closed. A database that is away is asked again
// until quit ends.
func (j *journal) run(quit context.Context) {
	defer close(j.ended)
	var all sync.WaitGroup
	for range j.w.box.store.d.writers {
		all.Go(func() { j.write(quit) })
	}
	all.Wait()
}

// write stores changes, those that have come by then in one transaction. A message has one
// change under way at a time, so that transactions side by side have no row in common.
func (j *journal) write(quit context.Context) {
	for first := range j.input {
		list := []*change{first}
	more:
		for len(list) < commitMost {
			select {
			case c, ok := <-j.input:
				if !ok {
					break more
				}
				list = append(list, c)
			default:
				break more
			}
		}
		j.commit(quit, list)
	}
}

// storeWaits are the waits after a transaction failed.
var storeWaits = []time.Duration{
	20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second,
}

func (j *journal) commit(quit context.Context, list []*change) {
	for try := 0; ; try++ {
		answers, err := j.w.box.store.apply(quit, j.w.id, list)
		if err == nil {
			for i, c := range list {
				c.done <- answers[i]
			}
			return
		}
		j.w.storeError(quit, err)
		wait := time.NewTimer(storeWaits[min(try, len(storeWaits)-1)])
		select {
		case <-wait.C:
		case <-quit.Done():
			wait.Stop()
			for _, c := range list {
				c.done <- changed{}
			}
			return
		}
	}
}

// changeRows are the columns of changes that each statement reads.
const (
	intentRows = "{rows 1: id id, attempt int, member text, keyed int}"
	backRows   = "{rows 1: id id, attempt int}"
	resultRows = "{rows 1: id id, attempt int, state text, wait int, unclear bool, failures int, vendor text, " +
		"receipt text, error text}"
)

// applyTexts are the statements of changes. Each names id and attempt: a worker that lost
// a message and has it again has another attempt. Each can be repeated: a commit whose
// answer was lost is made again and changes nothing.
var applyTexts = [kinds]string{
	intent: `update {message} as m set state = 'sending', member = r_member, intent_at = {now}, changed = {now},
			first_at = coalesce(m.first_at, {now}),
			key_until = case when r_keyed > 0 then coalesce(m.first_at, {now}) + r_keyed end
		from ` + intentRows + ` where {listed 1} and m.id = r_id and m.attempt = r_attempt and {unindexed m.worker} = {2}
			and {unindexed m.state} in ('leased', 'sending') and {timeline}
			and exists (select 1 from {worker} w where w.id = {2} and w.expires > {now})
		returning id, attempt, first_at, {now}`,
	back: `update {message} as m set state = 'leased', changed = {now},
			first_at = case when m.unclear then m.first_at end, key_until = case when m.unclear then m.key_until end
		from ` + backRows + ` where {listed 1} and m.id = r_id and m.attempt = r_attempt and {unindexed m.worker} = {2} and m.state = 'sending'
		returning id, attempt, 0, {now}`,
	// Late truth wins: of a worker that was taken for dead, over unknown. A person's decision
	// leads out of unknown; one to send again counts as an attempt, so that what is known of
	// those before comes too late. After another server took over, the number of the attempt
	// may be lost.
	result: `update {message} as m set state = r_state, changed = {now}, worker = null,
			run_at = case when r_wait is null then m.run_at else {now} + r_wait end,
			unclear = r_unclear, failures = r_failures,
			first_at = case when r_unclear or r_state <> 'queued' then m.first_at end,
			key_until = case when r_unclear then m.key_until end,
			vendor_id = r_vendor, receipt = coalesce(r_receipt, m.receipt), error = r_error
		from ` + resultRows + ` where {listed 1} and m.id = r_id and (
			m.attempt = r_attempt and {unindexed m.worker} = {2} and {unindexed m.state} in ('leased', 'sending')
			or m.attempt <= r_attempt and m.state = 'unknown'
			or m.attempt = r_attempt and m.state = 'queued' and r_state in ('accepted', 'scheduled'))
		returning id, attempt, 0, {now}`,
}

// apply stores changes of a worker in one transaction.
func (s *Store) apply(ctx context.Context, worker string, list []*change) ([]changed, error) {
	var answers []changed
	err := s.in(ctx, func(x Execer) error {
		answers = make([]changed, len(list))
		for kind := kinds; kind > 0; kind-- { // results first: they free what intents wait for
			if err := s.applyKind(ctx, x, worker, kind-1, list, answers); err != nil {
				return err
			}
		}
		return s.dropBodies(ctx, x, list, answers)
	})
	return answers, err
}

// applyKind stores the changes of one kind. A worker that had lost a message and has it again
// may have two changes of it here: each statement has an id once, so that its answer is clear.
func (s *Store) applyKind(
	ctx context.Context, x Execer, worker string, kind changeKind, list []*change, answers []changed,
) error {
	rest := make([]int, 0, len(list))
	for i, c := range list {
		if c.kind == kind {
			rest = append(rest, i)
		}
	}
	for len(rest) > 0 {
		index := make(map[string]int, len(rest))
		again := rest[:0]
		for _, i := range rest {
			if _, ok := index[list[i].ID]; ok {
				again = append(again, i)
				continue
			}
			index[list[i].ID] = i
		}
		if err := s.applyOnce(ctx, x, worker, kind, list, index, answers); err != nil {
			return err
		}
		rest = again
	}
	return nil
}

// applyOnce stores the changes of an index, from id to place in list.
func (s *Store) applyOnce(
	ctx context.Context, x Execer, worker string, kind changeKind, list []*change, index map[string]int, answers []changed,
) error {
	rows := make([]*change, 0, len(index))
	for _, i := range index {
		rows = append(rows, list[i])
	}
	slices.SortFunc(rows, func(a, b *change) int { return strings.Compare(a.ID, b.ID) })
	text, err := jsonText(rows)
	if err != nil {
		return err
	}
	return s.query(ctx, x, applyTexts[kind], []any{text, worker}, func(scan func(...any) error) error {
		var id string
		var attempt int
		var first, now int64
		if err := scan(&id, &attempt, &first, &now); err != nil {
			return err
		}
		// The answer is for this attempt: the same worker may have had the message before.
		if i, ok := index[id]; ok && (list[i].Attempt == attempt || kind == result) {
			answers[i] = changed{ok: true, firstAt: timeOf(first), now: timeOf(now)}
		}
		return nil
	})
}

// dropBodies deletes the bodies of messages that the provider has.
func (s *Store) dropBodies(ctx context.Context, x Execer, list []*change, answers []changed) error {
	var rows []idRow
	for i, c := range list {
		if c.kind == result && answers[i].ok && (c.State == Accepted || c.State == Scheduled) {
			rows = append(rows, idRow{c.ID})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	text, err := jsonText(rows)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, x, "delete from {body} as m where {listed 1} and m.id in (select r_id from {rows 1: id id})", text)
	return err
}

// resultOf is the change that a verdict makes.
func resultOf(e *Entry, v verdict, r *provider.Receipt, err error) (*change, error) {
	c := &change{
		ID: e.ID, Attempt: e.Attempt, kind: result, State: v.state, Unclear: v.unclear, Failures: v.failures,
	}
	if v.state == Queued {
		wait := v.wait.Microseconds()
		c.Wait = &wait
	}
	if v.state == Unknown {
		wait := lookUpAfter(0).Microseconds()
		c.Wait = &wait
	}
	if r != nil && v.state != Queued {
		r = r.Clone()
		r.OutboxID = "" // the row has it
		text, err := jsonOf(r)
		if err != nil {
			return nil, err
		}
		c.Receipt = text
		if id := r.MessageID; id != "" {
			c.Vendor = &id
		}
	}
	if e, ok := asProviderError(err); ok {
		text, err := jsonOf(e)
		if err != nil {
			return nil, err
		}
		c.Error = text
	}
	return c, nil
}

// jsonOf is v as JSON, in a text that every database takes.
func jsonOf(v any) (*string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(data), `\u0000`, `\ufffd`)
	return &text, nil
}
