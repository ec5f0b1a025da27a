package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/vendorurl"
)

// maxBody is the most that the sandbox reads of a request, in bytes. More gets status 413
// in the vendor's form. The largest documented mail has 20 MB, 27 MB in base64.
const maxBody = 64 << 20

// Request is a request as it arrived.
type Request struct {
	Provider  string
	Operation string // operationId; empty when the spec has no such operation
	Method    string
	Path      string // the vendor's path, decoded
	Query     url.Values
	Header    http.Header // with the key
	Body      []byte
	Fields    []Field // of a form body, in order
}

// Field is a field of a form. A file's content is in Value.
type Field struct {
	Name, Value           string
	Filename, ContentType string // of files
}

// JSON decodes the body into out.
func (r Request) JSON(out any) error { return exact.Unmarshal(r.Body, out) }

// ServeHTTP responds as the vendor that the first segments of the path name; /_postmux/ is
// the sandbox's own, the page of its mails and the control API. A request whose Host is not
// this machine, nor a name of [AllowHosts], is refused: a page of the web may give its own
// name the address of this machine, and would be able to read mail then.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.allowedHost(r.Host) {
		http.Error(
			w, "the sandbox is asked by a name or an address of this machine only, like localhost or 127.0.0.1",
			http.StatusMisdirectedRequest,
		)
		return
	}
	if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, ownPaths) {
		s.serveOwn(w, r)
		return
	}
	provider, path, ok := cutPrefix(r.URL.EscapedPath())
	if !ok {
		http.Error(
			w, "no provider here; there are "+strings.Join(prefixes(), " "), http.StatusNotFound,
		)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); !errors.As(err, &tooLarge) {
			panic(http.ErrAbortHandler) // the caller has disconnected
		}
		write(w, s.failure(
			provider, &call{}, http.StatusRequestEntityTooLarge, "sandbox: the request is over 64 MB",
		))
		return
	}
	defer s.wake()
	write(w, s.serve(provider, path, r, body))
}

// allowedHost reports whether a Host header, with a port or not, names this machine.
func (s *Server) allowedHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return vendorurl.LoopbackHost(name) || slices.Contains(s.hosts, name)
}

// dropped is the status of a response that is not sent.
const dropped = -1

// write sends a. A dropped response closes the connection.
func write(w http.ResponseWriter, a answer) {
	if a.status == dropped {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	if data, _ := a.body.([]byte); len(data) > 0 {
		_, _ = w.Write(data)
	}
}

// serve handles a request: it finds the operation, checks the request, applies a
// fault, checks the key, carries the operation out and checks the response. The
// body of the result is bytes.
func (s *Server) serve(provider, path string, r *http.Request, body []byte) answer {
	c := &call{
		path: map[string]string{}, query: r.URL.Query(), header: r.Header.Clone(), body: body, raw: body,
	}
	rec := Request{
		Provider: provider, Method: r.Method, Query: c.query, Header: c.header, Body: body,
	}
	rec.Path, _ = url.PathUnescape(path)

	sp, err := specs[provider]()
	if err != nil {
		s.record(rec, Violation{Provider: provider, What: "the spec does not load: " + err.Error()})
		return s.failure(
			provider, c, http.StatusInternalServerError, "sandbox: the spec does not load",
		)
	}
	rt, status := sp.find(r.Method, path, c.path)
	e := &easing{provider: provider}
	if rt == nil && s.lenient && strings.HasSuffix(path, "/") {
		if rt, _ = sp.find(r.Method, strings.TrimRight(path, "/"), c.path); rt != nil && !e.takes("slash", "") {
			rt = nil
		}
	}
	if rt != nil && rt.unproved() && (!s.lenient || !e.takes("unproved operation", "")) {
		rt, status = nil, http.StatusMethodNotAllowed
	}
	if rt == nil {
		what := fmt.Sprintf("the spec has no operation %s %s", r.Method, clip(rec.Path, 100))
		s.record(rec, Violation{Provider: provider, What: what})
		return s.failure(provider, c, status, "sandbox: "+what)
	}
	c.op, rec.Operation = rt.op.OperationID, rt.op.OperationID
	if s.lenient {
		r = r.Clone(r.Context())
		e.ease(rt, r, c)
		if len(e.met) > 0 {
			s.violate(Violation{Provider: provider, Operation: c.op, What: "request: " + strings.Join(e.met, "; "), Taken: true})
		}
	}
	problems := rt.checkRequest(r, c, &rec)
	if len(problems) > 0 {
		what := "request: " + strings.Join(problems, "; ")
		s.record(rec, Violation{Provider: provider, Operation: c.op, What: what})
		return s.failure(provider, c, http.StatusBadRequest, "sandbox: "+what)
	}
	s.record(rec)
	x := newExchange(rec, e.met)
	a, checked := s.carryOut(provider, rt, c, x)
	if checked {
		a = s.checked(provider, rt, c, a)
	}
	s.mu.Lock()
	x.answered(a)
	s.mu.Unlock()
	if !s.waitFor(r.Context(), a.after) {
		return answer{status: dropped}
	}
	return a
}

// checked returns a, as it may also be written, if the spec allows it.
func (s *Server) checked(provider string, rt *route, c *call, a answer) answer {
	if s.odd {
		a = rt.odd(a)
	}
	if problems := rt.checkAnswer(a); len(problems) > 0 {
		what := fmt.Sprintf("answer %d: %s", a.status, strings.Join(problems, "; "))
		s.violate(Violation{Provider: provider, Operation: c.op, What: what})
		return s.failure(provider, c, http.StatusInternalServerError, "sandbox: "+what)
	}
	return a
}

// waitFor waits until the clock of the sandbox is ahead by d, which Advance hastens and
// Reset ends. It returns false when the caller has left before.
func (s *Server) waitFor(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	s.mu.Lock()
	until, resets := s.now().Add(d), s.resets
	s.mu.Unlock()
	for {
		s.mu.Lock()
		left, changed, over := until.Sub(s.now()), s.changed, s.resets != resets
		s.mu.Unlock()
		if left <= 0 || over {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// carryOut runs the handler of an operation under the lock. checked reports whether
// the response must be checked: faults are not.
func (s *Server) carryOut(provider string, rt *route, c *call, x *exchange) (a answer, checked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = x
	defer func() { s.current = nil }()
	st := s.state(provider)
	defer func() {
		if p := recover(); p != nil {
			s.addViolations(Violation{
				Provider: provider, Operation: c.op, What: clip(fmt.Sprint("panic: ", p), 300),
			})
			a, checked = st.finish(
				c, st.fake.fail(http.StatusInternalServerError, "sandbox: panic"),
			), false
		}
	}()
	st.store.happen()
	fault, failing := st.takeFault(rt.op)
	x.fault(fault, failing)
	if !failing || fault.After || fault.slow() {
		var ok bool
		if a, ok = st.fake.authorize(c); ok {
			if handle := st.handlers[c.op]; handle != nil {
				a = handle(c)
			} else {
				a = rt.example()
			}
		}
	}
	switch {
	case failing && fault.Drop:
		return answer{status: dropped, after: fault.Delay}, false
	case failing && !fault.slow():
		return fault.answer(), false
	}
	a = st.finish(c, a)
	a.after = fault.Delay
	return a, true
}

// failure is a response of the sandbox itself, in the vendor's form.
func (s *Server) failure(provider string, c *call, status int, message string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(provider)
	return st.finish(c, st.fake.fail(status, message))
}

// finish encodes the body while the lock is held, because it may share the store's
// maps, and adds the headers of the vendor.
func (st *state) finish(c *call, a answer) answer {
	h := http.Header{}
	if a.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if d, ok := st.fake.(decorator); ok {
		d.decorate(c, h)
	}
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	a.header = h
	switch body := a.body.(type) {
	case nil, []byte:
	default:
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false) // the vendors do not escape < and > of message ids
		if err := enc.Encode(body); err != nil {
			panic("sandbox: " + c.op + ": the answer does not encode: " + err.Error())
		}
		a.body = bytes.TrimSpace(buf.Bytes())
	}
	return a
}

func (s *Server) record(r Request, violations ...Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.add(r, r.size(), s.bound)
	s.addViolations(violations...)
}

func (s *Server) violate(v Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addViolations(v)
}

// addViolations keeps violations; s.mu is held.
func (s *Server) addViolations(v ...Violation) {
	s.violations = append(s.violations, v[:min(len(v), maxViolations-len(s.violations))]...)
	for _, v := range v {
		s.past.add(past{Violation: v, At: s.now()}, overhead+len(v.What), maxPast)
	}
	if len(v) > 0 {
		s.touch()
	}
}

// cutPrefix returns the provider of a path and the path after its prefix.
func cutPrefix(escaped string) (provider, path string, ok bool) {
	for _, v := range vendors {
		if rest, ok := strings.CutPrefix(escaped, v.prefix); ok && strings.HasPrefix(rest, "/") {
			return v.name, rest, true
		}
	}
	return "", "", false
}

func prefixes() []string {
	out := make([]string, len(vendors))
	for i, v := range vendors {
		out[i] = v.prefix
	}
	return out
}

// mediaType returns the media type of a header, in lower case.
func mediaType(h http.Header) string {
	mt, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mt
}

// clip keeps texts of violations short.
func clip(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most]) + "…"
}
