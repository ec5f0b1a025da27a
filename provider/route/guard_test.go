package route_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/sandbox"
)

// bare is an account without a guard at a provider without keys.
func (f *fake) bare(t *testing.T, account string) *provider.Client {
	f.lacks = []provider.Feature{feature.MessageIdempotencyKey}
	return f.client(t, account)
}

// guarded is an account with a guard of the program shop, at a provider without keys.
func (f *fake) guarded(t *testing.T, account string, store provider.GuardStore) *provider.Client {
	f.lacks = []provider.Feature{feature.MessageIdempotencyKey}
	return f.client(t, account, func(_ *provider.AccountSettings, env *provider.DriverEnv) {
		env.Guard, env.Namespace = store, "shop"
	})
}

// A route from Go takes a guard, and its members need none: whichever of them lacks
// keys, the key holds, over a fresh route too.
func TestGuardOfARoute(t *testing.T) {
	store := guard.NewMemory(0, 0)
	a, b := new(fake), new(fake)
	open := func() *provider.Client {
		c, err := route.Options{Guard: store, Namespace: "shop"}.Failover(a.bare(t, "a"), b.bare(t, "b"))
		require.NoError(t, err)
		return c
	}
	assert.Equal(t, provider.LevelEmulated, open().Capabilities().Level(feature.MessageIdempotencyKey))
	require.NoError(t, open().Accepts(keyed("k")))
	a.answers(noAnswer)
	_, err := open().Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	a.answers(unreachable)
	r, err := open().Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, "a", r.Account)
	assert.Zero(t, b.calls.Load())
	r, err = open().Send(t.Context(), keyed("other"))
	require.NoError(t, err)
	assert.Equal(t, "b", r.Account)
	assert.Equal(t, "other", r.IdempotencyKey)
	assert.EqualValues(t, 2, a.calls.Load())

	_, err = route.Options{Guard: store}.Failover(a.bare(t, "a"))
	assert.ErrorContains(t, err, "a duplicate guard needs the name of the program")
}

// Guards at both members, one store, and a fresh route without one.
func TestGuardsOfMembers(t *testing.T) {
	store := guard.NewMemory(0, 0)
	a, b := new(fake), new(fake)
	open := func() *provider.Client {
		c, err := route.RoundRobin(b.guarded(t, "b", store), a.guarded(t, "a", store))
		require.NoError(t, err)
		return c
	}
	b.answers(noAnswer)
	_, err := open().Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	b.answers(unreachable)
	for range 20 { // not enough to open a member: nobody is asked
		c := open()
		r, err := c.Send(t.Context(), keyed("k"))
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		assert.Equal(t, []string{"b"}, accounts(r), "of those that were asked, not of those that know")
		assert.Equal(t, []route.State{route.StateReady, route.StateReady}, states(t, c))
	}
	assert.EqualValues(t, 1, b.calls.Load())
	assert.Zero(t, a.calls.Load())
}

// One key at once through a route, a route of that route and both accounts: one request,
// and nobody waits for himself.
func TestGuardClaimsOnce(t *testing.T) {
	for _, members := range []string{"guarded", "bare"} {
		t.Run(members, func(t *testing.T) {
			store := guard.NewMemory(0, 0)
			a, b := new(fake), new(fake)
			var calls atomic.Int64
			count := func(context.Context, *provider.Message) error {
				calls.Add(1)
				return nil
			}
			a.reply, b.reply = count, count
			o := route.Options{Guard: store, Namespace: "shop"}
			ca, cb := a.guarded(t, "a", store), b.guarded(t, "b", store)
			ma, mb := ca, cb
			if members == "bare" {
				ma, mb = a.bare(t, "a"), b.bare(t, "b")
			}
			inner, err := o.RoundRobin(ma, mb)
			require.NoError(t, err)
			outer, err := o.Failover(inner)
			require.NoError(t, err)
			for i := range 50 {
				var wg sync.WaitGroup
				for _, c := range slices.Repeat([]*provider.Client{ca, cb, inner, outer}, 4) {
					wg.Go(func() {
						r, err := c.Send(t.Context(), keyed(fmt.Sprint(i)))
						assert.NoError(t, err)
						assert.Equal(t, fmt.Sprint(i), r.IdempotencyKey)
					})
				}
				wg.Wait()
				require.EqualValues(t, i+1, calls.Load())
			}
		})
	}
}

// Another mail that a hook sends with the context of a claimed one has its own key, or
// none.
func TestClaimIsOfOneMessage(t *testing.T) {
	store := guard.NewMemory(0, 0)
	a, alarm := new(fake), new(fake)
	var seen []string
	alarm.reply = func(_ context.Context, m *provider.Message) error {
		seen = append(seen, m.IdempotencyKey)
		return nil
	}
	alert := alarm.client(t, "alarm")
	c, err := route.Options{Guard: store, Namespace: "shop"}.Failover(a.client(t, "a", func(_ *provider.AccountSettings, env *provider.DriverEnv) {
		env.Hooks.OnStart = func(ctx context.Context, _ provider.StartEvent) context.Context {
			_, err := alert.Send(ctx, message())
			assert.NoError(t, err)
			return ctx
		}
	}))
	require.NoError(t, err)
	_, err = c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, []string{""}, seen)
}

// The rest of a mail goes on through the member that sent the first part.
func TestGuardRestOfARoute(t *testing.T) {
	store := guard.NewMemory(0, 0)
	a, b := new(fake), new(fake)
	fan := func(s *provider.AccountSettings, env *provider.DriverEnv) {
		s.Policy = provider.Policy{"message.to.many": "fan_out"}
	}
	a.lacks = []provider.Feature{feature.MessageToMany}
	bad := true
	a.reply = func(_ context.Context, m *provider.Message) error {
		if bad && m.To[0].Email == "b@example.com" {
			return badAddress
		}
		return nil
	}
	inner, err := route.RoundRobin(a.client(t, "a", fan))
	require.NoError(t, err)
	c, err := route.Options{Guard: store, Namespace: "shop"}.Failover(b.client(t, "b"), inner)
	require.NoError(t, err)
	m := message("a@example.com", "b@example.com", "c@example.com")
	m.IdempotencyKey = "k"
	b.answers(unreachable)
	r, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrInvalid)
	assert.Equal(t, provider.StatePartlyAccepted, r.State)
	b.answers(nil)
	bad = false
	r, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Equal(t, "a", r.Account)
	assert.EqualValues(t, 1, b.calls.Load())
	assert.EqualValues(t, len(m.To)+1, a.calls.Load())
}

// twoVendors opens a failover from Brevo, one try each, to SendPulse, and its members, as
// a process with this store does.
func twoVendors(t *testing.T, sb *sandbox.Server, store provider.GuardStore) (mail, main *provider.Client) {
	t.Helper()
	cfg, err := provider.ParseConfig([]byte(fmt.Sprintf(`{"name": "shop", "default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["main", "backup"]},
		"main": {"provider": "brevo", "api_key": %q, "base_url": %q, "from": {"email": "shop@example.com"}, "tries": 1},
		"backup": {"provider": "sendpulse", "client_id": %q, "client_secret": %q, "base_url": %q, "from": {"email": "shop@example.com"}}}}`,
		sandbox.Key("brevo"), sb.BaseURL("brevo"), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse"))))
	require.NoError(t, err)
	mail, err = all.Open(t.Context(), cfg, provider.WithDuplicateGuard(store, ""))
	require.NoError(t, err)
	main, err = all.OpenAccount(t.Context(), cfg, "main", provider.WithDuplicateGuard(store, ""))
	require.NoError(t, err)
	return mail, main
}

// At Brevo the guard stands beside the vendor's key: a repeat after an unknown ends
// accepted, one after the key's time sends nothing, after a restart too.
func TestGuardBesideBrevosKey(t *testing.T) {
	for _, through := range []string{"the account", "the route"} {
		t.Run(through, func(t *testing.T) {
			sb := sandbox.New(t)
			store := guard.NewMemory(0, 0)
			send := func(key string) (*provider.Receipt, error) {
				mail, main := twoVendors(t, sb, store)
				if through == "the account" {
					mail = main
				}
				return mail.Send(t.Context(), keyed(key))
			}
			sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
			r, err := send("lost")
			require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
			assert.Equal(t, "main", r.Account)
			r, err = send("lost")
			require.NoError(t, err)
			assert.Equal(t, provider.StateAccepted, r.State)
			assert.Equal(t, "lost", r.IdempotencyKey)

			_, err = send("kept")
			require.NoError(t, err)
			sb.Advance(time.Hour)
			_, err = send("kept")
			require.NoError(t, err)
			assert.Len(t, sb.Messages(), 2)
			assert.Empty(t, sb.Messages("sendpulse"))
		})
	}
}

// What Settle finds, through the route or through the member, the next Send answers
// with, on every way.
func TestSettledIsKnownToRoutes(t *testing.T) {
	for _, through := range []string{"the account", "the route"} {
		t.Run(through, func(t *testing.T) {
			sb := sandbox.New(t)
			mail, main := twoVendors(t, sb, guard.NewMemory(0, 0))
			sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
			r, err := mail.Send(t.Context(), keyed("k"))
			require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
			settler := mail
			if through == "the account" {
				settler = main
			}
			settled, err := settler.Settle(t.Context(), r)
			require.NoError(t, err)
			require.NotEmpty(t, settled.MessageID)
			requests := len(sb.Requests("brevo"))
			for _, c := range []*provider.Client{mail, main} {
				got, err := c.Send(t.Context(), keyed("k"))
				require.NoError(t, err)
				assert.Equal(t, settled.MessageID, got.MessageID)
				assert.Equal(t, settled.State, got.State)
			}
			assert.Len(t, sb.Requests("brevo"), requests)
		})
	}
}
