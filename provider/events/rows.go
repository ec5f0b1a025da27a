package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postmux/postmux/internal/loose"
)

// mostRows is how many events one body may hold. Providers send at most 500.
const mostRows = 5000

// errTooMany is the error of a body with more than mostRows events.
var errTooMany = fmt.Errorf("events: a body of more than %d events", mostRows)

// errBody is the error of a body that is neither an object nor a list of objects, or too deep.
var errBody = errors.New("events: the body is neither a JSON object nor a list of them")

// mostDepth is how deep lists and objects may lie in each other. An event holds its record, so
// one of the depth that JSON readers take could be stored and forwarded, and never be read again.
const mostDepth = 1000

// tooDeep reports whether valid JSON is deeper than that.
func tooDeep(body []byte) bool {
	if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) <= mostDepth {
		return false
	}
	depth, inText := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '[' || c == '{':
			if depth++; depth > mostDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// Rows returns the events of a body: of an object one, of a list its elements. An empty
// body, {} and [], with which providers try an address, have none. An element of a list
// may be anything. It is for adapters. The rows share no memory with body.
func Rows(body []byte) ([]json.RawMessage, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 {
		return nil, nil
	}
	switch body[0] {
	case '{':
		if !json.Valid(body) || tooDeep(body) {
			return nil, errBody
		}
		if len(bytes.TrimSpace(body[1:len(body)-1])) == 0 {
			return nil, nil
		}
		return []json.RawMessage{bytes.Clone(body)}, nil
	case '[':
		if !json.Valid(body) || tooDeep(body) {
			return nil, errBody
		}
		var rows []json.RawMessage
		n := 0
		loose.Elements(body, func(row []byte) {
			if n++; n <= mostRows {
				rows = append(rows, bytes.Clone(row))
			}
		})
		if n > mostRows {
			return nil, errTooMany
		}
		return rows, nil
	}
	return nil, errBody
}
