package fastpath

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// want is what encoding/json writes without escapes for HTML.
func want(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	return strings.TrimSuffix(b.String(), "\n")
}

func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\b\f\n\r\t\x1f\x7f", "می\u200cخواهم", "12345\u2028\u2029\u2027x", "1234567\u2028", "\xe2\x80", "a\xffb", "<&>", strings.Repeat("۱", 20) + `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := want(t, s)
		assert.Equal(t, text, string(AppendText([]byte("x"), s)[1:]))
		if utf8.ValidString(s) {
			assert.Equal(t, text, string(appendValid(nil, s)))
		}
	})
}

// Every byte at every place of a word is met.
func TestTextBytes(t *testing.T) {
	for c := range rune(0x120) {
		for pad := range 10 {
			s := strings.Repeat("a", pad) + string(c) + "bcdefgh"
			require.Equal(t, want(t, s), string(AppendText(nil, s)))
		}
	}
}
