// Package guard implements a duplicate guard for a single process; see
// provider.WithDuplicateGuard.
//
//	client, err := brevo.New(key, provider.WithDuplicateGuard(guard.NewMemory(0, 0), "shop"))
package guard

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// The defaults of NewMemory.
const (
	defaultAccepted = 100_000
	defaultLifetime = 24 * time.Hour
)

// Memory is a provider.GuardStore in the memory of one process. A restart forgets
// all keys.
type Memory struct {
	accepted int
	lifetime time.Duration

	mu    sync.Mutex
	byKey map[string]*memoryEntry
	// Ended sends, by the time of their end: accepted ones, which may be forgotten to
	// make room, and those in doubt, which may not.
	done, doubtful *list.List // of *memoryEntry
}

type memoryEntry struct {
	provider.GuardEntry
	key     string
	running chan struct{} // closed at the end of the send; nil when none runs
	expires time.Time
	list    *list.List    // that it is in; nil while the send runs
	place   *list.Element // in list
}

// NewMemory returns a store that remembers a key for lifetime from the end of its
// send. It refuses no send: when there are more than accepted keys of accepted mail,
// it forgets the oldest of them, so choose accepted for all keys of a lifetime, about
// a kilobyte each. Keys in doubt (running, unknown, partly accepted) are kept for
// lifetime in any case, whatever their number. Zero means 100 000 keys and 24 hours.
func NewMemory(accepted int, lifetime time.Duration) *Memory {
	if accepted <= 0 {
		accepted = defaultAccepted
	}
	if lifetime <= 0 {
		lifetime = defaultLifetime
	}
	return &Memory{
		accepted: accepted, lifetime: lifetime, byKey: make(map[string]*memoryEntry),
		done: list.New(), doubtful: list.New(),
	}
}

// Begin implements provider.GuardStore.
func (g *Memory) Begin(
	ctx context.Context, key string, by provider.GuardEntry,
) (provider.GuardEntry, bool, error) {
	for {
		before, claimed, running := g.begin(key, by)
		if running == nil {
			return before, claimed, nil
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
func (g *Memory) begin(
	key string, by provider.GuardEntry,
) (before provider.GuardEntry, claimed bool, running chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire(time.Now())
	x, ok := g.byKey[key]
	if !ok {
		x = &memoryEntry{key: key}
	}
	if x.running != nil && x.Digest == by.Digest {
		return before, false, x.running
	}
	before = x.GuardEntry
	before.Receipt = before.Receipt.Clone()
	begun, ok := x.Claim(by)
	if !ok {
		return before, false, nil
	}
	x.leave()
	g.byKey[key] = x
	x.GuardEntry, x.running = begun, make(chan struct{})
	return before, true, nil
}

// Finish implements provider.GuardStore.
func (g *Memory) Finish(_ context.Context, key string, end provider.GuardEntry) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.expire(now)
	x, ok := g.byKey[key]
	if !ok {
		return nil
	}
	next, keep := x.Finish(end)
	if keep && next.Status == provider.StateBegun { // the result is another message's
		return nil
	}
	if x.running != nil {
		close(x.running)
		x.running = nil
	}
	if !keep {
		g.forget(x)
		return nil
	}
	if x.list != nil && x.Status == provider.StateAccepted {
		return nil
	}
	x.leave()
	x.GuardEntry, x.expires = next, now.Add(g.lifetime)
	x.Receipt = x.Receipt.Clone()
	if x.list = g.doubtful; x.Status == provider.StateAccepted {
		x.list = g.done
	}
	x.place = x.list.PushBack(x)
	for g.done.Len() > g.accepted {
		g.forget(first(g.done))
	}
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
	for _, ended := range []*list.List{g.done, g.doubtful} {
		for x := first(ended); x != nil && !x.expires.After(now); x = first(ended) {
			g.forget(x)
		}
	}
}

func (g *Memory) forget(x *memoryEntry) {
	x.leave()
	delete(g.byKey, x.key)
}

// leave takes x out of its list.
func (x *memoryEntry) leave() {
	if x.list != nil {
		x.list.Remove(x.place)
		x.list, x.place = nil, nil
	}
}

// first is the entry whose send ended first, nil in an empty list.
func first(ended *list.List) *memoryEntry {
	if front := ended.Front(); front != nil {
		x, _ := front.Value.(*memoryEntry)
		return x
	}
	return nil
}
