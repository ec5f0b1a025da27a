package adapterkit

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Place is where a listing stands. It is in the cursor that a caller keeps between two
// pages, so that a server which ignores where a page starts is noticed then too.
type Place struct {
	At    int64 // the next page: the rows before it, or its number
	First int64 // sum of the first row of the page before
	Mark  int64 // sum of the first row of an earlier page
	Seen  int64 // pages before
	Size  int64 // rows of a page, where it is not the usual number
	Rows  int64 // before a numbered page; 0 when that is not known
}

// mostPlace bounds the numbers of a cursor, so that adding to them stays exact.
const (
	mostPlace = 1 << 53
	mostSize  = 1 << 20 // of a page
)

// ParsePlace reads a cursor that Place.String has written, or a number of least or more
// alone.
func ParsePlace(cursor string, least int64) (Place, error) {
	var p Place
	fields := p.fields()
	for i, text := range strings.Split(cursor, "/") {
		if i == len(fields) {
			return Place{}, BadCursor()
		}
		n, err := strconv.ParseInt(text, 10, 64)
		sum := i == 1 || i == 2
		if err != nil || n < 0 || n > mostPlace && !sum || i == 4 && n > mostSize {
			return Place{}, BadCursor()
		}
		*fields[i] = n
	}
	if p.At < least || p.String() != cursor {
		return Place{}, BadCursor()
	}
	return p, nil
}

func (p *Place) fields() [6]*int64 {
	return [...]*int64{&p.At, &p.First, &p.Mark, &p.Seen, &p.Size, &p.Rows}
}

// String returns the cursor of the place, without the zeros at its end.
func (p Place) String() string {
	var b []byte
	for i, end := range p.fields() {
		if i > 0 {
			b = append(b, '/')
		}
		b = strconv.AppendInt(b, *end, 10)
	}
	for {
		short, ok := strings.CutSuffix(string(b), "/0")
		if !ok {
			return short
		}
		b = b[:len(short)]
	}
}

// SumOf returns a number that tells one row from another, 0 for no name.
func SumOf(name string) int64 {
	if name == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum64()>>1) | 1 // never 0
}

// BadCursor is the error for a text that is no cursor of a page.
func BadCursor() error { return provider.Invalid("cursor", "expected the cursor of a page") }
