package strictjson_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/strictjson"
)

// What was decoded is written for the wire with the digits and the characters of the
// document, or the document was refused.
func FuzzDigits(f *testing.F) {
	for _, doc := range []string{
		`{"variables":{"order":9007199254740993,"x":12345678901234567890,"price":10.10}}`,
		`{"variables":{"n":-0,"e":1E5,"t":["a",1.0]},"to":[{"email":"a","name":"Анна"}]}`,
		`{"subject":"\ud83d\udc69","variables":{"a":"\\ud83d","\u0431":[1e999,{"b":0.10}]}}`,
		`{"subject":"\ud83d","variables":{}}`, "\ufeff{\"subject\":\"\xc0\"}", `null`, `[]`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d document
		if err := strictjson.Decode(data, &d); err != nil {
			return
		}
		written, err := fastpath.AppendJSON(nil, map[string]any{"subject": d.Subject, "variables": d.Variables})
		if err != nil || !utf8.Valid(data) {
			t.Fatalf("%q was read: %v", data, err)
		}
		given, got := generic(t, data), generic(t, written)
		if text, ok := given["subject"].(string); ok && text != got["subject"] {
			t.Fatalf("%q became %q", data, written)
		}
		if values, ok := given["variables"].(map[string]any); ok && !reflect.DeepEqual(values, got["variables"]) {
			t.Fatalf("%q became %q", data, written)
		}
	})
}

// generic decodes an object with the digits of its numbers.
func generic(t *testing.T, data []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return v
}
