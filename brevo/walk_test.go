package brevo

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// pageGiver gives pages of 120 contacts in some way.
type pageGiver struct {
	most  int64                            // contacts of a page
	large int64                            // larger pages are over the cap, if not 0
	page  func(at, n int64) (int64, int64) // changes what is given
	count int64
	noID  bool
	calls int
}

const walked = 120

func (g *pageGiver) Do(_ context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	g.calls++
	var size, at int64
	for _, p := range call.Query {
		switch p.Name {
		case "limit":
			_, _ = fmt.Sscan(p.Value, &size)
		case "offset":
			_, _ = fmt.Sscan(p.Value, &at)
		}
	}
	if g.large > 0 && size > g.large {
		return nil, &provider.Error{Kind: provider.ErrBadResponse, Err: outcome.ErrTooLarge}
	}
	n := min(size, g.most)
	if g.page != nil {
		at, n = g.page(at, n)
	}
	page := out.(*brevoapi.ContactPage)
	page.Count = g.count
	for i := at; i < at+n && i < walked; i++ {
		c := brevoapi.Contact{ID: i + 1, Email: fmt.Sprintf("c%d@example.com", i)}
		if g.noID {
			c.ID = 0
		}
		page.Contacts = append(page.Contacts, c)
	}
	return &rest.Reply{Status: 200}, nil
}

// What is read before an import is all contacts, or an error: nobody who wants no mail
// is missed because of the way in which pages come.
func TestWalkPages(t *testing.T) {
	since := "2026-03-04T05:06:07Z"
	same := func(int64, int64) (int64, int64) { return 0, 40 }
	empty := func(at, n int64) (int64, int64) {
		if at > 0 {
			return walked, 0
		}
		return 0, n
	}
	for _, row := range []struct {
		name  string
		giver pageGiver
		since *string
		fails string
	}{
		{name: "one page", giver: pageGiver{most: 1000, count: walked}},
		{name: "short pages", giver: pageGiver{most: 40, count: walked}},
		{name: "short pages, no count", giver: pageGiver{most: 40}},
		{name: "pages of three, no count", giver: pageGiver{most: 3}},
		{name: "pages of one", giver: pageGiver{most: 1, count: walked}},
		{name: "no numbers", giver: pageGiver{most: 40, noID: true}},
		{name: "changed ones, the count is of all", giver: pageGiver{most: 40, count: 100_000}, since: &since},
		{name: "over the cap", giver: pageGiver{most: 1000, large: 30, count: walked}},
		{name: "the same page", giver: pageGiver{most: 40, count: walked, page: same}, fails: "same page again"},
		{name: "the same page, no count", giver: pageGiver{most: 40, page: same}, fails: "same page again"},
		{name: "the same page, changed ones", giver: pageGiver{most: 40, page: same}, since: &since, fails: "same page again"},
		{name: "empty pages", giver: pageGiver{most: 40, count: walked, page: empty}, fails: "change faster"},
		{name: "nothing at all", giver: pageGiver{count: walked}, fails: "an empty page after 0 of 120"},
		{name: "fewer than the count", giver: pageGiver{most: 40, count: walked + 1}, fails: "no more come after 120 of 121"},
	} {
		t.Run(row.name, func(t *testing.T) {
			seen := map[string]bool{}
			w := walk{
				api: brevoapi.NewClient(&row.giver), since: row.since,
				see: func(c *brevoapi.Contact) { seen[c.Email] = true },
			}
			done, err := w.run(t.Context())
			assert.LessOrEqual(t, row.giver.calls, 2*walked)
			if row.fails != "" {
				require.ErrorIs(t, err, provider.ErrBadResponse)
				assert.ErrorContains(t, err, row.fails)
				return
			}
			require.NoError(t, err)
			assert.True(t, done)
			assert.Len(t, seen, walked)
		})
	}
}
