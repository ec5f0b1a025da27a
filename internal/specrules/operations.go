package specrules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// operation is what most rules look at.
type operation struct {
	path, method string
	*openapi3.Operation
}

func (o operation) String() string {
	return strings.TrimSpace(o.method + " " + o.path + " " + o.OperationID)
}

func (s *spec) operations() []operation {
	var out []operation
	for path, item := range s.doc.Paths.Map() {
		for method, op := range item.Operations() {
			out = append(out, operation{path, method, op})
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
	return out
}

// each makes a rule of a check of one operation, which returns what is wrong.
func each(name string, check func(operation) string) rule {
	return rule{name, func(s *spec, report func(where, found string)) {
		for _, o := range s.operations() {
			if found := check(o); found != "" {
				report(o.String(), found)
			}
		}
	}}
}

var documentRules = []rule{
	{"the document is OpenAPI 3.1.0", func(s *spec, report func(where, found string)) {
		if s.doc.OpenAPI != "3.1.0" {
			report("", s.doc.OpenAPI)
		}
	}},
	{"info has a title and a description, the package comment of the client", func(s *spec, report func(where, found string)) {
		if info := s.doc.Info; info == nil || strings.TrimSpace(info.Title) == "" || strings.TrimSpace(info.Description) == "" {
			report("", "a text is missing")
		}
	}},
	{"the document is valid and every example fits its schema", func(s *spec, report func(where, found string)) {
		err := s.doc.Validate(context.Background(), openapi3.EnableMultiError(), openapi3.EnableExamplesValidation())
		var several openapi3.MultiError
		switch {
		case errors.As(err, &several):
			for _, e := range several {
				report(s.placed(e.Error()))
			}
		case err != nil:
			report(s.placed(err.Error()))
		}
	}},
	{"one server by https, without a slash at its end", func(s *spec, report func(where, found string)) {
		for _, server := range s.doc.Servers {
			u, err := url.Parse(server.URL)
			if err != nil || u.Scheme != "https" || u.Host == "" || strings.HasSuffix(server.URL, "/") {
				report("", server.URL)
			}
		}
		if n := len(s.doc.Servers); n != 1 {
			report("", fmt.Sprintf("%d servers", n))
		}
	}},
	{"no path holds the server's host or version", func(s *spec, report func(where, found string)) {
		for _, server := range s.doc.Servers {
			u, err := url.Parse(server.URL)
			if err != nil {
				continue
			}
			for path := range s.doc.Paths.Map() {
				if u.Path != "" && strings.HasPrefix(path+"/", u.Path+"/") || strings.Contains(path, u.Host) {
					report(path, server.URL+path)
				}
			}
		}
	}},
	{"an operationId stands once", func(s *spec, report func(where, found string)) {
		first := map[string]operation{}
		for _, o := range s.operations() {
			if f, ok := first[strings.ToLower(o.OperationID)]; ok {
				report(o.String(), "also "+f.String())
			}
			first[strings.ToLower(o.OperationID)] = o
		}
	}},
}

var inError = regexp.MustCompile(`(?s)^invalid paths: invalid path (\S+): (?:invalid operation (\w+): )?(.*)$`)

// placed splits a message of the validator into operation and text, without the schema that it quotes.
func (s *spec) placed(message string) (where, found string) {
	message, _, _ = strings.Cut(message, "\nSchema:")
	m := inError.FindStringSubmatch(message)
	if m == nil {
		return "", message
	}
	for _, o := range s.operations() {
		if o.path == m[1] && o.method == m[2] {
			return o.String(), m[3]
		}
	}
	return strings.TrimSpace(m[2] + " " + m[1]), m[3]
}

// verbs begin an operationId. A new one is added here, after a look at whether an old one says the same.
var verbs = strings.Fields(`activate add authenticate cancel copy create delete export get identify import invite list mark preview
	record remove revoke send set submit subscribe toggle track unblock unsubscribe update upload upsert validate`)

var (
	camel   = regexp.MustCompile(`^([a-z]+)([A-Z][A-Za-z0-9]*)*$`)
	route   = regexp.MustCompile(`^(/([A-Za-z0-9_-]+|\{[A-Za-z][A-Za-z0-9_]*\}))+/?$`)
	inRoute = regexp.MustCompile(`\{([^}]*)\}`)
)

var operationRules = []rule{
	each("a path begins with a slash; its segments are words or one parameter", func(o operation) string {
		return unless(route.MatchString(o.path), o.path)
	}),
	each("path parameters are declared, required texts or whole numbers", pathParameters),
	each("query and header parameters have a description", func(o operation) string {
		for _, p := range o.Parameters {
			if p.Value.In != "path" && strings.TrimSpace(p.Value.Description) == "" {
				return p.Value.In + " " + p.Value.Name
			}
		}
		return ""
	}),
	each("the operationId is lowerCamelCase, a known verb first", func(o operation) string {
		m := camel.FindStringSubmatch(o.OperationID)
		return unless(m != nil && slices.Contains(verbs, m[1]), o.OperationID)
	}),
	each("one tag", func(o operation) string { return unless(len(o.Tags) == 1, fmt.Sprint(o.Tags)) }),
	each("a summary of less than 120 bytes", func(o operation) string {
		return unless(o.Summary != "" && len(o.Summary) < 120, o.Summary)
	}),
	each("x-effect is read, upsert or send", func(o operation) string {
		effect, _ := o.Extensions["x-effect"].(string)
		return unless(slices.Contains([]string{"read", "upsert", "send"}, effect), effect)
	}),
	each("a call that must not be repeated has a description, which says what a repeat does", func(o operation) string {
		return unless(o.Extensions["x-effect"] != "send" || strings.TrimSpace(o.Description) != "", "x-effect send without a description")
	}),
	each("what the text calls deprecated is marked deprecated", func(o operation) string {
		says := strings.Contains(strings.ToLower(o.Summary+" "+o.Description), "deprecated")
		return unless(!says || o.Deprecated, o.Summary)
	}),
	each("an answer of success", func(o operation) string {
		return unless(slices.ContainsFunc(codes(o), func(c string) bool { return c[0] == '2' }), fmt.Sprint(codes(o)))
	}),
	each("a documented error", func(o operation) string {
		return unless(slices.ContainsFunc(codes(o), func(c string) bool { return c == "default" || c[0] == '4' }), fmt.Sprint(codes(o)))
	}),
	each("an example of the request, in every content type", func(o operation) string {
		if o.RequestBody == nil {
			return ""
		}
		return withoutExample(o.RequestBody.Value.Content)
	}),
	each("an example of every successful answer", func(o operation) string {
		for _, code := range codes(o) {
			if kind := withoutExample(o.Responses.Value(code).Value.Content); code[0] == '2' && kind != "" {
				return code + " " + kind
			}
		}
		return ""
	}),
	each("schemas of bodies are named", func(o operation) string {
		for _, b := range bodies(o) {
			if why := anonymous(b.schema); why != "" {
				return b.name + ": " + why
			}
		}
		return ""
	}),
	each("a body with a method that has one", func(o operation) string {
		without := []string{http.MethodGet, http.MethodHead}
		return unless(o.RequestBody == nil || !slices.Contains(without, o.method), o.method+" with a body")
	}),
}

func codes(o operation) []string {
	var out []string
	if o.Responses != nil {
		for code := range o.Responses.Map() {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return out
}

func pathParameters(o operation) string {
	declared := map[string]*openapi3.Parameter{}
	for _, p := range o.Parameters {
		if p.Value.In == "path" {
			declared[p.Value.Name] = p.Value
		}
	}
	for _, m := range inRoute.FindAllStringSubmatch(o.path, -1) {
		p := declared[m[1]]
		switch {
		case p == nil:
			return m[1] + " is not declared"
		case !p.Required:
			return m[1] + " is not required"
		case p.Schema == nil || p.Schema.Value == nil || !p.Schema.Value.Type.Is("string") && !p.Schema.Value.Type.Is("integer"):
			return m[1] + " is neither text nor whole number"
		}
		delete(declared, m[1])
	}
	for name := range declared {
		return name + " is not in the path"
	}
	return ""
}

// withoutExample is a content type that has no example.
func withoutExample(content openapi3.Content) string {
	for kind, media := range content {
		if media.Example == nil && len(media.Examples) == 0 {
			return kind
		}
	}
	return ""
}

type body struct {
	name   string
	answer bool
	schema *openapi3.SchemaRef
}

func bodies(o operation) []body {
	var out []body
	if o.RequestBody != nil {
		for kind, media := range o.RequestBody.Value.Content {
			out = append(out, body{"request " + kind, false, media.Schema})
		}
	}
	for _, code := range codes(o) {
		for _, media := range o.Responses.Value(code).Value.Content {
			out = append(out, body{"answer " + code, true, media.Schema})
		}
	}
	return out
}
