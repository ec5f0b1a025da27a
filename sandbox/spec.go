package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/postmux/postmux/api"
)

// specs loads each spec at its first use, once in a process: loading takes some ten
// milliseconds.
var specs = func() map[string]func() (*spec, error) {
	m := map[string]func() (*spec, error){}
	for _, v := range vendors {
		m[v.name] = sync.OnceValues(func() (*spec, error) { return loadSpec(v.name) })
	}
	return m
}()

// spec is a loaded spec; it does not change.
type spec struct{ routes []*route }

// route is an operation and its path.
type route struct {
	method   string
	segments []string // of the path; "{name}" is a parameter
	op       *openapi3.Operation
	params   openapi3.Parameters // of path and operation
	keys     []string            // query parameters that carry credentials
}

func loadSpec(provider string) (*spec, error) {
	data, err := api.Spec(provider)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	return newSpec(doc), nil
}

func newSpec(doc *openapi3.T) *spec {
	var keys []string
	for _, scheme := range doc.Components.SecuritySchemes {
		if scheme.Value.In == openapi3.ParameterInQuery {
			keys = append(keys, scheme.Value.Name)
		}
	}
	for _, schema := range doc.Components.Schemas {
		closeRequest(schema.Value)
	}
	s := &spec{}
	// In sorted order a fixed segment precedes a parameter: "{" comes after the
	// letters.
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for method, op := range item.Operations() {
			s.routes = append(s.routes, &route{
				method: method, segments: strings.Split(path, "/"), op: op, keys: keys,
				params: append(slices.Clone(item.Parameters), op.Parameters...),
			})
		}
	}
	return s
}

// closeRequest makes fields that a schema of requests does not name a violation: a
// vendor ignores them, so a wrong name would not be noticed. Responses stay open.
func closeRequest(schema *openapi3.Schema) {
	answer, _ := schema.Extensions["x-answer"].(bool)
	extra := schema.AdditionalProperties
	if !answer && len(schema.Properties) > 0 && extra.Has == nil && extra.Schema == nil {
		closed := false
		schema.AdditionalProperties.Has = &closed
	}
}

// find returns the operation for an escaped path and fills params, or else the
// status of the error. The segments are decoded one by one, so that an encoded
// slash stays inside its segment.
func (s *spec) find(method, escaped string, params map[string]string) (*route, int) {
	parts := strings.Split(escaped, "/")
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, http.StatusNotFound
		}
		parts[i] = text
	}
	status := http.StatusNotFound
	for _, rt := range s.routes {
		if !rt.match(parts) {
			continue
		}
		if rt.method != method {
			status = http.StatusMethodNotAllowed
			continue
		}
		for i, seg := range rt.segments {
			if name, ok := parameter(seg); ok {
				params[name] = parts[i]
			}
		}
		return rt, http.StatusOK
	}
	return nil, status
}

func (rt *route) match(parts []string) bool {
	if len(parts) != len(rt.segments) {
		return false
	}
	for i, seg := range rt.segments {
		if _, ok := parameter(seg); ok && parts[i] != "" {
			continue
		}
		if seg != parts[i] {
			return false
		}
	}
	return true
}

func parameter(segment string) (string, bool) {
	name, ok := strings.CutPrefix(segment, "{")
	return strings.TrimSuffix(name, "}"), ok
}

// unproved reports whether the vendor does not document the operation.
func (rt *route) unproved() bool { return rt.op.Extensions["x-unproved"] == true }

// answers returns the documented response of a status. The response "default"
// describes failures and does not cover an undocumented 2xx.
func (rt *route) answers(status int) *openapi3.Response {
	ref := rt.op.Responses.Status(status)
	if ref == nil && status >= 300 {
		ref = rt.op.Responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}

// example returns the response of an operation without handler: the first example
// of its first success.
func (rt *route) example() answer {
	for status := 200; status < 300; status++ {
		resp := rt.answers(status)
		if resp == nil {
			continue
		}
		if len(resp.Content) == 0 {
			return answer{status: status}
		}
		mt := resp.Content.Get("application/json")
		if mt == nil {
			break
		}
		if mt.Example != nil {
			return answer{status: status, body: mt.Example}
		}
		for _, name := range slices.Sorted(maps.Keys(mt.Examples)) {
			return answer{status: status, body: mt.Examples[name].Value.Value}
		}
	}
	// The spec does not have this status, so it is a violation.
	return answer{
		status: http.StatusNotImplemented, body: []byte("no example of " + rt.op.OperationID),
	}
}

// checkAnswer returns the deviations from the spec of a response whose body is
// bytes.
func (rt *route) checkAnswer(a answer) []string {
	resp := rt.answers(a.status)
	body, _ := a.body.([]byte)
	switch {
	case resp == nil:
		return []string{"the status is not in the spec"}
	case len(resp.Content) == 0:
		if len(body) > 0 {
			return []string{"the spec has no body"}
		}
		return nil
	}
	mt := resp.Content.Get(mediaType(a.header))
	if mt == nil {
		return []string{
			"the content type is not in the spec: " + strconv.Quote(a.header.Get("Content-Type")),
		}
	}
	return checkJSON(mt, body, openapi3.VisitAsResponse())
}

// checkJSON checks a JSON document. It uses the older validator of kin-openapi: the
// one for 3.1 compiles the schema at every call and falls back to the older one for
// each schema that refers to another.
func checkJSON(mt *openapi3.MediaType, data []byte, as openapi3.SchemaValidationOption) []string {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return []string{"the body is not JSON: " + clip(err.Error(), 200)}
	}
	if mt.Schema == nil {
		return nil
	}
	return problems(mt.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), as))
}

// maxProblems is the most problems that are reported for one request or response.
const maxProblems = 5

// problems returns short texts for an error of kin-openapi, whose own texts contain
// the schema and the value.
func problems(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	var walk func(err error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // kin-openapi's own tree, walked node by node: nothing wraps its errors here
		case openapi3.MultiError:
			for _, sub := range e {
				walk(sub)
			}
		case *openapi3.SchemaError:
			if inner := openapi3.MultiError(nil); errors.As(e.Origin, &inner) {
				walk(inner)
				return
			}
			reason := e.Reason
			if reason == "" {
				reason = "does not match " + e.SchemaField
			}
			out = append(out, "/"+strings.Join(e.JSONPointer(), "/")+": "+clip(reason, 200))
		default:
			out = append(out, clip(err.Error(), 200))
		}
	}
	walk(err)
	if len(out) > maxProblems {
		out = append(out[:maxProblems], fmt.Sprintf("and %d more", len(out)-maxProblems))
	}
	return out
}
