package mailaddr

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// The short way of Key gives what the long one gives.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"A@Example.com", "a@EXAMPLE.com.", "a@-x.y", "a@x_y.z", "a b@c", "@", "a@", "a@" + strings.Repeat("x", 70) + ".com", "a@xn--bcher-kva.example", "a@Bücher.example", "a@a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, email string) {
		got := Key(email)
		email = strings.TrimSpace(email)
		at := strings.LastIndexByte(email, '@')
		if at < 0 {
			return
		}
		domain := email[at+1:]
		if wire, err := profile.ToASCII(domain); err == nil {
			domain = wire
		}
		if want := norm.NFC.String(strings.ToLower(norm.NFC.String(email[:at]) + "@" + domain)); got != want {
			t.Fatalf("%q: %q, the long way %q", email, got, want)
		}
	})
}
