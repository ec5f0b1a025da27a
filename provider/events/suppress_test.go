package events_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/sandbox"
)

// Everybody whom an account does not mail, from its list and from its contacts.
func TestAllSuppressions(t *testing.T) {
	for account, want := range map[string]map[string]provider.Scope{
		"brevo":     {"blocked@example.com": provider.ScopeTransactional, "left@example.com": provider.ScopeMarketing},
		"sendpulse": {"blocked@example.com": provider.ScopeTransactional},
	} {
		t.Run(account, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.AddSuppression(account, "blocked@example.com", provider.Suppression{
				Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "bounced",
			})
			if account == "brevo" {
				sb.AddContact(account, provider.Contact{Email: "left@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}})
				sb.AddContact(account, provider.Contact{Email: "anna@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelSMS, Scope: provider.ScopeMarketing}}})
			}
			c, err := all.OpenAccount(t.Context(), sb.Config(), account)
			require.NoError(t, err)
			got := map[string]provider.Scope{}
			require.NoError(t, events.AllSuppressions(t.Context(), c, func(_ context.Context, list []provider.Suppression) error {
				for _, s := range list {
					got[s.Email] = s.Scope
				}
				return nil
			}))
			assert.Equal(t, want, got)
			failing := errors.New("the database is down")
			err = events.AllSuppressions(t.Context(), c, func(context.Context, []provider.Suppression) error { return failing })
			assert.ErrorIs(t, err, failing)
		})
	}
	sb := sandbox.New(t)
	c, err := all.OpenAccount(t.Context(), sb.Config(), "smsby")
	require.NoError(t, err)
	assert.ErrorIs(t, events.AllSuppressions(t.Context(), c, nil), provider.ErrUnsupported)
}

// Events only add; who comes back is told apart.
func TestSuppressing(t *testing.T) {
	var stops []provider.Suppression
	var back []events.Event
	sink := events.Suppressing(func(_ context.Context, list []provider.Suppression) error {
		stops = append(stops, list...)
		return nil
	}, func(_ context.Context, list []events.Event) error {
		back = append(back, list...)
		return nil
	})
	require.NoError(t, sink(t.Context(), []events.Event{
		event(events.KindDelivered, nil), event(events.KindComplained, nil), event(events.KindResubscribed, nil),
		event(events.KindBounced, func(e *events.Event) { e.Bounce = events.BounceSoft }),
	}))
	require.Len(t, stops, 1)
	assert.Equal(t, "anna@example.com", stops[0].Email)
	assert.Equal(t, provider.Reason("complained"), stops[0].Reason)
	require.Len(t, back, 1)
	require.NoError(t, events.Suppressing(nil, nil)(t.Context(), []events.Event{event(events.KindResubscribed, nil)}))
}
