package contactfile

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestGuardedCells(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "'": "'", "a": "a", "'a": "'a", "''a": "''a", "O'Neil": "O'Neil",
		"=1": "=1", "'=1": "=1", "''=1": "'=1", "'@x": "@x", "'+375291234567": "+375291234567", "+375291234567": "+375291234567",
		"'-5": "-5", "'\t=1": "\t=1", "'\r=1": "\r=1", "' =1": "' =1",
		`'=HYPERLINK("https://x.example","y")`: `=HYPERLINK("https://x.example","y")`,
	} {
		assert.Equal(t, want, unguard(cell), "%q", cell)
	}
	for _, cell := range []string{"", "'", "''", "=1", "'=1", "''=1", "+375291234567", "'+375291234567", "+1+2", "-1", "@x", "\t", "\r", "سلام"} {
		assert.Equal(t, cell, unguard(guard(cell)), "%q", cell)
	}
}

// Cells are texts: whatever they hold, they reach the contact as they are, or
// the file is refused.
func TestHostileCells(t *testing.T) {
	for _, cell := range []string{"=cmd|' /C calc'!A0", "=cmd()", "@SUM(1)", "+1-1", "-2+3", "\"", ",", "a\nb", "..", "../../x", "\u202ex", "a\u2028b", "\x7f", "می\u200cخواهم"} {
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
