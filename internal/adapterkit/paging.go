package adapterkit

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

// Paging is how a provider gives a listing in pages. Every listing of every adapter is
// read by Page, Walk or ByList, which decide where it ends.
//
// A listing ends with an empty page, or where the answer says that there is no more: by
// the number of all rows or of all pages. A page that is not full ends nothing: the
// provider may give fewer rows than it is asked for. These are errors, because rows
// would be missing, or the listing would have no end: a page that begins as an earlier
// one, and an empty page although the answer promises more. An answer over the cap is
// asked for again with half as many rows.
type Paging struct {
	Size     int64 // rows that a page is asked to have
	Numbered bool  // pages are asked for by their number from 1, not by the rows before them
}

// Answer is what a provider says about a page. Only Rows and First are always there;
// what is 0 is not told.
type Answer struct {
	Rows  int    // in the answer, also those that are left out of the page
	First string // tells the first row from the first rows of other pages, see AnswerOf
	Count int64  // of all rows
	// Filtered says that Count may be the number of rows without the filter of the
	// query, so that fewer prove no loss.
	Filtered bool
	// Of numbered pages: the number of this page and of the next, and how many there are.
	Number, Next, Pages int64
	// Stop ends a Walk after this page.
	Stop bool
}

// AnswerOf is the answer with these rows. name is what identifies a row, such as an id.
func AnswerOf[R any](rows []R, name func(*R) string) Answer {
	a := Answer{Rows: len(rows)}
	if len(rows) == 0 {
		return a
	}
	if a.First = name(&rows[0]); a.First == "" {
		// Without an id the whole row has to do.
		data, err := json.Marshal(rows[0])
		if err != nil {
			data = fmt.Append(nil, err)
		}
		a.First = string(data)
	}
	return a
}

// Fetch asks for the page that begins after so many rows, or has this number.
type Fetch func(at, size int64) (Answer, error)

// Page reads the page at a cursor. It returns the cursor of the next one, empty after
// the last.
func (p Paging) Page(cursor string, fetch Fetch) (next string, err error) {
	at, err := p.parse(cursor)
	if err != nil {
		return "", err
	}
	at, more, _, err := p.read(at, fetch)
	if err != nil || !more {
		return "", err
	}
	return at.String(), nil
}

// Walk reads all pages, or those up to one whose answer says Stop.
func (p Paging) Walk(fetch Fetch) error { return p.WalkFrom(0, fetch) }

// WalkFrom is Walk from the page that begins after so many rows, or has this number.
func (p Paging) WalkFrom(start int64, fetch Fetch) error {
	at := Place{At: max(start, p.least())}
	for {
		next, more, stop, err := p.read(at, fetch)
		if err != nil || stop || !more {
			return err
		}
		at = next
	}
}

func (p Paging) least() int64 {
	if p.Numbered {
		return 1
	}
	return 0
}

func (p Paging) parse(cursor string) (Place, error) {
	if cursor == "" {
		return Place{At: p.least()}, nil
	}
	return ParsePlace(cursor, p.least())
}

// read fetches the page at a place and returns the place of the next.
func (p Paging) read(at Place, fetch Fetch) (next Place, more, stop bool, err error) {
	for {
		size := p.size(at)
		a, err := fetch(at.At, size)
		if err == nil {
			next, more, err = p.after(at, a)
			return next, more, a.Stop, err
		}
		var smaller bool
		if errors.Is(err, outcome.ErrTooLarge) {
			at, smaller = p.halved(at, size)
		}
		if !smaller {
			return at, false, false, err
		}
	}
}

// size is how many rows a page is asked to have. A numbered page must have the size of
// those before it, whatever the caller wants now; other pages may be smaller.
func (p Paging) size(at Place) int64 {
	switch {
	case at.Size == 0:
		return p.Size
	case p.Numbered:
		return at.Size
	}
	return min(at.Size, p.Size)
}

// halved returns the same place with smaller pages. Numbered pages must begin there too,
// which is known only while all pages have been full.
func (p Paging) halved(at Place, size int64) (Place, bool) {
	half := size / 2
	if p.Numbered {
		if at.At > 1 && at.Rows != (at.At-1)*size {
			return at, false
		}
		for half > 1 && size%half != 0 {
			half--
		}
	}
	if half < 1 {
		return at, false
	}
	if p.Numbered {
		at.At = at.Rows/half + 1
	}
	at.Size = half
	return at, true
}

// after returns the place after a page.
func (p Paging) after(at Place, a Answer) (next Place, more bool, err error) {
	passed := at.At // rows, -1 when it is not known
	if p.Numbered {
		passed = at.Rows
		if at.At > 1 && at.Rows == 0 {
			passed = -1
		}
	}
	end := passed + int64(a.Rows)
	if passed < 0 {
		end = -1
	}
	// What the answer promises, and whether it says anything of what is to come.
	byCount := a.Count > 0 && end >= 0
	promised := byCount && a.Count > end
	told := byCount
	if p.Numbered && (a.Pages > 0 || a.Next > 0) {
		promised, told = a.Pages > at.At || a.Next > at.At, a.Pages > 0
	}
	// An empty page has a number among the pages only where there are no rows at all.
	hole := promised || p.Numbered && at.At > 1 && a.Pages >= at.At || byCount && a.Count > end
	sum := SumOf(a.First)
	switch {
	case a.Rows == 0 && hole && !a.Filtered:
		return at, false, missing(end, a)
	case a.Rows == 0:
		return at, false, nil
	case p.Numbered && a.Number > 0 && a.Number != at.At,
		sum != 0 && (sum == at.First || sum == at.Mark),
		p.Numbered && promised && a.Next > 0 && a.Next <= at.At,
		p.Numbered && !told && a.Next > 0 && a.Next <= at.At:
		return at, false, SamePage()
	case told && !promised:
		return at, false, nil
	}
	next = Place{At: end, First: sum, Mark: at.Mark, Seen: at.Seen + 1, Size: at.Size}
	if p.Numbered {
		next.At, next.Rows, next.Size = at.At+1, max(end, 0), p.size(at)
	}
	// A server may go round in a circle of pages. The mark stays while the number of
	// pages doubles, so a circle of any length meets it.
	if next.Seen&(next.Seen-1) == 0 {
		next.Mark = sum
	}
	return next, true, nil
}

// missing is the error for an empty page where the answer promises rows.
func missing(after int64, a Answer) error {
	what := "an empty page before the last"
	if a.Count > 0 && after >= 0 {
		what = fmt.Sprintf("an empty page after %d of %d rows", after, a.Count)
	}
	return &provider.Error{Kind: provider.ErrBadResponse, Message: "the provider gives " + what}
}

// SamePage is the error for a server that gives the same page again, because it
// ignores where a page starts.
func SamePage() error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Message: "the provider gives the same page again",
	}
}

// PageOf reads the page at a cursor into a page of items. fetch may be called again, and
// then it replaces what is in the page.
func PageOf[T any](
	p Paging, cursor string, fetch func(at, size int64, into *provider.Page[T]) (Answer, error),
) (*provider.Page[T], error) {
	page := new(provider.Page[T])
	next, err := p.Page(cursor, func(at, size int64) (Answer, error) { return fetch(at, size, page) })
	if err != nil {
		return nil, err
	}
	page.Next = next
	return page, nil
}

// AllUnread is the error for a page of which no row can be read: then it is not one odd
// row, but another form.
func AllUnread(n int) error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Message: fmt.Sprintf("none of the %d rows can be read", n),
	}
}
