package scrub

import (
	"html"
	"unicode/utf8"
)

// unescaped takes one layer of escapes of JSON, URLs and HTML off t, and reports whether
// there was one. With at, which says for each byte of t, and for its end, where it stands
// in the original, it returns the same for the result.
func unescaped[T text](t T, at []int) (out []byte, outAt []int, changed bool) {
	out = make([]byte, 0, len(t))
	if at != nil {
		outAt = make([]int, 0, len(at))
	}
	for i := 0; i < len(t); {
		j, r, n := nextEscape(t, i)
		out = append(out, t[i:j]...)
		before := len(out)
		switch {
		case n == 0: // the end
		case t[j] == '%': // a byte, and not a character
			out, changed = append(out, byte(r)), true
		default:
			out, changed = utf8.AppendRune(out, r), true
		}
		if at != nil {
			outAt = append(outAt, at[i:j]...)
			for range len(out) - before {
				outAt = append(outAt, at[j])
			}
		}
		i = j + n
	}
	if at != nil {
		outAt = append(outAt, at[len(t)])
	}
	return out, outAt, changed
}

// nextEscape finds the first escape in t from i on: its place, what it stands for and its
// length. Without one the place is the end of t, and the length 0.
func nextEscape[T text](t T, i int) (at int, r rune, n int) {
	for ; i < len(t); i++ {
		if c := t[i]; c != '\\' && c != '%' && c != '&' {
			continue
		}
		if r, n := escape(t, i); n > 0 {
			return i, r, n
		}
	}
	return len(t), 0, 0
}

// escape reads the escape at t[i:]: what it stands for and its length, 0 when there is none.
func escape[T text](t T, i int) (rune, int) {
	switch {
	case t[i] == '%':
		return number(t, i, 1, 2)
	case t[i] == '\\' && i+1 < len(t):
		switch t[i+1] {
		case 'u':
			return number(t, i, 2, 4)
		case 'x': // of JavaScript
			return number(t, i, 2, 2)
		case '/', '\\', '"', '\'':
			return rune(t[i+1]), 2
		}
	case t[i] == '&':
		const longest = 40 // more than any name of a character
		for end := i + 1; end < min(len(t), i+longest); end++ {
			if t[end] != ';' {
				continue
			}
			plain := html.UnescapeString(string(t[i : end+1]))
			if r, n := utf8.DecodeRuneInString(plain); n == len(plain) {
				return r, end + 1 - i
			}
			break
		}
	}
	return 0, 0
}

// number reads an escape at t[i:] of a prefix and hexadecimal digits.
func number[T text](t T, i, prefix, digits int) (r rune, n int) {
	if n = prefix + digits; i+n > len(t) {
		return 0, 0
	}
	for k := i + prefix; k < i+n; k++ {
		switch c := fold(t[k]); {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default:
			return 0, 0
		}
	}
	return r, n
}
