package contactfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// exported is what an export of the contacts writes.
func exported(t *testing.T, form Form, contacts ...provider.Contact) []byte {
	t.Helper()
	s, err := TempSpool(t.Context(), Query{})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Add(&provider.Page[provider.Contact]{Items: contacts}))
	var b bytes.Buffer
	_, err = s.Write(&b, form)
	require.NoError(t, err)
	return b.Bytes()
}

// trimmed is a text without the blanks, and marks that are not seen, around it.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\u200b\ufeff\u200e\u200f", r) })
}

// checkRoundTrip checks that an import gets what was exported, and that no spreadsheet,
// whatever separates its cells, finds a formula in the file.
func checkRoundTrip(t *testing.T, phone, id, first, last, list, name, value string) {
	t.Helper()
	for _, s := range []string{phone, id, first, last, list, name, value} {
		if !utf8.ValidString(s) || strings.Contains(s, "\r\n") {
			return // JSON has no other texts, and encoding/csv reads a line break of two bytes as one
		}
	}
	if trimmed(name) == "" || strings.ContainsAny(list, ";\r\n") || trimmed(list) != list || list == "" || list == "id:" {
		return // no name of a field, and no name of a list that stands in a cell
	}
	c := provider.Contact{
		Email: "a@example.com", Phone: phone, ExternalID: id, FirstName: first, LastName: last, Fields: map[string]any{name: value},
		Memberships: []provider.Membership{{List: "other", Status: provider.StatusSubscribed}, {List: list, Status: provider.StatusSubscribed}},
	}
	want := provider.ContactChange{Email: c.Email, Lists: []provider.Ref{contactrows.RefOf("other"), contactrows.RefOf(list)}}
	for _, f := range contactrows.OwnFields {
		if text := trimmed(f.Of(&c)); text != "" {
			*f.In(&want) = provider.ChangeTo(text)
		}
	}
	if text := trimmed(value); text != "" { // an empty cell leaves the field alone
		want.Fields = map[string]any{trimmed(name): text}
	}
	file := exported(t, Form{CSV: true}, c)
	rows, err := contactrows.Read("a.csv", file)
	require.NoError(t, err, "%q", file)
	require.Equal(t, []provider.ContactChange{want}, rows, "%q", file)

	for _, separators := range []string{"\n", ";\n", "\t\n", ";\t\n\r\v\f\u0085\u2028\u2029"} {
		for part := range strings.FieldsFuncSeq(string(file), func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			seen := strings.TrimLeftFunc(part, func(r rune) bool { return r == '"' || r == 0 || r == 0x200b || unicode.IsSpace(r) })
			if sign, _ := utf8.DecodeRuneInString(seen); strings.ContainsRune("=+-@＝＋－＠", sign) {
				t.Errorf("%q with cells between %q has the formula %q", file, separators, part)
			}
		}
	}

	for _, f := range contactrows.OwnFields { // lines of JSON keep blanks too
		if text := f.Of(&c); text != "" {
			*f.In(&want) = provider.ChangeTo(text)
		}
	}
	want.Fields = map[string]any{name: value}
	rows, err = contactrows.Read("a.jsonl", exported(t, Form{}, c))
	require.NoError(t, err)
	require.Equal(t, []provider.ContactChange{want}, rows)
}

// Texts in any field come back as they were.
func TestRoundTrip(t *testing.T) {
	texts := []string{
		"a", "'", "''", "=1", "'=1", "''=1", "+375291234567", "+1-2", "-5", "@x", "\t", "\t=1", " =1", "\n=1", "\r=1", "x;=1", "x;'=1", ";", ";;=1", "x\t@y",
		"x\n-1\n+2", "\"", "\"=1", "\"\"=1\"", ",", ",=1", "a,\"b\";=c", "\u00a0=1", "＝1", "\x00=1", "\u200b=1", "\ufeff", "\ufeff=1", "سلام", "می\u200cرود", "\u2068=1\u2069",
		"=HYPERLINK(\"https://x.example\";\"y\")", "a\rb", "\r", " ", "x ;=1", "x; =1", "\u2028=1", "#", "field.x", "email",
	}
	for i, text := range texts {
		next := texts[(i+1)%len(texts)]
		checkRoundTrip(t, text, next, text, next, "news", "NOTE", text)
		checkRoundTrip(t, "", "", "", "", "news", text, text)
		checkRoundTrip(t, "", "", "", "", text, "NOTE", next)
	}
}

// Values that are no texts become one: CSV has nothing else.
func TestRoundTripOfValues(t *testing.T) {
	for _, row := range []struct {
		name  string
		value any
		want  any
	}{
		{name: "a number", value: json.Number("12345678901234567890"), want: "12345678901234567890"},
		{name: "a negative number", value: json.Number("-5.50"), want: "-5.50"},
		{name: "true", value: true, want: "true"},
		{name: "a list", value: []string{"a", "=b"}, want: "a;=b"},
		{name: "nothing", value: nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			rows, err := contactrows.Read("a.csv", exported(t, Form{CSV: true}, provider.Contact{Email: "a@example.com", Fields: map[string]any{"X": row.value}}))
			require.NoError(t, err)
			require.Len(t, rows, 1)
			assert.Equal(t, row.want, rows[0].Fields["X"])
		})
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("+375291234567", "=1", "'=1", "x;=1", "news", "NOTE", "\n=1+1")
	f.Add("", "\t", " =1", "\"=1", "=x", "a;=b", "x\t+1-1")
	f.Add("", "", "", "", "'", "\ufeff", "＝1\r=2\n")
	f.Fuzz(checkRoundTrip)
}
