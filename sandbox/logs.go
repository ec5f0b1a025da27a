package sandbox

import (
	"hash/fnv"
	"io"
	"time"
)

// Logs is how badly the logs behave in which programs look for events. Vendors do all of
// this. Pages shift without it: a page begins after so many rows, whatever came meanwhile.
type Logs struct {
	Late    time.Duration // an event is listed at most so long after it happened, each at a time of its own
	Page    int           // rows in a page at most, whatever is asked for; 0 changes nothing
	Reverse bool          // the order is the other one, whatever is asked for
}

// SetLogs makes logs behave badly, for what happened before too.
func (s *Server) SetLogs(l Logs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = l
}

// listed reports whether a log shows by now what happened at a time. name tells it from what
// else happened.
func (st *store) listed(at time.Time, name ...string) bool {
	late := st.server.logs.Late
	if late <= 0 {
		return true
	}
	sum := fnv.New64a()
	for _, part := range name {
		_, _ = io.WriteString(sum, part+"\x00")
	}
	_, _ = io.WriteString(sum, at.Format(time.RFC3339Nano))
	return !at.Add(time.Duration(sum.Sum64() % uint64(late))).After(st.now())
}

// listed reports whether the log of a mail shows an event by now.
func (h *happening) listed(st *store) bool { return st.listed(h.at, h.m.ID, h.email, h.what) }

// logSize is how many rows a page of a log has at most.
func (st *store) logSize(asked int64) int64 {
	if most := int64(st.server.logs.Page); most > 0 {
		return min(asked, most)
	}
	return asked
}

// inLog brings the rows of a log into the order in which they are listed.
func inLog[T any](st *store, rows []T) []T {
	if st.server.logs.Reverse {
		return newestFirst(rows)
	}
	return rows
}
