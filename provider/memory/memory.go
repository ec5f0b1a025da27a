// Package memory implements a provider that keeps mail and contacts in memory, for
// the unit tests of applications.
//
//	store := memory.NewStore()
//	client, err := store.Client()
//	… client.Send(ctx, message) …
//	store.Messages()   // what was sent
//	store.Wait(ctx, 1) // the same, once one was sent
//	store.Emit(ctx, events.Event{Kind: events.KindBounced, …}) // what became of it
//
// A Store of NewStore has every feature, but for webhooks that are registered: Emit calls the
// program's sink. One of Like, or of all.Memory by a vendor's name,
// takes and refuses what the vendor's adapter does before its first request: features,
// limits, rules for addresses. What a vendor answers is not imitated; package sandbox does
// that, with the vendors' protocols.
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
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
)

// Driver returns a driver whose accounts share one new Store.
func Driver() provider.Driver { return NewStore().Driver() }

// Store holds the mails that were sent and the contacts. It is safe for concurrent
// use.
type Store struct {
	name     string                 // of the provider
	caps     provider.Capabilities  // that it has
	settings provider.AccountConfig // of Client
	vendor   *provider.Client       // a dry run of a vendor's adapter, or nil

	mu         sync.Mutex
	messages   []Sent
	accepted   chan struct{}  // closed and replaced when a mail is accepted
	byKey      map[string]int // idempotency key -> index of messages
	contacts   map[string]*contact
	lists      map[string]string // id -> name
	templates  map[string]string // id -> alias
	fields     map[string]string // id -> alias
	suppressed map[string]provider.Suppression
	next       error
	sinks      []events.Sink
	events     []events.Event // of Emit, by the order in which they were made
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

// NewStore returns an empty Store with every feature.
func NewStore() *Store {
	return newStore("memory", everything(), provider.AccountConfig{})
}

func newStore(name string, caps provider.Capabilities, settings provider.AccountConfig) *Store {
	return &Store{
		name: name, caps: caps, settings: settings, accepted: make(chan struct{}),
		byKey: map[string]int{}, contacts: map[string]*contact{}, lists: map[string]string{},
		templates: map[string]string{}, fields: map[string]string{},
		suppressed: map[string]provider.Suppression{},
	}
}

// Driver returns a driver whose accounts use this Store, for configurations. Its name is
// "memory", or the vendor's. Accounts have the common settings only.
func (s *Store) Driver() provider.Driver {
	return s.driver().Driver()
}

type config struct{ provider.AccountSettings }

func (s *Store) driver() provider.DriverOf[config] {
	return provider.DriverOf[config]{
		Name:         s.name,
		Capabilities: func(config) provider.Capabilities { return s.caps },
		Open: func(_ context.Context, c config, _ provider.DriverEnv) (provider.Adapter, error) {
			return &adapter{s, c.From}, nil
		},
	}
}

// Client opens an account on this Store. Its sender is that of Like's settings, else
// Shop <shop@example.com>; provider.WithFrom names another. Its aliases are the names of
// AddList, AddTemplate and AddField, as far as they were called before.
func (s *Store) Client(opts ...provider.Option) (*provider.Client, error) {
	account := s.settings.With("provider", s.name)
	if _, ok := account["from"]; !ok {
		account["from"] = provider.Address{Email: "shop@example.com", Name: "Shop"}
	}
	cfg := provider.Config{Providers: map[string]provider.AccountConfig{s.name: account}}
	s.mu.Lock()
	cfg.Aliases.Lists = s.aliases(s.lists)
	cfg.Aliases.Templates = s.aliases(s.templates)
	cfg.Aliases.Fields = s.aliases(s.fields)
	s.mu.Unlock()
	return provider.Registry{s.Driver()}.Open(context.Background(), cfg, opts...)
}

// aliases returns the names of ids in the form of a configuration.
func (s *Store) aliases(names map[string]string) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for id, name := range names {
		if name != "" {
			out[name] = map[string]string{s.name: id}
		}
	}
	return out
}

// Messages returns the accepted mails in order. The messages are copies.
func (s *Store) Messages() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copies()
}

// copies returns the accepted mails; the lock is held.
func (s *Store) copies() []Sent {
	out := make([]Sent, len(s.messages))
	for i, m := range s.messages {
		m.Message = m.Message.Clone()
		out[i] = m
	}
	return out
}

// Wait waits until n mails in all were accepted, and returns those that were. The error is
// that of ctx, when it ends before.
func (s *Store) Wait(ctx context.Context, n int) ([]Sent, error) {
	for {
		s.mu.Lock()
		sent, accepted := s.copies(), s.accepted
		s.mu.Unlock()
		if len(sent) >= n {
			return sent, nil
		}
		select {
		case <-accepted:
		case <-ctx.Done():
			return sent, fmt.Errorf("memory: %d of %d mails were sent: %w", len(sent), n, context.Cause(ctx))
		}
	}
}

// AddList makes a list that contacts can be put on. The name is its alias too.
func (s *Store) AddList(id, name string) { s.add(s.lists, id, name) }

// AddTemplate gives the template with this id an alias.
func (s *Store) AddTemplate(id, alias string) { s.add(s.templates, id, alias) }

// AddField gives the field of contacts with this id an alias.
func (s *Store) AddField(id, alias string) { s.add(s.fields, id, alias) }

func (s *Store) add(names map[string]string, id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names[id] = name
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

// everything is the table of a provider that has every feature. Webhooks are the sinks of
// OnEvents: there is nothing to register, and no secret.
func everything() provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range provider.Features() {
		out[f] = provider.Support{Level: provider.LevelNative, Basis: "document", Checked: "fake"}
	}
	for _, f := range []provider.Feature{feature.EventsWebhookHeader, feature.EventsWebhookRegister} {
		out[f] = provider.Support{Level: provider.LevelNone, Basis: "document", Checked: "fake"}
	}
	return out
}

type adapter struct {
	*Store
	from provider.Address // of the account
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }

func (a *adapter) Native() any { return a.Store }

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if err := a.asVendor(func(c *provider.Client) error { _, err := c.Send(ctx, m); return err }); err != nil {
		return nil, err
	}
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
	close(a.accepted)
	a.accepted = make(chan struct{})
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
		return a.status(&m), nil
	}
	return nil, notFound("no such message")
}

func (a *adapter) Check(ctx context.Context) (*provider.Health, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	used := float64(len(a.messages))
	var senders []provider.Sender
	if a.from.Email != "" {
		senders = []provider.Sender{{Email: a.from.Email, Name: a.from.Name, Verified: true}}
	}
	return &provider.Health{
		Login: a.name, Senders: senders,
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
