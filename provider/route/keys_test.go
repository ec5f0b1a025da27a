package route_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

func keyed(key string) *provider.Message {
	m := message()
	m.IdempotencyKey = key
	return m
}

// A repeat under a key goes to the member that may have sent, and to no other.
func TestKeyStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := new(fake), new(fake)
		c, err := route.RoundRobin(a.client(t, "a"), b.client(t, "b"))
		require.NoError(t, err)
		a.answers(noAnswer)
		_, err = c.Send(t.Context(), keyed("k"))
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)

		// Only a success settles it.
		for _, later := range []*provider.Error{unreachable, badAddress, noAnswer} {
			a.answers(later)
			r, err := c.Send(t.Context(), keyed("k"))
			require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
			assert.False(t, e.Elsewhere)
			assert.Equal(t, provider.StateUnknown, r.State)
			assert.Equal(t, []string{"a"}, accounts(r))
		}
		<-time.After(time.Minute) // three of those failed at the provider
		a.answers(nil)
		for range 3 {
			r, err := c.Send(t.Context(), keyed("k"))
			require.NoError(t, err)
			assert.Equal(t, "a", r.Account)
		}
		assert.Zero(t, b.calls.Load())

		// It pauses, and still nobody else gets the message.
		a.answers(noCredit)
		_, _ = c.Send(t.Context(), keyed("k"))
		calls := a.calls.Load()
		r, err := c.Send(t.Context(), keyed("k"))
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		assert.Equal(t, provider.StateUnknown, r.State)
		assert.Equal(t, "k", r.IdempotencyKey)
		assert.Equal(t, calls, a.calls.Load())
		assert.Zero(t, b.calls.Load())

		<-time.After(61 * time.Minute) // forgotten, as everywhere
		a.answers(noCredit)
		r, err = c.Send(t.Context(), keyed("k"))
		require.NoError(t, err)
		assert.Equal(t, "b", r.Account)
	})
}

// What was provably not sent may go anywhere.
func TestKeyIsFreeAgain(t *testing.T) {
	c, a, b := pair(t, route.Options{})
	a.answers(badAddress)
	_, err := c.Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrInvalid)
	a.answers(unreachable)
	r, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, "b", r.Account)
	assert.EqualValues(t, 1, b.calls.Load())
}

// Two sends under one key never run at once, so they cannot go two ways.
func TestKeyOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a, b := pair(t, route.Options{})
		a.reply = func(context.Context, *provider.Message) error {
			<-time.After(time.Second)
			if a.calls.Load() == 1 {
				return unreachable
			}
			return nil
		}
		got := make(chan string, 2)
		for range 2 {
			go func() {
				r, err := c.Send(t.Context(), keyed("k"))
				assert.NoError(t, err)
				got <- r.Account
			}()
		}
		assert.Equal(t, []string{"b", "b"}, []string{<-got, <-got}, "the second follows the first")
		assert.EqualValues(t, 1, a.calls.Load())
		assert.EqualValues(t, 2, b.calls.Load())

		// Waiting obeys the context.
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = c.Send(t.Context(), keyed("slow"))
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		r, err := c.Send(ctx, keyed("slow"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Nil(t, r)
		<-done
	})
}
