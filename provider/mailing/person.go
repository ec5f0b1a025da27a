package mailing

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// person is what a template sees of a contact.
type person struct {
	contact     *provider.Contact
	unsubscribe string
	inHTML      bool // the value goes into HTML that the provider makes
	notes       []provider.Note
}

// Email is the address.
func (p *person) Email() string { return p.clean("email", p.contact.Email) }

// FirstName is the first name, "" when there is none.
func (p *person) FirstName() string { return p.clean("first_name", p.contact.FirstName) }

// LastName is the last name, "" when there is none.
func (p *person) LastName() string { return p.clean("last_name", p.contact.LastName) }

// Phone is the phone, "" when there is none.
func (p *person) Phone() string { return p.clean("phone", p.contact.Phone) }

// ExternalID is the program's own id, "" when there is none.
func (p *person) ExternalID() string { return p.clean("external_id", p.contact.ExternalID) }

// UnsubscribeURL is the link to unsubscribe, or the mailto URL without one.
func (p *person) UnsubscribeURL() string { return p.unsubscribe }

// Field is a further field: a text, true or false, or a list of texts; "" when there is none.
// A number is the text of its digits.
func (p *person) Field(name string) any {
	field := "fields." + name
	switch v := p.contact.Fields[name].(type) {
	case nil:
		return ""
	case bool:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		return p.list(field, len(v), func(i int) any { return v[i] })
	case []any:
		return p.list(field, len(v), func(i int) any { return v[i] })
	default:
		return p.clean(field, fmt.Sprint(v))
	}
}

// texts is a field with several values; it prints them with commas between.
type texts []string

func (t texts) String() string { return strings.Join(t, ", ") }

func (p *person) list(field string, n int, at func(int) any) texts {
	out := make(texts, n)
	for i := range out {
		out[i] = p.clean(field, fmt.Sprint(at(i)))
	}
	return out
}

// inTemplates replaces what providers take for the beginning of a template of their own: each
// brace by itself, because two values may stand side by side.
var inTemplates = strings.NewReplacer("{", "(", "}", ")")

// inHTML replaces what begins a tag or ends an attribute. Whether a provider escapes the
// variables of its templates is not documented.
var inHTML = strings.NewReplacer("<", "‹", ">", "›", `"`, "”")

// clean makes a value that changes nothing but its own place in the mail.
func (p *person) clean(field, value string) string {
	line := strings.Map(func(r rune) rune {
		if text.ForbiddenInLine(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	line = inTemplates.Replace(strings.TrimSpace(line))
	if p.inHTML {
		line = inHTML.Replace(line)
	}
	if line != strings.TrimSpace(value) {
		p.note(field)
	}
	return line
}

func (p *person) note(field string) {
	for _, n := range p.notes {
		if n.Field == field {
			return
		}
	}
	p.notes = append(p.notes, provider.Note{
		Field: field, Action: provider.NoteConverted,
		Why: "the contact's value holds line breaks, braces or signs of HTML, which could change the mail: they are replaced",
	})
}
