package provider

import (
	"strings"
	"unicode/utf8"
)

// maxWords is the longest text of a vendor that an error shows, in bytes.
const maxWords = 2000

// oneLine makes text of unknown origin harmless in a line of a log: short, and
// with a blank in place of line breaks, controls and direction characters.
func oneLine(text string) string {
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	if utf8.ValidString(text) && !strings.ContainsFunc(text, forbiddenInLine) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if forbiddenInLine(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
