package specrules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const schemaPrefix = "#/components/schemas/"

// visit calls f for r and every schema below it, each component once.
func visit(where string, r *openapi3.SchemaRef, seen map[string]bool, f func(where string, r *openapi3.SchemaRef)) {
	if r == nil || r.Value == nil {
		return
	}
	if r.Ref != "" {
		if seen[r.Ref] {
			return
		}
		seen[r.Ref] = true
		where = strings.TrimPrefix(r.Ref, schemaPrefix)
	}
	f(where, r)
	for _, name := range slices.Sorted(maps.Keys(r.Value.Properties)) {
		visit(where+"."+name, r.Value.Properties[name], seen, f)
	}
	for suffix, below := range map[string]*openapi3.SchemaRef{"[]": r.Value.Items, "{}": r.Value.AdditionalProperties.Schema} {
		// The generator does not look at what is written out below a Go type.
		if below != nil && (below.Ref != "" || r.Value.Extensions["x-go-type"] == nil) {
			visit(where+suffix, below, seen, f)
		}
	}
	for _, part := range r.Value.AllOf {
		visit(where, part, seen, f)
	}
}

// reached makes a rule of a check of each schema that a request, or an answer, leads to.
func reached(name string, answers bool, check func(*openapi3.SchemaRef) string) rule {
	return rule{name, func(s *spec, report func(where, found string)) {
		seen := map[string]bool{}
		for _, o := range s.operations() {
			for _, b := range bodies(o) {
				if b.answer != answers {
					continue
				}
				visit(b.name, b.schema, seen, func(where string, r *openapi3.SchemaRef) {
					if found := check(r); found != "" {
						report(o.String()+", schema "+where, found)
					}
				})
			}
		}
	}}
}

// inSchemas makes a rule of a check of every schema of the components and of the parameters.
func inSchemas(name string, check func(s *spec, r *openapi3.SchemaRef) string) rule {
	return rule{name, func(s *spec, report func(where, found string)) {
		seen := map[string]bool{}
		one := func(where string, r *openapi3.SchemaRef) {
			if found := check(s, r); found != "" {
				report("schema "+where, found)
			}
		}
		for _, component := range slices.Sorted(maps.Keys(s.doc.Components.Schemas)) {
			// As if referred to: so that each is seen once, and by its name.
			visit("", &openapi3.SchemaRef{Ref: schemaPrefix + component, Value: s.doc.Components.Schemas[component].Value}, seen, one)
		}
		for _, o := range s.operations() {
			for _, p := range o.Parameters {
				visit(o.String()+" "+p.Value.Name, p.Value.Schema, seen, one)
			}
		}
	}}
}

var (
	secret = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|auth_?key|access_?key)$`)
	id     = regexp.MustCompile(`^(id|.*(_id|Id|ID))$`)
)

var schemaRules = []rule{
	inSchemas("no oneOf, no anyOf", func(_ *spec, r *openapi3.SchemaRef) string {
		// A Go type hides the union: it says that a value may be null without a pointer to it.
		return unless(len(r.Value.OneOf)+len(r.Value.AnyOf) == 0 || r.Value.Extensions["x-go-type"] != nil, "a union")
	}),
	inSchemas("a type list has a Go type, or is one type and null", func(_ *spec, r *openapi3.SchemaRef) string {
		t := r.Value.Type
		ok := t == nil || len(*t) < 2 || r.Value.Extensions["x-go-type"] != nil || len(*t) == 2 && t.Includes("null")
		if ok {
			return ""
		}
		return fmt.Sprint(*t)
	}),
	inSchemas("a Go type of another package has its import", goTypeImport),
	inSchemas("objects below are named", func(_ *spec, r *openapi3.SchemaRef) string {
		for _, name := range slices.Sorted(maps.Keys(r.Value.Properties)) {
			if why := anonymous(r.Value.Properties[name]); why != "" {
				return name + ": " + why
			}
		}
		return ""
	}),
	inSchemas("a whole number that is an id is int64", func(_ *spec, r *openapi3.SchemaRef) string {
		for _, name := range slices.Sorted(maps.Keys(r.Value.Properties)) {
			p := r.Value.Properties[name].Value
			if id.MatchString(name) && p.Type.Is("integer") && p.Format != "int64" {
				return name + ": format " + p.Format
			}
		}
		return ""
	}),
	inSchemas("e-mail addresses are texts", func(_ *spec, r *openapi3.SchemaRef) string {
		return unless(r.Value.Format != "email" || r.Value.Type.Is("string"), fmt.Sprint(r.Value.Type))
	}),
	inSchemas("a bracketed name has an x-go-name", func(_ *spec, r *openapi3.SchemaRef) string {
		for _, name := range slices.Sorted(maps.Keys(r.Value.Properties)) {
			if p := r.Value.Properties[name]; strings.ContainsAny(name, "[]") && p.Value.Extensions["x-go-name"] == nil && p.Extensions["x-go-name"] == nil {
				return name
			}
		}
		return ""
	}),
	reached("a schema of answers has x-answer: true", true, func(r *openapi3.SchemaRef) string {
		return unless(r.Ref == "" || len(r.Value.Properties) == 0 || r.Value.Extensions["x-answer"] == true, "no x-answer")
	}),
	reached("a schema of requests has no x-answer", false, func(r *openapi3.SchemaRef) string {
		return unless(r.Value.Extensions["x-answer"] == nil, "x-answer")
	}),
	reached("an enum of answers is open", true, func(r *openapi3.SchemaRef) string {
		return unless(len(r.Value.Enum) == 0, fmt.Sprintf("enum of %d values", len(r.Value.Enum)))
	}),
	reached("a secret in an answer has format password", true, func(r *openapi3.SchemaRef) string {
		for _, name := range slices.Sorted(maps.Keys(r.Value.Properties)) {
			p := r.Value.Properties[name].Value
			if secret.MatchString(name) && p.Type.Is("string") && p.Format != "password" {
				return name
			}
		}
		return ""
	}),
	reached("no format password in a request", false, func(r *openapi3.SchemaRef) string {
		return unless(r.Value.Format != "password", "format password")
	}),
}

var qualifier = regexp.MustCompile(`\b([a-z]\w*)\.[A-Z]`)

// goTypeImport finds a Go type of another package without its import: the
// generator's output would not compile. encoding/json is always imported.
func goTypeImport(_ *spec, r *openapi3.SchemaRef) string {
	name, _ := r.Value.Extensions["x-go-type"].(string)
	imports, _ := r.Value.Extensions["x-go-type-import"].(map[string]any)
	path, _ := imports["path"].(string)
	for _, m := range qualifier.FindAllStringSubmatch(name, -1) {
		if m[1] != "json" && !strings.HasSuffix(path, "/"+m[1]) {
			return fmt.Sprintf("%s with the import %q", name, path)
		}
	}
	return ""
}

// anonymous says where an object is written out instead of being a component.
// Free maps are no objects in this sense.
func anonymous(s *openapi3.SchemaRef) string {
	if s == nil || s.Ref != "" || s.Value == nil {
		return ""
	}
	if len(s.Value.Properties) > 0 {
		return "an object without a name"
	}
	for _, part := range s.Value.AllOf {
		if why := anonymous(part); why != "" {
			return "allOf: " + why
		}
	}
	if why := anonymous(s.Value.Items); why != "" {
		return "items: " + why
	}
	return anonymous(s.Value.AdditionalProperties.Schema)
}
