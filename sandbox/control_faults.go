package sandbox

import (
	"net/http"
	"strings"
	"time"
)

func (s *Server) listViolations(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := q.Get("provider")
	if name != "" {
		if no := s.providerOf(name, true); no != nil {
			return nil, no
		}
	}
	rows := []past{}
	for _, v := range newestFirst(s.past.items) {
		if name == "" || v.Provider == name {
			rows = append(rows, v)
		}
	}
	return map[string]any{"violations": rows}, nil
}

// deleteViolations leaves those that Violations has not told yet.
func (s *Server) deleteViolations(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.past.items)
	s.past = kept[past]{}
	s.touch()
	return map[string]any{"deleted": n}, nil
}

// faultView is a Fault in the control API.
type faultView struct {
	Provider  string            `json:"provider"`
	Operation string            `json:"operation"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	After     bool              `json:"after"`
	Drop      bool              `json:"drop"`
	Delay     float64           `json:"delay_seconds"`
	Times     int               `json:"times"`
}

func viewOfFault(provider string, f Fault) faultView {
	v := faultView{
		Provider: provider, Operation: f.Operation, Status: f.Status, Headers: map[string]string{}, Body: f.Body, After: f.After, Drop: f.Drop,
		Delay: f.Delay.Seconds(), Times: f.Times,
	}
	for name, values := range f.Header {
		v.Headers[name] = strings.Join(values, ", ")
	}
	return v
}

func (s *Server) listFaults(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []faultView{}
	for _, v := range vendors {
		for _, f := range s.states[v.name].faults {
			rows = append(rows, viewOfFault(v.name, f))
		}
	}
	return map[string]any{"faults": rows}, nil
}

// Bounds of a fault.
const (
	mostDelay  = 24 * time.Hour
	mostTimes  = 1_000_000
	leastCode  = 200
	mostCode   = 599
	mostFaults = 1000 // of one provider
)

func (s *Server) plantFault(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	var in faultView
	if no := decodeBody(r, &in); no != nil {
		return nil, no
	}
	s.mu.Lock()
	no := s.providerOf(in.Provider, true)
	s.mu.Unlock()
	if no != nil {
		return nil, no
	}
	if err := checkOperation(in.Provider, in.Operation); err != nil {
		return nil, badRequest("operation: %s", strings.TrimPrefix(err.Error(), "sandbox: "))
	}
	if in.Status != 0 && (in.Status < leastCode || in.Status > mostCode) {
		return nil, badRequest("status: expected %d to %d, got %d", leastCode, mostCode, in.Status)
	}
	if in.Times < 0 || in.Times > mostTimes {
		return nil, badRequest("times: expected 1 to %d, got %d", mostTimes, in.Times)
	}
	delay, no := span("delay_seconds", in.Delay, mostDelay)
	if no != nil {
		return nil, no
	}
	f := Fault{
		Operation: in.Operation, Status: in.Status, Body: in.Body, After: in.After, Drop: in.Drop, Delay: delay, Times: in.Times,
	}
	for name, v := range in.Headers {
		if f.Header == nil {
			f.Header = http.Header{}
		}
		if strings.ContainsAny(name+v, "\r\n") || name == "" {
			return nil, badRequest("headers: expected names and values of one line")
		}
		f.Header.Set(name, v)
	}
	s.mu.Lock()
	full := len(s.states[in.Provider].faults) >= mostFaults
	s.mu.Unlock()
	if full {
		return nil, badRequest("%s has %d faults already", in.Provider, mostFaults)
	}
	s.Fail(in.Provider, f)
	f.Times = max(f.Times, 1)
	if f.Status == 0 && !f.slow() {
		f.Status = http.StatusServiceUnavailable
	}
	return viewOfFault(in.Provider, f), nil
}

func (s *Server) clearFaults(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := q.Get("provider")
	if name != "" {
		if no := s.providerOf(name, true); no != nil {
			return nil, no
		}
	}
	n := 0
	for _, v := range vendors {
		if name == "" || name == v.name {
			n += len(s.states[v.name].faults)
			s.states[v.name].faults = nil
		}
	}
	return map[string]any{"deleted": n}, nil
}
