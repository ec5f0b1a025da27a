package route_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/route"
)

// fake is a member whose answers a test sets.
type fake struct {
	calls atomic.Int64
	lacks []provider.Feature
	reply func(ctx context.Context, m *provider.Message) error
}

// ofSentMail are features that need methods of their own.
var ofSentMail = []provider.Feature{feature.MessageStatus, feature.MessageCancel, feature.MessageSettle}

func (f *fake) Capabilities() provider.Capabilities {
	out := make(provider.Capabilities)
	for _, x := range provider.Features() {
		if strings.HasPrefix(string(x), "message.") && !slices.Contains(ofSentMail, x) {
			out[x] = adapterkit.Cell(provider.LevelNative)
		}
	}
	for _, x := range f.lacks {
		delete(out, x)
	}
	return out
}

func (f *fake) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	f.calls.Add(1)
	if f.reply != nil {
		if err := f.reply(ctx, m); err != nil {
			return nil, err
		}
	}
	return m.Receipt("id", provider.StateAccepted), nil
}

// answers makes the fake end every send in err.
func (f *fake) answers(err *provider.Error) {
	f.reply = func(context.Context, *provider.Message) error {
		if err == nil {
			return nil
		}
		e := *err
		return &e
	}
}

// client is the fake as an account with a sender.
func (f *fake) client(t testing.TB, account string, change ...func(*provider.AccountSettings, *provider.DriverEnv)) *provider.Client {
	s := provider.AccountSettings{From: provider.Address{Email: account + "@example.com"}}
	env := provider.DriverEnv{Account: account}
	for _, c := range change {
		c(&s, &env)
	}
	c, err := provider.NewClient(f, "fake", s, env)
	require.NoError(t, err)
	return c
}

func message(to ...string) *provider.Message {
	m := &provider.Message{Subject: "سلام", HTML: "<p>x</p>"}
	for _, email := range append(to, "anna@example.com")[:max(len(to), 1)] {
		m.To = append(m.To, provider.Address{Email: email})
	}
	return m
}

// pair is a failover over two fakes.
func pair(t testing.TB, o route.Options) (*provider.Client, *fake, *fake) {
	a, b := new(fake), new(fake)
	c, err := o.Failover(a.client(t, "a"), b.client(t, "b"))
	require.NoError(t, err)
	return c, a, b
}

// accounts are those of the attempts, in order.
func accounts(r *provider.Receipt) (out []string) {
	for _, a := range r.Accounts {
		out = append(out, a.Account)
	}
	return out
}

// Errors as the failure table gives them.
var (
	unreachable = &provider.Error{Kind: provider.ErrUnavailable, Outcome: provider.OutcomeNotSent, Elsewhere: true, Message: "dial: refused"}
	noAnswer    = &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
	badKey      = &provider.Error{Kind: provider.ErrUnauthorized, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 401}
	noCredit    = &provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 402}
	badAddress  = &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400}
)

// states are the states of the members of a route.
func states(t testing.TB, c *provider.Client) (out []route.State) {
	all, ok := route.States(c)
	require.True(t, ok)
	for _, s := range all {
		out = append(out, s.State)
	}
	return out
}
