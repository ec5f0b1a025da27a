package provider

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/postmux/postmux/internal/mailaddr"
)

// Address is a mail address and the name shown with it.
type Address struct {
	Email string `json:"email"` // user@domain, see CheckEmail
	Name  string `json:"name,omitempty"`
}

// ParseAddress reads exactly one address, "anna@example.com" or
// "Anna <anna@example.com>". The name may hold commas and any script, in quotes
// or not. The error is an *Error of kind ErrInvalid whose Field is "email".
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	open := strings.LastIndexByte(s, '<')
	if open < 0 || !strings.HasSuffix(s, ">") {
		return Address{Email: s}, CheckEmail(s)
	}
	a := Address{Email: strings.TrimSpace(s[open+1 : len(s)-1]), Name: strings.TrimSpace(s[:open])}
	if strings.HasPrefix(a.Name, `"`) || strings.HasPrefix(a.Name, "=?") {
		if parsed, err := mail.ParseAddress(s); err == nil {
			a.Name = parsed.Name
		}
	}
	return a, CheckEmail(a.Email)
}

// UnmarshalText reads the short form, see ParseAddress.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := ParseAddress(string(text))
	if e, ok := errors.AsType[*Error](err); ok {
		return errors.New(e.Message)
	}
	*a = parsed
	return nil
}

// UnmarshalJSON reads an address as a text, "Anna <anna@example.com>", or as an object.
func (a *Address) UnmarshalJSON(data []byte) error {
	type plain Address
	return shortOr(data, a, (*plain)(a))
}

// shortOr reads a JSON text by the short form, and anything else into long.
func shortOr(data []byte, short encoding.TextUnmarshaler, long any) error {
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, long)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return short.UnmarshalText([]byte(text))
}

// CheckEmail returns an error for anything but exactly one mail address:
// user@domain with a dot in the domain, at most 254 bytes, 64 before the @, no
// name, quotes, comments or address literals, no control, direction or invisible
// characters. Domains and local parts may be in any script. The error is an *Error
// of kind ErrInvalid that quotes the address with escapes; its Field is "email".
func CheckEmail(email string) error { return checkEmail("email", email) }

// EmailKey returns the form in which two spellings of one address are equal:
// lower case throughout, the domain in ASCII (IDNA), letters in NFC. It is for
// comparing and for the keys of stores, never for a message. The form is frozen:
// no later version returns another one for the same address. The error is that of
// CheckEmail; what is no address has no key.
func EmailKey(email string) (string, error) {
	if err := CheckEmail(email); err != nil {
		return "", err
	}
	return mailaddr.Key(email), nil
}

func checkEmail(field, email string) error {
	if err := mailaddr.Check(email); err != nil {
		return Invalid(field, "%s", err.Error())
	}
	return nil
}

// checkAddress checks an address of a list, or of a single field when index is
// -1. The path is put together only for an error: this runs for every recipient.
func checkAddress(field string, index int, a Address) error {
	err := checkEmail(".email", a.Email)
	if err == nil {
		err = checkProse(".name", a.Name)
	}
	if err == nil {
		return nil
	}
	if index >= 0 {
		field = fmt.Sprintf("%s[%d]", field, index)
	}
	return atField(field, err)
}

func checkAddresses(name string, list []Address) error {
	for i, a := range list {
		if err := checkAddress(name, i, a); err != nil {
			return err
		}
	}
	return nil
}

// sameAddress reports whether a and b are two spellings of one address.
func sameAddress(a, b string) bool { return mailaddr.Key(a) == mailaddr.Key(b) }
