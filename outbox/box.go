package outbox

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// Config is how a Box works. Zero values are the defaults.
type Config struct {
	// Accounts opens an account by its name, as Registry.Account does; a name may be a
	// route. It is called once for each name. It must be set. The clients should have the
	// Store's Limiter when other processes use the same accounts.
	Accounts func(ctx context.Context, account string) (*provider.Client, error)
	// Default is the account of messages that name none.
	Default string
	// Namespace is where the idempotency keys of this program live.
	Namespace string
	// Senders is the number of calls of one account at the same time: 16. A worker that is
	// killed leaves at most so many messages unknown.
	Senders int
	// Batch are the accounts whose messages go out many in a call where the provider can:
	// up to 1,000. Such a call has no key, so that a crash leaves all of its messages unknown.
	Batch []string
	// Lease is how long a worker that shows no sign of life keeps what it has: 30 s.
	Lease time.Duration
	// StopWithin is how long Run waits for the calls under way when its context ends: 30 s.
	// Then it interrupts them.
	StopWithin time.Duration
	// GiveUp is how long after it is due a message is given up, while provably nothing was
	// sent: 24 h.
	GiveUp time.Duration
	// Retention is how long messages that ended stay.
	Retention Retention
	// Hooks are called on what happens.
	Hooks Hooks
	// Log gets what a person should know: accounts that are held, a database that is away,
	// messages whose worker died. Nil: nothing.
	Log *slog.Logger
}

// Retention is how long messages stay after they ended. Unknown ones stay until they are
// settled or decided.
type Retention struct {
	// Accepted is for those that the provider has: 7 days.
	Accepted time.Duration `json:"accepted" default:"7d" doc:"how long accepted and scheduled messages stay"`
	// Failed is for refused, dead, canceled and dropped ones: 30 days.
	Failed time.Duration `json:"failed" default:"30d" doc:"how long refused, dead, canceled and dropped messages stay"`
	// Keys is for idempotency keys, after their messages are purged: 90 days.
	Keys time.Duration `json:"keys" default:"90d" doc:"how long idempotency keys stay after their messages are purged"`
}

// Hooks are functions that a Box calls; nil ones are not called. They are called on the
// goroutines of workers and must be fast.
type Hooks struct {
	// OnState is called after the end of a try, or of a look-up, was stored.
	OnState func(ctx context.Context, id string, to State)
	// OnHold is called when this process holds or releases an account.
	OnHold func(ctx context.Context, h Hold)
	// OnSweep is called when messages of dead workers were taken up.
	OnSweep func(ctx context.Context, s Swept)
	// OnStoreError is called when the database did not do a statement of a worker. The
	// worker tries it again.
	OnStoreError func(ctx context.Context, err error)
	// OnLost is called a lease after another server took over as the database, with the ids that
	// this process stored or took lately and that the new server does not have. What this
	// process may have sent is not among them: it is stored again, as accepted or unknown.
	// Workers look by themselves; a process that only stores looks at its next Enqueue and in
	// Close. A message of EnqueueTx is lost together with what else its transaction did, and
	// is not told unless a worker had it.
	OnLost func(ctx context.Context, ids []string)
}

const (
	day          = 24 * time.Hour
	defaultLease = 30 * time.Second
	leastLease   = 200 * time.Millisecond
	mostSenders  = 1000
	closeMost    = 5 * time.Second // of the last look at the server
)

func (c Config) withDefaults() Config {
	c.Senders = cmp.Or(c.Senders, 16)
	c.Lease = cmp.Or(c.Lease, defaultLease)
	c.StopWithin = cmp.Or(c.StopWithin, 30*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, day)
	c.Retention.Accepted = cmp.Or(c.Retention.Accepted, 7*day)
	c.Retention.Failed = cmp.Or(c.Retention.Failed, 30*day)
	c.Retention.Keys = cmp.Or(c.Retention.Keys, 90*day)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Accounts == nil:
		return configError("accounts", "expected a function that opens accounts")
	case c.Senders < 1 || c.Senders > mostSenders:
		return configError("senders", "expected 1 to %d, got %d", mostSenders, c.Senders)
	case c.Lease < leastLease:
		return configError("lease", "expected at least %s, got %s", leastLease, c.Lease)
	case c.StopWithin < 0 || c.GiveUp < 0 || c.Retention.Accepted < 0 || c.Retention.Failed < 0 || c.Retention.Keys < 0:
		return configError("", "expected durations that are not negative")
	}
	return nil
}

// Box is an outbox: it stores messages in a Store and sends them. It is safe for concurrent
// use. Several Boxes, in one process or on many hosts, may have the same database.
type Box struct {
	store *Store
	cfg   Config
	// Warnings is what Open found about the database that a person should know.
	Warnings []Warning

	starting sync.Mutex
	work     *worker // with which Process works; nil until then

	mu      sync.Mutex
	clients map[string]*opened
	streaks map[string]int // failures of an account in a row, as this process saw them
	recent  recent
	// timeline is that of the server, as this process saw it last.
	timeline string
	looked   time.Time // when
	tell     time.Time // when to tell what the server that took over does not have; zero: nothing is to be told
	woken    chan struct{}
	hurry    sync.Once
	hurried  chan struct{}
}

// opened is an account that was opened, or is being opened.
type opened struct {
	once   sync.Once
	client *provider.Client
	err    error
}

// Open returns the Box on a Store. It checks that the tables have the right version and that
// the database keeps what it confirms; it sends nothing and starts nothing.
func Open(ctx context.Context, s *Store, cfg Config) (*Box, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	warnings, err := s.Check(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		cfg.Log.WarnContext(ctx, "outbox: the database", "setting", w.Name, "why", w.Why)
	}
	b := &Box{
		store: s, cfg: cfg, Warnings: warnings, clients: make(map[string]*opened), streaks: make(map[string]int),
		woken: make(chan struct{}, 1), hurried: make(chan struct{}),
	}
	if err := s.begin(ctx); err != nil {
		return nil, s.storeError("open", err)
	}
	if err := b.followTimeline(ctx, false, false); err != nil {
		return nil, s.storeError("open", err)
	}
	return b, nil
}

// Store returns the Store of the Box.
func (b *Box) Store() *Store { return b.store }

// client returns the client of an account, opened once.
func (b *Box) client(ctx context.Context, account string) (*provider.Client, error) {
	b.mu.Lock()
	o := b.clients[account]
	if o == nil {
		o = new(opened)
		b.clients[account] = o
	}
	b.mu.Unlock()
	o.once.Do(func() { o.client, o.err = b.cfg.Accounts(context.WithoutCancel(ctx), account) })
	if o.err != nil {
		b.mu.Lock()
		if b.clients[account] == o {
			delete(b.clients, account) // the next call may find it
		}
		b.mu.Unlock()
		if e, ok := asProviderError(o.err); ok {
			return nil, e
		}
		return nil, &provider.Error{
			Kind: provider.ErrConfig, Provider: driverName, Account: account, Outcome: provider.OutcomeNotSent,
			Message: o.err.Error(), Err: o.err,
		}
	}
	return o.client, nil
}

// wake tells a worker of this process that a message is there.
func (b *Box) wake() {
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// batches reports whether an account's messages go out many in a call.
func (b *Box) batches(account string) bool { return slices.Contains(b.cfg.Batch, account) }

// Close ends what Process started: the sign of life of this process. Run ends by its
// context. Close waits for calls under way, as Run does. It also looks once more whether
// messages are lost that this process has stored, see Hooks.OnLost.
func (b *Box) Close() error {
	b.mu.Lock()
	stored := len(b.recent.ids) > 0
	b.mu.Unlock()
	if stored {
		ctx, cancel := context.WithTimeout(context.Background(), closeMost)
		defer cancel()
		if err := b.followTimeline(ctx, false, true); err != nil {
			b.storeError(ctx, err)
		}
	}
	b.starting.Lock()
	w := b.work
	b.work = nil
	b.starting.Unlock()
	if w == nil {
		return nil
	}
	return w.stop()
}

// hostName is how people find a worker.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// accountsOf are the names of accounts in a map, in order.
func accountsOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
