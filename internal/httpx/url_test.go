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
			u, err := urlOf(base, call)
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
	_, err := urlOf("https://x.example", &rest.Call{Route: "/{id}", Segments: []string{".."}})
	assert.Error(t, err)
}
