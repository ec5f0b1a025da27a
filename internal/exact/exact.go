// Package exact keeps values as they were written: numbers with their digits, texts
// with their bytes.
package exact

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// wholeDigits is how many digits of a whole number every float64 prints again.
const wholeDigits = 15

// Number returns a JSON number as a value: a float64 where it prints the same digits,
// else a json.Number.
func Number(digits string) any {
	if len(digits) <= wholeDigits && whole(digits) {
		f, _ := strconv.ParseFloat(digits, 64) // whole has seen to it
		return f
	}
	var room [32]byte
	f, err := strconv.ParseFloat(digits, 64)
	// Beyond these bounds encoding/json writes an exponent.
	if err == nil && (f == 0 || f >= 1e-6 && f < 1e21 || f > -1e21 && f <= -1e-6) &&
		string(strconv.AppendFloat(room[:0], f, 'f', -1, 64)) == digits {
		return f
	}
	return json.Number(digits)
}

// whole reports whether s is digits alone.
func whole(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Numbers returns a decoded JSON value with each json.Number as Number has it. Maps and
// lists are changed in place.
func Numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return Number(v.String())
	case []any:
		for i := range v {
			v[i] = Numbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = Numbers(v[name])
		}
	}
	return v
}

// Unmarshal is json.Unmarshal, but that numbers in an any are as Number has them. Types
// with an UnmarshalJSON of their own see to that themselves.
func Unmarshal(data []byte, out any) error {
	if !holdsAny(reflect.TypeOf(out)) || !json.Valid(data) {
		return json.Unmarshal(data, out)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(out)
	numbers(reflect.ValueOf(out))
	return err
}

// holders says of types whether a value of them may have an any in it.
var holders sync.Map

func holdsAny(t reflect.Type) bool {
	if t == nil {
		return false
	}
	known, ok := holders.Load(t)
	if !ok {
		known = reaches(t, make(map[reflect.Type]bool))
		holders.Store(t, known)
	}
	return known.(bool) //nolint:forcetypeassert // nothing else is stored
}

// reaches reports whether an any is below t, but for the types that were seen.
func reaches(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return reaches(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && reaches(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// numbers makes each json.Number that is in an any below v what Number has for it.
func numbers(v reflect.Value) {
	if !v.IsValid() || !holdsAny(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.CanSet() && !v.IsNil() {
			v.Set(reflect.ValueOf(Numbers(v.Interface())))
		}
	case reflect.Pointer:
		numbers(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				numbers(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			numbers(v.Index(i))
		}
	case reflect.Map:
		if values, ok := v.Interface().(map[string]any); ok {
			Numbers(values)
			return
		}
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem() // one of a map cannot be set in place
			value.Set(v.MapIndex(key))
			numbers(value)
			v.SetMapIndex(key, value)
		}
	}
}

// Decode decodes one JSON value. Its numbers are as Number has them.
func Decode(data []byte) (v any, err error) {
	err = Unmarshal(data, &v)
	return v, err
}

// Text returns the digits of a number of any of Go's types that Of returns; ok is false
// for what is no number.
func Text(v any) (digits string, ok bool) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// IsNumber reports whether s is a number as JSON writes it.
func IsNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') &&
		s[len(s)-1] >= '0' && s[len(s)-1] <= '9' && json.Valid([]byte(s))
}

// Rounds reports whether a float64 holds another number than v: whoever keeps numbers
// so changes it.
func Rounds(v any) bool {
	digits, ok := Text(v)
	if _, float := v.(float64); !ok || float {
		return false
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return true
	}
	return canonical(digits) != canonical(strconv.FormatFloat(f, 'e', -1, 64))
}

// canonical writes a number as its digits without zeros at the ends, and an exponent.
func canonical(s string) string {
	s, minus := strings.CutPrefix(s, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(s), "e")
	exponent, _ := strconv.Atoi(power)
	before, after, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(before+after, "0")
	exponent -= len(after)
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	if minus {
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(exponent+len(digits)-len(strings.TrimRight(digits, "0")))
}

// Broken returns the place of the first byte of a JSON document that is not UTF-8, or of
// the first escape that is half a character, which encoding/json replaces without an
// error; -1 when there is none. half tells the two apart.
func Broken(data []byte) (at int, half bool) {
	at = -1
	if !utf8.Valid(data) {
		for at = 0; ; {
			r, size := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && size <= 1 {
				break
			}
			at += size
		}
	}
	if h := halfEscape(data); h >= 0 && (at < 0 || h < at) {
		return h, true
	}
	return at, false
}

// halfEscape returns the place of an escape that is half a character, or -1.
func halfEscape(data []byte) int {
	for i := 0; i < len(data); {
		next := bytes.IndexByte(data[i:], '\\')
		if next < 0 {
			break
		}
		i += next
		first := escaped(data[i:])
		switch {
		case first < 0xd800 || first > 0xdfff:
			i += 2 // a longer escape has no backslash behind these
		case first >= 0xdc00:
			return i
		default:
			if second := escaped(data[i+6:]); second < 0xdc00 || second > 0xdfff {
				return i
			}
			i += 12
		}
	}
	return -1
}

// escaped is the number in an escape like \u0431 at the beginning of data, -1 where there
// is none.
func escaped(data []byte) int {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// Parse reads a number that a person has written: 12, +12.50, .5, 007. It is as Number has
// it; why says what was left out, and is empty where the digits are those of s.
func Parse(s string) (n any, why string, ok bool) {
	if IsNumber(s) {
		return Number(s), "", true
	}
	sign, digits := "", strings.TrimPrefix(s, "+")
	if rest, minus := strings.CutPrefix(digits, "-"); minus && digits == s {
		sign, digits = "-", rest
	}
	mantissa, power := digits, ""
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		mantissa, power = digits[:i], digits[i:]
	}
	before, after, point := strings.Cut(mantissa, ".")
	if !whole(before + after) {
		return nil, "", false
	}
	if before = strings.TrimLeft(before, "0"); before == "" {
		before = "0"
	}
	if point && after != "" {
		before += "." + after
	}
	number := sign + before + power
	if !IsNumber(number) {
		return nil, "", false
	}
	return Number(number), "written as the number " + number, true
}
