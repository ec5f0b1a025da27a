package phone_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/phone"
)

func TestClean(t *testing.T) {
	for _, row := range []struct{ name, text, want, why string }{
		{name: "plain", text: "+375291234567", want: "+375291234567"},
		{name: "digits", text: "375291234567", want: "375291234567"},
		{name: "00", text: "00375291234567", want: "00375291234567"},
		{name: "of a country", text: "09121234567", want: "09121234567"},
		{name: "separated", text: " +375 (29) 123-45-67 ", want: "+375291234567", why: "the signs between"},
		{name: "dots", text: "06.12.34.56.78", want: "0612345678", why: "the signs between"},
		{name: "no-break spaces and hyphens", text: "+375\u00a029\u2011123\u201345\u221267", want: "+375291234567", why: "the signs between"},
		{name: "Persian", text: "+۹۸۹۱۲۱۲۳۴۵۶۷", want: "+989121234567", why: "0 to 9"},
		{name: "Arabic", text: "٠٩١٢ ١٢٣ ٤٥٦٧", want: "09121234567", why: "0 to 9"},
		{name: "marks of direction", text: "\u202a+98\u200e9121234567\u202c", want: "+989121234567", why: "the signs"},
		{name: "quote of a spreadsheet", text: "'+375291234567", want: "+375291234567", why: "the signs"},
		{name: "fraction of a spreadsheet", text: "375291234567.0", want: "375291234567", why: "fraction of zeros"},
		{name: "fraction with a comma", text: "375291234567,00", want: "375291234567", why: "fraction of zeros"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, why, err := phone.Clean(row.text)
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.why == "", why == "", why)
			assert.Contains(t, why, row.why)
		})
	}
}

func TestCleanRefuses(t *testing.T) {
	for _, row := range []struct {
		name, text, says string
		hidden           bool // it is not shown
	}{
		{name: "of a spreadsheet", text: "3.75291E+11", says: "got 3.75291E+11: a spreadsheet has cut off its last digits"},
		{name: "with a comma", text: "3,75291E+11", says: "a spreadsheet"},
		{name: "with all digits", text: "3.75291234567E+11", says: "a spreadsheet"},
		{name: "nothing", text: " ", says: "got nothing"},
		{name: "letters", text: "xkeysib-0123456789", says: "got other characters", hidden: true},
		{name: "extension", text: "+375297654321 x12", says: "got other characters", hidden: true},
		{name: "turned around", text: "\u202e+375297654321", says: "got other characters", hidden: true},
		{name: "line break", text: "+375297654321\n", says: "got other characters", hidden: true},
		{name: "not UTF-8", text: "+375297654321\xff", says: "got other characters", hidden: true},
		{name: "short", text: "12-34-56", says: "fewer than 7"},
		{name: "long", text: "+3752912345678901", says: "more than 15"},
		{name: "fraction", text: "375291.234567", says: "it is a fraction"},
		{name: "thousands", text: "375,291,234,567", says: "it is a fraction"},
		{name: "long fraction", text: "3752912345678901.0", says: "it is a fraction"},
		{name: "zero in brackets", text: "+44 (0)20 7946 0958", says: "(0)"},
		{name: "two", text: "+375291234567 +375291234568", says: "a + stands first"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := phone.Clean(row.text)
			require.ErrorContains(t, err, row.says)
			assert.ErrorContains(t, err, `"+" and 7 to 15 digits`)
			if row.hidden {
				assert.NotContains(t, err.Error(), strings.TrimSpace(row.text))
			}
		})
	}
}

var form = regexp.MustCompile(`^(\+?[0-9]{7,15}|00[0-9]{7,15})$`)

// What comes out is a number with the digits of what went in, and stays as it is; the
// error is one line in which no letter of the text stands.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"+375 (29) 123-45-67", "۰۹۱۲۱۲۳۴۵۶۷", "٠٩١٢١٢٣٤٥٦٧", "3.75291E+11", "375291234567.0", "\u202a+98\u202c", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, why, err := phone.Clean(s)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || len(err.Error()) > 300 {
				t.Fatalf("%q: %q", s, err)
			}
			return
		}
		if !form.MatchString(got) || (why == "") != (got == s) {
			t.Fatalf("%q: %q, %q", s, got, why)
		}
		digits := strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9':
				return r
			case r >= '۰' && r <= '۹':
				return r - '۰' + '0'
			case r >= '٠' && r <= '٩':
				return r - '٠' + '0'
			}
			return -1
		}, s)
		if bare := strings.TrimPrefix(got, "+"); digits != bare && strings.Trim(strings.TrimPrefix(digits, bare), "0") != "" {
			t.Fatalf("%q: %q", s, got)
		}
		if again, why, err := phone.Clean(got); again != got || why != "" || err != nil {
			t.Fatalf("%q: %q is %q the second time: %q, %v", s, got, again, why, err)
		}
	})
}
