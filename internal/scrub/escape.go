package scrub

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescaped takes one layer of escapes of JSON, URLs and HTML off t, and reports whether
// there was one. With at, which says for each byte of t, and for its end, where it stands
// in the original, it returns the same for the result.
func unescaped(t []byte, at []int) (out []byte, outAt []int, changed bool) {
	out = make([]byte, 0, len(t))
	if at != nil {
		outAt = make([]int, 0, len(at))
	}
	for i := 0; i < len(t); {
		r, n := escape(t[i:])
		before := len(out)
		switch {
		case n == 0:
			out, n = append(out, t[i]), 1
		case t[i] == '%': // a byte, and not a character
			out, changed = append(out, byte(r)), true
		default:
			out, changed = utf8.AppendRune(out, r), true
		}
		if at != nil {
			for range len(out) - before {
				outAt = append(outAt, at[i])
			}
		}
		i += n
	}
	if at != nil {
		outAt = append(outAt, at[len(t)])
	}
	return out, outAt, changed
}

// escape reads the escape at the beginning of t: what it stands for and its length, 0
// when there is none.
func escape(t []byte) (rune, int) {
	switch {
	case t[0] == '%':
		if r, ok := number(t, 1, 3, 16); ok {
			return r, 3
		}
	case t[0] == '\\' && len(t) > 1:
		switch t[1] {
		case 'u':
			if r, ok := number(t, 2, 6, 16); ok {
				return r, 6
			}
		case 'x': // of JavaScript
			if r, ok := number(t, 2, 4, 16); ok {
				return r, 4
			}
		case '/', '\\', '"', '\'':
			return rune(t[1]), 2
		}
	case t[0] == '&':
		const longest = 40 // more than any name of a character
		end := bytes.IndexByte(t[:min(len(t), longest)], ';') + 1
		plain := html.UnescapeString(string(t[:end]))
		if r, n := utf8.DecodeRuneInString(plain); n > 0 && n == len(plain) {
			return r, end
		}
	}
	return 0, 0
}

// number reads t[from:to].
func number(t []byte, from, to, base int) (rune, bool) {
	if to > len(t) || from >= to || strings.IndexByte("+-_", t[from]) >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(t[from:to]), base, 21)
	return rune(n), err == nil
}
