package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

func TestSettle(t *testing.T) {
	store := memory.NewStore()
	c, err := store.Client()
	require.NoError(t, err)
	from := provider.Address{Email: "shop@example.com"}
	start := time.Now()
	_, err = c.Send(t.Context(), &provider.Message{From: from, To: []provider.Address{{Email: "a@example.com"}}, Subject: "One", Text: "x"})
	require.NoError(t, err)
	_, err = c.Send(t.Context(), &provider.Message{
		From: from, Subject: "Two", Text: "x", Recipients: []provider.Recipient{{Email: "a@example.com"}, {Email: "b@example.com", Subject: "Three"}},
	})
	require.NoError(t, err)
	ask := func(email, subject string, at time.Time) *provider.Receipt {
		r, err := c.Settle(t.Context(), &provider.Receipt{
			State:      provider.StateUnknown,
			Recipients: []provider.RecipientResult{{Email: email, State: provider.StateUnknown}},
			Unsettled:  &provider.Trace{At: at, Until: at, From: from.Email, Subject: subject},
		})
		require.NoError(t, err)
		return r
	}
	for _, mail := range [][3]string{{"A@example.com", "One", "memory-1"}, {"a@example.com", "Two", "memory-2"}, {"b@example.com", "Three", "memory-2"}} {
		r := ask(mail[0], mail[1], start)
		assert.Equal(t, mail[2], r.MessageID)
		assert.Equal(t, provider.StateDelivered, r.State)
	}
	assert.Equal(t, provider.StateUnknown, ask("b@example.com", "Two", start).State)
	assert.Equal(t, provider.StateUnknown, ask("a@example.com", "One", start.Add(-time.Hour)).State)
}
