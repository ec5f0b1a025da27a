package scrub

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heldUnderEscapes is found without the look at what the escapes are of.
func heldUnderEscapes(s *Scrubber, t string) bool {
	view := []byte(t)
	for range rounds {
		if holds(s, view) {
			return true
		}
		view, _, _ = unescaped(view, nil)
	}
	return false
}

// That a text is not copied whose escapes can hide nothing, loses nothing.
func TestHides(t *testing.T) {
	s := New("abc/def-0123456789")
	for _, x := range []struct {
		name, text    string
		hides, founds bool
	}{
		{name: "names", text: `{"a":"\u0645\u0631\u06cc\u0645","b":"\u043a"}`},
		{name: "quotes and blanks", text: `<a href=\"x\">%20&nbsp;&lt;&#32;`},
		{name: "the key in part", text: `\u0645abc\/def-01\u0032\u00333456789`, hides: true, founds: true},
		{name: "a sign of the key alone", text: `a\/b`, hides: true},
		{name: "an escape of an escape", text: `%2541bc/def-%30123456789`, hides: true, founds: true},
		{name: "the end of an escape", text: `%\u0034\u0031bc/def-0123456789`, hides: true, founds: true},
		{name: "a name of a character", text: `&#97;mp`, hides: true},
		{name: "a backslash", text: `\\n`, hides: true},
	} {
		t.Run(x.name, func(t *testing.T) {
			assert.Equal(t, x.hides, hides(s, x.text))
			assert.Equal(t, x.founds, found(s, x.text))
			assert.Equal(t, x.founds, heldUnderEscapes(s, x.text))
		})
	}
	assert.True(t, hides(New("ключ-0123456789"), `\u043a`), "a key of other letters")
	assert.True(t, found(New("short"), `the%20short%20one`), "an escape may be the end of a word")
	assert.False(t, hides(New("short"), `\u0645`))
}

func FuzzHides(f *testing.F) {
	f.Add("abc/def-0123456789", `\u0061bc\/def%2d0123456789`)
	f.Add("ключ-0123456789", `%D0%BA\u043b\u044e&#1095;-0123456789`)
	f.Add("abc/def-0123456789", `%2561%5cu0062c&#47;def-01%2500`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		s := New(secret)
		if s == nil || len(secret)+len(text) > 1000 {
			return
		}
		// Escapes of the secret, at random, in what is random.
		text = strings.ReplaceAll(text, "$", secret)
		require.Equal(t, heldUnderEscapes(s, text), found(s, text), "%q", text)
		require.Equal(t, heldUnderEscapes(s, text), s.Text(text) != text, "%q", text)
	})
}
