package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Fault is a failure on demand. Its response is not checked, so Body may be
// anything: HTML, half a JSON document, nothing.
type Fault struct {
	// Operation is the operationId of the spec to fail, like sendEmail; empty means
	// any but the one that gets a token.
	Operation string
	// Status of the answer; 0 means 503, but see Delay.
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
	// Delay holds the answer back until the clock of the sandbox has gone on by as much,
	// by itself or by Advance. With nothing else set the request is carried out, and its
	// own answer is late.
	Delay time.Duration
	// Times is the number of requests that fail; 0 means one.
	Times int

	fired bool
}

// Fail makes the next requests to a provider fail. Faults are used in the order in
// which they were added; requests that break the spec use none. A provider or an
// operation that does not exist panics: the fault would never fire. A fault that has not
// fired at the end of a test fails the test, unless the test has read it with Faults.
func (s *Server) Fail(provider string, f Fault) {
	if err := checkOperation(provider, f.Operation); err != nil {
		panic(err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	if f.Status == 0 && !f.slow() {
		f.Status = http.StatusServiceUnavailable
	}
	st := s.state(provider)
	st.faults = append(st.faults, f)
}

// slow reports whether f is a delay alone.
func (f *Fault) slow() bool {
	return f.Delay > 0 && f.Status == 0 && f.Header == nil && f.Body == "" && !f.After && !f.Drop
}

// Faults returns the faults of a provider that have not fired yet, and forgets them.
func (s *Server) Faults(provider string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(provider)
	unfired := slices.DeleteFunc(st.faults, func(f Fault) bool { return f.fired })
	st.faults = nil
	return unfired
}

// takeFault removes and returns the first fault for an operation. The operation
// without a credential is the one that returns a token.
func (st *state) takeFault(op *openapi3.Operation) (Fault, bool) {
	open := op.Security != nil && len(*op.Security) == 0
	for i := range st.faults {
		f := &st.faults[i]
		if f.Operation != op.OperationID && (f.Operation != "" || open) {
			continue
		}
		f.fired = true
		taken := *f
		if f.Times--; f.Times <= 0 {
			st.faults = append(st.faults[:i:i], st.faults[i+1:]...)
		}
		return taken, true
	}
	return Fault{}, false
}

// checkOperation refuses an operation that the provider's spec does not have.
func checkOperation(provider, operation string) error {
	load, ok := specs[provider]
	if operation == "" || !ok {
		return nil // Server.state refuses the provider
	}
	sp, err := load()
	if err != nil {
		return fmt.Errorf("sandbox: the spec of %s does not load: %w", provider, err)
	}
	hint := ""
	for _, rt := range sp.routes {
		switch {
		case rt.op.OperationID == operation:
			return nil
		case strings.EqualFold(rt.op.OperationID, operation):
			hint = "; its name is " + rt.op.OperationID
		}
	}
	return fmt.Errorf("sandbox: %s has no operation %q, so the fault would never fire%s", provider, operation, hint)
}

func (f Fault) answer() answer {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range f.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	return answer{status: f.Status, body: []byte(f.Body), header: h, after: f.Delay}
}
