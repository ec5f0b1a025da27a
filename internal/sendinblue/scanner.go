package sendinblue

import (
	"encoding/json"
	"strconv"
	"strings"
)

// scanner reads JSON of which the shape is known. Whatever it does not expect
// makes it bad, and then nothing that it has read counts.
type scanner struct {
	s   string
	i   int
	bad bool
}

// marks tell which names of an object have been met.
type marks uint16

// once makes a name that stands twice unusual: which of the two counts is for
// encoding/json to say.
func (r *scanner) once(seen *marks, mark int) {
	r.bad = r.bad || *seen&(1<<mark) != 0
	*seen |= 1 << mark
}

func (r *scanner) space() {
	for r.i < len(r.s) && (r.s[r.i] == ' ' || r.s[r.i] == '\n' || r.s[r.i] == '\t' || r.s[r.i] == '\r') {
		r.i++
	}
}

// peek is the first byte of what comes next, 0 at the end.
func (r *scanner) peek() byte {
	if r.space(); r.i < len(r.s) {
		return r.s[r.i]
	}
	r.bad = true
	return 0
}

func (r *scanner) take(c byte) bool {
	if r.peek() != c || r.bad {
		return false
	}
	r.i++
	return true
}

func (r *scanner) expect(c byte) { r.bad = !r.take(c) || r.bad }

func (r *scanner) word(word string) bool {
	if r.space(); !strings.HasPrefix(r.s[r.i:], word) {
		return false
	}
	r.i += len(word)
	return true
}

func (r *scanner) null() bool { return r.word("null") }

// boolean reads true or false, and null as false.
func (r *scanner) boolean() bool {
	switch {
	case r.word("true"):
		return true
	case r.word("false"), r.null():
		return false
	}
	r.bad = true
	return false
}

// object calls field at the value of each name.
func (r *scanner) object(field func(name string)) {
	r.expect('{')
	if r.take('}') {
		return
	}
	for !r.bad {
		name := r.text()
		if r.expect(':'); r.bad {
			return
		}
		if field(name); r.take(',') {
			continue
		}
		r.expect('}')
		return
	}
}

// array calls item at each value; null has none.
func (r *scanner) array(item func()) {
	if r.null() {
		return
	}
	r.expect('[')
	if r.take(']') {
		return
	}
	for !r.bad {
		if item(); r.take(',') {
			continue
		}
		r.expect(']')
		return
	}
}

// text reads a text, as a part of s where it has no escapes.
func (r *scanner) text() string {
	r.expect('"')
	start, escaped := r.i, false
	for ; r.i < len(r.s); r.i++ {
		switch c := r.s[r.i]; {
		case c == '"':
			part := r.s[start:r.i]
			r.i++
			if !escaped {
				return part
			}
			var out string
			r.bad = json.Unmarshal([]byte(r.s[start-1:r.i]), &out) != nil || r.bad
			return out
		case c == '\\':
			escaped = true
			r.i++
		case c < ' ':
			r.bad = true
			return ""
		}
	}
	r.bad = true
	return ""
}

// maybeText reads a text, and null as an empty one.
func (r *scanner) maybeText() string {
	if r.null() {
		return ""
	}
	return r.text()
}

// number reads a number as JSON writes it.
func (r *scanner) number() string {
	r.space()
	start := r.i
	digits := func() int {
		from := r.i
		for r.i < len(r.s) && r.s[r.i] >= '0' && r.s[r.i] <= '9' {
			r.i++
		}
		return r.i - from
	}
	is := func(set string) bool {
		if r.i < len(r.s) && strings.IndexByte(set, r.s[r.i]) >= 0 {
			r.i++
			return true
		}
		return false
	}
	is("-")
	zero := r.i < len(r.s) && r.s[r.i] == '0'
	n := digits()
	ok := n == 1 || n > 1 && !zero
	if is(".") {
		ok = digits() > 0 && ok
	}
	if is("eE") {
		is("+-")
		ok = digits() > 0 && ok
	}
	r.bad = r.bad || !ok
	return r.s[start:r.i]
}

// integer reads a whole number, and null as 0.
func (r *scanner) integer() int64 {
	if r.null() {
		return 0
	}
	n, err := strconv.ParseInt(r.number(), 10, 64)
	r.bad = r.bad || err != nil
	return n
}

func (r *scanner) integers(into []int64) []int64 {
	r.array(func() { into = append(into, r.integer()) })
	return into
}

// unknown passes over the value of a name that is not known. A name that
// encoding/json would take for a known one is unusual.
func (r *scanner) unknown(name string, known ...string) {
	for _, k := range known {
		r.bad = r.bad || strings.EqualFold(name, k)
	}
	r.space()
	start := r.i
	r.pass()
	r.bad = r.bad || !json.Valid([]byte(r.s[start:r.i]))
}

// pass goes behind the next value. It finds where a good value ends; whether it
// is good must be seen otherwise.
func (r *scanner) pass() {
	depth := 0
	for r.space(); r.i < len(r.s); {
		switch r.s[r.i] {
		case '"':
			r.passText()
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
			if depth == 0 && r.i < len(r.s) && strings.IndexByte(",]} \t\r\n", r.s[r.i]) < 0 {
				continue
			}
		}
		if depth <= 0 {
			return
		}
	}
	r.bad = true
}

func (r *scanner) passText() {
	r.i++
	// A quote without a backslash before it is the end.
	if n := strings.IndexByte(r.s[r.i:], '"'); n >= 0 && r.s[r.i+n-1] != '\\' {
		r.i += n + 1
		return
	}
	for ; r.i < len(r.s); r.i++ {
		switch r.s[r.i] {
		case '\\':
			r.i++
		case '"':
			r.i++
			return
		}
	}
}
