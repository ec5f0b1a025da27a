// Package flow sends a stream of items to a provider in groups, several calls at a
// time, and iterates over the pages of a listing. It is independent of mail.
package flow

import (
	"context"
	"iter"
	"slices"
	"sync"
)

// Flow has the functions that turn items into calls, and calls into results. Items
// are read and results delivered on the caller's goroutine; only calls run on
// others.
type Flow[T, R any] struct {
	Limits Limits
	Calls  int // at the same time, at most
	// Place returns the traits by which an item is grouped, or its result when no
	// call is needed.
	Place func(context.Context, T) (t Traits, result R, done bool)
	// Call makes the call, and returns a result for each item. It may wait before its
	// request; ended then returns the reason for which no further request begins, or
	// nil.
	Call func(ctx context.Context, items []T, ended func() error) []R
	// Ends returns the error that every further call would cause too, or nil. It
	// gets the results of each call, and of each item that Place completed.
	Ends func(results []R) error
	// Skipped returns the result of an item that was read and not part of a call.
	Skipped func(item T, why error) R
}

// maxHeld bounds the bytes of content that are read and have no result yet. With
// the number of concurrent calls it bounds the memory for a stream of any length.
const maxHeld = 16 << 20

// run is a running flow.
type run[T, R any] struct {
	*Flow[T, R]
	ctx     context.Context
	deliver func(R) error
	groups  *grouper[T, R]
	waiting []slot[T, R]            // items whose result is not delivered, in their order
	names   map[uint64]*group[T, R] // the last group of each name of the items waiting
	delayed []*group[T, R]          // whose calls wait for those of others
	held    int                     // bytes in the groups of the waiting items
	most    int                     // items waiting
	free    chan struct{}           // a token for each running call
	calls   sync.WaitGroup          // under way

	mu  sync.Mutex
	why error // the reason for which no further call begins
}

// slot is the position of an item: its group, and the index in it.
type slot[T, R any] struct {
	in    *group[T, R]
	index int
	names [3]uint64
}

// Run reads items to their end, to an error, to the end of ctx, or until Ends
// returns an error. Every item that was read gets a result, which is passed to
// deliver in the order of the items. The error is the reason for which Run stopped
// before the end; after an error of items itself, the calls for earlier items are
// still made. When deliver returns an error, no further call begins, the results of
// the items already read are still delivered, and that error is returned.
func (f *Flow[T, R]) Run(
	ctx context.Context, items iter.Seq2[T, error], deliver func(R) error,
) error {
	r := &run[T, R]{
		Flow: f, ctx: ctx, deliver: deliver, groups: newGrouper[T, R](f.Limits),
		names: make(map[uint64]*group[T, R]), free: make(chan struct{}, f.Calls),
	}
	r.most = 2 * f.Calls * max(f.Limits.Items, 4)
	defer r.calls.Wait()
	var input error
	for item, err := range items {
		if err != nil {
			input = err
			break
		}
		r.take(item)
		if r.ended() != nil {
			break
		}
	}
	for _, g := range r.groups.rest() {
		r.start(g)
	}
	for len(r.waiting) > 0 {
		r.next()
	}
	if err := r.ended(); err != nil {
		return err
	}
	return input
}

// take places one item and delivers the results that are ready. It waits while too
// many items are pending.
func (r *run[T, R]) take(item T) {
	traits, result, done := r.Place(r.ctx, item)
	if done {
		g := &group[T, R]{results: []R{result}, done: make(chan struct{})}
		close(g.done)
		r.waiting = append(r.waiting, slot[T, R]{in: g})
		if err := r.Ends(g.results); err != nil {
			r.end(err)
		}
	} else {
		after := r.named(traits.Names)
		traits.Alone = traits.Alone || len(after) > 0
		into, complete := r.groups.add(item, traits)
		if len(after) > 0 {
			into.after = after
		}
		for _, name := range traits.Names {
			if name != 0 {
				r.names[name] = into
			}
		}
		r.waiting = append(r.waiting, slot[T, R]{into, len(into.items) - 1, traits.Names})
		r.held += traits.Held
		for _, g := range complete {
			r.start(g)
		}
	}
	r.release()
	for len(r.waiting) > 0 && (r.ready() || r.held > maxHeld || len(r.waiting) > r.most) {
		r.next()
	}
}

// named returns the groups of earlier items with one of the names whose calls have
// not ended. A group that still waits for items is one of them.
func (r *run[T, R]) named(names [3]uint64) []*group[T, R] {
	var out []*group[T, R]
	for _, name := range names {
		if g := r.names[name]; g != nil && !g.ended() && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// release begins the calls whose turn has come.
func (r *run[T, R]) release() {
	if len(r.delayed) == 0 {
		return
	}
	r.delayed = slices.DeleteFunc(r.delayed, func(g *group[T, R]) bool {
		free := g.free()
		if free {
			r.begin(g)
		}
		return free
	})
}

// ready reports whether the next result is available.
func (r *run[T, R]) ready() bool { return r.waiting[0].in.ended() }

// next delivers the next result. It starts its call first when the group still
// waits for more items.
func (r *run[T, R]) next() {
	first := r.waiting[0]
	if first.in.done == nil {
		r.groups.close(first.in)
		r.start(first.in)
	}
	r.release() // all that came before the first has ended, so it is not delayed any more
	<-first.in.done
	if first.index == len(first.in.results)-1 {
		r.held -= first.in.sum.Held
	}
	for _, name := range first.names {
		if r.names[name] == first.in {
			delete(r.names, name)
		}
	}
	r.waiting[0] = slot[T, R]{} // release the group
	r.waiting = r.waiting[1:]
	if err := r.deliver(first.in.results[first.index]); err != nil {
		r.end(err)
	}
}

// start makes the call of a complete group, once those that it waits for have ended.
func (r *run[T, R]) start(g *group[T, R]) {
	g.done = make(chan struct{})
	if !g.free() {
		r.delayed = append(r.delayed, g)
		return
	}
	r.begin(g)
}

// begin makes the call of a group, when the number of calls allows it.
func (r *run[T, R]) begin(g *group[T, R]) {
	select {
	case r.free <- struct{}{}:
	case <-r.ctx.Done():
		r.skip(g)
		return
	}
	if r.ended() != nil {
		<-r.free
		r.skip(g)
		return
	}
	r.calls.Go(func() {
		defer func() { <-r.free }()
		g.results = r.Call(r.ctx, g.items, r.ended)
		if err := r.Ends(g.results); err != nil {
			r.end(err)
		}
		g.items = nil
		close(g.done)
	})
}

// skip gives the items of a group the result of Skipped.
func (r *run[T, R]) skip(g *group[T, R]) {
	g.results = make([]R, len(g.items))
	for i, item := range g.items {
		g.results[i] = r.Skipped(item, r.ended())
	}
	g.items = nil
	close(g.done)
}

// end lets no further call begin. When ctx has ended, its error is the reason: err
// may only be its effect on a call.
func (r *run[T, R]) end(err error) {
	if r.ended() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = err
	}
}

// ended returns the reason for which no further call begins, or nil.
func (r *run[T, R]) ended() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = r.ctx.Err()
	}
	return r.why
}
