package flow

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// grouped runs items through a grouper and returns the groups in the order in
// which they became complete.
func grouped(limits Limits, items []Traits) [][]int {
	g := newGrouper[int, struct{}](limits)
	var out [][]int
	for i, m := range items {
		_, complete := g.add(i, m)
		for _, x := range complete {
			out = append(out, x.items)
		}
	}
	for _, x := range g.rest() {
		out = append(out, x.items)
	}
	return out
}

// Whatever the limits and the items: nothing is lost, nothing comes twice, the
// order within a call and between the calls of a key is kept, no limit is
// passed, only equal keys meet, and no two calls of a key after each other would
// have fitted into one.
func TestGroupingProperties(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		limits := Limits{Items: r.IntN(8), Addresses: r.IntN(20), Each: r.IntN(6), Bytes: r.IntN(100), Variables: r.IntN(60)}
		items := make([]Traits, r.IntN(60))
		for i := range items {
			items[i] = Traits{Key: fmt.Sprint(r.IntN(3)), Alone: r.IntN(10) == 0, Addresses: 1 + r.IntN(7), Bytes: r.IntN(40), Variables: r.IntN(20)}
			if r.IntN(2) == 0 {
				items[i].Once = fmt.Sprint(r.IntN(20))
			}
			items[i].Texts[1] = strings.Repeat("x", r.IntN(3)*10)
		}
		groups := grouped(limits, items)
		seen := make(map[int]bool)
		last := make(map[string]int)
		before := make(map[string]*group[int, struct{}]) // the call before
		for _, g := range groups {
			require.NotEmpty(t, g)
			call := new(group[int, struct{}])
			single := items[g[0]].Alone || over(items[g[0]].Addresses, limits.Each)
			for _, i := range g {
				m := items[i]
				require.False(t, seen[i], "seed %d: item %d twice", seed, i)
				seen[i] = true
				require.Equal(t, items[g[0]].Key, m.Key, "seed %d", seed)
				if !single {
					require.False(t, m.Alone || over(m.Addresses, limits.Each), "seed %d: item %d has company", seed, i)
					at, ok := last[m.Key]
					require.True(t, !ok || at < i, "seed %d: order of item %d", seed, i)
					last[m.Key] = i
				}
				call.add(i, m)
			}
			if single {
				require.Len(t, g, 1, "seed %d", seed)
				continue
			}
			if len(g) > 1 {
				require.LessOrEqual(t, len(g), max(limits.Items, 1), "seed %d", seed)
				within(t, limits, items, g, seed)
			}
			key := call.sum.Key
			if b := before[key]; b != nil && len(b.items) < limits.Items {
				assert.True(t, limits.reached(b.sum) || limits.passed(b.with(items[g[0]])) || b.has(items[g[0]].Once), "seed %d: item %d would have fitted into the call before", seed, g[0])
			}
			before[key] = call
		}
		require.Len(t, seen, len(items), "seed %d: items lost", seed)
	}
}

// within adds up a call by itself.
func within(t *testing.T, limits Limits, items []Traits, call []int, seed uint64) {
	t.Helper()
	addresses, variables, bytes := 0, 0, len(items[call[0]].Texts[1])
	names := make(map[string]bool)
	for _, i := range call {
		require.False(t, names[items[i].Once], "seed %d: two of a name", seed)
		names[items[i].Once] = items[i].Once != ""
		addresses += items[i].Addresses
		variables += items[i].Variables
		bytes += items[i].Bytes
		if items[i].Texts != items[call[0]].Texts {
			bytes += len(items[i].Texts[1])
		}
	}
	for name, x := range map[string][2]int{"addresses": {addresses, limits.Addresses}, "variables": {variables, limits.Variables}, "bytes": {bytes, limits.Bytes}} {
		require.False(t, over(x[0], x[1]), "seed %d: %d %s", seed, x[0], name)
	}
}

// The figures that the documents of a vendor give.
func TestGroupingOfVersions(t *testing.T) {
	limits := Limits{Items: 1000, Addresses: 2000, Each: 99}
	mails := func(n, to int) []Traits {
		out := make([]Traits, n)
		for i := range out {
			out[i] = Traits{Addresses: to}
		}
		return out
	}
	assert.Len(t, grouped(limits, mails(10_000, 1)), 10)
	assert.Len(t, grouped(limits, mails(10_001, 1)), 11)
	assert.Len(t, grouped(limits, mails(10_000, 3)), 10_000/666+1, "2,000 recipients a call")
	assert.Len(t, grouped(limits, mails(7, 100)), 7, "100 recipients go alone")
}

// What all mails of a call have in common counts once, what each has of its own
// every time.
func TestGroupingBySize(t *testing.T) {
	same := Traits{Texts: [3]string{"s", strings.Repeat("x", 2000), ""}, Variables: 100, Bytes: 164}
	items := make([]Traits, 1000)
	for i := range items {
		items[i] = same
	}
	assert.Len(t, grouped(Limits{Items: 1000, Bytes: 1 << 20}, items), 1)
	assert.Len(t, grouped(Limits{Items: 1000, Variables: 50_000}, items), 2)
	for i := range items {
		items[i].Texts[1] += fmt.Sprint(i)
	}
	assert.Len(t, grouped(Limits{Items: 1000, Bytes: 1 << 20}, items), 3)
}
