package adapterkit

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/exact"
)

// Words returns what a vendor says in a field of its errors that may be a text, a list
// of texts or an object of texts by field: "name: text; other: text". It is empty for
// nothing and for null. v is a decoded value, or the JSON of one.
func Words(v any) string {
	switch v := v.(type) {
	case json.RawMessage:
		decoded, err := exact.Decode(v)
		if err != nil {
			return ""
		}
		return Words(decoded)
	case nil:
		return ""
	case string:
		return v
	case []any:
		var out []string
		for _, x := range v {
			if w := Words(x); w != "" {
				out = append(out, w)
			}
		}
		return strings.Join(out, ", ")
	case map[string]any:
		var out []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, name+": "+Words(v[name]))
		}
		return strings.Join(out, "; ")
	}
	text, _ := json.Marshal(v)
	return string(text)
}
