package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func ExampleListUnsubscribe() {
	headers, err := provider.ListUnsubscribe("leave@example.com", "https://example.com/leave?t=8fk2")
	if err != nil {
		panic(err)
	}
	m := provider.Message{Headers: headers}
	fmt.Println(m.Headers["List-Unsubscribe"])
	fmt.Println(m.Headers["List-Unsubscribe-Post"])
	// Output:
	// <https://example.com/leave?t=8fk2>, <mailto:leave@example.com>
	// List-Unsubscribe=One-Click
}

func TestListUnsubscribe(t *testing.T) {
	for _, tc := range []struct{ mailto, url, want, field string }{
		{"leave@example.com", "", "<mailto:leave@example.com>", ""},
		{"leave+a/b&c=d@example.com", "", "<mailto:leave+a%2Fb%26c%3Dd@example.com>", ""},
		{"mailto:leave@example.com?subject=leave%20me", "", "<mailto:leave@example.com?subject=leave%20me>", ""},
		{"", "https://example.com/a,b", "<https://example.com/a,b>", ""},
		{"", "HTTPS://example.com/a", "<HTTPS://example.com/a>", ""},
		{"", "", "", "url"},
		{"", "http://example.com/a", "", "url"},
		{"", "https://user:key@example.com/a", "", "url"},
		{"", "https://example.com/a#b", "", "url"},
		{"", "https://example.com/a b", "", "url"},
		{"", "https://example.com/\r\nBcc: x@example.com", "", "url"},
		{"", "https://example.com/a>, <https://example.org/", "", "url"},
		{"", "https://пример.example/", "", "url"},
		{"", "https:///a", "", "url"},
		{"", "/a", "", "url"},
		{"", "https://example.com/" + strings.Repeat("a", 1000), "", "url"},
		{"nobody", "https://example.com/a", "", "mailto"},
		{"a@example.com, b@example.com", "", "", "mailto"},
		{"mailto:nobody", "", "", "mailto"},
		{"mailto:a@example.com?subject=a b", "", "", "mailto"},
		{"анна@пример.example", "", "<mailto:%D0%B0%D0%BD%D0%BD%D0%B0@%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.example>", ""},
	} {
		t.Run(tc.mailto+" "+tc.url[:min(len(tc.url), 30)], func(t *testing.T) {
			got, err := provider.ListUnsubscribe(tc.mailto, tc.url)
			if tc.field != "" {
				var e *provider.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, provider.ErrInvalid, e.Kind)
				assert.Equal(t, tc.field, e.Field)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got["List-Unsubscribe"])
			_, post := got["List-Unsubscribe-Post"]
			assert.Equal(t, tc.url != "", post)
			m := provider.Message{To: []provider.Address{{Email: "a@example.com"}}, Subject: "x", Text: "y", Headers: got}
			assert.NoError(t, m.Validate())
		})
	}
}
