package flow

import "slices"

// Limits are the most that one call for several messages or contacts
// takes. Zero means no limit, but for Items, where it means one.
type Limits struct {
	Items     int // messages or contacts
	Addresses int // recipients of all messages together
	Each      int // recipients of a single message; one with more has a call of its own
	Variables int // bytes of the variables of all messages together
	// Bytes of all messages together: variables and texts, without the syntax of
	// the wire. Subject and body count once where they are the same.
	Bytes int
	// Distinct keeps messages with the same first recipient in different calls,
	// where the provider identifies the mails of a call by their addresses.
	Distinct bool
}

// Traits are the properties of an item by which it is grouped.
type Traits struct {
	Key   string // items with the same key may share a call
	Alone bool   // the item must have a call of its own
	// Names are of what the item changes, 0 for none: an item shares no call with an
	// earlier one of a name, and its call waits for the end of the earlier one's.
	Names     [3]uint64
	Once      string // if not empty, no two items of a call have the same
	Addresses int
	Variables int
	Bytes     int       // with the variables, without Texts
	Texts     [3]string // count once for all items with the same
	Held      int       // approximate memory in bytes
}

// group holds the items of one call, in their order, and its results.
type group[T, R any] struct {
	items   []T
	sum     Traits              // of the items; key and texts are the first one's
	names   map[string]struct{} // values of Once
	results []R                 // one for each item, once done is closed
	done    chan struct{}       // nil until the call begins, or waits for others
	after   []*group[T, R]      // whose calls must end before
}

// ended reports whether the call of the group has ended.
func (x *group[T, R]) ended() bool {
	if x.done == nil {
		return false
	}
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

// free reports whether nothing must end before the call of the group.
func (x *group[T, R]) free() bool {
	x.after = slices.DeleteFunc(x.after, (*group[T, R]).ended)
	return len(x.after) == 0
}

// grouper puts items into groups within the limits. It makes no calls and does not
// wait.
type grouper[T, R any] struct {
	limits Limits
	byKey  map[string]*group[T, R] // open groups
	order  []*group[T, R]          // open groups, the oldest first
}

func newGrouper[T, R any](limits Limits) *grouper[T, R] {
	limits.Items = max(limits.Items, 1)
	return &grouper[T, R]{limits: limits, byKey: make(map[string]*group[T, R])}
}

// add puts item into a group, and returns that group and those that are now
// complete: the one without room for the item, and its own when it is full.
func (g *grouper[T, R]) add(item T, m Traits) (into *group[T, R], complete []*group[T, R]) {
	if m.Alone || g.limits.Items == 1 || over(m.Addresses, g.limits.Each) {
		into = new(group[T, R])
		into.add(item, m)
		return into, []*group[T, R]{into}
	}
	into = g.byKey[m.Key]
	if into != nil && (g.limits.passed(into.with(m)) || into.has(m.Once)) {
		g.close(into)
		complete, into = append(complete, into), nil
	}
	if into == nil {
		into = new(group[T, R])
		g.byKey[m.Key] = into
		g.order = append(g.order, into)
	}
	into.add(item, m)
	if len(into.items) == g.limits.Items || g.limits.reached(into.sum) {
		g.close(into)
		complete = append(complete, into)
	}
	return into, complete
}

func (x *group[T, R]) add(item T, m Traits) {
	x.sum = x.with(m)
	x.items = append(x.items, item)
	if m.Once != "" {
		if x.names == nil {
			x.names = make(map[string]struct{})
		}
		x.names[m.Once] = struct{}{}
	}
}

func (x *group[T, R]) has(once string) bool {
	_, has := x.names[once]
	return has
}

// with returns the sum of the group with one more item.
func (x *group[T, R]) with(m Traits) Traits {
	sum := x.sum
	if len(x.items) == 0 {
		sum.Key, sum.Texts = m.Key, m.Texts
	}
	for i, text := range m.Texts {
		if len(x.items) == 0 || text != sum.Texts[i] {
			sum.Bytes += len(text)
		}
	}
	sum.Addresses += m.Addresses
	sum.Variables += m.Variables
	sum.Bytes += m.Bytes
	sum.Held += m.Held
	return sum
}

func (l Limits) passed(sum Traits) bool {
	return over(
		sum.Addresses, l.Addresses,
	) || over(sum.Variables, l.Variables) || over(sum.Bytes, l.Bytes)
}

func (l Limits) reached(sum Traits) bool {
	return over(
		sum.Addresses+1, l.Addresses,
	) || over(sum.Variables+1, l.Variables) || over(sum.Bytes+1, l.Bytes)
}

func over(n, limit int) bool { return limit > 0 && n > limit }

// close removes a group from the open ones.
func (g *grouper[T, R]) close(x *group[T, R]) {
	if g.byKey[x.sum.Key] == x {
		delete(g.byKey, x.sum.Key)
	}
	for i, other := range g.order {
		if other == x {
			g.order = append(g.order[:i], g.order[i+1:]...)
			return
		}
	}
}

// rest closes and returns all open groups, the oldest first.
func (g *grouper[T, R]) rest() []*group[T, R] {
	out := g.order
	g.order, g.byKey = nil, make(map[string]*group[T, R])
	return out
}
