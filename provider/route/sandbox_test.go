package route_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/sandbox"
)

// vendors opens a failover from Brevo to SendPulse on the vendors' fakes.
func vendors(t *testing.T, opts ...provider.Option) (*sandbox.Server, *provider.Client) {
	sb := sandbox.New(t)
	cfg, err := provider.ParseConfig([]byte(fmt.Sprintf(`{"default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["main", "backup"]},
		"main": {"provider": "brevo", "api_key": %q, "base_url": %q, "from": {"email": "shop@example.com"}},
		"backup": {"provider": "sendpulse", "client_id": %q, "client_secret": %q, "base_url": %q, "from": {"email": "shop@example.com"}}}}`,
		sandbox.Key("brevo"), sb.BaseURL("brevo"), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse"))))
	require.NoError(t, err)
	c, err := all.Open(t.Context(), cfg, opts...)
	require.NoError(t, err)
	return sb, c
}

func TestTwoVendors(t *testing.T) {
	sb, c := vendors(t)
	r, err := c.Send(t.Context(), message())
	require.NoError(t, err)
	assert.Equal(t, "main", r.Account)

	// The first has no credit left: the second sends, and the first pauses.
	sb.Fail("brevo", sandbox.Fault{Status: 402, Body: `{"code": "not_enough_credits", "message": "no credits"}`})
	for range 3 {
		r, err = c.Send(t.Context(), message())
		require.NoError(t, err)
		assert.Equal(t, "backup", r.Account)
		assert.Equal(t, "sendpulse", r.Provider)
		assert.NotEmpty(t, r.MessageID)
		assert.Equal(t, []string{"main", "backup"}, accounts(r))
		assert.ErrorIs(t, r.Accounts[0].Error, provider.ErrNoCredit)
	}
	assert.Equal(t, []route.State{route.StateNoCredit, route.StateReady}, states(t, c))
	assert.Len(t, sb.Messages("brevo"), 1)
	assert.Len(t, sb.Messages("sendpulse"), 3)
	assert.Empty(t, sb.Violations())
}

// Accepted, and the line is cut: the mail is not sent by the other one.
func TestTwoVendorsUnknown(t *testing.T) {
	sb, c := vendors(t)
	sb.Fail("brevo", sandbox.Fault{Drop: true, After: true, Times: 10})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := c.Send(ctx, message())
	if err != nil { // Brevo's own key may have settled it
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		assert.Equal(t, provider.StateUnknown, r.State)
	}
	assert.Len(t, sb.Messages("brevo"), 1)
	assert.Empty(t, sb.Messages("sendpulse"))
}

// A vendor that cannot be reached at all.
func TestTwoVendorsDead(t *testing.T) {
	dead := make(map[string]bool)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	dial := new(net.Dialer)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dead[addr] {
			return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("connection refused")}
		}
		return dial.DialContext(ctx, network, addr)
	}
	sb := sandbox.New(t)
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead[closed.Addr().String()] = true
	defer closed.Close()
	cfg, err := provider.ParseConfig([]byte(fmt.Sprintf(`{"default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["main", "backup"]},
		"main": {"provider": "brevo", "api_key": "k", "base_url": "http://%s/v3", "from": {"email": "shop@example.com"}},
		"backup": {"provider": "sendpulse", "client_id": %q, "client_secret": %q, "base_url": %q, "from": {"email": "shop@example.com"}}}}`,
		closed.Addr(), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse"))))
	require.NoError(t, err)
	c, err := all.Open(t.Context(), cfg, provider.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	r, err := c.Send(t.Context(), message())
	require.NoError(t, err)
	assert.Equal(t, "backup", r.Account)
	assert.Equal(t, []string{"main", "backup"}, accounts(r))
	assert.ErrorIs(t, r.Accounts[0].Error, provider.ErrUnavailable)
	assert.Len(t, sb.Messages("sendpulse"), 1)
}

// All of a vendor answers 503: one mail is unknown, and the next goes out by the other,
// because the first one's check fails.
func TestTwoVendorsOutage(t *testing.T) {
	sb := sandbox.New(t)
	cfg, err := provider.ParseConfig([]byte(fmt.Sprintf(`{"default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["main", "backup"]},
		"main": {"provider": "pakatv3", "api_key": %q, "base_url": %q, "tries": 1, "from": "shop@example.com"},
		"backup": {"provider": "sendpulse", "client_id": %q, "client_secret": %q, "base_url": %q, "from": "shop@example.com"}}}`,
		sandbox.Key("pakatv3"), sb.BaseURL("pakatv3"), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse"))))
	require.NoError(t, err)
	c, err := all.Open(t.Context(), cfg)
	require.NoError(t, err)
	sb.Fail("pakatv3", sandbox.Fault{Status: 503, Times: 2})
	_, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	for range 3 {
		r, err := c.Send(t.Context(), message())
		require.NoError(t, err)
		assert.Equal(t, "backup", r.Account)
		assert.ErrorContains(t, r.Accounts[0].Error, "not tried: a check failed after a send that failed: unavailable, status 503")
	}
	assert.Equal(t, route.StateOpen, states(t, c)[0])
	assert.Len(t, sb.Requests("pakatv3"), 2, "the mail and the check")
}
