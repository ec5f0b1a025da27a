package provider_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// lister is an account whose provider lists senders.
type lister struct {
	*stub
	senders []provider.Sender
}

func (l *lister) Check(context.Context) (*provider.Health, error) {
	return &provider.Health{Senders: l.senders}, nil
}

// A check says when the account's own sender is not one that the provider takes.
func TestCheckComparesTheSender(t *testing.T) {
	listed := []provider.Sender{{Email: "shop@example.com", Verified: true}, {Email: "new@example.com"}}
	for _, row := range []struct {
		name    string
		from    string
		senders []provider.Sender
		says    string
	}{
		{name: "verified", from: "shop@example.com", senders: listed},
		{name: "verified, in other case", from: "Shop@EXAMPLE.com", senders: listed},
		{name: "not verified", from: "new@example.com", senders: listed, says: "new@example.com is not verified"},
		{name: "not listed", from: "nobody@other.example", senders: listed, says: "nobody@other.example is not among the senders"},
		{name: "no sender", senders: listed},
		{name: "the provider lists none", from: "shop@example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := provider.NewClient(&lister{&stub{caps: everything(nil)}, row.senders}, "stub", provider.AccountSettings{From: provider.Address{Email: row.from}}, provider.DriverEnv{Account: "main"})
			require.NoError(t, err)
			h, err := c.Check(t.Context())
			require.NoError(t, err)
			if row.says == "" {
				assert.Empty(t, h.Notes)
				return
			}
			require.Len(t, h.Notes, 1)
			assert.Equal(t, "from", h.Notes[0].Field)
			assert.Contains(t, h.Notes[0].Why, row.says)
		})
	}
}
