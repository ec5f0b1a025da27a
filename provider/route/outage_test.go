package route_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/route"
)

// checked is a member that can be checked.
type checked struct {
	fake
	checks atomic.Int64
	check  func(ctx context.Context) error
}

func (f *checked) Capabilities() provider.Capabilities {
	caps := f.fake.Capabilities()
	caps[feature.Check] = adapterkit.Cell(provider.LevelNative)
	return caps
}

func (f *checked) Check(ctx context.Context) (*provider.Health, error) {
	f.checks.Add(1)
	if f.check != nil {
		if err := f.check(ctx); err != nil {
			return nil, err
		}
	}
	return &provider.Health{}, nil
}

func (f *checked) client(t testing.TB, account string) *provider.Client {
	c, err := provider.NewClient(f, "fake", provider.AccountSettings{From: provider.Address{Email: account + "@example.com"}}, provider.DriverEnv{Account: account})
	require.NoError(t, err)
	return c
}

var (
	serverFault = &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: 503}
	checkFails  = &provider.Error{Kind: provider.ErrUnavailable, Status: 503}
)

// hangs is a provider that takes requests and never answers: the call ends after its
// timeout of 90 s, or with the caller's context.
func hangs(end *provider.Error) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(90 * time.Second):
		case <-ctx.Done():
		}
		e := *end
		return &e
	}
}

// How many mails end unknown in an outage. The backup works, no mail has a key, and mails
// come evenly. Times are virtual; the command is
// go test -v -run TestUnknownInAnOutage ./provider/route.
func TestUnknownInAnOutage(t *testing.T) {
	at := func(err *provider.Error) func(context.Context) error {
		return func(context.Context) error {
			e := *err
			return &e
		}
	}
	for _, tt := range []struct {
		name         string
		send, check  func(context.Context) error
		every, lasts time.Duration
		most         int
	}{
		{"all answers are 503, 10 mails a day, 8 hours", at(serverFault), at(checkFails), 144 * time.Minute, 8 * time.Hour, 1},
		{"all answers are 503, a mail a minute, 1 hour", at(serverFault), at(checkFails), time.Minute, time.Hour, 1},
		{"all answers are 503, 10 mails a second, 10 minutes", at(serverFault), at(checkFails), time.Second / 10, 10 * time.Minute, 1},
		{"no answers, 10 mails a day, 8 hours", hangs(noAnswer), hangs(checkFails), 144 * time.Minute, 8 * time.Hour, 1},
		{"no answers, a mail a minute, 1 hour", hangs(noAnswer), hangs(checkFails), time.Minute, time.Hour, 3},
		{"no answers, 10 mails a second, 10 minutes", hangs(noAnswer), hangs(checkFails), time.Second / 10, 10 * time.Minute, 60},
		{"only sends fail, 10 mails a day, 8 hours", at(serverFault), nil, 144 * time.Minute, 8 * time.Hour, 4},
		{"only sends fail, a mail a minute, 1 hour", at(serverFault), nil, time.Minute, time.Hour, 12},
		{"only sends fail, 10 mails a second, 10 minutes", at(serverFault), nil, time.Second / 10, 10 * time.Minute, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &checked{check: tt.check}, new(fake)
				a.reply = func(ctx context.Context, _ *provider.Message) error { return tt.send(ctx) }
				c, err := route.Failover(a.client(t, "a"), b.client(t, "b"))
				require.NoError(t, err)
				var unknown, other, mails atomic.Int64
				var wg sync.WaitGroup
				for end := time.Now().Add(tt.lasts); time.Now().Before(end); <-time.After(tt.every) {
					mails.Add(1)
					wg.Go(func() {
						switch r, err := c.Send(t.Context(), message()); {
						case err == nil:
							assert.Equal(t, "b", r.Account)
						case r.State == provider.StateUnknown:
							unknown.Add(1)
						default:
							other.Add(1)
						}
					})
				}
				wg.Wait()
				t.Logf("%d mails: %d unknown, %d not sent, %d checks", mails.Load(), unknown.Load(), other.Load(), a.checks.Load())
				assert.LessOrEqual(t, unknown.Load(), int64(tt.most))
				assert.Zero(t, other.Load())

				// It works again, and gets mail again a quarter of an hour later at most.
				a.answers(nil)
				a.check = nil
				<-time.After(15*time.Minute + time.Second)
				r, err := c.Send(t.Context(), message())
				require.NoError(t, err)
				assert.Equal(t, "a", r.Account)
			})
		})
	}
}

// What a check tells of a member in doubt, and what it does not.
func TestChecksOfAMemberInDoubt(t *testing.T) {
	fails := func(kind provider.Kind, status int) *provider.Error {
		return &provider.Error{Kind: kind, Status: status}
	}
	for _, tt := range []struct {
		name  string
		check *provider.Error
		state route.State // after the second mail
		by    string      // who sends the second mail
	}{
		{"works", nil, route.StateReady, "a"},
		{"an outage", fails(provider.ErrUnavailable, 503), route.StateOpen, "b"},
		{"a key for sending alone", fails(provider.ErrUnauthorized, 403), route.StateReady, "a"},
		{"a limit", fails(provider.ErrRateLimited, 429), route.StateReady, "a"},
		{"another form", fails(provider.ErrBadResponse, 200), route.StateReady, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := new(checked), new(fake)
				a.answers(noAnswer)
				a.check = func(context.Context) error {
					if tt.check == nil {
						return nil
					}
					return tt.check
				}
				c, err := route.Failover(a.client(t, "a"), b.client(t, "b"))
				require.NoError(t, err)
				_, err = c.Send(t.Context(), message())
				require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
				assert.Zero(t, a.checks.Load(), "only before the next mail")
				a.answers(nil)
				r, err := c.Send(t.Context(), message())
				require.NoError(t, err)
				assert.Equal(t, tt.by, r.Account)
				assert.EqualValues(t, 1, a.checks.Load())
				assert.Equal(t, tt.state, states(t, c)[0])

				// The caller may give up meanwhile: that says nothing about the member.
				if tt.by == "b" {
					ctx, cancel := context.WithCancel(t.Context())
					a.check = func(context.Context) error { cancel(); return checkFails }
					<-time.After(time.Minute)
					_, err = c.Send(ctx, message())
					require.ErrorIs(t, err, context.Canceled)
					assert.Equal(t, route.StateProbing, states(t, c)[0])
				}
			})
		})
	}
}

// A check that never works does not keep mail from a member for ever.
func TestBrokenCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &checked{check: func(context.Context) error { return checkFails }}, new(fake)
		a.answers(noAnswer)
		c, err := route.Failover(a.client(t, "a"), b.client(t, "b"))
		require.NoError(t, err)
		_, err = c.Send(t.Context(), message())
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		a.answers(nil)
		start := time.Now()
		for range 24 * 60 {
			send(t, c, 1)
			if states(t, c)[0] == route.StateReady {
				break
			}
			<-time.After(time.Minute)
		}
		assert.Equal(t, route.StateReady, states(t, c)[0])
		assert.InDelta(t, 6, time.Since(start).Hours(), 0.1)
	})
}
