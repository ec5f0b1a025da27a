package river

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// system is a database with the tables of River and the outbox, in a schema of its own.
type system struct {
	schema string
	pool   *pgxpool.Pool
	store  *outbox.Store
}

func newSystem(t testing.TB) *system {
	address := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	if address == "" {
		t.Skip("POSTMUX_TEST_DATABASE_URL is not set")
	}
	s := openSystem(t, address, fmt.Sprint("river_", time.Now().UnixNano()))
	_, err := s.pool.Exec(t.Context(), "create schema "+s.schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := s.pool.Exec(context.Background(), "drop schema "+s.schema+" cascade")
		require.NoError(t, err)
	})
	require.NoError(t, s.store.Migrate(t.Context()))
	m, err := rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Schema: s.schema, Logger: quiet})
	require.NoError(t, err)
	_, err = m.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	return s
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// openSystem opens a system that is there.
func openSystem(t testing.TB, address, schema string) *system {
	cfg, err := pgxpool.ParseConfig(address)
	require.NoError(t, err)
	cfg.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, err := outbox.Postgres(db, outbox.StoreOptions{Schema: schema})
	require.NoError(t, err)
	return &system{schema: schema, pool: pool, store: store}
}

// box opens a Box that sends through an account.
func (s *system) box(t testing.TB, a adapter) *outbox.Box {
	b, err := outbox.Open(t.Context(), s.store, outbox.Config{
		Default: "main", Namespace: "test", Lease: time.Second,
		Accounts: func(context.Context, string) (*provider.Client, error) { return a.client(t), nil },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// config is that of a Client of River that sends the mail of a Box.
func (s *system) config(t testing.TB, b *outbox.Box) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, Worker(b))
	river.AddWorker[CatchUpArgs](workers, &catchUp{box: b, after: 2 * time.Second})
	return &river.Config{
		Schema: s.schema, Workers: workers, Logger: quiet, FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 100 * time.Millisecond,
		Queues:     map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 20}},
		JobTimeout: time.Second, RescueStuckJobsAfter: 2 * time.Second,
	}
}

// client returns a Client of River; start is called for one that works.
func (s *system) client(t testing.TB, b *outbox.Box) *river.Client[pgx.Tx] {
	c, err := river.NewClient(riverpgxv5.New(s.pool), s.config(t, b))
	require.NoError(t, err)
	return c
}

func start[TTx any](t testing.TB, c *river.Client[TTx]) {
	require.NoError(t, c.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, c.Stop(context.Background())) })
}

// enqueue stores a message in a transaction that is committed.
func (s *system) enqueue(t testing.TB, b *outbox.Box, c *river.Client[pgx.Tx], m *provider.Message) (id string) {
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) (err error) {
		id, err = EnqueueTx(t.Context(), b, c, tx, m, nil)
		return err
	})
	require.NoError(t, err)
	return id
}

// jobs counts the jobs of a kind by their state.
func (s *system) jobs(t testing.TB, kind string) map[rivertype.JobState]int {
	rows, err := s.pool.Query(t.Context(), "select state::text, count(*) from "+s.schema+".river_job where kind = $1 group by state", kind)
	require.NoError(t, err)
	out := make(map[rivertype.JobState]int)
	var state string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error { out[rivertype.JobState(state)] = n; return nil })
	require.NoError(t, err)
	return out
}

func (s *system) states(t testing.TB) map[outbox.State]int64 {
	stats, err := s.store.Stats(t.Context())
	require.NoError(t, err)
	for state, n := range stats.ByState {
		if n == 0 {
			delete(stats.ByState, state)
		}
	}
	return stats.ByState
}

// eventually waits until the messages are in these states, and their jobs in those.
func (s *system) eventually(t testing.TB, messages map[outbox.State]int64, jobs map[rivertype.JobState]int) {
	t.Helper()
	ok := assert.Eventually(t, func() bool {
		return assert.ObjectsAreEqual(messages, s.states(t)) && assert.ObjectsAreEqual(jobs, s.jobs(t, Args{}.Kind()))
	}, 40*time.Second, 20*time.Millisecond)
	if !ok {
		t.Fatal(s.states(t), s.jobs(t, Args{}.Kind()))
	}
}

// Several clients send each message once.
func TestSend(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	const mails = 60
	var box *outbox.Box
	var client *river.Client[pgx.Tx]
	for range 3 {
		box = s.box(t, adapter{url: v.url})
		client = s.client(t, box)
		start(t, client)
	}
	for i := range mails {
		s.enqueue(t, box, client, mail(i))
	}
	s.eventually(t, map[outbox.State]int64{outbox.Accepted: mails}, map[rivertype.JobState]int{rivertype.JobStateCompleted: mails})
	for i := range mails {
		assert.Equal(t, 1, v.count(fmt.Sprint(i)))
	}
}

// A message and its job are there when the program's transaction is, with each driver.
func TestTransaction(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	b := s.box(t, adapter{url: v.url})
	native := s.client(t, b)
	db := s.store.DB()
	standard, err := river.NewClient(riverdatabasesql.New(db), &river.Config{Schema: s.schema, Logger: quiet})
	require.NoError(t, err)
	for _, row := range []struct {
		name   string
		commit bool
		pgx    bool
	}{
		{name: "pgx, committed", pgx: true, commit: true},
		{name: "pgx, rolled back", pgx: true},
		{name: "database/sql, committed", commit: true},
		{name: "database/sql, rolled back"},
	} {
		t.Run(row.name, func(t *testing.T) {
			before, want := s.jobs(t, Args{}.Kind())[rivertype.JobStateAvailable], 0
			var id string
			end := func(commit, rollback func() error) {
				if row.commit {
					want = 1
					require.NoError(t, commit())
				} else {
					require.NoError(t, rollback())
				}
			}
			if row.pgx {
				tx, err := s.pool.Begin(t.Context())
				require.NoError(t, err)
				id, err = EnqueueTx(t.Context(), b, native, tx, mail(row.name), nil)
				require.NoError(t, err)
				end(func() error { return tx.Commit(t.Context()) }, func() error { return tx.Rollback(t.Context()) })
			} else {
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				id, err = EnqueueTx[*sql.Tx](t.Context(), b, standard, tx, mail(row.name), nil)
				require.NoError(t, err)
				end(tx.Commit, tx.Rollback)
			}
			_, err := s.store.Get(t.Context(), id)
			if row.commit {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, provider.ErrNotFound)
			}
			assert.Equal(t, before+want, s.jobs(t, Args{}.Kind())[rivertype.JobStateAvailable])
		})
	}
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	wrong := mail("wrong")
	wrong.To = nil
	_, err = EnqueueTx(t.Context(), b, native, tx, wrong, nil)
	require.ErrorIs(t, err, provider.ErrInvalid)
	_, err = EnqueueTx(t.Context(), b, native, tx, mail("the transaction goes on"), nil)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	start(t, native)
	s.eventually(t, map[outbox.State]int64{outbox.Accepted: 3}, map[rivertype.JobState]int{rivertype.JobStateCompleted: 3})
}

// A message has one job, however often it is enqueued.
func TestUnique(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	b := s.box(t, adapter{url: v.url})
	c := s.client(t, b)
	m := mail("order")
	m.IdempotencyKey = "order-1"
	for range 3 {
		s.enqueue(t, b, c, m)
	}
	assert.Equal(t, map[rivertype.JobState]int{rivertype.JobStateAvailable: 1}, s.jobs(t, Args{}.Kind()))
	start(t, c)
	s.eventually(t, map[outbox.State]int64{outbox.Accepted: 1}, map[rivertype.JobState]int{rivertype.JobStateCompleted: 1})
	s.enqueue(t, b, c, m)
	s.eventually(t, map[outbox.State]int64{outbox.Accepted: 1}, map[rivertype.JobState]int{rivertype.JobStateCompleted: 2})
	assert.Equal(t, 1, v.count("order"))
}

// A job waits while its message does: for its time, and for a vendor that is away.
func TestSnooze(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	b := s.box(t, adapter{url: v.url})
	c := s.client(t, b)
	start(t, c)
	later := mail("later")
	later.SendAt = time.Now().Add(2 * time.Second)
	v.set(func(v *vendor) { v.busy = 1 })
	s.enqueue(t, b, c, later)
	s.enqueue(t, b, c, mail("now"))
	s.eventually(t, map[outbox.State]int64{outbox.Accepted: 2}, map[rivertype.JobState]int{rivertype.JobStateCompleted: 2})
	assert.Equal(t, 1, v.count("later"))
	assert.Equal(t, 1, v.count("now"))
	v.set(func(v *vendor) { assert.False(t, v.at["later"].Before(later.SendAt)) })
}

// What ends unknown ends its job, and is not sent again; what is gone ends its job too.
func TestEnds(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	b := s.box(t, adapter{url: v.url})
	c := s.client(t, b)
	start(t, c)
	v.set(func(v *vendor) { v.lost = true })
	s.enqueue(t, b, c, mail("lost"))
	_, err := c.Insert(t.Context(), Args{ID: "01890a5d-ac96-774b-bcce-b302099a8057"}, nil)
	require.NoError(t, err)
	_, err = c.Insert(t.Context(), Args{ID: "no id"}, nil)
	require.NoError(t, err)
	s.eventually(t, map[outbox.State]int64{outbox.Unknown: 1},
		map[rivertype.JobState]int{rivertype.JobStateCompleted: 1, rivertype.JobStateCancelled: 2})
	assert.Equal(t, 1, v.count("lost"))
}

// What has no job is sent all the same.
func TestCatchUp(t *testing.T) {
	s, v := newSystem(t), newVendor(t)
	b := s.box(t, adapter{url: v.url})
	_, err := b.Enqueue(t.Context(), mail("without a job"), nil)
	require.NoError(t, err)
	cfg := s.config(t, b)
	cfg.PeriodicJobs = []*river.PeriodicJob{CatchUpEvery(time.Second)}
	c, err := river.NewClient(riverpgxv5.New(s.pool), cfg)
	require.NoError(t, err)
	start(t, c)
	require.Eventually(t, func() bool { return v.count("without a job") == 1 }, 30*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return s.states(t)[outbox.Accepted] == 1 }, 10*time.Second, 10*time.Millisecond)
}

// killJob is what a process of TestKilled does.
type killJob struct {
	Schema, Vendor string
	Keyed          bool
}

// TestKilledProcess is a process of TestKilled.
func TestKilledProcess(t *testing.T) {
	text := os.Getenv("POSTMUX_TEST_RIVER_JOB")
	if text == "" {
		t.Skip("it is a process of TestKilled")
	}
	var job killJob
	require.NoError(t, json.Unmarshal([]byte(text), &job))
	s := openSystem(t, os.Getenv("POSTMUX_TEST_DATABASE_URL"), job.Schema)
	cfg := s.config(t, s.box(t, adapter{url: job.Vendor, keyed: job.Keyed}))
	cfg.PeriodicJobs = []*river.PeriodicJob{CatchUpEvery(time.Second)}
	c, err := river.NewClient(riverpgxv5.New(s.pool), cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start(context.Background()))
	<-c.Stopped()
}

// Processes of River that are killed while they send lose no mail and send none twice. Without
// a key, what was under way is unknown.
func TestKilled(t *testing.T) {
	for _, keyed := range []bool{true, false} {
		t.Run(fmt.Sprint("keyed ", keyed), func(t *testing.T) {
			t.Parallel()
			s, v := newSystem(t), newVendor(t)
			const mails, kills = 300, 5
			v.delay = 20 * time.Millisecond
			b := s.box(t, adapter{url: v.url, keyed: keyed})
			c := s.client(t, b)
			for i := range mails {
				s.enqueue(t, b, c, mail(i))
			}
			job, err := json.Marshal(killJob{s.schema, v.url, keyed})
			require.NoError(t, err)
			process := func() *exec.Cmd {
				p := exec.Command(os.Args[0], "-test.run", "^TestKilledProcess$")
				p.Env = append(os.Environ(), "POSTMUX_TEST_RIVER_JOB="+string(job))
				p.Stdout, p.Stderr = os.Stderr, os.Stderr
				require.NoError(t, p.Start())
				return p
			}
			kill := func(p *exec.Cmd) {
				_ = p.Process.Kill()
				_ = p.Wait()
			}
			sent := func() int { v.mu.Lock(); defer v.mu.Unlock(); return len(v.sent) }
			list := []*exec.Cmd{process(), process()}
			defer func() {
				for _, p := range list {
					kill(p)
				}
			}()
			for i := range kills {
				require.Eventually(t, func() bool { return sent() >= (i+1)*mails/(kills+2) }, 60*time.Second, time.Millisecond)
				kill(list[i%2])
				list[i%2] = process()
			}
			require.Eventually(t, func() bool {
				states := s.states(t)
				return states[outbox.Accepted]+states[outbox.Unknown] == mails
			}, 60*time.Second, 20*time.Millisecond)
			v.mu.Lock()
			defer v.mu.Unlock()
			unknown := s.states(t)[outbox.Unknown]
			for i := range mails {
				assert.LessOrEqual(t, v.sent[fmt.Sprint(i)], 1, "sent twice")
			}
			if keyed {
				assert.Zero(t, unknown)
			}
			assert.GreaterOrEqual(t, len(v.sent)+int(unknown), mails, "lost")
			assert.LessOrEqual(t, unknown, int64(kills*20))
			t.Logf("%d kills: %d mails, %d sent, %d unknown", kills, mails, len(v.sent), unknown)
		})
	}
}
