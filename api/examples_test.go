package api_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/form"
	"github.com/postmux/postmux/rest"
)

// trip is one example on its way through the generated types.
type trip struct {
	vendor, operation, kind string // kind: request, answer or error
	schema                  string // of an error
}

// run sends the example there and back and says what is lost or changed.
func (w trip) run(t *testing.T, data []byte) []string {
	t.Helper()
	b := bindingOf(t, w.vendor)
	m := b.method(t, w.operation)
	want := parse(t, data)
	if w.kind == "request" {
		tree, fields, err := m.request(t, data)
		switch {
		case err != nil:
			return []string{err.Error()}
		case m.r.call.Kind == rest.JSON:
			return differ("", want, tree)
		}
		flatWant, flatGot := map[string]string{}, map[string]string{}
		flat("", want, flatWant)
		for _, f := range fields {
			flatGot[f.Name] = f.Value
			if f.File != nil {
				flatGot[f.Name] = string(f.File.Content)
			}
		}
		return differ("", anyMap(flatWant), anyMap(flatGot))
	}
	var got any
	var err error
	if w.kind == "error" {
		typ := b.errors[w.schema]
		if typ == nil {
			return []string{"no Go type for the schema " + w.schema}
		}
		got, err = decoded(data, typ)
	} else {
		got, err = m.answer(t, data)
	}
	if err != nil {
		return []string{err.Error()}
	}
	encoded, err := json.Marshal(got)
	if err != nil {
		return []string{err.Error()}
	}
	return append(unplaced("", want, reflect.TypeOf(got)), lost("", want, parse(t, encoded), secretsIn(reflect.ValueOf(got)))...)
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for key, v := range m {
		out[key] = v
	}
	return out
}

func (w trip) check(t *testing.T, what string, data []byte) {
	t.Helper()
	for _, found := range w.run(t, data) {
		t.Errorf("%s: %s %s\n\t%s", what, w.operation, w.kind, found)
	}
}

// TestSpecExamples sends every example of every spec through the generated types.
func TestSpecExamples(t *testing.T) {
	for vendor, doc := range specs(t) {
		trips := 0
		for _, op := range operations(vendor, doc) {
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Value.Content {
					trips += checkMedia(t, trip{vendor, op.OperationID, "request", ""}, media)
				}
			}
			for code, r := range op.Responses.Map() {
				kind := "error"
				if code[0] == '2' {
					kind = "answer"
				}
				for _, media := range r.Value.Content {
					trips += checkMedia(t, trip{vendor, op.OperationID, kind, filepath.Base(media.Schema.Ref)}, media)
				}
			}
		}
		assert.Positive(t, trips, vendor)
		t.Logf("%s: %d examples go through the generated types", vendor, trips)
	}
}

func checkMedia(t *testing.T, w trip, media *openapi3.MediaType) int {
	t.Helper()
	examples := map[string]any{}
	if media.Example != nil {
		examples[""] = media.Example
	}
	for name, e := range media.Examples {
		examples[name] = e.Value.Value
	}
	for name, e := range examples {
		data, err := json.Marshal(e)
		require.NoError(t, err)
		w.check(t, w.vendor+"/openapi.yaml "+name, data)
	}
	return len(examples)
}

// TestExampleFiles sends the samples in */examples through the generated types.
func TestExampleFiles(t *testing.T) {
	files, err := filepath.Glob("*/examples/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	docs := specs(t)
	for _, file := range files {
		vendor := filepath.Dir(filepath.Dir(file))
		require.Contains(t, docs, vendor, "%s: api/%s has no openapi.yaml", file, vendor)
		parts := strings.Split(filepath.Base(file), ".")
		require.Len(t, parts, 3, file)
		op := operationOf(docs[vendor], parts[0])
		if !assert.NotNil(t, op, "%s: no such operation", file) {
			continue
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		kind, _, _ := strings.Cut(parts[1], "-")
		if !assert.Contains(t, []string{"request", "answer", "error"}, kind, file) {
			continue
		}
		if parts[2] == "form" {
			checkForm(t, file, bindingOf(t, vendor).method(t, parts[0]), string(data), parts[1] == "request-query")
			continue
		}
		schema := schemaOf(op, kind)
		if !assert.NotNil(t, schema, "%s: the operation has none", file) {
			continue
		}
		var value any
		require.NoError(t, json.Unmarshal(data, &value), file)
		assert.NoError(t, schema.Value.VisitJSON(value), file)
		trip{vendor, parts[0], kind, filepath.Base(schema.Ref)}.check(t, file, data)
	}
}

func operationOf(doc *openapi3.T, id string) *openapi3.Operation {
	for _, op := range operations("", doc) {
		if op.OperationID == id {
			return op.Operation
		}
	}
	return nil
}

// schemaOf is the schema of an operation's request, answer or error in JSON: of the first code.
func schemaOf(op *openapi3.Operation, kind string) *openapi3.SchemaRef {
	if kind == "request" {
		if op.RequestBody == nil || op.RequestBody.Value.Content["application/json"] == nil {
			return nil
		}
		return op.RequestBody.Value.Content["application/json"].Schema
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		media := op.Responses.Value(code).Value.Content["application/json"]
		if (code[0] == '2') == (kind == "answer") && media != nil {
			return media.Schema
		}
	}
	return nil
}

// checkForm checks a file of fields, one name=value a line, in the order in which they are sent.
func checkForm(t *testing.T, file string, m method, text string, query bool) {
	t.Helper()
	var want []form.Field
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		require.True(t, ok, "%s: %q", file, line)
		want = append(want, form.Field{Name: name, Value: value})
	}
	target := m.body()
	if query {
		target = m.params()
	}
	require.NotNil(t, target, file)
	data, err := json.Marshal(folded(target, want))
	require.NoError(t, err, file)
	var got []form.Field
	if query {
		params := reflect.New(target.Elem())
		require.NoError(t, json.Unmarshal(data, params.Interface()), file)
		_, err = m.run(t, params)
		require.NoError(t, err, file)
		for _, p := range m.r.call.Query {
			got = append(got, form.Field{Name: p.Name, Value: p.Value})
		}
	} else {
		_, got, err = m.request(t, data)
		require.NoError(t, err, file)
		for i, f := range got {
			if f.File != nil {
				got[i] = form.Field{Name: f.Name, Value: string(f.File.Content)}
			}
		}
	}
	assert.Equal(t, want, got, file)
}

// A comparison that finds nothing proves nothing.
func TestTripsFind(t *testing.T) {
	for name, c := range map[string]struct {
		trip
		data, found string
	}{
		"request, unknown field":   {trip{"brevo", "createContact", "request", ""}, `{"email": "a@example.com", "colour": "red"}`, ".colour: lost"},
		"request, wrong type":      {trip{"brevo", "createContact", "request", ""}, `{"email": 7}`, "cannot unmarshal number"},
		"request without a body":   {trip{"brevo", "getContact", "request", ""}, `{}`, "no body"},
		"form, unknown field":      {trip{"smsby", "sendEmail", "request", ""}, `{"email": "a@example.com", "colour": "red"}`, ".colour: lost"},
		"answer, unknown field":    {trip{"brevo", "sendEmail", "answer", ""}, `{"messageId": "x", "colour": "red"}`, ".colour: no place"},
		"answer, unknown and zero": {trip{"brevo", "sendEmail", "answer", ""}, `{"messageId": "x", "colour": 0}`, ".colour: no place"},
		"answer, another case":     {trip{"brevo", "sendEmail", "answer", ""}, `{"MessageID": "x"}`, ".MessageID: no place"},
		"answer, deep below":       {trip{"smsby", "sendEmail", "answer", ""}, `{"result": {"email_id": 5, "colour": 0}}`, ".result.colour: no place"},
		"answer, wrong type":       {trip{"brevo", "sendEmail", "answer", ""}, `{"messageId": ["x"]}`, "cannot unmarshal array"},
		"error, unknown field":     {trip{"brevo", "sendEmail", "error", "Error"}, `{"code": "x", "colour": "red"}`, ".colour: no place"},
		"error without a type":     {trip{"brevo", "sendEmail", "error", "Nothing"}, `{}`, "no Go type"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, strings.Join(c.run(t, []byte(c.data)), "; "), c.found)
		})
	}
	assert.Empty(t, trip{"brevo", "sendEmail", "answer", ""}.run(t, []byte(`{"messageId": "x"}`)))
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		want, got  string
		same, says bool // the same request; the same answer
	}{
		{`{"a": 1.0, "b": "x"}`, `{"b": "x", "a": 1}`, true, true},
		{`{"a": 1}`, `{"a": 2}`, false, false},
		{`{"a": "x"}`, `{}`, false, false},
		{`{"a": "12"}`, `{"a": 12}`, false, true},
		{`{"a": 12}`, `{"a": "12"}`, false, true},
		{`{"a": "12"}`, `{"a": 13}`, false, false},
		{`{"a": "yes"}`, `{"a": true}`, false, true},
		{`{"a": "no"}`, `{"a": true}`, false, false},
		{`{"a": null}`, `{"a": 0}`, false, true},
		{`{"a": []}`, `{"a": null}`, false, true},
		{`{"a": 0}`, `{}`, false, true},
		{`{}`, `{"a": ""}`, false, true},
		{`{"a": ["x", "y"]}`, `{"a": ["x"]}`, false, false},
		{`{"a": {"b": 1}}`, `{"a": "{\"b\": 1}"}`, false, true},
		{`{"a": {"b": 1}}`, `{"a": "{\"b\": 2}"}`, false, false},
		{`{"a": "hidden"}`, `{"a": "REDACTED"}`, false, true},
		{`{"a": "other"}`, `{"a": "REDACTED"}`, false, false},
	} {
		want, got := parse(t, []byte(c.want)), parse(t, []byte(c.got))
		assert.Equal(t, c.same, len(differ("", want, got)) == 0, "request %s, %s", c.want, c.got)
		assert.Equal(t, c.says, len(lost("", want, got, []string{"hidden"})) == 0, "answer %s, %s", c.want, c.got)
	}
}
