//go:build unix

package outbox

import (
	"context"
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var promotions = flag.Int("crash.promotions", 1, "how often TestPromotions promotes a standby")

// promotion is a crash test whose server dies again and again, while the standby, which does
// not have the last transactions, takes over.
type promotion struct {
	*crash
	standby *cluster
	stream  *sqlProxy       // between the standby and its primary
	told    map[string]bool // ids that are lost, and were told
	early   int             // of them, those that were sent
	read    int             // events
}

// again has the messages that are told to be lost stored again, under their keys, as a
// program does.
func (p *promotion) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	numbers := make(map[string]int)
	for n, id := range p.confirmed {
		numbers[id] = n
	}
	sent := p.vendor.counts()
	for _, line := range p.events[p.read:] {
		id, ok := strings.CutPrefix(line, "lost ")
		n, known := numbers[id]
		if !ok || !known || p.told[id] {
			continue
		}
		p.told[id] = true
		if sent[crashSubject(n)] > 0 {
			p.early++ // its worker was late; when it comes, what is stored again is in doubt
		}
		p.todo = append(p.todo, n)
	}
	p.read = len(p.events)
}

func newPromotion(t *testing.T) *promotion {
	primary := newCluster(t, "-c", "fsync=off", "-c", "shared_buffers=16MB")
	primary.start()
	front := newSQLProxy(t, primary.addr())
	spec := childSpec{Driver: "pgx", Database: front.url()}
	store, err := spec.store()
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.db.Close() })
	require.NoError(t, store.Migrate(t.Context()))
	p := &promotion{crash: newCrash(t, store, spec), told: make(map[string]bool)}
	p.cut, p.server = front, primary
	p.stream = newSQLProxy(t, primary.addr())
	p.stream.raw = true
	p.part, p.ahead = 3, 1<<30 // so that the load lasts, whatever is in doubt
	p.follow()
	return p
}

// follow starts a standby of the primary, and waits until it has all there is.
func (p *promotion) follow() {
	p.t.Helper()
	p.stream.target.Store(p.server.addr())
	p.standby = p.server.standby(p.stream.port())
	p.standby.start()
	require.Eventually(p.t, func() bool {
		var n int
		err := p.store.db.QueryRowContext(p.t.Context(), "select count(*) from pg_stat_replication where state = 'streaming'").Scan(&n)
		return err == nil && n == 1
	}, 20*time.Second, 20*time.Millisecond, "the standby follows")
}

// promote kills the primary, some time after the last transaction that the standby gets, and
// lets the standby take over.
func (p *promotion) promote() {
	p.t.Helper()
	p.stream.frozen.Store(true)
	pause(p.t.Context(), time.Duration(rand.IntN(200))*time.Millisecond)
	p.server.stop()
	p.standby.promote()
	p.stream.drop()
	p.stream.frozen.Store(false)
	p.server = p.standby
	p.cut.target.Store(p.server.addr())
	p.cut.drop()
}

// released waits until the workers have looked after what is lost, and releases the accounts,
// as a person does.
func (p *promotion) released() {
	p.t.Helper()
	var holds []Hold
	require.Eventually(p.t, func() bool {
		var err error
		var noted, now string
		_, err = p.store.one(p.t.Context(), p.store.own(), "select value, "+postgresTimeline+" from {fact} where name = 'timeline'", nil, &noted, &now)
		if err != nil || noted != now {
			return false
		}
		holds, err = p.store.Holds(p.t.Context())
		return err == nil
	}, 20*time.Second, 50*time.Millisecond, "a worker sees that another server has taken over")
	pause(p.t.Context(), 2*p.spec.Lease) // each process looks each quarter of a lease
	for _, h := range holds {
		_, err := p.store.Release(p.t.Context(), h.Account)
		require.NoError(p.t, err)
	}
}

// A standby that lacks the last transactions takes over again and again. No mail goes out
// twice, and every message that is lost is told.
func TestPromotions(t *testing.T) {
	notRaced(t)
	t.Parallel()
	p := newPromotion(t)
	const mails = 250 // in a round, at about 200 a second
	p.mails = *promotions * mails
	var workers [3]*proc
	for i := range workers {
		workers[i] = p.start("worker")
	}
	enqueuers := [2]*proc{p.start("enqueuer"), p.start("enqueuer")}
	for round := range *promotions {
		p.mu.Lock()
		for n := range mails {
			p.todo = append(p.todo, round*mails+n)
		}
		p.mu.Unlock()
		loaded, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		load.Go(func() {
			for loaded.Err() == nil {
				for _, e := range enqueuers {
					p.feed(e, 1)
				}
				pause(loaded, 30*time.Millisecond)
			}
		})
		pause(t.Context(), time.Duration(300+rand.IntN(700))*time.Millisecond)
		began := time.Now()
		p.promote()
		took := time.Since(began)
		stop()
		load.Wait()
		p.released()
		p.again()
		seen := time.Since(began)
		if round+1 < *promotions {
			p.follow()
		}
		twice := 0
		for _, n := range p.vendor.counts() {
			if n > 1 {
				twice++
			}
		}
		p.mu.Lock()
		t.Logf("round %d: promoted in %s, seen in %s, followed in %s; %d mails confirmed, %d told as lost, %d sent twice so far",
			round, took, seen, time.Since(began), len(p.confirmed), len(p.told), twice)
		p.mu.Unlock()
		if t.Failed() {
			t.Fatal("round ", round)
		}
	}
	for {
		p.mu.Lock()
		left := len(p.todo) + p.open
		p.mu.Unlock()
		if left == 0 {
			break
		}
		for _, e := range enqueuers {
			p.feed(e, 1)
		}
		pause(t.Context(), 50*time.Millisecond)
	}
	for _, e := range enqueuers {
		e.end()
	}
	p.drain()
	for _, w := range workers {
		w.end()
	}
	p.check()
}

func (p *promotion) check() {
	within := make(map[string]bool) // a transaction of the program, which is lost as well
	atEnd := make(map[string]bool)  // told when it was too late to store it again
	for _, line := range p.events {
		switch word := strings.Fields(line); word[0] {
		case "ok":
			within[word[2]] = word[4] == "tx"
		case "lost":
			atEnd[word[1]] = true
		}
	}
	together, untold, sent := 0, 0, p.vendor.counts()
	for n, id := range p.confirmed {
		mails := sent[crashSubject(n)]
		if _, err := p.store.Get(p.t.Context(), id); err == nil {
			continue
		}
		if atEnd[id] {
			p.told[id] = true
			continue
		}
		if within[id] && mails == 0 {
			together++
			continue
		}
		untold++
		p.t.Logf("%s is lost, and nobody told: %s, %d mails", crashSubject(n), id, mails)
	}
	n := p.count()
	p.t.Logf("%d promotions, %d mails confirmed, %d messages lost, told and stored again (%d of them sent before), %d lost with the program's transaction, %d not told, %d sent twice, unknown %v (%d delivered), states %v",
		*promotions, n.confirmed, len(p.told), p.early, together, untold, n.twice, n.unknown, n.delivered, n.states)
	assert.Zero(p.t, n.twice, "sent twice")
	assert.Zero(p.t, untold, "lost, and not told")
	assert.Zero(p.t, n.untold, "the ledger says something else than the vendor")
	assert.Zero(p.t, n.wrong, "neither accepted nor unknown")
}
