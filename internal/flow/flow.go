// Package flow brings a stream of items to a provider in groups, several calls at
// a time, and walks through the pages of a listing. It knows nothing of mail.
package flow

import (
	"context"
	"iter"
	"sync"
)

// Flow says how items become calls, and calls results. Items are read and results
// delivered on the caller's goroutine; only calls run on others.
type Flow[T, R any] struct {
	Limits Limits
	Calls  int // at the same time, at most
	// Place says how an item may be grouped, or gives its result at once when
	// there is nothing to call for.
	Place func(context.Context, T) (t Traits, result R, done bool)
	// Identity, if not nil, names what an item changes: an item waits for the
	// results of earlier ones of the same name.
	Identity func(T) string
	// Begin, if not nil, is called before a group's call, on the caller's
	// goroutine. An error ends the flow.
	Begin func(items []T) error
	// Call makes the call, and returns a result for each item.
	Call func(ctx context.Context, items []T) []R
	// Ends returns the error that every further call would meet too, or nil. It
	// is asked about each call, and about each item that Place has done.
	Ends func(results []R) error
	// Skipped is the result of an item that was read and not called for.
	Skipped func(item T, why error) R
}

// maxHeld bounds the bytes of content that are read and have no result yet.
// Together with the number of calls at a time it keeps memory flat however long
// the stream is.
const maxHeld = 16 << 20

// run is a flow under way.
type run[T, R any] struct {
	*Flow[T, R]
	ctx     context.Context
	deliver func(R) error
	groups  *grouper[T, R]
	waiting []slot[T, R]        // items whose result is not delivered, in their order
	names   map[string]struct{} // of the items waiting
	held    int                 // bytes that the groups of the items waiting hold
	most    int                 // items waiting
	free    chan struct{}       // a token for each call under way
	calls   sync.WaitGroup      // under way

	mu  sync.Mutex
	why error // why no further call begins
}

// slot is an item's place: in which group, and where there.
type slot[T, R any] struct {
	in    *group[T, R]
	index int
	name  string
}

// Run reads items to their end, to an error, to the end of ctx, or until a result
// shows that going on is of no use. Every item that was read gets a result, which
// is given to deliver in the order of the items. The error says why Run did not
// come to the end; what was read before an error of items itself is still called
// for. When deliver returns an error, no further call begins, the results of what
// was read are still delivered, and that error is returned.
func (f *Flow[T, R]) Run(ctx context.Context, items iter.Seq2[T, error], deliver func(R) error) error {
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

// take puts one item on its way and delivers the results that are ready. It waits
// while too much is under way.
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

// name is the identity of an item, once no earlier one of that name is waiting.
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

// ready reports whether the next result is there.
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
	r.waiting[0] = slot[T, R]{} // or it would keep its group alive
	r.waiting = r.waiting[1:]
	if err := r.deliver(first.in.results[first.index]); err != nil {
		r.end(err)
	}
}

// start makes the call of a complete group, once there is room for it.
func (r *run[T, R]) start(g *group[T, R]) {
	g.done = make(chan struct{})
	select {
	case r.free <- struct{}{}:
	case <-r.ctx.Done():
		r.skip(g)
		return
	}
	if r.ended() == nil && r.Begin != nil {
		if err := r.Begin(g.items); err != nil {
			r.end(err)
		}
	}
	if r.ended() != nil {
		<-r.free
		r.skip(g)
		return
	}
	r.calls.Go(func() {
		defer func() { <-r.free }()
		g.results = r.Call(r.ctx, g.items)
		if err := r.Ends(g.results); err != nil {
			r.end(err)
		}
		g.items = nil
		close(g.done)
	})
}

// skip gives the items of a group the result of those that are not called for.
func (r *run[T, R]) skip(g *group[T, R]) {
	g.results = make([]R, len(g.items))
	for i, item := range g.items {
		g.results[i] = r.Skipped(item, r.ended())
	}
	g.items = nil
	close(g.done)
}

// end lets no further call begin. When ctx has ended, that is why: err may be no
// more than what it left of a call.
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

// ended is the reason for which no further call begins, or nil.
func (r *run[T, R]) ended() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = r.ctx.Err()
	}
	return r.why
}
