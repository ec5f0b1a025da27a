package route_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/route"
)

var keyHistories = flag.Uint64("keys.histories", 1500, "random histories of TestKeysModel")

// errDied is the panic with which a process ends.
var errDied = errors.New("the process dies")

// A history is a sequence of sends, failures, crashes, restarts, swaps and look-ups of
// two programs that share vendors and a store. It knows what no client sees: which
// mail a vendor took over.
type history struct {
	t       *testing.T
	rnd     *rand.Rand
	durable bool
	disk    map[string][]byte // of all processes
	offices map[string]*office
	behind  map[string]string // account in the configuration -> office
	process *process

	act      string                         // namespace and key of the send that runs
	requests int                            // of the send that runs
	down     bool                           // the store refused the send that runs
	open     map[string]bool                // by act: something may have been sent, as far as can be proved
	taken    map[string]int                 // by act and recipient, in the life of the store
	ever     map[string]int                 // the same over all lives
	receipts map[string][]*provider.Receipt // by act

	counts map[string]int
}

// process is a run of both programs, with what they hold in memory.
type process struct {
	h       *history
	memory  *guard.Memory
	dead    bool
	clients map[string]*provider.Client
}

// office is an account at a vendor.
type office struct {
	h      *history
	name   string
	window time.Duration // for which it knows a key; 0: it has none
	single bool          // a mail has one recipient
	seen   map[string]time.Time
	sent   []provider.SentMail
}

func newHistory(t *testing.T, seed uint64, counts map[string]int) *history {
	h := &history{
		t: t, rnd: rand.New(rand.NewPCG(seed, 7)), durable: seed%3 != 0, disk: map[string][]byte{},
		behind: map[string]string{"a": "keyed", "b": "plain"}, open: map[string]bool{}, taken: map[string]int{},
		ever: map[string]int{}, receipts: map[string][]*provider.Receipt{}, counts: counts, offices: map[string]*office{},
	}
	for _, o := range []*office{
		{name: "keyed", window: 15 * time.Minute},
		{name: "keyed too", window: 15 * time.Minute},
		{name: "plain", single: true},
		{name: "plain too"},
	} {
		o.h, o.seen = h, map[string]time.Time{}
		h.offices[o.name] = o
	}
	h.start()
	return h
}

// start begins a process. Without a durable store the keys of the last one are gone.
func (h *history) start() {
	h.process = &process{h: h, memory: guard.NewMemory(0, 1000*time.Hour), clients: map[string]*provider.Client{}}
	if !h.durable {
		clear(h.open)
		clear(h.taken)
	}
}

// The store of a process: in memory, or on the disk that all of them share.

func (p *process) Begin(ctx context.Context, key string, by provider.GuardEntry) (provider.GuardEntry, bool, error) {
	if !p.h.durable {
		return p.memory.Begin(ctx, key, by)
	}
	if p.h.rnd.IntN(60) == 0 {
		p.h.down = true
		return provider.GuardEntry{}, false, errors.New("no connection to the store")
	}
	before := p.get(key)
	begun, ok := before.Claim(by)
	if !ok {
		return before, false, nil
	}
	p.put(key, begun)
	if p.h.rnd.IntN(60) == 0 {
		p.die("before a request")
	}
	return before, true, nil
}

func (p *process) Finish(ctx context.Context, key string, end provider.GuardEntry) error {
	if p.dead {
		return errors.New("nobody is there")
	}
	if !p.h.durable {
		return p.memory.Finish(ctx, key, end)
	}
	switch p.h.rnd.IntN(60) {
	case 0:
		p.die("after the result")
	case 1:
		p.h.open[p.h.act] = true // nobody knows the result any more
		return errors.New("no connection to the store")
	}
	if next, keep := p.get(key).Finish(end); keep {
		p.put(key, next)
	} else {
		delete(p.h.disk, key)
	}
	return nil
}

func (p *process) get(key string) (e provider.GuardEntry) {
	if data, ok := p.h.disk[key]; ok {
		require.NoError(p.h.t, json.Unmarshal(data, &e))
	}
	return e
}

func (p *process) put(key string, e provider.GuardEntry) {
	data, err := json.Marshal(e)
	require.NoError(p.h.t, err)
	p.h.disk[key] = data
}

func (p *process) die(when string) {
	p.dead = true
	p.h.open[p.h.act] = true
	p.h.counts["died "+when]++
	panic(errDied)
}

// The vendors.

func (o *office) Capabilities() provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range provider.Features() {
		out[f] = adapterkit.Cell(provider.LevelNone)
	}
	for _, f := range []provider.Feature{feature.MessageHTML, feature.MessageText, feature.MessageToMany, feature.MessageSettle} {
		out[f] = adapterkit.Cell(provider.LevelNative)
	}
	if o.window > 0 {
		out[feature.MessageIdempotencyKey] = adapterkit.Cell(provider.LevelLimited, "10 minutes")
	}
	if o.single {
		out[feature.MessageToMany] = adapterkit.Cell(provider.LevelEmulated)
	}
	return out
}

// keyedOffice is an office whose vendor knows keys. Like Brevo's adapter it tells the
// keys of programs apart.
type keyedOffice struct {
	*office
	space string
}

func (o keyedOffice) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	own := *m
	own.IdempotencyKey = o.space + ":" + m.IdempotencyKey
	return o.office.Send(ctx, &own)
}

func (o keyedOffice) KeyScope(key string) (string, time.Duration) {
	return o.name + " " + o.space + ":" + key, 10 * time.Minute
}

// Send makes the tries of one call, as the transport does: again only under the
// vendor's key and within the trusted part of its window.
func (o *office) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	h := o.h
	if (o.window > 0) != (m.IdempotencyKey != "") {
		h.t.Errorf("%s got the key %q", o.name, m.IdempotencyKey)
	}
	h.requests++
	began, unclear := time.Now(), false
	for try := 1; ; try++ {
		select {
		case <-time.After([]time.Duration{0, 0, 20 * time.Second, 7 * time.Minute}[h.rnd.IntN(4)]):
		case <-ctx.Done():
			if unclear {
				return nil, noAnswer
			}
			return nil, ctx.Err()
		}
		r, err := o.answer(m)
		switch {
		case errors.Is(err, provider.ErrOutcomeUnknown):
			unclear = true
			if o.window > 0 && try < 3 && time.Since(began) < 10*time.Minute {
				continue
			}
		case unclear && err != nil && !errors.Is(err, provider.ErrBadResponse):
			return nil, noAnswer
		}
		return r, err
	}
}

// answer takes a mail over, or not, and tells the truth or nothing.
func (o *office) answer(m *provider.Message) (*provider.Receipt, error) {
	h := o.h
	fate := h.rnd.IntN(16)
	if fate >= 4 {
		h.open[h.act] = true
	}
	switch fate { // before the vendor looks at the key
	case 0, 1:
		return nil, unreachable
	case 2:
		return nil, badAddress
	case 3:
		return nil, noCredit
	case 4, 5:
		return nil, noAnswer
	case 6:
		return nil, errors.New("a bug, and nothing is known")
	case 7:
		h.process.die("while it sends")
	}
	if used, ok := o.seen[m.IdempotencyKey]; ok && o.window > 0 && time.Since(used) < o.window {
		h.counts["told a duplicate"]++
		return nil, &provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeSent, Status: 400}
	}
	id := fmt.Sprintf("%s %d", o.name, len(o.sent))
	for _, to := range m.To {
		copyOf := h.act + " " + to.Email
		h.taken[copyOf]++
		h.ever[copyOf]++
		if h.taken[copyOf] > 1 {
			h.counts["SENT TWICE"]++
		}
		if h.ever[copyOf] == 2 && h.taken[copyOf] == 1 {
			h.counts["twice over a restart that lost the keys"]++
		}
		o.sent = append(o.sent, provider.SentMail{MessageID: id, Recipient: to.Email, Subject: m.Subject, At: time.Now()})
	}
	if o.window > 0 {
		o.seen[m.IdempotencyKey] = time.Now()
	}
	switch fate {
	case 8, 9, 10:
		return nil, noAnswer
	case 11:
		panic("a bug of the adapter")
	case 12:
		h.process.die("after the mail left")
	}
	return m.Receipt(id, provider.StateAccepted), nil
}

func (o *office) FindSent(_ context.Context, recipient string, t provider.Trace) (out []provider.SentMail, _ error) {
	for _, s := range o.sent {
		if s.Recipient == recipient && s.Subject == t.Subject && !s.At.Before(t.At) && !s.At.After(t.Until) {
			out = append(out, s)
		}
	}
	return out, nil
}

// The clients of a process.

// ways are the ways that mail may go: accounts, and routes of every make.
var ways = []string{"a", "b", "failover", "round_robin", "of bare accounts", "of a bare route", "without a guard"}

// client opens one of them in a namespace.
func (p *process) client(way, namespace string) *provider.Client {
	name := way + " of " + namespace
	if c, ok := p.clients[name]; ok {
		return c
	}
	env := provider.DriverEnv{Account: way, Guard: p, Namespace: namespace}
	bare := provider.DriverEnv{Account: way}
	guarded := route.Options{Name: way, Guard: p, Namespace: namespace}
	pair := func(first, second string) []*provider.Client {
		return []*provider.Client{p.client(first, namespace), p.client(second, namespace)}
	}
	var c *provider.Client
	var err error
	switch way {
	case "failover":
		c, err = guarded.Failover(pair("a", "b")...)
	case "round_robin":
		c, err = guarded.RoundRobin(pair("a", "b")...)
	case "of bare accounts":
		c, err = guarded.Failover(p.account("a", bare), p.account("b", bare))
	case "of a bare route":
		inner, err := route.Options{Name: "inner"}.RoundRobin(p.account("b", bare), p.account("a", bare))
		require.NoError(p.h.t, err)
		c, err = guarded.Failover(inner)
		require.NoError(p.h.t, err)
	case "without a guard":
		c, err = route.Options{Name: way}.RoundRobin(pair("a", "b")...)
	default:
		c = p.account(way, env)
	}
	require.NoError(p.h.t, err)
	p.clients[name] = c
	return c
}

func (p *process) account(name string, env provider.DriverEnv) *provider.Client {
	env.Account = name
	o := p.h.offices[p.h.behind[name]]
	var a provider.Adapter = o
	if o.window > 0 {
		a = keyedOffice{o, cmp.Or(env.Namespace, env.Account)}
	}
	c, err := provider.NewClient(a, "vendor", provider.AccountSettings{
		From:   provider.Address{Email: name + "@example.com"},
		Policy: provider.Policy{"message.to.many": "fan_out"},
	}, env)
	require.NoError(p.h.t, err)
	return c
}

// The steps.

func (h *history) step() {
	switch h.rnd.IntN(12) {
	case 0:
		<-time.After([]time.Duration{time.Second, 5 * time.Minute, 9 * time.Minute, 16 * time.Minute, 61 * time.Minute}[h.rnd.IntN(5)])
	case 1:
		h.counts["restarts"]++
		h.start()
	case 2:
		h.counts["swaps"]++
		name := []string{"a", "b"}[h.rnd.IntN(2)]
		h.behind[name] = slices.Sorted(maps.Keys(h.offices))[h.rnd.IntN(len(h.offices))]
		clear(h.process.clients)
	case 3, 4:
		h.settle()
	default:
		h.send()
	}
	if h.process.dead {
		h.start()
	}
}

func (h *history) send() {
	namespace := []string{"shop", "club"}[h.rnd.IntN(2)]
	m := &provider.Message{HTML: "<p>x</p>", IdempotencyKey: []string{"k1", "k2"}[h.rnd.IntN(2)], To: []provider.Address{{Email: "anna@example.com"}}}
	if m.IdempotencyKey == "k2" {
		m.To = append(m.To, provider.Address{Email: "vera@example.com"})
	}
	h.act = namespace + "/" + m.IdempotencyKey
	m.Subject = h.act
	if h.rnd.IntN(8) == 0 {
		m.Subject += " in other words"
	}
	way := ways[h.rnd.IntN(len(ways))]
	h.requests, h.down = 0, false
	free := !h.open[h.act]
	var r *provider.Receipt
	var err error
	died := func() (died bool) {
		defer func() { died = recover() != nil }()
		r, err = h.process.client(way, namespace).Send(h.t.Context(), m)
		return false
	}()
	if died {
		return
	}
	if r != nil {
		h.receipts[h.act] = append(h.receipts[h.act], r)
		for _, p := range r.Recipients {
			if p.State != provider.StateRefused && p.State != provider.StateUnknown && h.ever[h.act+" "+p.Email] == 0 {
				h.counts["CALLED ACCEPTED AND NEVER SENT"]++
			}
		}
	}
	var e *provider.Error
	errors.As(err, &e)
	switch {
	case h.requests > 0 && free:
		h.counts["sent under a free key"]++
	case h.requests > 0 && err == nil:
		h.counts["gone on with and accepted"]++
	case h.requests > 0:
		h.counts["gone on with"]++
	case h.down:
		h.counts["the store was down"]++
	case err != nil && e.Field != "idempotency_key" && e.Retryable(): // a route without a guard asks none
		h.counts["no member takes mail now"]++
	case free:
		h.counts["REFUSED WRONGLY"]++
	case err == nil:
		h.counts["answered with the receipt"]++
	case e.Outcome == provider.OutcomeNotSent:
		h.counts["refused for another message"]++
		assert.Regexp(h.t, "another message, (which was accepted|whose)", e.Message)
	default:
		h.counts["kept back as unknown"]++
	}
}

// settle looks a receipt up, by the account that it names or by a route.
func (h *history) settle() {
	acts := slices.Sorted(maps.Keys(h.receipts))
	if len(acts) == 0 {
		return
	}
	h.act = acts[h.rnd.IntN(len(acts))]
	r := h.receipts[h.act][h.rnd.IntN(len(h.receipts[h.act]))]
	way := r.Account
	if h.rnd.IntN(2) == 0 || !slices.Contains(ways, way) {
		way = "failover"
	}
	var out *provider.Receipt
	died := func() (died bool) {
		defer func() { died = recover() != nil }()
		out, _ = h.process.client(way, h.act[:4]).Settle(h.t.Context(), r)
		return false
	}()
	if died || out == nil {
		return
	}
	before := len(unknowns(r))
	if before == 0 || len(unknowns(out)) > 0 {
		return
	}
	h.counts["settled"]++
	for _, p := range out.Recipients {
		if p.State == provider.StateAccepted && h.ever[h.act+" "+p.Email] == 0 {
			h.counts["CALLED ACCEPTED AND NEVER SENT"]++
		}
	}
}

func unknowns(r *provider.Receipt) (out []string) {
	for _, p := range r.Recipients {
		if p.State == provider.StateUnknown {
			out = append(out, p.Email)
		}
	}
	return out
}

// The promise of keys, over random histories: under one key of one program nothing
// is sent twice, nothing is refused of which it is proved that nothing was sent, and
// nothing is called accepted that was not.
func TestKeysModel(t *testing.T) {
	const depth = 10
	runs := *keyHistories
	counts := map[string]int{"SENT TWICE": 0, "REFUSED WRONGLY": 0, "CALLED ACCEPTED AND NEVER SENT": 0}
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, seed, counts)
			for range depth {
				h.step()
			}
		})
		for _, bad := range []string{"SENT TWICE", "REFUSED WRONGLY", "CALLED ACCEPTED AND NEVER SENT"} {
			require.Zero(t, counts[bad], "seed %d: %s", seed, bad)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%7d %s", counts[what], what)
	}
	for what, least := range map[string]int{
		"sent under a free key": 50, "answered with the receipt": 10, "kept back as unknown": 20, "refused for another message": 5,
		"gone on with and accepted": 2, "gone on with": 2, "told a duplicate": 2, "settled": 5, "restarts": 20, "swaps": 20,
		"died before a request": 1, "died after the result": 1, "died while it sends": 1, "died after the mail left": 1,
		"twice over a restart that lost the keys": 1, "the store was down": 1,
	} {
		assert.Greater(t, counts[what], least*int(runs)/1000, "the histories are too tame: %s", what)
	}
}
