// Package flow sends a stream of items to a provider in groups, several calls at a
// time, and iterates over the pages of a listing. It is independent of mail.
package flow

import (
	"context"
	"iter"
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
	// Identity, if not nil, names the object that an item changes: an item waits
	// for the results of earlier ones with the same name.
	Identity func(T) string
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
	waiting []slot[T, R]        // items whose result is not delivered, in their order
	names   map[string]struct{} // of the items waiting
	held    int                 // bytes in the groups of the waiting items
	most    int                 // items waiting
	free    chan struct{}       // a token for each running call
	calls   sync.WaitGroup      // under way

	mu  sync.Mutex
	why error // the reason for which no further call begins
}

// slot is the position of an item: its group, and the index in it.
type slot[T, R any] struct {
	in    *group[T, R]
	index int
	name  string
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
		names: make(map[string]struct{}), free: make(chan struct{}, f.Calls),
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
	name := r.name(item)
	traits, result, done := r.Place(r.ctx, item)
	if done {
		g := &group[T, R]{results: []R{result}, done: make(chan struct{})}
		close(g.done)
		r.waiting = append(r.waiting, slot[T, R]{g, 0, name})
		if err := r.Ends(g.results); err != nil {
			r.end(err)
		}
	} else {
		into, complete := r.groups.add(item, traits)
		r.waiting = append(r.waiting, slot[T, R]{into, len(into.items) - 1, name})
		r.held += traits.Held
		for _, g := range complete {
			r.start(g)
		}
	}
	for len(r.waiting) > 0 && (r.ready() || r.held > maxHeld || len(r.waiting) > r.most) {
		r.next()
	}
}

// name returns the identity of an item, after waiting for earlier items of that
// name.
func (r *run[T, R]) name(item T) string {
	if r.Identity == nil {
		return ""
	}
	name := r.Identity(item)
	for {
		if _, waits := r.names[name]; !waits {
			break
		}
		r.next()
	}
	r.names[name] = struct{}{}
	return name
}

// ready reports whether the next result is available.
func (r *run[T, R]) ready() bool {
	done := r.waiting[0].in.done
	if done == nil {
		return false
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// next delivers the next result. It starts its call first when the group still
// waits for more items.
func (r *run[T, R]) next() {
	first := r.waiting[0]
	if first.in.done == nil {
		r.groups.close(first.in)
		r.start(first.in)
	}
	<-first.in.done
	if first.index == len(first.in.results)-1 {
		r.held -= first.in.sum.Held
	}
	delete(r.names, first.name)
	r.waiting[0] = slot[T, R]{} // release the group
	r.waiting = r.waiting[1:]
	if err := r.deliver(first.in.results[first.index]); err != nil {
		r.end(err)
	}
}

// start makes the call of a complete group, when the number of calls allows it.
func (r *run[T, R]) start(g *group[T, R]) {
	g.done = make(chan struct{})
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
