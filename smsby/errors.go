package smsby

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// words tell the kind of an error text; the first that the text says decides. The
// vendor documents no error of this API. Those marked "status page" are how its pages
// about SMS explain an HTTP status, those marked "API about SMS" are errors that the
// documents of that API list; the others are guesses.
var words = []struct {
	phrase string
	kind   provider.Kind
}{
	{"access denied", provider.ErrForbidden},    // status page, 403
	{"limit exceeded", provider.ErrRateLimited}, // status page, 429
	{"too many requests", provider.ErrRateLimited},
	{"превышен лимит", provider.ErrRateLimited}, // API about SMS
	{"token", provider.ErrUnauthorized},         // the parameter that holds the key
	{"токен*", provider.ErrUnauthorized},        // API about SMS: a wrong key is a token that is "not found"
	{"api key", provider.ErrUnauthorized},
	{"ключ", provider.ErrUnauthorized},
	{"ключа", provider.ErrUnauthorized},
	{"the same message exists", provider.ErrConflict}, // API about SMS
	{"not found", provider.ErrNotFound},               // status page, 404
	{"не найден*", provider.ErrNotFound},
	{"balance", provider.ErrNoCredit}, // mail is paid from the account's balance
	{"баланс*", provider.ErrNoCredit},
	{"недостаточно средств", provider.ErrNoCredit},
}

// classify reads {"status": …, "error": …, "message": …}. A success is a 2xx
// that says OK, or success, and has no error; the vendor's older API answers
// errors with 200. Of an answer that is no such object the chain decides whether it
// proves a send or a change; a read has failed then.
func classify(a *httpx.Answer) *provider.Error {
	var body struct {
		Status  flex.Text       `json:"status"`
		Error   json.RawMessage `json:"error"`
		Message flex.Text       `json:"message"`
	}
	_ = json.Unmarshal(a.Body, &body) // what is no object leaves it empty
	status, text := strings.ToLower(string(body.Status)), errorText(body.Error)
	refused := status == "error" || strings.HasPrefix(status, "fail")
	if text == "" && (refused || !a.OK()) {
		text = string(body.Message)
	}
	switch {
	case !a.OK():
		return &provider.Error{Kind: kindOf(a.Status, text), Message: text}
	case refused || text != "":
		return &provider.Error{Kind: kindOfText(text), Message: text}
	case status == "ok" || status == "success":
		return nil
	case a.Call.Effect == rest.Read:
		return &provider.Error{Kind: provider.ErrBadResponse, Message: "the answer does not say OK"}
	case status != "" || body.Message != "":
		return &provider.Error{Kind: provider.ErrOutcomeUnknown, Message: strings.TrimSpace("the answer says neither OK nor an error, but " + status + " " + string(body.Message))}
	}
	return nil
}

// kindOf lets a status that is clear decide alone.
func kindOf(status int, text string) provider.Kind {
	if kind := httpx.KindOfStatus(status); kind != provider.ErrInvalid {
		return kind
	}
	return kindOfText(text)
}

func kindOfText(text string) provider.Kind {
	for _, w := range words {
		if adapterkit.Says(text, w.phrase) {
			return w.kind
		}
	}
	return provider.ErrInvalid
}

// errorText is the text of an error, which may be a text, a list, or an object
// of texts by parameter; empty when there is no error.
func errorText(raw json.RawMessage) string {
	v, err := exact.Decode(raw)
	if err != nil {
		return ""
	}
	return flatten(v)
}

func flatten(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64, json.Number:
		if digits, _ := exact.Text(v); strings.Trim(digits, "-0.") != "" {
			return "error " + digits
		}
	case bool:
		if v {
			return "error"
		}
	case []any:
		for _, x := range v {
			parts = append(parts, flatten(x))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text := flatten(v[key]); text != "" {
				parts = append(parts, key+": "+text)
			}
		}
	}
	return strings.Join(parts, ", ")
}
