package terminal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile has what a terminal may obey, and joiners and emoji, which stay.
const hostile = "a\x1b[31m\n\u009b\x7f\u202e\u061c\u200e\u200f\u2028b می\u200cرود 👩"

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
}

// JSON for a program may be seen by a person: the text is the same, and no terminal obeys it.
func TestJSONIsHarmless(t *testing.T) {
	value := map[string]string{"text": hostile, hostile: "name"}
	line, err := Marshal(value)
	require.NoError(t, err)
	var lines, document bytes.Buffer
	NewOutput(&lines).Line(value)
	NewOutput(&document).Document(value)
	for _, x := range []struct{ name, printed string }{
		{name: "Marshal", printed: string(line)},
		{name: "Line", printed: strings.TrimSuffix(lines.String(), "\n")},
		{name: "Document", printed: strings.ReplaceAll(document.String(), "\n", "")},
		{name: "Indexed", printed: string(Indexed(1, value))[len(`{"index":1,`)-1:]},
	} {
		t.Run(x.name, func(t *testing.T) {
			assert.False(t, strings.ContainsFunc(x.printed, unsafe), "%q", x.printed)
			assert.Contains(t, x.printed, "می\u200cرود 👩")
			if x.name != "Indexed" {
				var read map[string]string
				require.NoError(t, json.Unmarshal([]byte(x.printed), &read))
				assert.Equal(t, value, read)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add(hostile)
	f.Add("a\u061cb\u200ec\u200fd\x9b")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Printable(s); strings.ContainsFunc(got, unsafe) {
			t.Fatalf("%q", got)
		}
		data, err := Marshal(s)
		require.NoError(t, err)
		if strings.ContainsFunc(string(data), unsafe) {
			t.Fatalf("%q", data)
		}
		var read string
		require.NoError(t, json.Unmarshal(data, &read))
		valid := func(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\ufffd", "") }
		require.Equal(t, valid(s), valid(read))
	})
}
