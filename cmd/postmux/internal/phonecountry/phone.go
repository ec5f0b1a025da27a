// Package phonecountry writes phone numbers of a country with its country code. The rules of
// each country are those of Google's libphonenumber; the table is made of them, so that the
// tool needs neither the library nor its start.
package phonecountry

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// country has the rules for numbers as people of a country write them.
type country struct {
	code      int    // of the country: 375
	main      bool   // of the countries with that code
	abroad    string // what is dialled before the code of another country
	trunk     string // what is dialled before a number of the country, as an expression
	transform string // what a number with a trunk prefix becomes, where that is not cut off
	number    string // expression of the numbers that are there
	lengths   []int  // of numbers, without the trunk prefix
	local     []int  // lengths of numbers that are dialled in their region alone
}

// rules are a country's, ready for use.
type rules struct {
	country
	abroad, trunk, number *regexp.Regexp
}

func ready(c country) *rules {
	anchored := func(text string) *regexp.Regexp { return regexp.MustCompile("^(?:" + text + ")") }
	r := &rules{country: c, abroad: anchored(c.abroad), number: regexp.MustCompile("^(?:" + c.number + ")$")}
	if c.trunk != "" {
		r.trunk = anchored(c.trunk)
	}
	return r
}

// Known reports whether a country, named as BY or IR, is in the table.
func Known(name string) bool {
	_, ok := countries[name]
	return ok
}

// Of returns a function, for one goroutine, that writes numbers of a country, named as BY or IR, with + and
// its code. A number that begins with + stays as it is, and so does a text with letters:
// whoever stores it says what is wrong. nil means that the country is not known.
func Of(name string) func(string) (string, error) {
	c, ok := countries[name]
	if !ok {
		return nil
	}
	own, mains := ready(c), make(mains)
	whole := mains.of(c.code)
	return func(text string) (string, error) {
		if strings.ContainsFunc(text, unicode.IsLetter) || strings.ContainsAny(text, "+＋") {
			return text, nil
		}
		number := digitsOf(text)
		r, lengths := own, whole
		if at := own.abroad.FindStringIndex(number); at != nil && at[1] < len(number) && number[at[1]] != '0' {
			number, r = mains.divide(number[at[1]:])
			lengths = r
		} else if rest, ok := own.withoutCode(number); ok {
			number, r = rest, whole
		}
		if r == nil {
			return "", fmt.Errorf("expected a phone number of %s or with a country code, got one of a code that is not known", name)
		}
		if rest := r.withoutTrunk(number); r.length(rest) >= possible {
			number = rest
		}
		if lengths.length(number) != possible {
			return "", fmt.Errorf("expected a phone number of %s or with a country code, got one of another length", name)
		}
		return "+" + strconv.Itoa(r.code) + number, nil
	}
}

// mains are the rules of countries by their code, as far as they were needed: of several
// with one code those of the one that stands for all.
type mains map[int]*rules

// of returns nil for a code that is none.
func (m mains) of(code int) *rules {
	r, ok := m[code]
	if !ok {
		for _, c := range countries {
			if c.code == code && c.main {
				r = ready(c)
			}
		}
		m[code] = r
	}
	return r
}

// divide takes the code of a country off digits.
func (m mains) divide(digits string) (number string, r *rules) {
	for n := 1; n <= min(3, len(digits)); n++ { // no code is the beginning of another
		code, _ := strconv.Atoi(digits[:n])
		if r := m.of(code); r != nil {
			return digits[n:], r
		}
	}
	return digits, nil
}

// digitsOf are the digits of a text, as 0 to 9.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range "0٠۰０" {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return -1
	}, text)
}

// withoutCode takes the code of the country off digits that are no number of the country with
// it, but are one without.
func (r *rules) withoutCode(digits string) (string, bool) {
	rest, ok := strings.CutPrefix(digits, strconv.Itoa(r.code))
	if !ok {
		return digits, false
	}
	rest = r.withoutTrunk(rest)
	if !r.number.MatchString(digits) && r.number.MatchString(rest) || r.length(digits) == tooLong {
		return rest, true
	}
	return digits, false
}

// withoutTrunk takes the trunk prefix off digits, unless they are a number with it and none
// without.
func (r *rules) withoutTrunk(digits string) string {
	if r.trunk == nil {
		return digits
	}
	at := r.trunk.FindStringSubmatchIndex(digits)
	if at == nil {
		return digits
	}
	rest := digits[at[1]:]
	if r.transform != "" && at[len(at)-2] >= 0 {
		rest = r.trunk.ReplaceAllString(digits, r.transform)
	}
	if r.number.MatchString(digits) && !r.number.MatchString(rest) {
		return digits
	}
	return rest
}

// How the length of a number stands to those of its country.
const (
	wrong = iota // too short, or between
	possible
	tooLong
)

func (r *rules) length(number string) int {
	switch n := len(number); {
	case slices.Contains(r.local, n):
		return wrong
	case slices.Contains(r.lengths, n):
		return possible
	case n > r.lengths[len(r.lengths)-1]:
		return tooLong
	}
	return wrong
}
