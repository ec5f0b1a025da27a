package fastpath

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Appender is a value that writes its own JSON behind dst. Its MarshalJSON is for
// encoding/json, which reads once more what it gets.
type Appender interface {
	json.Marshaler
	AppendJSON(dst []byte) ([]byte, error)
}

// Checked marks a body whose own texts are UTF-8, as provider.Client has found, so
// that a long text is not read for it once more.
type Checked interface{ Checked() }

// AppendJSON writes v behind dst: the bytes of encoding/json without escapes for HTML.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	if JSON.Off() || v == nil {
		return standard(dst, v)
	}
	_, checked := v.(Checked)
	w := writer{b: dst, checked: checked}
	w.value(reflect.ValueOf(v), maxDepth)
	return w.b, w.err
}

// standard leaves v to encoding/json.
func standard(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false) // halves the size of an HTML mail; the body is never put into a page
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// AppendText writes s as a JSON text behind dst; what is not UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		dst, _ = standard(dst, s) // a text cannot fail
		return dst
	}
	return appendValid(dst, s)
}

// appendValid is AppendText for UTF-8.
func appendValid(dst []byte, s string) []byte {
	const separators = "\xe2\x80" // begin U+2028 and U+2029, which are escaped for the sake of JavaScript
	if strings.Contains(s, separators) && (strings.Contains(s, separators+"\xa8") || strings.Contains(s, separators+"\xa9")) {
		dst, _ = standard(dst, s)
		return dst
	}
	dst = append(dst, '"')
	start := 0
	for i := special(s, 0); i < len(s); i = special(s, start) {
		dst = append(dst, s[start:i]...)
		if c := s[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = appendControl(dst, c)
		}
		start = i + 1
	}
	return append(append(dst, s[start:]...), '"')
}

func appendControl(dst []byte, c byte) []byte {
	const hex, short = "0123456789abcdef", "\bb\ff\nn\rr\tt"
	if i := strings.IndexByte(short, c); i >= 0 {
		return append(dst, '\\', short[i+1])
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// maxDepth is how deep a writer follows values inside values; encoding/json takes
// over there and finds out whether a value holds itself.
const maxDepth = 100

// writer writes the kinds of value that bodies are made of, and leaves all others
// to encoding/json.
type writer struct {
	b       []byte
	checked bool // of the texts in structs
	err     error
}

func (w *writer) value(v reflect.Value, depth int) { w.planned(planOf(v.Type()), v, depth) }

func (w *writer) planned(p *plan, v reflect.Value, depth int) {
	switch {
	case p.kind == reflect.Invalid || depth == 0:
		w.standard(v)
	case nilable(p.kind) && v.IsNil():
		w.b = append(w.b, "null"...)
	case p.own:
		w.done(v.Interface().(Appender).AppendJSON(w.b))
	default:
		w.kind(p, v, depth)
	}
}

func (w *writer) kind(p *plan, v reflect.Value, depth int) {
	switch p.kind {
	case reflect.String:
		if w.checked {
			w.b = appendValid(w.b, v.String())
		} else {
			w.b = AppendText(w.b, v.String())
		}
	case reflect.Bool:
		w.b = strconv.AppendBool(w.b, v.Bool())
	case reflect.Int, reflect.Int64:
		w.b = strconv.AppendInt(w.b, v.Int(), 10)
	case reflect.Float64:
		f := v.Float()
		if size := math.Abs(f); f != 0 && (size < 1e-6 || size >= 1e21 || size != size) {
			w.standard(v)
			return
		}
		w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
	case reflect.Pointer:
		v = v.Elem()
		w.planned(p.elem.of(v.Type()), v, depth-1)
	case reflect.Interface:
		w.value(v.Elem(), depth-1)
	case reflect.Struct:
		w.object(p.fields, v, depth-1)
	case reflect.Slice:
		w.list(p, v, depth-1)
	case reflect.Map:
		defer func(checked bool) { w.checked = checked }(w.checked)
		w.checked = false // the values may be of types that nobody looks into
		switch m := v.Interface().(type) {
		case map[string]string:
			writeMap(w, m, func(s string) { w.b = AppendText(w.b, s) })
		case map[string]any:
			writeMap(w, m, func(x any) { w.any(x, depth-1) })
		}
	}
}

func (w *writer) any(x any, depth int) {
	if x == nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.value(reflect.ValueOf(x), depth)
}

func (w *writer) standard(v reflect.Value) {
	if v.CanAddr() {
		v = v.Addr() // methods of a pointer count as well
	}
	w.done(standard(w.b, v.Interface()))
}

func (w *writer) done(b []byte, err error) {
	w.b = b
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) object(fields []*field, v reflect.Value, depth int) {
	w.b = append(w.b, '{')
	more := false
	for _, f := range fields {
		x := v.Field(f.index)
		if f.omitEmpty && empty(x) {
			continue
		}
		if more {
			w.b = append(w.b, ',')
		}
		more = true
		w.b = append(w.b, f.name...)
		w.planned(f.plan.of(x.Type()), x, depth)
	}
	w.b = append(w.b, '}')
}

func (w *writer) list(p *plan, v reflect.Value, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, v.Bytes())
		w.b = append(w.b, '"')
		return
	}
	w.b = append(w.b, '[')
	for i := range v.Len() {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		x := v.Index(i)
		w.planned(p.elem.of(x.Type()), x, depth)
	}
	w.b = append(w.b, ']')
}

// writeMap writes the members of m in the order of encoding/json.
func writeMap[T any](w *writer, m map[string]T, value func(T)) {
	var room [16]string
	names := room[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	w.b = append(w.b, '{')
	for i, name := range names {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = append(AppendText(w.b, name), ':')
		value(m[name])
	}
	w.b = append(w.b, '}')
}

func nilable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Map || k == reflect.Slice || k == reflect.Interface
}

// empty reports whether omitempty leaves v out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// plan says how values of a type are written. The kind is Invalid for types that
// are left to encoding/json.
type plan struct {
	kind   reflect.Kind
	own    bool     // an Appender
	fields []*field // of a struct
	elem   lazyPlan // of a pointer or a slice
}

// lazyPlan is the plan of a type that is always the same, looked up once: a type may
// hold itself, so it cannot be made beforehand.
type lazyPlan struct{ p atomic.Pointer[plan] }

func (l *lazyPlan) of(t reflect.Type) *plan {
	p := l.p.Load()
	if p == nil {
		p = planOf(t)
		l.p.Store(p)
	}
	return p
}

type field struct {
	index     int
	name      string // as it stands in the object: "name":
	omitEmpty bool
	plan      lazyPlan
}

var plans sync.Map // reflect.Type -> *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := newPlan(t)
	plans.Store(t, p)
	return p
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func newPlan(t reflect.Type) *plan {
	if t.Kind() == reflect.Pointer && t.Implements(reflect.TypeFor[Appender]()) {
		return &plan{kind: reflect.Pointer, own: true}
	}
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Kind() != reflect.Interface && (t.Implements(marshaler) || t.Implements(textMarshaler)) {
			return new(plan)
		}
	}
	p := &plan{kind: t.Kind()}
	ok := t != reflect.TypeFor[json.Number]() // a string that is written as a number
	switch p.kind {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64, reflect.Pointer, reflect.Interface:
	case reflect.Slice:
		ok = t.Elem().Kind() != reflect.Uint8 || t == reflect.TypeFor[[]byte]()
	case reflect.Map:
		ok = t == reflect.TypeFor[map[string]string]() || t == reflect.TypeFor[map[string]any]()
	case reflect.Struct:
		p.fields, ok = fieldsOf(t)
	default:
		ok = false
	}
	if !ok {
		return new(plan)
	}
	return p
}

// fieldsOf returns the fields of a struct, or false when one is not plain.
func fieldsOf(t reflect.Type) (fields []*field, ok bool) {
	for f := range t.Fields() {
		tag, ok := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		plain := ok && name != "" && name != "-" && !f.Anonymous && f.IsExported() && (options == "" || options == "omitempty")
		if !plain || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return nil, false
		}
		name = `"` + name + `":`
		if slices.ContainsFunc(fields, func(f *field) bool { return f.name == name }) {
			return nil, false
		}
		fields = append(fields, &field{index: f.Index[0], name: name, omitEmpty: options == "omitempty"})
	}
	return fields, true
}
