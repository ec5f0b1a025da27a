// Package fastpath holds the code that exists for speed alone, with a switch for
// each piece.
package fastpath

import "sync/atomic"

// Piece is one piece of the fast path.
type Piece struct{ disabled atomic.Bool }

func (p *Piece) Off() bool { return p.disabled.Load() }

// The pieces.
var (
	Words  Piece
	JSON   Piece
	Pages  Piece
	Memory Piece
)
