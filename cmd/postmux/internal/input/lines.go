package input

import (
	"io"

	"github.com/postmux/postmux/internal/lines"
)

// Lines reads lines one by one.
type Lines = lines.Reader

// NewLines returns the lines of r, of at most MessageMost bytes each: more than any
// provider takes as a mail.
func NewLines(r io.Reader) *Lines { return lines.New(r, MessageMost) }
