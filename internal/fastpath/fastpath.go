// Package fastpath holds the code that exists for speed alone. Each piece gives the
// same bytes or values as the standard library, has a benchmark here, and a switch
// that hands its work to the standard library.
package fastpath

import "sync/atomic"

// Piece is a part of the fast path.
type Piece struct {
	Name  string
	Files []string // in which it is written, from the root of the module
	off   atomic.Bool
}

// Off reports whether the standard library does the work of p.
func (p *Piece) Off() bool { return p.off.Load() }

// Turn turns p off or on for the whole process. Only tests and benchmarks call it.
func (p *Piece) Turn(off bool) { p.off.Store(off) }

// The pieces.
var (
	Words  = &Piece{Name: "texts, eight bytes at a time", Files: []string{"internal/fastpath/scan.go"}}
	JSON   = &Piece{Name: "JSON of bodies", Files: []string{"internal/fastpath/json.go"}}
	Pages  = &Piece{Name: "pages of contacts", Files: []string{"internal/fastpath/reader.go", "internal/sendinblue/page.go"}}
	Memory = &Piece{Name: "memory of bodies, used again", Files: []string{"internal/fastpath/memory.go"}}
	Direct = &Piece{Name: "transport called directly", Files: []string{"internal/fastpath/send.go"}}
)

// Pieces returns all pieces.
func Pieces() []*Piece { return []*Piece{Words, JSON, Pages, Memory, Direct} }
