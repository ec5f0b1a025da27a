package loose

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTexts(t *testing.T) {
	for value, want := range map[string][]string{
		`["a","b"]`: {"a", "b"}, `"[\"a\",\"b\"]"`: {"a", "b"}, `"a"`: {"a"}, `5`: {"5"}, `[3, 42 ]`: {"3", "42"},
		`null`: nil, `[]`: nil, `""`: nil, `["", "a", null, {"x":1}]`: {"a"}, `"[a"`: {"[a"},
	} {
		assert.Equal(t, want, Texts([]byte(value)), value)
	}
}

func TestWhole(t *testing.T) {
	for value, want := range map[string]int64{
		`5`: 5, `"5"`: 5, `" 5 "`: 5, `5.9`: 5, `1e3`: 1000, `null`: 0, `[5]`: 0, `"x"`: 0, `1e300`: 0, `-7`: -7,
	} {
		assert.Equal(t, want, Whole([]byte(value)), value)
	}
}

func TestStrings(t *testing.T) {
	assert.Equal(t, map[string]string{"a": "b", "n": "3", "l": `[1]`}, Strings([]byte(`{"a":"b","n":3,"l":[1]}`)))
	assert.Equal(t, map[string]string{"a": "b"}, Strings([]byte(`"{\"a\":\"b\"}"`)))
	for _, value := range []string{`"a=1"`, `null`, `5`, `[]`, `{}`} {
		assert.Nil(t, Strings([]byte(value)), value)
	}
}

// Members and Elements find what encoding/json finds.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"a":1}`, ` { "a" : [ {"b":"}"} , "\"" ] , "c":null } `, `{"a":{},"a":2}`, `{"\u0061":"\\"}`, `[1,"x",[],{},true]`, `[ ]`, `5`, `{"":""}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		var want map[string]json.RawMessage
		got := map[string]json.RawMessage{}
		Members(data, func(name, value []byte) {
			if !json.Valid(value) {
				t.Fatalf("%s: %s", name, value)
			}
			var s string
			if quoted, err := json.Marshal(string(name)); err == nil && json.Unmarshal(quoted, &s) == nil {
				got[s] = value
			}
			Text(value)
			Whole(value)
			Texts(value)
			Strings(value)
		})
		if json.Unmarshal(data, &want) == nil && len(want) > 0 {
			if len(want) != len(got) {
				t.Fatalf("%d names, expected %d", len(got), len(want))
			}
			for name := range want {
				if string(want[name]) != string(got[name]) {
					t.Fatalf("%q: %s, expected %s", name, got[name], want[name])
				}
			}
		}
		var list []json.RawMessage
		n := 0
		Elements(data, func(value []byte) { n++ })
		if json.Unmarshal(data, &list) == nil && n != len(list) {
			t.Fatalf("%d elements, expected %d", n, len(list))
		}
	})
}
