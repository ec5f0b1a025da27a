package sendinblue

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// The names under which webhooks are registered are those of the specs. That of replies
// is left out: it is not documented what it reports.
func TestRegisteredWords(t *testing.T) {
	var names []any
	for _, w := range Words {
		for _, name := range w.Register {
			names = append(names, name)
		}
	}
	for spec, more := range map[string][]any{"brevo": {"reply"}, "pakatv3": nil} {
		data, err := api.Spec(spec)
		require.NoError(t, err)
		doc, err := openapi3.NewLoader().LoadFromData(data)
		require.NoError(t, err)
		enum := doc.Components.Schemas["WebhookEvent"].Value.Enum
		assert.Subset(t, append(names, more...), enum, spec)
		if spec == "brevo" {
			assert.Subset(t, enum, names)
		}
	}
}

// The two ways of writing a name, of webhooks and of the log, are one word.
func TestWords(t *testing.T) {
	for name, want := range map[string]provider.State{
		"requests": provider.StateQueued, "request": provider.StateQueued, "sent": provider.StateQueued,
		"deferred": provider.StateDeferred, "delivered": provider.StateDelivered,
		"softBounces": provider.StateBounced, "soft_bounce": provider.StateBounced, "hard_bounced": provider.StateBounced,
		"bounces": provider.StateBounced, "blocked": provider.StateRejected, "invalid_email": provider.StateRejected,
		"error": provider.StateFailed, "complaint": provider.StateComplained, "spam": provider.StateComplained,
		"opened": provider.StateOpened, "unique_opened": provider.StateOpened,
		"loadedByProxy": provider.StateDelivered, "unique_proxy_open": provider.StateDelivered,
		"clicks": provider.StateClicked, "click": provider.StateClicked,
		"unsubscribed": provider.StateUnknown,
	} {
		what, ok := Words.Find(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, what.State(), name)
	}
	what, _ := Words.Find("softBounces")
	assert.Equal(t, events.BounceSoft, what.Class)
}
