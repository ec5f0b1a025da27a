package reader

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Each file is broken in one way. want is what the operation of /a gives, as
// JSON, and repairs are all that is told.
func TestRepairs(t *testing.T) {
	const v3 = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
	const sound = `{"responses":{"default":{"description":""}}}`
	answer := func(schema string) string {
		return `{"responses":{"200":{"content":{"application/json":{"schema":` + schema + `}},"description":""}}}`
	}
	// of is a description whose only answer has the schema.
	of := func(schema string) string {
		return v3 + "paths:\n  /a:\n    get:\n      responses:\n        '200':\n          content: {application/json: {schema: " + schema + "}}\n"
	}
	const at = "/paths/~1a/get/responses/200/content/application~1json/schema"
	const below = "components: {schemas: {A: {type: string}, B: {properties: {c: {type: string}}}}, responses: {R: {content: {application/json: {schema: {type: integer}}}}}}\n"
	for name, tt := range map[string]struct {
		in, want string
		repairs  []Repair
	}{
		"nothing is wrong": {in: of("{type: string}"), want: answer(`{"type":"string"}`)},
		"byte order mark":  {in: "\ufeff" + of("{type: string}"), want: answer(`{"type":"string"}`)},
		"bytes that are no text": {
			in: of("{type: string}") + "# \xe9t\xe9 \x01\n", want: answer(`{"type":"string"}`),
			repairs: []Repair{{BadEncoding, "line 9"}},
		},
		"JSON with the escape of a slash": {
			in:   `{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"\/a": {"get": {"responses": {"default": {}}}}}}`,
			want: sound,
		},
		"JSON with escapes that are none": {
			in: `{"openapi": "3.0.3", "info": {"title": "\_t\x41\u00zz \ud83d\ude00", "version": "1"},
"paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "string", "pattern": "^\d+$"}}}}}}}}}`,
			want:    answer(`{"pattern":"^\\d+$","type":"string"}`),
			repairs: []Repair{{BadEscape, "line 1"}, {BadEscape, "line 2"}},
		},
		"JSON with commas and comments": {
			in: `{"openapi": "3.0.3", // the version
"info": {"title": "t", "version": "1",},
/* the
paths */ "paths": {"/a": {"get": {"responses": {"default": {"description": "two
lines"}}}, }}}`,
			want:    sound,
			repairs: []Repair{{LooseJSON, "line 1"}, {LooseJSON, "line 2"}, {LooseJSON, "line 3"}, {LooseJSON, "line 4"}, {LooseJSON, "line 5"}},
		},
		"JSON with a key twice": {
			in: `{"openapi": "3.0.3", "paths": {"/a": {"post": {"responses": {"default": {}}}}},
"paths": {"/a": {"get": {"responses": {"default": {}}}}}}`,
			want:    sound,
			repairs: []Repair{{DuplicateKey, "line 2: paths"}},
		},
		"YAML with escapes that are none": {
			in:      v3 + "paths:\n  /a:\n    get:\n      summary: \"digits \\d+ and \\. a \\\"dot\\\"\"\n      responses: {default: {}}\n",
			want:    sound,
			repairs: []Repair{{BadEscape, "line 6"}},
		},
		"YAML with a colon in a text": {
			in: v3 + "paths:\n  /a:\n    get:\n      summary: one thing: another's\n      description: \"a \"quoted\" word\"\n" +
				"      operationId: 'it's'\n      tags: [a] b\n      externalDocs: {} # none\n      responses: {default: {}}\n",
			want:    `{"operationId":"it's","responses":{"default":{"description":""}}}`,
			repairs: []Repair{{LooseYAML, "line 6"}, {LooseYAML, "line 7"}, {LooseYAML, "line 8"}, {LooseYAML, "line 9"}},
		},
		"YAML with a text that begins like something else": {
			in:      v3 + "paths:\n  /a:\n    get:\n      summary: @all of it\n      description: `code` it is\n      operationId: %id\n      responses: {default: {}}\n",
			want:    `{"operationId":"%id","responses":{"default":{"description":""}}}`,
			repairs: []Repair{{LooseYAML, "line 6"}, {LooseYAML, "line 7"}, {LooseYAML, "line 8"}},
		},
		"YAML with tabs": {
			in:      v3 + "paths:\n  /a:\n    get:\n\t\t\tresponses: {default: {}}\n",
			want:    sound,
			repairs: []Repair{{Tabs, "line 6"}},
		},
		"YAML with a key twice": {
			in:      v3 + "paths:\n  /a: {post: {responses: {default: {}}}}\n  /a: {get: {responses: {default: {}}}}\n",
			want:    sound,
			repairs: []Repair{{DuplicateKey, "line 5: /a"}},
		},
		"YAML with anchors": {
			in:   v3 + "x-all: &all {responses: {default: {}}}\npaths:\n  /a:\n    get:\n      <<: *all\n    put: *all\n",
			want: sound,
		},
		"numbers and times stay texts where they are none": {
			in:   of("{type: string, enum: [2024-01-02, 0123, yes, 1.50, .5, .inf, ~]}"),
			want: answer(`{"enum":["2024-01-02","0123","yes",1.50,0.5,".inf",null],"type":"string"}`),
		},
		"no version": {
			in: "paths: {/a: {get: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{NoVersion, ""}},
		},
		"no version of Swagger": {
			in:      "definitions: {A: {type: string}}\npaths: {/a: {get: {responses: {'200': {schema: {$ref: '#/definitions/A'}}}}}}",
			want:    answer(`{"$ref":"#/components/schemas/A"}`),
			repairs: []Repair{{NoVersion, ""}},
		},
		"servers as lists": {
			in:      v3 + "servers: [{url: ['https://api.example/v3'], description: [one]}]\npaths: {/a: {get: {responses: {default: {}}}}}",
			want:    sound,
			repairs: []Repair{{OtherType, "/servers/0/url"}},
		},
		"server that is a placeholder": {
			in: v3 + "servers: [{url: '[API_URL]'}]\npaths: {/a: {get: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{OddServer, "/servers/0"}},
		},
		"path without a slash": {
			in: v3 + "paths: {a: {get: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{NoSlash, "/paths/a"}},
		},
		"the same path with and without a slash": {
			in: v3 + "paths: {a: {get: {responses: {default: {}}}}, /a: {post: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{NoSlash, "/paths/a"}, {DuplicateKey, "/paths/a"}},
		},
		"path with a query": {
			in: v3 + "paths: {'/a?all=1': {get: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{OddPath, "/paths/~1a?all=1"}},
		},
		"empty stubs": {
			in:      v3 + "paths: {/a: {get: {responses: {default: {}}}, put: []}, b: [], /c: {}, /d: null}",
			want:    sound,
			repairs: []Repair{{EmptyPath, "/paths/~1a/put"}, {EmptyPath, "/paths/~1c"}, {EmptyPath, "/paths/~1d"}, {EmptyPath, "/paths/b"}},
		},
		"method in capitals": {
			in: v3 + "paths: {/a: {GET: {responses: {default: {}}}}}", want: sound,
			repairs: []Repair{{OtherType, "/paths/~1a/GET"}},
		},
		"no response": {
			in: v3 + "paths: {/a: {get: {summary: s}}}", want: sound,
			repairs: []Repair{{NoAnswer, "/paths/~1a/get"}},
		},
		"response code that is none": {
			in: v3 + "paths: {/a: {get: {responses: {success: {}, default: {}}}}}", want: sound,
			repairs: []Repair{{OddStatus, "/paths/~1a/get/responses/success"}},
		},
		"unknown key": {
			in: v3 + "__comment: c\npaths: {/a: {get: {responses: {default: {}}, x-own: 1, returns: 2}}}", want: sound,
			repairs: []Repair{{UnknownKey, "/__comment"}, {UnknownKey, "/paths/~1a/get/returns"}},
		},

		"reference that leads nowhere": {
			in: of("{$ref: '#/components/schemas/Gone'}"), want: answer(`{}`),
			repairs: []Repair{{DanglingRef, at}},
		},
		"reference to another file": {
			in: of("{$ref: 'other.yaml#/A'}"), want: answer(`{}`),
			repairs: []Repair{{OtherFile, at}},
		},
		"reference by the name": {
			in: of("{$ref: A}") + below, want: answer(`{"$ref":"#/components/schemas/A"}`),
			repairs: []Repair{{ShortRef, at}},
		},
		"reference by the place of Swagger": {
			in: of("{$ref: '#/definitions/A'}") + below, want: answer(`{"$ref":"#/components/schemas/A"}`),
			repairs: []Repair{{ShortRef, at}},
		},
		"reference to a response where a schema is wanted": {
			in: of("{$ref: '#/components/responses/R'}") + below, want: answer(`{"$ref":"#/components/schemas/responses_R"}`),
			repairs: []Repair{{OtherPart, at}},
		},
		"reference to a schema where a response is wanted": {
			in:      v3 + "paths: {/a: {get: {responses: {'200': {$ref: '#/components/schemas/A'}}}}}\n" + below,
			want:    answer(`{"$ref":"#/components/schemas/A"}`),
			repairs: []Repair{{OtherPart, "/paths/~1a/get/responses/200"}},
		},
		"reference into the depth": {
			in:   of("{$ref: '#/components/schemas/B/properties/c'}") + below,
			want: answer(`{"$ref":"#/components/schemas/__components_schemas_B_properties_c"}`),
		},
		"references in a circle": {
			in:   of("{$ref: '#/components/schemas/A'}") + "components: {schemas: {A: {properties: {a: {$ref: '#/components/schemas/A'}}}}}\n",
			want: answer(`{"$ref":"#/components/schemas/A"}`),
		},
		"parameter that refers to itself": {
			in: v3 + "paths: {/a: {get: {parameters: [{$ref: '#/components/parameters/P'}], responses: {default: {}}}}}\n" +
				"components: {parameters: {P: {$ref: '#/components/parameters/P'}}}",
			want:    sound,
			repairs: []Repair{{DanglingRef, "/paths/~1a/get/parameters/0"}, {OddParameter, "/paths/~1a/get/parameters/0"}},
		},

		"siblings of allOf": {
			in:   of("{title: t, type: object, required: [b], allOf: [{$ref: '#/components/schemas/B'}, {properties: {b: {type: integer}}}]}") + below,
			want: answer(`{"properties":{"b":{"type":"integer"},"c":{"type":"string"}},"required":["b"],"type":"object"}`),
		},
		"allOf of one reference": {
			in: of("{description: d, allOf: [{$ref: '#/components/schemas/B'}]}") + below, want: answer(`{"$ref":"#/components/schemas/B"}`),
		},
		"allOf that contradicts itself": {
			in: of("{allOf: [{type: string}, {type: integer}]}"), want: answer(`{"type":"integer"}`),
			repairs: []Repair{{Conflict, at}},
		},
		"union": {
			in:   of("{oneOf: [{type: string}, {type: 'null'}, {$ref: '#/components/schemas/B'}, {properties: {d: {}}}]}") + below,
			want: answer(`{"nullable":true,"properties":{"c":{"type":"string"},"d":{}},"type":["string","object"]}`),
		},
		"schema within a schema": {
			in: of("{schema: string, enum: [a]}"), want: answer(`{"enum":["a"],"type":"string"}`),
			repairs: []Repair{{OtherPart, at + "/schema"}},
		},
		"schema as an empty list": {in: of("[]"), want: answer(`{}`)},
		"schema as a text": {
			in: of("string"), want: answer(`{}`),
			repairs: []Repair{{UselessValue, at}},
		},
		"nullable as text": {
			in: of("{type: string, nullable: 'true'}"), want: answer(`{"nullable":true,"type":"string"}`),
			repairs: []Repair{{OtherType, at + "/nullable"}},
		},
		"list of types in 3.0": {
			in: of("{type: [integer, string, 'null']}"), want: answer(`{"nullable":true,"type":["integer","string"]}`),
			repairs: []Repair{{TypeList, at + "/type"}},
		},
		"list of types in 3.1": {
			in:   strings.Replace(of("{type: [integer, 'null'], exclusiveMinimum: 3}"), "3.0.3", "3.1.0", 1),
			want: answer(`{"minimum":3,"nullable":true,"type":"integer"}`),
		},
		"types that do not exist": {
			in: of("{properties: {a: {type: int64}, b: {type: 'str[]'}, c: {type: any}, d: {type: DATE}}}"),
			want: answer(`{"properties":{"a":{"format":"int64","type":"integer"},"b":{"items":{"type":"string"},"type":"array"},"c":{},` +
				`"d":{"format":"date","type":"string"}},"type":"object"}`),
			repairs: []Repair{
				{OddType, at + "/properties/a/type"},
				{OddType, at + "/properties/b/type/type"},
				{OddType, at + "/properties/b/type"},
				{OddType, at + "/properties/c/type"},
				{OddType, at + "/properties/d/type"},
			},
		},
		"number whose format is a whole one": {
			in: of("{type: number, format: integer}"), want: answer(`{"format":"int64","type":"integer"}`),
			repairs: []Repair{{OddType, at + "/format"}},
		},
		"values of a truth value": {in: of("{type: boolean, enum: [true, false]}"), want: answer(`{"type":"boolean"}`)},
		"items of a list that are written out": {
			in: of("{properties: {'o[0][name]': {type: string}, 'o[1][name]': {type: string}, 'o[0]kind': {type: integer}, 'p[0]': {type: string}}}"),
			want: answer(`{"properties":{"o":{"items":{"properties":{"kind":{"type":"integer"},"name":{"type":"string"}},"type":"object"},"type":"array"},` +
				`"p":{"items":{"type":"string"},"type":"array"}},"type":"object"}`),
		},
		"array without items": {
			in: of("{type: array}"), want: answer(`{"items":{},"type":"array"}`),
			repairs: []Repair{{NoItems, at}},
		},
		"items as a list": {
			in: of("{type: array, items: [{type: string}, {type: integer}]}"), want: answer(`{"items":{"type":["string","integer"]},"type":"array"}`),
			repairs: []Repair{{OtherType, at + "/items"}},
		},
		"required at a field": {
			in:      of("{properties: {a: {type: string, required: true}, b: {type: string, required: false}}}"),
			want:    answer(`{"properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"],"type":"object"}`),
			repairs: []Repair{{RequiredAtField, at + "/properties/a"}, {RequiredAtField, at + "/properties/b"}},
		},
		"numbers as texts": {
			in: of("{type: string, maxLength: '5', minLength: many, maximum: '1.5'}"), want: answer(`{"maxLength":5,"maximum":1.5,"type":"string"}`),
			repairs: []Repair{{OtherType, at + "/maxLength"}, {OtherType, at + "/maximum"}, {UselessValue, at + "/minLength"}},
		},
		"enum that is one value": {
			in: of("{type: string, enum: a}"), want: answer(`{"enum":["a"],"type":"string"}`),
			repairs: []Repair{{OtherType, at + "/enum"}},
		},

		"parameters": {
			in: v3 + "paths: {/a: {get: {parameters: [{name: a, in: query, type: integer}, {name: b, schema: {type: string}}, {in: query}, " +
				"{name: a, in: query, schema: {}}, {name: c, in: query, required: 'yes'}], responses: {default: {}}}}}",
			want: `{"parameters":[{"in":"query","name":"a","schema":{"type":"integer"}},{"in":"query","name":"b","schema":{"type":"string"}},` +
				`{"in":"query","name":"c","schema":{}}],"responses":{"default":{"description":""}}}`,
			repairs: []Repair{
				{BareType, "/paths/~1a/get/parameters/0"},
				{NoPlace, "/paths/~1a/get/parameters/1"},
				{OddParameter, "/paths/~1a/get/parameters/2"},
				{UselessValue, "/paths/~1a/get/parameters/4/required"},
				{OddParameter, "/paths/~1a/get/parameters/3"},
			},
		},
		"body parameter in OpenAPI 3": {
			in:      v3 + "paths: {/a: {get: {parameters: [{in: body, name: b, schema: {type: string}}], responses: {default: {}}}}}",
			want:    `{"requestBody":{"content":{"application/json":{"schema":{"type":"string"}}}},"responses":{"default":{"description":""}}}`,
			repairs: []Repair{{BodyParameter, "/paths/~1a/get/parameters/0"}},
		},
		"Swagger": {
			in: "swagger: 2.0\nhost: api.example\nbasePath: v3\nconsumes: [multipart/form-data]\npaths: {/a: {get: {parameters: [{in: formData, name: f, type: file, required: true}, " +
				"{in: query, name: n, type: integer}], responses: {200: {schema: {$ref: '#/definitions/A'}}}}}}\ndefinitions: {A: {type: string}}",
			want: `{"parameters":[{"in":"query","name":"n","schema":{"type":"integer"}}],` +
				`"requestBody":{"content":{"multipart/form-data":{"schema":{"properties":{"f":{"format":"binary","type":"string"}},"required":["f"],"type":"object"}}}},` +
				answer(`{"$ref":"#/components/schemas/A"}`)[1:],
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Read([]byte(tt.in))
			require.NoError(t, err)
			assert.Equal(t, tt.repairs, f.Repairs)
			require.NotNil(t, f.Doc.Paths.Value("/a"), "the paths: %v", f.Doc.Paths.InMatchingOrder())
			got, err := json.Marshal(f.Doc.Paths.Value("/a").Get)
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(got))
		})
	}
}

func TestRefused(t *testing.T) {
	const head = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
	for name, tt := range map[string]struct{ in, want string }{
		"empty":             {" \n", "is empty"},
		"HTML page":         {"<!DOCTYPE html><html><body>Sign in</body></html>", "is an HTML page"},
		"XML":               {`<?xml version="1.0"?><wsdl/>`, "is XML"},
		"no YAML":           {"openapi: [3.0\npaths", "is neither JSON nor YAML"},
		"broken off JSON":   {`{"openapi": "3.0.0", "paths": {`, "is neither JSON nor YAML"},
		"a text":            {"not found", "is neither a JSON nor a YAML object"},
		"a list":            {"[1, 2]", "is neither a JSON nor a YAML object"},
		"no key":            {`{"message": "Not Found"}`, "has neither a key openapi nor a key swagger"},
		"other version":     {"openapi: 4.0.0", "is OpenAPI 4.0.0"},
		"Swagger 1":         {`{"swagger": "1.2"}`, "is Swagger 1.2"},
		"no paths":          {head + "paths: {}", "without a single operation"},
		"paths as a number": {head + "paths: 7", "without a single operation"},
		"only stubs":        {head + "paths: {/a: [], /b: {}}", "without a single operation"},
		"parts in files":    {head + "paths: {/a: {$ref: 'other.yaml#/a'}}", "put all into one file first"},
		"too deep":          {head + "paths: " + strings.Repeat("[", 600) + strings.Repeat("]", 600), "levels deep"},
		"too deep in JSON":  {`{"openapi": "3.0.3", "paths": ` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", "levels deep"},
		"bomb of aliases": {head + "a: &a [1,1,1,1,1,1,1,1,1]\n" + func() string {
			var b strings.Builder
			for c := 'b'; c < 'k'; c++ {
				ref := "*" + string(c-1)
				b.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat(ref+", ", 8) + ref + "]\n")
			}
			return b.String()
		}() + "paths: {/a: {}}", "values"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(tt.in))
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

// Every curated spec is read without a repair.
func TestCurated(t *testing.T) {
	specs, err := filepath.Glob("../../../api/*/openapi.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, specs)
	for _, spec := range specs {
		data, err := os.ReadFile(spec)
		require.NoError(t, err)
		f, err := Read(data)
		require.NoError(t, err, spec)
		assert.Empty(t, f.Repairs, spec)
	}
}

var seeds = []string{
	"openapi: 3.0.3\npaths:\n  /a/{id}:\n    parameters: [{name: id, in: path}]\n    get:\n      responses: {'200': {$ref: A}}\ncomponents: {schemas: {A: {oneOf: [{type: [string]}, {$ref: '#/components/schemas/A'}], allOf: [{properties: {a: {required: true}}}]}}}\n",
	`{"swagger": "2.0", "host": "h", "paths": {"a": {"post": {"parameters": [{"in": "body", "schema": {"$ref": "#/definitions/A"}}, {"in": "formData", "name": "f", "type": "file"}], "responses": {"200": {"schema": {"type": "array", "items": {}}}}}}}, "definitions": {"A": {"additionalProperties": {"$ref": "B"}, "enum": [1, null]}}}`,
	"openapi: 3.1.0\npaths: {/a: {get: {requestBody: {content: {a/b: {schema: {type: object, items: [], minLength: -1, minimum: x, default: ~, const: 1}}}}, responses: {1XX: {headers: {X: {schema: true}}}}}}}\nsecurity: [{k: []}]\ncomponents: {securitySchemes: {k: {type: apiKey, name: n, in: header}}}",
}

// readable fails when the reader wrote what the library refuses. That a file is
// refused as no description is fine.
func readable(t *testing.T, data []byte) {
	if _, err := Read(data); err != nil && (strings.Contains(err.Error(), "loaded") || strings.Contains(err.Error(), "written")) {
		t.Fatalf("%v\n%s", err, data)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(readable)
}

// Each value of some descriptions is replaced by each of some wrong ones.
func TestWrongValues(t *testing.T) {
	specs, err := os.ReadFile("../testdata/new.yaml")
	require.NoError(t, err)
	swagger, err := os.ReadFile("../testdata/old.swagger.json")
	require.NoError(t, err)
	n := 0
	for _, seed := range append(seeds, string(specs), string(swagger)) {
		var top any
		require.NoError(t, yaml.Unmarshal([]byte(seed), &top))
		everywhere(top, func(set func(any), old any) {
			for _, wrong := range []any{
				nil, true, "x", "", -7, 1.5,
				[]any{},
				map[string]any{},
				[]any{[]any{"a"}, 1},
				map[string]any{"$ref": "#/gone"},
				map[string]any{"$ref": "x.yaml"},
				map[string]any{"$ref": 1},
				map[string]any{"$ref": "#/paths"},
				map[string]any{"$ref": "#/components/schemas/A", "type": 1},
				map[string]any{"x y": "object", "": nil},
			} {
				set(wrong)
				data, err := json.Marshal(top)
				require.NoError(t, err)
				readable(t, data)
				n++
			}
			set(old)
		})
	}
	assert.Greater(t, n, 4000)
}

// everywhere calls f for each value below v, with what replaces it.
func everywhere(v any, f func(set func(any), old any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, old := range v {
			f(func(to any) { v[k] = to }, old)
			everywhere(old, f)
		}
	case []any:
		for i, old := range v {
			f(func(to any) { v[i] = to }, old)
			everywhere(old, f)
		}
	}
}
