//go:build unix

package outbox

import (
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var crashMutants = flag.Bool("crash.mutants", false, "also run the processes of TestCrash with each mutation, for minutes")

// The model finds each mutation of the ledger.
func TestModelFindsMutations(t *testing.T) {
	notRaced(t)
	for _, name := range slices.Sorted(maps.Keys(mutations)) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				s, tick := modelStore(t, "sqlite")
				m := newModel(t, s, tick, seed)
				if name == "host clocks" {
					m.skew = time.Hour
				}
				mutate(s, name)
				m.run(2_000)
				if m.wrong != "" {
					t.Logf("found with the seed %d after %v: %s", seed, m.steps, m.wrong)
					return
				}
			}
			t.Error("not found")
		})
	}
}

// What really happened to the mails is enough to find the mutations, without a look at the
// states that the model expects.
func TestModelFindsMutationsByMails(t *testing.T) {
	notRaced(t)
	for _, name := range []string{"no attempt", "sweep to queued", "intent after send", "not sticky"} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				s, tick := modelStore(t, "sqlite")
				m := newModel(t, s, tick, seed)
				m.mailsOnly = true
				mutate(s, name)
				m.run(1_500)
				if m.wrong != "" {
					t.Logf("found with the seed %d after %v: %s", seed, m.steps, m.wrong)
					return
				}
			}
			t.Error("not found")
		})
	}
}

// Processes that are killed find what the model finds, but for two: without the flag unclear a
// mail is sent twice only minutes later, and without the attempt only when a worker wakes in
// the moment in which it takes its own message again.
func TestCrashFindsMutations(t *testing.T) {
	if !*crashMutants {
		t.Skip("-crash.mutants is not set")
	}
	for _, row := range []struct {
		name                 string
		kills, stalls, mails int
	}{
		{name: "intent after send", kills: 20, mails: 3000},
		{name: "sweep to queued", kills: 20, mails: 3000},
		{name: "host clocks", mails: 2000},
	} {
		for _, driver := range []string{"sqlite", "postgres"} {
			t.Run(row.name+"/"+driver, func(t *testing.T) {
				make := sqliteCrash
				if driver == "postgres" {
					make = postgresCrash
				}
				c := make(t)
				c.kills, c.stalls, c.stops, c.mails, c.spec.Mutation = row.kills, row.stalls, 0, row.mails, row.name
				c.run()
				n := c.count()
				robbed := row.kills+row.stalls == 0 && c.swept.Returned+c.swept.Unknown > 0
				t.Logf("%d lost, %d twice, %d untold, %d in a wrong state, unknown %v, swept %+v", n.lost, n.twice, n.untold, n.wrong, n.unknown, c.swept)
				assert.True(t, n.lost+n.twice+n.untold+n.wrong+n.unknown["keyed"] > 0 || robbed, "not found")
			})
		}
	}
}

// On PostgreSQL no statement has a time of this host: hosts whose clocks are an hour apart
// agree on all leases.
func TestNoHostClock(t *testing.T) {
	s := postgresStore(t)
	s.clock = func() time.Time { return time.Now().Add(time.Hour) }
	m := newVendor()
	b := open(t, s, map[string]*vendor{"main": m}, nil)
	id, err := b.Enqueue(t.Context(), mail("one"), nil)
	require.NoError(t, err)
	e, err := b.Process(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, Accepted, e.State)
	assert.WithinDuration(t, time.Now(), e.Created, time.Minute, "by the clock of the database")
	_, err = s.sweep(t.Context())
	require.NoError(t, err)
	n := 0
	s.texts.Range(func(_, v any) bool {
		n++
		q := v.(statement)
		assert.Zero(t, q.now, q.text)
		return true
	})
	assert.Greater(t, n, 10)
}
