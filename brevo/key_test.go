package brevo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// A key that is made a UUID is told.
func TestKeyIsConverted(t *testing.T) {
	c := opened(t, sandbox.New(t), 0)
	for key, notes := range map[string]int{"": 0, "order 17": 1, "6F9619FF-8B86-4D01-B42D-00C04FC964FF": 0} {
		m := &provider.Message{To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hi", HTML: "<p>Hi</p>", IdempotencyKey: key}
		r, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		require.Len(t, r.Notes, notes, key)
		if notes > 0 {
			assert.Equal(t, "idempotency_key", r.Notes[0].Field)
			assert.Equal(t, provider.NoteConverted, r.Notes[0].Action)
			assert.Regexp(t, "this text is [0-9a-f-]{36} there", r.Notes[0].Why)
		}
		if key != "" {
			assert.Equal(t, key, r.IdempotencyKey, "the caller's")
		}
	}
}
