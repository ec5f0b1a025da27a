package provider_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

// enqueued is a receipt as an outbox gives it.
func enqueued(account string) *provider.Receipt {
	return &provider.Receipt{
		Provider: "outbox", Account: account, OutboxID: "0198c", State: "enqueued",
		Recipients: []provider.RecipientResult{{Email: "anna@example.com", State: "enqueued"}},
	}
}

// A mail that waits in an outbox is none of a provider: no Client looks it up.
func TestEnqueuedMailIsTheOutboxs(t *testing.T) {
	account, err := brevo.New("xkeysib-1")
	require.NoError(t, err)
	mail, err := route.Options{Name: "mail"}.Failover(account)
	require.NoError(t, err)
	for _, c := range []*provider.Client{account, mail} {
		for name, call := range map[string]func(context.Context, *provider.Receipt) error{
			"Status": func(ctx context.Context, r *provider.Receipt) error { _, err := c.Status(ctx, r); return err },
			"Settle": func(ctx context.Context, r *provider.Receipt) error { _, err := c.Settle(ctx, r); return err },
			"Cancel": c.Cancel,
		} {
			t.Run(c.Account()+" "+name, func(t *testing.T) {
				err := call(t.Context(), enqueued(c.Account()))
				require.ErrorIs(t, err, provider.ErrInvalid)
				assert.ErrorContains(t, err, `the mail is enqueued in an outbox, id "0198c", and no provider was asked yet: ask the outbox`)
			})
		}
	}
}

// Whatever is heard of a mail says more than that it is enqueued.
func TestEnqueuedSaysLeast(t *testing.T) {
	for _, s := range []provider.State{
		provider.StateUnknown, provider.StateBegun, provider.StateAccepted, provider.StateScheduled, provider.StatePartlyAccepted,
		provider.StateQueued, provider.StateDelivered, provider.StateRefused, provider.StateBounced,
	} {
		assert.True(t, s.Over("enqueued"), s)
		assert.False(t, provider.State("enqueued").Over(s), s)
	}
	assert.False(t, provider.State("enqueued").Failure())
	assert.Equal(t, provider.State("enqueued"), provider.State("enqueued").With(provider.StateAccepted))
	assert.Equal(t, provider.StateBounced, provider.State("enqueued").With(provider.StateBounced))

	data, err := json.Marshal(enqueued("main"))
	require.NoError(t, err)
	var back provider.Receipt
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, enqueued("main"), &back)
	data, err = json.Marshal(provider.Receipt{})
	require.NoError(t, err)
	assert.NotContains(t, string(data), "outbox_id")
}

// A route knows a key for as long as the member that knows it for the shortest time.
func TestKeyWindow(t *testing.T) {
	main, err := brevo.New("xkeysib-1")
	require.NoError(t, err)
	more, err := brevo.New("xkeysib-2")
	require.NoError(t, err)
	bare, err := pakat.New("key")
	require.NoError(t, err)
	group := func(members ...*provider.Client) *provider.Client {
		c, err := route.RoundRobin(members...)
		require.NoError(t, err)
		return c
	}
	for _, tt := range []struct {
		name   string
		client *provider.Client
		want   string
	}{
		{name: "with keys", client: main, want: "10m0s"},
		{name: "without", client: bare, want: "0s"},
		{name: "a route, all with keys", client: group(main, more), want: "10m0s"},
		{name: "a route, one without", client: group(main, bare), want: "0s"},
		{name: "a route over routes", client: group(group(main, more)), want: "10m0s"},
		{name: "a route over routes, one without", client: group(main, group(more, bare)), want: "0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.client.KeyWindow().String())
		})
	}
}
