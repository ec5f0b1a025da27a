package httpx

import (
	"bytes"
	"encoding/json"
)

// maxStarts bounds how many places payload tries as the start of the JSON.
const maxStarts = 16

// payload returns the JSON of an answer. A byte order mark is skipped, and so are
// warnings that a PHP server prints before its JSON, as HTML or as text. Where no list
// is expected, a list of one object is returned as the object. A body that holds no
// JSON is returned without its byte order mark and the white space around it.
func payload(body []byte, list bool) []byte {
	b := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
	if len(b) == 0 {
		return b
	}
	if b[0] != '{' && b[0] != '[' {
		b = behindWarnings(b)
	}
	if b[0] == '[' && !list {
		var items []json.RawMessage
		if json.Unmarshal(b, &items) == nil && len(items) == 1 && len(items[0]) > 0 && items[0][0] == '{' {
			return items[0]
		}
	}
	return b
}

// behindWarnings returns the object or list with which b ends, or b.
func behindWarnings(b []byte) []byte {
	if last := b[len(b)-1]; last != '}' && last != ']' {
		return b
	}
	for at, tried := 0, 0; tried < maxStarts; tried++ {
		next := bytes.IndexAny(b[at:], "{[")
		if next < 0 {
			return b
		}
		at += next
		if json.Valid(b[at:]) {
			return b[at:]
		}
		at++
	}
	return b
}
