package route_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

// watch gathers the changes of state.
type watch struct {
	mu     sync.Mutex
	events []string
}

func (w *watch) hooks() provider.Hooks {
	return provider.Hooks{OnState: func(_ context.Context, e provider.StateEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, fmt.Sprintf("%s/%s: %s -> %s", e.Route, e.Account, e.From, e.To))
	}}
}

func send(t testing.TB, c *provider.Client, times int) {
	for range times {
		_, err := c.Send(t.Context(), message())
		require.NoError(t, err)
	}
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		c, a, b := pair(t, route.Options{Name: "mail", Hooks: w.hooks()})
		a.answers(unreachable)
		send(t, c, 50)
		assert.EqualValues(t, 3, a.calls.Load(), "opens at the third")
		assert.EqualValues(t, 50, b.calls.Load())
		assert.Equal(t, []route.State{route.StateOpen, route.StateReady}, states(t, c))
		all, _ := route.States(c)
		assert.Equal(t, 30*time.Second, time.Until(all[0].Until))
		assert.Equal(t, "3 sends in a row failed, the last: unavailable", all[0].Why)

		<-time.After(31 * time.Second)
		assert.Equal(t, []route.State{route.StateProbing, route.StateReady}, states(t, c))
		send(t, c, 5)
		assert.EqualValues(t, 4, a.calls.Load(), "one probe, and it is open again")
		assert.Equal(t, []route.State{route.StateOpen, route.StateReady}, states(t, c))

		<-time.After(31 * time.Second)
		a.answers(nil)
		r, err := c.Send(t.Context(), message())
		require.NoError(t, err)
		assert.Equal(t, "a", r.Account)
		assert.Equal(t, []route.State{route.StateReady, route.StateReady}, states(t, c))
		assert.Equal(t, []string{
			"mail/a: ready -> open", "mail/a: open -> probing", "mail/a: probing -> open",
			"mail/a: open -> probing", "mail/a: probing -> ready",
		}, w.events)
	})
}

// A failure counts when it is known, however long the send took; one of a time before the
// member was open does not count after it.
func TestBreakerCountsLongSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, b := pair(t, route.Options{})
		const takes = 70 * time.Second // longer than failures are counted over
		a.reply = func(_ context.Context, m *provider.Message) error {
			<-time.After(takes)
			if m.Subject == "slow" {
				<-time.After(5 * time.Minute)
			}
			return unreachable
		}
		var wg sync.WaitGroup
		many := func(n int, subject string) {
			for range n {
				wg.Go(func() {
					m := message()
					m.Subject = subject
					_, err := c.Send(t.Context(), m)
					assert.NoError(t, err)
				})
			}
			synctest.Wait()
		}
		many(5, "slow")
		many(10, "quick")
		<-time.After(71 * time.Second)
		assert.Equal(t, route.StateOpen, states(t, c)[0])
		assert.EqualValues(t, 15, a.calls.Load())

		<-time.After(31 * time.Second)
		a.answers(nil)
		send(t, c, 1)
		assert.Equal(t, route.StateReady, states(t, c)[0])
		<-time.After(265 * time.Second)
		send(t, c, 5)
		wg.Wait()
		assert.EqualValues(t, 15, b.calls.Load(), "the slow ones failed at last")
		assert.Equal(t, route.StateReady, states(t, c)[0])
	})
}

// While a probe is under way nobody else is let through; what says nothing
// about the provider leaves the place to the next.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, b := pair(t, route.Options{})
		a.answers(unreachable)
		send(t, c, 10)
		<-time.After(31 * time.Second)
		a.reply = func(context.Context, *provider.Message) error {
			<-time.After(time.Second)
			return badAddress
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Send(t.Context(), message())
			assert.ErrorIs(t, err, provider.ErrInvalid)
		})
		synctest.Wait()
		before := b.calls.Load()
		send(t, c, 20)
		assert.EqualValues(t, 4, a.calls.Load())
		assert.EqualValues(t, before+20, b.calls.Load())
		wg.Wait()
		assert.Equal(t, route.StateProbing, states(t, c)[0])
		a.answers(nil)
		send(t, c, 1)
		assert.Equal(t, route.StateReady, states(t, c)[0])
	})
}

func TestFaultsThatCount(t *testing.T) {
	for _, tt := range []struct {
		err  *provider.Error
		want route.State
	}{
		{unreachable, route.StateOpen},
		{noAnswer, route.StateOpen},
		{&provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: 503}, route.StateOpen},
		{badAddress, route.StateReady},
		{&provider.Error{Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: 409}, route.StateReady},
		{&provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 404}, route.StateReady},
		{&provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 429}, route.StateReady},
		{&provider.Error{Kind: provider.ErrForbidden, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 400}, route.StateReady},
		{&provider.Error{Kind: provider.ErrForbidden, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 403}, route.StateUnauthorized},
		{badKey, route.StateUnauthorized},
		{noCredit, route.StateNoCredit},
	} {
		t.Run(fmt.Sprintf("%s %d", tt.err.Kind, tt.err.Status), func(t *testing.T) {
			c, a, _ := pair(t, route.Options{})
			a.answers(tt.err)
			for range 100 {
				_, _ = c.Send(t.Context(), message())
			}
			assert.Equal(t, tt.want, states(t, c)[0])
		})
	}
}

// The caller's cancelation is not the provider's failure; its deadline is.
func TestCallerCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, _ := pair(t, route.Options{})
		a.reply = func(ctx context.Context, _ *provider.Message) error {
			<-ctx.Done()
			return &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Err: ctx.Err()}
		}
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := c.Send(ctx, message())
			assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		}
		assert.Equal(t, route.StateReady, states(t, c)[0])
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, _ = c.Send(ctx, message())
			cancel()
		}
		assert.Equal(t, route.StateOpen, states(t, c)[0])
	})
}

func TestPauses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   *provider.Error
		state route.State
		wait  time.Duration
		probe bool
	}{
		{"key refused", badKey, route.StateUnauthorized, time.Minute, true},
		{"no credit", noCredit, route.StateNoCredit, 15 * time.Minute, true},
		{"rate limited", &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 429, RetryAfter: 7 * time.Second}, route.StateRateLimited, 7 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, a, b := pair(t, route.Options{})
				a.answers(tt.err)
				send(t, c, 20)
				assert.EqualValues(t, 1, a.calls.Load())
				assert.EqualValues(t, 20, b.calls.Load())
				assert.Equal(t, tt.state, states(t, c)[0])

				// b fails too: the error tells how long to wait.
				b.answers(tt.err)
				_, err := c.Send(t.Context(), message())
				require.ErrorIs(t, err, tt.err.Kind)
				r, err := c.Send(t.Context(), message())
				var e *provider.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.err.Kind, e.Kind)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.True(t, e.Elsewhere)
				assert.Equal(t, tt.wait, e.RetryAfter)
				assert.Equal(t, provider.StateRefused, r.State)
				assert.Equal(t, []string{"a", "b"}, accounts(r))
				b.answers(nil)

				<-time.After(tt.wait)
				a.reply = func(context.Context, *provider.Message) error {
					<-time.After(time.Second)
					return nil
				}
				var wg sync.WaitGroup
				wg.Go(func() { send(t, c, 1) })
				synctest.Wait() // it is at a, where it takes a second
				send(t, c, 1)   // b is tried again too, before it takes several
				for range 3 {
					wg.Go(func() { send(t, c, 1) })
				}
				wg.Wait()
				if tt.probe {
					assert.EqualValues(t, 2, a.calls.Load(), "one probe")
				} else {
					assert.EqualValues(t, 6, a.calls.Load())
				}
				assert.Equal(t, route.StateReady, states(t, c)[0])
			})
		})
	}
}

// A revoked key costs at most one send a minute.
func TestProbeOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, _ := pair(t, route.Options{})
		a.answers(badKey)
		for range 600 {
			send(t, c, 1)
			<-time.After(time.Second)
		}
		assert.EqualValues(t, 10, a.calls.Load())
	})
}

// A success that began before a pause does not end it.
func TestStraggler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, _ := pair(t, route.Options{})
		a.reply = func(_ context.Context, m *provider.Message) error {
			if m.Subject == "slow" {
				<-time.After(10 * time.Second)
				return nil
			}
			return noCredit
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			m := message()
			m.Subject = "slow"
			_, err := c.Send(t.Context(), m)
			assert.NoError(t, err)
		}()
		synctest.Wait()
		send(t, c, 1)
		<-done
		assert.Equal(t, route.StateNoCredit, states(t, c)[0])
	})
}

// Bad addresses never open a breaker.
func TestBadAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		c, a, b := pair(t, route.Options{Hooks: w.hooks()})
		a.answers(badAddress)
		for range 10_000 {
			_, err := c.Send(t.Context(), message())
			require.ErrorIs(t, err, provider.ErrInvalid)
			<-time.After(10 * time.Millisecond)
		}
		assert.Empty(t, w.events)
		assert.EqualValues(t, 10_000, a.calls.Load())
		assert.Zero(t, b.calls.Load())
	})
}

func TestHooksJoinAndLog(t *testing.T) {
	var w watch
	var log bytes.Buffer
	c, a, _ := pair(t, route.Options{Name: "mail", Hooks: w.hooks().And(provider.Hooks{}, provider.SlogHooks(slog.New(slog.NewTextHandler(&log, nil))))})
	a.answers(noCredit)
	send(t, c, 1)
	assert.Equal(t, []string{"mail/a: ready -> no_credit"}, w.events)
	assert.Contains(t, log.String(), `level=WARN msg="route member" provider=fake account=a route=mail from=ready to=no_credit why="no credit, status 402"`)
}

// A provider that swallows everything loses new mail to the others before its
// first send has failed.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		c, a, b := pair(t, route.Options{Hooks: w.hooks()})
		release := make(chan struct{})
		a.reply = func(context.Context, *provider.Message) error {
			<-release
			return nil
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { send(t, c, 1) })
		}
		synctest.Wait()
		assert.Equal(t, route.StateReady, states(t, c)[0])
		<-time.After(3 * time.Second)
		assert.Equal(t, route.StateStalled, states(t, c)[0])
		send(t, c, 5)
		assert.EqualValues(t, 10, a.calls.Load())
		assert.Equal(t, []string{"failover/a: ready -> stalled"}, w.events)

		b.answers(noCredit) // and a is asked after all
		wg.Go(func() { send(t, c, 1) })
		synctest.Wait()
		assert.EqualValues(t, 11, a.calls.Load())
		close(release)
		wg.Wait()
		assert.Equal(t, route.StateReady, states(t, c)[0])
		assert.Equal(t, "failover/a: stalled -> ready", w.events[len(w.events)-1])
	})
}
