package charset_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/postmux/postmux/internal/charset"
)

func TestNamed(t *testing.T) {
	for _, row := range []struct{ name, want string }{
		{name: "utf-8", want: "utf-8"},
		{name: "UTF8", want: "utf-8"},
		{name: "utf-16", want: "utf-16le"},
		{name: "UTF_16BE", want: "utf-16be"},
		{name: "cp1251", want: "windows-1251"},
		{name: "Windows-1256", want: "windows-1256"},
		{name: "win 1252", want: "windows-1252"},
		{name: "KOI8-R", want: "koi8-r"},
		{name: "latin2"},
		{name: ""},
	} {
		c, ok := charset.Named(row.name)
		assert.Equal(t, row.want != "", ok, row.name)
		if ok {
			assert.Equal(t, row.want, c.String())
		}
	}
}

const (
	russian = "Email;Имя;Город\nanna@example.by;Анна;Минск\nivan@example.ru;ИВАН;Нижний Новгород\n"
	german  = "E-Mail;Vorname;Nachname\njuergen@example.de;Jürgen;Müßig\nzoe@example.de;Zoë;Großmann\n"
	persian = "email,نام,شهر\nsara@example.ir,سارا,تهران\nreza@example.ir,رضا,شيراز\n"
)

// The charset of a text is told by its bytes, in pieces of any size.
func TestSurvey(t *testing.T) {
	in := func(c interface{ String(string) (string, error) }, s string) string {
		out, err := c.String(s)
		require.NoError(t, err)
		return out
	}
	for _, row := range []struct {
		name, text, want string
		certain          bool
	}{
		{name: "nothing", want: "utf-8", certain: true},
		{name: "ASCII", text: "email\na@example.com\n", want: "utf-8", certain: true},
		{name: "UTF-8", text: russian + persian, want: "utf-8", certain: true},
		{name: "UTF-8 that breaks off", text: strings.TrimSuffix(russian+"ж", "\xb6"), want: "utf-8", certain: true},
		{name: "mark of UTF-8", text: "\ufeff" + german, want: "utf-8", certain: true},
		{name: "mark of UTF-16LE", text: in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), russian), want: "utf-16le", certain: true},
		{name: "mark of UTF-16BE", text: in(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), russian), want: "utf-16be", certain: true},
		{name: "UTF-16LE without a mark", text: in(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder(), german), want: "utf-16le"},
		{name: "UTF-16BE without a mark", text: in(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(), german), want: "utf-16be"},
		{name: "Russian of Windows", text: in(charmap.Windows1251.NewEncoder(), russian), want: "windows-1251"},
		{name: "Russian in KOI8-R", text: in(charmap.KOI8R.NewEncoder(), russian), want: "koi8-r"},
		{name: "German of Windows", text: in(charmap.Windows1252.NewEncoder(), german), want: "windows-1252"},
		{name: "Persian of Windows", text: in(charmap.Windows1256.NewEncoder(), persian), want: "windows-1256"},
		{name: "far behind the beginning", text: strings.Repeat("a@example.com\n", 20_000) + in(charmap.Windows1251.NewEncoder(), russian), want: "windows-1251"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 4096, len(row.text) + 1} {
				if size == 1 && len(row.text) > 4096 {
					continue
				}
				var s charset.Survey
				_, err := io.CopyBuffer(struct{ io.Writer }{&s}, struct{ io.Reader }{strings.NewReader(row.text)}, make([]byte, size))
				require.NoError(t, err)
				if size < 4 && strings.HasPrefix(row.name, "mark") {
					continue // a mark comes in one piece
				}
				c, certain := s.Charset()
				if size >= 7 { // in single bytes nothing stands beside anything
					assert.Equal(t, row.want, c.String(), "pieces of %d", size)
				}
				assert.Equal(t, row.certain, certain)
			}
		})
	}
}

// What is decoded and encoded is as it was.
func TestReader(t *testing.T) {
	for _, name := range charset.Names() {
		c, ok := charset.Named(name)
		require.True(t, ok, name)
		text := "email;x\na@example.com;\"a;b\"\n"
		switch c {
		case charset.Windows1251, charset.KOI8R:
			text += russian
		case charset.Windows1252:
			text += german
		}
		data := c.Encode([]byte(text))
		if !c.OneByte() {
			continue
		}
		got, err := io.ReadAll(c.Reader(iotest.OneByteReader(bytes.NewReader(data))))
		require.NoError(t, err)
		assert.Equal(t, text, string(got), name)
	}
	got, err := io.ReadAll(charset.UTF8.Reader(iotest.OneByteReader(strings.NewReader("\ufeffa\xff"))))
	require.NoError(t, err)
	assert.Equal(t, "a\xff", string(got), "the mark is taken off, other bytes pass")
	got, err = io.ReadAll(charset.UTF8.Reader(strings.NewReader("a")))
	require.NoError(t, err)
	assert.Equal(t, "a", string(got))
	assert.Equal(t, "?", string(charset.Windows1251.Encode([]byte("س"))), "what a charset lacks")
}
