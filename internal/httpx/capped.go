package httpx

import (
	"bytes"
	"errors"
	"io"

	"github.com/postmux/postmux/internal/outcome"
)

// Answers are read in chunks that are joined at the end: a buffer that doubles
// costs three times the cap when a hostile answer does not end. Most answers are
// short or state their length, so that they fit into the first chunk.
const (
	firstChunk   = 512
	largestChunk = 256 << 10
	trusted      = 1 << 20 // the longest length for which memory is taken before it comes
)

// readCapped reads r up to limit bytes. length is the length by the header, -1 when
// it states none; it is only a hint. With an error of r it returns what came before
// the error, with outcome.ErrTooLarge the first limit bytes or less.
func readCapped(r io.Reader, limit int, length int64) ([]byte, error) {
	var full [][]byte
	size := firstChunk
	if length >= 0 {
		size = int(min(length, trusted)) + 1 // one more, to see the end without another chunk
	}
	buf, total := make([]byte, 0, size), 0
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		total += n
		switch {
		case total > limit:
			return prefix(full, buf, limit), outcome.ErrTooLarge
		case errors.Is(err, io.EOF):
			return joined(full, buf), nil
		case err != nil:
			return joined(full, buf), err
		}
		if len(buf) == cap(buf) {
			full = append(full, buf)
			size = min(8*size, largestChunk)
			buf = make([]byte, 0, size)
		}
	}
}

func joined(full [][]byte, last []byte) []byte {
	if len(full) == 0 {
		return last
	}
	return bytes.Join(append(full, last), nil)
}

// prefix returns the beginning of an answer that is too large. A part is enough:
// only errors are looked at.
func prefix(full [][]byte, last []byte, limit int) []byte {
	if len(full) == 0 {
		return last[:min(len(last), limit)]
	}
	return full[0]
}
