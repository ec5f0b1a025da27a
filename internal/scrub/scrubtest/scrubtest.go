// Package scrubtest holds the forms in which tests write a secret back.
package scrubtest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// Key is a key with characters that every escape changes.
const Key = "PLANTED/4711+key&<x>=Zz_09~Qw"

// Form is a way to write a secret.
type Form struct{ Name, Text string }

// Forms returns secret, of 14 or more bytes, in all forms that must not be printed.
func Forms(secret string) []Form {
	each := func(format string) string {
		var b strings.Builder
		for _, c := range []byte(secret) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	out := []Form{
		{"as it is", secret},
		{"upper case", strings.ToUpper(secret)},
		{"lower case", strings.ToLower(secret)},
		{"query", url.QueryEscape(secret)},
		{"query, lower case", strings.ToLower(url.QueryEscape(secret))},
		{"path", url.PathEscape(secret)},
		{"percent", each("%%%02X")},
		{"percent, lower case", each("%%%02x")},
		{"percent, twice", url.QueryEscape(url.QueryEscape(secret))},
		{"HTML", html.EscapeString(secret)},
		{"HTML, decimal", each("&#%d;")},
		{"HTML, hexadecimal", each("&#x%X;")},
		{"JSON", each(`\u%04x`)},
		{"JSON, upper case", each(`\u%04X`)},
		{"JSON, slash", strings.ReplaceAll(secret, "/", `\/`)},
		{"hex", hex.EncodeToString([]byte(secret))},
		{"hex, upper case", strings.ToUpper(hex.EncodeToString([]byte(secret)))},
		{"first 12", secret[:12]},
		{"last 12", secret[len(secret)-12:]},
		{"without the last", secret[:len(secret)-1]},
		{"without the first", secret[1:]},
	}
	for i := range 3 {
		text := "user:"[:i] + secret
		out = append(out,
			Form{fmt.Sprintf("base64 at %d", i), base64.StdEncoding.EncodeToString([]byte(text))},
			Form{fmt.Sprintf("base64url at %d", i), base64.RawURLEncoding.EncodeToString([]byte(text))},
			Form{fmt.Sprintf("base64 at %d, within", i), base64.StdEncoding.EncodeToString([]byte(text + "::"))},
		)
	}
	return out
}

// NoneIn fails the test when printed holds a form of secret in any case.
func NoneIn(tb testing.TB, secret, printed string) {
	tb.Helper()
	folded := strings.ToLower(printed)
	for _, f := range Forms(secret) {
		if i := strings.Index(folded, strings.ToLower(f.Text)); i >= 0 {
			const around = 100
			tb.Errorf("%s (%s) is in …%q…", f.Name, f.Text, folded[max(0, i-around):min(len(folded), i+len(f.Text)+around)])
			return
		}
	}
}
