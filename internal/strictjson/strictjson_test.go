package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/strictjson"
)

type document struct {
	Subject   string         `json:"subject"`
	To        []address      `json:"to"`
	Variables map[string]any `json:"variables"`
}

type address struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// encoding/json replaces these without an error.
func TestBytes(t *testing.T) {
	for _, row := range []struct{ name, data, path, says string }{
		{name: "windows-1251", data: "{\"subject\":\"\xc2\xe0\xf8\"}", path: "subject", says: "expected UTF-8 text, got the byte 0xC2"},
		{name: "in a list", data: "{\"to\":[{\"email\":\"a\"},{\"email\":\"b\",\"name\":\"\xc0\"}]}", path: "to[1].name", says: "0xC0"},
		{name: "in a variable", data: "{\"variables\":{\"a\":{\"b\":[1,\"\xc0\"]}}}", path: "variables.a.b[1]", says: "0xC0"},
		{name: "after a list", data: "{\"to\":[],\"subject\":\"\xc0\"}", path: "subject", says: "0xC0"},
		{name: "in a key", data: "{\"variables\":{\"\xc0\":1}}", path: "variables.\ufffd", says: "0xC0"},
		{name: "in a line", data: "{\n\"to\":[],\n\"subject\":\"\xc0\"\n}\n", path: "subject", says: "0xC0 in line 3"},
		{name: "half a character", data: `{"subject":"\ud83d!"}`, path: "subject", says: `expected whole characters, got half of one, the escape \ud83d`},
		{name: "second half", data: `{"variables":{"a":"\udc69"}}`, path: "variables.a", says: `\udc69`},
		{name: "UTF-16", data: "\xff\xfe{\x00}\x00", says: "got UTF-16"},
		{name: "outside of texts", data: "{\xc0}", says: "expected UTF-8 text, got the byte 0xC0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var d document
			err := strictjson.Decode([]byte(row.data), &d)
			require.NotNil(t, err)
			assert.Equal(t, row.path, err.Path)
			assert.Contains(t, err.Message, row.says)
		})
	}
}

func TestNumbersInAny(t *testing.T) {
	var d document
	err := strictjson.Decode([]byte("\ufeff"+`{"variables":{"order":9007199254740993,"x":12345678901234567890,"price":10.10,"n":12,"in":[{"y":1.0}],"z":1e999}}`), &d)
	require.Nil(t, err)
	assert.Equal(t, map[string]any{
		"order": json.Number("9007199254740993"), "x": json.Number("12345678901234567890"), "price": json.Number("10.10"), "n": 12.0,
		"in": []any{map[string]any{"y": json.Number("1.0")}}, "z": json.Number("1e999"),
	}, d.Variables)

	err = strictjson.Decode([]byte(`{"variables":{"a":{"b":1,"b":2}}}`), &d)
	require.NotNil(t, err)
	assert.Equal(t, "variables.a.b", err.Path)
}

// A deep document is read once, not once for each level.
func TestDeepDocument(t *testing.T) {
	const deep = 5000
	data := `{"variables":{"a":` + strings.Repeat("[", deep) + strings.Repeat(" ", 1<<20) + strings.Repeat("]", deep) + `}}`
	var d document
	began := time.Now()
	require.Nil(t, strictjson.Decode([]byte(data), &d))
	assert.Less(t, time.Since(began), 30*time.Second, "a reading of each level takes minutes")
}
