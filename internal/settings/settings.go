// Package settings reads the settings of an account from a configuration into a
// struct. The struct declares each setting once, by its tags:
//
//	APIKey provider.Secret `json:"api_key" required:"send" doc:"key of the account"`
//
//	json      the name in a configuration
//	doc       what the setting means, for help and docs/configuration.md
//	required  the purposes that need it: "send", "receive", or both with a comma
//	default   the value that an absent setting stands for, for the documentation
//	enum      the values that a text may have, separated by |
//	min, max  the bounds of a number
//
// A text or a secret may be a reference, "env:NAME" or "file:PATH". Numbers may be
// written as text, because a reference is one.
package settings

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
)

// Purpose is a reason for which a setting is needed.
type Purpose string

// The purposes.
const (
	Send    Purpose = "send"    // calls to the provider
	Receive Purpose = "receive" // events that the provider pushes
)

// Field is one setting, as its struct declares it.
type Field struct {
	Name     string
	Doc      string
	Default  string
	Kind     string // the expected type: "text", "secret", "number", …
	Secret   bool
	Enum     []string
	Min, Max int64 // of a number; both 0 means any
	Tag      reflect.StructTag

	required []string
	index    []int
}

// Required reports whether the setting cannot be absent for p.
func (f Field) Required(p Purpose) bool { return slices.Contains(f.required, string(p)) }

// Of returns the field's value in v, a struct.
func (f Field) Of(v reflect.Value) reflect.Value { return v.FieldByIndex(f.index) }

// Problem is an error of one setting.
type Problem struct{ Field, Message string }

// Fields returns the settings that a struct declares, those of embedded structs
// last.
func Fields(typ reflect.Type) []Field {
	var own, embedded []Field
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			for _, inner := range Fields(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				embedded = append(embedded, inner)
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		own = append(own, field(f, name, []int{i}))
	}
	return append(own, embedded...)
}

func field(f reflect.StructField, name string, index []int) Field {
	out := Field{
		Name: name, Doc: f.Tag.Get("doc"), Default: f.Tag.Get("default"), Tag: f.Tag, index: index,
	}
	if list := f.Tag.Get("required"); list != "" {
		out.required = strings.Split(list, ",")
	}
	if list := f.Tag.Get("enum"); list != "" {
		out.Enum = strings.Split(list, "|")
	}
	out.Min, _ = strconv.ParseInt(f.Tag.Get("min"), 10, 64)
	out.Max, _ = strconv.ParseInt(f.Tag.Get("max"), 10, 64)
	out.Kind = kindOf(f.Type)
	out.Secret = out.Kind == "secret"
	return out
}

// revealer is a text that prints REDACTED.
type revealer interface{ Reveal() string }

func kindOf(typ reflect.Type) string {
	switch {
	case typ.Implements(reflect.TypeFor[revealer]()):
		return "secret"
	case typ == reflect.TypeFor[time.Duration]():
		return "duration"
	}
	switch typ.Kind() {
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "list"
	}
	return "object"
}

// Decode reads values, by name, into out, a pointer to a struct. It returns all
// problems: unknown names and values of another type.
func Decode(values map[string]any, out any) []Problem {
	v := reflect.ValueOf(out).Elem()
	fields := Fields(v.Type())
	var problems []Problem
	for _, name := range sortedNames(values) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			problems = append(problems, Problem{
				name, "unknown key; known: " + strings.Join(names(fields), ", "),
			})
			continue
		}
		if p := fields[i].set(fields[i].Of(v), values[name]); p != nil {
			problems = append(problems, *p)
		}
	}
	return problems
}

// set stores a value of a configuration in v, the field's value.
func (f Field) set(v reflect.Value, value any) *Problem {
	if typed := reflect.ValueOf(value); f.Kind != "text" && typed.IsValid() && typed.Type() == v.Type() {
		v.Set(typed) // set by a program
		return f.bounded(v)
	}
	wrong := func(
		format string, args ...any,
	) *Problem {
		return &Problem{f.Name, fmt.Sprintf(format, args...)}
	}
	if value == nil {
		return wrong("expected %s, got null; without one, leave the key out", f.expected())
	}
	word, isText := value.(string)
	switch f.Kind {
	case "secret":
		if !isText {
			return wrong("%s", notText(value))
		}
		if word == "" && len(f.required) == 0 { // Check reports it where it is needed
			return wrong("expected a text, got nothing; without one, leave the key out")
		}
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(word)); err != nil {
			return wrong("expected a text")
		}
		return nil
	case "text":
		switch {
		case !isText:
			return wrong("%s", notText(value))
		case word == "": // a forgotten variable must not switch a setting off
			return wrong("expected a text, got nothing; without one, leave the key out")
		}
		v.SetString(word)
		return nil
	case "duration":
		if isText && isReference(word) {
			return nil // checked after it has been followed
		}
		d, err := ParseDuration(word)
		if err != nil || d <= 0 {
			return wrong("expected a duration like 30s, got %q", text.NoKey(fmt.Sprint(value)))
		}
		v.SetInt(int64(d))
		return nil
	case "number":
		if isText && isReference(word) {
			return nil
		}
		if isText { // from a followed reference, or in quotes
			n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
			if err != nil {
				return wrong("expected %s", f.Bounds())
			}
			v.SetInt(n)
			return f.bounded(v)
		}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return wrong("expected a value that JSON has")
	}
	if err := strictjson.Value(f.Name, raw, v.Addr().Interface()); err != nil {
		if f.Kind == "number" {
			return wrong("expected %s, got %s", f.Bounds(), text.NoKey(string(raw)))
		}
		return &Problem{err.Path, err.Message}
	}
	return f.bounded(v)
}

// ParseDuration is time.ParseDuration with days, "7d" and "1d12h".
func ParseDuration(word string) (time.Duration, error) {
	count, rest, ok := strings.Cut(word, "d")
	if !ok {
		return time.ParseDuration(word)
	}
	days, err := strconv.ParseUint(count, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("expected a number of days before the d: %w", err)
	}
	d := time.Duration(days) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err == nil && (more < 0 || rest[0] == '+') {
		err = errors.New("expected no sign behind the days")
	}
	return d + more, err
}

// notText describes a value where a text is expected. The value may be a key, so it is
// not shown.
func notText(value any) string {
	switch value.(type) {
	case map[string]any:
		return "expected a text, got an object"
	case []any:
		return "expected a text, got a list"
	case bool:
		return "expected a text, got true or false: quote it"
	}
	return "expected a text, got a number: quote it"
}

// expected describes the values of the setting.
func (f Field) expected() string {
	switch f.Kind {
	case "text", "secret":
		return "a text"
	case "number":
		return f.Bounds()
	case "object":
		return "an object"
	case "true or false":
		return f.Kind
	}
	return "a " + f.Kind
}

// bounded returns the problem of a number out of its bounds or of a negative duration,
// or nil.
func (f Field) bounded(v reflect.Value) *Problem {
	if f.Kind == "duration" && v.Int() < 0 {
		return &Problem{f.Name, fmt.Sprintf("expected a duration like 30s, got %q", time.Duration(v.Int()))}
	}
	if f.Kind != "number" || f.Min == f.Max || v.Int() >= f.Min && (f.Max == 0 || v.Int() <= f.Max) {
		return nil
	}
	return &Problem{f.Name, fmt.Sprintf("expected %s, got %d", f.Bounds(), v.Int())}
}

// Bounds describes the bounds of a number.
func (f Field) Bounds() string {
	switch {
	case f.Min == 0 && f.Max == 0:
		return "a whole number"
	case f.Max == 0:
		return fmt.Sprintf("a whole number of %d or more", f.Min)
	}
	return fmt.Sprintf("a whole number from %d to %d", f.Min, f.Max)
}

// Check returns the problems of cfg, a struct, by its tags: missing settings that p
// requires, and values out of their bounds. A text that is still a reference is not
// checked.
func Check(cfg any, p Purpose) []Problem {
	v := reflect.ValueOf(cfg)
	var problems []Problem
	for _, f := range Fields(v.Type()) {
		value := f.Of(v)
		if word, ok := wordOf(value); ok {
			switch {
			case word == "" && f.Required(p):
				problems = append(problems, Problem{f.Name, "missing: " + f.Doc})
			case !utf8.ValidString(word):
				problems = append(problems, Problem{f.Name, notUTF8})
			case word != "" && f.Enum != nil && !isReference(word) && !slices.Contains(f.Enum, word):
				problems = append(problems, Problem{
					f.Name,
					fmt.Sprintf(
						"expected %s, got %q", strings.Join(f.Enum, " or "), text.NoKey(word),
					),
				})
			}
			continue
		}
		empty := value.IsZero() || (value.Kind() == reflect.Slice || value.Kind() == reflect.Map) && value.Len() == 0
		switch {
		case empty && f.Required(p):
			problems = append(problems, Problem{f.Name, "missing: " + f.Doc})
		case empty:
		default:
			if p := f.bounded(value); p != nil {
				problems = append(problems, *p)
			}
		}
	}
	return problems
}

const notUTF8 = "expected UTF-8 text"

// wordOf returns the text of a text or a secret.
func wordOf(v reflect.Value) (string, bool) {
	if s, ok := v.Interface().(revealer); ok {
		return s.Reveal(), true
	}
	if v.Kind() == reflect.String {
		return v.String(), true
	}
	return "", false
}

func isReference(word string) bool {
	return strings.HasPrefix(word, "env:") || strings.HasPrefix(word, "file:")
}

// Literal reports whether word is a value itself and not a reference to one.
func Literal(word string) bool { return word != "" && !isReference(word) }

// Resolve follows the references in values, by name, and returns a copy with their
// contents. Values that are no text stay unchanged.
func Resolve(values map[string]any) (map[string]any, []Problem) {
	out := make(map[string]any, len(values))
	var problems []Problem
	for _, name := range sortedNames(values) {
		out[name] = values[name]
		word, ok := values[name].(string)
		if !ok {
			continue
		}
		value, err := Follow(word)
		if err != nil {
			problems = append(problems, Problem{name, err.Error()})
		}
		out[name] = value
	}
	return out, problems
}

// ResolveStruct follows the references in the texts and secrets of cfg, a pointer
// to a struct.
func ResolveStruct(cfg any) []Problem {
	v := reflect.ValueOf(cfg).Elem()
	var problems []Problem
	for _, f := range Fields(v.Type()) {
		place := f.Of(v)
		word, ok := wordOf(place)
		if !ok || !isReference(word) {
			continue
		}
		value, err := Follow(word)
		if err != nil {
			problems = append(problems, Problem{f.Name, err.Error()})
			continue
		}
		if p := f.set(place, value); p != nil {
			problems = append(problems, *p)
		}
	}
	return problems
}

// Secrets returns the values of the secrets in cfg, a struct, but for those that are
// references.
func Secrets(cfg any) []string {
	var out []string
	v := reflect.ValueOf(cfg)
	for _, f := range Fields(v.Type()) {
		if word, _ := wordOf(f.Of(v)); f.Secret && Literal(word) {
			out = append(out, word)
		}
	}
	return out
}

// secretMost is the size of the file of a secret at most.
const secretMost = 64 << 10

// Follow returns the content of a reference: an environment variable, or a file
// without a byte order mark at its beginning and one line break at its end. Empty counts as
// missing. An error does not tell what may be the key itself, put behind env: or file: by
// mistake; the field that it is about says where to look.
func Follow(word string) (string, error) {
	if name, ok := strings.CutPrefix(word, "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			if !likeVariable(name) {
				return "", errors.New("the environment variable that it names is not set or empty; a key itself stands without env: before it")
			}
			return "", fmt.Errorf("environment variable %s is not set or empty", name)
		}
		if !utf8.ValidString(value) {
			return "", fmt.Errorf("environment variable %s: %s", text.Clip(name), notUTF8)
		}
		return value, nil
	}
	if path, ok := strings.CutPrefix(word, "file:"); ok {
		data, err := bounded.ReadFile(path, secretMost)
		if err != nil {
			if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
				err = pathErr.Err
			}
			return "", fmt.Errorf("cannot read the file: %w", err)
		}
		value := strings.TrimPrefix(string(data), "\ufeff") // some editors begin a file with it
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
		if value == "" {
			return "", errors.New("the file that it names is empty")
		}
		if !utf8.ValidString(value) {
			return "", fmt.Errorf("file %s: %s; save it as UTF-8", text.Clip(path), notUTF8)
		}
		return value, nil
	}
	return word, nil
}

// likeVariable reports whether name is spelt as names of variables mostly are and keys are
// not: words of capitals, joined by _ where there are digits.
func likeVariable(name string) bool {
	return len(name) <= 60 && variable.MatchString(name) &&
		(strings.Contains(name, "_") || !strings.ContainsAny(name, "0123456789"))
}

var variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func names(fields []Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

func sortedNames(values map[string]any) []string {
	out := make([]string, 0, len(values))
	for name := range values {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
