package flow

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tenPages fetches pages of ten numbers, a second each, and counts.
func tenPages(fetches *int) func(context.Context, string) ([]int, string, error) {
	return func(ctx context.Context, cursor string) ([]int, string, error) {
		*fetches++
		at, _ := strconv.Atoi(cursor)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
		out := make([]int, 10)
		for i := range out {
			out[i] = at*10 + i
		}
		next := ""
		if at < 9 {
			next = strconv.Itoa(at + 1)
		}
		return out, next, nil
	}
}

// The next page is fetched while the second half of the one before is worked
// through: working and fetching take place at the same time.
func TestPagesPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches, got, before := 0, 0, 0
		start := time.Now()
		Pages(t.Context(), "", tenPages(&fetches), strconv.Itoa, errors.New("endless"), func(n int, err error) bool {
			require.NoError(t, err)
			require.Equal(t, got, n)
			got++
			<-time.After(200 * time.Millisecond) // the work of the caller, in the time of the bubble
			synctest.Wait()
			if n == 4 {
				before = fetches
			}
			if n == 5 {
				assert.Equal(t, before+1, fetches, "the second half begins, the next page is asked for")
			}
			return true
		})
		assert.Equal(t, 100, got)
		assert.Equal(t, 10, fetches)
		assert.Equal(t, 21*time.Second, time.Since(start), "one page waited for, ten worked through")
	})
}

func TestPagesBreak(t *testing.T) {
	for at, want := range map[int]int{3: 1, 7: 2} {
		synctest.Test(t, func(t *testing.T) {
			fetches := 0
			start := time.Now()
			Pages(t.Context(), "", tenPages(&fetches), strconv.Itoa, errors.New("endless"), func(n int, _ error) bool { synctest.Wait(); return n < at })
			assert.Equal(t, want, fetches)
			assert.Equal(t, time.Second, time.Since(start), "what is fetched ahead is abandoned")
		})
	}
}

// An error of a page that was fetched ahead comes after the items before it.
func TestPagesError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		fetches := 0
		fetch := tenPages(&fetches)
		var got []int
		var last error
		Pages(t.Context(), "", func(ctx context.Context, cursor string) ([]int, string, error) {
			if cursor == "2" {
				return nil, "", broken
			}
			return fetch(ctx, cursor)
		}, strconv.Itoa, errors.New("endless"), func(n int, err error) bool {
			if err != nil {
				last = err
			} else {
				got = append(got, n)
			}
			return true
		})
		assert.Len(t, got, 20)
		assert.Equal(t, broken, last)
	})
}

// Cursors that come again end the iteration, also in a circle.
func TestPagesCircle(t *testing.T) {
	repeated := errors.New("endless")
	for _, row := range []struct {
		name    string
		cursors []string // of the next page, in turn
		fetches int
	}{
		{name: "the same", cursors: []string{"a"}, fetches: 2},
		{name: "a circle of three", cursors: []string{"a", "b", "c"}, fetches: 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			fetches := 0
			var last error
			Pages(t.Context(), "", func(context.Context, string) ([]int, string, error) {
				fetches++
				return nil, row.cursors[(fetches-1)%len(row.cursors)], nil
			}, strconv.Itoa, repeated, func(_ int, err error) bool { last = err; return true })
			assert.Equal(t, repeated, last)
			assert.Equal(t, row.fetches, fetches)
		})
	}
}
