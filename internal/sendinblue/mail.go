package sendinblue

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
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

// Placeholders are the notes about {{ … }} in a mail without variables: the vendor fills
// them in outside of templates too, so what stands there vanishes. Only names of the
// vendor's own, as contact.FIRSTNAME, have a value then.
func Placeholders(m *provider.Message) []provider.Note {
	if len(m.Variables) > 0 || !m.Template.IsZero() {
		return nil
	}
	var notes []provider.Note
	look := func(field, text string) {
		if _, after, ok := strings.Cut(text, "{{"); ok && strings.Contains(after, "}}") {
			notes = append(notes, provider.Note{
				Field: field, Action: provider.NoteWarning,
				Why: "it holds {{ }}, which the provider fills in, and the message has no variables: what it does not know vanishes",
			})
		}
	}
	bare := func(r provider.Recipient) bool { return len(r.Variables) == 0 }
	if len(m.Recipients) == 0 || slices.ContainsFunc(m.Recipients, bare) {
		look("subject", m.Subject)
		look("html", m.HTML)
		look("text", m.Text)
	}
	for i, r := range m.Recipients {
		if !bare(r) {
			continue
		}
		look(fmt.Sprintf("recipients[%d].subject", i), r.Subject)
		look(fmt.Sprintf("recipients[%d].html", i), r.HTML)
		look(fmt.Sprintf("recipients[%d].text", i), r.Text)
	}
	return notes
}

// FileNames adds warnings about the names of files that the vendor garbles.
func (d *Draft) FileNames(m *provider.Message) {
	for i, a := range m.Attachments {
		if !mailaddr.ASCII(a.Name) {
			d.Note(fmt.Sprintf("attachments[%d].name", i), provider.NoteWarning, "the provider is known to garble file names beyond ASCII")
		}
	}
}
