package adapterkit

import (
	"strings"

	"github.com/postmux/postmux/provider"
)

// judged is the month in which all tables were last held against the sources.
const judged = "2026-11"

// Unproved marks a cell that rests on other programs, or on the age of the dialect, and
// on no document of the vendor.
func Unproved(s provider.Support) provider.Support {
	s.Basis = "unproved"
	return s
}

// Cell builds a cell of a capability table that rests on the vendor's documents:
// its level, then optional limit and note.
func Cell(level provider.Level, limitAndNote ...string) provider.Support {
	s := provider.Support{Level: level, Basis: "document", Checked: "fake", Judged: judged}
	if len(limitAndNote) > 0 {
		s.Limit = limitAndNote[0]
	}
	if len(limitAndNote) > 1 {
		s.Note = strings.Join(limitAndNote[1:], "; ")
	}
	return s
}
