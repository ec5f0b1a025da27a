package route_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/route"
)

// What becomes of a message, for every way its first member can end.
func TestOutcomes(t *testing.T) {
	mk := func(kind provider.Kind, outcome provider.Outcome, elsewhere bool, status int) *provider.Error {
		return &provider.Error{Kind: kind, Outcome: outcome, Elsewhere: elsewhere, Status: status}
	}
	for _, tt := range []struct {
		name string
		err  *provider.Error
		next bool
	}{
		{"accepted", nil, false},
		{"accepted, answer unreadable", mk(provider.ErrBadResponse, provider.OutcomeSent, false, 200), false},
		{"not reached", unreachable, true},
		{"bad certificate", mk(provider.ErrUnavailable, provider.OutcomeNotSent, true, 0), true},
		{"no answer", noAnswer, false},
		{"no answer, and yet Elsewhere", mk(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, true, 0), false},
		{"server fault", mk(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, 503), false},
		{"throttled", mk(provider.ErrRateLimited, provider.OutcomeNotSent, true, 429), true},
		{"key refused", badKey, true},
		{"sender not verified", mk(provider.ErrForbidden, provider.OutcomeNotSent, true, 400), true},
		{"no credit", noCredit, true},
		{"address refused", badAddress, false},
		{"conflict", mk(provider.ErrConflict, provider.OutcomeNotSent, false, 409), false},
		{"wrong path", mk(provider.ErrBadResponse, provider.OutcomeNotSent, true, 404), true},
		{"canceled", mk(provider.ErrCanceled, provider.OutcomeNotSent, false, 0), false},
		{"dry run", mk(provider.ErrDryRun, provider.OutcomeNotSent, false, 0), false},
		{"no outcome told", mk(provider.ErrUnavailable, "", true, 0), false},
		{"bug", mk(provider.ErrInternal, provider.OutcomeMaybeSent, false, 0), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, a, b := pair(t, route.Options{})
			a.answers(tt.err)
			r, err := c.Send(t.Context(), message())
			assert.EqualValues(t, 1, a.calls.Load())
			if !tt.next {
				assert.Zero(t, b.calls.Load())
				if tt.err != nil && tt.err.Outcome != provider.OutcomeSent {
					var e *provider.Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, tt.err.Kind, e.Kind)
					assert.Equal(t, "a", e.Account)
				}
				return
			}
			require.NoError(t, err)
			assert.EqualValues(t, 1, b.calls.Load())
			assert.Equal(t, provider.StateAccepted, r.State)
			assert.Equal(t, "b", r.Account)
			assert.Equal(t, []string{"a", "b"}, accounts(r))
			assert.Equal(t, tt.err.Kind, r.Accounts[0].Error.Kind)
			assert.Equal(t, provider.OutcomeSent, r.Accounts[1].Outcome)
		})
	}
}

func TestAllFail(t *testing.T) {
	c, a, b := pair(t, route.Options{Name: "mail"})
	a.answers(unreachable)
	b.answers(noCredit)
	r, err := c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrNoCredit)
	assert.Equal(t, "b", r.Account)
	assert.Equal(t, provider.StateRefused, r.State)
	assert.Equal(t, []string{"a", "b"}, accounts(r))

	// The unknown one is the last.
	b.answers(nil)
	c, a, b = pair(t, route.Options{})
	a.answers(unreachable)
	b.answers(noAnswer)
	r, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Equal(t, []string{"a", "b"}, accounts(r))
}

func TestContextEnds(t *testing.T) {
	c, a, b := pair(t, route.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	a.reply = func(context.Context, *provider.Message) error {
		cancel()
		return unreachable
	}
	r, err := c.Send(ctx, message())
	require.ErrorIs(t, err, provider.ErrUnavailable)
	assert.Equal(t, []string{"a"}, accounts(r))
	assert.Zero(t, b.calls.Load())
	r, err = c.Send(ctx, message())
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, r)
}

// A fan-out that was accepted in part stays where it is.
func TestPartlyAcceptedStays(t *testing.T) {
	a, b := &fake{lacks: []provider.Feature{feature.MessageToMany}}, new(fake)
	a.reply = func(_ context.Context, m *provider.Message) error {
		if m.To[0].Email == "second@example.com" {
			return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 429}
		}
		return nil
	}
	c, err := route.Failover(a.client(t, "a", func(s *provider.AccountSettings, _ *provider.DriverEnv) {
		s.Policy = provider.Policy{"message.to.many": "fan_out"}
	}), b.client(t, "b"))
	require.NoError(t, err)
	r, err := c.Send(t.Context(), message("first@example.com", "second@example.com"))
	require.ErrorIs(t, err, provider.ErrRateLimited)
	assert.Equal(t, provider.StatePartlyAccepted, r.State)
	assert.Equal(t, "a", r.Account)
	assert.Zero(t, b.calls.Load())
}

func TestCapabilityChooses(t *testing.T) {
	a, b := &fake{lacks: []provider.Feature{feature.MessageCc}}, &fake{lacks: []provider.Feature{feature.MessageMetadata}}
	c, err := route.Failover(a.client(t, "a"), b.client(t, "b"))
	require.NoError(t, err)
	m := message()
	m.Cc = []provider.Address{{Email: "boris@example.com"}}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, accounts(r))
	assert.ErrorIs(t, r.Accounts[0].Error, errors.ErrUnsupported)
	assert.Equal(t, provider.OutcomeNotSent, r.Accounts[0].Outcome)
	assert.Zero(t, a.calls.Load())

	m.Metadata = map[string]string{"a": "b"}
	r, err = c.Send(t.Context(), m)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Equal(t, "a", e.Account, "of the first member")
	assert.Equal(t, feature.MessageCc, e.Feature)
	assert.Nil(t, r)
	assert.ErrorIs(t, c.Accepts(m), errors.ErrUnsupported)

	caps := c.Capabilities()
	assert.Equal(t, provider.LevelNative, caps.Level(feature.MessageBcc))
	assert.Equal(t, provider.LevelLimited, caps.Level(feature.MessageCc))
	assert.Equal(t, "at b (native); not at a", caps[feature.MessageCc].Limit)
	assert.Equal(t, provider.LevelNone, caps.Level(feature.ContactsGet))
	_, err = c.GetContact(t.Context(), "anna@example.com")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.Status(t.Context(), provider.ReceiptFor("", "id"))
	assert.ErrorIs(t, err, provider.ErrInvalid, "which member is not said")
	_, err = c.Status(t.Context(), provider.ReceiptFor("z", "id"))
	assert.ErrorContains(t, err, `the route has no account "z"`)
	_, err = c.Status(t.Context(), provider.ReceiptFor("a", "id"))
	assert.ErrorIs(t, err, errors.ErrUnsupported, "the member's own answer")
}

// Sender, aliases and policy are those of the member that sends.
func TestMembersKeepTheirOwn(t *testing.T) {
	a, b := new(fake), &fake{lacks: []provider.Feature{feature.MessageTags}}
	var seen *provider.Message
	b.reply = func(_ context.Context, m *provider.Message) error { seen = m; return nil }
	c, err := route.Failover(a.client(t, "a"), b.client(t, "b", func(s *provider.AccountSettings, env *provider.DriverEnv) {
		s.Policy = provider.Policy{"message.tags": "drop"}
		env.Templates = map[string]string{"welcome": "12"}
	}))
	require.NoError(t, err)
	r, err := c.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Template: provider.Ref{Alias: "welcome"}, Tags: []string{"x"}, IdempotencyKey: "order 1",
	})
	require.NoError(t, err)
	assert.Equal(t, "12", seen.Template.ID)
	assert.Equal(t, "b@example.com", seen.From.Email)
	assert.Equal(t, "order 1", seen.IdempotencyKey)
	assert.Empty(t, seen.Tags)
	assert.Equal(t, []string{"a", "b"}, accounts(r), "a has no id for the alias")
	assert.Equal(t, "tags", r.Notes[0].Field)

	// A message that is wrong everywhere stops at once.
	_, err = c.Send(t.Context(), message("no address"))
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = c.Send(t.Context(), nil)
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.Zero(t, a.calls.Load())
}

// An id means another template at each account.
func TestLiteralTemplate(t *testing.T) {
	m := &provider.Message{To: message().To, Template: provider.Ref{ID: "12"}}
	c, a, b := pair(t, route.Options{})
	a.answers(unreachable)
	_, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrUnavailable)
	assert.Zero(t, b.calls.Load())
	c, err = route.RoundRobin(a.client(t, "a"), b.client(t, "b"))
	require.NoError(t, err)
	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorIs(t, c.Accepts(m), provider.ErrInvalid)
}

func TestNested(t *testing.T) {
	inner, a, b := pair(t, route.Options{Name: "inner"})
	last := new(fake)
	c, err := route.Options{Name: "outer"}.Failover(inner, last.client(t, "c"))
	require.NoError(t, err)
	a.answers(unreachable)
	b.answers(noCredit)
	r, err := c.Send(t.Context(), message())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, accounts(r))
	assert.Equal(t, "c", r.Account)
	assert.Equal(t, "inner", route.Members(c)[0].Account())
	_, isRoute := route.States(route.Members(c)[1])
	assert.False(t, isRoute)
}

func TestPanicFreesTheProbe(t *testing.T) {
	c, a, _ := pair(t, route.Options{})
	a.reply = func(context.Context, *provider.Message) error { panic("adapter") }
	m := message()
	m.IdempotencyKey = "k"
	assert.Panics(t, func() { _, _ = c.Send(t.Context(), m) })
	a.answers(unreachable)
	_, err := c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "nobody knows what a panic did")
}
