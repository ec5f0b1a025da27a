package exact

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Deepest is the deepest nesting of a value; deeper is one that contains itself.
const Deepest = 100

// Error is an error about a part of a value.
type Error struct {
	Path    string // ".name[2]", empty for the value as a whole
	Message string
	deep    bool // its path would be as long as the value is deep
}

func (e *Error) below(part string) *Error {
	if !e.deep {
		e.Path = part + e.Path
	}
	return e
}

func wrong(format string, args ...any) *Error { return &Error{Message: fmt.Sprintf(format, args...)} }

// Of returns a value of Go as one that JSON has: nil, bool, string, int, int64, float64,
// json.Number, []any, []string or map[string]any. Other whole numbers become int64, or a
// json.Number where they are larger; a float32 becomes the number that it prints; a
// pointer what it points to, or nil; a time its RFC 3339; any other type what its
// MarshalJSON or MarshalText or encoding/json writes. Where v has these types already it
// is returned as it is, and changed is false. v itself is never changed.
func Of(v any) (out any, changed bool, err *Error) { return of(v, Deepest) }

func of(v any, depth int) (out any, changed bool, err *Error) {
	if depth == 0 {
		return nil, false, &Error{deep: true, Message: fmt.Sprintf(
			"expected values nested at most %d deep, got more, or a value that holds itself", Deepest,
		)}
	}
	switch x := v.(type) { // v is returned and not x: boxing x anew takes memory
	case nil, bool, string, int, int64, []string:
		return v, false, nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, false, wrong("expected a number, got %v", x)
		}
		return v, false, nil
	case json.Number:
		if !IsNumber(x.String()) {
			return nil, false, wrong("expected a number, got %q", text.Clip(x.String()))
		}
		return v, false, nil
	case []any:
		return ofList(x, depth)
	case map[string]any:
		return ofMap(x, depth)
	}
	out, err = other(v, depth)
	return out, true, err
}

func ofList(v []any, depth int) (any, bool, *Error) {
	out, copied := v, false
	for i, x := range v {
		y, changed, err := of(x, depth-1)
		if err != nil {
			return nil, false, err.below(fmt.Sprintf("[%d]", i))
		}
		if changed && !copied {
			out, copied = slices.Clone(v), true
		}
		if changed {
			out[i] = y
		}
	}
	return out, copied, nil
}

func ofMap(v map[string]any, depth int) (any, bool, *Error) {
	var own map[string]any
	for name, x := range v {
		y, changed, err := of(x, depth-1)
		if err != nil {
			return nil, false, err.below("." + text.Quoted(name))
		}
		if !changed {
			continue
		}
		if own == nil {
			own = make(map[string]any, len(v))
		}
		own[name] = y
	}
	if own == nil {
		return v, false, nil
	}
	for name, x := range v {
		if _, ok := own[name]; !ok {
			own[name] = x
		}
	}
	return own, true, nil
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// other is Of for types that JSON has no word for.
func other(v any, depth int) (any, *Error) {
	rv := reflect.ValueOf(v)
	t := rv.Type()
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return nil, nil
	}
	if t.Implements(jsonMarshaler) || t.Implements(textMarshaler) {
		return marshalled(v)
	}
	switch rv.Kind() {
	case reflect.Pointer:
		out, _, err := of(rv.Elem().Interface(), depth-1)
		return out, err
	case reflect.Bool:
		return rv.Bool(), nil
	case reflect.String:
		return rv.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return rv.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := rv.Uint(); n > math.MaxInt64 {
			return json.Number(strconv.FormatUint(n, 10)), nil
		}
		return int64(rv.Uint()), nil //nolint:gosec // checked above
	case reflect.Float32:
		// The digits of the float32 itself: 0.1 and not 0.10000000149011612.
		f, err := strconv.ParseFloat(strconv.FormatFloat(rv.Float(), 'g', -1, 32), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, wrong("expected a number, got %v", rv.Float())
		}
		return f, nil
	case reflect.Float64:
		out, _, err := of(rv.Float(), depth)
		return out, err
	case reflect.Slice, reflect.Array:
		return elements(rv, depth)
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !t.Key().Implements(textMarshaler) {
			return entries(rv, depth)
		}
		return marshalled(v)
	case reflect.Struct:
		return marshalled(v)
	}
	return nil, wrong("expected a value that JSON has, got %T", v)
}

func elements(rv reflect.Value, depth int) (any, *Error) {
	if rv.Type().Elem().Kind() == reflect.Uint8 {
		return nil, wrong("expected a text, got bytes; string(b) makes a text of them")
	}
	if rv.Kind() == reflect.Slice && rv.IsNil() {
		return nil, nil
	}
	out := make([]any, rv.Len())
	for i := range out {
		var err *Error
		if out[i], _, err = of(rv.Index(i).Interface(), depth-1); err != nil {
			return nil, err.below(fmt.Sprintf("[%d]", i))
		}
	}
	return out, nil
}

func entries(rv reflect.Value, depth int) (any, *Error) {
	if rv.IsNil() {
		return nil, nil
	}
	out := make(map[string]any, rv.Len())
	for it := rv.MapRange(); it.Next(); {
		name := it.Key().String()
		y, _, err := of(it.Value().Interface(), depth-1)
		if err != nil {
			return nil, err.below("." + text.Quoted(name))
		}
		out[name] = y
	}
	return out, nil
}

// marshalled is v as its own methods or encoding/json write it.
func marshalled(v any) (any, *Error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, wrong("cannot be written as JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if at, _ := Broken(data); at >= 0 || replaced(data) {
		return nil, wrong("expected UTF-8 text")
	}
	out, err := Decode(data)
	if err != nil {
		return nil, wrong("cannot be written as JSON: %s", err)
	}
	return out, nil
}

// replaced reports whether encoding/json has put the escape of U+FFFD in the place of
// bytes; the character itself it writes as it is.
func replaced(data []byte) bool {
	for i := 0; i+6 <= len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if string(data[i:i+6]) == `\ufffd` {
			return true
		}
		i++ // the character behind a backslash begins no escape
	}
	return false
}
