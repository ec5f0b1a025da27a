package providertest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// repeats: a call that certainly had no effect is repeated. A send that may have
// had one is repeated only under the vendor's own key, and then the vendor has one
// mail.
func (h Harness) repeats(t *testing.T) {
	keyed := h.capabilities().Can(feature.MessageIdempotencyKey)
	open := func(t *testing.T, v *vendor) *provider.Client {
		return v.open(t, func(a provider.AccountConfig) { delete(a, "tries") })
	}
	t.Run("throttled", func(t *testing.T) {
		v := h.start(t)
		v.Fail(v.name, sandbox.Fault{
			Operation: h.SendOperation, Status: 429, Header: http.Header{"Retry-After": {"0"}},
		})
		r, err := open(t, v).Send(t.Context(), h.baseline())
		require.NoError(t, err)
		assert.NotEmpty(t, r.MessageID)
		assert.Len(t, v.sends(), 2)
		assert.Len(t, v.Messages(v.name), 1)
	})
	for name, fault := range map[string]sandbox.Fault{
		"500 after it was done": {Status: 500, After: true},
		"cut after it was done": {Drop: true, After: true},
		"500 before":            {Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			v := h.start(t)
			fault.Operation = h.SendOperation
			v.Fail(v.name, fault)
			r, err := open(t, v).Send(t.Context(), h.baseline())
			require.NotNil(t, r)
			assert.LessOrEqual(t, len(v.Messages(v.name)), 1, "sent twice")
			if !keyed {
				assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
				assert.Len(t, v.sends(), 1, "repeated without a key")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, provider.StateAccepted, r.State)
			assert.Len(t, v.sends(), 2)
			assert.Len(t, v.Messages(v.name), 1)
			assert.Equal(t, fault.After, r.MessageID == "", "the vendor tells no id for a repeat")
		})
	}
	t.Run("read", func(t *testing.T) {
		v := h.start(t)
		c := open(t, v)
		if !c.Has(feature.Check) {
			t.Skip("the provider has no check, the read that needs nothing else")
		}
		v.Fail(v.name, sandbox.Fault{Status: 503})
		_, err := c.Check(t.Context())
		assert.NoError(t, err)
	})
}
