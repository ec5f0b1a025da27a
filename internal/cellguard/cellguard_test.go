package cellguard

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
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
		assert.Equal(t, want, Unguard(cell), "%q", cell)
	}
	for cell, want := range map[string]string{
		"x;=1": "x;'=1", " =1": "' =1", "\n=1": "'\n'=1", "\t": "'\t", "x\t+1": "x\t'+1", "x\t+1-1": "x\t'+1-1", "x;+375291234567": "x;'+375291234567", "+1+2": "'+1+2",
		" +375291234567": "' +375291234567", "＠SUM(1)": "'＠SUM(1)", "\x00=1": "'\x00=1", "\u200b=1": "'\u200b=1", "\ufeff=1": "'\ufeff=1",
		"x;\"=1": "x;'\"=1", "a-b; c@d": "a-b; c@d", "a; -b": "a;' -b", "a\u2028=1": "a\u2028'=1", "سلام": "سلام", ";": ";",
	} {
		assert.Equal(t, want, Guard(cell), "%q", cell)
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
	safe := Guard(cell)
	if back := Unguard(safe); back != cell {
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
