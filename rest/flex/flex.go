// Package flex holds types for responses whose JSON has several forms: numbers as
// text, an empty list in place of an object, yes and no for a truth value. They
// read every form that the vendors are known to send, and write one.
//
// They are for responses only; requests have exactly one form. A null, and a field
// that is absent, leave the zero value. The package serves generated code and is
// outside the compatibility promise of this module.
package flex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/exact"
)

// Int is a whole number that may come as text: 12, "12", "", null, false, [].
type Int int64

// UnmarshalJSON reads a whole number, a text that holds one, or a form of nothing.
func (i *Int) UnmarshalJSON(data []byte) error {
	if Empty(data) {
		*i = 0
		return nil
	}
	text, err := scalar(data)
	if text = strings.TrimSpace(text); err != nil || text == "" {
		*i = 0
		return wrap("flex.Int", data, err)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*i = Int(n)
		return nil
	}
	// 12.0 and 1e3 are whole numbers too.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) || f < -1<<53 || f > 1<<53 {
		return fmt.Errorf("flex.Int: %s is no whole number", clip(data))
	}
	*i = Int(f)
	return nil
}

// Bool is a truth value that may come as true, 1, "1", "yes", "on", "true" and their opposites.
type Bool bool

// UnmarshalJSON reads any of the forms; a form of nothing is false.
func (b *Bool) UnmarshalJSON(data []byte) error {
	if Empty(data) {
		*b = false
		return nil
	}
	text, err := scalar(data)
	if err != nil {
		return wrap("flex.Bool", data, err)
	}
	switch strings.ToLower(strings.Trim(text, " \t\n,")) { // an example has "true,"
	case "true", "1", "yes", "on":
		*b = true
	case "false", "0", "no", "off", "":
		*b = false
	default:
		return fmt.Errorf("flex.Bool: %s is no truth value", clip(data))
	}
	return nil
}

// Text is a text that may come as a number or as true, which are kept as sent. An
// object or a list is kept as its JSON; an empty one, and false, are no text.
type Text string

// UnmarshalJSON reads any JSON value.
func (t *Text) UnmarshalJSON(data []byte) error {
	if Empty(data) {
		*t = ""
		return nil
	}
	if len(data) > 0 && (data[0] == '{' || data[0] == '[') {
		*t = Text(data)
		return nil
	}
	text, err := scalar(data)
	*t = Text(text)
	return wrap("flex.Text", data, err)
}

// Time is a time in one of the vendors' layouts. Raw is the text as sent, and Time
// is zero when no layout fits. A layout without a zone is read as UTC; the field's
// description in the spec states the zone.
type Time struct {
	Time time.Time
	Raw  string
}

var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04",
	"2006-01-02",
	time.RFC1123Z,
}

// ParseTime reads text in one of the vendors' layouts or as seconds since 1970.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < 1<<40 {
		return time.Unix(n, 0).UTC(), true
	}
	return time.Time{}, false
}

// UnmarshalJSON reads a text or a number. A text in an unknown layout is no
// error: it stays in Raw. So does an object. A form of nothing, 0 too, is no time.
func (t *Time) UnmarshalJSON(data []byte) error {
	var text Text
	if err := text.UnmarshalJSON(data); err != nil {
		return err
	}
	if Nothing(string(text)) {
		text = ""
	}
	t.Raw = string(text)
	t.Time, _ = ParseTime(t.Raw)
	return nil
}

// MarshalJSON writes Raw.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(t.Raw) }

// IsZero reports whether there is no text.
func (t Time) IsZero() bool { return t.Raw == "" }

// Object is an object that comes as [], false, 0 or "" when it is empty.
type Object[T any] struct {
	Value T
	Set   bool // an object was there
}

// UnmarshalJSON reads an object, or one of the empty forms.
func (o *Object[T]) UnmarshalJSON(data []byte) error {
	if blank(data) {
		*o = Object[T]{}
		return nil
	}
	o.Set = true
	return exact.Unmarshal(data, &o.Value)
}

// MarshalJSON writes the object, or null when none was there.
func (o Object[T]) MarshalJSON() ([]byte, error) {
	if !o.Set {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// IsZero reports whether no object was there.
func (o Object[T]) IsZero() bool { return !o.Set }

// Map is a map that comes as [], false, 0 or "" when it is empty.
type Map[V any] map[string]V

// UnmarshalJSON reads a map, or one of the empty forms.
func (m *Map[V]) UnmarshalJSON(data []byte) error {
	if blank(data) {
		*m = nil
		return nil
	}
	return exact.Unmarshal(data, (*map[string]V)(m))
}

// List is a list that comes as one value when it holds one, and empty as false or "".
type List[T any] []T

// UnmarshalJSON reads a list, one value, or an empty form.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	if blank(data) {
		*l = nil
		return nil
	}
	if data[0] == '[' {
		return exact.Unmarshal(data, (*[]T)(l))
	}
	var one T
	if err := exact.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = List[T]{one}
	return nil
}

// blank reports whether data is one of the forms in which PHP writes that there is no
// object. An object without members is one.
func blank(data []byte) bool {
	data = bytes.TrimSpace(data)
	return Empty(data) && data[0] != '{' || noObject(data, reflect.Struct)
}

// scalar returns the text of a JSON scalar; empty for null.
func scalar(data []byte) (string, error) {
	switch {
	case len(data) == 0 || string(data) == "null":
		return "", nil
	case data[0] == '"':
		var s string
		err := json.Unmarshal(data, &s)
		return s, err
	case data[0] == '{' || data[0] == '[':
		return "", fmt.Errorf("not a scalar")
	}
	return string(data), nil
}

func wrap(what string, data []byte, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", what, clip(data), err)
}

// clip shortens a foreign value to a few characters for errors.
func clip(data []byte) string {
	const most = 40
	if len(data) > most {
		return string(data[:most]) + "…"
	}
	return string(data)
}
