package sendpulse

import (
	"fmt"
	"strconv"

	"github.com/postmux/postmux/provider"
)

// cursor is a place in the contacts of all lists: which list in their order, its
// id, and how many of its contacts were passed. The id is kept, so that a list
// which comes or goes meanwhile does not change the list that is being read.
type cursor struct {
	index, list, offset int64
}

// parseCursor reads the text of a cursor; a list of 0 is yet to be looked up.
func parseCursor(text string) (cursor, error) {
	var c cursor
	if text == "" {
		return c, nil
	}
	_, err := fmt.Sscanf(text, "%d/%d/%d", &c.index, &c.list, &c.offset)
	if err != nil || c.index < 0 || c.list < 0 || c.offset < 0 || c.String() != text {
		return c, badCursor()
	}
	return c, nil
}

func (c cursor) String() string { return fmt.Sprintf("%d/%d/%d", c.index, c.list, c.offset) }

// parseOffset reads the cursor of pages of one thing.
func parseOffset(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badCursor()
	}
	return n, nil
}

func badCursor() error { return provider.Invalid("cursor", "expected the cursor of a page") }

// pageSize is the size of a page: most, or less when less is wanted.
func pageSize(want int) int64 {
	if want <= 0 || want > pageMost {
		return pageMost
	}
	return int64(want)
}

// nextOffset is the offset after a page of got rows; 0 after the last page,
// which is the one that is not full: the vendor tells no total.
func nextOffset(offset, size int64, got int) int64 {
	if int64(got) < size {
		return 0
	}
	return offset + int64(got)
}
