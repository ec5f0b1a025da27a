package fastpath

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Clean reports whether text is UTF-8 without NUL: every mail is read by it. It
// takes eight bytes at a time of ASCII and of scripts with two bytes a letter.
func Clean(text string) bool {
	if strings.IndexByte(text, 0) >= 0 {
		return false
	}
	if Words.Off() {
		return utf8.ValidString(text)
	}
	i := 0
	for {
		open := uint64(0) // the byte before began a pair
		for ; i+8 <= len(text); i += 8 {
			w := eight(text, i)
			if w&highs|open == 0 {
				continue // ASCII, as most of HTML is
			}
			high, second, third := w&highs, w<<1&highs, w<<2&highs
			begins := high & second &^ third               // 110xxxxx
			short := begins &^ (w&(0x1e*ones) + 0x7e*ones) // of which one byte would do
			wrong := high & second & third                 // longer than a pair
			wrong |= high&^second ^ (begins<<8 | open)     // 10xxxxxx without a begin, or the other way round
			if wrong|short != 0 {
				break
			}
			open = begins >> 56
		}
		if open != 0 {
			i--
		}
		if i == len(text) {
			return true
		}
		// What is left is the end, a longer letter, or wrong.
		for last := min(i+8, len(text)); i < last; {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			i += size
		}
	}
}

// special returns the index of the first byte from i on that cannot stand in a JSON
// text: control, quote or backslash. When there is none it is len(s), or i if that is
// more.
func special[T string | []byte](s T, i int) int {
	words := !Words.Off()
	for ; words && i+8 <= len(s); i += 8 {
		if flags := specials(eight(s, i)); flags != 0 {
			return i + bits.TrailingZeros64(flags)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// specials flags the bytes of w that cannot stand in a JSON text: control, quote or
// backslash. A borrow can raise a flag above a true one, never below it: the lowest is
// exact.
func specials(w uint64) uint64 {
	quote, slash := w^'"'*ones, w^'\\'*ones
	return ((w - 0x20*ones) | (quote - ones) | (slash - ones)) &^ w & highs
}

// eight returns the bytes of s from i on, the first lowest. The slice leaves one check of
// the bounds, not eight.
func eight[T string | []byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
