package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
)

// ownPaths begins the paths of the sandbox itself; all others are the vendors'.
const ownPaths = "/_postmux/"

// control is the control API: a row for each operation of control.yaml.
var control = []struct {
	pattern string // of http.ServeMux, below /_postmux/v1
	handle  func(*Server, *http.Request) (any, *refusal)
}{
	{"GET /sandbox", (*Server).about},
	{"GET /mails", (*Server).listMails},
	{"DELETE /mails", (*Server).deleteMails},
	{"GET /mails/{number}", (*Server).getMail},
	{"DELETE /mails/{number}", (*Server).deleteMail},
	{"GET /mails/{number}/request", (*Server).getMailRequest},
	{"GET /mails/{number}/html", (*Server).getMailHTML},
	{"GET /mails/{number}/files/{index}", (*Server).getMailFile},
	{"GET /wait", (*Server).waitForMail},
	{"GET /events", (*Server).events},
	{"GET /violations", (*Server).listViolations},
	{"DELETE /violations", (*Server).deleteViolations},
	{"GET /faults", (*Server).listFaults},
	{"POST /faults", (*Server).plantFault},
	{"DELETE /faults", (*Server).clearFaults},
	{"GET /contacts", (*Server).listContacts},
	{"GET /lists", (*Server).listLists},
	{"GET /clock", (*Server).getClock},
	{"POST /clock", (*Server).advanceClock},
	{"POST /reset", (*Server).resetAll},
	{"GET /openapi.yaml", (*Server).describe},
}

// refusal is an error of the control API.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	status  int
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{Code: code, Message: fmt.Sprintf(format, args...), status: status}
}

func badRequest(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "bad_request", format, args...)
}

func notFound(format string, args ...any) *refusal {
	return refuse(http.StatusNotFound, "not_found", format, args...)
}

// raw is a result that is no JSON.
type raw struct {
	kind string // media type
	data []byte
	csp  string // in place of nothingAllowed
	name string // of a file to save; empty when it is to be shown
}

// stream is a result that is written while it comes.
type stream func(w http.ResponseWriter)

// nothingAllowed is the policy of all that is no page: opened in a browser, it does
// nothing.
const nothingAllowed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// frameAllowed is the policy of the HTML of a mail: styles and images within it, and
// nothing from elsewhere.
const frameAllowed = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'self'; sandbox"

// ownMux leads to the page and to the control API.
func (s *Server) ownMux() http.Handler {
	mux := http.NewServeMux()
	for _, row := range control {
		method, path, _ := strings.Cut(row.pattern, " ")
		mux.HandleFunc(method+" "+ownPaths+"v1"+path, func(w http.ResponseWriter, r *http.Request) {
			v, no := row.handle(s, r)
			answerOwn(w, v, no)
		})
	}
	mux.HandleFunc(ownPaths+"v1/", func(w http.ResponseWriter, r *http.Request) {
		no := notFound("there is no %s; %sv1/openapi.yaml describes the control API", text.Clip(r.URL.Path), ownPaths)
		if allowed := methodsOf(r.URL.Path); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			no = refuse(http.StatusMethodNotAllowed, "method_not_allowed", "expected %s, got %s", strings.Join(allowed, " or "), text.Clip(r.Method))
		}
		answerOwn(w, nil, no)
	})
	pageRoutes(mux)
	return mux
}

// methodsOf returns the methods that a path of the control API has.
func methodsOf(path string) []string {
	var out []string
	for _, row := range control {
		method, pattern, _ := strings.Cut(row.pattern, " ")
		want, got := strings.Split(pattern, "/"), strings.Split(strings.TrimPrefix(path, ownPaths+"v1"), "/")
		if slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") }) {
			out = append(out, method)
		}
	}
	return out
}

// serveOwn answers what is asked of the sandbox itself. Pages of other origins may neither
// read it, for lack of CORS and by the policies below, nor change anything.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", nothingAllowed)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-DNS-Prefetch-Control", "off")
	h.Set("Cache-Control", "no-store")
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		answerOwn(w, nil, refuse(http.StatusForbidden, "cross_origin", "a page of another origin changes nothing here"))
		return
	}
	s.own.ServeHTTP(w, r)
}

// answerOwn writes a result of the control API.
func answerOwn(w http.ResponseWriter, v any, no *refusal) {
	h, status := w.Header(), http.StatusOK
	switch result := v.(type) {
	case stream:
		result(w)
		return
	case raw:
		h.Set("Content-Type", result.kind)
		if result.csp != "" {
			h.Set("Content-Security-Policy", result.csp)
		}
		if result.name != "" {
			h.Set("Content-Disposition", disposition(result.name))
		}
		h.Set("Content-Length", strconv.Itoa(len(result.data)))
		_, _ = w.Write(result.data)
		return
	}
	if no != nil {
		v, status = map[string]any{"error": no}, no.status
	}
	data, err := json.Marshal(v)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":{"code":"bug","message":"the answer does not encode"}}`)
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}

// known refuses parameters that an operation does not have, those given twice and those
// without a value: a filter that is misspelt or empty would find, or delete, everything.
func known(r *http.Request, names ...string) (url.Values, *refusal) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query is not encoded as it should be")
	}
	for name, values := range q {
		if !slices.Contains(names, name) {
			return nil, badRequest("there is no parameter %s; there are: %s", text.Quoted(name), strings.Join(names, ", "))
		}
		if len(values) > 1 {
			return nil, badRequest("%s: expected one value, got %d", name, len(values))
		}
		if values[0] == "" {
			return nil, badRequest("%s: expected a value", name)
		}
	}
	return q, nil
}

// whole reads a number of a query.
func whole(q url.Values, name string, def, least, most int64) (int64, *refusal) {
	if !q.Has(name) {
		return def, nil
	}
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || n < least || n > most {
		return 0, badRequest("%s: expected a whole number from %d to %d, got %q", name, least, most, text.Clip(q.Get(name)))
	}
	return n, nil
}

// span checks a time span in seconds.
func span(name string, n float64, most time.Duration) (time.Duration, *refusal) {
	if !(n >= 0 && n <= most.Seconds()) {
		return 0, badRequest("%s: expected seconds from 0 to %.0f", name, most.Seconds())
	}
	return time.Duration(n * float64(time.Second)), nil
}

// providerOf checks the name of a fake; hosts are those of Requests and Fail.
func (s *Server) providerOf(name string, hosts bool) *refusal {
	st, ok := s.states[name]
	if !ok || !hosts && st.partOf != "" {
		return badRequest("provider: expected one of %s, got %q", strings.Join(Providers(), ", "), text.Clip(name))
	}
	return nil
}

// decodeBody reads a JSON body into out, a pointer to a struct. A content type is not
// asked for: a page of another origin does not come this far.
func decodeBody(r *http.Request, out any) *refusal {
	const most = 1 << 20
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "the body is over 1 MB")
	}
	if err := strictjson.Decode(data, out); err != nil {
		return badRequest("%s", err.Error())
	}
	return nil
}

func (s *Server) about(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	type row struct {
		Name    string `json:"name"`
		Title   string `json:"title"`
		BaseURL string `json:"base_url"`
		Key     string `json:"key"`
		Mails   int    `json:"mails"`
	}
	titles := map[string]string{}
	for _, v := range api.Vendors() {
		titles[v.Spec] = v.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []row{}
	for _, name := range Providers() {
		st := s.states[name]
		rows = append(rows, row{name, titles[name], "http://" + r.Host + st.prefix, st.key, len(st.store.mails.items)})
	}
	return map[string]any{"providers": rows, "lenient": s.lenient, "last": s.seq, "violations": len(s.past.items), "now": s.now()}, nil
}

// mailFilter finds mails.
type mailFilter struct{ provider, to, subject, q string }

var filterNames = []string{"provider", "to", "subject", "q"}

func (s *Server) filterOf(q url.Values) (mailFilter, *refusal) {
	f := mailFilter{
		provider: q.Get("provider"), to: q.Get("to"), subject: strings.ToLower(q.Get("subject")), q: strings.ToLower(strings.TrimSpace(q.Get("q"))),
	}
	if f.provider != "" {
		return f, s.providerOf(f.provider, false)
	}
	return f, nil
}

// takes reports whether m is looked for; s.mu is held.
func (f mailFilter) takes(st *store, m *mail) bool {
	if f.to != "" && !slices.ContainsFunc(m.recipients(), func(email string) bool { return sameEmail(email, f.to) }) {
		return false
	}
	if f.subject != "" && !strings.Contains(strings.ToLower(st.filled(m, m.Subject)), f.subject) {
		return false
	}
	if f.q == "" {
		return true
	}
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), f.q) })
	}
	if has(st.filled(m, m.Subject), m.ID, m.Template, m.From.Email, m.From.Name) || has(m.Tags...) || has(m.recipients()...) {
		return true
	}
	for _, a := range slices.Concat(m.To, m.Cc, m.Bcc) {
		if has(a.Name) {
			return true
		}
	}
	for _, a := range m.Attachments {
		if has(a.Name) {
			return true
		}
	}
	return has(st.filled(m, m.Text)) || has(st.filled(m, m.HTML))
}

// found returns the mails behind a number that f takes, newest first; s.mu is held.
func (s *Server) found(f mailFilter, after int64) []*mail {
	var out []*mail
	for _, name := range Providers() {
		if f.provider != "" && f.provider != name {
			continue
		}
		st := s.states[name].store
		items := st.mails.items
		for i := len(items) - 1; i >= 0 && items[i].seq > after; i-- {
			if f.takes(st, items[i]) {
				out = append(out, items[i])
			}
		}
	}
	slices.SortFunc(out, func(a, b *mail) int { return int(b.seq - a.seq) })
	return out
}

// Sizes of a page of mails.
const (
	usualPage = 100
	mostPage  = 1000
)

func (s *Server) listMails(r *http.Request) (any, *refusal) {
	q, no := known(r, append(filterNames, "limit", "before")...)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, no := s.filterOf(q)
	if no != nil {
		return nil, no
	}
	limit, no := whole(q, "limit", usualPage, 1, mostPage)
	if no != nil {
		return nil, no
	}
	before, no := whole(q, "before", 0, 1, 1<<62)
	if no != nil {
		return nil, no
	}
	rows, next := []mailRow{}, (*int64)(nil)
	all := s.found(f, 0)
	for _, m := range all {
		if before > 0 && m.seq >= before {
			continue
		}
		if int64(len(rows)) == limit {
			next = &rows[len(rows)-1].Number
			break
		}
		rows = append(rows, s.states[m.Provider].store.row(m))
	}
	return map[string]any{"mails": rows, "total": len(all), "next": next, "changes": s.changes}, nil
}

// mailOf finds the mail of a path; s.mu is held.
func (s *Server) mailOf(r *http.Request) (*store, *mail, *refusal) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err == nil {
		for _, name := range Providers() {
			st := s.states[name].store
			// The mails of a store are in the order of their numbers.
			i, ok := slices.BinarySearchFunc(st.mails.items, number, func(m *mail, n int64) int { return int(m.seq - n) })
			if ok {
				return st, st.mails.items[i], nil
			}
		}
	}
	return nil, nil, notFound("no mail has the number %s, or it is no longer kept", text.Clip(r.PathValue("number")))
}

func (s *Server) getMail(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	return st.view(m), nil
}

func (s *Server) getMailRequest(r *http.Request) (any, *refusal) {
	q, no := known(r, "whole")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	if m.via == nil {
		return nil, notFound("the request of this mail is not kept")
	}
	return m.via.view(s.states[st.name].key, q.Get("whole") == "true"), nil
}

func (s *Server) getMailHTML(r *http.Request) (any, *refusal) {
	s.mu.Lock()
	st, m, no := s.mailOf(r)
	if no != nil {
		s.mu.Unlock()
		return nil, no
	}
	html := st.filled(m, m.HTML)
	s.mu.Unlock()
	return raw{kind: "text/html; charset=utf-8", data: []byte(framed(html)), csp: frameAllowed}, nil
}

// getMailFile gives every file as bytes to be saved, whatever its type says.
func (s *Server) getMailFile(r *http.Request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	i, err := strconv.Atoi(r.PathValue("index"))
	if err != nil || i < 0 || i >= len(m.Attachments) {
		return nil, notFound("the mail has %d attachments, counted from 0", len(m.Attachments))
	}
	a := m.Attachments[i]
	if a.Content == nil && a.URL != "" {
		return nil, notFound("the attachment is named by a URL, which the sandbox does not fetch")
	}
	return raw{kind: "application/octet-stream", data: a.Content, name: fileName(a, i)}, nil
}

func (s *Server) deleteMails(r *http.Request) (any, *refusal) {
	q, no := known(r, filterNames...)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, no := s.filterOf(q)
	if no != nil {
		return nil, no
	}
	return s.remove(s.found(f, 0)), nil
}

func (s *Server) deleteMail(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	return s.remove([]*mail{m}), nil
}

// remove forgets mails; their fakes do not find them any more. s.mu is held.
func (s *Server) remove(mails []*mail) any {
	which := make(map[*mail]bool, len(mails))
	for _, m := range mails {
		which[m] = true
	}
	for _, st := range s.states {
		for _, m := range st.store.mails.remove(func(m *mail) bool { return which[m] }) {
			m.forget()
		}
	}
	s.stale()
	return map[string]any{"deleted": len(mails)}
}

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
		last, changes, violations := s.seq, int64(-1), -1
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
			s.mu.Unlock()
			for chunk := range slices.Chunk(rows, mostPage) {
				send(w, "mails", chunk)
			}
			if state != changes || said != violations {
				send(w, "state", map[string]any{"changes": state, "violations": said, "last": last})
				changes, violations = state, said
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

// Bounds of a fault and of the clock.
const (
	mostDelay  = 24 * time.Hour
	mostAhead  = 10 * 365 * 24 * time.Hour
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

func (s *Server) listContacts(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.providerOf(q.Get("provider"), false); no != nil {
		return nil, no
	}
	return map[string]any{"contacts": s.states[q.Get("provider")].store.contactViews()}, nil
}

func (s *Server) listLists(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.providerOf(q.Get("provider"), false); no != nil {
		return nil, no
	}
	type row struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Contacts int    `json:"contacts"` // whatever their status
	}
	rows := []row{}
	st := s.states[q.Get("provider")].store
	for _, l := range st.lists {
		rows = append(rows, row{l.id, l.name, len(st.membersOf(l.id))})
	}
	return map[string]any{"lists": rows}, nil
}

// clock is the clock of the sandbox; s.mu is held.
func (s *Server) clock() any {
	return map[string]any{"now": s.now(), "ahead_seconds": s.ahead.Seconds()}
}

func (s *Server) getClock(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock(), nil
}

func (s *Server) advanceClock(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	var in struct {
		Advance float64 `json:"advance_seconds"`
	}
	if no := decodeBody(r, &in); no != nil {
		return nil, no
	}
	d, no := span("advance_seconds", in.Advance, mostAhead)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	ahead := s.ahead
	s.mu.Unlock()
	if ahead+d > mostAhead {
		return nil, badRequest("advance_seconds: the clock would be more than ten years ahead")
	}
	s.Advance(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock(), nil
}

func (s *Server) resetAll(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.Reset()
	return map[string]any{"reset": true}, nil
}

func (s *Server) describe(*http.Request) (any, *refusal) {
	return raw{kind: "application/yaml", data: description}, nil
}
