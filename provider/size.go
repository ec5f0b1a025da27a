package provider

import "unsafe"

// addressees counts the recipients of m.
func (m *Message) addressees() int {
	return len(m.To) + len(m.Cc) + len(m.Bcc) + len(m.Recipients)
}

// addressSize is about how long an address is with its name.
const addressSize = 64

// entrySize is about what an entry of a small map or list takes.
const entrySize = 64

// size is about how much memory m holds.
func (m *Message) size() int { return size(messageFields, m) }

// sharedWith is how much of m's memory other holds too: a newsletter has one text
// and one file for all, and each message points to them.
func (m *Message) sharedWith(other *Message) int {
	n := 0
	for _, body := range [][2]string{{m.HTML, other.HTML}, {m.Text, other.Text}} {
		if len(body[0]) == len(body[1]) && unsafe.StringData(body[0]) == unsafe.StringData(body[1]) {
			n += len(body[0])
		}
	}
	for i, a := range m.Attachments[:min(len(m.Attachments), len(other.Attachments))] {
		if b := other.Attachments[i]; len(a.Content) == len(b.Content) && unsafe.SliceData(a.Content) == unsafe.SliceData(b.Content) {
			n += len(a.Content)
		}
	}
	return n
}

// sizeOf is about how much memory a JSON value holds.
func sizeOf(v any) int { return sizeAt(v, maxDepth) }

func sizeAt(v any, depth int) int {
	const word = 16
	n := word
	if depth == 0 {
		return n // holds itself, or is refused for its depth
	}
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, x := range v {
			n += sizeAt(x, depth-1)
		}
	case map[string]any:
		for k, x := range v {
			n += word + len(k) + sizeAt(x, depth-1)
		}
	}
	return n
}
