// Package text checks texts from outside and prepares them for a line of a mail, of
// an error or of a log.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ForbiddenInLine reports whether r is a control character, a line or paragraph
// separator, or a character that changes the direction of text and can hide a part
// of it. The joiners U+200C and U+200D are allowed: Persian needs them.
func ForbiddenInLine(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// ForbiddenInProse reports whether a subject or a name holds a character that is
// ForbiddenInLine. Isolates (U+2066 to U+2068 with the U+2069 that ends each) are
// allowed where every one of them is ended: Persian and Arabic texts need them around
// names and numbers, and the text behind them runs as before.
func ForbiddenInProse(s string) bool {
	open := 0
	for _, r := range s {
		switch {
		case r >= 0x2066 && r <= 0x2068:
			open++
		case r == 0x2069 && open > 0:
			open--
		case ForbiddenInLine(r):
			return true
		}
	}
	return open > 0
}

// Unprintable reports whether r must not be written to a terminal or a log as it is:
// ForbiddenInLine, and the marks of direction, which a line of a mail may have: Persian
// and Arabic texts need them, and a log does not.
func Unprintable(r rune) bool {
	return ForbiddenInLine(r) || r == 0x061c || r == 0x200e || r == 0x200f
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

// NoKey is Clip for a name or a value of a configuration, in an error about it: what may
// be a key that stands in the wrong place is cut to its first bytes. That is a word of 20
// or more bytes with digits, or with letters in both cases.
func NoKey(s string) string {
	const least, shown = 20, 8
	mixed := strings.ContainsAny(s, "0123456789") || strings.ToLower(s) != s && strings.ToUpper(s) != s
	if len(s) < least || strings.Contains(s, " ") || !mixed {
		return Clip(s)
	}
	return strings.ToValidUTF8(s[:shown], "") + "…"
}

// NoKeyInPath is NoKey for each part of the path of a field.
func NoKeyInPath(path string) string {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		parts[i] = NoKey(part)
	}
	return strings.Join(parts, ".")
}

// Quoted returns a name from outside as part of a field's path: short, and with
// characters escaped that could break a line of a log.
func Quoted(name string) string {
	name = Clip(name)
	if printable(name) {
		return name
	}
	return strings.Trim(strconv.QuoteToASCII(name), `"`)
}

// maxLine is the longest text of a vendor that OneLine keeps, in bytes.
const maxLine = 2000

// OneLine returns a text of unknown origin in a form that is safe for a line of a
// log: at most 2,000 bytes, with a space in place of line breaks, control and
// direction characters.
func OneLine(s string) string {
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return Printable(s)
}

// Printable is OneLine at any length.
func Printable(s string) string {
	if printable(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if Unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// PrintableLines is Printable for each line of s.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

func printable(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, Unprintable) }

// Age returns how long ago something was, in days from two days on, else in seconds.
func Age(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days ago", d/(24*time.Hour))
	}
	return d.Round(time.Second).String() + " ago"
}

// Because returns what, and why behind a colon unless it is empty: a provider may refuse
// without a word.
func Because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}
