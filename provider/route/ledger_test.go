package route_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/sandbox"
)

// A ledger is told of each account before anything leaves there, and once.
func TestBefore(t *testing.T) {
	full := errors.New("disk full")
	noCreditAt := sandbox.Fault{Status: 402, Body: `{"code": "not_enough_credits", "message": "no credits"}`}
	refusal := sandbox.Fault{Status: 400, Body: `{"code": "invalid_parameter", "message": "no"}`}
	for _, tt := range []struct {
		name    string
		account string // empty: the route
		fault   *sandbox.Fault
		fails   string // the account for which the ledger fails
		want    string // the accounts it was told of
		mails   [2]int // at brevo, sendpulse
		by      string // the account that sent, empty for an error
	}{
		{name: "the first member sends", want: "main", mails: [2]int{1, 0}, by: "main"},
		{name: "the first has refused its credit", fault: &noCreditAt, want: "main backup", mails: [2]int{0, 1}, by: "backup"},
		{name: "the message is refused", fault: &refusal, want: "main"},
		{name: "no route", account: "backup", want: "backup", mails: [2]int{0, 1}, by: "backup"},
		{name: "not written", fails: "main", want: "main"},
		{name: "not written at the second", fails: "backup", fault: &noCreditAt, want: "main backup"},
		{name: "not written, no route", account: "main", fails: "main", want: "main"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sb, c := vendors(t)
			if tt.account != "" {
				c = memberOf(t, c, tt.account)
			}
			if tt.fault != nil {
				sb.Fail("brevo", *tt.fault)
			}
			var told []string
			r, err := c.Send(route.Before(t.Context(), func(account string) error {
				told = append(told, account)
				assert.Empty(t, sb.Messages("sendpulse"))
				if account == tt.fails {
					return full
				}
				return nil
			}), message())
			assert.Equal(t, tt.want, strings.Join(told, " "))
			assert.Equal(t, tt.mails, [2]int{len(sb.Messages("brevo")), len(sb.Messages("sendpulse"))})
			if tt.by != "" {
				require.NoError(t, err)
				assert.Equal(t, tt.by, r.Account)
				return
			}
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			assert.Equal(t, tt.fails != "", errors.Is(err, full))
			if tt.fails != "" {
				assert.Equal(t, provider.ErrCanceled, e.Kind)
				assert.False(t, e.Elsewhere)
			}
		})
	}
}

// memberOf is the member of a route with this name.
func memberOf(t *testing.T, c *provider.Client, account string) *provider.Client {
	for _, m := range route.Members(c) {
		if m.Account() == account {
			return m
		}
	}
	require.Fail(t, "no such member", account)
	return nil
}

// The repeats at an account are not told again, whatever they repeat; those that a limit
// keeps back neither.
func TestBeforeRepeats(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func() (*http.Response, error)
		by   string
		want string
	}{
		{name: "limited", fail: func() (*http.Response, error) { return answer(429, `{"code":"x"}`) }, by: "brevo", want: "brevo"},
		{name: "may have been sent", fail: func() (*http.Response, error) { return answer(503, `{"code":"x"}`) }, by: "brevo", want: "brevo"},
		{name: "not reached", fail: func() (*http.Response, error) { return nil, syscall.ECONNREFUSED }, by: "brevo", want: "brevo"},
		{name: "asked to wait", fail: func() (*http.Response, error) { return answer(429, `{"code":"x"}`, "Retry-After", "12") }, by: "b", want: "brevo b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				main, err := brevo.New("xkeysib-"+t.Name(), provider.WithFrom(provider.Address{Email: "shop@example.com"}),
					provider.WithHTTPClient(&http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
						_, _ = io.Copy(io.Discard, r.Body)
						if requests.Add(1) == 1 {
							return tt.fail()
						}
						return answer(201, `{"messageId":"<1@example.com>"}`)
					})}))
				require.NoError(t, err)
				c, err := route.Failover(main, new(fake).client(t, "b"))
				require.NoError(t, err)
				var told []string
				r, err := c.Send(route.Before(t.Context(), func(account string) error {
					told = append(told, account)
					return nil
				}), message())
				require.NoError(t, err)
				assert.Equal(t, tt.by, r.Account)
				assert.Equal(t, tt.want, strings.Join(told, " "))
			})
		})
	}
}

// A mail for each recipient is one act, in a batch or not; calls do not overlap.
func TestBeforeOnce(t *testing.T) {
	a := &fake{lacks: []provider.Feature{feature.MessageToMany}}
	c, err := route.Failover(a.client(t, "a", func(s *provider.AccountSettings, _ *provider.DriverEnv) {
		s.Policy = provider.Policy{feature.MessageToMany: provider.ActionFanOut}
	}))
	require.NoError(t, err)
	var told, running atomic.Int64
	ctx := route.Before(t.Context(), func(account string) error {
		assert.EqualValues(t, 1, running.Add(1))
		defer running.Add(-1)
		assert.Equal(t, "a", account)
		told.Add(1)
		return nil
	})
	r, err := c.Send(ctx, message("a@example.com", "b@example.com", "c@example.com"))
	require.NoError(t, err)
	assert.Len(t, r.Recipients, 3)
	assert.EqualValues(t, 3, a.calls.Load())
	assert.EqualValues(t, 1, told.Load())

	ctx = route.Before(t.Context(), func(string) error { told.Add(1); return nil })
	three := func(yield func(*provider.Message, error) bool) {
		for range 3 {
			if !yield(message(), nil) {
				return
			}
		}
	}
	report, err := c.SendBatch(ctx, three, func(provider.BatchResult) error { return nil })
	require.NoError(t, err)
	assert.Equal(t, 3, report.Accepted)
	assert.EqualValues(t, 2, told.Load())
}

// knowing is a fake whose provider knows a key for an hour.
type knowing struct {
	*fake
	account string
}

func (k knowing) KeyScope(key string) (string, time.Duration) {
	return k.account + "/" + key, time.Hour
}

// nested are routes of six fakes: a, b and eu over c, d and far over e, f.
func nested(t *testing.T, o route.Options, outer, inner string) (*provider.Client, map[string]*fake) {
	fakes := make(map[string]*fake)
	open := func(account string) *provider.Client {
		fakes[account] = new(fake)
		c, err := provider.NewClient(knowing{fakes[account], account}, "fake", provider.AccountSettings{
			From: provider.Address{Email: account + "@example.com"},
		}, provider.DriverEnv{Account: account, Namespace: "shop"})
		require.NoError(t, err)
		return c
	}
	group := func(o route.Options, kind string, members ...*provider.Client) *provider.Client {
		var c *provider.Client
		var err error
		switch kind {
		case "failover":
			c, err = o.Failover(members...)
		case "round_robin":
			c, err = o.RoundRobin(members...)
		case "weighted":
			shares := []route.Share{}
			for i, m := range members {
				shares = append(shares, route.Share{Member: m, Weight: 1 + 1000*i})
			}
			c, err = o.Weighted(shares...)
		case "rules":
			rules := []route.Rule{}
			for _, m := range members[1:] {
				rules = append(rules, route.Rule{Tag: m.Account(), Member: m})
			}
			c, err = o.Rules(members[0], rules...)
		}
		require.NoError(t, err)
		return c
	}
	far := group(route.Options{Name: "far"}, inner, open("e"), open("f"))
	eu := group(route.Options{Name: "eu"}, inner, open("c"), open("d"), far)
	o.Name = "mail"
	return group(o, outer, open("a"), open("b"), eu), fakes
}

// A named member sends, and no other, in routes of every kind and at any depth.
func TestWithMember(t *testing.T) {
	kinds := []string{"failover", "round_robin", "weighted", "rules"}
	for _, outer := range kinds {
		for _, inner := range kinds {
			for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
				t.Run(outer+" over "+inner+", "+name, func(t *testing.T) {
					c, fakes := nested(t, route.Options{}, outer, inner)
					ctx := route.WithMember(t.Context(), name)
					var told []string
					for range 2 {
						r, err := c.Send(route.Before(ctx, func(account string) error {
							told = append(told, account)
							return nil
						}), message())
						require.NoError(t, err)
						assert.Equal(t, name, r.Account)
					}
					assert.Equal(t, []string{name, name}, told)
					fakes[name].answers(noCredit)
					_, err := c.Send(ctx, message())
					require.ErrorIs(t, err, provider.ErrNoCredit, "nobody else sends")
					for other, f := range fakes {
						if other != name {
							assert.Zero(t, f.calls.Load(), other)
						}
					}
				})
			}
		}
	}
}

func TestWithMemberNames(t *testing.T) {
	const members = "its members: a, b, eu (c, d, far (e, f))"
	for _, tt := range []struct {
		name  string
		named string
		ref   string // of a template
		kind  string
		by    string
		err   string
	}{
		{name: "a route among the members", named: "eu", kind: "failover", by: "c"},
		{name: "a route at depth", named: "far", kind: "failover", by: "e"},
		{name: "none", named: "", kind: "failover", by: "a"},
		{name: "unknown", named: "g", kind: "failover", err: `the route mail has no member "g"; ` + members},
		{name: "the route itself", named: "mail", kind: "rules", err: `the route mail has no member "mail"; ` + members},
		{name: "its own template", named: "b", ref: "7", kind: "failover", by: "b"},
		{name: "its own template, in turn", named: "f", ref: "7", kind: "round_robin", by: "f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, fakes := nested(t, route.Options{}, tt.kind, tt.kind)
			m := message()
			m.IdempotencyKey = "k"
			if tt.ref != "" {
				m.Template, m.HTML, m.Subject = provider.Ref{ID: tt.ref}, "", ""
			}
			r, err := c.Send(route.WithMember(t.Context(), tt.named), m)
			if tt.err == "" {
				require.NoError(t, err)
				assert.Equal(t, tt.by, r.Account)
				return
			}
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, provider.ErrInvalid, e.Kind)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			assert.Equal(t, tt.err, e.Message)
			assert.Nil(t, r)
			for _, f := range fakes {
				assert.Zero(t, f.calls.Load())
			}
			_, err = c.Send(t.Context(), m)
			assert.NoError(t, err, "the key is free")
		})
	}
	alone := new(fake)
	r, err := alone.client(t, "alone").Send(route.WithMember(t.Context(), "g"), message())
	require.NoError(t, err)
	assert.Equal(t, "alone", r.Account, "no route")
}

// A key that another member may have sent under is never sent under through the named one,
// whether the route or a guard keeps it.
func TestWithMemberUnderAKey(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		for _, tt := range []struct {
			name   string
			first  *provider.Error // of the first send, through d
			second string          // the member of the second
			calls  int64           // at d
			by     string          // of the second; empty: unknown, and nobody is asked
		}{
			{name: "unknown, another", first: noAnswer, second: "a", calls: 1},
			{name: "unknown, another at the same route", first: noAnswer, second: "c", calls: 1},
			{name: "unknown, the same", first: noAnswer, second: "d", calls: 2, by: "d"},
			{name: "unknown, its route", first: noAnswer, second: "eu", calls: 2, by: "d"},
			{name: "unknown, none is named", first: noAnswer, calls: 2, by: "d"},
			{name: "not sent, another", first: unreachable, second: "a", calls: 1, by: "a"},
		} {
			t.Run(fmt.Sprintf("%s, guard %v", tt.name, guarded), func(t *testing.T) {
				var o route.Options
				if guarded {
					o.Guard, o.Namespace = guard.NewMemory(0, 0), "shop"
				}
				c, fakes := nested(t, o, "failover", "failover")
				fakes["d"].answers(tt.first)
				_, err := c.Send(route.WithMember(t.Context(), "d"), keyed("k"))
				require.Error(t, err)
				fakes["d"].answers(nil)
				ctx := t.Context()
				if tt.second != "" {
					ctx = route.WithMember(ctx, tt.second)
				}
				r, err := c.Send(ctx, keyed("k"))
				assert.Equal(t, tt.calls, fakes["d"].calls.Load())
				if tt.by != "" {
					require.NoError(t, err)
					assert.Equal(t, tt.by, r.Account)
					return
				}
				require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
				assert.Equal(t, provider.StateUnknown, r.State)
				assert.Equal(t, "k", r.IdempotencyKey)
				for other, f := range fakes {
					if other != "d" {
						assert.Zero(t, f.calls.Load(), other)
					}
				}
			})
		}
	}
}
