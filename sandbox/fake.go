package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/internal/exact"
)

// How to write a fake
//
// A fake is a struct with the vendor's state and the shared *store, made by the
// open function of its row in vendors. Every Reset makes a new one, so open also
// adds the initial data. It holds no lock: one request is handled at a time. A
// handler gets a request that the spec allows and returns the vendor's real JSON,
// as a map or as a type of the generated package; the response is checked
// afterwards.
//
//	type acme struct{ *store }
//
//	func newAcme(st *store) fake {
//		st.addList("4", "Newsletter")
//		return &acme{store: st}
//	}
//
//	func (a *acme) handlers() map[string]handler { // by operationId
//		return map[string]handler{"sendEmail": a.sendEmail}
//	}
//
//	func (a *acme) authorize(c *call) (answer, bool) {
//		return a.fail(401, "bad key"), c.header.Get("X-Key") == Key("acme")
//	}
//
//	func (a *acme) fail(status int, message string) answer { // the vendor's error shape
//		return answer{status: status, body: map[string]any{"error": message}}
//	}
//
//	func (a *acme) sendEmail(c *call) answer {
//		var req acmeapi.SendEmailRequest
//		c.decode(&req)
//		m := a.addMail(Mail{Subject: req.Subject, Raw: c.raw})
//		return answer{status: 201, body: map[string]any{"id": m.ID}}
//	}
//
// An operation of the spec without a handler responds with its example. An account
// with other settings than an api_key needs the function settings in its row.

// fake imitates one vendor.
type fake interface {
	// handlers returns the stateful operations by operationId.
	handlers() map[string]handler
	// authorize reports whether the key is right; if not, it returns the response.
	authorize(c *call) (answer, bool)
	// fail returns an error in the vendor's form for the sandbox's own errors: 400
	// for a request that the spec does not allow, 404, 405, 500.
	fail(status int, message string) answer
}

// decorator is a fake that adds headers to every response.
type decorator interface {
	decorate(c *call, h http.Header)
}

// handler carries out one operation.
type handler func(*call) answer

// answer is a response. A nil body is an empty one, []byte is sent unchanged,
// everything else as JSON.
type answer struct {
	status int
	body   any
	header http.Header
	after  time.Duration // how long it is held back
}

// call is a request as a handler sees it.
type call struct {
	op     string
	path   map[string]string // decoded path parameters
	query  url.Values
	header http.Header
	body   []byte  // as sent, or as eased: see Lenient
	raw    []byte  // as sent
	moved  []Field // parameters that came in the body
	// form is the folded form body, and the folded deepObject parameters of the
	// query, by the names of the spec. Files are their content as text.
	form map[string]any
}

// decode reads the JSON body, or the form, into a generated request type. The spec
// allowed the request, so a failure is a bug of the generated type.
func (c *call) decode(out any) {
	data := c.body
	if c.form != nil {
		data, _ = json.Marshal(c.form)
	}
	if len(data) == 0 {
		return
	}
	if err := exact.Unmarshal(data, out); err != nil { // the store keeps numbers as they came
		panic(
			"sandbox: " + c.op + ": a request that the spec allows does not decode: " + err.Error(),
		)
	}
}

// text returns a field of the form as text, empty when it is absent.
func (c *call) text(name string) string {
	s, _ := c.form[name].(string)
	return s
}

// integer returns a number of the query, or else def.
func (c *call) integer(name string, def int64) int64 {
	n, err := strconv.ParseInt(c.query.Get(name), 10, 64)
	if err != nil {
		return def
	}
	return n
}

// vendor is a row of the table of fakes.
type vendor struct {
	name   string // of the spec
	prefix string // path before the vendor's own paths
	key    string
	open   func(*store) fake
	// settings are the driver's own settings in Config; nil means that the key is
	// its api_key. baseURL returns the base URL of a fake.
	settings func(key string, baseURL func(name string) string) map[string]any
	// partOf names the provider that this is a second host of; it has no account
	// and no mail of its own.
	partOf string
}

// vendors has a fake for every row of api/vendors.tsv.
var vendors = []vendor{
	{
		name: "brevo", prefix: "/brevo/v3", key: "xkeysib-sandbox", open: newBrevo,
		settings: brevoSettings,
	},
	{name: "pakatv3", prefix: "/pakatv3/v3", key: "pakatv3-sandbox", open: newPakatV3},
	{name: "pakat", prefix: "/pakat/api", key: "pakat-sandbox", open: newPakat},
	{
		name: "sendpulse", prefix: "/sendpulse", key: "sendpulse-sandbox", open: newSendPulse,
		settings: sendpulseSettings,
	},
	{
		name: "smsby", prefix: "/smsby", key: "smsby-sandbox", open: newSMSBy,
		settings: smsbySettings,
	},
	{
		name: brevoTracker, prefix: "/brevotracker/api/v2", key: brevoTrackerKey,
		open: newBrevoTracker, partOf: "brevo",
	},
}

func apiKey(key string, _ func(string) string) map[string]any {
	return map[string]any{"api_key": key}
}

// examples is a fake without state: it responds with the examples of the spec and
// needs no key.
type examples struct{}

func (examples) handlers() map[string]handler   { return nil }
func (examples) authorize(*call) (answer, bool) { return answer{}, true }
func (examples) fail(status int, message string) answer {
	return answer{status: status, body: map[string]any{"message": message}}
}

// page returns at most limit entries from offset on. It never returns nil, which
// JSON would show as null.
func page[T any](all []T, offset, limit int64) []T {
	from := min(max(offset, 0), int64(len(all)))
	to := min(from+max(limit, 0), int64(len(all)))
	return append([]T{}, all[from:to]...)
}

// newestFirst returns a reversed copy.
func newestFirst[T any](all []T) []T {
	out := slices.Clone(all)
	slices.Reverse(out)
	return out
}
