package outbox

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// liteDB opens a file of SQLite with more settings.
func liteDB(t *testing.T, path, settings string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=synchronous(FULL)"+settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// What stands in the way of an outbox is told with what is certain, and what to do.
func TestBadInput(t *testing.T) {
	used := mail("order")
	used.IdempotencyKey = "order-1"
	other := mail("another")
	other.IdempotencyKey = "order-1"
	withHeader := mail("one")
	withHeader.Headers = map[string]string{"X-Order": "1"}
	large := mail("large")
	large.Text = strings.Repeat("x", 1<<20)
	late := mail("late")
	late.SendAt = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	bare := func(t *testing.T) *Store {
		s, err := SQLite(liteDB(t, t.TempDir()+"/outbox.db", "&_pragma=busy_timeout(30000)"), StoreOptions{})
		require.NoError(t, err)
		return s
	}
	for _, row := range []struct {
		name    string
		store   func(t *testing.T) *Store
		before  string // a statement
		first   *provider.Message
		message *provider.Message
		opts    *EnqueueOpts
		kind    error
		says    string
	}{
		{
			name: "no tables", store: bare, kind: provider.ErrConfig,
			says: `outbox: configuration: database: it has no tables of an outbox with the prefix "postmux_"; make them: ` +
				"postmux outbox migrate, or Store.Migrate; nothing was sent",
		},
		{
			name: "tables of a newer version", before: "insert into {schema} (version) values (99)", kind: provider.ErrConfig,
			says: "outbox: configuration: database: its tables have version 99, this program knows versions up to 1; " +
				"use a newer postmux: tables never go back; nothing was sent",
		},
		{
			name: "no file of SQLite", kind: provider.ErrUnavailable, store: func(t *testing.T) *Store {
				path := filepath.Join(t.TempDir(), "outbox.db")
				require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("this is a letter. ", 100)), 0o600))
				s, err := SQLite(liteDB(t, path, ""), StoreOptions{})
				require.NoError(t, err)
				return s
			},
			says: "outbox: unavailable: check of the database: file is not a database (26); it is no file of SQLite: another name, or another " +
				"file, is wanted; nothing was sent",
		},
		{
			name: "a read-only file", kind: provider.ErrUnavailable, store: func(t *testing.T) *Store {
				path := t.TempDir() + "/outbox.db"
				sqliteFile(t, path)
				s, err := SQLite(liteDB(t, path, "&mode=ro"), StoreOptions{})
				require.NoError(t, err)
				return s
			},
			says: "outbox: unavailable: open: attempt to write a readonly database (8); the file or its folder cannot be written " +
				"by this user; nothing was sent",
		},
		{
			name: "a full disk", message: large, kind: provider.ErrUnavailable, store: func(t *testing.T) *Store {
				path := t.TempDir() + "/outbox.db"
				sqliteFile(t, path)
				s, err := SQLite(liteDB(t, path, "&_pragma=max_page_count(1)"), StoreOptions{})
				require.NoError(t, err)
				return s
			},
			says: "outbox: unavailable: enqueue: database or disk is full (13); nothing of it was stored; nothing was sent",
		},
		{
			name: "a message that no member takes", message: withHeader, opts: &EnqueueOpts{Account: "any"}, kind: provider.ErrUnsupported,
			says: "send: one (sendpulse): message.headers is not supported: sendpulse has no such feature; a policy allows to do " +
				`without: "message.headers: drop" | two (sendpulse): message.headers is not supported: sendpulse has no such feature; a policy ` +
				`allows to do without: "message.headers: drop"; nothing was sent`,
		},
		{
			name: "another message under a used key", first: used, message: other, kind: provider.ErrInvalid,
			says: `outbox: idempotency_key: the key "order-1" was used for another message, which stays as it is; nothing was sent by this call`,
		},
		{
			name: "a time that is over", message: late, kind: provider.ErrInvalid,
			says: "outbox: send_at: expected a time in the future, got 2020-01-01T00:00:00Z; leave it out to send now; nothing was sent",
		},
		{
			name: "a limit before the time", message: mail("one"), opts: &EnqueueOpts{Expires: late.SendAt}, kind: provider.ErrInvalid,
			says: "outbox: expires: expected a time in the future, got 2020-01-01T00:00:00Z; nothing was sent",
		},
		{
			name: "no such account", message: mail("one"), opts: &EnqueueOpts{Account: "nobody"}, kind: provider.ErrConfig,
			says: `configuration: provider: no account is called "nobody"; known: any, main, one, two; nothing was sent`,
		},
		{
			name: "no message", message: nil, first: mail("one"), kind: provider.ErrInvalid,
			says: "outbox: invalid: expected a message; nothing was sent",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s *Store
			if row.store != nil {
				s = row.store(t)
			} else {
				s = sqliteStore(t)
			}
			if row.before != "" {
				_, err := s.exec(t.Context(), s.own(), row.before)
				require.NoError(t, err)
			}
			b, err := Open(t.Context(), s, realAccounts(t))
			if row.message == nil && row.first == nil {
				checkError(t, err, row.kind, row.says)
				return
			}
			require.NoError(t, err)
			kept := int64(0)
			if row.first != nil {
				_, err := b.Enqueue(t.Context(), row.first, row.opts)
				require.NoError(t, err)
				kept = 1
			}
			_, err = b.Enqueue(t.Context(), row.message, row.opts)
			checkError(t, err, row.kind, row.says)
			assert.Equal(t, kept, b.states(t)[Queued], "nothing of it is stored, and nothing else is lost")
		})
	}
}

func checkError(t *testing.T, err, kind error, says string) {
	t.Helper()
	require.ErrorIs(t, err, kind)
	e, ok := asProviderError(err)
	require.True(t, ok)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.Equal(t, says, err.Error())
}

// realAccounts are accounts of providers, and a route whose members take no headers.
func realAccounts(t *testing.T) Config {
	cfg, err := provider.ParseConfig([]byte(`{"name":"test","default":"main","providers":{
		"main":{"provider":"brevo","api_key":"key-of-a-test"},
		"any":{"provider":"failover","members":["one","two"]},
		"one":{"provider":"sendpulse","client_id":"a","client_secret":"key-of-a-test"},
		"two":{"provider":"sendpulse","client_id":"b","client_secret":"key-of-a-test"}}}`))
	require.NoError(t, err)
	own, err := Settings{}.Config(nil, cfg, all.Registry())
	require.NoError(t, err)
	return own
}

// A disk that is really full: what was confirmed before stays, the rest is refused.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("no small disk can be mounted here: ", err)
	}
	s := sqliteFile(t, dir+"/outbox.db")
	t.Cleanup(func() {
		require.NoError(t, s.db.Close())
		assert.NoError(t, syscall.Unmount(dir, 0))
	})
	b, err := Open(t.Context(), s, realAccounts(t))
	require.NoError(t, err)
	stored := int64(0)
	for {
		m := mail("one")
		m.Text = strings.Repeat("x", 20<<10)
		if _, err = b.Enqueue(t.Context(), m, nil); err != nil {
			break
		}
		stored++
		require.Less(t, stored, int64(100))
	}
	for range 2 { // again: the connection is of use
		checkError(t, err, provider.ErrUnavailable, "outbox: unavailable: enqueue: commit: database or disk is full (13); "+
			"nothing of it was stored; nothing was sent")
		m := mail("one")
		m.Text = strings.Repeat("x", 200<<10)
		_, err = b.Enqueue(t.Context(), m, nil)
	}
	assert.Positive(t, stored)
	assert.Equal(t, stored, b.states(t)[Queued])
}

// A server that only reads, as a standby does.
func TestReadOnlyServer(t *testing.T) {
	s := postgresStore(t)
	var name string
	_, err := s.one(t.Context(), s.own(), "select current_database()", nil, &name)
	require.NoError(t, err)
	db, err := sql.Open("pgx", os.Getenv("POSTMUX_TEST_DATABASE_URL"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "set default_transaction_read_only = on")
	require.NoError(t, err)
	standby, err := Postgres(db, s.names)
	require.NoError(t, err)
	_, err = Open(t.Context(), standby, realAccounts(t))
	require.ErrorIs(t, err, provider.ErrUnavailable)
	assert.Contains(t, err.Error(), "; this server is a standby or read-only: connect to the primary; nothing was sent")
}

// lock keeps every writer out of a file until it is called again.
func lock(t *testing.T, path string) (unlock func()) {
	db := liteDB(t, path, "&_pragma=busy_timeout(30000)")
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	return sync.OnceFunc(func() { assert.NoError(t, tx.Rollback()) })
}

// asked is a vendor that is asked about its keys between claim and intent.
type asked struct {
	*vendor
	hook func()
}

// KeyScope says how long the vendor knows a key.
func (v asked) KeyScope(key string) (string, time.Duration) {
	v.hook()
	return v.vendor.KeyScope(key)
}

// A database that is away, at each step of a message: nothing is lost or sent twice, and the
// error says what is certain.
func TestDatabaseAway(t *testing.T) {
	for _, row := range []struct {
		name string
		when string
	}{
		{"before it is stored", "enqueue"},
		{"while it is queued", "claim"},
		{"before its intent is stored", "intent"},
		{"while its request is under way", "result"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := t.TempDir() + "/outbox.db"
			sqliteFile(t, path)
			s, err := SQLite(liteDB(t, path, "&_pragma=busy_timeout(20)"), StoreOptions{})
			require.NoError(t, err)
			unlock, armed := func() {}, false
			v := newVendor()
			if row.when == "intent" {
				v.window = time.Minute // it is asked about its keys
			}
			before := -1 // mails that had left when the database was seen to be away
			var seen sync.Mutex
			shut := func() {
				release := lock(t, path)
				seen.Lock()
				defer seen.Unlock()
				unlock = release
			}
			b := open(t, s, nil, func(c *Config) {
				c.Lease = time.Minute
				c.Hooks.OnStoreError = func(_ context.Context, err error) {
					seen.Lock()
					defer seen.Unlock()
					assert.ErrorContains(t, err, "database is locked")
					// The sign of life may be the first to see it.
					if sent := v.count("one"); row.when == "intent" || row.when == "result" && sent > 0 {
						before = sent
						unlock()
					}
				}
				c.Accounts = func(context.Context, string) (*provider.Client, error) {
					return provider.NewClient(asked{v, func() {
						if armed {
							shut()
						}
					}}, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
				}
			})
			const locked = "database is locked (5) (SQLITE_BUSY); nothing was sent"
			if row.when == "enqueue" {
				shut()
				_, err := b.Enqueue(t.Context(), mail("one"), nil)
				checkError(t, err, provider.ErrUnavailable, "outbox: unavailable: enqueue: "+locked)
				unlock()
			}
			id, err := b.Enqueue(t.Context(), mail("one"), nil)
			require.NoError(t, err)
			w, err := b.working(t.Context()) // it has begun, with a sign of life
			require.NoError(t, err)
			w.underWay.Done()
			switch row.when {
			case "claim":
				shut()
				_, err := b.Process(t.Context(), id)
				checkError(t, err, provider.ErrUnavailable, "outbox: unavailable: process: "+locked)
				assert.Zero(t, v.count("one"))
				unlock()
			case "intent":
				armed = true
			case "result":
				v.answer = func(*provider.Message) error {
					shut()
					return nil
				}
			}
			e, err := b.Process(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, Accepted, e.State)
			assert.Equal(t, 1, v.count("one"))
			switch row.when {
			case "intent":
				assert.Zero(t, before, "no request left without an intent")
			case "result":
				assert.Equal(t, 1, before, "the result was stored later")
			}
		})
	}
}

// A host whose clock is wrong by an hour sends nothing twice and loses nothing.
func TestClocksApart(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		for _, apart := range []time.Duration{-time.Hour, time.Hour} {
			v := newVendor()
			right := open(t, s, map[string]*vendor{"main": v}, nil)
			skewed, err := newStore(s.db, s.d, s.names)
			require.NoError(t, err)
			skewed.clock = func() time.Time { return time.Now().Add(apart) }
			wrong := open(t, skewed, map[string]*vendor{"main": v}, nil)
			subject := "clock " + apart.String()
			id, err := wrong.Enqueue(t.Context(), mail(subject), nil)
			require.NoError(t, err)
			e, err := right.Process(t.Context(), id)
			require.NoError(t, err)
			if s.d == sqlite && apart > 0 {
				// A file has no clock of its own: it is late by as much, and the host that stored it sends it.
				assert.Equal(t, Queued, e.State)
				assert.WithinDuration(t, time.Now().Add(apart), e.NextAt, time.Minute)
				e, err = wrong.Process(t.Context(), id)
				require.NoError(t, err)
			}
			assert.Equal(t, Accepted, e.State)
			e, err = wrong.Process(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, Accepted, e.State)
			assert.Equal(t, 1, v.count(subject))

			soon := mail("soon")
			soon.SendAt = time.Now().Add(30 * time.Minute).UTC().Truncate(time.Second)
			_, err = wrong.Enqueue(t.Context(), soon, nil)
			if apart > 0 {
				require.ErrorContains(t, err, "send_at: expected a time in the future, got "+soon.SendAt.Format(time.RFC3339))
			} else {
				require.NoError(t, err)
			}
		}
	})
}
