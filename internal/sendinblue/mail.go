package sendinblue

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// metadataHeader comes back in the vendor's events; recipients can see it.
const metadataHeader = "X-Mailin-custom"

// Name brings a display name past a fault of the vendor: a name with both a
// letter beyond ASCII and a comma is lost unless it is an encoded word.
func Name(name string) (wire string, encoded bool) {
	if mailaddr.ASCII(name) || !strings.Contains(name, ",") {
		return name, false
	}
	return mime.BEncoding.Encode("utf-8", name), true
}

// Headers returns the custom headers of a mail: m's own, and its metadata as JSON.
// The vendor sends bytes beyond ASCII raw, so values are encoded words and JSON
// has escapes.
func (d *Draft) Headers(m *provider.Message) map[string]string {
	if len(m.Headers) == 0 && len(m.Metadata) == 0 {
		return nil
	}
	out := make(map[string]string, len(m.Headers)+1)
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		value := m.Headers[name]
		switch strings.ToLower(name) {
		case "x-sib-sandbox", "sender.ip":
			d.Fail(provider.Invalid("headers."+name, "this name is a command to the provider, not a header of the mail"))
		case "x-mailin-tag":
			d.Fail(provider.Invalid("headers."+name, "the provider reads this name as a tag: expected it in tags"))
		}
		if !mailaddr.ASCII(value) {
			value = mime.BEncoding.Encode("utf-8", value)
			d.Note("headers."+name, provider.NoteConverted, "letters beyond ASCII are encoded (RFC 2047): the provider would send them raw")
		}
		out[name] = value
	}
	if len(m.Metadata) > 0 {
		text, err := asciiJSON(m.Metadata)
		if err != nil {
			d.Fail(provider.Invalid("metadata", "cannot be written as JSON: %v", err))
		}
		out[metadataHeader] = text
	}
	return out
}

// asciiJSON is v as JSON of ASCII characters only.
func asciiJSON(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range string(data) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String(), nil
}

// Placeholders are the notes about {{ … }} in a mail: the vendor fills them in outside of
// templates too, and what it does not know vanishes. It knows the variables of the message
// by {{ params.NAME }}, and names of its own, as contact.FIRSTNAME.
func Placeholders(m *provider.Message) []provider.Note {
	if !m.Template.IsZero() {
		return nil
	}
	var notes []provider.Note
	look := func(field string, names []string, variables map[string]any) {
		if slices.ContainsFunc(notes, func(n provider.Note) bool { return n.Field == field }) {
			return
		}
		if why := lost(names, variables); why != "" {
			notes = append(notes, provider.Note{Field: field, Action: provider.NoteWarning, Why: why})
		}
	}
	subject, html, text := placeholders(m.Subject), placeholders(m.HTML), placeholders(m.Text)
	if len(m.Recipients) == 0 {
		look("subject", subject, m.Variables)
		look("html", html, m.Variables)
		look("text", text, m.Variables)
	}
	for i, r := range m.Recipients {
		variables := r.Resolved(m).Variables
		look("subject", subject, variables)
		look("html", html, variables)
		look("text", text, variables)
		look(fmt.Sprintf("recipients[%d].subject", i), placeholders(r.Subject), variables)
		look(fmt.Sprintf("recipients[%d].html", i), placeholders(r.HTML), variables)
		look(fmt.Sprintf("recipients[%d].text", i), placeholders(r.Text), variables)
	}
	return notes
}

// oneName is a placeholder without filters or parts.
var oneName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// placeholders are the texts between {{ and }}.
func placeholders(text string) []string {
	var out []string
	for {
		_, rest, open := strings.Cut(text, "{{")
		name, after, ended := strings.Cut(rest, "}}")
		if !open || !ended {
			return out
		}
		out = append(out, strings.TrimSpace(name))
		text = after
	}
}

// lost says what becomes of placeholders that the vendor does not fill with variables;
// empty when it fills all of them, as far as can be told.
func lost(names []string, variables map[string]any) string {
	for _, name := range names {
		param, isParam := strings.CutPrefix(name, "params.")
		_, given := variables[param]
		switch {
		case len(variables) == 0:
			return "it holds {{ }}, which the provider fills in, and the message has no variables: what it does not know vanishes"
		case isParam && oneName.MatchString(param) && !given:
			return fmt.Sprintf("it holds {{ %s }}, and the message has no variable %s: what the provider does not know vanishes", name, param)
		case !isParam && oneName.MatchString(name) && given:
			return fmt.Sprintf("it holds {{ %s }}, and the provider calls the variable {{ params.%s }}: what it does not know vanishes", name, name)
		}
	}
	return ""
}

// FileNames adds warnings about the names of files that the vendor garbles.
func (d *Draft) FileNames(m *provider.Message) {
	for i, a := range m.Attachments {
		if !mailaddr.ASCII(a.Name) {
			d.Note(fmt.Sprintf("attachments[%d].name", i), provider.NoteWarning, "the provider is known to garble file names beyond ASCII")
		}
	}
}
