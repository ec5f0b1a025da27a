package provider

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrGuardFull is the error of a duplicate guard that remembers as many keys as
// it may. It forgets none to make room: that would be a mail sent twice.
var ErrGuardFull = errors.New("the duplicate guard is full")

// The limits of NewMemoryGuard when none are given.
const (
	guardEntries  = 100_000
	guardLifetime = 24 * time.Hour
)

// MemoryGuard is a GuardStore in the memory of one process. A restart forgets
// everything.
type MemoryGuard struct {
	entries  int
	lifetime time.Duration

	mu    sync.Mutex
	byKey map[string]*memoryEntry
	ended *list.List // of *memoryEntry that have ended, by the time of their end
}

type memoryEntry struct {
	GuardEntry
	key     string
	running chan struct{} // closed at the end of the send; nil when none runs
	expires time.Time
	place   *list.Element // in ended; nil while the send runs
}

// NewMemoryGuard returns a GuardStore that remembers a key for lifetime from
// the end of its send, and no more keys than entries at a time. When it is full,
// sends under new keys are refused with ErrGuardFull until old keys have
// expired, so entries should hold the keys of a lifetime: a receipt takes about
// a kilobyte. Zero means 100 000 entries, and 24 hours.
func NewMemoryGuard(entries int, lifetime time.Duration) *MemoryGuard {
	if entries <= 0 {
		entries = guardEntries
	}
	if lifetime <= 0 {
		lifetime = guardLifetime
	}
	return &MemoryGuard{entries: entries, lifetime: lifetime, byKey: make(map[string]*memoryEntry), ended: list.New()}
}

// Begin implements GuardStore.
func (g *MemoryGuard) Begin(ctx context.Context, key, digest string) (GuardEntry, bool, error) {
	for {
		e, claimed, running, err := g.begin(key, digest)
		if err != nil || running == nil {
			return e, claimed, err
		}
		select {
		case <-running:
		case <-ctx.Done():
			return GuardEntry{}, false, ctx.Err()
		}
	}
}

// begin is Begin but for waiting: running is the end to wait for.
func (g *MemoryGuard) begin(key, digest string) (before GuardEntry, claimed bool, running chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.expire(now)
	x, ok := g.byKey[key]
	switch {
	case !ok && len(g.byKey) >= g.entries:
		return GuardEntry{}, false, nil, ErrGuardFull
	case !ok:
		x = &memoryEntry{key: key}
		g.byKey[key] = x
	case x.Digest != digest:
		return x.copy(), false, nil, nil
	case x.running != nil:
		return GuardEntry{}, false, x.running, nil
	case x.Status != GuardPartly:
		return x.copy(), false, nil, nil
	}
	before = x.copy()
	if x.place != nil {
		g.ended.Remove(x.place)
		x.place = nil
	}
	x.Digest, x.Status, x.At, x.running = digest, GuardBegun, now, make(chan struct{})
	return before, true, nil, nil
}

// Finish implements GuardStore.
func (g *MemoryGuard) Finish(_ context.Context, key string, e GuardEntry) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.expire(now)
	x, ok := g.byKey[key]
	if !ok || x.Status == GuardAccepted && x.running == nil {
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
	if e.Status == GuardNotSent {
		delete(g.byKey, key)
		return nil
	}
	x.Status, x.Receipt = e.Status, e.Receipt.clone()
	x.expires = now.Add(g.lifetime)
	x.place = g.ended.PushBack(x)
	return nil
}

// Len is the number of keys that are remembered now.
func (g *MemoryGuard) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire(time.Now())
	return len(g.byKey)
}

// expire forgets what is older than the lifetime. A send that runs is not.
func (g *MemoryGuard) expire(now time.Time) {
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

// copy is the entry for others to keep.
func (x *memoryEntry) copy() GuardEntry {
	e := x.GuardEntry
	e.Receipt = e.Receipt.clone()
	return e
}
