// Package adapterkit holds what the adapters share and what names no generated
// type.
package adapterkit

import (
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
