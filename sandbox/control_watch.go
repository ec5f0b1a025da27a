package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Bounds of a wait.
const (
	usualWait = 10 * time.Second
	mostWait  = 5 * time.Minute
)

// waitForMail answers with the newest mail that is looked for, once there is one.
func (s *Server) waitForMail(r *http.Request) (any, *refusal) {
	q, no := known(r, append(filterNames, "after", "timeout")...)
	if no != nil {
		return nil, no
	}
	timeout := usualWait
	if q.Has("timeout") {
		n, err := strconv.ParseFloat(q.Get("timeout"), 64)
		if err != nil {
			n = -1
		}
		if timeout, no = span("timeout", n, mostWait); no != nil {
			return nil, no
		}
	}
	after, no := whole(q, "after", 0, 0, 1<<62)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	f, no := s.filterOf(q)
	resets := s.resets
	s.mu.Unlock()
	if no != nil {
		return nil, no
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	for seen := after; ; {
		s.mu.Lock()
		if s.resets != resets {
			seen, resets = after, s.resets // the numbers have begun anew
		}
		if found := s.found(f, seen); len(found) > 0 {
			view := s.states[found[0].Provider].store.view(found[0])
			s.mu.Unlock()
			return view, nil
		}
		seen = max(seen, s.seq)
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, refuse(http.StatusNotFound, "timeout", "no such mail came within %s", timeout)
		}
	}
}

// beat is the time between two signs of life of an idle stream.
const beat = 20 * time.Second

// events tells a page what happens: "mails" with the rows of new mails, "state" with the
// number of other changes, after which a list is out of date.
func (s *Server) events(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	return stream(func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		s.mu.Lock()
		last, changes, violations, told := s.seq, int64(-1), -1, -1
		s.mu.Unlock()
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			s.mu.Lock()
			changed := s.changed
			if s.seq < last {
				last = s.seq // after a reset
			}
			rows := s.rowsAfter(last)
			last = max(last, s.seq)
			state, said := s.changes, len(s.past.items)+s.past.dropped
			hooks := s.hookCount()
			calls := s.calls.came() + hooks
			s.mu.Unlock()
			for chunk := range slices.Chunk(rows, mostPage) {
				send(w, "mails", chunk)
			}
			if state != changes || said != violations || calls != told {
				send(w, "state", map[string]any{"changes": state, "violations": said, "last": last, "webhooks": hooks, "deliveries": calls - hooks})
				changes, violations, told = state, said, calls
			}
			if err := out.Flush(); err != nil {
				return
			}
			select {
			case <-changed:
			case <-ticker.C:
				_, _ = io.WriteString(w, ": here\n\n")
			case <-r.Context().Done():
				return
			}
		}
	}), nil
}

// rowsAfter returns the rows of the mails behind a number, oldest first; s.mu is held.
func (s *Server) rowsAfter(number int64) []mailRow {
	var out []mailRow
	for _, name := range Providers() {
		st := s.states[name].store
		items := st.mails.items
		for i := len(items) - 1; i >= 0 && items[i].seq > number; i-- {
			out = append(out, st.row(items[i]))
		}
	}
	slices.SortFunc(out, func(a, b mailRow) int { return int(a.Number - b.Number) })
	return out
}

func send(w io.Writer, event string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		return // rows are plain values
	}
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
}
