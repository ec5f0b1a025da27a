// Package memory implements a provider that keeps mail and contacts in memory, for
// the unit tests of applications. It has every feature.
//
//	store := memory.NewStore()
//	client, err := store.Client()
//	… client.Send(ctx, message) …
//	store.Messages() // what was sent
//
// It imitates no vendor; package sandbox does, with the vendors' protocols.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// Driver returns a driver whose accounts share one new Store.
func Driver() provider.Driver { return NewStore().Driver() }

// Store holds the mails that were sent and the contacts. It is safe for concurrent
// use.
type Store struct {
	mu         sync.Mutex
	messages   []Sent
	byKey      map[string]int // idempotency key -> index of messages
	contacts   map[string]*contact
	lists      map[string]string // id -> name
	suppressed map[string]provider.Suppression
	next       error
}

// Sent is a mail that was accepted.
type Sent struct {
	ID      string
	Message *provider.Message
	// Withdrawn reports that Client.Cancel withdrew the mail before its send time.
	Withdrawn bool
	at        time.Time // when it was accepted
}

type contact struct {
	provider.Contact
	lists map[string]provider.MembershipStatus
}

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{
		byKey: map[string]int{}, contacts: map[string]*contact{}, lists: map[string]string{},
		suppressed: map[string]provider.Suppression{},
	}
}

// Driver returns a driver whose accounts use this Store, for configurations.
func (s *Store) Driver() provider.Driver {
	return s.driver().Driver()
}

type config struct{ provider.AccountSettings }

func (s *Store) driver() provider.DriverOf[config] {
	return provider.DriverOf[config]{
		Name:         "memory",
		Capabilities: func(config) provider.Capabilities { return capabilities() },
		Open: func(context.Context, config, provider.DriverEnv) (provider.Adapter, error) {
			return &adapter{s}, nil
		},
	}
}

// Client opens an account on this Store.
func (s *Store) Client(opts ...provider.Option) (*provider.Client, error) {
	return s.driver().Client(config{}, opts...)
}

// Messages returns the accepted mails in order. The messages are copies.
func (s *Store) Messages() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Sent, len(s.messages))
	for i, m := range s.messages {
		m.Message = m.Message.Clone()
		out[i] = m
	}
	return out
}

// AddList makes a list that contacts can be put on.
func (s *Store) AddList(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[id] = name
}

// FailNext makes the next operation fail with err, usually a *provider.Error.
func (s *Store) FailNext(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = err
}

// enter locks the store, which the caller then unlocks. With the planned failure
// or an ended context it returns the error and leaves the store unlocked.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.next
	if s.next = nil; err != nil {
		s.mu.Unlock()
	}
	return err
}

func capabilities() provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range provider.Features() {
		out[f] = provider.Support{Level: provider.LevelNative, Basis: "document", Checked: "fake"}
	}
	return out
}

type adapter struct{ *Store }

func (a *adapter) Capabilities() provider.Capabilities { return capabilities() }

func (a *adapter) Native() any { return a.Store }

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	if i, seen := a.byKey[m.IdempotencyKey]; seen && m.IdempotencyKey != "" {
		r := m.Receipt(a.messages[i].ID, provider.StateAccepted)
		r.IdempotencyKey = m.IdempotencyKey
		r.Notes = []provider.Note{
			{
				Field: "idempotency_key", Action: provider.NoteWarning,
				Why: "a mail with this key was accepted before",
			},
		}
		return r, nil
	}
	id := fmt.Sprintf("memory-%d", len(a.messages)+1)
	if m.IdempotencyKey != "" {
		a.byKey[m.IdempotencyKey] = len(a.messages)
	}
	a.messages = append(a.messages, Sent{ID: id, Message: m.Clone(), at: now()})
	r := m.Accepted(id)
	r.IdempotencyKey = m.IdempotencyKey
	return r, nil
}

func (a *adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	for _, m := range a.messages {
		if m.ID != r.MessageID || m.Withdrawn {
			continue
		}
		if m.Message.SendAt.After(time.Now()) {
			return m.Message.Receipt(m.ID, provider.StateScheduled), nil
		}
		return m.Message.Receipt(m.ID, provider.StateDelivered), nil
	}
	return nil, notFound("no such message")
}

func (a *adapter) Check(ctx context.Context) (*provider.Health, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	used := float64(len(a.messages))
	return &provider.Health{
		Login: "memory", Senders: []provider.Sender{{Email: "any@example.com", Verified: true}},
		Quotas: []provider.Quota{{Name: "messages", Unit: "mails", Used: &used}},
	}, nil
}

func notFound(message string) error {
	return &provider.Error{
		Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404, Message: message,
	}
}

func key(email string) string { return strings.ToLower(email) }

// portable returns the contact for callers; it shares nothing with the store.
func (s *Store) portable(c *contact) provider.Contact {
	out := c.Contact
	out.Fields = maps.Clone(c.Fields)
	out.Suppressed = append([]provider.Suppression{}, c.Suppressed...)
	if entry, ok := s.suppressed[key(c.Email)]; ok {
		entry.Email, entry.At = "", time.Time{}
		out.Suppressed = append(out.Suppressed, entry)
	}
	out.Memberships = nil
	for _, id := range slices.Sorted(maps.Keys(c.lists)) {
		out.Memberships = append(out.Memberships, provider.Membership{
			List: id, Status: c.lists[id],
		})
	}
	return out
}

// now returns the time in whole seconds, the usual resolution of vendors.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
