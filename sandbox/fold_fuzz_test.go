package sandbox

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Folding loses no field in silence: each is a leaf of the value, or there is a
// problem that says why not. The same fields fold alike twice.
func FuzzFold(f *testing.F) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(formSpec))
	require.NoError(f, err)
	newSpec(doc)
	f.Fuzz(func(t *testing.T, body string) {
		fields, err := parseForm(typeForm, []byte(body))
		if err != nil {
			return
		}
		for _, name := range []string{"Form", "Open"} {
			schema := doc.Components.Schemas[name].Value
			value, problems := fold(fields, schema)
			if len(problems) == 0 {
				assert.Equal(t, len(fields), leaves(value), "%v became %v", fields, value)
			}
			_, err := json.Marshal(value)
			require.NoError(t, err)
			again, _ := fold(fields, schema)
			assert.Equal(t, value, again)
		}
		written := url.Values{}
		for _, x := range fields {
			written.Add(x.Name, x.Value)
		}
		back, err := parseForm(typeForm, []byte(written.Encode()))
		require.NoError(t, err)
		assert.ElementsMatch(t, fields, back)
	})
}

func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			n += leaves(x)
		}
	case []any:
		for _, x := range v {
			n += leaves(x)
		}
	default:
		n = 1
	}
	return n
}
