package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	{"POST /triggers", (*Server).triggerEvent},
	{"GET /webhooks", (*Server).listWebhooks},
	{"POST /webhooks", (*Server).enterWebhook},
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
