package outbox

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/providertest"
)

func TestGuard(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		providertest.RunGuardStore(t, providertest.GuardHarness{
			Open: func(*testing.T) provider.GuardStore { return s.Guard() },
		})
	})
}

// Keys are forgotten when their time is over, whatever became of their mail.
func TestPurgeGuard(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		g, by := s.Guard(), provider.GuardEntry{Digest: "d", At: time.Now()}
		for _, key := range []string{"old", "new"} {
			_, claimed, err := g.Begin(t.Context(), key, by)
			require.NoError(t, err)
			require.True(t, claimed)
			require.NoError(t, g.Finish(t.Context(), key, provider.GuardEntry{Digest: "d", Status: provider.StateAccepted}))
		}
		_, err := s.exec(t.Context(), s.own(), "update {guard} set at = at - {1} where key = 'old'", (91 * day).Microseconds())
		require.NoError(t, err)
		_, err = s.PurgeGuard(t.Context(), time.Second)
		require.ErrorIs(t, err, provider.ErrConfig)
		p, err := open(t, s, nil, nil).Purge(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 1, p.Guarded)
		for key, want := range map[string]bool{"old": true, "new": false} {
			_, claimed, err := g.Begin(t.Context(), key, by)
			require.NoError(t, err)
			assert.Equal(t, want, claimed, key)
		}
	})
}

// A send whose process died stays begun: after its time a repeat does not wait for it.
func TestGuardOfTheDead(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		by := provider.GuardEntry{Digest: "d", At: time.Now()}
		_, claimed, err := s.Guard().Begin(t.Context(), "k", by)
		require.NoError(t, err)
		require.True(t, claimed)
		_, err = s.exec(t.Context(), s.own(), "update {guard} set at = at - {1}", guardRuns.Microseconds())
		require.NoError(t, err)
		e, claimed, err := s.Guard().Begin(t.Context(), "k", by)
		require.NoError(t, err)
		assert.False(t, claimed)
		assert.Equal(t, provider.StateBegun, e.Status)
	})
}

// While the database is away, nothing is sent.
func TestGuardAway(t *testing.T) {
	db, err := sql.Open("pgx", "postgres://nobody:the-password@127.0.0.1:1/none?sslmode=disable")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := Postgres(db, StoreOptions{})
	require.NoError(t, err)
	v := newVendor()
	m := mail("one")
	m.IdempotencyKey = "k"
	_, err = v.guarded(t, s.Guard()).Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrUnavailable)
	e, _ := asProviderError(err)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.NotContains(t, err.Error(), "the-password")
	assert.Zero(t, v.count("one"))
}

// guarded returns a client of the vendor with a guard.
func (v *vendor) guarded(t *testing.T, g provider.GuardStore) *provider.Client {
	c, err := provider.NewClient(v, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: "main", Guard: g, Namespace: "shop"})
	require.NoError(t, err)
	return c
}

// A connection that breaks when the claim was committed, and its answer was not read, leaves
// a claim that the same call finds.
func TestGuardUnanswered(t *testing.T) {
	s := postgresStore(t)
	_, schema := s.where(t)
	p := newSwitchable(t, os.Getenv("POSTMUX_TEST_DATABASE_URL"))
	through := storeOf(t, p.url, schema)
	g := through.Guard()
	by := provider.GuardEntry{Digest: "d", At: time.Now()}
	_, claimed, err := g.Begin(t.Context(), "whole", by)
	require.NoError(t, err)
	require.True(t, claimed)
	p.cut.Store(true)
	_, claimed, err = g.Begin(t.Context(), "cut", by)
	require.NoError(t, err)
	assert.True(t, claimed)
	assert.False(t, p.cut.Load(), "it was cut")
	_, claimed, err = s.Guard().Begin(t.Context(), "cut", provider.GuardEntry{Digest: "other"})
	require.NoError(t, err)
	assert.False(t, claimed, "the claim is in the database")
	p.cut.Store(true)
	require.NoError(t, g.Finish(t.Context(), "cut", provider.GuardEntry{Digest: "d", Status: provider.StateRefused}))
	assert.False(t, p.cut.Load(), "it was cut")
	_, claimed, err = s.Guard().Begin(t.Context(), "cut", by)
	require.NoError(t, err)
	assert.True(t, claimed, "it was given back")
}

// switchable is a way to PostgreSQL that breaks when the answer of a commit comes.
type switchable struct {
	url string
	cut atomic.Bool // the next commit
}

func newSwitchable(t *testing.T, database string) *switchable {
	u, err := url.Parse(database)
	require.NoError(t, err)
	target := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u.Host = l.Addr().String()
	c := &switchable{url: u.String()}
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = l.Close() })
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			var broken atomic.Bool
			all.Go(func() { c.copy(server, client, &broken, true) })
			all.Go(func() { c.copy(client, server, &broken, false) })
		}
	})
	return c
}

// copy copies from one side to the other until either breaks.
func (c *switchable) copy(to, from net.Conn, broken *atomic.Bool, asks bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !asks && broken.Load() {
			return
		}
		if asks && bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit\x00")) && c.cut.CompareAndSwap(true, false) {
			broken.Store(true) // the server gets it, its answer goes nowhere
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// guardJob is what a process of TestGuardOfProcesses does.
type guardJob struct {
	Database, Schema, Vendor string
	Keys                     int
}

// TestGuardProcess is a process of TestGuardOfProcesses.
func TestGuardProcess(t *testing.T) {
	text := os.Getenv("POSTMUX_TEST_GUARD_JOB")
	if text == "" {
		t.Skip("it is a process of TestGuardOfProcesses")
	}
	var job guardJob
	require.NoError(t, json.Unmarshal([]byte(text), &job))
	v := newVendor()
	v.answer = func(m *provider.Message) error {
		resp, err := http.Post(job.Vendor+"?subject="+url.QueryEscape(m.Subject), "text/plain", nil) //nolint:forbidigo // a fake, and it ends with the process
		if err != nil {
			return failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			return failure(provider.ErrUnavailable, provider.OutcomeNotSent)
		}
		return nil
	}
	c := v.guarded(t, storeOf(t, job.Database, job.Schema).Guard())
	var all sync.WaitGroup
	for _, i := range rand.Perm(job.Keys) {
		all.Go(func() {
			m := mail(fmt.Sprint("mail ", i))
			m.IdempotencyKey = fmt.Sprint("key ", i)
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := c.Send(ctx, m)
				cancel()
				if !errors.Is(err, provider.ErrUnavailable) {
					return
				}
			}
		})
	}
	all.Wait()
}

// Processes that send the same mails, and of which some are killed, send none twice. A mail is
// missing only where a killed process had begun it.
func TestGuardOfProcesses(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		const keys, processes, killed = 60, 6, 3
		var mu sync.Mutex
		sent := make(map[string]int)
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			calls++
			refuse := calls%5 == 0 // provably not sent: another try may have the key
			if !refuse {
				sent[r.URL.Query().Get("subject")]++
			}
			mu.Unlock()
			<-time.After(5 * time.Millisecond)
			if refuse {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		defer server.Close()
		database, schema := s.where(t)
		list := make([]*exec.Cmd, processes)
		for i := range list {
			list[i], _ = startProcess(t, "POSTMUX_TEST_GUARD_JOB", "TestGuardProcess",
				guardJob{Database: database, Schema: schema, Vendor: server.URL, Keys: keys})
		}
		count := func() int { mu.Lock(); defer mu.Unlock(); return len(sent) }
		for i := range killed {
			require.Eventually(t, func() bool { return count() >= 10*(i+1) }, 30*time.Second, time.Millisecond)
			require.NoError(t, list[i].Process.Kill())
		}
		for _, p := range list[killed:] {
			require.NoError(t, p.Wait())
		}
		var begun int
		_, err := s.one(t.Context(), s.own(), "select count(*) from {guard} where entry like '%\"begun\"%'", nil, &begun)
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		for subject, n := range sent {
			assert.Equal(t, 1, n, subject)
		}
		assert.GreaterOrEqual(t, len(sent)+begun, keys, "what is not sent was begun by the dead")
		t.Logf("%d mails sent, %d calls, %d begun by the dead", len(sent), calls, begun)
	})
}

// between runs functions of others between the statements of a transaction.
type between struct {
	Execer
	exec, query func()
}

// ExecContext implements Execer.
func (b *between) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	r, err := b.Execer.ExecContext(ctx, q, args...)
	b.exec()
	return r, err
}

// QueryContext implements Execer.
func (b *between) QueryContext(ctx context.Context, q string, args ...any) (Rows, error) {
	r, err := b.Execer.QueryContext(ctx, q, args...)
	b.query()
	return r, err
}

// A claim that finds the key free between its statements does not take it from somebody who
// has claimed it since.
func TestGuardGone(t *testing.T) {
	s := postgresStore(t) // SQLite has one writer
	g, ok := s.Guard().(*guard)
	require.True(t, ok)
	by := provider.GuardEntry{Digest: "x", At: time.Now()}
	begun, ok := provider.GuardEntry{}.Claim(by)
	require.True(t, ok)
	entry, err := jsonText(begun)
	require.NoError(t, err)
	insert := func(claim string) {
		_, err := s.exec(t.Context(), s.own(), "insert into {guard} (key, entry, claim, at) values ('k', {1}, {2}, {now})", entry, claim)
		require.NoError(t, err)
	}
	insert("first")
	err = s.in(t.Context(), func(x Execer) error {
		_, claimed, err := g.claimIn(t.Context(), &between{
			Execer: x,
			exec: sync.OnceFunc(func() {
				_, err := s.exec(t.Context(), s.own(), "delete from {guard}")
				require.NoError(t, err)
			}),
			query: func() { insert("second") },
		}, "k", "mine", by)
		assert.False(t, claimed)
		return err
	})
	require.ErrorIs(t, err, errGuardGone)
	r, err := g.row(t.Context(), s.own(), "k", "")
	require.NoError(t, err)
	assert.Equal(t, "second", r.claim)
}
