package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
)

// specs are the folders beside this file that hold a spec.
func specs(t *testing.T) map[string]*openapi3.T {
	t.Helper()
	files, err := filepath.Glob("*/openapi.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := make(map[string]*openapi3.T, len(files))
	for _, f := range files {
		name := filepath.Dir(f)
		data, err := api.Spec(name)
		require.NoError(t, err)
		onDisk, err := os.ReadFile(f)
		require.NoError(t, err)
		require.Equal(t, string(onDisk), string(data))
		doc, err := openapi3.NewLoader().LoadFromData(data)
		require.NoError(t, err, f)
		out[name] = doc
	}
	return out
}

// operation is what the rules look at.
type operation struct {
	spec, path, method string
	*openapi3.Operation
}

func (o operation) String() string {
	return o.spec + " " + o.method + " " + o.path + " " + o.OperationID
}

func operations(name string, doc *openapi3.T) []operation {
	var out []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			out = append(out, operation{name, path, method, op})
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// The rules of README.md that a machine can check, one line each: what is wrong,
// empty when nothing is.
var operationRules = map[string]func(operation) string{
	"path starts with a slash and holds no host": func(o operation) string {
		return unless(strings.HasPrefix(o.path, "/") && !strings.Contains(o.path, "//") && !strings.Contains(o.path, "."), o.path)
	},
	"operationId is lowerCamelCase": func(o operation) string {
		return unless(regexp.MustCompile(`^[a-z]+([A-Z][A-Za-z0-9]*)*$`).MatchString(o.OperationID), o.OperationID)
	},
	"one tag":   func(o operation) string { return unless(len(o.Tags) == 1, fmt.Sprint(o.Tags)) },
	"a summary": func(o operation) string { return unless(o.Summary != "" && len(o.Summary) < 120, o.Summary) },
	"a stated effect": func(o operation) string {
		effect, _ := o.Extensions["x-effect"].(string)
		return unless(slices.Contains([]string{"read", "upsert", "send"}, effect), effect)
	},
	"a documented error": func(o operation) string {
		for code := range o.Responses.Map() {
			if code == "default" || code[0] == '4' {
				return ""
			}
		}
		return "none"
	},
	"an example of the request": func(o operation) string {
		if o.RequestBody == nil {
			return ""
		}
		for _, media := range o.RequestBody.Value.Content {
			if media.Example != nil || len(media.Examples) > 0 {
				return ""
			}
		}
		return "none"
	},
	"an example of the answer": func(o operation) string {
		for code, r := range o.Responses.Map() {
			if code[0] != '2' {
				continue
			}
			for _, media := range r.Value.Content {
				if media.Example == nil && len(media.Examples) == 0 {
					return "status " + code
				}
			}
		}
		return ""
	},
	"schemas of bodies are named": func(o operation) string {
		if o.RequestBody != nil {
			for kind, media := range o.RequestBody.Value.Content {
				if why := anonymous(media.Schema); why != "" {
					return kind + ": " + why
				}
			}
		}
		for code, r := range o.Responses.Map() {
			for _, media := range r.Value.Content {
				if why := anonymous(media.Schema); why != "" {
					return code + ": " + why
				}
			}
		}
		return ""
	},
}

// schemaRules look at one component schema and all that is written below it.
var schemaRules = map[string]func(*openapi3.Schema) string{
	"no oneOf, no anyOf": func(s *openapi3.Schema) string { return unless(len(s.OneOf)+len(s.AnyOf) == 0, "found") },
	"a type list has a Go type": func(s *openapi3.Schema) string {
		if s.Type == nil || len(*s.Type) < 2 || s.Extensions["x-go-type"] != nil {
			return ""
		}
		return unless(len(*s.Type) == 2 && s.Type.Includes("null"), fmt.Sprint(*s.Type))
	},
	"e-mail addresses stay texts": func(s *openapi3.Schema) string {
		return unless(s.Format != "email" || s.Type.Is("string"), fmt.Sprint(s.Type))
	},
	"objects below are named": func(s *openapi3.Schema) string {
		for name, p := range s.Properties {
			if why := anonymous(p); why != "" {
				return name + ": " + why
			}
		}
		return ""
	},
}

func unless(ok bool, what string) string {
	if ok {
		return ""
	}
	if what == "" {
		return "missing"
	}
	return what
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
	if why := anonymous(s.Value.Items); why != "" {
		return "items: " + why
	}
	return anonymous(s.Value.AdditionalProperties.Schema)
}

func TestRules(t *testing.T) {
	for name, doc := range specs(t) {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, doc.Validate(t.Context()), "the spec and its examples")
			require.Len(t, doc.Servers, 1)
			assert.False(t, strings.HasSuffix(doc.Servers[0].URL, "/"))
			ids := map[string]bool{}
			for _, o := range operations(name, doc) {
				assert.False(t, ids[o.OperationID], "%s stands twice", o.OperationID)
				ids[o.OperationID] = true
				for rule, check := range operationRules {
					if why := check(o); why != "" {
						t.Errorf("%s\n\trule: %s\n\tfound: %s", o, rule, why)
					}
				}
			}
			for component, s := range doc.Components.Schemas {
				for rule, check := range schemaRules {
					if why := check(s.Value); why != "" {
						t.Errorf("%s components/schemas/%s\n\trule: %s\n\tfound: %s", name, component, rule, why)
					}
				}
			}
		})
	}
}

// A rule that cannot fail checks nothing.
func TestRulesFind(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`
openapi: 3.1.0
info: {title: bad, version: "1"}
paths:
  /a//b:
    post:
      operationId: Bad_name
      requestBody: {content: {application/json: {schema: {type: object, properties: {x: {type: string}}}}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: string}}}}}
components:
  schemas:
    Union: {oneOf: [{type: string}, {type: integer}]}
    Lists: {type: [string, integer]}
    Mail: {type: integer, format: email}
    Deep: {type: object, properties: {inner: {type: array, items: {type: object, properties: {y: {type: string}}}}}}
`))
	require.NoError(t, err)
	for _, o := range operations("bad", doc) {
		for rule, check := range operationRules {
			assert.NotEmpty(t, check(o), rule)
		}
	}
	for rule, check := range schemaRules {
		found := false
		for _, s := range doc.Components.Schemas {
			found = found || check(s.Value) != ""
		}
		assert.True(t, found, rule)
	}
}
