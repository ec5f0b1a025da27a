package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Indexed is v with the key index put first, for lines of a stream.
func Indexed(i int, v any) json.RawMessage {
	data, err := Marshal(v)
	if err != nil || len(data) < 2 || data[0] != '{' {
		data = fmt.Appendf(nil, `{"value":%s}`, data)
	}
	return head(fmt.Appendf(nil, `{"index":%d`, i), data)
}

// Lined is Indexed for items of an input, with the line at which the item begins.
func Lined(i, line int, v any) json.RawMessage {
	data := Indexed(i, v)
	prefix := fmt.Appendf(nil, `{"index":%d`, i)
	rest := bytes.TrimPrefix(bytes.TrimPrefix(data, prefix), []byte(","))
	return head(fmt.Appendf(nil, `{"index":%d,"line":%d`, i, line), append([]byte("{"), rest...))
}

// head puts the beginning of an object before the members of data.
func head(head, data []byte) json.RawMessage {
	if len(data) > len("{}") {
		head = append(head, ',')
	}
	return append(head, data[1:]...)
}

// Marshal returns v as one line of JSON, with < > & as they are.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return harmless(bytes.TrimSpace(b.Bytes())), err
}

// harmless escapes the characters in JSON that encoding/json leaves as they are and that
// a terminal may obey. They stand in texts only, where an escape means the same.
func harmless(data []byte) []byte {
	if !bytes.ContainsFunc(data, escapes) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for _, r := range string(data) {
		if escapes(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// escapes reports whether r is escaped in JSON. White space of the document is not.
func escapes(r rune) bool { return r != '\n' && text.Unprintable(r) }

// Printable makes text from a provider harmless for a terminal: no control
// sequence, no line break, nothing that turns the direction of the line.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029:
			return ' '
		case text.Unprintable(r), r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}

// NoteText returns a note as one text.
func NoteText(n provider.Note) string { return n.Field + " " + string(n.Action) + ": " + n.Why }

// NoteTexts returns notes as one text; empty without any.
func NoteTexts(notes []provider.Note) string {
	texts := make([]string, len(notes))
	for i, n := range notes {
		texts[i] = NoteText(n)
	}
	return strings.Join(texts, "; ")
}

// Plural returns n with the word for one, or for many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
