package flex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/exact"
)

// Decode is json.Unmarshal for a response whose forms are not those of its type in
// every place. What PHP writes for nothing ([], {}, false, "", and "0" or 0 for an
// object or a list) is null where the type is another; a number and its digits as text
// stand for each other, and so do the forms of a truth value; an object with the keys of
// a list is a list. Anything else is an error, as json.Unmarshal returns it.
//
// With unread not nil, a row that cannot be read is left out and counted there: an
// element of the outermost list of objects. Within a row nothing is left out.
func Decode(data []byte, out any, unread *int) error {
	m := mender{scalars: true, rows: unread != nil}
	err := m.decode(data, out)
	if err == nil && unread != nil {
		*unread = m.unread
	}
	return err
}

// DecodeEmpty is json.Unmarshal but for what PHP writes for nothing, which is null. A
// scalar of another type stays an error.
func DecodeEmpty(data []byte, out any) error { return new(mender).decode(data, out) }

func (m *mender) decode(data []byte, out any) error {
	err := exact.Unmarshal(data, out)
	to := reflect.ValueOf(out)
	if err == nil || !json.Valid(data) || to.Kind() != reflect.Pointer || to.IsNil() {
		return err
	}
	mended, ok := m.value(data, to.Type().Elem())
	if !ok {
		return err
	}
	to.Elem().SetZero() // the first attempt has filled a part in
	return exact.Unmarshal(mended, out)
}

// Nothing reports whether text is what PHP writes for nothing, in the place of an id, a
// time or a phone number.
func Nothing(text string) bool {
	switch strings.TrimSpace(text) {
	case "", "0", "false", "null", "[]", "{}":
		return true
	}
	return false
}

// Empty reports whether data is one of the forms in which PHP writes nothing: null,
// false, "", an empty list or object.
func Empty(data []byte) bool {
	switch string(data) {
	case "null", "false", `""`:
		return true
	}
	if len(data) < 2 || data[0] != '[' && data[0] != '{' {
		return false
	}
	return len(bytes.TrimSpace(data[1:len(data)-1])) == 0
}

// mender changes JSON to what a type takes.
type mender struct {
	scalars bool // a scalar may be of another type
	rows    bool // rows may be left out
	unread  int
}

var (
	null        = []byte("null")
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

// inner is implemented by Object and Map: the type of what they hold.
type inner interface{ inner() reflect.Type }

func (Object[T]) inner() reflect.Type { return reflect.TypeFor[T]() }
func (Map[V]) inner() reflect.Type    { return reflect.TypeFor[map[string]V]() }

// value returns data in a form that t takes. ok is false when there is none.
func (m *mender) value(data []byte, t reflect.Type) (out []byte, ok bool) {
	data = bytes.TrimSpace(data)
	if json.Unmarshal(data, reflect.New(t).Interface()) == nil {
		return data, true
	}
	own := reflect.PointerTo(t).Implements(unmarshaler)
	holds := t
	if v, ok := reflect.Zero(t).Interface().(inner); ok {
		holds = v.inner()
	}
	switch kind := holds.Kind(); {
	case t.Kind() == reflect.Pointer:
		return m.value(data, t.Elem())
	case kind == reflect.Struct && data[0] == '{':
		out, ok = m.object(data, holds)
	case kind == reflect.Map && data[0] == '{':
		out, ok = m.members(data, func(string) reflect.Type { return holds.Elem() })
	case kind == reflect.Slice && holds.Elem().Kind() != reflect.Uint8:
		out, ok = m.list(data, holds.Elem())
	case own || !m.scalars:
	default:
		out, ok = scalarFor(data, kind)
	}
	if !ok && (Empty(data) || noObject(data, holds.Kind())) {
		return null, true
	}
	// A type that reads itself has the last word.
	if ok && own && json.Unmarshal(out, reflect.New(t).Interface()) != nil {
		return nil, false
	}
	return out, ok
}

// noObject reports whether data is a zero in the place of an object or a list.
func noObject(data []byte, kind reflect.Kind) bool {
	switch kind {
	case reflect.Struct, reflect.Map, reflect.Slice:
		return string(data) == "0" || string(data) == `"0"`
	}
	return false
}

// scalarFor returns a scalar in the form of another kind.
func scalarFor(data []byte, kind reflect.Kind) ([]byte, bool) {
	switch kind {
	case reflect.String:
		if data[0] == '{' || data[0] == '[' || string(data) == "false" {
			return nil, false
		}
		return strconv.AppendQuote(nil, string(data)), true // a number, or true
	case reflect.Bool:
		var b Bool
		if b.UnmarshalJSON(data) != nil {
			return nil, false
		}
		return strconv.AppendBool(nil, bool(b)), true
	case reflect.Int, reflect.Int32, reflect.Int64:
		var n Int
		if n.UnmarshalJSON(data) != nil {
			return nil, false
		}
		return strconv.AppendInt(nil, int64(n), 10), true
	case reflect.Float64, reflect.Float32:
		var text string
		if json.Unmarshal(data, &text) != nil {
			return nil, false
		}
		text = strings.TrimSpace(text)
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, false
		}
		return []byte(text), true
	}
	return nil, false
}

// object mends the members of a struct. Others are kept: a type may have a map for them.
func (m *mender) object(data []byte, t reflect.Type) ([]byte, bool) {
	types := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" && f.IsExported() {
			types[name] = f.Type
		}
	}
	return m.members(data, func(name string) reflect.Type {
		if t, ok := types[name]; ok {
			return t
		}
		for known, t := range types { // as encoding/json finds a field
			if strings.EqualFold(known, name) {
				return t
			}
		}
		return nil
	})
}

// members mends the members of an object for which there is a type.
func (m *mender) members(data []byte, typeOf func(name string) reflect.Type) ([]byte, bool) {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return nil, false
	}
	for name, raw := range all {
		t := typeOf(name)
		if t == nil {
			continue
		}
		mended, ok := m.value(raw, t)
		if !ok {
			return nil, false
		}
		all[name] = mended
	}
	out, err := json.Marshal(all)
	return out, err == nil
}

// list mends the elements of a list.
func (m *mender) list(data []byte, t reflect.Type) ([]byte, bool) {
	all, ok := elements(data)
	if !ok {
		return nil, false
	}
	rows := m.rows && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map)
	if rows {
		m.rows = false // not within a row
		defer func() { m.rows = true }()
	}
	kept := all[:0]
	for _, raw := range all {
		mended, ok := m.value(raw, t)
		switch {
		case ok:
			kept = append(kept, mended)
		case rows:
			m.unread++
		default:
			return nil, false
		}
	}
	out, err := json.Marshal(kept)
	return out, err == nil
}

// elements are those of a list, or of an object whose keys are whole numbers: PHP
// writes a list so when it has taken elements out of it.
func elements(data []byte) ([]json.RawMessage, bool) {
	var all []json.RawMessage
	if json.Unmarshal(data, &all) == nil {
		return all, true
	}
	var byKey map[string]json.RawMessage
	if json.Unmarshal(data, &byKey) != nil {
		return nil, false
	}
	keys := make([]int, 0, len(byKey))
	for key := range byKey {
		n, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(n) != key {
			return nil, false
		}
		keys = append(keys, n)
	}
	slices.Sort(keys)
	for _, n := range keys {
		all = append(all, byKey[fmt.Sprint(n)])
	}
	return all, true
}
