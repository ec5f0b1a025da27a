package api_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/postmux/postmux/rest"
)

// differ says where got, an encoded request, is not want, which was decoded
// before: a value that is lost, added or changed.
func differ(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		other, ok := got.(map[string]any)
		if !ok {
			return changed(path, want, got)
		}
		var out []string
		for key, v := range want {
			if w, ok := other[key]; ok {
				out = append(out, differ(path+"."+key, v, w)...)
			} else {
				out = append(out, path+"."+key+": lost")
			}
		}
		for key := range other {
			if _, ok := want[key]; !ok {
				out = append(out, path+"."+key+": added")
			}
		}
		return out
	case []any:
		other, ok := got.([]any)
		if !ok || len(want) != len(other) {
			return changed(path, want, got)
		}
		var out []string
		for i := range want {
			out = append(out, differ(path+"[]", want[i], other[i])...)
		}
		return out
	case json.Number:
		if n, ok := got.(json.Number); !ok || !sameNumber(want.String(), n.String()) {
			return changed(path, want, got)
		}
		return nil
	}
	if want != got {
		return changed(path, want, got)
	}
	return nil
}

func changed(path string, want, got any) []string {
	return []string{fmt.Sprintf("%s: %s became %s", path, text(want), text(got))}
}

func text(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

func sameNumber(a, b string) bool {
	x, ok := new(big.Rat).SetString(a)
	y, fine := new(big.Rat).SetString(b)
	return ok && fine && x.Cmp(y) == 0
}

// lost says what of want, an answer, is not in got, its encoded decoding. An
// answer's type holds plain values of one form, so these do not count, here and
// in api/README.md: a zero value that is left out or stands for null, an added
// zero value, an empty list where an object is meant, a list of one for the object itself, a number or truth value in
// place of a text that says the same and the reverse, JSON kept as a text.
// secrets are what the answer's fields of that type hold; they are encoded as REDACTED.
func lost(path string, want, got any, secrets []string) []string {
	switch {
	case zero(want) && zero(got), sameScalar(want, got):
		return nil
	case got == "REDACTED":
		if slices.Contains(secrets, scalar(want)) {
			return nil
		}
		return changed(path, want, got)
	}
	switch want := want.(type) {
	case map[string]any:
		if list, ok := got.([]any); ok && len(list) == 1 {
			got = list[0] // flex.List
		}
		other, ok := got.(map[string]any)
		if !ok {
			return asText(path, want, got)
		}
		var out []string
		for key, v := range want {
			w, ok := other[key]
			switch {
			case ok:
				out = append(out, lost(path+"."+key, v, w, secrets)...)
			case !zero(v) && !slices.Contains([]string{"0", "no", "off", "false"}, scalar(v)):
				out = append(out, path+"."+key+": lost")
			}
		}
		return out
	case []any:
		other, ok := got.([]any)
		if !ok || len(want) != len(other) {
			return asText(path, want, got)
		}
		var out []string
		for i := range want {
			out = append(out, lost(path+"[]", want[i], other[i], secrets)...)
		}
		return out
	}
	return changed(path, want, got)
}

// asText compares an object or a list with a text that holds its JSON.
func asText(path string, want, got any) []string {
	var v any
	if kept, ok := got.(string); ok {
		dec := json.NewDecoder(strings.NewReader(kept))
		dec.UseNumber()
		if dec.Decode(&v) == nil {
			return differ(path, want, v)
		}
	}
	return changed(path, want, got)
}

// zero reports whether a value is null, false, 0, or empty all through.
func zero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		return sameNumber(v.String(), "0")
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, below := range v {
			if !zero(below) {
				return false
			}
		}
		return true
	}
	return false
}

// sameScalar reports whether two scalars say the same in different forms.
func sameScalar(a, b any) bool {
	if truth, ok := b.(bool); ok {
		return slices.Contains(map[bool][]string{true: {"true", "1", "yes", "on"}, false: {"false", "0", "no", "off"}}[truth], strings.ToLower(scalar(a)))
	}
	x, y := scalar(a), scalar(b)
	if x == "" || y == "" {
		return false
	}
	_, isNumber := b.(json.Number)
	return x == y || isNumber && sameNumber(strings.TrimSpace(x), y)
}

// scalar is the text of a scalar; empty for a container.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// unplaced are the fields of v for which t has no place. lost does not see them
// when they are zero, and encoding/json takes a name in any case.
func unplaced(path string, v any, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map && t.Key().Kind() == reflect.Bool { // nullable
		t = t.Elem()
	}
	if strings.HasPrefix(t.Name(), "Object[") {
		value, _ := t.FieldByName("Value")
		return unplaced(path, v, value.Type)
	}
	if _, ok := v.(map[string]any); ok && strings.HasPrefix(t.Name(), "List[") {
		t = t.Elem()
	}
	var out []string
	switch v := v.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for _, item := range v {
				out = append(out, unplaced(path+"[]", item, t.Elem())...)
			}
		}
	case map[string]any:
		for key, below := range v {
			place := placeOf(t, key)
			if place == nil {
				out = append(out, path+"."+key+": no place for it")
			} else {
				out = append(out, unplaced(path+"."+key, below, place)...)
			}
		}
	}
	return out
}

// placeOf is the type into which the value of a key goes; nil when none does.
func placeOf(t reflect.Type, key string) reflect.Type {
	switch t.Kind() {
	case reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for i := range t.NumField() {
			if tag(t.Field(i)) == key {
				return t.Field(i).Type
			}
		}
		if free, ok := t.FieldByName("AdditionalProperties"); ok {
			return free.Type.Elem()
		}
		if t.Name() != "Time" { // flex.Time keeps what comes
			return nil
		}
	}
	return reflect.TypeFor[any]() // kept as it came, or compared as a text
}

// secretsIn are the texts of all secrets in a value.
func secretsIn(v reflect.Value) []string {
	if !v.IsValid() {
		return nil
	}
	if s, ok := v.Interface().(rest.Secret); ok {
		return []string{s.Reveal()}
	}
	var out []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return secretsIn(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out = append(out, secretsIn(v.Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, secretsIn(v.Index(i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out = append(out, secretsIn(v.MapIndex(key))...)
		}
	}
	return out
}
