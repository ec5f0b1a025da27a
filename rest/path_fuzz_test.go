package rest_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/rest"
)

// A value that passes is one segment, also for who unescapes before resolving.
func FuzzPath(f *testing.F) {
	f.Fuzz(func(t *testing.T, id string) {
		call := rest.Call{Route: "/contacts/{id}/lists", Segments: []string{id}}
		got, err := call.URL("https://x.example/v3")
		if err != nil {
			var p *rest.ParamError
			require.ErrorAs(t, err, &p)
			assert.Equal(t, "id", p.Name)
			return
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		assert.Equal(t, "x.example", u.Host)
		assert.Empty(t, u.RawQuery+u.Fragment)
		assert.Equal(t, "/v3/contacts/"+id+"/lists", u.Path)
		parts := strings.Split(u.EscapedPath(), "/")
		require.Len(t, parts, 5)
		value, err := url.PathUnescape(parts[3])
		require.NoError(t, err)
		assert.Equal(t, id, value)
		resolved := path.Clean(strings.ReplaceAll(u.Path, `\`, "/"))
		assert.True(t, strings.HasPrefix(resolved, "/v3/contacts/") && strings.HasSuffix(resolved, "/lists"), resolved)
	})
}
