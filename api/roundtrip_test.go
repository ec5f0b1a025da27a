package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/form"
	"github.com/postmux/postmux/rest"
)

// A binding is what was generated for a vendor. The types of bodies and answers
// are found through the methods of the client; only errors need a list, because
// no method names their type.
type binding struct {
	client func(rest.Doer) any
	errors map[string]reflect.Type // by the name of the schema
}

//go:generate go run ../internal/bindings

// bind is a row of bindings, which are generated: a client, and a value of the
// type of each error schema.
func bind[C any](client func(rest.Doer) C, errors map[string]any) binding {
	b := binding{client: func(d rest.Doer) any { return client(d) }, errors: map[string]reflect.Type{}}
	for schema, value := range errors {
		b.errors[schema] = reflect.TypeOf(value)
	}
	return b
}

// bindingOf is the row of a vendor.
func bindingOf(t *testing.T, vendor string) binding {
	t.Helper()
	b, ok := bindings[vendor]
	require.True(t, ok, "api/bindings_gen_test.go has no row for %s: run make generate", vendor)
	return b
}

// recorder keeps the call and answers with its text.
type recorder struct {
	call   *rest.Call
	answer []byte
}

func (r *recorder) Do(_ context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	r.call = call
	if r.answer == nil {
		return &rest.Reply{Status: 200}, nil
	}
	return &rest.Reply{Status: 200, Body: r.answer}, rest.Decode(r.answer, out)
}

// method is a generated method of one operation.
type method struct {
	reflect.Value
	r *recorder
}

// method finds the generated method of an operation; the two differ in the case of letters only.
func (b binding) method(t *testing.T, operationID string) method {
	t.Helper()
	r := &recorder{}
	client := reflect.ValueOf(b.client(r))
	for i := range client.NumMethod() {
		if strings.EqualFold(client.Type().Method(i).Name, operationID) {
			return method{client.Method(i), r}
		}
	}
	require.Failf(t, "no generated method", "operation %s", operationID)
	return method{}
}

// body and params are the types of what the method sends; nil when it sends none.
func (m method) body() reflect.Type {
	for i := 1; i < m.Type().NumIn()-1; i++ {
		if in := m.Type().In(i); in.Kind() == reflect.Struct || in.Kind() == reflect.Map {
			return in
		}
	}
	return nil
}

func (m method) params() reflect.Type {
	for i := 1; i < m.Type().NumIn()-1; i++ {
		if in := m.Type().In(i); in.Kind() == reflect.Pointer {
			return in
		}
	}
	return nil
}

// run calls the method with the given arguments; the others are zero values.
func (m method) run(t *testing.T, given ...reflect.Value) (any, error) {
	t.Helper()
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < m.Type().NumIn()-1; i++ {
		arg := reflect.Zero(m.Type().In(i))
		for _, g := range given {
			if g.Type() == arg.Type() {
				arg = g
			}
		}
		in = append(in, arg)
	}
	out := m.Call(in)
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// request sends a body, given as JSON, through the generated method and returns
// what a request would carry: JSON, or the fields of a form. files are what
// stands in the body's fields of type file.
func (m method) request(t *testing.T, data []byte) (tree any, fields []form.Field, err error) {
	t.Helper()
	if m.body() == nil {
		return nil, nil, fmt.Errorf("the generated method has no body")
	}
	body := reflect.New(m.body())
	data, files := takeFiles(t, m.body(), data)
	if err := json.Unmarshal(data, body.Interface()); err != nil {
		return nil, nil, err
	}
	for i, file := range files {
		if target := body.Elem().Field(i); target.Kind() == reflect.Pointer {
			target.Set(reflect.ValueOf(&file))
		} else {
			target.Set(reflect.ValueOf(file))
		}
	}
	if _, err := m.run(t, body.Elem()); err != nil {
		return nil, nil, err
	}
	if m.r.call.Kind != rest.JSON {
		fields, err := m.r.call.FormFields()
		return nil, fields, err
	}
	encoded, _, err := m.r.call.Encode()
	if err != nil {
		return nil, nil, err
	}
	return parse(t, encoded), nil, nil
}

// takeFiles takes the fields of type file out of a body in JSON, which cannot hold one.
func takeFiles(t *testing.T, body reflect.Type, data []byte) ([]byte, map[int]rest.File) {
	t.Helper()
	if body.Kind() != reflect.Struct {
		return data, nil
	}
	files := map[int]rest.File{}
	for i := range body.NumField() {
		f := body.Field(i)
		if f.Type != reflect.TypeFor[*rest.File]() && f.Type != reflect.TypeFor[rest.File]() {
			continue
		}
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &object))
		name := tag(f)
		if raw, ok := object[name]; ok {
			var content string
			require.NoError(t, json.Unmarshal(raw, &content))
			files[i] = rest.File{Name: "file", Content: []byte(content)}
			delete(object, name)
			var err error
			data, err = json.Marshal(object)
			require.NoError(t, err)
		}
	}
	return data, files
}

func tag(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// answer decodes an answer through the generated method.
func (m method) answer(t *testing.T, data []byte) (any, error) {
	m.r.answer = data
	return m.run(t)
}

// decoded is a JSON text in the given type.
func decoded(data []byte, t reflect.Type) (any, error) {
	v := reflect.New(t)
	err := json.Unmarshal(data, v.Interface())
	return v.Interface(), err
}

// parse reads JSON and keeps numbers as they are written.
func parse(t *testing.T, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%s", data)
	return v
}

// flat is a body in JSON as the fields of a form.
func flat(name string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if name != "" {
				key = name + "[" + key + "]"
			}
			flat(key, below, out)
		}
	case []any:
		for i, below := range v {
			flat(name+"["+strconv.Itoa(i)+"]", below, out)
		}
	case nil:
	default:
		out[name] = fmt.Sprint(v)
	}
}

// folded is the reverse of a form's encoding: the fields as JSON that decodes
// into a body of type t. What has no place is left out, and so found by comparing.
func folded(t reflect.Type, fields []form.Field) any {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map && t.Key().Kind() == reflect.Bool { // nullable
		t = t.Elem()
	}
	if t == reflect.TypeFor[rest.File]() {
		return fields[0].Value
	}
	switch t.Kind() {
	case reflect.Struct:
		return foldedStruct(t, fields)
	case reflect.Map:
		object := map[string]any{}
		for _, key := range keys(fields) {
			object[key] = folded(t.Elem(), under(fields, key))
		}
		return object
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			break
		}
		list := []any{}
		for _, key := range keys(fields) {
			list = append(list, folded(t.Elem(), under(fields, key)))
		}
		return list
	case reflect.Interface:
		if ks := keys(fields); len(ks) > 0 && ks[0] == "0" {
			return folded(reflect.TypeFor[[]any](), fields)
		} else if len(ks) > 0 {
			return folded(reflect.TypeFor[map[string]any](), fields)
		}
	case reflect.Bool, reflect.Int64, reflect.Int, reflect.Float64:
		return json.RawMessage(fields[0].Value)
	}
	return fields[0].Value
}

func foldedStruct(t reflect.Type, fields []form.Field) any {
	object, placed := map[string]any{}, map[string]bool{}
	for i := range t.NumField() {
		if below := under(fields, tag(t.Field(i))); len(below) > 0 {
			object[tag(t.Field(i))] = folded(t.Field(i).Type, below)
			placed[tag(t.Field(i))] = true
		}
	}
	if free, ok := t.FieldByName("AdditionalProperties"); ok {
		for _, f := range fields {
			if key, _, _ := strings.Cut(f.Name, "["); !placed[f.Name] && !placed[key] && !strings.Contains(f.Name, "[") {
				object[f.Name] = folded(free.Type.Elem(), under(fields, f.Name))
			}
		}
	}
	return object
}

// under are the fields that begin with key, without it: at the top a key is
// written as it is, below it is in brackets, which keys and under take off.
func under(fields []form.Field, key string) []form.Field {
	var out []form.Field
	for _, f := range fields {
		rest, ok := strings.CutPrefix(f.Name, key)
		if inner, bracketed := strings.CutPrefix(f.Name, "["+key+"]"); bracketed {
			rest, ok = inner, true
		}
		if ok && (rest == "" || rest[0] == '[') {
			out = append(out, form.Field{Name: rest, Value: f.Value, File: f.File})
		}
	}
	return out
}

// keys are the first keys of the fields, in order.
func keys(fields []form.Field) []string {
	var out []string
	for _, f := range fields {
		if f.Name == "" {
			continue
		}
		key, _, _ := strings.Cut(strings.TrimPrefix(f.Name, "["), "]")
		if n := len(out); n == 0 || out[n-1] != key {
			out = append(out, key)
		}
	}
	return out
}
