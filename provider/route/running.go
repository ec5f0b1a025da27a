package route

import "time"

const stallWords = "many sends are under way, and none has succeeded for 3 s"

// runningSends are the running sends of a member. They show that a provider does not
// respond before the first of them fails.
type runningSends struct {
	list    []*runningSend // by their start; ended ones are removed from the front
	count   int            // of those that have not ended
	success time.Time      // of the last that succeeded
}

type runningSend struct {
	at    time.Time
	ended bool
}

func (f *runningSends) begin(now time.Time) *runningSend {
	one := &runningSend{at: now}
	f.list = append(f.list, one)
	f.count++
	return one
}

func (f *runningSends) end(one *runningSend, ok bool) {
	one.ended = true
	f.count--
	if ok {
		f.success = time.Now()
	}
	n := 0
	for n < len(f.list) && f.list[n].ended {
		n++
	}
	f.list = f.list[n:]
}

// stalled reports whether many sends wait, the first for long, and none has
// succeeded since the first began.
func (f *runningSends) stalled(now time.Time) bool {
	return f.count >= leastSends && now.Sub(f.list[0].at) >= stallAfter && f.success.Before(f.list[0].at)
}
