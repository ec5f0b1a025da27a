package fastpath

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// standard is what encoding/json writes without escapes for HTML.
func standard(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	return strings.TrimSuffix(b.String(), "\n")
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\b\f\n\r\t\x1f\x7f", "می\u200cخواهم", "12345\u2028\u2029\u2027x", "1234567\u2028", "\xe2\x80", "a\xffb", "<&>", strings.Repeat("۱", 20) + `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := standard(t, s)
		assert.Equal(t, want, string(AppendString([]byte("x"), s)[1:]))
		if utf8.ValidString(s) {
			assert.Equal(t, want, string(AppendText(nil, s)))
		}
	})
}

// Every byte at every place of a word is met.
func TestAppendTextBytes(t *testing.T) {
	for c := range rune(0x120) {
		for pad := range 10 {
			s := strings.Repeat("a", pad) + string(c) + "bcdefgh"
			require.Equal(t, standard(t, s), string(AppendText(nil, s)))
		}
	}
}

func TestAppendValue(t *testing.T) {
	deep := any("x")
	for range maxDepth + 5 {
		deep = []any{deep}
	}
	for _, v := range []any{
		nil, "a<b", true, 7, int64(-7), uint8(3), 0.0, math.Copysign(0, -1), 12.5, 1e21, 1e-7, -1e20, float32(1.1), json.Number("10"),
		map[string]any(nil), []any(nil),
		[]string{"a"},
		map[string]any{"b": []any{1, nil, "ü"}, "a": map[string]any{}, "\xff": "\xff"},
		deep,
		struct{ A string }{"<"},
		map[string]string{"z": "1"},
	} {
		got, err := AppendValue([]byte("x"), v)
		require.NoError(t, err)
		assert.Equal(t, "x"+standard(t, v), string(got))
	}
	texts := map[string]string{"z": "1", "a": "<\n>"}
	assert.Equal(t, standard(t, texts), string(AppendTexts(nil, texts)))
	circle := map[string]any{}
	circle["self"] = []any{circle}
	for _, v := range []any{math.NaN(), map[string]any{"a": []any{func() {}}}, circle} {
		_, err := AppendValue(nil, v)
		assert.Error(t, err)
	}
}
