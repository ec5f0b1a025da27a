package brevo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// walkOverlap is how many contacts two pages share at most: so many may be deleted while
// one is read.
const walkOverlap = 50

// walk reads contacts, oldest first: all, or those changed since a time. It is stricter
// than a listing, because one contact that is missed may be one who wants no mail. A
// contact that is deleted meanwhile moves the later ones to lower offsets, so each page
// must hold the last contact of the one before; if it does not, walk goes back. The end
// is where that contact is the last again, or where the vendor's count says so.
type walk struct {
	api   *brevoapi.Client
	since *string // RFC 3339; nil means always
	most  int64   // pages; 0 means any number
	see   func(*brevoapi.Contact)

	offset, size int64
	last         string          // contact of the page before; empty: the next need not hold it
	firsts       map[string]bool // contacts with which a page began since walk went back
	forth, back  int64           // steps
}

// run is false when there are more pages than most.
func (w *walk) run(ctx context.Context) (done bool, err error) {
	w.size, w.firsts = contactsPage, make(map[string]bool)
	for {
		page, err := w.api.ListContacts(ctx, &brevoapi.ListContactsParams{
			Limit: &w.size, Offset: &w.offset, Sort: new(brevoapi.SortOrderAsc), ModifiedSince: w.since,
		}, rest.WithThen("import the contacts"))
		if errors.Is(err, outcome.ErrTooLarge) && w.size > 2 {
			w.size /= 2
			continue
		}
		if err != nil {
			return false, err
		}
		if w.since != nil {
			page.Count = 0 // it is of all contacts, whatever the filter
		}
		pages := page.Count/(w.size-w.size*walkOverlap/contactsPage) + 1
		if w.most > 0 && max(pages, w.forth+1) > w.most {
			return false, nil
		}
		if done, err = w.take(page); done || err != nil {
			return done, err
		}
	}
}

// take reads a page and decides what comes after it.
func (w *walk) take(page *brevoapi.ContactPage) (end bool, err error) {
	contacts := page.Contacts
	n := int64(len(contacts))
	names := make([]string, n)
	for i := range contacts {
		if names[i] = nameOf(&contacts[i]); names[i] == "" {
			return false, unusable("a contact has neither a number nor an address")
		}
	}
	switch {
	case n > 0 && w.firsts[names[0]]:
		return false, adapterkit.SamePage()
	case w.last != "" && !slices.Contains(names, w.last):
		if w.back++; w.back > w.forth/3+10 {
			return false, unusable("they change faster than they can be read")
		}
		if w.offset = max(0, w.offset-w.size); w.offset == 0 {
			w.last = ""
		}
		clear(w.firsts)
		return false, nil
	case n == 0 && w.offset < page.Count:
		return false, unusable(fmt.Sprintf("an empty page after %d of %d", w.offset, page.Count))
	case n == 0:
		return true, nil
	}
	for i := range contacts {
		w.see(&contacts[i])
	}
	passed := w.offset + n
	switch {
	case page.Count > 0 && passed >= page.Count && n < w.size:
		return true, nil
	case w.last == names[n-1] && passed < page.Count:
		return false, unusable(fmt.Sprintf("no more come after %d of %d", passed, page.Count))
	case w.last == names[n-1]:
		return true, nil
	}
	w.firsts[names[0]] = true
	w.forth++
	overlap := min(walkOverlap, n/2)
	if w.last = ""; overlap > 0 {
		w.last = names[n-1]
	}
	w.offset = passed - overlap
	return false, nil
}

// nameOf tells a contact from others, empty when nothing does.
func nameOf(c *brevoapi.Contact) string {
	if c.ID != 0 {
		return strconv.FormatInt(c.ID, 10)
	}
	return c.Email
}

func unusable(why string) error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Outcome: provider.OutcomeNotSent,
		Message: "the contacts, which are read to see who has unsubscribed, cannot be used: " + why,
	}
}
