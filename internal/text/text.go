// Package text checks texts that come from outside and makes them fit for a line
// of a mail, of an error or of a log.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ForbiddenInLine reports whether r is a control character, a line or paragraph
// separator, or a character that turns the direction of text and so hides what
// is written. The joiners U+200C and U+200D are allowed: Persian needs them.
func ForbiddenInLine(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// ForbiddenInWord reports whether r is white space or ForbiddenInLine.
func ForbiddenInWord(r rune) bool { return unicode.IsSpace(r) || ForbiddenInLine(r) }

// Clip shortens s to about 60 characters, for error messages.
func Clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Quoted is a name from outside as part of a field's path: short, and with
// escapes in place of what could break a line of a log.
func Quoted(name string) string {
	name = Clip(name)
	if utf8.ValidString(name) && !strings.ContainsFunc(name, ForbiddenInLine) {
		return name
	}
	return strings.Trim(strconv.QuoteToASCII(name), `"`)
}

// maxLine is the longest text of a vendor that OneLine keeps, in bytes.
const maxLine = 2000

// OneLine makes a text of unknown origin safe in a line of a log: at most 2,000
// bytes, and with a blank in place of line breaks, control and direction
// characters.
func OneLine(s string) string {
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, ForbiddenInLine) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if ForbiddenInLine(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
