package text

import "unicode/utf8"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Clean reports whether text is UTF-8 without NUL. The result is that of
// utf8.ValidString and a search for NUL, in one pass without branches over eight
// bytes at a time, for ASCII and scripts with two bytes per letter: every mail is
// checked by it.
func Clean(text string) bool {
	i := 0
	for {
		open := uint64(0) // the previous byte began a pair
		for ; i+8 <= len(text); i += 8 {
			w := eight(text, i)
			high, second, third := w&highs, w<<1&highs, w<<2&highs
			begins := high & second &^ third               // 110xxxxx
			short := begins &^ (w&(0x1e*ones) + 0x7e*ones) // of which one byte would do
			wrong := high & second & third                 // longer than a pair
			wrong |= high&^second ^ (begins<<8 | open)     // 10xxxxxx without a begin, or the other way round
			if wrong|short|(w-ones)&^w&highs != 0 {
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
		// The rest is the end, a longer letter, or invalid.
		for last := min(i+8, len(text)); i < last; {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == 0 || r == utf8.RuneError && size == 1 {
				return false
			}
			i += size
		}
	}
}

// eight returns the eight bytes of s from i on, the first one lowest.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
