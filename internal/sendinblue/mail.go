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

// FileNames adds warnings about the names of files that the vendor garbles.
func (d *Draft) FileNames(m *provider.Message) {
	for i, a := range m.Attachments {
		if !mailaddr.ASCII(a.Name) {
			d.Note(fmt.Sprintf("attachments[%d].name", i), provider.NoteWarning, "the provider is known to garble file names beyond ASCII")
		}
	}
}

// EventState is the state that an event of the vendor's log stands for; ok is
// false for events that say nothing about the mail's way.
func EventState(event string) (provider.State, bool) {
	s, ok := eventStates[strings.ToLower(event)]
	return s, ok
}

var eventStates = map[string]provider.State{
	"request": provider.StateQueued, "requests": provider.StateQueued, "sent": provider.StateQueued,
	"deferred":  provider.StateDeferred,
	"delivered": provider.StateDelivered,
	"opened":    provider.StateOpened, "uniqueopened": provider.StateOpened, "loadedbyproxy": provider.StateOpened,
	"clicks": provider.StateClicked, "click": provider.StateClicked,
	"bounces": provider.StateBounced, "hardbounces": provider.StateBounced, "softbounces": provider.StateBounced,
	"hardbounce": provider.StateBounced, "softbounce": provider.StateBounced,
	"blocked": provider.StateRejected, "invalid": provider.StateRejected,
	"error": provider.StateFailed,
	"spam":  provider.StateComplained,
}
