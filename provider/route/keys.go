package route

import (
	"context"
	"sync"
	"time"
)

const (
	keyMemory = time.Hour // longer than any provider's own window
	mostKeys  = 100_000
)

// keyTable remembers the member that may have sent under an idempotency key, so
// that a repeat goes to no other. The zero value is ready to use.
type keyTable struct {
	mu    sync.Mutex
	byKey map[string]*keyEntry
	queue []keyAge // settled entries, oldest first; outdated ones are skipped
}

type keyEntry struct {
	busy   chan struct{} // closed when the running send ends; nil when none runs
	member *member       // nil until a send may have gone out
	at     time.Time
}

type keyAge struct {
	key string
	at  time.Time
}

// acquire waits until no other send with this key runs, and reserves the key. It
// returns the member that may have sent under it before, if any.
func (t *keyTable) acquire(ctx context.Context, key string) (*member, error) {
	for {
		t.mu.Lock()
		t.sweep(time.Now())
		if t.byKey == nil {
			t.byKey = make(map[string]*keyEntry)
		}
		e := t.byKey[key]
		if e == nil {
			e = new(keyEntry)
			t.byKey[key] = e
		}
		busy := e.busy
		if busy == nil {
			e.busy = make(chan struct{})
			t.mu.Unlock()
			return e.member, nil
		}
		t.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// release ends a send. m is the member that may have sent; nil means that it is
// proved that none did.
func (t *keyTable) release(key string, m *member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[key]
	close(e.busy)
	e.busy = nil
	if m == nil {
		delete(t.byKey, key)
		return
	}
	e.member, e.at = m, time.Now()
	t.queue = append(t.queue, keyAge{key, e.at})
}

// sweep removes entries that are too old or too many.
func (t *keyTable) sweep(now time.Time) {
	for len(t.queue) > 0 && (now.Sub(t.queue[0].at) > keyMemory || len(t.queue) > mostKeys) {
		old := t.queue[0]
		t.queue = t.queue[1:]
		if e := t.byKey[old.key]; e != nil && e.busy == nil && e.at.Equal(old.at) {
			delete(t.byKey, old.key)
		}
	}
}
