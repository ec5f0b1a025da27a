package pakat

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// texts are the vendor's words that say more than the status; the first that an error
// says decides. It has no codes. That a subscriber exists comes with 409, and with another
// status on some installations; the others are of a public list of the texts that the
// software's API can answer with, without their statuses. By those of
// ErrUnavailable nothing was done, and the call may be made again.
var texts = []struct {
	phrase string
	kind   provider.Kind
}{
	{"unable to acquire the mutex lock", provider.ErrUnavailable}, // another change of the address is under way
	{"service unavailable", provider.ErrUnavailable},              // the API is switched off at the installation
	{"already exists in this list", provider.ErrConflict},
	{"email address is blacklisted", provider.ErrConflict}, // of mails too, not only of subscribers
	{"already been marked as", provider.ErrConflict},
	{"cannot be removed now", provider.ErrConflict},
	{"does not allow marking it as", provider.ErrConflict},
	{"ip address is not allowed", provider.ErrUnauthorized},
	{"not have enough permissions", provider.ErrForbidden},
	{"maximum number of allowed", provider.ErrNoCredit},
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
		if adapterkit.Says(e.Message, t.phrase) {
			e.Kind = t.kind
			break
		}
	}
	return e
}

// readError returns the vendor's words, and our name of the first field they
// are about.
func readError(raw json.RawMessage) (message, field string) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) == nil && len(fields) > 0 {
		field = fieldName(slices.Min(slices.Collect(maps.Keys(fields))))
	}
	return adapterkit.Words(raw), field
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
