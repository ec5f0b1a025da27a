package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func describedControl(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	require.NoError(t, err)
	return doc
}

// The description has the operations that are served, and no other.
func TestControlIsDescribed(t *testing.T) {
	doc := describedControl(t)
	require.NoError(t, doc.Validate(t.Context()))
	var described, served []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, row := range control {
		served = append(served, row.pattern)
	}
	assert.ElementsMatch(t, described, served)
	assert.ElementsMatch(t, doc.Components.Schemas["Provider"].Value.Enum, anys(Providers()))
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

// controller asks the control API and holds each answer against the description.
type controller struct {
	t      *testing.T
	s      *Server
	router routers.Router
	met    map[string]bool // operations that succeeded
}

func controlOf(t *testing.T, s *Server) *controller {
	for _, kind := range []string{"text/html", "application/octet-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
		t.Cleanup(func() { openapi3filter.UnregisterBodyDecoder(kind) })
	}
	doc := describedControl(t)
	doc.Servers = openapi3.Servers{{URL: s.URL() + "/_postmux/v1"}}
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	return &controller{t: t, s: s, router: router, met: map[string]bool{}}
}

func (c *controller) do(status int, method, path, body string) reply {
	c.t.Helper()
	req := httptest.NewRequestWithContext(c.t.Context(), method, c.s.URL()+"/_postmux/v1"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, req)
	require.Equal(c.t, status, w.Code, "%s %s: %s", method, path, w.Body)
	route, params, err := c.router.FindRoute(req)
	require.NoError(c.t, err)
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	if status == http.StatusOK {
		req.Body = io.NopCloser(strings.NewReader(body))
		require.NoError(c.t, openapi3filter.ValidateRequest(c.t.Context(), in), "%s %s", method, path)
		c.met[route.Operation.OperationID] = true
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	out.SetBodyBytes(w.Body.Bytes())
	require.NoError(c.t, openapi3filter.ValidateResponse(c.t.Context(), out), "%s %s", method, path)
	assert.Empty(c.t, w.Header().Get("Access-Control-Allow-Origin"))
	assert.NotEmpty(c.t, w.Header().Get("Content-Security-Policy"))
	r := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &r.body)
	return r
}

func (c *controller) get(path string) map[string]any {
	c.t.Helper()
	return c.do(200, "GET", path, "").body
}

const aRichMail = `{"sender":{"email":"shop@example.com","name":"Shop"},"to":[{"email":"sara@example.com","name":"سارا"},{"email":"bounce@example.com"}],
	"cc":[{"email":"c@example.com"}],"bcc":[{"email":"d@example.com"}],"replyTo":{"email":"r@example.com"},
	"subject":"سفارش {{params.order}}","htmlContent":"<p>سلام {{params.name}} {{params.lost}}</p>","textContent":"سلام {{params.name}}",
	"params":{"name":"سارا","order":"<b>7</b>"},"tags":["order"],"headers":{"X-Shop":"1"},
	"attachment":[{"name":"..\\evil\u202egpj.pdf","content":"JVBERg=="},{"name":"b.txt","content":"aGk="}]}`

// Every operation answers as its description says.
func TestControl(t *testing.T) {
	s := New(t, Lenient())
	c := controlOf(t, s)
	brevo := brevoClient(t, s)
	brevo.call(201, "POST", "/smtp/email", strings.Replace(aRichMail, `"tags"`, `"colour":"red","tags"`, 1))
	brevo.call(201, "POST", "/smtp/email", aMail)
	assert.Len(t, s.Violations(), 1)

	about := c.get("/sandbox")
	assert.Len(t, about["providers"], len(Providers()))
	assert.InDelta(t, 1, about["violations"], 0)

	list := c.get("/mails?limit=1")
	assert.InDelta(t, 2, list["total"], 0)
	assert.InDelta(t, 2, list["next"], 0)
	list = c.get("/mails?limit=1&before=2")
	assert.Nil(t, list["next"])
	row := list["mails"].([]any)[0].(map[string]any)
	assert.Equal(t, "سفارش <b>7</b>", row["subject"], "the variables are filled in")
	assert.Equal(t, "partly", row["fate"])
	assert.InDelta(t, 4, row["recipients"], 0)

	mail := c.get("/mails/1")
	assert.Equal(t, "<p>سلام سارا </p>", mail["html"])
	assert.Equal(t, "سلام سارا", mail["text"])
	assert.Equal(t, "bounced", mail["to"].([]any)[1].(map[string]any)["fate"])
	assert.Equal(t, "evil_gpj.pdf", mail["files"].([]any)[0].(map[string]any)["file_name"])
	notes := fmt.Sprint(mail["notes"])
	assert.Contains(t, notes, "colour")
	assert.Contains(t, notes, "The variable lost has no value")
	assert.Contains(t, notes, "right to left")

	call := c.get("/mails/1/request")
	assert.Equal(t, "/smtp/email", call["path"])
	assert.Equal(t, redacted, call["headers"].(map[string]any)["Api-Key"])
	assert.Contains(t, call["body"], `"htmlContent": "<p>سلام {{params.name}} {{params.lost}}</p>"`)
	assert.InDelta(t, 201, call["answer"].(map[string]any)["status"], 0)
	assert.Len(t, call["taken"], 1)
	c.get("/mails/1/request?whole=true")

	html := c.do(200, "GET", "/mails/1/html", "")
	assert.Equal(t, frameAllowed, html.header.Get("Content-Security-Policy"))
	f := c.do(200, "GET", "/mails/1/files/0", "")
	assert.Equal(t, `attachment; filename=evil_gpj.pdf`, f.header.Get("Content-Disposition"))
	assert.Equal(t, "application/octet-stream", f.header.Get("Content-Type"))
	assert.Equal(t, "%PDF", f.raw)

	assert.InDelta(t, 1, c.get("/wait?to=SARA@example.com&subject=%D8%B3%D9%81%D8%A7%D8%B1%D8%B4")["number"], 0)
	assert.InDelta(t, 2, c.get("/wait?to=sara@example.com")["number"], 0, "the newest")
	for _, q := range []string{"sara", "%D8%B3%D8%A7%D8%B1%D8%A7", "evil", "order", "d@example.com"} {
		assert.NotEmpty(t, c.get("/mails?q=" + q)["mails"], q)
	}
	assert.Empty(t, c.get("/mails?q=nosuch")["mails"])

	assert.Len(t, c.get("/violations?provider=brevo")["violations"], 1)
	c.do(200, "DELETE", "/violations", "")
	assert.Empty(t, c.get("/violations")["violations"])

	fault := c.do(200, "POST", "/faults", `{"provider":"brevo","operation":"sendEmail","status":429,"headers":{"retry-after":"7"},"times":2}`).body
	assert.Equal(t, map[string]any{"Retry-After": "7"}, fault["headers"])
	r := brevo.call(429, "POST", "/smtp/email", aMail)
	assert.Equal(t, "7", r.header.Get("Retry-After"))
	assert.InDelta(t, 1, c.get("/faults")["faults"].([]any)[0].(map[string]any)["times"], 0, "one is left")
	c.do(200, "DELETE", "/faults?provider=brevo", "")
	assert.Empty(t, c.get("/faults")["faults"])

	s.AddContact("brevo", provider.Contact{Email: "a@example.com", FirstName: "A", Memberships: []provider.Membership{{List: "4"}}})
	assert.NotEmpty(t, c.get("/contacts?provider=brevo")["contacts"])
	assert.NotEmpty(t, c.get("/lists?provider=smsby")["lists"])

	clock := c.do(200, "POST", "/clock", `{"advance_seconds":3600}`).body
	assert.InDelta(t, 3600, clock["ahead_seconds"], 0)
	assert.InDelta(t, 3600, c.get("/clock")["ahead_seconds"], 0)

	deleted := c.do(200, "DELETE", "/mails/2", "").body
	assert.InDelta(t, 1, deleted["deleted"], 0)
	c.do(404, "GET", "/mails/2", "")
	c.do(200, "DELETE", "/mails?provider=brevo", "")
	assert.Empty(t, s.Messages())
	brevo.call(201, "POST", "/smtp/email", aMail)
	assert.InDelta(t, 2, c.do(200, "POST", "/triggers", `{"provider":"brevo","kind":"opened","email":"sara@example.com","times":2}`).body["triggered"], 0)
	c.do(400, "POST", "/triggers", `{"provider":"brevo","kind":"levitated","email":"sara@example.com"}`)
	c.do(400, "POST", "/triggers", `{"provider":"brevo","kind":"opened","email":"nobody"}`)
	c.do(200, "POST", "/webhooks", `{"provider":"sendpulse","stream":"smtp","url":"http://127.0.0.1:9/"}`)
	c.do(400, "POST", "/webhooks", `{"provider":"sendpulse","stream":"smtp","url":"https://example.com/"}`)
	c.do(200, "POST", "/triggers", `{"provider":"sendpulse","kind":"opened","email":"sara@example.com","times":3,"batch":2,"shuffle":true}`)
	_, err := s.DeliverEvents(t.Context())
	require.NoError(t, err)
	told := c.get("/webhooks")
	require.Len(t, told["webhooks"], 1)
	assert.InDelta(t, 3, told["webhooks"].([]any)[0].(map[string]any)["waiting"], 0, "nobody answers, so it comes again")
	require.Len(t, told["deliveries"], 2, "in lists of two")
	assert.Equal(t, "again", told["deliveries"].([]any)[0].(map[string]any)["outcome"])
	c.do(400, "POST", "/triggers", `{"provider":"smsby","kind":"opened","email":"sara@example.com","campaign":true}`)
	c.do(200, "POST", "/reset", "")
	assert.Empty(t, s.Messages())
	assert.Empty(t, c.get("/webhooks")["deliveries"])
	assert.InDelta(t, 0, c.get("/clock")["ahead_seconds"], 0)
	c.do(200, "GET", "/openapi.yaml", "")

	var all []string
	for _, item := range describedControl(t).Paths.Map() {
		for _, op := range item.Operations() {
			all = append(all, op.OperationID)
		}
	}
	assert.ElementsMatch(t, slices.DeleteFunc(all, func(id string) bool { return id == "listenToEvents" }), slices.Collect(maps.Keys(c.met)))
}

// A request that asks for what is not there is told so: a misspelt filter would find
// everything.
func TestControlRefuses(t *testing.T) {
	s := New(t)
	brevoClient(t, s).call(201, "POST", "/smtp/email", aMail)
	c := controlOf(t, s)
	for _, row := range []struct {
		name, method, path, body, want string
		status                         int
	}{
		{name: "no such parameter", method: "GET", path: "/mails?form=a", status: 400, want: "no parameter form"},
		{name: "a parameter twice", method: "DELETE", path: "/mails?to=a&to=b", status: 400, want: "expected one value"},
		{name: "a parameter without a value", method: "DELETE", path: "/mails?to=", status: 400, want: "to: expected a value"},
		{name: "a provider of another name", method: "GET", path: "/mails?provider=brvo", status: 400, want: "expected one of brevo"},
		{name: "too many", method: "GET", path: "/mails?limit=1001", status: 400, want: "from 1 to 1000"},
		{name: "no number", method: "GET", path: "/mails/x", status: 404, want: "no mail has the number x"},
		{name: "not there", method: "DELETE", path: "/mails/99", status: 404, want: "no mail has the number 99"},
		{name: "no such file", method: "GET", path: "/mails/1/files/0", status: 404, want: "0 attachments"},
		{name: "nothing came", method: "GET", path: "/wait?to=b@example.com&timeout=0", status: 404, want: "no such mail came within 0s"},
		{name: "nothing newer", method: "GET", path: "/wait?after=1&timeout=0.001", status: 404, want: "within 1ms"},
		{name: "a wait too long", method: "GET", path: "/wait?timeout=301", status: 400, want: "seconds from 0 to 300"},
		{name: "a wait of no number", method: "GET", path: "/wait?timeout=NaN", status: 400, want: "seconds from 0 to 300"},
		{name: "no provider", method: "GET", path: "/contacts", status: 400, want: "provider: expected"},
		{name: "a fault of no operation", method: "POST", path: "/faults", body: `{"provider":"brevo","operation":"SendEmail"}`, status: 400, want: "its name is sendEmail"},
		{name: "a fault with a member too many", method: "POST", path: "/faults", body: `{"provider":"brevo","delay":3}`, status: 400, want: "delay: unknown key"},
		{name: "a fault of no status", method: "POST", path: "/faults", body: `{"provider":"brevo","status":99}`, status: 400, want: "expected 200 to 599"},
		{name: "a split header", method: "POST", path: "/faults", body: `{"provider":"brevo","headers":{"a":"b\r\nc: d"}}`, status: 400, want: "of one line"},
		{name: "a clock that runs back", method: "POST", path: "/clock", body: `{"advance_seconds":-1}`, status: 400, want: "seconds from 0"},
		{name: "too large", method: "POST", path: "/clock", body: strings.Repeat(" ", 1<<20+1), status: 413, want: "over 1 MB"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.t = t
			doc := c.do(row.status, row.method, row.path, row.body).body
			assert.Contains(t, doc["error"].(map[string]any)["message"], row.want)
		})
	}
	for _, row := range []struct {
		name, method, path, allow string
		status                    int
	}{
		{name: "no such path", method: "GET", path: "/_postmux/v1/mail", status: 404},
		{name: "no such page", method: "GET", path: "/_postmux/x", status: 404},
		{name: "another method", method: "PUT", path: "/_postmux/v1/mails/1", status: 405, allow: "GET, DELETE"},
		{name: "not below another path", method: "GET", path: "/_postmux", status: 404},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), row.method, s.URL()+row.path, nil))
			assert.Equal(t, row.status, w.Code, w.Body)
			assert.Equal(t, row.allow, w.Header().Get("Allow"))
		})
	}
	assert.Len(t, s.Messages(), 1)
}

// A page of another origin changes nothing, and gets nothing that it could read.
func TestControlKeepsPagesOut(t *testing.T) {
	s := New(t, AllowHosts("Sandbox.example"))
	brevoClient(t, s).call(201, "POST", "/smtp/email", aMail)
	for _, row := range []struct {
		name, method, path, host string
		header                   http.Header
		want                     int
	}{
		{name: "a program", method: "POST", path: "v1/clock", want: 200},
		{name: "our page", method: "POST", path: "v1/clock", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}, want: 200},
		{name: "another site", method: "POST", path: "v1/clock", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, want: 403},
		{name: "another port", method: "DELETE", path: "v1/mails", header: http.Header{"Sec-Fetch-Site": {"same-site"}}, want: 403},
		{name: "an old browser", method: "POST", path: "v1/reset", header: http.Header{"Origin": {"https://evil.example"}}, want: 403},
		{name: "asking first", method: "OPTIONS", path: "v1/reset", header: http.Header{"Origin": {"https://evil.example"}}, want: 405},
		{name: "a name of the web", method: "GET", path: "v1/mails", host: "evil.example", want: 421},
		{name: "a name that is allowed", method: "GET", path: "v1/mails", host: "sandbox.example:8080", want: 200},
		{name: "the page by such a name", method: "GET", path: "", host: "SANDBOX.example", want: 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := httptest.NewRequestWithContext(t.Context(), row.method, s.URL()+"/_postmux/"+row.path, strings.NewReader(`{"advance_seconds":1}`))
			maps.Copy(req.Header, row.header)
			if row.host != "" {
				req.Host = row.host
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, req)
			assert.Equal(t, row.want, w.Code, w.Body)
			for name := range w.Header() {
				assert.NotContains(t, strings.ToLower(name), "access-control")
			}
		})
	}
	assert.Len(t, s.Messages(), 1)
}

// No field of a mail is missing in what the control API shows.
func TestViewHasEveryField(t *testing.T) {
	shown := map[string]bool{}
	for _, v := range []any{mailRow{}, mailView{}} {
		for f := range fieldsOf(v) {
			shown[f] = true
		}
	}
	// Fate tells Withdrawn and Dropped, Files the attachments, the request has Raw.
	elsewhere := []string{"Withdrawn", "Dropped", "Raw"}
	for f := range fieldsOf(Mail{}) {
		assert.True(t, shown[f] || slices.Contains(elsewhere, f), f)
	}
	for f := range fieldsOf(provider.Attachment{}) {
		_, ok := reflect.TypeFor[fileView]().FieldByName(f)
		assert.True(t, ok || f == "Content", f)
	}
}

func fieldsOf(v any) map[string]bool {
	out := map[string]bool{}
	for i := range reflect.TypeOf(v).NumField() {
		out[reflect.TypeOf(v).Field(i).Name] = true
	}
	return out
}

func TestWaitForMail(t *testing.T) {
	s := New(t)
	type waited struct {
		status int
		body   string
	}
	came := make(chan waited)
	go func() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", s.URL()+"/_postmux/v1/wait?subject=second", nil))
		came <- waited{w.Code, w.Body.String()}
	}()
	brevo := brevoClient(t, s)
	brevo.call(201, "POST", "/smtp/email", aMail)
	select {
	case <-came:
		t.Error("the first mail is another one")
	default:
	}
	brevo.call(201, "POST", "/smtp/email", strings.Replace(aMail, "Hi", "The SECOND", 1))
	got := <-came
	assert.Equal(t, 200, got.status)
	assert.Contains(t, got.body, "The SECOND")
}

// A delay alone lets the request be carried out and its own answer wait, for the clock.
func TestDelay(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault Fault
		hurry func(*Server)
		want  int // status; 0: no answer
		mails int
	}{
		{name: "late", fault: Fault{Delay: time.Hour}, hurry: func(s *Server) { s.Advance(time.Hour) }, want: 201, mails: 1},
		{name: "by real time", fault: Fault{Delay: time.Millisecond}, want: 201, mails: 1},
		{name: "a late failure", fault: Fault{Delay: time.Hour, Status: 500}, hurry: func(s *Server) { s.Advance(2 * time.Hour) }, want: 500},
		{name: "lost late", fault: Fault{Delay: time.Hour, Drop: true, After: true}, hurry: func(s *Server) { s.Advance(time.Hour) }, mails: 1},
		{name: "until the end", fault: Fault{Delay: time.Hour}, hurry: func(s *Server) { _ = s.Close() }, mails: 1},
		{name: "until a reset", fault: Fault{Delay: time.Hour, Status: 500}, hurry: (*Server).Reset, want: 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(t)
			s.Fail("brevo", row.fault)
			status := make(chan int)
			c := brevoClient(t, s)
			go func() {
				r, _ := c.do("POST", "/smtp/email", aMail)
				status <- r.status
			}()
			if row.hurry != nil {
				// The request has come when the fault is used up.
				for len(s.faultsLeft("brevo")) > 0 {
					<-time.After(time.Millisecond)
				}
				select {
				case <-status:
					t.Error("the answer did not wait")
				default:
				}
				row.hurry(s)
			}
			assert.Equal(t, row.want, <-status)
			assert.Len(t, s.Messages(), row.mails)
		})
	}
}

func (s *Server) faultsLeft(provider string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state(provider).faults
}

// The stream tells what came, and that something else changed.
func TestEvents(t *testing.T) {
	s := New(t)
	brevo := brevoClient(t, s)
	brevo.call(201, "POST", "/smtp/email", aMail)
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+"/_postmux/v1/events", nil)
	require.NoError(t, err)
	resp, err := brevo.http.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	next := func() string {
		t.Helper()
		var out bytes.Buffer
		b := make([]byte, 1)
		for !strings.HasSuffix(out.String(), "\n\n") {
			_, err := io.ReadFull(resp.Body, b)
			require.NoError(t, err)
			out.Write(b)
		}
		return out.String()
	}
	assert.Equal(t, "event: state\ndata: {\"changes\":0,\"deliveries\":0,\"last\":1,\"violations\":0,\"webhooks\":0}\n\n", next())
	brevo.call(201, "POST", "/smtp/email", aMail)
	assert.Regexp(t, `^event: mails\ndata: \[\{"number":2,.*\}\]\n\n$`, next())
	s.Advance(time.Second)
	assert.Contains(t, next(), `"changes":1`)
	s.Reset()
	assert.Contains(t, next(), `"changes":2,"deliveries":0,"last":0`)
	brevo.call(201, "POST", "/smtp/email", aMail)
	assert.Contains(t, next(), `"number":1`)
}

func TestFileName(t *testing.T) {
	for _, row := range []struct {
		name string
		in   provider.Attachment
		want string
	}{
		{name: "plain", in: provider.Attachment{Name: "report.pdf"}, want: "report.pdf"},
		{name: "Persian with a joiner", in: provider.Attachment{Name: "گزارش\u200cها.pdf"}, want: "گزارش\u200cها.pdf"},
		{name: "Cyrillic", in: provider.Attachment{Name: "Счёт № 5.pdf"}, want: "Счёт № 5.pdf"},
		{name: "a path", in: provider.Attachment{Name: "../../etc/passwd"}, want: "passwd"},
		{name: "a path of Windows", in: provider.Attachment{Name: `C:\x\y.txt`}, want: "y.txt"},
		{name: "turned around", in: provider.Attachment{Name: "a\u202efdp.exe"}, want: "a_fdp.exe"},
		{name: "lines", in: provider.Attachment{Name: "a\r\nb.txt"}, want: "a__b.txt"},
		{name: "hidden", in: provider.Attachment{Name: ".bashrc"}, want: "bashrc"},
		{name: "a device", in: provider.Attachment{Name: "con.txt"}, want: "_con.txt"},
		{name: "signs", in: provider.Attachment{Name: `a<b>"c|d?.txt`}, want: "a_b__c_d_.txt"},
		{name: "nothing", in: provider.Attachment{Name: "../.."}, want: "attachment-4"},
		{name: "not UTF-8", in: provider.Attachment{Name: "a\xff.txt"}, want: "a_.txt"},
		{name: "by URL", in: provider.Attachment{URL: "https://example.com/x/y.pdf?z=1"}, want: "y.pdf"},
		{name: "long", in: provider.Attachment{Name: strings.Repeat("ж", 200) + ".pdf"}, want: strings.Repeat("ж", 58) + ".pdf"},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, fileName(row.in, 3)) })
	}
}

func TestFramed(t *testing.T) {
	for _, row := range []struct{ name, html, has, not string }{
		{name: "connections", html: `<LiNk rel=preconnect href=//evil.example>`, has: "<x-LiNk rel", not: "<LiNk"},
		{name: "a refresh", html: `<meta http-equiv=refresh content=0>`, has: "<x-meta", not: "<meta"},
		{name: "a base", html: `<base href=//evil.example>`, has: "<x-base data-href", not: "<base"},
		{name: "a link", html: "<a/HREF\n=//evil.example>", has: "<a/data-HREF\n="},
		{name: "a link by animation", html: `<set attributeName="xlink:href" to=x>`, has: "data-attributeName="},
		{name: "in another", html: `<<linklink rel=x>`, has: "<<x-linklink", not: "<link"},
		{name: "a byte order mark of another code", html: "\xff\xfe<\x00l\x00", not: "\xff\xfe"},
		{name: "a document type stays first", html: " <!DOCTYPE html><p>x", has: " <!DOCTYPE html><html"},
		{name: "letters decide", html: "<p>سلام</p>", has: `<html dir="rtl">`},
		{name: "the mail decides", html: `<p dir=ltr>سلام</p>`, not: `dir="rtl"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := framed(row.html)
			assert.Contains(t, got, row.has)
			if row.not != "" {
				assert.NotContains(t, got, row.not)
			}
		})
	}
}

// A mail that had to leave is told as such.
func TestControlForgets(t *testing.T) {
	s := New(t)
	s.bound = bound{items: 2, bytes: 1 << 20}
	brevo := brevoClient(t, s)
	for range 3 {
		brevo.call(201, "POST", "/smtp/email", aMail)
	}
	c := controlOf(t, s)
	doc := c.do(404, "GET", "/mails/1", "").body
	assert.Contains(t, doc["error"].(map[string]any)["message"], "no longer kept")
	assert.InDelta(t, 2, c.get("/mails")["total"], 0)
	assert.InDelta(t, 3, c.get("/sandbox")["last"], 0)
	c.do(200, "DELETE", "/mails/3", "")
	assert.InDelta(t, 3, c.get("/sandbox")["last"], 0)
	requests, mails := s.Dropped()
	assert.Equal(t, []int{1, 1}, []int{requests, mails}, "what was deleted was not dropped")
}

// What a provider leaves of a mail is told beside it.
func TestNotes(t *testing.T) {
	s := New(t)
	brevo := brevoClient(t, s)
	c := controlOf(t, s)
	brevo.call(201, "POST", "/smtp/email", `{"to":[{"email":"a@example.com"}],"templateId":12,"htmlContent":"<p>lost</p>","params":{"name":"A"}}`)
	s.Fail("brevo", Fault{Status: 502, After: true, Delay: time.Millisecond})
	brevo.call(502, "POST", "/smtp/email", aMail)
	brevo.call(202, "POST", "/smtp/email", strings.Replace(aMail, `"subject"`, `"scheduledAt":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","subject"`, 1))
	for number, want := range [][]string{
		{"The template 12 takes the place", "The variable order has no value", "There is no text"},
		{"A fault of the test answered 502, after 1ms."},
		{"It waits for its time"},
	} {
		notes := c.get(fmt.Sprintf("/mails/%d", number+1))["notes"].([]any)
		require.Len(t, notes, len(want), "%v", notes)
		for i := range want {
			assert.Contains(t, notes[i], want[i])
		}
	}
	assert.InDelta(t, 502, c.get("/mails/2/request")["answer"].(map[string]any)["status"], 0)
}

// Credentials are in no view of a request, and long texts are cut between characters.
func TestCallIsRedacted(t *testing.T) {
	s := New(t, Lenient())
	form := "sender_email=shop%40example.com&email=a%40example.com&subject=x&message=" + strings.Repeat("%D1%8F", 3000) + "&token=" + Key("smsby")
	req := httptest.NewRequestWithContext(t.Context(), "POST", s.BaseURL("smsby")+"/api/v2/sendEmail?token="+Key("smsby"), strings.NewReader(form))
	req.Header.Set("Content-Type", typeForm)
	req.Header.Set("Cookie", "session=abc")
	req.Header.Set("Authorization", "Bearer abc")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	require.Len(t, s.Messages(), 1, w.Body)
	req = httptest.NewRequestWithContext(t.Context(), "GET", s.URL()+"/_postmux/v1/mails/1/request", nil)
	w = httptest.NewRecorder()
	s.ServeHTTP(w, req)
	text := w.Body.String()
	for _, secret := range []string{Key("smsby"), "abc"} {
		assert.NotContains(t, text, secret)
	}
	assert.Contains(t, text, "5500 bytes more")
	assert.NotContains(t, text, "\ufffd")

	long := strings.Repeat(`\u044f`, 1000) + `"`
	got := pretty(`{"a":"`+long+`}`, 100)
	assert.True(t, json.Valid([]byte(got)), got)
	assert.Contains(t, got, " bytes more")
}
