package sandbox

import (
	"slices"
	"time"
)

// What a Server keeps of the past. The oldest go first; the newest one is kept whatever
// its size. Contacts, lists and what was seeded are not of the past: they stay.
const (
	// MaxKept is the number of requests that are kept, and of the mails of each provider.
	MaxKept = 100_000
	// MaxKeptBytes is the size of the requests that are kept, and of the mails of each
	// provider, in bytes.
	MaxKeptBytes = 64 << 20
)

// maxViolations is the number of violations that are kept, the first ones: the others
// mostly say the same again.
const maxViolations = 10_000

// maxPast is what is kept of the newest violations for the page and the control API.
var maxPast = bound{items: 1000, bytes: 8 << 20}

// past is a violation that the page and the control API show, told by Violations or not.
type past struct {
	Violation
	At time.Time `json:"at"` // by the clock of the sandbox
}

// bound is how much is kept.
type bound struct{ items, bytes int }

// kept holds the newest items within a bound.
type kept[T any] struct {
	items   []T // oldest first
	sizes   []int
	bytes   int
	dropped int // to keep within the bound
	removed int // on demand
}

// add appends an item of the size, and drops and returns the oldest ones that are too many.
func (k *kept[T]) add(item T, size int, b bound) (gone []T) {
	k.items, k.sizes = append(k.items, item), append(k.sizes, size)
	k.bytes += size
	n := 0
	for n < len(k.items)-1 && (len(k.items)-n > b.items || k.bytes > b.bytes) {
		k.bytes -= k.sizes[n]
		n++
	}
	if n > 0 {
		gone = slices.Clone(k.items[:n])
		clear(k.items[:n]) // the array below may live on
		k.items, k.sizes = k.items[n:], k.sizes[n:]
		k.dropped += n
	}
	return gone
}

// remove takes out the items that which accepts and returns them.
func (k *kept[T]) remove(which func(T) bool) (gone []T) {
	var items []T
	var sizes []int
	for i, item := range k.items {
		if which(item) {
			gone = append(gone, item)
			k.bytes -= k.sizes[i]
			continue
		}
		items, sizes = append(items, item), append(sizes, k.sizes[i])
	}
	k.items, k.sizes = items, sizes
	k.removed += len(gone)
	return gone
}

// came is the number of all items that were added.
func (k *kept[T]) came() int { return len(k.items) + k.dropped + k.removed }

// Dropped returns how many requests and mails are no longer kept, since the start or the
// last Reset, because more came than MaxKept and MaxKeptBytes allow. A mail that was
// dropped is not found by the look-ups of its fake.
func (s *Server) Dropped() (requests, mails int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.states {
		mails += st.store.mails.dropped
	}
	return s.requests.dropped, mails
}

// overhead stands for what an item takes beside its texts.
const overhead = 1 << 10

func (r *Request) size() int {
	n := overhead + len(r.Body)
	for _, f := range r.Fields {
		n += len(f.Value)
	}
	return n
}

// content is the size of the parts of a mail.
func (m *Mail) content() int {
	n := len(m.Subject) + len(m.HTML) + len(m.Text)
	for _, a := range m.Attachments {
		n += len(a.Content)
	}
	return n
}

// sameBody reports whether a and b are one and the same body of a request.
func sameBody(a, b []byte) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }
