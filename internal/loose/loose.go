// Package loose reads JSON records whose values may be written in several ways: a number as
// a text, a list as one value or as the JSON of a list within a text. All JSON that it gets
// is valid; it checks nothing.
package loose

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Members calls member at each name and value of row, which is valid JSON, in their order;
// of what is no object it calls nothing. Names are compared by their letters: "Event" is
// not "event". The slices are parts of row.
func Members(row []byte, member func(name, value []byte)) {
	i := blank(row, 0)
	if i >= len(row) || row[i] != '{' {
		return
	}
	for i++; i < len(row); i++ {
		if i = blank(row, i); i >= len(row) || row[i] != '"' {
			return
		}
		start := i
		i = behind(row, i)
		name := row[start+1 : i-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = []byte(Text(row[start:i]))
		}
		i = blank(row, i) + 1 // the colon
		start = blank(row, i)
		i = behind(row, start)
		member(name, row[start:i])
		i = blank(row, i) // a comma, or the end
	}
}

// Elements calls element at each value of list, which is valid JSON; of what is no list it
// calls nothing. The slices are parts of list.
func Elements(list []byte, element func(value []byte)) {
	i := blank(list, 0)
	if i >= len(list) || list[i] != '[' {
		return
	}
	for i++; i < len(list); i++ {
		if i = blank(list, i); i >= len(list) || list[i] == ']' {
			return
		}
		start := i
		i = behind(list, i)
		element(list[start:i])
		i = blank(list, i) // a comma, or the end
	}
}

func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// behind is the index behind the value that begins at i.
func behind(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
		default:
			for i++; i < len(b) && !ends(b[i]); {
				i++
			}
		}
		if depth <= 0 {
			break
		}
	}
	return min(i, len(b))
}

// ends reports whether c stands behind a number or a word.
func ends(c byte) bool {
	switch c {
	case ',', ':', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

// Text returns a JSON value as a text: a text itself, a number or a truth value by its
// letters, and nothing for null, lists and objects.
func Text(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	switch value[0] {
	case '"':
		inner := value[1 : len(value)-1]
		if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return string(inner)
		}
		var s string
		if json.Unmarshal(value, &s) != nil {
			return ""
		}
		return s
	case 'n', '[', '{':
		return ""
	}
	return string(value)
}

// Whole returns a number, or a text that is one, as a whole number; 0 for anything else.
func Whole(value []byte) int64 {
	if len(value) > 0 && value[0] == '"' {
		if bytes.IndexByte(value, '\\') >= 0 {
			value = []byte(Text(value))
		} else {
			value = value[1 : len(value)-1]
		}
	}
	value = bytes.TrimSpace(value)
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(string(value), 64); err == nil && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return 0
}

// Texts returns a list of texts: of a list, of a text that is the JSON of a list, or of one
// text. Empty ones are left out.
func Texts(value []byte) []string {
	if len(value) == 0 {
		return nil
	}
	if value[0] != '[' {
		text := strings.TrimSpace(Text(value))
		if !strings.HasPrefix(text, "[") || !json.Valid([]byte(text)) {
			if text == "" {
				return nil
			}
			return []string{text}
		}
		value = []byte(text)
	}
	var out []string
	Elements(value, func(item []byte) {
		if text := Text(item); text != "" {
			out = append(out, text)
		}
	})
	return out
}

// Strings returns the members of an object, or of a text that is the JSON of one; nil for
// anything else. What is no text is kept as its JSON.
func Strings(value []byte) map[string]string {
	if len(value) > 0 && value[0] == '"' {
		value = bytes.TrimSpace([]byte(Text(value)))
	}
	if len(value) == 0 || value[0] != '{' || !json.Valid(value) {
		return nil
	}
	var out map[string]string
	Members(value, func(name, value []byte) {
		if out == nil {
			out = make(map[string]string)
		}
		if text := string(value); text[0] == '{' || text[0] == '[' {
			out[string(name)] = text
		} else {
			out[string(name)] = Text(value)
		}
	})
	return out
}

// Bounds of times: what lies outside is none, such as 0 or a number of another meaning.
const (
	milliseconds = 1e11 // from here on a number counts milliseconds: as seconds it is the year 5138
	latest       = 253402300800
)

// Unix reads a number of seconds or of milliseconds since 1970; ok is false for what is no
// time.
func Unix(n int64) (t time.Time, ok bool) {
	switch {
	case n <= 0:
		return t, false
	case n < milliseconds:
		return time.Unix(n, 0).UTC(), true
	case n/1000 < latest:
		return time.UnixMilli(n).UTC(), true
	}
	return t, false
}

// ID returns a number or a text as an id; 0 stands for none.
func ID(value []byte) string {
	if id := strings.TrimSpace(Text(value)); id != "0" {
		return id
	}
	return ""
}
