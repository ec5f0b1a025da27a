package fastpath

import "sync"

// bodies pools the memory of request bodies. Without it, each mail grows memory of its
// own step by step, and the collector has it all to clear.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// MaxKept is the largest memory that goes back to the pool, in bytes: one large
// attachment must not hold its memory for ever.
const MaxKept = 256 << 10

// Take returns empty memory for a body, which is the caller's until it is given back.
func Take() *[]byte {
	if Memory.Off() {
		return new([]byte)
	}
	return bodies.Get().(*[]byte)
}

// GiveBack takes memory of which nobody holds a part any more.
func GiveBack(b *[]byte) {
	if cap(*b) > MaxKept || Memory.Off() {
		return
	}
	*b = (*b)[:0]
	bodies.Put(b)
}
