package sendpulse

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// meaning is what a code of the vendor says.
type meaning struct {
	kind  provider.Kind
	field string
}

// codes is the vendor's own vocabulary. A code that is not here leaves the
// decision to the status.
var codes = map[string]meaning{
	"8":    {kind: provider.ErrInvalid},                        // no data
	"10":   {kind: provider.ErrInvalid, field: "from"},         // no sender, unless a text says otherwise
	"11":   {kind: provider.ErrInvalid, field: "to"},           // no recipients
	"12":   {kind: provider.ErrInvalid, field: "subject"},      // no subject
	"13":   {kind: provider.ErrInvalid, field: "html"},         // no body
	"14":   {kind: provider.ErrNotFound},                       // no mail with this id; status 400
	"17":   {kind: provider.ErrNotFound},                       // address not found
	"19":   {kind: provider.ErrConflict},                       // exists already
	"20":   {kind: provider.ErrForbidden, field: "from.email"}, // sender at a free mail service
	"31":   {kind: provider.ErrInvalid, field: "template"},     // no template
	"32":   {kind: provider.ErrInvalid, field: "template"},     // template is empty
	"97":   {kind: provider.ErrForbidden, field: "from.email"}, // sender at a free mail service
	"201":  {kind: provider.ErrInvalid, field: "name"},         // list without a name
	"203":  {kind: provider.ErrConflict, field: "name"},        // name of a list is in use
	"211":  {kind: provider.ErrInvalid, field: "list"},         // list is empty
	"213":  {kind: provider.ErrNotFound, field: "list"},        // no such list
	"290":  {kind: provider.ErrNotFound, field: "template"},    // no such template
	"299":  {kind: provider.ErrNotFound, field: "fields"},      // no such variable
	"301":  {kind: provider.ErrInvalid},                        // wrong parameters
	"303":  {kind: provider.ErrNotFound, field: "email"},       // addresses are not on the list
	"401":  {kind: provider.ErrUnauthorized},                   // token wrong or expired
	"502":  {kind: provider.ErrNotFound},                       // address not found
	"550":  {kind: provider.ErrInvalid, field: "to"},           // too many recipients
	"573":  {kind: provider.ErrConflict, field: "name"},        // name of a template is in use
	"707":  {kind: provider.ErrNoCredit},                       // balance is used up
	"708":  {kind: provider.ErrForbidden},                      // not in the plan
	"731":  {kind: provider.ErrInvalid, field: "fields"},       // variables are malformed
	"791":  {kind: provider.ErrRateLimited},                    // 4 campaigns an hour
	"832":  {kind: provider.ErrInvalid},                        // bad list of addresses or ids
	"902":  {kind: provider.ErrConflict, field: "email"},       // sender is in use
	"904":  {kind: provider.ErrForbidden, field: "from.email"}, // sender is blocked
	"905":  {kind: provider.ErrNoCredit},                       // no further senders in the plan
	"999":  {kind: provider.ErrInvalid},                        // malformed data
	"2900": {kind: provider.ErrInvalid, field: "template"},     // template cannot be processed

	"2020202020": {kind: provider.ErrRateLimited}, // 10 calls a second
	"3030303030": {kind: provider.ErrForbidden},   // not in the plan

	"invalid_client":      {kind: provider.ErrUnauthorized}, // of the token call
	"unauthorized_client": {kind: provider.ErrUnauthorized},
}

// texts tell what the codes of several meanings mean: 422, which the vendor's OpenAPI
// file gives to quota, limits and senders as well as to wrong fields, and 10. A text that
// is not here is a wrong field.
var texts = []struct {
	phrase string
	meaning
}{
	{"sending quota or bandwidth exceeded", meaning{kind: provider.ErrNoCredit}},
	{"sending from your account is currently limited", meaning{kind: provider.ErrRateLimited}},
	{"no more than 5 are allowed per day", meaning{kind: provider.ErrRateLimited}},
	{"sender is not valid", meaning{kind: provider.ErrForbidden, field: "from.email"}},
	{"dmarc policy error", meaning{kind: provider.ErrForbidden, field: "from.email"}},
	{"your tariff does not allow the operation", meaning{kind: provider.ErrForbidden}},
	{"your tariff plan ended", meaning{kind: provider.ErrNoCredit}},
	{"argument template id missing", meaning{kind: provider.ErrInvalid, field: "template"}},
	{"blocked email not found", meaning{kind: provider.ErrNotFound, field: "email"}},
	{"the address book has active campaign", meaning{kind: provider.ErrConflict, field: "list"}},
}

// meaningOf returns what code 422 with the text means.
func meaningOf(text string) (meaning, bool) {
	for _, t := range texts {
		if adapterkit.Says(text, t.phrase) {
			return t.meaning, true
		}
	}
	return meaning{}, false
}

// operationCodes are codes that mean something else in one operation.
var operationCodes = map[string]map[string]meaning{
	// The SMTP service is not switched on.
	"sendEmail":              {"400": {kind: provider.ErrForbidden}},
	"getEmailsTotal":         {"400": {kind: provider.ErrForbidden}},
	"sendResubscribeEmail":   {"503": {kind: provider.ErrForbidden}},
	"addSMTPUnsubscribes":    {"14": {kind: provider.ErrInvalid, field: "email"}, "17": {kind: provider.ErrInvalid, field: "email"}},
	"removeSMTPUnsubscribes": {"14": {kind: provider.ErrInvalid, field: "email"}},
}

// resultIsData are operations whose field result is the information asked for.
var resultIsData = map[string]bool{"getSMTPUnsubscribe": true, "getCampaignCost": true}

// refusal holds the fields of every error form that the vendor is known to
// send. All are read as text, so that one of an odd type hides nothing else.
type refusal struct {
	Message     flex.Text `json:"message"`
	Code        flex.Text `json:"error_code"`
	Status      flex.Text `json:"http_code"`
	IsError     flex.Text `json:"is_error"`
	Result      raw       `json:"result"`
	Success     raw       `json:"success"`
	OAuth       flex.Text `json:"error"`
	Description flex.Text `json:"error_description"`
}

// classify reads an error answer. The vendor has four forms and sends some of
// them with status 200 too; with 401 and 403 there may be no body.
func classify(a *httpx.Answer) *provider.Error {
	body := parse(a.Body)
	if a.OK() && !body.refused(a.Call.Operation) {
		return nil
	}
	e := &provider.Error{Kind: kindOfStatus(a, body), Code: string(body.Code), Message: string(body.Message)}
	if e.Code == "" {
		e.Code = string(body.OAuth)
	}
	if e.Message == "" {
		e.Message = string(body.Description)
	}
	if a.Status >= 500 || a.Status == http.StatusTooManyRequests || a.OK() && e.Kind == provider.ErrOutcomeUnknown {
		return e // the status says what became of the call; a code cannot make it milder
	}
	m, known := operationCodes[a.Call.Operation][e.Code]
	if several := e.Code == "422" || e.Code == "10" || e.Code == "" && a.Status == http.StatusUnprocessableEntity; !known && several {
		m, known = meaningOf(e.Message)
	}
	if !known {
		m, known = codes[e.Code]
	}
	if known {
		e.Kind, e.Field = m.kind, m.field
	}
	if e.Message == "" && a.OK() {
		e.Message = "the provider refused without a reason"
	}
	return e
}

// parse reads an object. Lists, and what is no JSON, have none of the fields.
func parse(data []byte) (r refusal) {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '{' {
		_ = json.Unmarshal(data, &r)
	}
	return r
}

// refused reports whether an answer with status 200 is a refusal.
func (r refusal) refused(operation string) bool {
	return r.IsError == "true" || r.IsError == "1" || r.Code != "" && r.Code != "0" ||
		no(r.Success) || no(r.Result) && !resultIsData[operation]
}

// raw is the JSON of a field.
type raw = json.RawMessage

func no(value raw) bool {
	switch strings.Trim(string(value), `"`) {
	case "false", "0":
		return true
	}
	return false
}

// kindOfStatus is the kind by the status, or by the one that the body says the
// answer should have had.
func kindOfStatus(a *httpx.Answer, body refusal) provider.Kind {
	status := a.Status
	if a.OK() {
		status, _ = strconv.Atoi(string(body.Status))
		switch {
		case status >= 500 || status == http.StatusRequestTimeout:
			return provider.ErrOutcomeUnknown // nothing says that it was not carried out
		case status < 400:
			return provider.ErrInvalid
		}
	}
	return httpx.KindOfStatus(status)
}
