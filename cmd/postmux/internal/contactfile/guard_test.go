package contactfile

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestGuardedCells(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "a": "a", "'a": "'a", "''a": "''a", "O'Neil": "O'Neil",
		"=1": "=1", "'=1": "=1", "''=1": "'=1", "'@x": "@x", "'+375291234567": "+375291234567", "+375291234567": "+375291234567",
		"'-5": "-5", "'\t'=1": "\t=1", "'\t=1": "\t=1", "'\r'=1": "\r=1", "' =1": " =1", "' x": "' x",
		"'\u00a0=1": "\u00a0=1", "'\x00=1": "\x00=1", "'＝1": "＝1", "'\n'=1": "\n=1", "x;'=1": "x;=1", "x;''=1": "x;'=1", "x; '=1": "x; '=1", "x\t'@y": "x\t@y",
		"dear\n'- a": "dear\n- a", "a;'b": "a;'b", "'\"=1": "\"=1", "'": "'",
		`'=HYPERLINK("https://x.example","y")`: `=HYPERLINK("https://x.example","y")`,
	} {
		assert.Equal(t, want, unguard(cell), "%q", cell)
	}
	for cell, want := range map[string]string{
		"x;=1": "x;'=1", " =1": "' =1", "\n=1": "'\n'=1", "\t": "'\t", "x\t+1": "x\t'+1", "x\t+1-1": "x\t'+1-1", "x;+375291234567": "x;'+375291234567", "+1+2": "'+1+2",
		" +375291234567": "' +375291234567", "＠SUM(1)": "'＠SUM(1)", "\x00=1": "'\x00=1", "\u200b=1": "'\u200b=1", "\ufeff=1": "'\ufeff=1",
		"x;\"=1": "x;'\"=1", "a-b; c@d": "a-b; c@d", "a; -b": "a;' -b", "a\u2028=1": "a\u2028'=1", "سلام": "سلام", ";": ";",
	} {
		assert.Equal(t, want, guard(cell), "%q", cell)
	}
	// All texts of up to five of these.
	alphabet := []string{"'", "=", "+", "1", ";", "\t", "\n", " ", "x", "＝", "\x00", "\""}
	texts := []string{""}
	for range 5 {
		for _, text := range texts {
			checkGuard(t, text)
		}
		var longer []string
		for _, text := range texts {
			for _, a := range alphabet {
				longer = append(longer, text+a)
			}
		}
		texts = longer
	}
}

// checkGuard checks that a cell comes back as it was, and that no spreadsheet, whatever
// separates its cells, finds a formula in what is written.
func checkGuard(t *testing.T, cell string) {
	t.Helper()
	safe := guard(cell)
	if back := unguard(safe); back != cell {
		t.Errorf("%q is written as %q and read as %q", cell, safe, back)
	}
	for _, separators := range []string{"", "\n", ";\r\n", "\t\r\n\u2028"} {
		for part := range strings.FieldsFuncSeq(safe, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			seen := strings.TrimLeftFunc(part, func(r rune) bool { return r == '"' || r == 0 || r == 0x200b || unicode.IsSpace(r) })
			if first, _ := utf8.DecodeRuneInString(seen); strings.ContainsRune("=+-@＝＋－＠", first) && !plainPhone(cell) {
				t.Errorf("%q is written as %q, whose part %q is a formula", cell, safe, part)
			}
		}
	}
}

func FuzzGuard(f *testing.F) {
	for _, cell := range []string{"", "'", "''=1", "x;=HYPERLINK(\"https://x.example\")", "\n=1+1", " =1", "\u00a0=1", "＝1", "\x00@x", "+375291234567", "a\t-1", "\xff=1", ";;'=;"} {
		f.Add(cell)
	}
	f.Fuzz(checkGuard)
}

// Cells are texts: whatever they hold, they reach the contact as they are, or
// the file is refused.
func TestHostileCells(t *testing.T) {
	for _, cell := range []string{"=cmd|' /C calc'!A0", "=cmd()", "x;=cmd()", "\n=cmd()", " =cmd()", "＝cmd()", "\x00=cmd()", "@SUM(1)", "+1-1", "-2+3", "\"", ",", "a\nb", "..", "../../x", "\u202ex", "a\u2028b", "\x7f", "می\u200cخواهم"} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		require.NoError(t, w.WriteAll([][]string{{"email", "field.NOTE"}, {"a@example.com", guard(cell)}}))
		rows, err := readCSV(b.Bytes())
		require.NoError(t, err, "%q", cell)
		require.Len(t, rows, 1)
		assert.Equal(t, cell, rows[0].Fields["NOTE"])
	}
	for _, text := range []string{"email\n\xff\n", "email,=cmd()\na@example.com,x\n", "email,field.\na@example.com,x\n", "email,email\n", "phone\n1\n", "email\n\"a\n", ""} {
		_, err := readCSV([]byte(text))
		assert.ErrorIs(t, err, provider.ErrInvalid, "%q", text)
	}
}

// What an export would write, guarded cells too, the import reads as it was.
// Any file at all is rows or an error.
func FuzzCSV(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte, name, field string) {
		if rows, err := readCSV(data); err == nil {
			for _, row := range rows {
				assert.NotContains(t, row.Fields, "")
			}
		}
		_, _ = readJSONL(data)

		if !utf8.ValidString(name) || !utf8.ValidString(field) || strings.Contains(name+field, "\r") {
			return // encoding/csv reads a line break of two bytes as one
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		require.NoError(t, w.WriteAll([][]string{{"email", "last_name", "field.X"}, {"a@example.com", guard(name), guard(field)}}))
		rows, err := readCSV(b.Bytes())
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.Equal(t, name, rows[0].LastName.Value())
		got, _ := rows[0].Fields["X"].(string)
		assert.Equal(t, field, got)
	})
}
