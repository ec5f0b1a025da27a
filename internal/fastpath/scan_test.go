package fastpath

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func sameVerdict(t *testing.T, s string) {
	t.Helper()
	require.Equal(t, utf8.ValidString(s) && strings.IndexByte(s, 0) < 0, Clean(s), "%q", s)
}

// Every pair of bytes is met at every place of a word, among ASCII and among
// letters of two bytes.
func TestCleanText(t *testing.T) {
	for _, around := range []string{"aaaaaaaa", "اااااااا", "日本語日本語"} {
		sameVerdict(t, around)
		for pad := range 9 {
			if !utf8.ValidString(around[:pad]) {
				continue
			}
			for c := range 0x100 {
				for d := range 0x100 {
					sameVerdict(t, around[:pad]+string([]byte{byte(c), byte(d)})+around)
				}
			}
		}
	}
	for _, r := range []rune{0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, utf8.MaxRune} {
		sameVerdict(t, "abc"+string(r)+"ا")
		sameVerdict(t, "abc"+string(r)[:len(string(r))-1])
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"", "سفارش شما ثبت شد", "<p>Заказ</p>\x00", "\xc0\x80\xc0\x80\xc0\x80\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "می\u200cخواهم 😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { sameVerdict(t, s) })
}
