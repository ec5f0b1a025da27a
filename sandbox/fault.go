package sandbox

import "net/http"

// Fault is a failure on demand. Its response is not checked, so Body may be
// anything: HTML, half a JSON document, nothing.
type Fault struct {
	// Operation is the operationId to fail; empty means any.
	Operation string
	// Status of the answer; 0 means 503.
	Status int
	Header http.Header
	// Body of the answer. Its Content-Type is application/json unless Header
	// has another.
	Body string
	// After carries the request out first: it has its effect, and the caller gets
	// the failure.
	After bool
	// Drop closes the connection instead of answering.
	Drop bool
	// Times is the number of requests that fail; 0 means one.
	Times int
}

// Fail makes the next requests to a provider fail. Faults are used in the order in
// which they were added; requests that break the spec use none.
func (s *Server) Fail(provider string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	if f.Status == 0 {
		f.Status = http.StatusServiceUnavailable
	}
	st := s.state(provider)
	st.faults = append(st.faults, f)
}

// takeFault removes and returns the first fault for an operation.
func (st *state) takeFault(operation string) (Fault, bool) {
	for i := range st.faults {
		f := st.faults[i]
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		if st.faults[i].Times--; st.faults[i].Times <= 0 {
			st.faults = append(st.faults[:i:i], st.faults[i+1:]...)
		}
		return f, true
	}
	return Fault{}, false
}

func (f Fault) answer() answer {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range f.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return answer{status: f.Status, body: []byte(f.Body), header: h}
}
