package httpx

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/rest"
)

// The URL of a call is the one that net/http makes of its text.
func TestURLOf(t *testing.T) {
	for _, base := range []string{"https://api.example.com/v3", "https://api.example.com", "http://127.0.0.1:8080/a-b_c.d/1", "https://api.example.com:/v3", "https://[::1]:1/x", "https://x.example/%2f", "https://x.example/é"} {
		for _, call := range []*rest.Call{
			{Route: "/smtp/email"},
			{Route: "/contacts/{id}", Segments: []string{"a/b@x"}},
			{Route: "/contacts", Query: []rest.Param{{Name: "q", Value: "a&b"}}},
			{Route: "/x?y=z"},
			{Route: "/x%20y"},
			{Route: "/x y"},
			{Route: "/é"},
			{Route: ""},
			{Route: "x"},
		} {
			u, err := (&urls{base: base}).of(call)
			text, badCall := call.URL(base)
			require.NoError(t, badCall)
			want, badURL := http.NewRequest(http.MethodGet, text, nil)
			if badURL != nil {
				require.Error(t, err, text)
				continue
			}
			require.NoError(t, err, text)
			assert.Equal(t, want.URL, u, text)
			assert.Equal(t, want.Host, u.Host, text)
		}
	}
	_, err := (&urls{base: "https://x.example"}).of(&rest.Call{Route: "/{id}", Segments: []string{".."}})
	assert.Error(t, err)
}

// A URL that is kept is the same as one that is made, and a caller may change its own.
func TestURLsAreKept(t *testing.T) {
	l := &urls{base: "https://x.example:/v3"}
	call := &rest.Call{Operation: "sendEmail", Route: "/smtp/email", Success: "201"}
	first, err := l.of(call)
	require.NoError(t, err)
	first.Host = "changed"
	second, err := l.of(call)
	require.NoError(t, err)
	assert.Equal(t, "https://x.example/v3/smtp/email", second.String())
	call.Query = []rest.Param{{Name: "a", Value: "b"}}
	third, err := l.of(call)
	require.NoError(t, err)
	assert.Equal(t, "https://x.example/v3/smtp/email?a=b", third.String())
}
