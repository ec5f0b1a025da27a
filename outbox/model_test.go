package outbox

import (
	"cmp"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

var (
	modelSteps         = flag.Int("model.steps", 20_000, "random operations of TestModel on SQLite in memory")
	modelPostgresSteps = flag.Int("model.postgres", 1_500, "random operations of TestModel on PostgreSQL")
)

// model is what the ledger must be, written down a second time, and what really happened to
// the mails, which the ledger cannot know.
type model struct {
	t       *testing.T
	s       *Store
	b       *Box
	r       *rand.Rand
	at      time.Time // by the clock of the database
	tick    func(time.Time) error
	refs    map[string]*ref
	workers []*modelWorker
	leases  map[string]int64 // of all workers there were
	held    map[string]bool
	made    int
	steps   map[string]int
	skew    time.Duration // of the clocks of every second worker
	// mailsOnly: what the ledger says is not compared, only what happened to the mails.
	mailsOnly bool
	wrong     string // the first difference
	history   []string
}

// ref is a message.
type ref struct {
	id, account, subject, key  string
	state                      State
	attempt, failures, resends int
	worker                     string
	unclear, body              bool
	due, expires, first, until int64 // microseconds; 0: none
	changed                    int64
	decided                    string
	mails                      map[int]int     // at the vendor, by resends
	keys                       map[int]bool    // that the vendor knows
	open                       map[*hold1]bool // requests without a known outcome
	closed                     State           // what a person made of it

	message *provider.Message
	opts    *EnqueueOpts
}

// modelWorker is a worker whose steps the model makes one by one.
type modelWorker struct {
	*worker
	hand []*hold1
}

// hold1 is a message in the memory of a worker.
type hold1 struct {
	c       *claimed
	phase   int // 0 claimed, 1 the intent is stored, 2 the outcome is known, 3 fenced
	resends int
	t       trial
	taken   bool
	last    *change
	until   time.Time
}

const modelWindow = 9 * time.Minute

// modelStore is a Store whose clock a test sets, and the function that does.
func modelStore(t *testing.T, driver string) (*Store, func(time.Time) error) {
	if driver == "sqlite" {
		db, err := sql.Open("sqlite", "file::memory:?_txlock=immediate&_pragma=synchronous(FULL)")
		require.NoError(t, err)
		db.SetMaxOpenConns(1)
		t.Cleanup(func() { _ = db.Close() })
		s, err := SQLite(db, StoreOptions{})
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		var at time.Time
		s.clock = func() time.Time { return at }
		return s, func(now time.Time) error {
			at = now
			return nil
		}
	}
	s := postgresStore(t)
	clock := s.table("clock")
	_, err := s.db.ExecContext(t.Context(), "create table "+clock+" as select 0::bigint as at")
	require.NoError(t, err)
	d := *s.d
	d.now = "(select at from " + clock + ")"
	s.d = &d
	s.texts.Clear()
	var at time.Time
	s.clock = func() time.Time { return at }
	return s, func(now time.Time) error {
		at = now
		_, err := s.db.ExecContext(t.Context(), "update "+clock+" set at = $1", now.UnixMicro())
		return err
	}
}

func newModel(t *testing.T, s *Store, tick func(time.Time) error, seed uint64) *model {
	m := &model{
		t: t, s: s, r: rand.New(rand.NewPCG(seed, 1)), at: time.UnixMicro(1_900_000_000_000_000).UTC(), tick: tick,
		refs: make(map[string]*ref), held: make(map[string]bool), leases: make(map[string]int64), steps: make(map[string]int),
	}
	require.NoError(t, tick(m.at))
	keyed := newVendor()
	keyed.window = modelWindow
	m.b = open(t, s, map[string]*vendor{"keyed": keyed, "plain": newVendor()}, func(c *Config) {
		c.Lease = 30 * time.Second
		c.Retention = Retention{Accepted: time.Hour, Failed: time.Hour, Keys: time.Hour}
	})
	for range 3 {
		m.workers = append(m.workers, m.newWorker())
	}
	return m
}

func (m *model) newWorker() *modelWorker {
	id, err := newID()
	require.NoError(m.t, err)
	w := &modelWorker{worker: &worker{box: m.b, id: id, born: time.Now()}}
	m.beat(w)
	return w
}

func (m *model) now() int64 { return m.at.UnixMicro() }

// differs notes the first difference; the test ends with it.
func (m *model) differs(format string, args ...any) {
	if m.wrong == "" && !m.mailsOnly {
		m.wrong = fmt.Sprintf(format, args...)
	}
}

// broken notes a broken promise: of what really happened to mails.
func (m *model) broken(format string, args ...any) {
	if m.wrong == "" {
		m.wrong = fmt.Sprintf(format, args...)
	}
}

func (m *model) log(format string, args ...any) {
	m.history = append(m.history, fmt.Sprintf(format, args...))
	if len(m.history) > 40 {
		m.history = m.history[1:]
	}
}

// run makes random operations until one differs.
func (m *model) run(steps int) {
	for range steps {
		m.step()
		if m.wrong != "" {
			return
		}
	}
	m.all()
}

func (m *model) step() {
	w := m.workers[m.r.IntN(len(m.workers))]
	n := m.r.IntN(100)
	name := ""
	if m.skew != 0 && n >= 12 && n < 80 && slices.Index(m.workers, w)%2 == 1 { // a step of a worker
		require.NoError(m.t, m.tick(m.at.Add(m.skew)))
		defer func() { require.NoError(m.t, m.tick(m.at)) }()
	}
	switch {
	case n < 12:
		name = "enqueue"
		m.enqueue()
	case n < 26:
		name = "claim"
		m.claim(w)
	case n < 62:
		name = "changes"
		m.changes(w)
	case n < 72:
		name = "beat"
		m.beat(w)
	case n < 80:
		name = "sweep"
		m.sweep()
	case n < 90:
		name = "clock"
		m.advance()
	case n < 92:
		name = "death"
		m.workers[slices.Index(m.workers, w)] = m.newWorker()
	case n < 96:
		name = "person"
		m.person()
	case n < 98:
		name = "settle"
		m.settle()
	case n < 99:
		name = "hold"
		m.hold()
	default:
		name = "purge"
		m.purge()
	}
	m.steps[name]++
}

func (m *model) pick(states ...State) *ref {
	var list []*ref
	for _, r := range m.refs {
		if len(states) == 0 || slices.Contains(states, r.state) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b *ref) int { return cmp.Compare(a.id, b.id) })
	return list[m.r.IntN(len(list))]
}

func (m *model) enqueue() {
	if len(m.refs) >= 24 {
		if r := m.pick(); r.key != "" { // once more
			id, err := m.b.Enqueue(m.t.Context(), r.message, r.opts)
			if err != nil || id != r.id {
				m.differs("enqueue again under %s: %s, %v, expected %s", r.key, id, err, r.id)
			}
			m.compare(r)
		}
		return
	}
	m.made++
	r := &ref{
		account: []string{"keyed", "plain"}[m.r.IntN(2)], subject: fmt.Sprint("mail ", m.made), state: Queued, body: true,
		mails: make(map[int]int), keys: make(map[int]bool), open: make(map[*hold1]bool), due: m.now(), changed: m.now(),
	}
	var sendAt time.Time
	if m.r.IntN(3) == 0 {
		r.key = fmt.Sprint("key ", m.made)
	}
	if m.r.IntN(5) == 0 {
		sendAt = m.at.Add(time.Duration(m.r.IntN(600)) * time.Second)
		r.due = max(sendAt.UnixMicro(), r.due)
	}
	o := &EnqueueOpts{Account: r.account}
	r.expires = r.due + m.b.cfg.GiveUp.Microseconds()
	if m.r.IntN(4) == 0 {
		due := m.at
		if sendAt.After(due) {
			due = sendAt
		}
		o.Expires = due.Add(time.Duration(1+m.r.IntN(900)) * time.Second)
		r.expires = o.Expires.UnixMicro()
	}
	r.message, r.opts = m.mail(r.subject, r.key, sendAt), o
	id, err := m.b.Enqueue(m.t.Context(), r.message, o)
	if err != nil {
		m.differs("enqueue: %v", err)
		return
	}
	r.id = id
	m.refs[id] = r
	m.log("enqueue %s at %s", id, r.account)
	m.compare(r)
}

func (m *model) mail(subject, key string, at time.Time) *provider.Message {
	out := mail(subject)
	out.IdempotencyKey, out.SendAt = key, at
	return out
}

func (m *model) claim(w *modelWorker) {
	var expected []*ref
	var got []*claimed
	var err error
	if m.r.IntN(3) == 0 {
		r := m.pick()
		if r == nil {
			return
		}
		if r.state == Queued && r.due <= m.now() && !m.held[r.account] {
			expected = append(expected, r)
		}
		got, err = m.s.claimed(m.t.Context(), claimOne, r.id, w.id, bodyFormat)
	} else {
		account, n := []string{"keyed", "plain"}[m.r.IntN(2)], 1+m.r.IntN(6)
		for _, r := range m.refs {
			if r.state == Queued && r.account == account && r.due <= m.now() {
				expected = append(expected, r)
			}
		}
		slices.SortFunc(expected, func(a, b *ref) int { return cmp.Or(cmp.Compare(a.due, b.due), strings.Compare(a.id, b.id)) })
		expected = expected[:min(n, len(expected))]
		got, err = m.s.claimed(m.t.Context(), claimDue, account, w.id, bodyFormat, n)
	}
	if m.mailsOnly {
		expected = nil
		for _, c := range got {
			expected = append(expected, m.refs[c.entry.ID])
			m.refs[c.entry.ID].attempt = c.entry.Attempt - 1
		}
	}
	if err != nil || len(got) != len(expected) {
		m.differs("claim: %v, got %d, expected %d", err, len(got), len(expected))
		return
	}
	for _, r := range expected {
		i := slices.IndexFunc(got, func(c *claimed) bool { return c.entry.ID == r.id })
		if i < 0 {
			m.differs("claim took another than %s", r.id)
			return
		}
		r.state, r.worker, r.changed = Leased, w.id, m.now()
		r.attempt++
		m.log("claim %s attempt %d by %s", r.id, r.attempt, w.id)
		w.hand = append(w.hand, &hold1{c: got[i], resends: r.resends, until: got[i].entry.keyUntil})
		m.same(r, got[i].entry)
	}
}

// changes makes one to four changes of a worker in one transaction.
func (m *model) changes(w *modelWorker) {
	var list []*change
	var holds []*hold1
	for range 1 + m.r.IntN(4) {
		if len(w.hand) == 0 {
			break
		}
		i := m.r.IntN(len(w.hand))
		h := w.hand[i]
		if slices.Contains(holds, h) {
			continue
		}
		c := m.change(w, h)
		if c == nil {
			continue
		}
		list, holds = append(list, c), append(holds, h)
	}
	if len(list) == 0 {
		return
	}
	// What the statements make of them: results, then those given back, then intents.
	expected := make([]bool, len(list))
	touched := make(map[string]bool)
	for _, kind := range []changeKind{result, back, intent} {
		for i, c := range list {
			if c.kind == kind {
				expected[i] = m.expect(w, c)
				touched[c.ID] = true
			}
		}
	}
	answers, err := m.s.apply(m.t.Context(), w.id, list)
	if err != nil {
		m.differs("apply: %v", err)
		return
	}
	if m.r.IntN(10) == 0 { // the answer to the commit was lost: it is asked again
		for _, kind := range []changeKind{result, back, intent} {
			for i, c := range list {
				if c.kind == kind {
					again := m.expect(w, c)
					expected[i] = again
				}
			}
		}
		if answers, err = m.s.apply(m.t.Context(), w.id, list); err != nil {
			m.differs("apply again: %v", err)
			return
		}
	}
	for i, c := range list {
		m.log("%d of %s attempt %d by %s to %s: %v", c.kind, c.ID, c.Attempt, w.id, c.State, answers[i].ok)
		if answers[i].ok != expected[i] {
			m.differs("change %+v of worker %s: %v, expected %v; %+v", *c, w.id, answers[i].ok, expected[i], m.refs[c.ID])
		}
		m.happened(w, holds[i], c, answers[i])
	}
	for id := range touched {
		m.compare(m.refs[id])
	}
}

// change is the next change of a message in a worker's memory; nil: there is none now.
func (m *model) change(w *modelWorker, h *hold1) *change {
	e := h.c.entry
	window := modelWindow
	if e.Account == "plain" {
		window = 0
	}
	switch h.phase {
	case 0:
		if m.r.IntN(12) == 0 { // the worker stops
			c, err := resultOf(e, verdict{state: Queued, unclear: e.Unclear, failures: e.Failures}, nil, nil)
			require.NoError(m.t, err)
			return c
		}
		if e.Unclear && !m.at.Before(h.until) { // NotAfter keeps it back
			return m.resultOf(h, trial{entry: e, err: failure(provider.ErrCanceled, provider.OutcomeNotSent), keyed: window > 0, keyUntil: h.until, now: m.at})
		}
		return &change{ID: e.ID, Attempt: e.Attempt, kind: intent, Member: e.Account, Window: window.Microseconds()}
	case 1: // the request is under way
		t := trial{entry: e, keyed: window > 0, keyUntil: h.until, now: m.at}
		if !h.taken && m.r.IntN(4) == 0 {
			return &change{ID: e.ID, Attempt: e.Attempt, kind: back}
		}
		switch n := m.r.IntN(4); {
		case n == 0:
			t.err = failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)
		case h.taken:
			t.receipt = &provider.Receipt{State: provider.StateAccepted, MessageID: "v"}
			if n == 1 {
				t.receipt = &provider.Receipt{State: provider.StateScheduled}
			}
		case n == 1:
			t.err = failure(provider.ErrInvalid, provider.OutcomeNotSent)
		default:
			t.err = failure(provider.ErrUnavailable, provider.OutcomeNotSent)
		}
		return m.resultOf(h, t)
	case 2:
		again := *h.last // once more
		return &again
	}
	return m.resultOf(h, trial{entry: e, err: notSentError(errFenced), keyed: window > 0, keyUntil: h.until, now: m.at})
}

func (m *model) resultOf(h *hold1, t trial) *change {
	h.t = t
	c, err := resultOf(t.entry, judge(t), t.receipt, t.err)
	require.NoError(m.t, err)
	return c
}

// expect makes a change in the model, and returns whether the worker had the message.
func (m *model) expect(w *modelWorker, c *change) bool {
	r := m.refs[c.ID]
	if r == nil {
		return false
	}
	mine := r.attempt == c.Attempt && r.worker == w.id && (r.state == Leased || r.state == Sending)
	switch c.kind {
	case intent:
		if !mine || m.dead(w.id) {
			return false
		}
		if r.first == 0 {
			r.first = m.now()
		}
		r.until = 0
		if c.Window > 0 {
			r.until = r.first + c.Window
		}
		r.state = Sending
	case back:
		if !mine || r.state != Sending {
			return false
		}
		r.state = Leased
		if !r.unclear {
			r.first, r.until = 0, 0
		}
	case result:
		late := r.attempt <= c.Attempt && r.state == Unknown ||
			r.attempt == c.Attempt && r.state == Queued && (c.State == Accepted || c.State == Scheduled)
		if !mine && !late {
			return false
		}
		r.state, r.worker, r.unclear, r.failures = c.State, "", c.Unclear, c.Failures
		if c.Wait != nil {
			r.due = m.now() + *c.Wait
		}
		if !c.Unclear {
			r.until = 0
			if c.State == Queued {
				r.first = 0
			}
		}
		if c.State == Accepted || c.State == Scheduled {
			r.body = false
		}
	}
	r.changed = m.now()
	return true
}

// happened is what a worker does after the answer, and what the vendor does.
func (m *model) happened(w *modelWorker, h *hold1, c *change, a changed) {
	r := m.refs[c.ID]
	switch c.kind {
	case intent:
		if !a.ok {
			h.phase = 3
			return
		}
		h.phase = 1
		h.until = time.Time{}
		if c.Window > 0 {
			h.until = a.firstAt.Add(time.Duration(c.Window) * time.Microsecond)
		}
		m.request(r, h)
	case back:
		h.phase = 0 // whatever the ledger says, the request was not sent
		if r != nil {
			delete(r.open, h)
		}
	case result:
		if h.phase == 1 && r != nil { // the worker knows now, or never will
			if h.t.receipt != nil || !h.taken {
				delete(r.open, h)
			}
		}
		if m.r.IntN(8) > 0 { // else the same is stored once more
			w.hand = slices.DeleteFunc(w.hand, func(one *hold1) bool { return one == h })
			return
		}
		h.phase, h.last = 2, c
	}
}

// request leaves: the mail arrives, or it does not.
func (m *model) request(r *ref, h *hold1) {
	for other := range r.open {
		if r.account == "plain" && other.resends == h.resends {
			m.broken("a second request without a key leaves for %+v", r)
		}
	}
	r.open[h] = true
	if h.resends != r.resends {
		m.broken("a request of before a person's decision leaves for %+v", r)
	}
	h.taken = m.r.IntN(2) == 0
	if r.keys[h.resends] {
		h.taken = true // the vendor says that it has it
		if r.account == "keyed" && !m.at.Before(h.until) {
			m.broken("a request leaves after the vendor's time for the key of %+v", r)
		}
		return
	}
	if h.taken {
		r.mails[h.resends]++
		r.keys[h.resends] = r.account == "keyed"
	}
	if r.mails[h.resends] > 1 {
		m.broken("sent twice: %+v", r)
	}
}

func (m *model) beat(w *modelWorker) {
	if err := w.beat(m.t.Context()); err != nil {
		m.differs("beat: %v", err)
	}
	m.leases[w.id] = m.now() + m.b.cfg.Lease.Microseconds()
}

// advance lets time pass.
func (m *model) advance() {
	spans := []time.Duration{10 * time.Millisecond, time.Second, time.Second, 10 * time.Second, 10 * time.Second, 40 * time.Second, 3 * time.Minute, 12 * time.Minute}
	d := spans[m.r.IntN(len(spans))]
	if m.r.IntN(100) == 0 {
		d = 25 * time.Hour
	}
	m.at = m.at.Add(d + time.Duration(m.r.IntN(1000))*time.Microsecond)
	m.log("%s pass", d)
	if err := m.tick(m.at); err != nil {
		m.differs("clock: %v", err)
	}
}

// dead reports whether a worker shows no sign of life, also one whose process is gone.
func (m *model) dead(worker string) bool { return m.leases[worker] <= m.now() }

func (m *model) sweep() {
	m.log("sweep")
	if _, err := m.s.sweep(m.t.Context()); err != nil {
		m.differs("sweep: %v", err)
		return
	}
	now := m.now()
	for _, r := range m.refs {
		switch {
		case r.state == Leased && m.dead(r.worker):
			r.state, r.worker, r.changed = Queued, "", now
		case r.state == Sending && m.dead(r.worker) && r.until > now:
			r.state, r.worker, r.unclear, r.changed = Queued, "", true, now
		case r.state == Sending && m.dead(r.worker):
			r.state, r.worker, r.unclear, r.changed = Unknown, "", true, now
			r.due = now + lookUpAfter(0).Microseconds()
		}
		if r.state == Queued && r.unclear && r.until <= now {
			r.state, r.changed = Unknown, now
			r.due = now + lookUpAfter(0).Microseconds()
		}
		if r.state == Queued && !r.unclear && r.expires <= now {
			r.state, r.changed = Dead, now
		}
	}
	m.all()
}

// person cancels, retries and decides.
func (m *model) person() {
	r := m.pick()
	if r == nil {
		return
	}
	var err error
	ok, ctx := false, m.t.Context()
	before := r.state
	verb := []string{"cancel", "retry", "sent", "again", "drop"}[m.r.IntN(5)]
	switch verb {
	case "cancel":
		err = m.s.Cancel(ctx, r.id)
		if ok = r.state == Queued && !r.unclear; ok {
			r.state = Canceled
		}
		ok = ok || before == Canceled
	case "retry":
		err = m.b.Retry(ctx, r.id)
		if ok = (r.state == Dead || r.state == Refused) && !r.unclear; ok {
			r.state, r.due, r.expires, r.failures, r.first, r.until = Queued, m.now(), m.now()+m.b.cfg.GiveUp.Microseconds(), 0, 0, 0
		}
		ok = ok || before == Queued
	case "sent":
		err = m.b.Decide(ctx, r.id, WasSent, "anna")
		if ok = r.state == Unknown; ok {
			r.state, r.decided, r.closed = Accepted, "anna", Accepted
		}
		ok = ok || before == Accepted
	case "drop":
		err = m.b.Decide(ctx, r.id, Drop, "anna")
		if ok = r.state == Unknown || r.state == Dead || r.state == Refused; ok {
			r.state, r.decided, r.closed = Dropped, "anna", Dropped
		}
		ok = ok || before == Dropped
	case "again":
		err = m.b.Decide(ctx, r.id, SendAgain, "anna")
		if ok = r.state == Unknown && r.body; ok {
			r.state, r.decided, r.due, r.expires = Queued, "anna", m.now(), m.now()+m.b.cfg.GiveUp.Microseconds()
			r.unclear, r.failures, r.first, r.until = false, 0, 0, 0
			r.resends++
			r.attempt++
		}
		ok = ok || before == Queued
	}
	if r.state != before {
		r.changed = m.now()
	}
	m.log("%s %s: %v", verb, r.id, err)
	if (err == nil) != ok {
		m.differs("%s of %+v (was %s): %v", verb, r, before, err)
	}
	m.compare(r)
}

// settle stores what a look-up proved.
func (m *model) settle() {
	r := m.pick(Unknown)
	if r == nil {
		return
	}
	e, err := m.s.Get(m.t.Context(), r.id)
	if err != nil {
		m.differs("get: %v", err)
		return
	}
	v, receipt := verdict{state: Accepted}, &provider.Receipt{State: provider.StateDelivered, MessageID: "v-" + r.id}
	if r.mails[r.resends] == 0 {
		v, receipt = verdict{state: Dead}, &provider.Receipt{State: provider.StateRefused}
	}
	done, err := m.b.store.settled(m.t.Context(), e, v, receipt)
	m.log("settle %s as %s: %v %v", r.id, v.state, done, err)
	if err != nil || !done {
		m.differs("settle of %+v: %v, %v", r, done, err)
		return
	}
	clear(r.open) // it is proved what became of them
	r.state, r.unclear, r.failures, r.until, r.changed, r.worker = v.state, false, 0, 0, m.now(), ""
	if v.state == Accepted {
		r.body = false
	}
	m.compare(r)
}

func (m *model) hold() {
	account := []string{"keyed", "plain"}[m.r.IntN(2)]
	var err error
	if m.held[account] {
		_, err = m.s.Release(m.t.Context(), account)
	} else {
		err = m.s.Hold(m.t.Context(), account, "a test", "anna")
	}
	if err != nil {
		m.differs("hold: %v", err)
	}
	m.held[account] = !m.held[account]
}

// purge removes what ended long ago.
func (m *model) purge() {
	if _, err := m.b.Purge(m.t.Context()); err != nil {
		m.differs("purge: %v", err)
		return
	}
	for id, r := range m.refs {
		if r.state.Ended() && r.changed < m.now()-time.Hour.Microseconds() {
			if _, err := m.s.Get(m.t.Context(), id); err == nil {
				m.differs("the purge left %+v", r)
			}
			delete(m.refs, id)
			for _, w := range m.workers { // late workers find no row
				w.hand = slices.DeleteFunc(w.hand, func(h *hold1) bool { return h.c.entry.ID == id })
			}
		}
	}
	m.all()
}

// all compares every message.
func (m *model) all() {
	found := 0
	for e, err := range m.s.List(m.t.Context(), Query{}) {
		if err != nil {
			m.differs("list: %v", err)
			return
		}
		found++
		if r := m.refs[e.ID]; r != nil {
			m.same(r, e)
		} else {
			m.differs("the outbox has %+v", e)
		}
	}
	if found != len(m.refs) {
		m.differs("the outbox has %d messages, expected %d", found, len(m.refs))
	}
}

func (m *model) compare(r *ref) {
	if r == nil {
		return
	}
	e, err := m.s.Get(m.t.Context(), r.id)
	if err != nil {
		m.differs("get of %+v: %v", r, err)
		return
	}
	m.same(r, e)
}

// same compares a message with the model, and both with what really happened.
func (m *model) same(r *ref, e *Entry) {
	type row struct {
		state                      State
		attempt, failures, resends int
		unclear                    bool
		due, expires, first, until int64
		decided                    string
	}
	us := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMicro()
	}
	want := row{r.state, r.attempt, r.failures, r.resends, r.unclear, r.due, r.expires, r.first, r.until, r.decided}
	got := row{e.State, e.Attempt, e.Failures, e.Resends, e.Unclear, us(e.NextAt), us(e.Expires), us(e.FirstAt), us(e.keyUntil), e.Decided}
	if e.State != Queued && e.State != Unknown {
		want.due = 0
	}
	if got != want {
		m.differs("%s is %+v, expected %+v", r.id, got, want)
	}
	if m.mailsOnly {
		r.state, r.attempt, r.unclear, r.due, r.first, r.until = e.State, e.Attempt, e.Unclear, max(got.due, r.due), got.first, got.until
	}
	total := 0
	for _, n := range r.mails {
		total += n
	}
	switch mails := r.mails[r.resends]; {
	case r.closed != "" && r.state != r.closed:
		m.broken("a person's decision was overwritten: %+v", r)
	case r.closed != "":
	case (r.state == Accepted || r.state == Scheduled) && total == 0:
		m.broken("accepted, and there is no mail: %+v", r)
	case (r.state == Refused || r.state == Dead || r.state == Canceled || r.state == Dropped) && mails > 0:
		m.broken("nothing was sent, it says, and there is a mail: %+v", r)
	case (r.state == Queued || r.state == Leased) && !r.unclear && mails > 0:
		m.broken("a mail that was sent may be sent again: %+v", r)
	}
}

// result fails the test with the way to the first difference.
func (m *model) result() {
	if m.wrong != "" {
		m.t.Fatalf("%s\n%s", m.wrong, strings.Join(m.history, "\n"))
	}
	m.t.Log(m.made, "messages", m.steps)
}

// Random operations keep the ledger as the model says, and no mail goes out twice.
func TestModel(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s, tick := modelStore(t, "sqlite")
		m := newModel(t, s, tick, modelSeed())
		steps := *modelSteps
		if raced && steps == 20_000 {
			steps = 4_000 // the default is for a run without the race detector
		}
		m.run(steps)
		m.result()
	})
	t.Run("postgres", func(t *testing.T) {
		s, tick := modelStore(t, "postgres")
		m := newModel(t, s, tick, modelSeed())
		m.run(*modelPostgresSteps)
		m.result()
	})
}

func modelSeed() uint64 { return uint64(os.Getpid()) }
