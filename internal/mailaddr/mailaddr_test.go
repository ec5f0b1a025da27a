package mailaddr

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

func TestName(t *testing.T) {
	assert.Equal(t, "é", Name("e\u0301"))
	assert.Equal(t, "می\u200cخواهم", Name("می\u200cخواهم"), "joiners stay")
}

func TestKey(t *testing.T) {
	for _, same := range []string{" Ivan@ПРИМЕР.example ", "ivan@xn--e1afmkfd.example", "IVAN@XN--E1AFMKFD.EXAMPLE"} {
		assert.Equal(t, "ivan@xn--e1afmkfd.example", Key(same))
	}
	assert.Equal(t, "é", Key("E\u0301"))
}

// The form of the wire is ASCII, a good address, stable, and the same address.
func FuzzWire(f *testing.F) {
	f.Fuzz(func(t *testing.T, email string) {
		if Check(email) != nil {
			return
		}
		wire, err := Wire(email)
		if err != nil {
			return
		}
		require.True(t, ASCII(wire), "%q", wire)
		require.NoError(t, Check(wire))
		again, err := Wire(wire)
		require.NoError(t, err)
		assert.Equal(t, wire, again)
		assert.Equal(t, Key(email), Key(wire))
		at := strings.LastIndexByte(wire, '@')
		assert.True(t, strings.HasPrefix(email, wire[:at+1]), "the part before the @ stays")
		parsed, err := mail.ParseAddress((&mail.Address{Name: "Anna", Address: wire}).String())
		require.NoError(t, err)
		assert.Equal(t, wire, parsed.Address)
	})
}

func FuzzName(f *testing.F) {
	f.Fuzz(func(t *testing.T, name string) {
		got := Name(name)
		require.True(t, norm.NFC.IsNormalString(got))
		assert.Equal(t, got, Name(got))
		assert.Equal(t, strings.Count(name, "\u200c"), strings.Count(got, "\u200c"))
	})
}

// The name of a file is stable, in NFC, and stands whole in a header.
func FuzzFileName(f *testing.F) {
	for _, s := range []string{"e\u0301.pdf", `a "b".pdf`, "گزارش.pdf", "a;b.pdf", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, quotes := FileName(name)
		again, more := FileName(got)
		if got != again || more || quotes != strings.Contains(name, `"`) || strings.Contains(got, `"`) || !norm.NFC.IsNormalString(got) {
			t.Fatalf("%q: %q, %q", name, got, again)
		}
	})
}
