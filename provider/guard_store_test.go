package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/providertest"
)

// A store outside the process: entries are JSON, and a process may die.
type mapStore struct {
	mu      sync.Mutex
	entries map[string][]byte
	dies    bool  // the process ends before Finish
	err     error // the store cannot be reached
}

func (s *mapStore) Begin(_ context.Context, key string, by provider.GuardEntry) (provider.GuardEntry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.get(key)
	if err != nil {
		return e, false, err
	}
	begun, ok := e.Claim(by)
	if !ok {
		return e, false, nil
	}
	return e, true, s.put(key, begun)
}

func (s *mapStore) Finish(_ context.Context, key string, end provider.GuardEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dies {
		return errors.New("no store")
	}
	e, err := s.get(key)
	if err != nil {
		return err
	}
	next, keep := e.Finish(end)
	if !keep {
		delete(s.entries, key)
		return nil
	}
	return s.put(key, next)
}

func (s *mapStore) get(key string) (e provider.GuardEntry, err error) {
	if s.err != nil {
		return e, s.err
	}
	if data, ok := s.entries[key]; ok {
		err = json.Unmarshal(data, &e)
	}
	return e, err
}

func (s *mapStore) put(key string, e provider.GuardEntry) error {
	data, err := json.Marshal(e)
	s.entries[key] = data
	return err
}

// A store that does not wait for running sends keeps the contract too.
func TestMapStore(t *testing.T) {
	providertest.RunGuardStore(t, providertest.GuardHarness{
		Single: true, Open: func(*testing.T) provider.GuardStore { return &mapStore{entries: map[string][]byte{}} },
	})
}

func TestGuardOutsideTheProcess(t *testing.T) {
	s := &stub{}
	store := &mapStore{entries: map[string][]byte{}, dies: true}
	c := keyless(t, s, store)
	r, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err, "the mail went out")
	assert.Contains(t, r.Notes[len(r.Notes)-1].Why, "could not store")
	r, err = c.Send(t.Context(), keyed("k"))
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "begun and never finished counts as unknown")
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Equal(t, "s", r.Unsettled.Subject)
	assert.Len(t, s.sent, 1)

	store.err = errors.New("connection refused")
	r, err = c.Send(t.Context(), keyed("k2"))
	assert.Nil(t, r)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.Len(t, s.sent, 1)
}

func TestErrorsSurviveAStore(t *testing.T) {
	e := provider.Error{
		Kind: provider.ErrRateLimited, Provider: "stub", Account: "main", Op: "send", Outcome: provider.OutcomeNotSent, Status: 429, Code: "c", Message: "m",
		RequestID: "r", RetryAfter: 1500 * time.Millisecond, Field: "f", Feature: feature.MessageCc,
	}
	data, err := json.Marshal(&e)
	require.NoError(t, err)
	var got provider.Error
	require.NoError(t, json.Unmarshal(data, &got))
	assert.Equal(t, e, got)
	assert.ErrorIs(t, &got, provider.ErrRateLimited)
	assert.Error(t, json.Unmarshal([]byte(`[]`), &got))
}

// A process that dies while it sends the rest leaves that rest in doubt.
func TestGuardDiesOverTheRest(t *testing.T) {
	first := true
	s := &stub{reply: func(m *provider.Message) (*provider.Receipt, error) {
		if first && m.To[0].Email == "b@example.com" {
			return nil, refused
		}
		return m.Receipt("id", provider.StateAccepted), nil
	}}
	store := &mapStore{entries: map[string][]byte{}}
	c := keyless(t, s, store)
	m := keyed("k")
	m.To = append(m.To, provider.Address{Email: "b@example.com"})
	_, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrInvalid)
	first, store.dies = false, true
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	r, err := c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, provider.StateAccepted, r.Recipients[0].State)
	assert.Equal(t, provider.RecipientResult{Email: "b@example.com", State: provider.StateUnknown}, r.Recipients[1])
	assert.Len(t, s.sent, 3)
}
