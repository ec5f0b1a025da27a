package provider_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
)

// keyless is a client at a provider without keys.
func keyless(t *testing.T, s *stub, store provider.GuardStore) *provider.Client {
	t.Helper()
	s.caps = keylessCaps
	return client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{Guard: store, Namespace: "shop"})
}

func keyed(key string) *provider.Message {
	m := order()
	m.IdempotencyKey = key
	return m
}

var (
	lost    = &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
	refused = &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400}
)

func TestGuardCapability(t *testing.T) {
	s := &stub{}
	c := keyless(t, s, guard.NewMemory(0, 0))
	assert.Equal(t, provider.LevelEmulated, c.Capabilities().Level(feature.MessageIdempotencyKey))
	assert.Equal(t, provider.LevelNone, s.caps.Level(feature.MessageIdempotencyKey), "the adapter's own table is not changed")
	_, err := keyless(t, &stub{}, nil).Send(t.Context(), keyed("k"))
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, `a duplicate guard serves it everywhere: provider.WithDuplicateGuard(`)
	native := client(t, &stub{}, provider.AccountSettings{}, provider.DriverEnv{Guard: guard.NewMemory(0, 0), Namespace: "shop"})
	assert.Equal(t, provider.LevelNative, native.Capabilities().Level(feature.MessageIdempotencyKey))
}

func TestGuardRepeats(t *testing.T) {
	s := &stub{}
	store := guard.NewMemory(0, 0)
	c := keyless(t, s, store)
	first, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, "k", first.IdempotencyKey)
	assert.Empty(t, s.sent[0].IdempotencyKey, "the adapter has no place for it")
	first.Recipients[0].MessageID = "changed by the caller"

	again, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, "id-a@example.com", again.Recipients[0].MessageID)
	assert.Equal(t, "idempotency_key", again.Notes[0].Field)
	assert.Contains(t, again.Notes[0].Why, "nothing was sent now")
	assert.Len(t, s.sent, 1)

	other := keyed("k")
	other.Subject = "another"
	r, err := c.Send(t.Context(), other)
	assert.Nil(t, r)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, "idempotency_key", e.Field)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)

	_, err = c.Send(t.Context(), order())
	require.NoError(t, err)
	_, err = c.Send(t.Context(), order())
	require.NoError(t, err)
	assert.Len(t, s.sent, 3, "without a key nothing is kept back")

	elsewhere := &stub{caps: s.caps}
	c2, err := provider.NewClient(elsewhere, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: "other", Guard: store, Namespace: "shop"})
	require.NoError(t, err)
	_, err = c2.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Empty(t, elsewhere.sent, "accounts share the keys of their namespace")
}

func TestGuardAfterFailure(t *testing.T) {
	fail := error(refused)
	s := &stub{reply: func(m *provider.Message) (*provider.Receipt, error) {
		if fail != nil {
			return nil, fail
		}
		return m.Receipt("id", provider.StateAccepted), nil
	}}
	store := guard.NewMemory(0, 0)
	c := keyless(t, s, store)
	_, err := c.Send(t.Context(), keyed("k"))
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.Zero(t, store.Len(), "provably not sent: the key is free, also for a corrected mail")
	corrected := keyed("k")
	corrected.Subject = "corrected"
	fail = lost
	r, err := c.Send(t.Context(), corrected)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, "corrected", r.Unsettled.Subject)
	fail = nil
	r, err = c.Send(t.Context(), corrected)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Equal(t, "k", r.IdempotencyKey)
	assert.Len(t, s.sent, 2)

	panics := &stub{reply: func(*provider.Message) (*provider.Receipt, error) { panic("bug") }}
	c = keyless(t, panics, store)
	assert.Panics(t, func() { _, _ = c.Send(t.Context(), keyed("p")) })
	r, err = c.Send(t.Context(), keyed("p"))
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.NotNil(t, r.Unsettled, "it can be settled")
	assert.Len(t, panics.sent, 1)
}

func TestGuardSendsTheRestOfAFanOut(t *testing.T) {
	answers := map[string]error{"b@example.com": refused, "c@example.com": lost}
	s := &stub{reply: func(m *provider.Message) (*provider.Receipt, error) {
		if err := answers[m.To[0].Email]; err != nil {
			return nil, err
		}
		return m.Receipt("id-"+m.To[0].Email, provider.StateAccepted), nil
	}}
	c := keyless(t, s, guard.NewMemory(0, 0))
	m := keyed("k")
	m.To = []provider.Address{{Email: "a@example.com"}, {Email: "b@example.com"}, {Email: "c@example.com"}, {Email: "d@example.com"}}
	r, err := c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	require.Len(t, r.Recipients, 4)
	assert.Contains(t, r.Unsettled.Own, "c@example.com")
	assert.Len(t, s.sent, 3, "d was not tried")

	answers = nil
	r, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "c is still in doubt")
	var states []provider.State
	for _, p := range r.Recipients {
		states = append(states, p.State)
	}
	assert.Equal(t, []provider.State{"accepted", "accepted", "unknown", "accepted"}, states)
	assert.Len(t, r.Accounts, 5)
	require.Len(t, s.sent, 5)
	assert.Equal(t, "b@example.com", s.sent[3].To[0].Email)
	assert.Equal(t, "d@example.com", s.sent[4].To[0].Email)

	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Len(t, s.sent, 5)
	fewer := keyed("k")
	_, err = c.Send(t.Context(), fewer)
	assert.ErrorIs(t, err, provider.ErrInvalid, "another list of recipients is another message")
}

func TestGuardManyAtOnce(t *testing.T) {
	const n = 64
	var calls atomic.Int64
	release := make(chan struct{})
	s := &stub{}
	s.reply = func(m *provider.Message) (*provider.Receipt, error) {
		calls.Add(1)
		<-release
		return m.Receipt("one", provider.StateAccepted), nil
	}
	c := keyless(t, s, guard.NewMemory(0, 0))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := c.Send(t.Context(), keyed("k"))
			assert.NoError(t, err)
			assert.Equal(t, "one", r.MessageID, i)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		r, err := c.Send(ctx, keyed("k"))
		if err != nil { // it waited
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorIs(t, err, provider.ErrCanceled)
			assert.Nil(t, r)
		}
	})
	cancel()
	close(release)
	wg.Wait()
	assert.EqualValues(t, 1, calls.Load())
}

func TestGuardWaitsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{}
		s.reply = func(m *provider.Message) (*provider.Receipt, error) {
			<-time.After(time.Minute)
			return m.Receipt(fmt.Sprint(len(s.sent)), provider.StateAccepted), nil
		}
		store := guard.NewMemory(2, time.Hour)
		c := keyless(t, s, store)
		done := make(chan string)
		go func() {
			r, _ := c.Send(t.Context(), keyed("k"))
			done <- r.MessageID
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := c.Send(ctx, keyed("k"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, provider.ErrCanceled, "nothing left")
		assert.Nil(t, r)
		assert.Equal(t, "1", <-done)

		_, err = c.Send(t.Context(), keyed("second"))
		require.NoError(t, err)
		<-time.After(59*time.Minute - time.Minute - time.Second)
		r, err = c.Send(t.Context(), keyed("k"))
		require.NoError(t, err)
		assert.Equal(t, "1", r.MessageID)
		<-time.After(2*time.Minute + 2*time.Second)
		assert.Zero(t, store.Len())
		r, err = c.Send(t.Context(), keyed("k"))
		require.NoError(t, err)
		assert.Equal(t, "3", r.MessageID, "forgotten after its lifetime")
	})
}
