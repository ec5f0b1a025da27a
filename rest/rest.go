// Package rest is the runtime of the generated clients: a generated method fills a
// Call, and a Doer carries it out.
//
// A Call is not encoded yet, so a Doer can add a credential to a form, show the
// request without sending it, or decide by the call's Effect what a lost response
// means. The adapters of this module use a Doer with authentication, limits and
// typed errors; [Plain] is a minimal one, with which a generated package can be
// used alone.
//
// The package serves generated code and is outside the compatibility promise
// of this module.
package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Effect is the effect of a call at the vendor, independent of its HTTP method.
type Effect string

// The effects. Every operation of a curated spec states one.
const (
	// Send acts once: it mails somebody, or creates what a repeat would
	// create twice. It must not be repeated without proof.
	Send Effect = "send"
	// Upsert may be repeated without harm: upserts, updates, deletes.
	Upsert Effect = "upsert"
	// Read changes nothing.
	Read Effect = "read"
)

// BodyKind is the encoding of the body of a call; empty means no body.
type BodyKind string

// The kinds of body.
const (
	JSON      BodyKind = "JSON"
	Formdata  BodyKind = "Formdata"  // application/x-www-form-urlencoded
	Multipart BodyKind = "Multipart" // multipart/form-data
)

// Param is one name and value of a query, a form or a header.
type Param struct{ Name, Value string }

// Call is one request before it is encoded.
type Call struct {
	Operation string // operationId of the spec
	Method    string
	Route     string   // path template, "/contacts/{identifier}"
	Segments  []string // values of the route's parameters, in order, not escaped
	Effect    Effect
	// Success and Empty are the statuses of the documented successes, separated by
	// spaces: those with content and those without. Both are empty for an operation
	// that no spec describes.
	Success, Empty string
	Query          []Param
	Header         []Param
	Kind           BodyKind
	Body           any     // the value to encode; a pointer to a generated struct
	Form           []Param // further fields of a form body, added by a Doer
	Then           string  // the calls that follow, in words, for dry runs
	// RefuseEmpty names a field of the body, as on the wire, without which the vendor
	// does more than was asked for, such as mailing everybody. Raw refuses a call whose
	// field is absent, null or empty before it reaches the Doer.
	RefuseEmpty string
	// KeyWindow is the time for which the vendor knows the idempotency key in Body,
	// from the first attempt; 0 means that there is no key.
	KeyWindow time.Duration

	reply  *Reply
	unread *int
	err    error
}

// Reply is a response without its decoded body.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // as received, decompressed; the caller may keep it
}

// Doer carries out calls. It decodes a 2xx response into out, which is a pointer,
// and returns an error for every other one. The Reply is nil when there was no
// response.
type Doer interface {
	Do(ctx context.Context, call *Call, out any) (*Reply, error)
}

// Option changes a single call. Only the functions of this package make options, so
// a call can differ from its spec only in what they name. The zero value changes
// nothing.
type Option struct{ apply func(*Call) }

// WithReply stores status, headers and raw body of the response in r, also when the
// call returns an error that came with a response.
func WithReply(r *Reply) Option { return Option{func(c *Call) { c.reply = r }} }

// WithUnread lets rows of a page that cannot be read be left out of the response, and
// stores how many in n.
func WithUnread(n *int) Option { return Option{func(c *Call) { c.unread = n }} }

// WithQuery adds a query parameter that the spec does not know.
func WithQuery(name, value string) Option {
	return Option{func(c *Call) { c.Query = append(c.Query, Param{name, value}) }}
}

// WithHeader adds a header field that the spec does not know.
func WithHeader(name, value string) Option {
	return Option{func(c *Call) { c.Header = append(c.Header, Param{name, value}) }}
}

// WithThen describes the calls that follow this one, for dry runs.
func WithThen(words string) Option { return Option{func(c *Call) { c.Then = words }} }

// WithKeyWindow states that the body holds an idempotency key which the vendor
// knows for d.
func WithKeyWindow(d time.Duration) Option {
	return Option{func(c *Call) { c.KeyWindow = d }}
}

// WithEffect replaces the effect that the spec states for the operation, for a call
// whose body changes it.
func WithEffect(e Effect) Option { return Option{func(c *Call) { c.Effect = e }} }

// WithBodyKind sends the body in another encoding than the one that was generated.
func WithBodyKind(k BodyKind) Option { return Option{func(c *Call) { c.Kind = k }} }

// WithBody sends the result of replace in place of the generated body. T is the type
// of the generated body; a call with another type is refused before it leaves.
func WithBody[T any](replace func(body *T) any) Option {
	return Option{func(c *Call) {
		body, ok := c.Body.(*T)
		if !ok {
			c.fail(&ParamError{
				Name: "body", Why: fmt.Sprintf("is a %T, expected a %T", c.Body, body),
			})
			return
		}
		c.Body = replace(body)
	}}
}

// Empty is the result of operations without a response body.
type Empty struct{}

// Do runs the call through d and returns the decoded response.
func Do[T any](ctx context.Context, d Doer, call *Call, opts []Option) (*T, error) {
	out := new(T)
	if _, err := Raw(ctx, d, call, out, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// List is Do for a response that is a list.
func List[T any](ctx context.Context, d Doer, call *Call, opts []Option) ([]T, error) {
	out, err := Do[[]T](ctx, d, call, opts)
	if err != nil {
		return nil, err
	}
	return *out, nil
}

// Raw runs the call through d and decodes the response into out, a pointer. The
// Reply is non-nil whenever a response came. A call without an Effect counts as
// Send, the careful choice.
func Raw(ctx context.Context, d Doer, call *Call, out any, opts []Option) (*Reply, error) {
	for _, o := range opts {
		if o.apply != nil {
			o.apply(call)
		}
	}
	if call.Effect == "" {
		call.Effect = Send
	}
	if call.RefuseEmpty != "" && call.emptyField() {
		call.fail(&ParamError{Name: call.RefuseEmpty, Why: "is empty, expected at least one: without it the vendor decides who is meant"})
	}
	reply, err := d.Do(ctx, call, out)
	if call.reply != nil && reply != nil {
		*call.reply = *reply
	}
	return reply, err
}

// emptyField reports whether the field RefuseEmpty of the body holds nothing. It looks
// at the JSON of the body, so that it sees what an option has put in its place.
func (c *Call) emptyField() bool {
	data, err := json.Marshal(c.Body)
	if err != nil {
		return true // a body that cannot be written is refused in any case
	}
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return true
	}
	return empty(fields[c.RefuseEmpty])
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool { return !empty(x) })
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// Path returns the call's path with its segments escaped, but for letters, digits and
// "-_.~": a vendor that decodes paths as forms would take a + for a blank. It refuses
// values that a server or proxy would resolve to another path: empty, "." and ".." (also between
// separators), control characters, broken UTF-8.
func (c *Call) Path() (string, error) {
	if c.err != nil {
		return "", c.err
	}
	if len(c.Segments) == 0 {
		return c.Route, nil
	}
	var b strings.Builder
	rest := c.Route
	for _, seg := range c.Segments {
		open := strings.IndexByte(rest, '{')
		end := strings.IndexByte(rest, '}')
		if open < 0 || end < open {
			return "", &ParamError{
				Name: "path", Why: "route " + c.Route + " has fewer parameters than values",
			}
		}
		name := rest[open+1 : end]
		if err := checkSegment(name, seg); err != nil {
			return "", err
		}
		b.WriteString(rest[:open])
		b.WriteString(strings.ReplaceAll(url.QueryEscape(seg), "+", "%20"))
		rest = rest[end+1:]
	}
	b.WriteString(rest)
	return b.String(), nil
}

func checkSegment(name, v string) error {
	switch {
	case v == "":
		return &ParamError{Name: name, Why: "is empty"}
	case v == "." || v == "..":
		return &ParamError{Name: name, Why: fmt.Sprintf("may not be %q", v)}
	case !utf8.ValidString(v):
		return &ParamError{Name: name, Why: "is not UTF-8"}
	}
	for _, r := range v {
		if unicode.IsControl(r) || r == 0x2028 || r == 0x2029 {
			return &ParamError{Name: name, Why: "holds a control character"}
		}
	}
	if !strings.ContainsAny(v, `/\`) {
		return nil
	}
	// Some proxies decode an escaped separator before they resolve dots.
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return &ParamError{
				Name: name, Why: fmt.Sprintf("may not hold %q between separators", part),
			}
		}
	}
	return nil
}

// ParamError is the error of a parameter that cannot be sent; no request was made.
type ParamError struct{ Name, Why string }

func (e *ParamError) Error() string { return "parameter " + e.Name + " " + e.Why }
