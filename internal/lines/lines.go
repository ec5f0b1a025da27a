// Package lines reads text line by line, however long it is, with a bound for one line.
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/postmux/postmux/provider"
)

// ByteOrderMark may stand before the text of a file.
var ByteOrderMark = []byte("\ufeff")

// Reader reads lines one by one. Blank ones are skipped, and the ends cut of blanks.
type Reader struct {
	r    *bufio.Reader
	line int // the line read last, from 1
	most int
	buf  []byte
}

// New returns the lines of r, of at most that many bytes each.
func New(r io.Reader, most int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), most: most}
}

// Number returns the number of the line that was read last, from 1; 0 before the first.
func (l *Reader) Number() int { return l.line }

// Next returns the next line, valid until the call after; io.EOF at the end.
func (l *Reader) Next() ([]byte, error) {
	for {
		l.line++
		l.buf = l.buf[:0]
		var err error
		for {
			var part []byte
			part, err = l.r.ReadSlice('\n')
			l.buf = append(l.buf, part...)
			if len(l.buf) > l.most {
				return nil, provider.Invalid("", "line %d: longer than %d MiB", l.line, l.most>>20)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		line := l.buf
		if l.line == 1 {
			line = bytes.TrimPrefix(line, ByteOrderMark)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
