//go:build unix

package outbox

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The full figures of docs/outbox.md are made with larger numbers.
var (
	crashKills  = flag.Int("crash.kills", 20, "how often TestCrash kills a process, on each database")
	crashStalls = flag.Int("crash.stalls", 6, "how often TestCrash stops a worker for longer than its lease, on each database")
	crashMails  = flag.Int("crash.mails", 1000, "how many mails TestCrash sends, on each database")
	crashStops  = flag.Int("crash.stops", 2, "how often TestCrash stops the server of PostgreSQL at once")
	crashSlow   = flag.Duration("crash.slow", 60*time.Millisecond, "how long the vendor of TestCrash takes at most for an answer")
)

// crash is a test with processes that are killed and stalled while they store and send mail.
type crash struct {
	t      testing.TB
	store  *Store // not through a cutter
	spec   childSpec
	vendor *mailServer
	cut    *sqlProxy // of PostgreSQL
	server *cluster  // of its own; nil: a server that is not stopped

	kills, stalls, stops, mails int // to be done
	workers, enqueuers          int
	part                        int // how many mails an enqueuer is given at a time
	started                     int // workers
	ahead                       int // how many mails may be confirmed and not sent while it is given more

	history history

	mu        sync.Mutex
	confirmed map[int]string // what an enqueuer was told is stored
	todo      []int          // to be handed to an enqueuer
	open      int            // handed out, not confirmed
	events    []string       // lines of processes, for the history
	swept     Swept
	killed    struct{ workers, enqueuers int }
	stalled   int
	stopped   int
}

// proc is a process under test.
type proc struct {
	c      *crash
	cmd    *exec.Cmd
	in     io.WriteCloser
	errOut *os.File
	ended  chan struct{}
	ready  chan struct{}
	work   map[int]bool // numbers of mails that it was given and has not confirmed
	born   time.Time
	gone   bool // it was killed
}

func newCrash(t testing.TB, store *Store, spec childSpec) *crash {
	c := &crash{
		t: t, store: store, spec: spec, vendor: newMailServer(t, *crashSlow), confirmed: make(map[int]string),
		kills: *crashKills, stalls: *crashStalls, mails: *crashMails, workers: 3, enqueuers: 2, part: 60, ahead: 1500,
	}
	c.history.reads = make(map[int][]porcupine.Operation)
	c.spec.Vendor, c.spec.Lease, c.spec.Senders = c.vendor.URL, time.Second, 8
	return c
}

// start starts a process.
func (c *crash) start(role string) *proc {
	spec := c.spec
	spec.Role = role
	switch {
	case spec.Mutation == "host clocks" && role == "worker":
		c.started++
		spec.Clock = time.Duration(c.started%2) * time.Hour
	case spec.Mutation == "" && spec.Driver == "pgx":
		spec.Clock = time.Duration(rand.IntN(3)-1) * time.Hour // the database has the only clock that counts
	}
	text, err := json.Marshal(spec)
	require.NoError(c.t, err)
	self, err := os.Executable()
	require.NoError(c.t, err)
	p := &proc{c: c, cmd: exec.Command(self), ended: make(chan struct{}), ready: make(chan struct{}), work: make(map[int]bool), born: time.Now()}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GOMAXPROCS=2")
	p.in, err = p.cmd.StdinPipe()
	require.NoError(c.t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(c.t, err)
	p.errOut, err = os.CreateTemp(c.t.TempDir(), "stderr")
	require.NoError(c.t, err)
	p.cmd.Stderr = p.errOut
	require.NoError(c.t, p.cmd.Start())
	go p.read(out)
	return p
}

// read reads what the process says until it has ended.
func (p *proc) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	ready := sync.OnceFunc(func() { close(p.ready) })
	for lines.Scan() {
		p.line(lines.Text(), ready)
	}
	err := p.cmd.Wait()
	p.c.mu.Lock()
	// What it did not confirm is done by another, with the same keys.
	for n := range p.work {
		p.c.todo = append(p.c.todo, n)
		p.c.open--
	}
	gone := p.gone
	p.c.mu.Unlock()
	if err != nil && !gone {
		text, _ := os.ReadFile(p.errOut.Name())
		p.c.t.Errorf("a process ended by itself: %v\n%s", err, text)
	}
	_ = p.errOut.Close()
	ready()
	close(p.ended)
}

func (p *proc) line(text string, ready func()) {
	word := strings.Fields(text)
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	switch word[0] {
	case "ready":
		ready()
	case "ok":
		n, err := strconv.Atoi(word[1])
		assert.NoError(p.c.t, err)
		if p.work[n] {
			delete(p.work, n)
			p.c.open--
		}
		if id, ok := p.c.confirmed[n]; ok && id != word[2] {
			p.c.t.Errorf("mail %d has two ids: %s and %s", n, id, word[2])
		}
		p.c.confirmed[n] = word[2]
		p.c.events = append(p.c.events, text)
	case "swept":
		var s Swept
		_, err := fmt.Sscan(text[len("swept "):], &s.Returned, &s.Unknown, &s.Dead)
		assert.NoError(p.c.t, err)
		p.c.swept.Returned += s.Returned
		p.c.swept.Unknown += s.Unknown
		p.c.swept.Dead += s.Dead
	case "try":
		p.c.history.tried(number(word[1]))
		p.c.events = append(p.c.events, text)
	case "state", "lost":
		p.c.events = append(p.c.events, text)
	}
}

func (p *proc) kill() {
	p.c.mu.Lock()
	p.gone = true
	p.c.mu.Unlock()
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stall stops the process for longer than the lease.
func (p *proc) stall(d time.Duration) {
	require.NoError(p.c.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	pause(p.c.t.Context(), d)
	require.NoError(p.c.t, p.cmd.Process.Signal(syscall.SIGCONT))
}

// end lets the process end as a stop does.
func (p *proc) end() {
	_ = p.in.Close()
	<-p.ended
}

// feed gives an enqueuer mails, as long as the workers keep up. It returns false when there
// is nothing to give now.
func (c *crash) feed(p *proc, progress float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead := len(c.confirmed) - c.vendor.subjects()
	if len(p.work) > 0 || len(c.todo) == 0 || ahead > c.ahead || float64(c.mails-len(c.todo)) > float64(c.mails)*progress+float64(c.part) {
		return false
	}
	part := slices.Clone(c.todo[:min(c.part, len(c.todo))])
	c.todo = c.todo[len(part):]
	slices.Sort(part)
	for _, n := range part {
		p.work[n] = true
	}
	c.open += len(part)
	text, err := json.Marshal(enqueueWork{Mails: part, How: []string{"one", "all", "tx"}[rand.IntN(3)]})
	require.NoError(c.t, err)
	_, _ = p.in.Write(append(text, '\n')) // it may be dead: then the mails come back
	return true
}

// run makes the faults, all mails, and waits until no message is under way.
func (c *crash) run() {
	for n := range c.mails {
		c.todo = append(c.todo, n)
	}
	workers, enqueuers := make([]*proc, c.workers), make([]*proc, c.enqueuers)
	for i := range workers {
		workers[i] = c.start("worker")
	}
	for i := range enqueuers {
		enqueuers[i] = c.start("enqueuer")
	}
	var sleeping, reading sync.WaitGroup
	readable, stop := context.WithCancel(c.t.Context())
	for range 2 {
		reading.Go(func() { c.history.read(readable, c.store) })
	}
	defer reading.Wait()
	defer stop()
	asleep := make(chan *proc, len(workers))
	sleepers := make(map[*proc]bool)
	faults := c.kills + c.stalls + c.stops
	deadline := time.Now().Add(time.Minute + time.Duration(faults)*4*time.Second + time.Duration(c.mails)*20*time.Millisecond)
	told := time.Now()
	for {
		done := c.killed.workers + c.killed.enqueuers + c.stalled + c.stopped
		progress := 1.0
		if faults > 0 {
			progress = float64(done+1) / float64(faults)
		}
		for _, p := range enqueuers {
			c.feed(p, progress)
		}
		c.mu.Lock()
		left := len(c.todo) + c.open
		c.mu.Unlock()
		if done >= faults && left == 0 {
			break
		}
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			c.t.Logf("%d of %d faults, %d of %d mails to be stored", done, faults, left, c.mails)
		}
		require.True(c.t, time.Now().Before(deadline), "%d faults, %d mails to store", done, left)
		pause(c.t.Context(), time.Duration(20+rand.IntN(100))*time.Millisecond)
		for len(asleep) > 0 {
			delete(sleepers, <-asleep)
		}
		if done >= faults {
			continue
		}
		i := rand.IntN(len(workers))
		p := workers[i]
		if sleepers[p] || time.Since(p.born) < time.Duration(300+rand.IntN(1500))*time.Millisecond || !p.isReady() {
			continue
		}
		killsLeft, stallsLeft := c.kills-c.killed.workers-c.killed.enqueuers, c.stalls-c.stalled
		stopsLeft := c.stops - c.stopped
		switch n := rand.IntN(killsLeft + stallsLeft + stopsLeft); {
		case n < stopsLeft:
			c.stopped++
			c.server.stop()
			pause(c.t.Context(), time.Duration(rand.IntN(1500))*time.Millisecond)
			c.server.start()
		case n < stopsLeft+killsLeft && rand.IntN(10) == 0:
			c.killed.enqueuers++
			e := rand.IntN(len(enqueuers))
			enqueuers[e].kill()
			enqueuers[e] = c.start("enqueuer")
		case n < stopsLeft+killsLeft:
			c.killed.workers++
			p.kill()
			workers[i] = c.start("worker")
		case len(sleepers) < len(workers)-1:
			c.stalled++
			sleepers[p] = true
			sleeping.Go(func() {
				p.stall(c.spec.Lease + time.Duration(rand.IntN(1500)+200)*time.Millisecond)
				asleep <- p
			})
		}
	}
	sleeping.Wait()
	if c.cut != nil {
		c.cut.one.Store(0)
	}
	for _, p := range enqueuers {
		p.end()
	}
	c.drain()
	for _, p := range workers {
		p.end()
	}
}

func (p *proc) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// drain waits until nothing is under way.
func (c *crash) drain() {
	deadline := time.Now().Add(time.Minute + time.Duration(c.mails)*10*time.Millisecond)
	for {
		stats, err := c.store.Stats(c.t.Context())
		require.NoError(c.t, err)
		left := stats.ByState[Queued] + stats.ByState[Leased] + stats.ByState[Sending]
		if left == 0 {
			return
		}
		if !time.Now().Before(deadline) {
			for e, err := range c.store.List(c.t.Context(), Query{States: []State{Queued, Leased, Sending}}) {
				require.NoError(c.t, err)
				c.t.Logf("%+v", e)
			}
			c.t.Fatalf("%d messages are under way and stay so: %v", left, stats)
		}
		pause(c.t.Context(), 100*time.Millisecond)
	}
}

// crashCount is what became of the mails.
type crashCount struct {
	confirmed, lost, twice, untold, wrong int
	unknown                               map[string]int // by account
	delivered                             int            // of the unknown
	states                                map[State]int
}

// count looks at every mail: where the vendor and the ledger have it.
func (c *crash) count() crashCount {
	out := crashCount{unknown: make(map[string]int), states: make(map[State]int)}
	entries := make(map[string]*Entry)
	for e, err := range c.store.List(c.t.Context(), Query{}) {
		require.NoError(c.t, err)
		entries[e.ID] = e
		out.states[e.State]++
	}
	sent := c.vendor.counts()
	out.confirmed = len(c.confirmed)
	for n := range c.mails {
		subject, id := crashSubject(n), c.confirmed[n]
		mails, e := sent[subject], entries[id]
		delete(sent, subject)
		if mails > 1 {
			out.twice++
			c.t.Logf("%s was sent %d times: %+v", subject, mails, e)
		}
		switch {
		case id == "":
		case e == nil:
			out.lost++
			c.t.Logf("%s is lost: %s, %d mails", subject, id, mails)
		case e.State == Unknown:
			out.unknown[e.Account]++
			out.delivered += mails
		case e.State == Accepted && mails == 0, e.State != Accepted && mails > 0:
			out.untold++
			c.t.Logf("%s: %d mails, and the outbox says %+v", subject, mails, e)
		case e.State != Accepted:
			out.wrong++
			c.t.Logf("%s is %+v", subject, e)
		}
	}
	out.wrong += len(sent) // mails of which no message was stored
	return out
}

// check asserts what is promised, and tells the figures.
func (c *crash) check() {
	n := c.count()
	cuts := int64(0)
	if c.cut != nil {
		cuts = c.cut.cuts.Load()
	}
	c.t.Logf("%s: %d kills of workers, %d of enqueuers, %d stalls, %d commits cut off, %d stops of the server; %d mails confirmed, "+
		"%d lost, %d sent twice, %d in a wrong state; unknown %v (%d delivered); states %v; swept %+v; %d calls, %d not fetched",
		c.spec.Driver, c.killed.workers, c.killed.enqueuers, c.stalled, cuts, c.stopped, n.confirmed, n.lost, n.twice, n.untold+n.wrong,
		n.unknown, n.delivered, n.states, c.swept, c.vendor.calls, c.vendor.halved)
	messages, operations := c.history.check(c.t, c)
	c.t.Logf("the histories of %d messages, %d operations, are possible", messages, operations)
	assert.Equal(c.t, c.mails, n.confirmed)
	assert.Zero(c.t, n.lost, "confirmed and lost")
	assert.Zero(c.t, n.twice, "sent twice")
	assert.Zero(c.t, n.untold, "the ledger says something else than the vendor")
	assert.Zero(c.t, n.wrong, "neither accepted nor unknown")
	assert.Zero(c.t, n.unknown["keyed"], "a key leaves nothing unknown")
	for _, account := range []string{"unkeyed", "route"} {
		assert.LessOrEqual(c.t, n.unknown[account], c.killed.workers*c.spec.Senders, account)
	}
	assert.LessOrEqual(c.t, n.unknown["batch"], c.killed.workers*2*batchMost)
}

// Processes that store and send are killed and stalled again and again. Drained, no mail that
// was confirmed is lost and none was sent twice.
func TestCrash(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := sqliteCrash(t)
		c.run()
		c.check()
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := postgresCrash(t)
		c.run()
		c.check()
	})
}

func sqliteCrash(t *testing.T) *crash {
	path := t.TempDir() + "/outbox.db"
	return newCrash(t, sqliteFile(t, path), childSpec{
		Driver: "sqlite", Database: "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(30000)&_pragma=synchronous(FULL)",
	})
}

// postgresCrash has a server of its own that is stopped and a cutter before it.
func postgresCrash(t *testing.T) *crash {
	server := newCluster(t)
	server.start()
	spec := childSpec{Driver: "pgx", Database: server.url()}
	store, err := spec.store()
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.db.Close() })
	require.NoError(t, store.Migrate(t.Context()))
	cut := newSQLProxy(t, server.addr())
	spec.Database = cut.url()
	c := newCrash(t, store, spec)
	c.cut, c.server, c.stops = cut, server, *crashStops
	cut.one.Store(200)
	return c
}
