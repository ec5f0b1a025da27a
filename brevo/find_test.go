package brevo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// A mail whose answer was lost, also to the repeat under its key, is found by
// recipient and subject.
func TestSettle(t *testing.T) {
	sb := sandbox.New(t)
	c, err := brevo.Open(brevo.Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo"), From: provider.Address{Email: "shop@example.com"}, Tries: 1},
		APIKey:          provider.NewSecret(sandbox.Key("brevo")),
	})
	require.NoError(t, err)
	send := func(to, subject string) (*provider.Receipt, error) {
		return c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: to}}, Subject: subject, HTML: "<p>x</p>"})
	}
	_, err = send("anna@example.com", "Order 6")
	require.NoError(t, err)
	_, err = send("oleg@example.com", "Order 7")
	require.NoError(t, err)
	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	r, err := send("anna@example.com", "Order 7")
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, sb.Messages("brevo")[2].ID, settled.MessageID)
	assert.Equal(t, provider.StateAccepted, settled.State)

	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true})
	r, err = send("anna@example.com", "Order 8")
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err = c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateUnknown, settled.State, "nothing is called refused because it was not found")
}
