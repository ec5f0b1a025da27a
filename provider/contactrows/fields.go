package contactrows

import (
	"strings"

	"github.com/postmux/postmux/provider"
)

// OwnField is a text that a contact has beside its address and its further fields.
type OwnField struct {
	Name, Usage string // in files, and of the flag
	Of          func(*provider.Contact) string
	In          func(*provider.ContactChange) *provider.Change[string]
}

// OwnFields are the texts of a contact that have a column and a flag of their own, in the
// order of the columns.
var OwnFields = []OwnField{
	{
		"phone", "phone `NUMBER`",
		func(c *provider.Contact) string { return c.Phone },
		func(c *provider.ContactChange) *provider.Change[string] { return &c.Phone },
	},
	{
		"external_id", "your own `ID` of the contact",
		func(c *provider.Contact) string { return c.ExternalID },
		func(c *provider.ContactChange) *provider.Change[string] { return &c.ExternalID },
	},
	{
		"first_name", "first `NAME`",
		func(c *provider.Contact) string { return c.FirstName },
		func(c *provider.ContactChange) *provider.Change[string] { return &c.FirstName },
	},
	{
		"last_name", "last `NAME`",
		func(c *provider.Contact) string { return c.LastName },
		func(c *provider.ContactChange) *provider.Change[string] { return &c.LastName },
	},
}

// Flag is the name of the field on the command line.
func (f OwnField) Flag() string { return strings.ReplaceAll(f.Name, "_", "-") }

// OwnNames returns the names of OwnFields, in their order.
func OwnNames() []string {
	names := make([]string, len(OwnFields))
	for i, f := range OwnFields {
		names[i] = f.Name
	}
	return names
}

// OwnFieldIn is the field of c with this name; nil when none is called so.
func OwnFieldIn(c *provider.ContactChange, name string) *provider.Change[string] {
	for _, f := range OwnFields {
		if f.Name == name {
			return f.In(c)
		}
	}
	return nil
}

// RefOf returns the reference that a text names: a bare word is an alias, id:4 a literal id.
// It is zero when the text names nothing.
func RefOf(text string) provider.Ref {
	var ref provider.Ref
	_ = ref.UnmarshalText([]byte(text)) // leaves it zero
	return ref
}
