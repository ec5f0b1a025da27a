package pakat

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// texts are the vendor's words that say more than the status. It has no codes;
// this text comes with 409, and with another status on some installations.
var texts = []struct {
	part string
	kind provider.Kind
}{
	{"already exists in this list", provider.ErrConflict},
}

// portable are our names for the vendor's, in messages about a single field.
var portable = map[string]string{
	"from_email": "from.email", "from_name": "from.name",
	"to_email": "to[0].email", "to_name": "to[0].name",
	"reply_to_email": "reply_to[0].email", "reply_to_name": "reply_to[0].name",
	"body": "html", "plain_text": "text", "template_uid": "template.id", "params": "variables",
	tagEmail: "email", tagFirstName: "first_name", tagLastName: "last_name",
}

// classify reads {"status": "error", "error": …}, where error is a text or an
// object with the message for each field. The word error counts at any status:
// a success is told by "success", by "ok" and by nothing at all.
func classify(a *httpx.Answer) *provider.Error {
	var body struct {
		Status string          `json:"status"`
		Error  json.RawMessage `json:"error"`
	}
	// An answer that is no object leaves the decision to the status.
	_ = json.Unmarshal(a.Body, &body)
	if a.OK() && body.Status != "error" {
		return nil
	}
	e := &provider.Error{Kind: httpx.KindOfStatus(a.Status)}
	if a.OK() {
		e.Kind = provider.ErrInvalid // refused, whatever the status says
	}
	e.Message, e.Field = readError(body.Error)
	if a.Status >= 500 || a.Status == http.StatusTooManyRequests {
		return e // the status says what became of the call; words cannot make it milder
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(e.Message), t.part) {
			e.Kind = t.kind
		}
	}
	return e
}

// readError returns the vendor's words, and our name of the first field they
// are about.
func readError(raw json.RawMessage) (message, field string) {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return "", ""
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return words(v), ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if field == "" {
			field = fieldName(name)
		}
		parts = append(parts, name+": "+words(fields[name]))
	}
	return strings.Join(parts, "; "), field
}

func fieldName(name string) string {
	if known, ok := portable[name]; ok {
		return known
	}
	if tagForm.MatchString(name) {
		return "fields." + name
	}
	return name
}

// words is a message, or several in a list.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, words(x))
		}
		return strings.Join(out, ", ")
	}
	text, _ := json.Marshal(v)
	return string(text)
}
