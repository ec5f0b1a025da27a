// Package mailaddr checks mail addresses and returns them in the form for requests
// and in the form for comparing.
package mailaddr

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// profile is the look-up profile of IDNA with a length check, which it lacks: a
// label of 64 bytes would pass.
var profile = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.ValidateLabels(true), idna.VerifyDNSLength(true),
)

// Wire returns email in the form for requests: its domain in ASCII (IDNA), its
// local part unchanged. The error does not name a field. A local part that is not
// ASCII needs a provider with SMTPUTF8; no provider documents that, so it is
// refused.
func Wire(email string) (string, error) {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return "", errors.New("expected one address like user@example.com")
	}
	local, domain := email[:at], email[at+1:]
	if !ASCII(local) {
		return "", errors.New(
			"the part before the @ has letters beyond ASCII, which the provider does not document to carry",
		)
	}
	if ASCII(domain) && !hasACE(domain) {
		return email, nil
	}
	wire, err := profile.ToASCII(domain)
	if err != nil {
		return "", errors.New("the domain is no valid international name")
	}
	wire = local + "@" + wire
	if err := Check(wire); err != nil { // the ASCII form may be longer
		return "", fmt.Errorf("in the form of the wire: %w", err)
	}
	return wire, nil
}

// Key returns the form in which two spellings of an address are equal: NFC,
// domain in ASCII, lower case.
func Key(email string) string {
	email = strings.TrimSpace(email)
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return strings.ToLower(norm.NFC.String(email))
	}
	domain := email[at+1:]
	if ASCII(email) && !hasACE(domain) { // usual, and for such names all of below is this
		return strings.ToLower(email)
	}
	if wire, err := profile.ToASCII(domain); err == nil {
		domain = wire
	}
	// In lower case a letter may be composed otherwise, so NFC comes again.
	return norm.NFC.String(strings.ToLower(norm.NFC.String(email[:at]) + "@" + domain))
}

// Readable returns email with an international domain in letters, as people write it.
// What is no such domain stays as it is.
func Readable(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 || !hasACE(email[at+1:]) {
		return email
	}
	domain, err := profile.ToUnicode(email[at+1:])
	if err != nil {
		return email
	}
	return email[:at+1] + domain
}

// Name returns a display name in NFC. Joiners stay: Persian needs them.
func Name(name string) string { return norm.NFC.String(name) }

// FileName returns the name of a file in NFC and without quotes, which would end it in a
// header; quotes tells whether there were any.
func FileName(name string) (plain string, quotes bool) {
	return strings.ReplaceAll(Name(name), `"`, "'"), strings.Contains(name, `"`)
}

// ASCII reports whether s has no letter beyond ASCII.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// hasACE reports whether a label of domain has the prefix of an international name.
func hasACE(domain string) bool {
	for i := 0; i+4 <= len(domain); i++ {
		if domain[i]|0x20 == 'x' && domain[i+1]|0x20 == 'n' && domain[i+2] == '-' && domain[i+3] == '-' && (i == 0 || domain[i-1] == '.') {
			return true
		}
	}
	return false
}
