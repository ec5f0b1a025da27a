// Package guard implements a duplicate guard for a single process; see
// provider.WithDuplicateGuard.
//
//	client, err := brevo.New(key, provider.WithDuplicateGuard(guard.NewMemory(0, 0)))
package guard

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// ErrFull is the error of a Memory with the maximum number of keys. It forgets no
// key to make room, because a mail could then be sent twice.
var ErrFull = errors.New("the duplicate guard is full")

// The defaults of NewMemory.
const (
	defaultEntries  = 100_000
	defaultLifetime = 24 * time.Hour
)

// Memory is a provider.GuardStore in the memory of one process. A restart forgets
// all keys.
type Memory struct {
	entries  int
	lifetime time.Duration

	mu    sync.Mutex
	byKey map[string]*memoryEntry
	ended *list.List // of *memoryEntry that have ended, by the time of their end
}

type memoryEntry struct {
	provider.GuardEntry
	key     string
	running chan struct{} // closed at the end of the send; nil when none runs
	expires time.Time
	place   *list.Element // in ended; nil while the send runs
}

// NewMemory returns a store that remembers a key for lifetime from the end of its
// send, and at most entries keys at a time. When it is full, sends under new keys
// are refused until old keys have expired: choose entries for all keys of a
// lifetime, about a kilobyte each. Zero means 100 000 entries and 24 hours.
func NewMemory(entries int, lifetime time.Duration) *Memory {
	if entries <= 0 {
		entries = defaultEntries
	}
	if lifetime <= 0 {
		lifetime = defaultLifetime
	}
	return &Memory{
		entries: entries, lifetime: lifetime, byKey: make(map[string]*memoryEntry),
		ended: list.New(),
	}
}

// Begin implements provider.GuardStore.
func (g *Memory) Begin(ctx context.Context, key, digest string) (provider.GuardEntry, bool, error) {
	for {
		e, claimed, running, err := g.begin(key, digest)
		if err != nil || running == nil {
			return e, claimed, err
		}
		select {
		case <-running:
		case <-ctx.Done():
			return provider.GuardEntry{}, false, ctx.Err()
		}
	}
}

// begin is Begin without waiting; running, if not nil, is closed at the end of the
// running send.
func (g *Memory) begin(key, digest string) (before provider.GuardEntry, claimed bool, running chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.expire(now)
	x, ok := g.byKey[key]
	switch {
	case !ok && len(g.byKey) >= g.entries:
		return provider.GuardEntry{}, false, nil, ErrFull
	case !ok:
		x = &memoryEntry{key: key}
		g.byKey[key] = x
	case x.Digest != digest:
		return x.copy(), false, nil, nil
	case x.running != nil:
		return provider.GuardEntry{}, false, x.running, nil
	case x.Status != provider.StatePartlyAccepted:
		return x.copy(), false, nil, nil
	}
	before = x.copy()
	if x.place != nil {
		g.ended.Remove(x.place)
		x.place = nil
	}
	x.Digest, x.Status, x.At, x.running = digest, provider.StateBegun, now, make(chan struct{})
	return before, true, nil, nil
}

// Finish implements provider.GuardStore.
func (g *Memory) Finish(_ context.Context, key string, e provider.GuardEntry) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.expire(now)
	x, ok := g.byKey[key]
	if !ok || x.Status == provider.StateAccepted && x.running == nil {
		return nil
	}
	if x.running != nil {
		close(x.running)
		x.running = nil
	}
	if x.place != nil {
		g.ended.Remove(x.place)
		x.place = nil
	}
	if e.Status == provider.StateRefused {
		delete(g.byKey, key)
		return nil
	}
	x.Status, x.Receipt = e.Status, e.Receipt.Clone()
	x.expires = now.Add(g.lifetime)
	x.place = g.ended.PushBack(x)
	return nil
}

// Len returns the number of keys that are remembered now.
func (g *Memory) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire(time.Now())
	return len(g.byKey)
}

// expire forgets keys older than the lifetime, except of running sends.
func (g *Memory) expire(now time.Time) {
	for first := g.ended.Front(); first != nil; first = g.ended.Front() {
		x, ok := first.Value.(*memoryEntry)
		if ok && x.expires.After(now) {
			return
		}
		g.ended.Remove(first)
		if ok {
			delete(g.byKey, x.key)
		}
	}
}

// copy returns a copy of the entry for callers.
func (x *memoryEntry) copy() provider.GuardEntry {
	e := x.GuardEntry
	e.Receipt = e.Receipt.Clone()
	return e
}
