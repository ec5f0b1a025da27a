package sendpulse

import (
	"fmt"
	"hash/crc32"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
)

// cursor is a place in the contacts of all lists: which list in their order, its
// id, and how many of its contacts were passed. The id is kept, so that a list
// which comes or goes meanwhile does not change the list that is being read.
//
// first stands for the first row of the page before, so that a server which
// ignores where a page is to start does not make a listing without an end: for
// pages of lists it is the id of the list before, for contacts a sum of the address.
type cursor struct {
	index, list, offset, first int64
}

// parseCursor reads the text of a cursor; a list of 0 is yet to be looked up.
func parseCursor(text string) (cursor, error) {
	var c cursor
	if text == "" {
		return c, nil
	}
	_, err := fmt.Sscanf(text, "%d/%d/%d/%d", &c.index, &c.list, &c.offset, &c.first)
	if err != nil || c.index < 0 || c.list < 0 || c.offset < 0 || c.first < 0 || c.String() != text {
		return c, adapterkit.BadCursor()
	}
	return c, nil
}

func (c cursor) String() string {
	return fmt.Sprintf("%d/%d/%d/%d", c.index, c.list, c.offset, c.first)
}

// sumOf is a number that tells one first row from another.
func sumOf(rows []sendpulseapi.ListedContact) int64 {
	if len(rows) == 0 {
		return 0
	}
	return int64(crc32.ChecksumIEEE([]byte(rows[0].Email + " " + string(rows[0].Phone))))
}

// pageSize is the size of a page: most, or less when less is wanted.
func pageSize(want int) int64 {
	if want <= 0 || want > pageMost {
		return pageMost
	}
	return int64(want)
}

// nextOffset is the offset after a page of got rows; 0 after the last page,
// which is the one that is not full: the vendor tells no total. More rows than
// were asked for are all there are: the page's size was ignored.
func nextOffset(offset, size int64, got int) int64 {
	if int64(got) != size {
		return 0
	}
	return offset + int64(got)
}
