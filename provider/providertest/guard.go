package providertest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// GuardHarness describes a provider.GuardStore to the suite.
type GuardHarness struct {
	// Open returns a store. All that one test opens have the same entries, as several hosts
	// do with one database.
	Open func(t *testing.T) provider.GuardStore
	// Single says that a store is in the memory of one process: Open returns the same one
	// each time that it is called by a test.
	Single bool
}

// RunGuardStore checks that a provider.GuardStore keeps what the interface promises. It cannot
// check that an entry is durable.
func RunGuardStore(t *testing.T, h GuardHarness) {
	for _, c := range []struct {
		name  string
		check func(*guardTest)
	}{
		{"what an entry allows", (*guardTest).claims},
		{"what a result leaves", (*guardTest).results},
		{"entries are kept whole", (*guardTest).whole},
		{"one claim of many", (*guardTest).race},
		{"one claim of what may be gone on with", (*guardTest).raceAgain},
		{"a call waits for the send that runs", (*guardTest).waits},
		{"a call that waits takes over what was not sent", (*guardTest).takesOver},
		{"another message does not wait", (*guardTest).otherMessage},
		{"a call that waits may give up", (*guardTest).givesUp},
		{"keys of other texts are others", (*guardTest).keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := h.Open(t)
			open := func() provider.GuardStore { return h.Open(t) }
			if h.Single {
				open = func() provider.GuardStore { return first }
			}
			c.check(&guardTest{T: t, open: open, key: "shop/" + rand.Text()})
		})
	}
}

// guardTest is one test of the suite, whose keys nobody else has.
type guardTest struct {
	*testing.T
	open func() provider.GuardStore
	key  string
}

// guardAt is when the sends of the suite begin.
var guardAt = time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)

func guardBy(digest string) provider.GuardEntry {
	return provider.GuardEntry{Digest: digest, Provider: "brevo", Account: "main", At: guardAt}
}

// guardReceipt is a receipt with something in it.
func guardReceipt(id string) *provider.Receipt {
	return &provider.Receipt{
		MessageID: id, Provider: "brevo", Account: "main", State: provider.StateAccepted, IdempotencyKey: "k",
		Recipients: []provider.RecipientResult{{Email: "علی@example.com", State: provider.StateAccepted, MessageID: id}},
		Notes:      []provider.Note{{Field: "f", Action: provider.NoteWarning, Why: "“why” <&> "}},
	}
}

// begin calls Begin, which does not wait for long.
func (g *guardTest) begin(s provider.GuardStore, key string, by provider.GuardEntry) (provider.GuardEntry, bool) {
	g.Helper()
	e, claimed, err := s.Begin(g.Context(), key, by)
	require.NoError(g, err)
	return e, claimed
}

func (g *guardTest) finish(s provider.GuardStore, key string, end provider.GuardEntry) {
	g.Helper()
	require.NoError(g, s.Finish(g.Context(), key, end))
}

// same compares entries as the JSON that they are.
func (g *guardTest) same(want, got provider.GuardEntry) {
	g.Helper()
	w, err := json.Marshal(want)
	require.NoError(g, err)
	have, err := json.Marshal(got)
	require.NoError(g, err)
	assert.JSONEq(g, string(w), string(have))
}

// put leaves an entry with a state at a key.
func (g *guardTest) put(s provider.GuardStore, key string, state provider.State, until time.Time) provider.GuardEntry {
	g.Helper()
	by := guardBy("d")
	_, claimed := g.begin(s, key, by)
	require.True(g, claimed)
	begun, _ := provider.GuardEntry{}.Claim(by)
	if state == provider.StateBegun {
		return begun
	}
	end := provider.GuardEntry{Digest: "d", Status: state, Provider: "brevo", Account: "b", Receipt: guardReceipt("1")}
	if !until.IsZero() {
		end.Scope, end.Until = "scope", until
	}
	g.finish(s, key, end)
	next, keep := begun.Finish(end)
	if !keep {
		return provider.GuardEntry{}
	}
	return next
}

func (g *guardTest) claims() {
	for i, row := range []struct {
		name   string
		state  provider.State // of the entry; empty: none
		until  time.Duration  // after guardAt, of an unknown one
		digest string
		at     time.Duration // of the new send, after guardAt
		want   bool
	}{
		{name: "no entry", digest: "d", want: true},
		{name: "accepted", state: provider.StateAccepted, digest: "d"},
		{name: "accepted, another message", state: provider.StateAccepted, digest: "other"},
		{name: "refused", state: provider.StateRefused, digest: "other", want: true},
		{name: "in part", state: provider.StatePartlyAccepted, digest: "d", want: true},
		{name: "in part, another message", state: provider.StatePartlyAccepted, digest: "other"},
		{name: "unknown", state: provider.StateUnknown, digest: "d"},
		{name: "unknown, in the window", state: provider.StateUnknown, until: time.Hour, digest: "d", at: time.Minute, want: true},
		{name: "unknown, after the window", state: provider.StateUnknown, until: time.Hour, digest: "d", at: 2 * time.Hour},
		{name: "unknown, another message", state: provider.StateUnknown, until: time.Hour, digest: "other", at: time.Minute},
		{name: "unknown, a clock that went back", state: provider.StateUnknown, until: time.Hour, digest: "d", at: -time.Second},
		{name: "begun, another message", state: provider.StateBegun, digest: "other"},
	} {
		key := fmt.Sprint(g.key, i)
		var before provider.GuardEntry
		if row.state != "" {
			var until time.Time
			if row.until > 0 {
				until = guardAt.Add(row.until)
			}
			before = g.put(g.open(), key, row.state, until)
		}
		by := guardBy(row.digest)
		by.At = by.At.Add(row.at)
		e, claimed := g.begin(g.open(), key, by)
		assert.Equal(g, row.want, claimed, row.name)
		g.same(before, e)
		if !claimed {
			e, claimed = g.begin(g.open(), key, by)
			assert.False(g, claimed, row.name)
			g.same(before, e)
			continue
		}
		// What was known before the claim stays known while the send runs.
		other := guardBy("another")
		e, claimed = g.begin(g.open(), key, other)
		assert.False(g, claimed, row.name)
		begun, _ := before.Claim(by)
		g.same(begun, e)
	}
}

func (g *guardTest) results() {
	s := g.open()
	g.finish(s, g.key, provider.GuardEntry{Digest: "d", Status: provider.StateAccepted})
	_, claimed := g.begin(s, g.key, guardBy("d"))
	require.True(g, claimed, "a result without an entry stores nothing")
	g.finish(s, g.key, provider.GuardEntry{Digest: "other", Status: provider.StateAccepted})
	e, claimed := g.begin(g.open(), g.key, guardBy("another"))
	assert.False(g, claimed)
	assert.Equal(g, provider.StateBegun, e.Status, "the result was another message's")

	g.finish(s, g.key, provider.GuardEntry{Digest: "d", Status: provider.StateUnknown, Receipt: guardReceipt("u")})
	g.finish(g.open(), g.key, provider.GuardEntry{Status: provider.StateAccepted, Provider: "x", Account: "settled", Receipt: guardReceipt("s")})
	for _, late := range []provider.State{provider.StateRefused, provider.StateUnknown, provider.StatePartlyAccepted} {
		g.finish(s, g.key, provider.GuardEntry{Digest: "d", Status: late})
	}
	e, claimed = g.begin(g.open(), g.key, guardBy("d"))
	assert.False(g, claimed)
	assert.Equal(g, provider.StateAccepted, e.Status, "what was settled stays")
	assert.Equal(g, "settled", e.Account)
	assert.Equal(g, "s", e.Receipt.MessageID)
}

func (g *guardTest) whole() {
	want := g.put(g.open(), g.key, provider.StateUnknown, guardAt.Add(time.Hour))
	by := guardBy("d")
	by.At = guardAt.Add(2 * time.Hour)
	for range 2 {
		e, claimed := g.begin(g.open(), g.key, by)
		assert.False(g, claimed)
		g.same(want, e)
		e.Receipt.Recipients[0].Email = "changed by the caller"
	}
}

// many calls begin for one key at the same time, and returns how many got the claim.
func (g *guardTest) many(by provider.GuardEntry) int64 {
	var got atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		s := g.open()
		for range 4 {
			all.Go(func() {
				e, claimed, err := s.Begin(g.Context(), g.key, by)
				if !assert.NoError(g, err) || !claimed {
					if !claimed && e.Status != provider.StateBegun { // a store need not wait
						assert.Equal(g, provider.StateAccepted, e.Status)
					}
					return
				}
				got.Add(1)
				assert.NoError(g, s.Finish(g.Context(), g.key, provider.GuardEntry{
					Digest: by.Digest, Status: provider.StateAccepted, Receipt: guardReceipt("1"),
				}))
			})
		}
	}
	all.Wait()
	return got.Load()
}

func (g *guardTest) race() {
	name := g.key
	for i := range 5 {
		g.key = fmt.Sprint(name, i)
		assert.EqualValues(g, 1, g.many(guardBy("d")))
	}
}

func (g *guardTest) raceAgain() {
	name := g.key
	for i, state := range []provider.State{provider.StatePartlyAccepted, provider.StateUnknown, provider.StateRefused} {
		g.key = fmt.Sprint(name, i)
		g.put(g.open(), g.key, state, guardAt.Add(time.Hour))
		assert.EqualValues(g, 1, g.many(guardBy("d")), state)
	}
}

// behind begins a send that runs, and another one behind it.
func (g *guardTest) behind(end provider.GuardEntry) (provider.GuardEntry, bool) {
	g.put(g.open(), g.key, provider.StateBegun, time.Time{})
	type answer struct {
		e       provider.GuardEntry
		claimed bool
	}
	done := make(chan answer, 1)
	go func() {
		e, claimed, err := g.open().Begin(g.Context(), g.key, guardBy("d"))
		assert.NoError(g, err)
		done <- answer{e, claimed}
	}()
	select {
	case a := <-done:
		require.Equal(g, provider.StateBegun, a.e.Status)
		g.Log("this store does not wait")
		return a.e, a.claimed
	case <-time.After(50 * time.Millisecond):
	}
	g.finish(g.open(), g.key, end)
	select {
	case a := <-done:
		return a.e, a.claimed
	case <-time.After(10 * time.Second):
		require.Fail(g, "the call behind was not woken")
		return provider.GuardEntry{}, false
	}
}

func (g *guardTest) waits() {
	e, claimed := g.behind(provider.GuardEntry{Digest: "d", Status: provider.StateAccepted, Receipt: guardReceipt("1")})
	assert.False(g, claimed)
	if e.Status != provider.StateBegun {
		assert.Equal(g, provider.StateAccepted, e.Status)
		assert.Equal(g, "1", e.Receipt.MessageID)
	}
}

func (g *guardTest) takesOver() {
	e, claimed := g.behind(provider.GuardEntry{Digest: "d", Status: provider.StateRefused})
	assert.Equal(g, e.Status != provider.StateBegun, claimed)
}

func (g *guardTest) otherMessage() {
	want := g.put(g.open(), g.key, provider.StateBegun, time.Time{})
	ctx, cancel := context.WithTimeout(g.Context(), 10*time.Second)
	defer cancel()
	e, claimed, err := g.open().Begin(ctx, g.key, guardBy("other"))
	require.NoError(g, err)
	assert.False(g, claimed)
	g.same(want, e)
}

func (g *guardTest) givesUp() {
	g.put(g.open(), g.key, provider.StateBegun, time.Time{})
	ctx, cancel := context.WithTimeout(g.Context(), 50*time.Millisecond)
	defer cancel()
	e, claimed, err := g.open().Begin(ctx, g.key, guardBy("d"))
	assert.False(g, claimed)
	if err != nil {
		assert.ErrorIs(g, err, context.DeadlineExceeded)
	} else {
		assert.Equal(g, provider.StateBegun, e.Status)
	}
}

func (g *guardTest) keys() {
	s := g.open()
	for _, end := range []string{"", " ", "/x", "%2Fx", "A", "a", "ключ", "'", `\`} {
		_, claimed := g.begin(s, g.key+end, guardBy("d"))
		assert.True(g, claimed, "%q", end)
	}
}
