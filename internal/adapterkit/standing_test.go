package adapterkit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestBars(t *testing.T) {
	on := func(list string, status provider.MembershipStatus) provider.Membership {
		return provider.Membership{List: list, Status: status}
	}
	for _, row := range []struct {
		name     string
		standing Standing
		bars     string // the list 4
	}{
		{name: "not known"},
		{name: "on it", standing: Standing{Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}}},
		{name: "left it", standing: Standing{Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed), on("5", provider.StatusSubscribed)}}, bars: "it is unsubscribed there"},
		{name: "left another, on a third", standing: Standing{Memberships: []provider.Membership{on("5", provider.StatusUnsubscribed), on("6", provider.StatusSubscribed)}}},
		{name: "left another, waits on a third", standing: Standing{Memberships: []provider.Membership{on("5", provider.StatusComplained), on("6", provider.StatusPending)}}},
		{name: "left all", standing: Standing{Memberships: []provider.Membership{on("5", provider.StatusUnsubscribed), on("6", provider.StatusBounced)}}, bars: "it has left every list that it was on"},
		{name: "left all but one that it was removed from", standing: Standing{Memberships: []provider.Membership{on("5", provider.StatusUnsubscribed), on("6", provider.StatusRemoved)}}, bars: "it has left every list that it was on"},
		{name: "removed from all", standing: Standing{Memberships: []provider.Membership{on("4", provider.StatusRemoved), on("5", provider.StatusRemoved)}}},
		{name: "blocked", standing: Standing{Blocked: "it is blocked", Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}}, bars: "it is blocked"},
	} {
		assert.Equal(t, row.bars, row.standing.Bars("4"), row.name)
	}
}

func TestBarredErr(t *testing.T) {
	var b Barred
	require.NoError(t, b.Err(true))
	b.Add("4", "it is unsubscribed there")
	for stored, want := range map[bool]provider.Outcome{false: provider.OutcomeNotSent, true: provider.OutcomeSent} {
		var e *provider.Error
		require.ErrorAs(t, b.Err(stored), &e)
		assert.Equal(t, provider.ErrConflict, e.Kind)
		assert.Equal(t, want, e.Outcome)
		assert.Equal(t, "lists", e.Field)
		assert.Contains(t, e.Message, "resubscribe is the verb for that")
		assert.False(t, e.Retryable())
	}
}

// An identifier of another address is always seen, and one's own hardly ever taken for
// another's.
func TestPeople(t *testing.T) {
	var p People
	const n = 100_000
	phone := func(i int) string { return fmt.Sprintf("SMS 98912%07d", i) }
	email := func(i int) string { return fmt.Sprintf("Row%d@Example.com", i) }
	wrong := 0
	for i := range n {
		if p.Claim(phone(i), email(i)) {
			wrong++
		}
	}
	for i := range n {
		require.True(t, p.Another(phone(i), "other@example.com"), phone(i))
		if p.Another(phone(i), fmt.Sprintf("row%d@example.COM", i)) {
			wrong++
		}
	}
	assert.Less(t, wrong, 5, "one's own, taken for another's")
	assert.False(t, p.Another("EXT_ID 98912", "a@example.com"), "another kind of identifier")

	p.Add("SMS 1", "a@example.com")
	p.Add("SMS 1", "b@example.com")
	assert.True(t, p.Another("SMS 1", "a@example.com"), "of two, which both want it")
	assert.True(t, p.Another("SMS 1", "b@example.com"))
	slots := 0
	for _, s := range p.shards {
		slots += len(s)
	}
	assert.Less(t, 8*slots/n, 20, "bytes each")
}
