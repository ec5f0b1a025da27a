package adapterkit

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// Place is where a listing stands: the offset or number of its next page, and a sum of
// the first row of the page before. The sum is there so that a server which ignores
// where a page starts does not make a listing without an end.
type Place struct{ At, First int64 }

// ParsePlace reads a cursor that Place.String has written, or the number alone. An empty
// cursor is the number least, below which none is valid.
func ParsePlace(cursor string, least int64) (Place, error) {
	at, first, told := strings.Cut(cursor, "/")
	n, err := Number(at, least)
	if err != nil || told && at == "" {
		return Place{}, BadCursor()
	}
	p := Place{At: n}
	if told {
		if p.First, err = strconv.ParseInt(first, 10, 64); err != nil || p.First <= 0 {
			return Place{}, BadCursor()
		}
	}
	return p, nil
}

func (p Place) String() string {
	if p.First == 0 {
		return strconv.FormatInt(p.At, 10)
	}
	return fmt.Sprintf("%d/%d", p.At, p.First)
}

// After returns the place of the page at next, after a page whose first row is named
// first; empty for a row without a name. It fails when the page before began with the
// same row.
func (p Place) After(next int64, first string) (Place, error) {
	sum := SumOf(first)
	if sum != 0 && sum == p.First {
		return Place{}, SamePage()
	}
	return Place{At: next, First: sum}, nil
}

// SumOf returns a number that tells one row from another, 0 for no name.
func SumOf(name string) int64 {
	if name == "" {
		return 0
	}
	return int64(crc32.ChecksumIEEE([]byte(name))) + 1 // never 0
}
