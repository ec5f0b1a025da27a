package sendinblue

import (
	"fmt"

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

// NoIndex is the index of a field that is no list.
const NoIndex = -1

// Address returns a in the form of the wire; name is nil when there is none.
// The path of the field is put together only when there is something to tell:
// this runs for every recipient.
func (d *Draft) Address(field string, index int, a provider.Address) (email string, name *string) {
	email, err := mailaddr.Wire(a.Email)
	if err != nil {
		d.Fail(provider.Invalid(place(field, index)+".email", "%s", err.Error()))
	}
	text, encoded := Name(mailaddr.Name(a.Name))
	if encoded {
		d.Notes = append(d.Notes, provider.Note{
			Field: place(field, index) + ".name", Action: "converted",
			Why: "a name with a comma and letters beyond ASCII is lost by the provider unless it is encoded (RFC 2047)",
		})
	}
	return email, Text(text)
}

func place(field string, index int) string {
	if index == NoIndex {
		return field
	}
	return fmt.Sprintf("%s[%d]", field, index)
}

// Text is a pointer to s, nil when s is empty.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
