package route

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

const (
	keyMemory = time.Hour // longer than any provider's own window
	mostKeys  = 100_000   // of either kind
	keyField  = "idempotency_key"
)

// keyTable remembers the member that may have sent under an idempotency key, so
// that a repeat goes to no other. Keys of finished mail are forgotten first, oldest
// first; no key in doubt is forgotten before its time, so a table full of those takes
// no new key. The zero value is ready to use.
type keyTable struct {
	mu    sync.Mutex
	byKey map[string]*keyEntry
	// Ended sends, oldest first; entries that have changed since are skipped.
	finished, doubtful []keyAge
	inDoubt            int // entries in doubt
}

type keyEntry struct {
	busy   chan struct{} // closed when the running send ends; nil when none runs
	member *member       // nil until a send may have gone out
	at     time.Time
	doubt  bool
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
		if e == nil && t.inDoubt >= mostKeys {
			t.mu.Unlock()
			return nil, &provider.Error{
				Kind: provider.ErrUnavailable, Outcome: provider.OutcomeNotSent, Field: keyField,
				Message: fmt.Sprintf("the outcome of %d keys of the last hour is unknown; no further ones can be remembered", mostKeys),
			}
		}
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
// proved that none did. doubt means that it is not known whether it did.
func (t *keyTable) release(key string, m *member, doubt bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[key]
	close(e.busy)
	e.busy = nil
	finished := e.member != nil && !e.doubt
	if e.doubt {
		t.inDoubt--
	}
	if m == nil {
		delete(t.byKey, key)
		return
	}
	doubt = doubt && !finished // no repeat puts what was accepted in doubt
	e.member, e.at, e.doubt = m, time.Now(), doubt
	if doubt {
		t.inDoubt++
		t.doubtful = append(t.doubtful, keyAge{key, e.at})
		return
	}
	t.finished = append(t.finished, keyAge{key, e.at})
}

// sweep removes entries that are too old, and finished ones that are too many.
func (t *keyTable) sweep(now time.Time) {
	for len(t.finished) > 0 && (now.Sub(t.finished[0].at) > keyMemory || len(t.finished) > mostKeys) {
		t.forget(t.finished[0], false)
		t.finished = t.finished[1:]
	}
	for len(t.doubtful) > 0 && now.Sub(t.doubtful[0].at) > keyMemory {
		t.forget(t.doubtful[0], true)
		t.doubtful = t.doubtful[1:]
	}
}

// forget removes the entry, unless it has changed since.
func (t *keyTable) forget(old keyAge, doubt bool) {
	e := t.byKey[old.key]
	if e == nil || e.busy != nil || e.doubt != doubt || !e.at.Equal(old.at) {
		return
	}
	if doubt {
		t.inDoubt--
	}
	delete(t.byKey, old.key)
}
