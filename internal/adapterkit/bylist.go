package adapterkit

import (
	"net/url"
	"slices"
	"strings"
)

// ListRow is a list in the answer to a request for one list.
type ListRow struct {
	ID   string
	Skip bool // its members are not listed
}

// nested is where a listing of the members of all lists stands: in a list, and where the
// next list is, or at the beginning of a list that is not known yet.
type nested struct {
	next  Place
	last  bool   // there is no next list
	id    string // empty: the list at next is to be read
	inner string // cursor in the list; empty at its beginning
}

// A nested cursor is "next", or "next:id:inner", with "end" in place of next in the last
// list.
const noNext = "end"

func (p Paging) parseNested(cursor string) (n nested, err error) {
	if cursor == "" {
		n.next = Place{At: p.least()}
		return n, nil
	}
	next, in, inList := strings.Cut(cursor, ":")
	if n.last = next == noNext; !n.last {
		n.next, err = ParsePlace(next, p.least())
	}
	id, inner, _ := strings.Cut(in, ":")
	if err == nil {
		n.id, err = url.QueryUnescape(id)
	}
	n.inner = inner
	switch {
	case err != nil, inList && (n.id == "" || n.inner == ""), n.String() != cursor:
		return nested{}, BadCursor()
	}
	return n, nil
}

func (n nested) String() string {
	next := n.next.String()
	if n.last {
		next = noNext
	}
	if n.id == "" {
		return next
	}
	return next + ":" + url.QueryEscape(n.id) + ":" + n.inner
}

// ByList reads a page of the members of all lists, one list after the other. lists asks
// for one list, at a place in the listing of lists; members reads the page at a cursor
// in a list. The id of the list is kept in the cursor, so that a list that comes or
// goes meanwhile does not change the list that is being read.
func (p Paging) ByList(
	cursor string,
	lists func(at int64) ([]ListRow, Answer, error),
	members func(list, cursor string) (next string, err error),
) (string, error) {
	n, err := p.parseNested(cursor)
	if err != nil {
		return "", err
	}
	if n.id == "" {
		if n.last {
			return "", BadCursor()
		}
		list, err := p.nextList(&n, lists)
		if err != nil || list == nil {
			return "", err
		}
		n.id, n.inner = list.ID, ""
		if list.Skip {
			return n.leave(), nil
		}
	}
	if n.inner, err = members(n.id, n.inner); err != nil {
		return "", err
	}
	if n.inner == "" {
		return n.leave(), nil
	}
	return n.String(), nil
}

// leave returns the cursor after the list.
func (n nested) leave() string {
	if n.last {
		return ""
	}
	n.id = ""
	return n.String()
}

// nextList reads the list at n.next and moves n.next on; nil after the last list.
func (p Paging) nextList(
	n *nested, lists func(at int64) ([]ListRow, Answer, error),
) (*ListRow, error) {
	at := n.next
	rows, a, err := lists(at.At)
	if err != nil {
		return nil, err
	}
	var list *ListRow
	if len(rows) > 1 {
		// A server that ignores how many are asked for, and perhaps where: the list to
		// read is the one behind the list before.
		before := slices.IndexFunc(rows, func(r ListRow) bool { return SumOf(r.ID) == at.First })
		if before+1 == len(rows) {
			return nil, nil
		}
		list = &rows[before+1]
	} else if len(rows) == 1 {
		list = &rows[0]
	}
	if a.Rows, a.First = 0, ""; list != nil {
		a.Rows, a.First = 1, list.ID
		if list.ID == "" {
			return nil, NoID("list")
		}
	}
	next, more, err := p.after(at, a)
	if err != nil || list == nil {
		return nil, err
	}
	n.next, n.last = next, !more
	return list, nil
}
