package mailaddr

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/text"
)

const (
	maxEmail = 254 // bytes
	maxLocal = 64
	maxLabel = 63
)

// Check returns an error for anything but exactly one mail address: user@domain
// with a dot in the domain, at most 254 bytes, 64 before the @, no name, quotes,
// comments or address literals, no control, direction or invisible characters.
// Domains and local parts may be in any script. The error is plain text that quotes
// the address with escapes.
func Check(email string) error {
	at := strings.LastIndexByte(email, '@')
	if email == "" {
		return fmt.Errorf("expected one address like user@example.com, got nothing")
	}
	bad := func(why string) error {
		return fmt.Errorf(
			"expected one address like user@example.com, got %q: %s", text.Clip(email), why,
		)
	}
	if at <= 0 || at == len(email)-1 {
		return bad("it has no @ with text on both sides")
	}
	local, domain := email[:at], email[at+1:]
	switch {
	case len(email) > maxEmail:
		return bad("it is over 254 bytes")
	case len(local) > maxLocal:
		return bad("the part before the @ is over 64 bytes")
	case plainLocal(local):
		return checkDomain(domain, bad) // the usual case; the parser costs more than all other checks
	}
	if why := hidden(email); why != "" {
		return bad(why)
	}
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || parsed.Name != "" {
		return bad("it is not one plain address, without a name, quotes, a comment or a second one")
	}
	return checkDomain(domain, bad)
}

// plainLocal reports whether local is ASCII words with single dots between them.
func plainLocal(local string) bool {
	for i := range len(local) {
		c := local[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0:
		case c == '.' && i > 0 && i < len(local)-1 && local[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// plainDomain reports, in one pass, whether domain consists of labels of ASCII
// letters, digits and hyphens that checkLabel accepts.
func plainDomain(domain string) bool {
	start, dots, name := 0, 0, false // name: the label is more than a number
	for i := range len(domain) {
		c := domain[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			name = true
		case c >= '0' && c <= '9':
		case c == '-' && i > start && i+1 < len(domain) && domain[i+1] != '.':
			name = true
		case c == '.' && i > start && i-start <= maxLabel:
			start, name = i+1, false
			dots++
		default:
			return false
		}
	}
	return dots > 0 && name && len(domain)-start <= maxLabel
}

// otherDots are the characters besides the dot that IDNA reads as a dot.
var otherDots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// checkDomain checks the form of a domain. Wire checks by IDNA whether letters
// beyond ASCII form a valid name.
func checkDomain(domain string, bad func(string) error) error {
	if plainDomain(domain) {
		return nil
	}
	if beyondASCII(domain) {
		if why := hidden(domain); why != "" {
			return bad(why)
		}
		domain = otherDots.Replace(domain)
	}
	if strings.IndexByte(domain, '.') < 0 {
		return bad("the domain has no dot")
	}
	for rest, more := domain, true; more; {
		var label string
		label, rest, more = strings.Cut(rest, ".")
		if why := checkLabel(label, !more); why != "" {
			return bad(why)
		}
	}
	return nil
}

// checkLabel returns the problem of a label of a domain, or "".
func checkLabel(label string, last bool) string {
	if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
		return "a part of the domain is empty, or begins or ends with -"
	}
	ascii, digits := true, true
	for i := range len(label) {
		c := label[i]
		switch {
		case c >= '0' && c <= '9':
			continue
		case c >= utf8.RuneSelf:
			ascii = false
		case c <= ' ' || c == 0x7f:
			return "it holds a space, control or direction character"
		case c != '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'):
			return "the domain holds a character that no domain has"
		}
		digits = false
	}
	switch {
	case ascii && len(label) > maxLabel: // in another script the length on the wire counts
		return "a part of the domain is over 63 bytes"
	case last && digits:
		return "the domain ends in a number, as an address of a computer does"
	}
	return ""
}

func beyondASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// hidden describes the first invisible or direction character in s; "" when there
// is none.
func hidden(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "it is not UTF-8"
	case strings.ContainsFunc(s, text.ForbiddenInWord):
		return "it holds a space, control or direction character"
	case strings.ContainsFunc(s, invisible):
		return "it holds an invisible character"
	}
	return ""
}

// invisible reports whether r has no visible form; the joiners U+200C and U+200D,
// which change the form of letters next to them, do not count.
func invisible(r rune) bool {
	if r < 0xad || r == 0x200c || r == 0x200d {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
