package route_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/provider/route"
)

func open(t testing.TB, config string) (*provider.Client, error) {
	cfg, err := provider.ParseConfig([]byte(config))
	require.NoError(t, err)
	return provider.Registry(append(route.Drivers(), memory.Driver())).Open(t.Context(), cfg)
}

// accountsWith is a configuration with a route and three accounts.
func accountsWith(r string) string {
	return `{"default": "mail", "providers": {"mail": ` + r + `,
		"a": {"provider": "memory", "from": {"email": "a@example.com"}},
		"b": {"provider": "memory", "from": {"email": "b@example.com"}},
		"c": {"provider": "failover", "members": ["a", "b"]},
		"ring": {"provider": "failover", "members": ["ring"]}}}`
}

func TestOpen(t *testing.T) {
	for name, r := range map[string]string{
		"failover":    `{"provider": "failover", "members": ["a", "b"], "require": ["message.cc"]}`,
		"round_robin": `{"provider": "round_robin", "members": ["a", "b"]}`,
		"weighted":    `{"provider": "weighted", "members": ["a", "b"], "weights": {"a": 3, "b": 1}}`,
		"rules":       `{"provider": "rules", "rules": [{"recipient_domain": "example.ir", "account": "b"}, {"tag": "news", "account": "b"}], "default": "a"}`,
		"nested":      `{"provider": "round_robin", "members": ["c", "a"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := open(t, accountsWith(r))
			require.NoError(t, err)
			assert.Equal(t, "mail", c.Account())
			got, err := c.Send(t.Context(), message())
			require.NoError(t, err)
			assert.Equal(t, "a", got.Account)
			assert.Len(t, states(t, c), 2)
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct{ route, field, text string }{
		{`{"provider": "failover"}`, "members", "missing"},
		{`{"provider": "failover", "members": []}`, "members", "missing: the accounts that mail goes through"},
		{`{"provider": "failover", "members": "a"}`, "members", "expected a list"},
		{`{"provider": "failover", "members": ["a", 1]}`, "members[1]", "expected a text, got a number"},
		{`{"provider": "failover", "members": ["a", "b", "a"]}`, "members[2]", "a is listed twice"},
		{`{"provider": "failover", "members": ["a", "x"]}`, "members[1]", "x: no such account; known: a, b, c, mail, ring"},
		{`{"provider": "failover", "members": ["mail"]}`, "members[0]", "mail -> mail"},
		{`{"provider": "failover", "members": ["a"], "weights": {}}`, "weights", "unknown key"},
		{`{"provider": "failover", "members": ["a"], "from": {"email": "x@example.com"}}`, "from", "a route has none"},
		{`{"provider": "failover", "members": ["a"], "policy": {"message.cc": "drop"}}`, "policy", "a route has none"},
		{`{"provider": "failover", "members": ["a"], "timeout": "3s"}`, "timeout", "a route has none"},
		{`{"provider": "failover", "members": ["a"], "tries": 2}`, "tries", "a route has none"},
		{`{"provider": "failover", "members": ["a"], "require": ["contacts.get"]}`, "require[0]", ""},
		{`{"provider": "weighted", "members": ["a", "b"]}`, "weights", "missing"},
		{`{"provider": "weighted", "members": ["a", "b"], "weights": {"a": 1}}`, "weights", "no weight for b"},
		{`{"provider": "weighted", "members": ["a"], "weights": {"a": 1, "b": 1}}`, "weights.b", "not among the members"},
		{`{"provider": "weighted", "members": ["a"], "weights": {"a": 1.5}}`, "weights.a", "expected a whole number"},
		{`{"provider": "weighted", "members": ["a"], "weights": [1]}`, "weights", "expected an object"},
		{`{"provider": "rules", "rules": [{"tag": "x", "account": "a"}]}`, "default", "missing"},
		{`{"provider": "rules", "rules": [], "default": "a"}`, "rules", "missing: a list"},
		{`{"provider": "rules", "rules": ["a"], "default": "a"}`, "rules[0]", "expected an object"},
		{`{"provider": "rules", "rules": [{"tag": "x"}], "default": "a"}`, "rules[0].account", "missing"},
		{`{"provider": "rules", "rules": [{"account": "a"}], "default": "a"}`, "rules[0]", "expected either"},
		{`{"provider": "rules", "rules": [{"tag": "x", "recipient_domain": "example.ir", "account": "a"}], "default": "a"}`, "rules[0]", "expected either"},
		{`{"provider": "rules", "rules": [{"domain": "x", "account": "a"}], "default": "a"}`, "rules[0].domain", "unknown key"},
		{`{"provider": "rules", "rules": [{"tag": 1, "account": "a"}], "default": "a"}`, "rules[0].tag", "expected a text"},
		{`{"provider": "rules", "rules": [{"recipient_domain": "@example.ir", "account": "a"}], "default": "a"}`, "rules[0]", "expected a domain"},
		{`{"provider": "rules", "rules": [{"tag": "x", "account": "x"}], "default": "a"}`, "rules[0].account", "no such account"},
		{`{"provider": "rules", "rules": [{"tag": "x", "account": "a"}], "default": "x"}`, "default", "no such account"},
	} {
		t.Run(tt.route, func(t *testing.T) {
			_, err := open(t, accountsWith(tt.route))
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, provider.ErrConfig)
			assert.Equal(t, "providers.mail."+tt.field, e.Field)
			assert.Contains(t, e.Message, tt.text)
		})
	}
	_, err := open(t, `{"default": "mail", "aliases": {"templates": {"x": {"mail": "4"}}}, "providers": {"mail": {"provider": "failover", "members": ["a"]}, "a": {"provider": "memory"}}}`)
	assert.ErrorContains(t, err, "is a route and has no ids")
}

// require holds for every member, so that any of them may send.
func TestRequireMeansEveryMember(t *testing.T) {
	type settings struct{ provider.AccountSettings }
	weak := provider.DriverOf[settings]{Name: "weak", Open: func(context.Context, settings, provider.DriverEnv) (provider.Adapter, error) {
		return &fake{lacks: []provider.Feature{feature.MessageCc}}, nil
	}}.Driver()
	cfg, err := provider.ParseConfig([]byte(`{"default": "mail", "providers": {
		"mail": {"provider": "failover", "members": ["a", "b"], "require": ["message.cc"]},
		"a": {"provider": "memory"}, "b": {"provider": "weak"}}}`))
	require.NoError(t, err)
	_, err = provider.Registry(append(route.Drivers(), memory.Driver(), weak)).Open(t.Context(), cfg)
	assert.ErrorContains(t, err, "message.cc: its member b has it at level none")
}

// The duplicate guard and staging of a route's own account work.
func TestGuardAndStaging(t *testing.T) {
	store := memory.NewStore()
	cfg, err := provider.ParseConfig([]byte(`{"default": "mail", "providers": {
		"mail": {"provider": "round_robin", "members": ["a", "b"], "redirect_to": "qa@example.com"},
		"a": {"provider": "memory", "from": {"email": "a@example.com"}}, "b": {"provider": "memory", "from": {"email": "b@example.com"}}}}`))
	require.NoError(t, err)
	c, err := provider.Registry(append(route.Drivers(), store.Driver())).Open(t.Context(), cfg, provider.WithDuplicateGuard(guard.NewMemory(10, time.Hour), "shop"))
	require.NoError(t, err)
	m := message()
	m.IdempotencyKey = "k"
	for range 2 {
		r, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		assert.Equal(t, "a", r.Account)
	}
	require.Len(t, store.Messages(), 1)
	assert.Equal(t, "qa@example.com", store.Messages()[0].Message.To[0].Email)
	_, err = c.ListContacts(t.Context(), provider.ContactQuery{})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}
