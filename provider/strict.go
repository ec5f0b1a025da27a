package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// decodeStrict decodes one JSON document into out, a pointer to a struct.
// encoding/json takes keys in any case, the last of two equal ones, and says
// little about where an error is; all of that is an error here that names the
// field by its path. Errors are *Error of kind ErrInvalid.
func decodeStrict(data []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	var whole json.RawMessage
	if err := dec.Decode(&whole); err != nil {
		return syntaxError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Invalid("", "expected one JSON document, found more behind it")
	}
	if err := checkShape("", whole, reflect.TypeOf(out).Elem()); err != nil {
		return err
	}
	if err := json.Unmarshal(whole, out); err != nil {
		return Invalid("", "%s", strings.TrimPrefix(err.Error(), "json: ")) // checkShape has looked at every value
	}
	return nil
}

func syntaxError(err error) *Error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Invalid("", "not valid JSON at byte %d: %v", syntax.Offset, err)
	}
	return Invalid("", "expected a JSON document, found its end")
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// checkShape compares a value with the Go type that it is to become.
func checkShape(path string, raw json.RawMessage, t reflect.Type) *Error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return nil
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	leaf := reflect.PointerTo(t).Implements(unmarshaler) || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
	switch {
	case leaf:
		return checkLeaf(path, raw, t)
	case t.Kind() == reflect.Struct:
		return eachKey(path, raw, func(key, at string, value json.RawMessage) *Error {
			known := jsonFields(t)
			i := slices.IndexFunc(known, func(f jsonField) bool { return f.name == key })
			if i < 0 {
				return Invalid(at, "unknown key; known: %s", fieldNames(known))
			}
			return checkShape(at, value, known[i].typ)
		})
	case t.Kind() == reflect.Map:
		return eachKey(path, raw, func(_, at string, value json.RawMessage) *Error { return checkShape(at, value, t.Elem()) })
	case t.Kind() == reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return Invalid(path, "expected a list, got %s", jsonKind(raw))
		}
		for i, item := range items {
			if err := checkShape(fmt.Sprintf("%s[%d]", path, i), item, t.Elem()); err != nil {
				return err
			}
		}
		return nil
	}
	return checkLeaf(path, raw, t)
}

func checkLeaf(path string, raw json.RawMessage, t reflect.Type) *Error {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	switch {
	case err == nil:
		return nil
	case t == reflect.TypeFor[time.Time]():
		return Invalid(path, "expected a time like 2026-03-21T09:00:00+03:30, got %s", text.Clip(string(raw)))
	case t.Kind() == reflect.Slice && jsonKind(raw) == "a text":
		return Invalid(path, "expected base64 (standard alphabet, with padding): %v", err)
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return Invalid(path, "expected %s, got %s", goKind(typ.Type), jsonKind(raw))
	}
	return Invalid(path, "%s", strings.TrimPrefix(err.Error(), "json: "))
}

// eachKey goes through an object in order and refuses a key that stands twice.
func eachKey(path string, raw json.RawMessage, visit func(key, at string, value json.RawMessage) *Error) *Error {
	if len(raw) == 0 || raw[0] != '{' {
		return Invalid(path, "expected an object, got %s", jsonKind(raw))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace
	seen := make(map[string]bool)
	for dec.More() {
		tok, _ := dec.Token()
		key, _ := tok.(string)
		at := join(path, key)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return syntaxError(err)
		}
		if seen[key] {
			return Invalid(at, "the key stands twice")
		}
		seen[key] = true
		if err := visit(key, at, value); err != nil {
			return err
		}
	}
	return nil
}

type jsonField struct {
	name string
	typ  reflect.Type
}

// jsonFields are the fields of a struct by their JSON names, embedded ones included.
func jsonFields(t reflect.Type) []jsonField {
	var out []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous:
			out = append(out, jsonFields(f.Type)...)
		case name != "":
			out = append(out, jsonField{name, f.Type})
		}
	}
	return out
}

func fieldNames(fields []jsonField) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// jsonKind is what a JSON value is, in words.
func jsonKind(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return string(raw)
	case 'n':
		return "null"
	}
	return "a number"
}

func goKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	}
	return "a number"
}

// join is the path of a field below parent.
func join(parent, field string) string {
	if parent == "" || field == "" || strings.HasPrefix(field, "[") {
		return parent + field
	}
	return parent + "." + field
}
