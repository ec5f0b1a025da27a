package sendinblue

import (
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Draft collects the notes about a mail while it is converted, and keeps the
// first error.
type Draft struct {
	Notes []provider.Note
	Err   error
}

// Fail keeps err if it is the first.
func (d *Draft) Fail(err error) {
	if d.Err == nil {
		d.Err = err
	}
}

// Address returns a in the form of the wire; name is nil when there is none.
func (d *Draft) Address(field string, a provider.Address) (email string, name *string) {
	email, err := mailaddr.Wire(field+".email", a.Email)
	d.Fail(err)
	text, notes := Name(field+".name", mailaddr.Name(a.Name))
	d.Notes = append(d.Notes, notes...)
	return email, Text(text)
}

// Text is a pointer to s, nil when s is empty.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
