package provider

import (
	"context"
	"iter"
	"sync"
)

// flow brings a stream of items to the provider in groups, several groups at a
// time, and gives a result for each item in the order they came. Items are read
// and results given on the caller's goroutine; only calls run on others.
type flow[T, R any] struct {
	limits GroupLimits
	calls  int // at the same time, at most
	// place says how an item may be grouped, or gives its result at once when
	// there is nothing to call for.
	place func(context.Context, T) (m member, result R, settled bool)
	// identity, if not nil, names what an item changes: an item waits for the
	// results of earlier ones of the same name.
	identity func(T) string
	// begin, if not nil, is called before a group's call, on the caller's
	// goroutine. An error ends the flow.
	begin func(items []T) error
	// call makes the call, and returns a result for each item.
	call func(ctx context.Context, items []T) []R
	// ends returns the error that every further call would meet too, or nil. It
	// is asked about each call, and about each item that place has settled.
	ends func(results []R) error
	// skipped is the result of an item that was read and not called for.
	skipped func(item T, why error) R
}

// flowBytes bounds the content that is read and has no result yet. Together with
// the number of calls at a time it keeps memory flat however long the stream is.
const flowBytes = 16 << 20

// line is a flow under way.
type line[T, R any] struct {
	*flow[T, R]
	ctx     context.Context
	yield   func(R) bool
	groups  *grouper[T, R]
	waiting []slot[T, R]        // items without a result given, in their order
	names   map[string]struct{} // of the items waiting
	bytes   int                 // held by the groups they are in
	most    int                 // items waiting
	free    chan struct{}
	under   sync.WaitGroup // calls under way
	gone    bool           // the caller takes no more results

	mu    sync.Mutex
	ended error // why no further call begins
}

// slot is an item's place: in which group, and where there.
type slot[T, R any] struct {
	in    *group[T, R]
	index int
	name  string
}

// run reads items to their end, to an error, to the end of ctx, or until a
// result shows that going on is of no use. Every item that was read gets a
// result. The error says why it did not come to the end; what was read before an
// error of items itself is still called for. When yield returns false no further
// call begins, and those under way are waited for.
func (f *flow[T, R]) run(ctx context.Context, items iter.Seq2[T, error], yield func(R) bool) error {
	l := &line[T, R]{flow: f, ctx: ctx, yield: yield, groups: newGrouper[T, R](f.limits), names: make(map[string]struct{}), free: make(chan struct{}, f.calls)}
	l.most = 2 * f.calls * max(f.limits.Items, 4)
	defer l.under.Wait()
	var input error
	for item, err := range items {
		if err != nil {
			input = err
			break
		}
		l.take(item)
		if l.gone || l.why() != nil {
			break
		}
	}
	for _, g := range l.groups.rest() {
		l.start(g)
	}
	for len(l.waiting) > 0 && !l.gone {
		l.give()
	}
	if err := l.why(); err != nil {
		return err
	}
	return input
}

// take puts one item on its way and gives the results that are ready. It waits
// while too much is under way.
func (l *line[T, R]) take(item T) {
	name := l.name(item)
	if l.gone {
		return
	}
	m, result, settled := l.place(l.ctx, item)
	if settled {
		g := &group[T, R]{results: []R{result}, done: make(chan struct{})}
		close(g.done)
		l.waiting = append(l.waiting, slot[T, R]{g, 0, name})
		if err := l.ends(g.results); err != nil {
			l.end(err)
		}
	} else {
		into, complete := l.groups.add(item, m)
		l.waiting = append(l.waiting, slot[T, R]{into, len(into.items) - 1, name})
		l.bytes += m.held
		for _, g := range complete {
			l.start(g)
		}
	}
	for len(l.waiting) > 0 && !l.gone && (l.ready() || l.bytes > flowBytes || len(l.waiting) > l.most) {
		l.give()
	}
}

// name is the identity of an item, once no earlier one of that name is waiting.
func (l *line[T, R]) name(item T) string {
	if l.identity == nil {
		return ""
	}
	name := l.identity(item)
	for !l.gone {
		if _, waits := l.names[name]; !waits {
			break
		}
		l.give()
	}
	l.names[name] = struct{}{}
	return name
}

// ready reports whether the next result is there.
func (l *line[T, R]) ready() bool {
	done := l.waiting[0].in.done
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

// give gives the next result, and starts its call first if it still waits for company.
func (l *line[T, R]) give() {
	next := l.waiting[0]
	if next.in.done == nil {
		l.groups.close(next.in)
		l.start(next.in)
	}
	<-next.in.done
	if next.index == len(next.in.results)-1 {
		l.bytes -= next.in.sum.held
	}
	delete(l.names, next.name)
	l.waiting[0] = slot[T, R]{} // or it would keep its group alive
	l.waiting = l.waiting[1:]
	l.gone = !l.yield(next.in.results[next.index])
}

// start makes the call of a complete group, once there is room for it.
func (l *line[T, R]) start(g *group[T, R]) {
	g.done = make(chan struct{})
	select {
	case l.free <- struct{}{}:
	case <-l.ctx.Done():
		l.skip(g)
		return
	}
	if l.why() == nil && !l.gone && l.begin != nil {
		if err := l.begin(g.items); err != nil {
			l.end(err)
		}
	}
	if l.why() != nil || l.gone {
		<-l.free
		l.skip(g)
		return
	}
	l.under.Go(func() {
		defer func() { <-l.free }()
		g.results = l.call(l.ctx, g.items)
		if err := l.ends(g.results); err != nil {
			l.end(err)
		}
		g.items = nil
		close(g.done)
	})
}

// skip settles a group that is not called for.
func (l *line[T, R]) skip(g *group[T, R]) {
	g.results = make([]R, len(g.items))
	for i, item := range g.items {
		g.results[i] = l.skipped(item, l.why())
	}
	g.items = nil
	close(g.done)
}

// end lets no further call begin. When ctx has ended, that is why: err may be no
// more than what it left of a call.
func (l *line[T, R]) end(err error) {
	if l.why() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = err
	}
}

// why is the reason for which no further call begins, or nil.
func (l *line[T, R]) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = l.ctx.Err()
	}
	return l.ended
}
