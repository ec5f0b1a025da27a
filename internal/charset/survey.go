package charset

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Survey looks at the bytes of a text, however long, to tell its charset. The zero Survey
// has seen nothing.
type Survey struct {
	begun  bool
	marked Charset
	isMark bool
	torn   []byte // the beginning of a character whose end has not come
	broken bool   // the text is not UTF-8
	zeros  [2]int // zero bytes at even and odd places
	size   int
	sample []byte // of the bytes that are not ASCII, with those around them
}

// sampleMost bounds the sample: more text does not tell more.
const sampleMost = 64 << 10

// Write takes the next bytes of the text.
func (s *Survey) Write(p []byte) (int, error) {
	n := len(p)
	if !s.begun && n > 0 {
		s.begun = true
		s.marked, s.isMark = marked(p)
	}
	if s.isMark {
		return n, nil
	}
	if s.size < sampleMost {
		for i, b := range p[:min(n, sampleMost)] {
			if b == 0 {
				s.zeros[(s.size+i)%2]++
			}
		}
	}
	s.size += n
	s.collect(p)
	if !s.broken {
		s.utf8(p)
	}
	return n, nil
}

// collect keeps the lines with bytes beyond ASCII.
func (s *Survey) collect(p []byte) {
	for len(s.sample) < sampleMost {
		first := bytes.IndexFunc(p, func(r rune) bool { return r >= utf8.RuneSelf })
		if first < 0 {
			return
		}
		from := max(bytes.LastIndexByte(p[:first], '\n')+1, first-200)
		to := len(p)
		if end := bytes.IndexByte(p[first:], '\n'); end >= 0 {
			to = first + end + 1
		}
		s.sample = append(s.sample, p[from:to]...)
		p = p[to:]
	}
}

// utf8 checks that the text is UTF-8; its last character may be unfinished.
func (s *Survey) utf8(p []byte) {
	if len(s.torn) > 0 {
		p = append(s.torn, p...)
	}
	whole := len(p)
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax); i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				whole = i
			}
			break
		}
	}
	s.broken = !utf8.Valid(p[:whole])
	s.torn = append([]byte(nil), p[whole:]...)
}

// marked returns the charset that a byte order mark says.
func marked(p []byte) (Charset, bool) {
	switch {
	case bytes.HasPrefix(p, []byte(mark)):
		return UTF8, true
	case bytes.HasPrefix(p, []byte{0xff, 0xfe}):
		return UTF16LE, true
	case bytes.HasPrefix(p, []byte{0xfe, 0xff}):
		return UTF16BE, true
	}
	return UTF8, false
}

// Marked reports whether the text begins with a byte order mark.
func (s *Survey) Marked() bool { return s.isMark }

// Charset returns the charset that the text has as far as it was seen. certain is false
// where only a likeness of the text speaks for it.
func (s *Survey) Charset() (c Charset, certain bool) {
	if s.isMark {
		return s.marked, true
	}
	seen := min(s.size, sampleMost)
	switch {
	case seen >= 4 && s.zeros[1] > seen/8 && s.zeros[0] <= seen/64:
		return UTF16LE, false
	case seen >= 4 && s.zeros[0] > seen/8 && s.zeros[1] <= seen/64:
		return UTF16BE, false
	case !s.broken:
		return UTF8, true
	}
	best, most := Windows1252, -1<<60
	for _, c := range []Charset{Windows1252, Windows1251, Windows1256, KOI8R} {
		if points := likeness(c, s.sample); points > most {
			best, most = c, points
		}
	}
	return best, false
}

// frequent are letters that are often in words of their script: about half of all.
const frequent = "оеаинтсрвл" + "ایردنهوتمبيل"

// likeness is how much the sample, read in the charset, looks like words. A word has
// letters of one script, and small letters behind its first.
func likeness(c Charset, sample []byte) int {
	text, err := c.codec.NewDecoder().Bytes(sample)
	if err != nil {
		return -1 << 59
	}
	points, before := 0, rune(' ')
	for _, r := range string(text) {
		points += pair(before, r)
		before = r
	}
	return points
}

// pair is what a character, behind another, says.
func pair(before, r rune) int {
	points := 0
	switch {
	case r == utf8.RuneError, unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t':
		return -20
	case r < utf8.RuneSelf && before < utf8.RuneSelf:
		return 0
	case r >= utf8.RuneSelf && !unicode.IsLetter(r):
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) || unicode.IsPunct(r) {
			return -1
		}
		return -8 // signs and boxes stand in no words
	}
	if unicode.IsLetter(r) && unicode.IsLetter(before) {
		switch {
		case script(r) != script(before):
			points -= 6
		case script(r) == latin && before >= utf8.RuneSelf && r >= utf8.RuneSelf:
			points -= 3 // letters with accents rarely stand side by side
		default:
			points++
		}
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			points -= 4
		}
	}
	if r >= utf8.RuneSelf {
		for _, f := range frequent {
			if unicode.ToLower(r) == f {
				points += 2
			}
		}
	}
	return points
}

const (
	latin = iota
	cyrillic
	arabic
)

func script(r rune) int {
	switch {
	case unicode.Is(unicode.Cyrillic, r):
		return cyrillic
	case unicode.Is(unicode.Arabic, r):
		return arabic
	}
	return latin
}
