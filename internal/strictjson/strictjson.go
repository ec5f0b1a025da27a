// Package strictjson decodes JSON that people write. encoding/json accepts keys in
// any case, takes the last of two equal ones, and puts U+FFFD in the place of bytes
// that are not UTF-8 and of half characters; here these are errors. Errors name the
// field by its path. Numbers that go into an any keep their digits.
package strictjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/text"
)

// Error is an error in a document, with its place.
type Error struct {
	Path    string // "to[0].email"; empty for the document as a whole
	Message string
}

// Error returns the path and the message.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

func wrong(path, format string, args ...any) *Error {
	return &Error{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Decode decodes one JSON document into out, a pointer to a struct.
func Decode(data []byte, out any) *Error {
	// A byte order mark, which some editors write, is no part of the document.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	dec := json.NewDecoder(bytes.NewReader(data))
	var whole json.RawMessage
	if err := dec.Decode(&whole); err != nil {
		if at, half := exact.Broken(data); at >= 0 && !half {
			return notUTF8(data, at)
		}
		return syntaxError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return wrong("", "expected one JSON document, found more data after it")
	}
	if at, half := exact.Broken(data); half {
		return wrong(pathAt(data, at), "expected whole characters, got half of one, the escape %s%s", data[at:at+6], inLine(data, at))
	} else if at >= 0 {
		return notUTF8(data, at)
	}
	return Value("", whole, out)
}

// notUTF8 is the error of a document whose byte at this place is not UTF-8.
func notUTF8(data []byte, at int) *Error {
	if at == 0 && (bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})) {
		return wrong("", "expected UTF-8 text, got UTF-16; save the file as UTF-8")
	}
	return wrong(pathAt(data, at), "expected UTF-8 text, got the byte 0x%02X%s", data[at], inLine(data, at))
}

// inLine names the line of a place in a document of several lines.
func inLine(data []byte, at int) string {
	if !bytes.Contains(bytes.TrimSpace(data), []byte("\n")) {
		return ""
	}
	return fmt.Sprintf(" in line %d", bytes.Count(data[:at], []byte("\n"))+1)
}

// pathAt returns the path of the value that holds the byte at this place, or of the value
// whose key does.
func pathAt(data []byte, at int) string {
	w := newWalker(data)
	for {
		_, _, err := w.next()
		if err != nil || w.dec.InputOffset() > int64(at) {
			return w.path("")
		}
	}
}

// walker goes through the tokens of a JSON document once and knows where it is.
type walker struct {
	dec  *json.Decoder
	open []level
}

// level is an object or a list that has begun.
type level struct {
	list  bool
	index int    // of the element that is read, in a list
	key   string // of the member that is read, in an object
	value bool   // in an object: the value of key comes next
	seen  map[string]bool
}

func newWalker(data []byte) *walker {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &walker{dec: dec}
}

// next reads a token. key reports whether it is the key of a member, of the object at the
// end of open.
func (w *walker) next() (tok json.Token, key bool, err error) {
	if tok, err = w.dec.Token(); err != nil {
		return nil, false, err
	}
	if tok == json.Delim('}') || tok == json.Delim(']') {
		w.open = w.open[:len(w.open)-1]
		return tok, false, nil
	}
	if n := len(w.open); n > 0 {
		in := &w.open[n-1]
		switch {
		case in.list:
			in.index++
		case !in.value:
			in.key, _ = tok.(string)
			in.value = true
			return tok, true, nil
		default:
			in.value = false
		}
	}
	switch tok {
	case json.Delim('{'):
		w.open = append(w.open, level{})
	case json.Delim('['):
		w.open = append(w.open, level{list: true, index: -1})
	}
	return tok, false, nil
}

// path is where the token stands that was read last, below base.
func (w *walker) path(base string) string {
	for _, in := range w.open {
		switch {
		case !in.list:
			base = Join(base, text.Quoted(in.key))
		case in.index >= 0:
			base += fmt.Sprintf("[%d]", in.index)
		}
	}
	return base
}

// Value decodes a JSON value, which is valid JSON, into out, a pointer. The paths
// of errors begin with path.
func Value(path string, raw json.RawMessage, out any) *Error {
	if err := checkShape(path, raw, reflect.TypeOf(out).Elem()); err != nil {
		return err
	}
	if err := exact.Unmarshal(raw, out); err != nil { // checkShape has checked every value
		return wrong(path, "%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// Twice refuses duplicate keys in an object, at any depth.
func Twice(path string, raw json.RawMessage) *Error {
	w := newWalker(raw)
	for {
		tok, key, err := w.next()
		if err != nil {
			return nil //nolint:nilerr // the end: it is valid JSON
		}
		if !key {
			continue
		}
		in := &w.open[len(w.open)-1]
		name, _ := tok.(string)
		if in.seen[name] {
			return wrong(w.path(path), "the key is given twice")
		}
		if in.seen == nil {
			in.seen = make(map[string]bool)
		}
		in.seen[name] = true
	}
}

func syntaxError(err error) *Error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return wrong("", "not valid JSON at byte %d: %v", syntax.Offset, err)
	}
	return wrong("", "expected a JSON document, found its end")
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// checkShape compares a value with the Go type that it is decoded into.
func checkShape(path string, raw json.RawMessage, t reflect.Type) *Error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return nil
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	leaf := reflect.PointerTo(t).Implements(unmarshaler) || raw[0] == '"' && reflect.PointerTo(t).Implements(textUnmarshaler) ||
		t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
	if leaf && raw[0] == '{' && t.Kind() == reflect.Struct && len(jsonFields(t)) > 0 {
		leaf = false // it has a short form, and this is the long one
	}
	switch {
	case leaf:
		return checkLeaf(path, raw, t)
	case t.Kind() == reflect.Struct:
		return EachKey(path, raw, func(key, at string, value json.RawMessage) *Error {
			known := jsonFields(t)
			i := slices.IndexFunc(known, func(f jsonField) bool { return f.name == key })
			if i < 0 {
				return wrong(at, "unknown key; known: %s", fieldNames(known))
			}
			return checkShape(at, value, known[i].typ)
		})
	case t.Kind() == reflect.Map:
		return EachKey(
			path, raw,
			func(
				_, at string, value json.RawMessage,
			) *Error {
				return checkShape(at, value, t.Elem())
			},
		)
	case t.Kind() == reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return wrong(path, "expected a list, got %s", jsonKind(raw))
		}
		for i, item := range items {
			if err := checkShape(fmt.Sprintf("%s[%d]", path, i), item, t.Elem()); err != nil {
				return err
			}
		}
		return nil
	case t.Kind() == reflect.Interface: // any value
		if raw[0] == '{' || raw[0] == '[' {
			return Twice(path, raw)
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
		return wrong(
			path, "expected a time like 2026-03-21T09:00:00+03:30, got %s", text.Clip(string(raw)),
		)
	case t.Kind() == reflect.Slice && jsonKind(raw) == "a text":
		return wrong(path, "expected base64 (standard alphabet, with padding): %v", err)
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && isWhole(typ.Type) && jsonKind(raw) == "a number" {
		return wrong(path, "expected a whole number, got %s", text.Clip(string(raw)))
	}
	if errors.As(err, &typ) {
		return wrong(path, "expected %s, got %s", goKind(typ.Type), jsonKind(raw))
	}
	return wrong(path, "%s", strings.TrimPrefix(err.Error(), "json: "))
}

// Collect visits the keys of an object in order and returns all that is wrong with them:
// what visit returns, and keys that are given twice.
func Collect(
	path string, raw json.RawMessage, visit func(key, at string, value json.RawMessage) []*Error,
) []*Error {
	var problems []*Error
	seen := make(map[string]bool)
	err := eachKey(path, raw, func(key, at string, value json.RawMessage) *Error {
		if seen[key] {
			problems = append(problems, wrong(at, "the key is given twice"))
			return nil
		}
		seen[key] = true
		problems = append(problems, visit(key, at, value)...)
		return nil
	})
	if err != nil {
		problems = append(problems, err)
	}
	return problems
}

// EachKey visits the keys of an object in order and refuses duplicates.
func EachKey(
	path string, raw json.RawMessage, visit func(key, at string, value json.RawMessage) *Error,
) *Error {
	seen := make(map[string]bool)
	return eachKey(path, raw, func(key, at string, value json.RawMessage) *Error {
		if seen[key] {
			return wrong(at, "the key is given twice")
		}
		seen[key] = true
		return visit(key, at, value)
	})
}

func eachKey(
	path string, raw json.RawMessage, visit func(key, at string, value json.RawMessage) *Error,
) *Error {
	if len(raw) == 0 || raw[0] != '{' {
		return wrong(path, "expected an object, got %s", jsonKind(raw))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace
	for dec.More() {
		tok, _ := dec.Token()
		key, _ := tok.(string)
		at := Join(path, key)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return syntaxError(err)
		}
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

// jsonFields returns the fields of a struct by their JSON names, including those of
// embedded structs.
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

// jsonKind names the type of a JSON value.
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

// Join returns the path of a field below parent.
func Join(parent, field string) string {
	if parent == "" || field == "" || strings.HasPrefix(field, "[") {
		return parent + field
	}
	return parent + "." + field
}

func isWhole(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}
