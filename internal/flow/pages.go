package flow

import (
	"context"
	"hash/maphash"
	"sync"
)

// fetched is a page of a listing.
type fetched[T any] struct {
	items []T
	next  string
	err   error
}

// Pages iterates over the pages of a listing. The next page is fetched during the
// second half of a page; a fetch that runs when the caller breaks off is abandoned.
// Two consecutive pages that begin with the same item (the same contact of the same
// list), or a cursor that was used before, mean that the provider ignores the
// cursor: the error is then repeated. An error is yielded once and last.
func Pages[T any](
	ctx context.Context, cursor string,
	fetch func(ctx context.Context, cursor string) ([]T, string, error), key func(T) string,
	repeated error, yield func(T, error) bool,
) {
	var zero T
	ctx, cancel := context.WithCancel(ctx)
	var ahead sync.WaitGroup
	defer ahead.Wait()
	defer cancel()
	get := func(cursor string) (p fetched[T]) {
		p.items, p.next, p.err = fetch(ctx, cursor)
		return p
	}
	first, seed := "", maphash.MakeSeed()
	used := map[uint64]bool{maphash.String(seed, cursor): true} // sums of cursors
	for page := get(cursor); ; {
		next := maphash.String(seed, page.next)
		if page.err == nil && (page.next != "" && used[next] || len(page.items) > 0 && first != "" && key(page.items[0]) == first) {
			page.err = repeated
		}
		if page.err != nil {
			yield(zero, page.err)
			return
		}
		used[next] = true
		later := make(chan fetched[T], 1)
		fetchNext := func() { ahead.Go(func() { later <- get(page.next) }) }
		for i, item := range page.items {
			if i == len(page.items)/2 && page.next != "" {
				fetchNext()
			}
			if !yield(item, nil) {
				return
			}
		}
		if page.next == "" {
			return
		}
		if len(page.items) > 0 {
			first = key(page.items[0])
		} else {
			fetchNext()
		}
		page = <-later
	}
}
