package mailevent

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

func soft() What { return What{Kind: events.KindBounced, Class: events.BounceSoft} }

// The heaviest event decides, in whatever order events come.
func TestLogState(t *testing.T) {
	hard := What{Kind: events.KindBounced, Class: events.BounceHard}
	for _, row := range []struct {
		name   string
		events []What
		want   provider.State
	}{
		{"queued", []What{{Kind: events.KindQueued}}, provider.StateQueued},
		{"deferred, then delivered", []What{{Kind: events.KindQueued}, {Kind: events.KindDeferred}, {Kind: events.KindDelivered}}, provider.StateDelivered},
		{"a soft bounce alone", []What{{Kind: events.KindQueued}, soft()}, provider.StateBounced},
		{"a soft bounce after a deferral", []What{{Kind: events.KindDeferred}, soft()}, provider.StateBounced},
		{"a soft bounce, then handed on", []What{soft(), {Kind: events.KindSent}}, provider.StateAccepted},
		{"a soft bounce, then delivered", []What{{Kind: events.KindQueued}, soft(), {Kind: events.KindDelivered}}, provider.StateDelivered},
		{"a soft bounce, then opened", []What{{Kind: events.KindQueued}, soft(), {Kind: events.KindDelivered}, {Kind: events.KindOpened}}, provider.StateOpened},
		{"opened by a machine", []What{{Kind: events.KindDelivered}, {Kind: events.KindOpened, Machine: true}}, provider.StateDelivered},
		{"opened by a machine, and nothing before", []What{{Kind: events.KindOpened, Machine: true}}, provider.StateDelivered},
		{"opened by a machine and by a person", []What{{Kind: events.KindOpened, Machine: true}, {Kind: events.KindOpened}}, provider.StateOpened},
		{"a hard bounce after an open", []What{{Kind: events.KindOpened}, hard}, provider.StateBounced},
		{"a hard bounce after a soft one", []What{soft(), hard}, provider.StateBounced},
		{"rejected", []What{{Kind: events.KindQueued}, {Kind: events.KindRejected}}, provider.StateRejected},
		{"failed", []What{{Kind: events.KindQueued}, {Kind: events.KindFailed}}, provider.StateFailed},
		{"a complaint after all", []What{{Kind: events.KindDelivered}, {Kind: events.KindClicked}, hard, {Kind: events.KindComplained}}, provider.StateComplained},
		{"nothing of the way", []What{{Kind: events.KindUnsubscribed}}, provider.StateUnknown},
		{"left after a click", []What{{Kind: events.KindClicked}, {Kind: events.KindUnsubscribed}}, provider.StateClicked},
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
	log.Add("b@example.com", What{Kind: events.KindClicked})
	log.Add("a@example.com", What{Kind: events.KindDelivered})
	r := log.Receipt("x")
	assert.Equal(t, provider.StateDelivered, r.State, "the least that is known of all")
	assert.Equal(t, []provider.RecipientResult{
		{Email: "a@example.com", MessageID: "x", State: provider.StateDelivered},
		{Email: "b@example.com", MessageID: "x", State: provider.StateClicked},
	}, r.Recipients)
	log.Add("c@example.com", What{Kind: events.KindBounced, Class: events.BounceHard})
	assert.Equal(t, provider.StateBounced, log.Receipt("x").State, "bad news comes first")
}

func TestFind(t *testing.T) {
	words := Words{
		{Payload: []string{"soft_bounce"}, Log: []string{"softBounces"}, Register: []string{"softBounceHook"}, What: soft()},
		{Log: []string{"CLICK*"}, What: What{Kind: events.KindClicked}},
	}
	for name, want := range map[string]What{
		"soft_bounce": soft(), "softBounce": soft(), "Soft-Bounces": soft(), " SOFTBOUNCES ": soft(),
		"CLICKED": {Kind: events.KindClicked}, "click": {Kind: events.KindClicked},
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
