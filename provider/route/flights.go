package route

import "time"

const stallWords = "many sends are under way, and none has succeeded for 3 s"

// flights are the running sends of a member. They show that a provider does not
// respond before the first of them fails.
type flights struct {
	list    []*flight // by their start; ended ones are removed from the front
	under   int
	success time.Time // of the last that succeeded
}

type flight struct {
	at   time.Time
	over bool
}

func (f *flights) begin(now time.Time) *flight {
	one := &flight{at: now}
	f.list = append(f.list, one)
	f.under++
	return one
}

func (f *flights) end(one *flight, ok bool) {
	one.over = true
	f.under--
	if ok {
		f.success = time.Now()
	}
	n := 0
	for n < len(f.list) && f.list[n].over {
		n++
	}
	f.list = f.list[n:]
}

// stalled reports whether many sends wait, the first for long, and none has
// succeeded since the first began.
func (f *flights) stalled(now time.Time) bool {
	return f.under >= leastSends && now.Sub(f.list[0].at) >= stallAfter && f.success.Before(f.list[0].at)
}
