// Package adapterkit holds what the adapters share and what names no generated
// type.
package adapterkit

import (
	"slices"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Wire returns email as it goes out in a request. field names it in the error.
func Wire(field, email string) (string, error) {
	wire, err := mailaddr.Wire(email)
	if err != nil {
		return "", provider.Invalid(field, "%s", err.Error())
	}
	return wire, nil
}

// Wires returns emails as they go out in requests, or the error of the first that
// cannot.
func Wires(emails []string) ([]string, error) {
	out := slices.Clone(emails)
	for i, email := range emails {
		var err error
		if out[i], err = Wire("email", email); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Text returns a pointer to s, nil when s is empty.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
