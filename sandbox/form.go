package sandbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	typeMultipart = "multipart/form-data"
	typeForm      = "application/x-www-form-urlencoded"
)

// parseForm reads the fields of a form body in order.
func parseForm(contentType string, body []byte) ([]Field, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	if kind == typeForm {
		if _, err := url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		return parseQuery(string(body)), nil
	}
	// The reader accepts a cut body as a complete form.
	boundary := params["boundary"]
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return nil, errors.New("no closing boundary")
	}
	var fields []Field
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return fields, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return fields, err
		}
		f := Field{Name: part.FormName(), Value: string(data)}
		if f.Filename = part.FileName(); f.Filename != "" {
			f.ContentType = part.Header.Get("Content-Type")
		}
		fields = append(fields, f)
	}
}

// parseQuery reads name=value pairs in order; what does not decode is skipped.
func parseQuery(raw string) []Field {
	var fields []Field
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 == nil && err2 == nil {
			fields = append(fields, Field{Name: name, Value: value})
		}
	}
	return fields
}

// fold returns the JSON value of bracketed fields, by the schema of the form:
// "email[params][order]" is the key order of the property "email[params]" when the
// schema has one of that name. Scalars get the type of the schema; a text that
// cannot be converted stays text, and the check of the value reports it.
func fold(fields []Field, schema *openapi3.Schema) (map[string]any, []string) {
	f := &folder{}
	root := newNode()
	for i := range fields {
		name := fields[i].Name
		prop := property(schema, name)
		if prop == "" {
			prop, _, _ = strings.Cut(name, "[")
		}
		keys, ok := brackets(name[len(prop):])
		if !ok {
			prop, keys = name, nil
		}
		if err := root.insert(append([]string{prop}, keys...), &fields[i]); err != nil {
			f.problem(name, err.Error())
		}
	}
	value, _ := f.value(root, schema, "").(map[string]any)
	return value, f.problems
}

// property returns the longest property of schema that the name of a field
// starts with, or "".
func property(schema *openapi3.Schema, name string) string {
	best := ""
	for prop := range schema.Properties {
		rest, ok := strings.CutPrefix(name, prop)
		if ok && len(prop) > len(best) && (rest == "" || rest[0] == '[') {
			best = prop
		}
	}
	return best
}

// brackets splits "[a][0]" into its keys.
func brackets(text string) ([]string, bool) {
	var keys []string
	for text != "" {
		end := strings.IndexByte(text, ']')
		if text[0] != '[' || end < 0 {
			return nil, false
		}
		keys = append(keys, text[1:end])
		text = text[end+1:]
	}
	return keys, true
}

// node is a value under construction: a field, or a container.
type node struct {
	field *Field
	keys  []string // in order of arrival
	kids  map[string]*node
}

func newNode() *node { return &node{kids: map[string]*node{}} }

func (n *node) insert(path []string, field *Field) error {
	if len(path) == 0 {
		if n.field != nil || len(n.keys) > 0 {
			return errors.New("given twice")
		}
		n.field = field
		return nil
	}
	if n.field != nil {
		return errors.New("both a value and a container")
	}
	key := path[0]
	if key == "" { // PHP: the next index
		key = strconv.Itoa(len(n.keys))
	}
	if n.kids[key] == nil {
		n.keys, n.kids[key] = append(n.keys, key), newNode()
	}
	return n.kids[key].insert(path[1:], field)
}

// folder turns nodes into JSON values.
type folder struct{ problems []string }

func (f *folder) problem(name, what string) {
	f.problems = append(f.problems, fmt.Sprintf("field %s: %s", clip(name, 100), what))
}

// value converts n. A nil schema accepts everything.
func (f *folder) value(n *node, schema *openapi3.Schema, name string) any {
	switch {
	case n.field != nil:
		return f.scalar(n.field, schema, name)
	case allows(schema, openapi3.TypeArray) && !allows(schema, openapi3.TypeObject):
		return f.list(n, schema, name)
	}
	out := make(map[string]any, len(n.keys))
	for _, key := range n.keys {
		child := name + "[" + key + "]"
		if name == "" {
			child = key
		}
		out[key] = f.value(n.kids[key], keySchema(schema, key), child)
	}
	return out
}

// list converts the entries 0, 1, 2 and so on; a gap is a problem.
func (f *folder) list(n *node, schema *openapi3.Schema, name string) any {
	out := make([]any, 0, len(n.keys))
	var items *openapi3.Schema
	if schema.Items != nil {
		items = schema.Items.Value
	}
	for i := range n.keys {
		kid := n.kids[strconv.Itoa(i)]
		if kid == nil {
			f.problem(
				name, fmt.Sprintf("a list with the keys %s", clip(strings.Join(n.keys, " "), 100)),
			)
			break
		}
		out = append(out, f.value(kid, items, fmt.Sprintf("%s[%d]", name, i)))
	}
	return out
}

func (f *folder) scalar(field *Field, schema *openapi3.Schema, name string) any {
	text := field.Value
	format := ""
	if schema != nil {
		format = schema.Format
	}
	if field.Filename != "" && format != "binary" {
		f.problem(name, "a file where the spec has none")
	}
	if format == "byte" {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			f.problem(name, "not base64")
		}
	}
	if schema == nil || allows(schema, openapi3.TypeString) {
		return text
	}
	switch {
	case allows(schema, openapi3.TypeInteger):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return float64(n)
		}
	case allows(schema, openapi3.TypeNumber):
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case allows(schema, openapi3.TypeBoolean):
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// allows reports whether the schema lists the type; a schema without types lists
// none.
func allows(schema *openapi3.Schema, typ string) bool {
	if schema == nil {
		return false
	}
	return schema.Type != nil && slices.Contains(*schema.Type, typ)
}

// keySchema returns the schema of a key, also inside allOf; nil accepts everything.
func keySchema(schema *openapi3.Schema, key string) *openapi3.Schema {
	if schema == nil {
		return nil
	}
	if p := schema.Properties[key]; p != nil {
		return p.Value
	}
	for _, part := range schema.AllOf {
		if m := keySchema(part.Value, key); m != nil {
			return m
		}
	}
	if extra := schema.AdditionalProperties.Schema; extra != nil {
		return extra.Value
	}
	return nil
}
