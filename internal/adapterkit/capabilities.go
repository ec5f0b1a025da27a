package adapterkit

import (
	"strings"

	"github.com/postmux/postmux/provider"
)

// Cell builds a cell of a capability table that rests on the vendor's documents:
// its level, then optional limit and note.
func Cell(level provider.Level, limitAndNote ...string) provider.Support {
	s := provider.Support{Level: level, Basis: "document", Checked: "fake"}
	if len(limitAndNote) > 0 {
		s.Limit = limitAndNote[0]
	}
	if len(limitAndNote) > 1 {
		s.Note = strings.Join(limitAndNote[1:], "; ")
	}
	return s
}
