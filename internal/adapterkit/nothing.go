package adapterkit

import (
	"strconv"

	"github.com/postmux/postmux/rest/flex"
)

// IDOf returns the id of an answer, empty for what PHP writes where there is none.
func IDOf(id string) string {
	if flex.Nothing(id) {
		return ""
	}
	return id
}

// IDText is the text of a number by which a thing is asked for, empty for 0.
func IDText[N ~int64](id N) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(int64(id), 10)
}

// Nothing reports whether v, a decoded value of a field that holds no truth values, is
// what PHP writes for nothing.
func Nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
