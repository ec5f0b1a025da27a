// Package charset reads and writes the encodings of text files, and tells which one a file
// has.
package charset

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Charset is an encoding of text. The zero Charset is UTF-8.
type Charset struct {
	name  string
	codec encoding.Encoding // nil: UTF-8
}

// The charsets.
var (
	UTF8        = Charset{}
	UTF16LE     = Charset{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}
	UTF16BE     = Charset{"utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	Windows1251 = Charset{"windows-1251", charmap.Windows1251}
	Windows1252 = Charset{"windows-1252", charmap.Windows1252}
	Windows1256 = Charset{"windows-1256", charmap.Windows1256}
	KOI8R       = Charset{"koi8-r", charmap.KOI8R}
)

// all are the charsets in the order in which they are named to people.
var all = []Charset{UTF8, UTF16LE, UTF16BE, Windows1251, Windows1252, Windows1256, KOI8R}

// Names returns the names of all charsets.
func Names() []string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.String()
	}
	return names
}

// Named returns the charset that a name stands for, in any usual spelling: cp1251, UTF16.
func Named(name string) (Charset, bool) {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	name = plain(name)
	for _, prefix := range []string{"cp", "win", "ansi"} {
		if digits, ok := strings.CutPrefix(name, prefix); ok && strings.HasPrefix(digits, "125") {
			name = "windows" + digits
		}
	}
	if name == "utf16" {
		return UTF16LE, true // a byte order mark says otherwise
	}
	for _, c := range all {
		if plain(c.String()) == name {
			return c, true
		}
	}
	return UTF8, false
}

// String is the name of the charset.
func (c Charset) String() string {
	if c.name == "" {
		return "utf-8"
	}
	return c.name
}

// Decodes reports whether reading changes bytes: of UTF-8 it does not.
func (c Charset) Decodes() bool { return c.codec != nil }

// OneByte reports whether each character is one byte, and those of ASCII are themselves.
func (c Charset) OneByte() bool { return c.codec != nil && c != UTF16LE && c != UTF16BE }

// Reader reads text in the charset as UTF-8, without a byte order mark. What the charset
// does not have becomes U+FFFD; bytes of UTF-8 pass as they are.
func (c Charset) Reader(r io.Reader) io.Reader {
	if c.codec == nil {
		return &unmarked{r: r}
	}
	return transform.NewReader(r, c.codec.NewDecoder())
}

// Encode returns text in the charset; what it does not have becomes a ?. It is
// for charsets of one byte; of the others text is returned as it is.
func (c Charset) Encode(text []byte) []byte {
	if !c.OneByte() {
		return text
	}
	out, err := encoding.ReplaceUnsupported(c.codec.NewEncoder()).Bytes(text)
	if err != nil {
		return text
	}
	return bytes.ReplaceAll(out, []byte{encoding.ASCIISub}, []byte{'?'})
}

// mark is the byte order mark of UTF-8.
const mark = "\ufeff"

// unmarked is a reader without the byte order mark at its beginning.
type unmarked struct {
	r     io.Reader
	begun bool
	head  []byte
}

func (u *unmarked) Read(p []byte) (int, error) {
	if !u.begun {
		u.begun = true
		u.head = make([]byte, len(mark))
		n, err := io.ReadFull(u.r, u.head)
		u.head = u.head[:n]
		if string(u.head) == mark {
			u.head = nil
		}
		if err != nil && n == 0 {
			return 0, err // an error behind the first bytes comes again
		}
	}
	if len(u.head) > 0 {
		n := copy(p, u.head)
		u.head = u.head[n:]
		return n, nil
	}
	return u.r.Read(p)
}
