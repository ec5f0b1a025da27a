// Package cellguard keeps spreadsheets from taking cells of CSV for formulas.
package cellguard

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cellEnds are the characters behind which a spreadsheet may begin a new cell or line,
// also inside of one of ours: it may expect cells separated by ; or TAB, as it does in
// most countries with a decimal comma, and then no quote stands where it looks for one.
const cellEnds = ";\t\n\r\v\f\u0085\u2028\u2029"

// formulaSigns begin a formula, in usual, full and small width.
const formulaSigns = "=+-@＝＋－＠﹦﹢﹣﹫−"

// Guard writes a cell so that no spreadsheet takes it, or a part of it that it may
// take for a cell, for a formula: with a ' before it, but for plain phone numbers. One
// that is a part gets it too: for a spreadsheet that divides cells otherwise, the part
// goes on with the cells behind it.
func Guard(cell string) string {
	return mapParts(cell, func(part string, formula bool) string {
		if formula && (part != cell || !plainPhone(part)) {
			return "'" + part
		}
		return part
	})
}

// Unguard takes off the ' that Guard writes. People write it too, before a phone number.
func Unguard(cell string) string {
	if !strings.Contains(cell, "'") {
		return cell
	}
	return mapParts(cell, func(part string, formula bool) string {
		if formula {
			return strings.TrimPrefix(part, "'")
		}
		return part
	})
}

// mapParts calls f with each part of a cell that a spreadsheet may take for a cell, and
// whether it is a formula but for the ' before it. A ' more or less changes neither the
// parts nor what is a formula, so that Unguard takes off what Guard writes and no more.
func mapParts(cell string, f func(part string, formula bool) string) string {
	var b strings.Builder
	for first := true; ; first = false {
		part, rest := cell, ""
		if end := strings.IndexAny(cell, cellEnds); end >= 0 {
			part, rest = cell[:end], cell[end:]
		}
		bare := strings.TrimLeft(part, "'")
		// A line break or TAB at the very beginning is skipped by some.
		formula := startsFormula(bare) || first && bare == "" && rest != "" && rest[0] != ';'
		b.WriteString(f(part, formula))
		if rest == "" {
			return b.String()
		}
		_, size := utf8.DecodeRuneInString(rest)
		b.WriteString(rest[:size])
		cell = rest[size:]
	}
}

// startsFormula reports whether a spreadsheet takes the text for a formula. Some skip
// blanks, characters that are not seen, and a quote that they take for that of the cell.
func startsFormula(text string) bool {
	for _, r := range text {
		if strings.ContainsRune(formulaSigns, r) {
			return true
		}
		if r != '"' && !unicode.IsSpace(r) && !unicode.In(r, unicode.C, unicode.Z) {
			return false
		}
	}
	return false
}

// plainPhone reports whether the text is + and digits, which any spreadsheet takes for a number.
func plainPhone(text string) bool {
	return len(text) > 1 && text[0] == '+' && strings.Trim(text[1:], "0123456789") == ""
}
