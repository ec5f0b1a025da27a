package adapterkit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

const (
	again   = "same page again"
	missed  = "the provider gives an empty page"
	anyMore = "more"
	ends    = "ends"
)

// What follows a page, by what its answer says.
func TestPageEnds(t *testing.T) {
	offsets, numbers := Paging{Size: 50}, Paging{Size: 50, Numbered: true}
	for _, row := range []struct {
		name   string
		paging Paging
		at     Place
		answer Answer
		want   string // ends, anyMore, or part of an error
	}{
		{name: "nothing at all", want: ends},
		{name: "full, of more", answer: Answer{Rows: 50, Count: 120}, want: anyMore},
		{name: "short, of more", answer: Answer{Rows: 7, Count: 120}, want: anyMore},
		{name: "the last of the count", at: Place{At: 100}, answer: Answer{Rows: 20, Count: 120}, want: ends},
		{name: "full, no count", answer: Answer{Rows: 50}, want: anyMore},
		{name: "short, no count", answer: Answer{Rows: 49}, want: anyMore},
		{name: "more than asked for", answer: Answer{Rows: 51}, want: anyMore},
		{name: "a count below nothing", answer: Answer{Rows: 50, Count: -1}, want: anyMore},
		{name: "empty, no count", at: Place{At: 50}, want: ends},
		{name: "empty at the count", at: Place{At: 50}, answer: Answer{Count: 50}, want: ends},
		{name: "empty before the count", at: Place{At: 50}, answer: Answer{Count: 120}, want: missed + " after 50 of 120 rows"},
		{name: "empty although there are some", answer: Answer{Count: 3}, want: missed},
		{name: "empty, the count is of all", at: Place{At: 50}, answer: Answer{Count: 120, Filtered: true}, want: ends},
		{name: "begins as the page before", at: Place{At: 50, First: SumOf("a")}, answer: Answer{Rows: 50, First: "a"}, want: again},
		{name: "begins as an earlier page", at: Place{At: 50, First: 1, Mark: SumOf("a")}, answer: Answer{Rows: 50, First: "a"}, want: again},
		{name: "the same, and the last", at: Place{At: 50, First: SumOf("a")}, answer: Answer{Rows: 50, First: "a", Count: 100}, want: again},

		{name: "next page", paging: numbers, at: Place{At: 1}, answer: Answer{Rows: 1, Next: 2, Pages: 2}, want: anyMore},
		{name: "pages alone", paging: numbers, at: Place{At: 1}, answer: Answer{Rows: 1, Pages: 2}, want: anyMore},
		{name: "last page", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Pages: 2}, want: ends},
		{name: "no word about pages", paging: numbers, at: Place{At: 1}, answer: Answer{Rows: 1}, want: anyMore},
		{name: "the count alone, more", paging: numbers, at: Place{At: 1}, answer: Answer{Rows: 50, Count: 51}, want: anyMore},
		{name: "the count alone, last", paging: numbers, at: Place{At: 2, Rows: 50}, answer: Answer{Rows: 1, Count: 51}, want: ends},
		{name: "the count alone, rows before not known", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Count: 51}, want: anyMore},
		{name: "last page, next is the one before", paging: numbers, at: Place{At: 3}, answer: Answer{Rows: 1, Next: 2, Pages: 3}, want: ends},
		{name: "only page, next is itself", paging: numbers, at: Place{At: 1}, answer: Answer{Rows: 1, Next: 1, Pages: 1}, want: ends},
		{name: "next beyond the number of pages", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Next: 3, Pages: 2}, want: anyMore},
		{name: "next alone", paging: numbers, at: Place{At: 7}, answer: Answer{Rows: 1, Next: 8}, want: anyMore},
		{name: "all is told", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Number: 2, Next: 3, Pages: 9}, want: anyMore},
		{name: "always the same next", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Next: 2, Pages: 20}, want: again},
		{name: "always the same next, no number of pages", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Next: 2}, want: again},
		{name: "another page than asked for", paging: numbers, at: Place{At: 2}, answer: Answer{Rows: 1, Number: 1, Pages: 20}, want: again},
		{name: "empty, pages to come", paging: numbers, at: Place{At: 2}, answer: Answer{Pages: 9}, want: missed},
		{name: "empty, a next page", paging: numbers, at: Place{At: 2}, answer: Answer{Next: 3}, want: missed},
		{name: "empty, the last page", paging: numbers, at: Place{At: 2, Rows: 10}, answer: Answer{Pages: 2, Count: 20}, want: missed + " after 10 of 20 rows"},
		{name: "empty, the last page, no count", paging: numbers, at: Place{At: 2}, answer: Answer{Pages: 2}, want: missed},
		{name: "empty, the only page", paging: numbers, at: Place{At: 1}, answer: Answer{Pages: 1}, want: ends},
		{name: "empty, the only page, with rows", paging: numbers, at: Place{At: 1}, answer: Answer{Pages: 1, Count: 3}, want: missed},
		{name: "empty after the last", paging: numbers, at: Place{At: 3}, answer: Answer{Pages: 2}, want: ends},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := row.paging
			if p.Size == 0 {
				p = offsets
			}
			if row.answer.Rows > 0 && row.answer.First == "" {
				row.answer.First = "row"
			}
			next, more, err := p.after(row.at, row.answer)
			switch row.want {
			case ends, anyMore:
				require.NoError(t, err)
				assert.Equal(t, row.want == anyMore, more)
			default:
				require.ErrorIs(t, err, provider.ErrBadResponse)
				assert.ErrorContains(t, err, row.want)
			}
			if more {
				assert.Greater(t, next.At, row.at.At)
				back, err := ParsePlace(next.String(), p.least())
				require.NoError(t, err)
				assert.Equal(t, next, back)
			}
		})
	}
}

// A listing of rows: what a fake server of them answers.
type rows struct {
	names    []string
	numbered bool
	most     int64 // the server gives no more at a time
	large    int64 // an answer with more rows than that is over the cap
	asked    []string
	got      []string
}

func (r *rows) fetch(at, size int64) (Answer, error) {
	r.asked = append(r.asked, fmt.Sprintf("%d+%d", at, size))
	if r.large > 0 && size > r.large {
		return Answer{}, &provider.Error{Kind: provider.ErrBadResponse, Err: outcome.ErrTooLarge}
	}
	if r.most > 0 {
		size = min(size, r.most)
	}
	if r.numbered {
		at = (at - 1) * size
	}
	n := int64(len(r.names))
	page := r.names[min(at, n):min(at+size, n)]
	r.got = append(r.got, page...)
	return AnswerOf(page, func(s *string) string { return *s }), nil
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}

// An answer over the cap is asked for again in halves, and no row is lost or comes twice.
func TestHalves(t *testing.T) {
	for _, row := range []struct {
		name   string
		paging Paging
		server rows
		asked  string
		fails  bool
	}{
		{
			name: "offsets", paging: Paging{Size: 8}, server: rows{names: names(10), large: 3},
			asked: "0+8 0+4 0+2 2+2 4+2 6+2 8+2 10+2",
		},
		{
			name: "numbers", paging: Paging{Size: 8, Numbered: true},
			server: rows{names: names(5), numbered: true, large: 4}, asked: "1+8 1+4 2+4 3+4",
		},
		{
			name: "numbers of an odd size", paging: Paging{Size: 50, Numbered: true},
			server: rows{names: names(6), numbered: true, large: 5}, asked: "1+50 1+25 1+5 2+5 3+5",
		},
		{name: "one row is too much", paging: Paging{Size: 4}, server: rows{names: names(5), large: -1}, fails: true, asked: "0+4 0+2 0+1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := row.server
			fetch := s.fetch
			if row.fails {
				fetch = func(at, size int64) (Answer, error) {
					s.asked = append(s.asked, fmt.Sprintf("%d+%d", at, size))
					return Answer{}, &provider.Error{Kind: provider.ErrBadResponse, Err: outcome.ErrTooLarge}
				}
			}
			err := row.paging.Walk(fetch)
			assert.Equal(t, row.asked, strings.Join(s.asked, " "))
			if row.fails {
				assert.ErrorIs(t, err, provider.ErrBadResponse)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, s.names, s.got)
		})
	}
}

// Numbered pages cannot be made smaller in the middle when one before was short: nobody
// knows where the next one begins then.
func TestHalvesInTheMiddle(t *testing.T) {
	p := Paging{Size: 8, Numbered: true}
	large := &provider.Error{Kind: provider.ErrBadResponse, Err: outcome.ErrTooLarge}
	for _, row := range []struct {
		name  string
		first int // rows of the first page
		asked []string
	}{
		{name: "full before", first: 8, asked: []string{"1+8", "2+8", "3+4", "5+2", "9+1"}},
		{name: "short before", first: 7, asked: []string{"1+8", "2+8"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var asked []string
			err := p.Walk(func(at, size int64) (Answer, error) {
				asked = append(asked, fmt.Sprintf("%d+%d", at, size))
				if at > 1 {
					return Answer{}, large
				}
				return Answer{Rows: row.first, First: "a", Pages: 9}, nil
			})
			require.ErrorIs(t, err, outcome.ErrTooLarge)
			assert.Equal(t, row.asked, asked)
		})
	}
}

// A server that goes round in a circle of pages is noticed, also by a caller that keeps
// the cursors.
func TestCircles(t *testing.T) {
	for length := 1; length <= 9; length++ {
		for lead := range 4 {
			t.Run(fmt.Sprintf("%d after %d", length, lead), func(t *testing.T) {
				cursor, calls := "", 0
				var err error
				for err == nil {
					page := calls
					if page >= lead {
						page = lead + (calls-lead)%length
					}
					calls++
					require.Less(t, calls, 50)
					cursor, err = Paging{Size: 10}.Page(cursor, func(int64, int64) (Answer, error) {
						return Answer{Rows: 10, First: fmt.Sprint(page)}, nil
					})
				}
				assert.ErrorContains(t, err, again)
				assert.LessOrEqual(t, calls, 4*(length+lead)+1)
			})
		}
	}
}

// Rows without a name are told apart by all that they have.
func TestAnswerOf(t *testing.T) {
	nameless := func(*string) string { return "" }
	assert.Equal(t, Answer{}, AnswerOf(nil, nameless))
	assert.NotEqual(t, AnswerOf([]string{"a"}, nameless).First, AnswerOf([]string{"b"}, nameless).First)
	assert.NotEmpty(t, AnswerOf([]func(){nil}, func(*func()) string { return "" }).First)
	assert.Equal(t, "a", AnswerOf([]string{"a", "b"}, func(s *string) string { return *s }).First)
}

// accounts is a server of lists and their members.
type account struct {
	lists    []ListRow
	offset   bool // the place is ignored
	size     bool // the size is ignored
	requests int
}

func (a *account) list(at int64) ([]ListRow, Answer, error) {
	a.requests++
	from, to := min(int(at), len(a.lists)), min(int(at)+1, len(a.lists))
	if a.offset {
		from, to = 0, min(1, len(a.lists))
	}
	if a.size {
		to = len(a.lists)
	}
	return a.lists[from:to], Answer{}, nil
}

func TestByList(t *testing.T) {
	three := []ListRow{{ID: "4"}, {ID: "old:/", Skip: true}, {ID: "b:/ü"}, {ID: "6"}}
	for _, row := range []struct {
		name string
		account
		want string // members, or part of an error
	}{
		{name: "plain", account: account{lists: three}, want: "4 4 4 b:/ü b:/ü b:/ü 6 6 6"},
		{name: "no lists", want: ""},
		{name: "size ignored", account: account{lists: three, size: true}, want: "4 4 4 b:/ü b:/ü b:/ü 6 6 6"},
		{name: "both ignored", account: account{lists: three, size: true, offset: true}, want: "4 4 4 b:/ü b:/ü b:/ü 6 6 6"},
		{name: "place ignored", account: account{lists: three, offset: true}, want: again},
		{name: "no id", account: account{lists: []ListRow{{}}}, want: "a list without an id"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := row.account
			var got []string
			cursor := ""
			var err error
			for n := 0; n == 0 || cursor != "" && err == nil; n++ {
				require.Less(t, n, 100)
				cursor, err = Paging{Size: 1}.ByList(cursor, a.list, func(list, cursor string) (string, error) {
					server := rows{names: names(3)}
					return Paging{Size: 2}.Page(cursor, func(at, size int64) (Answer, error) {
						answer, err := server.fetch(at, size)
						got = append(got, slices.Repeat([]string{list}, answer.Rows)...)
						return answer, err
					})
				})
			}
			if err != nil {
				require.ErrorIs(t, err, provider.ErrBadResponse)
				assert.ErrorContains(t, err, row.want)
				return
			}
			assert.Equal(t, row.want, strings.Join(got, " "))
		})
	}
}

// A numbered listing of lists that tells its last page is not asked beyond it.
func TestByListLast(t *testing.T) {
	p := Paging{Size: 1, Numbered: true}
	asked := 0
	lists := func(at int64) ([]ListRow, Answer, error) {
		asked++
		return []ListRow{{ID: fmt.Sprint("l", at)}}, Answer{Number: at, Pages: 2}, nil
	}
	cursor, pages := "", 0
	for n := 0; n == 0 || cursor != ""; n++ {
		var err error
		cursor, err = p.ByList(cursor, lists, func(string, string) (string, error) {
			if pages++; pages%2 == 1 {
				return "7", nil
			}
			return "", nil
		})
		require.NoError(t, err)
	}
	assert.Equal(t, []int{2, 4}, []int{asked, pages})
}

// Whatever a caller gives as a cursor, it is refused, or leads to one request within
// bounds and to a cursor that is taken again.
func FuzzCursors(f *testing.F) {
	for _, text := range []string{"", "0", "50/7", "3/7/8/2/25/50", "1/2/3/4/5/6/7", "9007199254740992", "end:4:50/7", "3:4:1", "1/5:b%3A%2F:2", "end", "0:", "1::2", "-1", "٣"} {
		f.Add(text, 3, int64(0))
	}
	f.Fuzz(func(t *testing.T, cursor string, got int, count int64) {
		got = max(0, min(got, 1000))
		for _, p := range []Paging{{Size: 50}, {Size: 50, Numbered: true}} {
			fetch := func(at, size int64) (Answer, error) {
				if at < p.least() || at > mostPlace || size < 1 || size > mostSize {
					t.Fatalf("%q asks for %d rows at %d", cursor, size, at)
				}
				return Answer{Rows: got, First: "a", Count: count, Pages: count}, nil
			}
			check := func(next string, err error) {
				if err != nil {
					k := kindOf(err)
					if next != "" || k != provider.ErrInvalid && k != provider.ErrBadResponse {
						t.Fatalf("%q: %q, %v", cursor, next, err)
					}
					return
				}
				if next == cursor && next != "" {
					t.Fatalf("%q is its own next", cursor)
				}
				if next == "" {
					return
				}
				if _, err := p.parseNested(next); err != nil && !strings.Contains(next, "900719925474") {
					t.Fatalf("%q leads to %q: %v", cursor, next, err)
				}
			}
			check(p.Page(cursor, fetch))
			check(p.ByList(cursor, func(at int64) ([]ListRow, Answer, error) {
				a, err := fetch(at, 1)
				return make([]ListRow, 0), a, err
			}, func(list, inner string) (string, error) {
				if list == "" {
					t.Fatalf("%q asks for no list", cursor)
				}
				return p.Page(inner, fetch)
			}))
		}
	})
}

func kindOf(err error) provider.Kind {
	if e, ok := err.(*provider.Error); ok { //nolint:errorlint // it is returned as it is
		return e.Kind
	}
	return ""
}
