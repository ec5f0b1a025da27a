package providertest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// notLines are texts that no line of a mail may contain; notText are those that no
// text may contain.
var (
	notLines = append(
		[]string{
			"a\r\nBcc: x@example.com", "a\nb", "a\rb", "a\x1b[31m", "a\u0085b", "a\u2028b",
			"a\u2029b", "a\u202egpj", "a\u2066b", strings.Repeat("a", 999),
		},
		notText...,
	)
	notText = []string{"a\x00b", "\xff"}
)

// bodies are the places whose texts may have several lines.
var bodies = []string{
	"html", "text", "variables", "recipients[0].html", "recipients[0].text", "recipients[0].variables", "fields",
}

// slot is a place for a text in a T.
type slot[T any] struct {
	path string // prefix of the Field of its error
	put  func(v *T, text string)
}

// hostileTexts: a text that would break a line of a mail or a contact is refused
// before any request, in every field, and the error itself is one short line. The
// fields are all texts of Message and ContactChange, found by their types, so a new
// field is covered.
func (h Harness) hostileTexts(t *testing.T) {
	v := h.start(t)
	requests := 0
	c := v.open(t, nil, provider.WithDryRun(func(provider.WireRequest) { requests++ }))
	for _, s := range slots[provider.Message]() {
		for _, text := range textsFor(s.path) {
			m := h.baseline()
			s.put(m, text)
			if strings.HasPrefix(s.path, "recipients") {
				m.To = nil
			}
			_, err := c.Send(t.Context(), m)
			refusedAt(t, err, s.path, text)
		}
	}
	if c.Capabilities().Can(feature.ContactsUpsert) {
		for _, s := range slots[provider.ContactChange]() {
			for _, text := range textsFor(s.path) {
				change := h.change()
				s.put(&change, text)
				_, err := c.UpsertContact(t.Context(), change)
				refusedAt(t, err, s.path, text)
			}
		}
	}
	assert.Zero(t, requests, "a request was made")
	v.noRequests(t)
}

func textsFor(path string) []string {
	if slices.Contains(bodies, path) {
		return notText
	}
	return notLines
}

// slots returns the places for texts in a T.
func slots[T any]() []slot[T] {
	var out []slot[T]
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		for _, s := range slotsIn(typ.Field(i).Type, jsonName(typ.Field(i))) {
			out = append(out, slot[T]{
				s.path, func(v *T, text string) { s.put(reflect.ValueOf(v).Elem().Field(i), text) },
			})
		}
	}
	return out
}

type valueSlot struct {
	path string
	put  func(v reflect.Value, text string)
}

func slotsIn(typ reflect.Type, path string) []valueSlot {
	set := func(value func(text string) any) []valueSlot {
		return []valueSlot{
			{path, func(v reflect.Value, text string) { v.Set(reflect.ValueOf(value(text))) }},
		}
	}
	switch reflect.Zero(typ).Interface().(type) {
	case provider.Ref, []provider.Ref:
		return nil // identifiers tests ids
	case provider.Change[string]:
		return set(func(text string) any { return provider.ChangeTo(text) })
	case map[string]string:
		return append(
			at(path+".", set(func(text string) any { return map[string]string{text: "a"} })),
			at(path+".X-A", set(func(text string) any { return map[string]string{"X-A": text} }))...)
	case map[string]any:
		return append(
			at(path+".", set(func(text string) any { return map[string]any{text: "a"} })),
			at(path, set(func(text string) any { return map[string]any{"a": text} }))...)
	case provider.Attachment:
		return inStruct(typ, path, provider.Attachment{Name: "a", Content: []byte("x")})
	case provider.Recipient:
		return inStruct(typ, path, provider.Recipient{Email: "a@example.com"})
	case provider.Address:
		return inStruct(typ, path, provider.Address{Email: "a@example.com"})
	}
	switch typ.Kind() {
	case reflect.String:
		return []valueSlot{{path, func(v reflect.Value, text string) { v.SetString(text) }}}
	case reflect.Slice:
		var out []valueSlot
		for _, s := range slotsIn(typ.Elem(), path+"[0]") {
			out = append(out, valueSlot{s.path, func(v reflect.Value, text string) {
				v.Set(reflect.MakeSlice(typ, 1, 1))
				s.put(v.Index(0), text)
			}})
		}
		return out
	}
	return nil
}

func at(path string, slots []valueSlot) []valueSlot {
	for i := range slots {
		slots[i].path = path
	}
	return slots
}

// inStruct returns the places in the fields of a struct whose other fields are
// those of around.
func inStruct(typ reflect.Type, path string, around any) []valueSlot {
	var out []valueSlot
	for i := range typ.NumField() {
		for _, s := range slotsIn(typ.Field(i).Type, path+"."+jsonName(typ.Field(i))) {
			if strings.HasSuffix(s.path, ".url") {
				continue // excludes content; badInput tests it
			}
			out = append(out, valueSlot{s.path, func(v reflect.Value, text string) {
				v.Set(reflect.ValueOf(around))
				s.put(v.Field(i), text)
			}})
		}
	}
	return out
}

func refusedAt(t *testing.T, err error, field, text string) {
	t.Helper()
	var e *provider.Error
	if assert.ErrorAs(t, err, &e, "%s %q", field, text) {
		assert.Equal(t, provider.ErrInvalid, e.Kind, "%s %q: %v", field, text, err)
		assert.True(t, e.Local())
		assert.True(t, strings.HasPrefix(e.Field, field), "%s: %s", field, e.Field)
		assert.False(
			t, strings.ContainsAny(fmt.Sprint(err), "\r\n\x00\x1b\u0085\u2028\u2029\u202e"), "%q",
			err.Error(),
		)
		assert.Less(t, len(err.Error()), 500)
	}
}
