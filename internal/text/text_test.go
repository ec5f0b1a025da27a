package text_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/text"
)

func TestPrintable(t *testing.T) {
	for _, x := range []struct{ name, text, want string }{
		{name: "plain", text: "Анна، مریم ✉", want: "Анна، مریم ✉"},
		{name: "joiners", text: "می\u200cرود \U0001f469\u200d\U0001f4bb", want: "می\u200cرود \U0001f469\u200d\U0001f4bb"},
		{name: "controls", text: "a\x00b\x1bc\x07d\r\ne\tf", want: "a b c d  e f"},
		{name: "DEL and C1", text: "a\x7fb\u0080c\u009bd\u009fe", want: "a b c d e"},
		{name: "separators", text: "a\u2028b\u2029c", want: "a b c"},
		{name: "direction", text: "a\u061cb\u200ec\u200fd\u202ae\u202ef\u2066g\u2069h", want: "a b c d e f g h"},
		{name: "no UTF-8", text: "a\x9bb", want: "a\ufffdb"},
	} {
		t.Run(x.name, func(t *testing.T) {
			assert.Equal(t, x.want, text.Printable(x.text))
			assert.Equal(t, x.want, text.OneLine(x.text))
			assert.Equal(t, x.want+"\n"+x.want, text.PrintableLines(text.Printable(x.text)+"\n"+x.want))
		})
	}
	assert.Len(t, text.OneLine(strings.Repeat("x", 5000)), 2000+len("…"))
	assert.Len(t, text.Printable(strings.Repeat("x", 5000)), 5000)
}

// Marks of direction belong into Persian and Arabic subjects.
func TestMarksMayStandInALine(t *testing.T) {
	for _, r := range "\u061c\u200e\u200f" {
		assert.False(t, text.ForbiddenInLine(r), "%U", r)
		assert.True(t, text.Unprintable(r), "%U", r)
	}
}

func TestIsolatesMayStandInProse(t *testing.T) {
	for _, x := range []struct {
		name, text string
		want       bool
	}{
		{name: "none", text: "سلام", want: true},
		{name: "one", text: "سفارش \u2068A-1\u2069 رسید", want: true},
		{name: "one in another", text: "\u2067a \u2066b\u2069\u2069", want: true},
		{name: "open", text: "a\u2066b"},
		{name: "closed only", text: "a\u2069b"},
		{name: "closed before it is open", text: "\u2069a\u2066"},
		{name: "closed twice", text: "\u2068a\u2069\u2069"},
	} {
		t.Run(x.name, func(t *testing.T) { assert.Equal(t, x.want, !text.ForbiddenInProse(x.text)) })
	}
	for r := rune(0x2066); r <= 0x2069; r++ {
		assert.True(t, text.ForbiddenInLine(r), "%U", r)
		assert.True(t, text.Unprintable(r), "%U", r)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\u061cb\u200ec\u200fd")
	f.Add("\x9b31m\u009b\x7f\xc2")
	f.Add("می\u200cرود\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		for name, got := range map[string]string{"Printable": text.Printable(s), "OneLine": text.OneLine(s), "Quoted": text.Quoted(s)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
			}) {
				t.Fatalf("%s: %q", name, got)
			}
		}
	})
}

func TestAge(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{d: 90*time.Second + 400*time.Millisecond, want: "1m30s ago"},
		{d: 47 * time.Hour, want: "47h0m0s ago"},
		{d: 49 * time.Hour, want: "2 days ago"},
	} {
		assert.Equal(t, tc.want, text.Age(tc.d))
	}
}

func TestBecause(t *testing.T) {
	assert.Equal(t, "getting a token: no", text.Because("getting a token", "no"))
	assert.Equal(t, "getting a token", text.Because("getting a token", ""))
}
