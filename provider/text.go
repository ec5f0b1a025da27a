package provider

import (
	"strings"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// cleanText reports whether text is UTF-8 without NUL. It gives the same answer
// as utf8.ValidString and a search for NUL, in one pass that takes eight bytes at a
// time of ASCII, and of scripts with two bytes a letter: every mail is read by it.
func cleanText(text string) bool {
	for i := 0; i < len(text); {
		for i+8 <= len(text) {
			w := eight(text, i)
			switch {
			case w&highs == 0 && (w-ones)&^w&highs == 0: // ASCII, none zero
			case fourPairs(w):
			default:
				goto single
			}
			i += 8
		}
	single:
		if i == len(text) {
			break
		}
		c := text[i]
		switch {
		case c == 0:
			return false
		case c < utf8.RuneSelf:
			i++
		case c >= 0xc2 && c <= 0xdf && i+1 < len(text) && text[i+1]&0xc0 == 0x80:
			i += 2
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			i += size
		}
	}
	return true
}

// fourPairs reports whether w is four letters of two bytes each.
func fourPairs(w uint64) bool {
	const (
		kind  = 0xc0e0c0e0c0e0c0e0 // which bits of a pair tell its kind
		pair  = 0x80c080c080c080c0 // 10xxxxxx after 110xxxxx
		large = 0x001e001e001e001e // one of these is set, or one byte would do
	)
	return w&kind == pair && (w&large+0x7ffe7ffe7ffe7ffe)&0x8000800080008000 == 0x8000800080008000
}

// eight are the bytes of s from i on, the first lowest.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// checkText refuses what no mail's content holds.
func checkText(field, text string) error {
	switch {
	case cleanText(text):
		return nil
	case strings.IndexByte(text, 0) >= 0 && utf8.ValidString(text):
		return Invalid(field, "expected text without NUL characters")
	}
	return Invalid(field, "expected UTF-8 text")
}
