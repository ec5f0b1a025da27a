package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/postmux/postmux/provider"
)

// vendor is a provider in memory: what it took, under which key.
type vendor struct {
	mu   sync.Mutex
	sent map[string]int // subject -> mails
	keys map[string]bool
	// answer decides about a call; nil takes all. It is called without the lock.
	answer func(m *provider.Message) error
	window time.Duration // of keys; 0: the vendor has none
}

func newVendor() *vendor { return &vendor{sent: make(map[string]int), keys: make(map[string]bool)} }

// Capabilities implements provider.Adapter.
func (v *vendor) Capabilities() provider.Capabilities {
	without := []provider.Feature{"message.batch", "message.cancel", "message.settle", "message.status"}
	caps := provider.Capabilities{}
	for _, f := range provider.Features() {
		if strings.HasPrefix(string(f), "message.") && !slices.Contains(without, f) {
			caps[f] = provider.Support{Level: provider.LevelNative}
		}
	}
	if v.window == 0 {
		caps["message.idempotency_key"] = provider.Support{Level: provider.LevelNone}
	}
	return caps
}

// KeyScope says how long the vendor knows a key.
func (v *vendor) KeyScope(key string) (string, time.Duration) { return "vendor/" + key, v.window }

// Send implements provider.Mailer. An error of answer is returned after the mail was taken
// when its outcome is that it may have been sent.
func (v *vendor) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var err error
	if v.answer != nil {
		err = v.answer(m)
	}
	e, _ := asProviderError(err)
	if e == nil || e.Outcome != provider.OutcomeNotSent {
		v.take(m)
	}
	if err != nil {
		return nil, err
	}
	return m.Accepted("v-" + m.Subject), nil
}

func (v *vendor) take(m *provider.Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m.IdempotencyKey != "" {
		if v.keys[m.IdempotencyKey] {
			return
		}
		v.keys[m.IdempotencyKey] = true
	}
	v.sent[m.Subject]++
}

func (v *vendor) count(subject string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sent[subject]
}

// client returns the account of the vendor with a name.
func (v *vendor) client(t testing.TB, name string) *provider.Client {
	c, err := provider.NewClient(v, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: name})
	require.NoError(t, err)
	return c
}

// failure is an error of the vendor.
func failure(kind provider.Kind, outcome provider.Outcome) *provider.Error {
	return &provider.Error{Kind: kind, Outcome: outcome, Status: 500, Message: "as the test wants it"}
}

// mail is a message whose subject tells it apart.
func mail(subject string) *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}}, Subject: subject, Text: "x",
	}
}

// stores runs a test on each database. A schema of the test's own is dropped after it.
func stores(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteStore(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresStore(t)) })
}

func sqliteStore(t testing.TB) *Store {
	return sqliteFile(t, t.TempDir()+"/outbox.db")
}

func sqliteFile(t testing.TB, path string) *Store {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(30000)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := SQLite(db, StoreOptions{})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// postgresStore returns a Store in a schema of its own, or skips the test.
func postgresStore(t testing.TB) *Store {
	url := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	if url == "" {
		t.Skip("POSTMUX_TEST_DATABASE_URL is not set")
	}
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	schema := "outbox_" + strings.ReplaceAll(fmt.Sprint(time.Now().UnixNano()), "-", "")
	_, err = db.ExecContext(t.Context(), "create schema "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "drop schema "+schema+" cascade")
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	s, err := Postgres(db, StoreOptions{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// open returns a Box on a Store whose accounts are those of the map.
func open(t testing.TB, s *Store, accounts map[string]*vendor, change func(*Config)) *Box {
	cfg := Config{
		Default: "main", Namespace: "test", Lease: time.Second,
		Hooks: Hooks{OnStoreError: func(_ context.Context, err error) {
			if !errors.Is(err, provider.ErrCanceled) { // a slow machine
				t.Error(err)
			}
		}},
		Accounts: func(_ context.Context, name string) (*provider.Client, error) {
			v, ok := accounts[name]
			if !ok {
				return nil, configError("account", "there is no account %s", name)
			}
			return v.client(t, name), nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	b, err := Open(t.Context(), s, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// counter counts calls of several goroutines.
type counter struct{ n atomic.Int64 }

func (c *counter) add()     { c.n.Add(1) }
func (c *counter) get() int { return int(c.n.Load()) }

// toggle is a value that a test changes while goroutines read it.
type toggle struct{ v atomic.Bool }

func newFlag(v bool) *toggle {
	f := new(toggle)
	f.v.Store(v)
	return f
}

func (f *toggle) get() bool  { return f.v.Load() }
func (f *toggle) set(v bool) { f.v.Store(v) }

// notRaced skips a test of time, or of processes of their own, under the race detector: it
// finds nothing there that the others do not, and takes minutes.
func notRaced(t *testing.T) {
	if raced {
		t.Skip("tried without the race detector")
	}
}
