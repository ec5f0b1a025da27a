package fastpath

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Reader reads JSON of which the shape is known, in one pass. Whatever it does not
// expect makes it bad: then nothing that it has read counts, and the caller leaves
// the answer to encoding/json.
type Reader struct {
	b   []byte
	s   string // b once more, of which texts are parts; empty when each is copied
	i   int
	bad bool
}

// NewReader returns a reader of data, which is bad from the start when data is not
// UTF-8 or the piece is off.
func NewReader(data []byte) *Reader {
	return &Reader{b: data, bad: Pages.Off() || !utf8.Valid(data)}
}

// Decoder is a place for an answer that reads the answer itself.
type Decoder interface {
	DecodeJSON(data []byte) error
}

// Spoil makes the reader bad when is is true.
func (r *Reader) Spoil(is bool) { r.bad = r.bad || is }

// Good reports whether all was read, and all of it was as expected.
func (r *Reader) Good() bool {
	r.space()
	return !r.bad && r.i == len(r.b)
}

func (r *Reader) cut(from, to int) string {
	if r.s == "" {
		return string(r.b[from:to])
	}
	return r.s[from:to]
}

func (r *Reader) space() {
	for r.i < len(r.b) && (r.b[r.i] == ' ' || r.b[r.i] == '\n' || r.b[r.i] == '\t' || r.b[r.i] == '\r') {
		r.i++
	}
}

// Peek returns the first byte of what comes next, 0 at the end.
func (r *Reader) Peek() byte {
	if r.space(); r.i < len(r.b) {
		return r.b[r.i]
	}
	r.bad = true
	return 0
}

func (r *Reader) take(c byte) bool {
	if r.Peek() != c || r.bad {
		return false
	}
	r.i++
	return true
}

func (r *Reader) expect(c byte) { r.Spoil(!r.take(c)) }

// Word reads word, or nothing when something else comes next.
func (r *Reader) Word(word string) bool {
	if r.space(); len(r.b)-r.i < len(word) || string(r.b[r.i:r.i+len(word)]) != word {
		return false
	}
	r.i += len(word)
	return true
}

// Bool reads true or false, and null as false.
func (r *Reader) Bool() bool {
	if r.Word("true") {
		return true
	}
	r.Spoil(!r.Word("false") && !r.Word("null"))
	return false
}

// Object calls member at the value of each name.
func (r *Reader) Object(member func(name string)) {
	r.items('{', '}', func() {
		name := r.Text()
		if r.expect(':'); !r.bad {
			member(name)
		}
	})
}

// Array calls item at each value; null has none.
func (r *Reader) Array(item func()) {
	if !r.Word("null") {
		r.items('[', ']', item)
	}
}

func (r *Reader) items(open, end byte, item func()) {
	if r.expect(open); r.take(end) {
		return
	}
	for !r.bad {
		if item(); !r.take(',') {
			r.expect(end)
			return
		}
	}
}

// Struct calls member at the value of each name in names, as encoding/json finds the
// fields of a struct. Names that encoding/json would take for a known one, and those
// that come twice, are unexpected.
func (r *Reader) Struct(names []string, member func(name string)) {
	var seen uint64
	at := 0 // where the next name is looked for first; they come in the same order mostly
	r.Object(func(name string) {
		for range names {
			i := at % len(names)
			if at++; names[i] == name {
				r.Spoil(seen&(1<<i) != 0)
				seen |= 1 << i
				member(name)
				return
			}
		}
		r.Spoil(slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(name, known) }))
		r.Spoil(!json.Valid(r.skip()))
	})
}

// Text reads a text.
func (r *Reader) Text() string {
	if r.expect('"'); r.bad {
		return ""
	}
	start, escaped := r.i, false
	for {
		switch r.i = special(r.b, r.i); {
		case r.i >= len(r.b) || r.b[r.i] < ' ':
			r.bad = true
			return ""
		case r.b[r.i] == '\\':
			escaped = true
			r.i += 2
			continue
		}
		r.i++
		if !escaped {
			return r.cut(start, r.i-1)
		}
		var out string
		r.Spoil(json.Unmarshal(r.b[start-1:r.i], &out) != nil)
		return out
	}
}

// MaybeText reads a text, and null as an empty one.
func (r *Reader) MaybeText() string {
	if r.Word("null") {
		return ""
	}
	return r.Text()
}

// Number reads a number as JSON writes it.
func (r *Reader) Number() string {
	r.space()
	start, digits := r.i, true
	for ; r.i < len(r.b); r.i++ {
		if c := r.b[r.i]; c < '0' || c > '9' {
			if c != '-' && c != '+' && c != '.' && c|0x20 != 'e' {
				break
			}
			digits = false
		}
	}
	part := r.b[start:r.i]
	plain := digits && len(part) > 0 && (part[0] != '0' || len(part) == 1)
	r.Spoil(!plain && !json.Valid(part))
	return r.cut(start, r.i)
}

// Int reads a whole number, and null as 0.
func (r *Reader) Int() int64 {
	if r.Word("null") {
		return 0
	}
	n, err := strconv.ParseInt(r.Number(), 10, 64)
	r.Spoil(err != nil)
	return n
}

// Ints reads a list of whole numbers behind into.
func (r *Reader) Ints(into []int64) []int64 {
	r.Array(func() { into = append(into, r.Int()) })
	return into
}

// Any reads a list or an object as encoding/json does, with numbers as json.Number.
func (r *Reader) Any() (v any) {
	dec := json.NewDecoder(bytes.NewReader(r.skip()))
	dec.UseNumber()
	r.Spoil(r.bad || dec.Decode(&v) != nil || dec.More())
	return v
}

// Within reads the next value by read, which may keep texts: they are parts of a
// copy of that value alone. It returns the length of the value.
func (r *Reader) Within(read func()) int {
	part := r.skip()
	if r.Spoil(len(part) == 0); r.bad {
		return 1
	}
	whole := *r
	*r = Reader{b: part, s: string(part)}
	read()
	whole.Spoil(!r.Good())
	*r = whole
	return len(part)
}

// skip goes behind the next value and returns it. It finds where a good value ends;
// whether it is good must be seen otherwise.
func (r *Reader) skip() []byte {
	r.space()
	start, depth := r.i, 0
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case '"':
			r.skipText()
		case '{', '[':
			depth++
			r.i++
		case '}', ']':
			if depth--; depth >= 0 {
				r.i++
			}
		case ',':
			if depth > 0 {
				r.i++
			}
		default:
			r.i++
			if depth == 0 && r.i < len(r.b) && strings.IndexByte(",]} \t\r\n", r.b[r.i]) < 0 {
				continue
			}
		}
		if depth <= 0 {
			return r.b[start:r.i]
		}
	}
	r.bad = true
	return nil
}

func (r *Reader) skipText() {
	r.i++
	// A quote without a backslash before it is the end.
	if n := bytes.IndexByte(r.b[r.i:], '"'); n >= 0 && r.b[r.i+n-1] != '\\' {
		r.i += n + 1
		return
	}
	for ; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case '\\':
			r.i++
		case '"':
			r.i++
			return
		}
	}
}
