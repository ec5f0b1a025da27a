// Package phone tells phone numbers from what only looks like one.
package phone

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/postmux/postmux/internal/text"
)

const (
	fewest = 7
	most   = 15 // ITU-T E.164
)

// wanted is the form that errors name.
const wanted = `expected a phone number, "+" and 7 to 15 digits as in +375291234567`

var (
	// scientific is a number that a spreadsheet has shortened: 3.75291E+11.
	scientific = regexp.MustCompile(`^\+?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)
	// fraction is a whole number that a spreadsheet has written as a fraction.
	fraction = regexp.MustCompile(`^(\+?[0-9]{7,15})[.,]0+$`)
)

// Clean returns a phone number without what people and spreadsheets write around its
// digits: a + where there was one, and 7 to 15 digits, or up to 17 that begin with 00.
// why says what was changed; it is empty when number is s. A text that is no number, or
// whose digits may be incomplete, is an error that shows the form that is wanted; it shows
// s only where that consists of digits and signs.
func Clean(s string) (number, why string, err error) {
	digits, foreign := plain(s)
	switch {
	case strings.TrimSpace(digits) == "":
		return "", "", errors.New(wanted + ", got nothing")
	case scientific.MatchString(digits):
		return "", "", fmt.Errorf("%s, got %s: a spreadsheet has cut off its last digits", wanted, text.Clip(digits))
	case strings.Trim(digits, "+0123456789 ()-./,") != "":
		return "", "", errors.New(wanted + ", got other characters")
	}
	bad := func(what string) (string, string, error) {
		return "", "", fmt.Errorf("%s, got %q: %s", wanted, text.Clip(digits), what)
	}
	why = "the signs between its digits are left out"
	if parts := fraction.FindStringSubmatch(digits); parts != nil {
		digits, why = parts[1], "the fraction of zeros that a spreadsheet wrote is left out"
	}
	switch {
	case strings.Contains(digits, ","), strings.Count(digits, ".") == 1:
		return bad("it is a fraction")
	case strings.Contains(digits, "(0)"):
		return bad("whether its (0) is dialled is not certain")
	}
	number = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ()-./", r) {
			return -1
		}
		return r
	}, digits)
	bare := strings.TrimPrefix(number, "+")
	if number == bare {
		bare = strings.TrimPrefix(bare, "00")
	}
	switch {
	case strings.Contains(bare, "+"):
		return bad("a + stands first or not at all")
	case len(bare) < fewest:
		return bad(fmt.Sprintf("it has fewer than %d digits", fewest))
	case len(bare) > most:
		return bad(fmt.Sprintf("it has more than %d digits", most))
	}
	switch {
	case number == s:
		why = ""
	case foreign:
		why = "its digits are written as 0 to 9"
	}
	return number, why, nil
}

// plain is s with the digits 0 to 9 in place of Persian and Arabic ones, with one kind of
// blank and hyphen, and without the marks of direction that programs copy along and the '
// that spreadsheets want before a text. foreign reports whether a digit was replaced.
func plain(s string) (out string, foreign bool) {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '۰' && r <= '۹':
			foreign = true
			return '0' + r - '۰'
		case r >= '٠' && r <= '٩':
			foreign = true
			return '0' + r - '٠'
		case mark(r):
			return -1
		case r >= 0x2010 && r <= 0x2013 || r == 0x2212:
			return '-'
		case r == '\u00a0' || unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s)
	return strings.TrimPrefix(strings.Trim(s, " "), "'"), foreign
}

// mark reports whether r only says how the text around it runs. The overrides, which turn
// digits around, are none of these.
func mark(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r == 0xfeff ||
		r >= 0x202a && r <= 0x202c || r >= 0x2066 && r <= 0x2069
}
