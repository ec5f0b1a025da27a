package configfile

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestYAML(t *testing.T) {
	for _, tc := range []struct{ what, yaml, want string }{
		{"text stays text", `{a: on, b: yes, c: "0012", d: '4', e: 2026-03-21, f: 12:30:45, g: ~user}`, `{"a":"on","b":"yes","c":"0012","d":"4","e":"2026-03-21","f":"12:30:45","g":"~user"}`},
		{"scalars", "{a: true, b: 4, c: -1.5, d: null, e: ~, f: , g: 0x1F}", `{"a":true,"b":4,"c":-1.5,"d":null,"e":null,"f":null,"g":31}`},
		{"numbers keep their digits", "{a: 10.10, b: 12345678901234567890, c: 9007199254740993, d: 1.0}", `{"a":10.10,"b":12345678901234567890,"c":9007199254740993,"d":1.0}`},
		{"lists", "a:\n- x\n- [1, {b: c}]\n", `{"a":["x",[1,{"b":"c"}]]}`},
		{"anchors", "{a: &x {b: c}, d: *x}", `{"a":{"b":"c"},"d":{"b":"c"}}`},
		{"twice the same key is left to the parser", "a: 1\na: 2\n", `{"a":1,"a":2}`},
		{"folded text", "a: >-\n  one\n  two\n", `{"a":"one two"}`},
		{"other scripts", "نام: فروشگاه # comment", `{"نام":"فروشگاه"}`},
		{"JSON is YAML", `{"a": {"b": ["c"]}}`, `{"a":{"b":["c"]}}`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got, err := YAMLToJSON([]byte(tc.yaml))
			require.NoError(t, err)
			assert.Equal(t, tc.want, string(got))
		})
	}
}

func TestYAMLRefused(t *testing.T) {
	for _, tc := range []struct{ what, yaml, want string }{
		{"empty", "", "the file is empty"},
		{"only a comment", "# nothing\n", "the file is empty"},
		{"syntax", "a: [", "not valid YAML"},
		{"number as key", "aliases:\n  lists:\n    4: {main: x}\n", `aliases.lists: line 3: the key 4 is not a text; write it in quotes: "4"`},
		{"truth as key", "true: x", `the key true is not a text`},
		{"empty key", "~: x", `is not a text`},
		{"list as key", "? [a]\n: b\n", "expected a text as key"},
		{"merge", "a: &x {b: c}\nd: {<<: *x}\n", "d: line 2: merge keys (<<) are not supported"},
		{"second document", "a: b\n---\nc: d\n", "expected one YAML document"},
		{"not a number in JSON", "a: .inf", "a: line 1: not a value that JSON has (float)"},
		{"tag", "a: !secret x", "tags are not supported; a value that begins with ! stands in quotes"},
		{"tag of an object", "a: !x {b: c}", "tags are not supported; a value that begins with ! stands in quotes"},
		{"binary", "a: !!binary aGk=", "the tag !!binary is not supported"},
		{"anchor in itself", "a: &x [*x]", "too much in one file"},
		{"anchors that multiply", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", "too much in one file"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got, err := YAMLToJSON([]byte(tc.yaml))
			require.Error(t, err, string(got))
			assert.Contains(t, err.Error(), tc.want)
			assert.ErrorIs(t, err, provider.ErrConfig)
		})
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: {b: [c, 1, 2.5, ~, on]}"))
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := YAMLToJSON(data)
		if err == nil && !json.Valid(out) {
			t.Fatalf("%q became %q", data, out)
		}
	})
}
