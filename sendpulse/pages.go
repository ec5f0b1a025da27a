package sendpulse

import (
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
)

// The vendor gives bare lists and tells no number of rows, so that only an empty page is
// the last.
var (
	pages   = adapterkit.Paging{Size: pageMost}
	oneList = adapterkit.Paging{Size: 1}
)

// pagesOf are pages of at most so many rows; 0 means the usual number.
func pagesOf(want int) adapterkit.Paging {
	if want <= 0 || want > pageMost {
		return pages
	}
	return adapterkit.Paging{Size: int64(want)}
}

func contactName(c *sendpulseapi.ListedContact) string {
	if c.Email != "" {
		return c.Email
	}
	return phone(c.Phone)
}

func listName(l *sendpulseapi.List) string { return adapterkit.IDText(l.ID) }
