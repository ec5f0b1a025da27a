package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Appender is a body that appends its own JSON to dst: the same bytes as
// encoding/json without escapes for HTML.
type Appender interface {
	AppendJSON(dst []byte) ([]byte, error)
}

// maxDepth is the depth to which AppendValue follows nested values; deeper ones go
// to encoding/json, which detects values that contain themselves.
const maxDepth = 100

// AppendText appends s, which must be valid UTF-8, to dst as a JSON text.
func AppendText(dst []byte, s string) []byte {
	if strings.Contains(s, "\u2028") || strings.Contains(s, "\u2029") {
		// Line separators, which encoding/json escapes for the sake of JavaScript.
		dst, _ = appendStandard(dst, s) // a text cannot fail
		return dst
	}
	dst = append(dst, '"')
	start := 0
	for i := special(s, 0); i < len(s); i = special(s, start) {
		dst = appendEscaped(append(dst, s[start:i]...), s[i])
		start = i + 1
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// special returns the index of the first byte from i on that a JSON text must
// escape: control, quote or backslash; len(s) when there is none.
func special(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := w^'"'*ones, w^'\\'*ones
		// A borrow can set a false flag only above a true one: the lowest flag is
		// exact.
		if flags := ((w - 0x20*ones) | (quote - ones) | (slash - ones)) &^ w & highs; flags != 0 {
			return i + bits.TrailingZeros64(flags)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// AppendString appends s to dst as a JSON text; bytes that are not UTF-8 become
// U+FFFD.
func AppendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		dst, _ = appendStandard(dst, s) // a text cannot fail
		return dst
	}
	return AppendText(dst, s)
}

// AppendValue appends v to dst. Values of the types of JSON are written directly,
// others by encoding/json.
func AppendValue(dst []byte, v any) ([]byte, error) { return appendValue(dst, v, maxDepth) }

func appendValue(dst []byte, v any, depth int) (_ []byte, err error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		if size := math.Abs(v); v == 0 || size >= 1e-6 && size < 1e21 {
			return strconv.AppendFloat(dst, v, 'f', -1, 64), nil
		}
	case map[string]any:
		if v != nil && depth > 0 {
			return appendObject(dst, v, depth-1)
		}
	case []any:
		if v == nil || depth == 0 {
			break
		}
		dst = append(dst, '[')
		for i, x := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendValue(dst, x, depth-1); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	return appendStandard(dst, v)
}

func appendObject(dst []byte, m map[string]any, depth int) (_ []byte, err error) {
	var few [16]string
	dst = append(dst, '{')
	for i, name := range sorted(few[:0], m) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		if dst, err = appendValue(dst, m[name], depth); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// AppendTexts appends an object of texts to dst.
func AppendTexts(dst []byte, m map[string]string) []byte {
	var few [16]string
	dst = append(dst, '{')
	for i, name := range sorted(few[:0], m) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		dst = AppendString(dst, m[name])
	}
	return append(dst, '}')
}

// sorted returns the names in m in the order of encoding/json, in the memory of
// room if it is enough.
func sorted[T any](room []string, m map[string]T) []string {
	for name := range m {
		room = append(room, name)
	}
	slices.Sort(room)
	return room
}

// appendStandard appends v by encoding/json.
func appendStandard(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false) // halves the size of an HTML mail; the body is never put into a page
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
