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

// errBody is the error of a body that is neither an object nor a list of objects.
var errBody = errors.New("events: the body is neither a JSON object nor a list of them")

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
		if !json.Valid(body) {
			return nil, errBody
		}
		if len(bytes.TrimSpace(body[1:len(body)-1])) == 0 {
			return nil, nil
		}
		return []json.RawMessage{bytes.Clone(body)}, nil
	case '[':
		if !json.Valid(body) {
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
