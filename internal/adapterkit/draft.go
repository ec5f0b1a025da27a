package adapterkit

import "github.com/postmux/postmux/provider"

// Draft collects the notes about a message while it is converted, and keeps the
// first error. The zero value is ready for use.
type Draft struct {
	Notes []provider.Note
	Err   error
}

// Fail keeps err if it is the first error.
func (d *Draft) Fail(err error) {
	if d.Err == nil {
		d.Err = err
	}
}

// Note adds a note about the field.
func (d *Draft) Note(field string, action provider.NoteAction, why string) {
	d.Notes = append(d.Notes, provider.Note{Field: field, Action: action, Why: why})
}

// Email returns email as it goes out in a request. It fails with an error about the
// field when it cannot.
func (d *Draft) Email(field, email string) string {
	wire, err := Wire(field, email)
	d.Fail(err)
	return wire
}
