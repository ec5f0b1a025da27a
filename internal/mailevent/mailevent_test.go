package mailevent

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func soft() What { return What{Kind: Bounced, Class: Soft} }

// The heaviest event decides, in whatever order events come.
func TestLogState(t *testing.T) {
	hard := What{Kind: Bounced, Class: Hard}
	for _, row := range []struct {
		name   string
		events []What
		want   provider.State
	}{
		{"queued", []What{{Kind: Queued}}, provider.StateQueued},
		{"deferred, then delivered", []What{{Kind: Queued}, {Kind: Deferred}, {Kind: Delivered}}, provider.StateDelivered},
		{"a soft bounce alone", []What{{Kind: Queued}, soft()}, provider.StateBounced},
		{"a soft bounce after a deferral", []What{{Kind: Deferred}, soft()}, provider.StateBounced},
		{"a soft bounce, then handed on", []What{soft(), {Kind: Sent}}, provider.StateAccepted},
		{"a soft bounce, then delivered", []What{{Kind: Queued}, soft(), {Kind: Delivered}}, provider.StateDelivered},
		{"a soft bounce, then opened", []What{{Kind: Queued}, soft(), {Kind: Delivered}, {Kind: Opened}}, provider.StateOpened},
		{"opened by a machine", []What{{Kind: Delivered}, {Kind: Opened, Machine: true}}, provider.StateDelivered},
		{"opened by a machine, and nothing before", []What{{Kind: Opened, Machine: true}}, provider.StateDelivered},
		{"opened by a machine and by a person", []What{{Kind: Opened, Machine: true}, {Kind: Opened}}, provider.StateOpened},
		{"a hard bounce after an open", []What{{Kind: Opened}, hard}, provider.StateBounced},
		{"a hard bounce after a soft one", []What{soft(), hard}, provider.StateBounced},
		{"rejected", []What{{Kind: Queued}, {Kind: Rejected}}, provider.StateRejected},
		{"failed", []What{{Kind: Queued}, {Kind: Failed}}, provider.StateFailed},
		{"a complaint after all", []What{{Kind: Delivered}, {Kind: Clicked}, hard, {Kind: Complained}}, provider.StateComplained},
		{"nothing of the way", []What{{Kind: Unsubscribed}}, provider.StateUnknown},
		{"left after a click", []What{{Kind: Clicked}, {Kind: Unsubscribed}}, provider.StateClicked},
	} {
		t.Run(row.name, func(t *testing.T) {
			permutations(row.events, func(events []What) {
				log := Log{}
				for _, w := range events {
					log.Add("a@example.com", w)
				}
				r := log.Receipt("x")
				assert.Equal(t, row.want, r.State, "%v", events)
				assert.Equal(t, row.want, r.Recipients[0].State)
			})
		})
	}
}

func permutations(items []What, visit func([]What)) {
	if len(items) < 2 {
		visit(items)
		return
	}
	for i := range items {
		rest := slices.Delete(slices.Clone(items), i, i+1)
		permutations(rest, func(tail []What) { visit(append([]What{items[i]}, tail...)) })
	}
}

func TestLogOfSeveral(t *testing.T) {
	log := Log{}
	assert.Nil(t, log.Receipt("x"))
	log.Add("b@example.com", What{Kind: Clicked})
	log.Add("a@example.com", What{Kind: Delivered})
	r := log.Receipt("x")
	assert.Equal(t, provider.StateDelivered, r.State, "the least that is known of all")
	assert.Equal(t, []provider.RecipientResult{
		{Email: "a@example.com", MessageID: "x", State: provider.StateDelivered},
		{Email: "b@example.com", MessageID: "x", State: provider.StateClicked},
	}, r.Recipients)
	log.Add("c@example.com", What{Kind: Bounced, Class: Hard})
	assert.Equal(t, provider.StateBounced, log.Receipt("x").State, "bad news comes first")
}

func TestFind(t *testing.T) {
	words := Words{
		{Payload: []string{"soft_bounce"}, Log: []string{"softBounces"}, Register: []string{"softBounceHook"}, What: soft()},
		{Log: []string{"CLICK*"}, What: What{Kind: Clicked}},
	}
	for name, want := range map[string]What{
		"soft_bounce": soft(), "softBounce": soft(), "Soft-Bounces": soft(), " SOFTBOUNCES ": soft(),
		"CLICKED": {Kind: Clicked}, "click": {Kind: Clicked},
	} {
		got, ok := words.Find(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "bounce", "softBounceHook", "clic"} {
		_, ok := words.Find(name)
		assert.False(t, ok, name)
	}
}

// Every kind of a mail's way has a weight, and the table names nothing twice.
func TestOrder(t *testing.T) {
	seen := map[What]bool{}
	for _, row := range order {
		assert.False(t, seen[row.What], "%v", row.What)
		seen[row.What] = true
		require.NotEqual(t, provider.StateUnknown, row.state)
		assert.Equal(t, row.Kind == Bounced, row.Class != "")
		assert.False(t, strings.Contains(string(row.Kind), " "))
	}
}
