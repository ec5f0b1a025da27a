package sendpulse

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		op     string
		status int
		body   string
		kind   provider.Kind // empty: a success
		code   string
		field  string
	}{
		"quota":                      {"sendEmail", 422, `{"error_code":422,"message":"Sending quota or bandwidth exceeded"}`, provider.ErrNoCredit, "422", ""},
		"account limited":            {"sendEmail", 422, `{"error_code":422,"message":"Sending from your account is currently limited"}`, provider.ErrRateLimited, "422", ""},
		"sender":                     {"sendEmail", 422, `{"error_code":422,"message":"Sender is not valid"}`, provider.ErrForbidden, "422", "from.email"},
		"size":                       {"sendEmail", 422, `{"error_code":422,"message":"Message size limit exceeded"}`, provider.ErrInvalid, "422", ""},
		"field":                      {"sendEmail", 422, `{"error_code":422,"message":"Argument from is invalid"}`, provider.ErrInvalid, "422", ""},
		"template":                   {"createCampaign", 422, `{"error_code":10,"message":"Argument template.id missing"}`, provider.ErrInvalid, "10", "template"},
		"no sender":                  {"sendEmail", 422, `{"error_code":10,"message":"Missed sender"}`, provider.ErrInvalid, "10", "from"},
		"no addresses":               {"removeSMTPUnsubscribes", 400, `{"error_code":14,"message":"Empty emails"}`, provider.ErrInvalid, "14", "email"},
		"no SMTP user":               {"sendResubscribeEmail", 422, `{"error_code":503,"message":"Smtp user not found"}`, provider.ErrForbidden, "503", ""},
		"no SMTP account":            {"getEmailsTotal", 422, `{"error_code":400,"message":"No such SMTP user"}`, provider.ErrForbidden, "400", ""},
		"template name in use":       {"createTemplate", 422, `{"error_code":573}`, provider.ErrConflict, "573", "name"},
		"balance":                    {"createCampaign", 422, `{"error_code":707}`, provider.ErrNoCredit, "707", ""},
		"plan ended":                 {"getCampaignCost", 422, `{"error_code":422,"message":"Your tariff plan ended"}`, provider.ErrNoCredit, "422", ""},
		"sender's domain":            {"addSender", 422, `{"error_code":422,"message":"DMARC policy error. Please, use another sender domain."}`, provider.ErrForbidden, "422", "from.email"},
		"plan":                       {"listEmails", 422, `{"error_code":422,"message":"Your tariff does not allow the operation"}`, provider.ErrForbidden, "422", ""},
		"limit of a day":             {"sendResubscribeEmail", 422, `{"error_code":422,"message":"No more than 5 are allowed per day"}`, provider.ErrRateLimited, "422", ""},
		"not blocked":                {"sendResubscribeEmail", 422, `{"error_code":422,"message":"Blocked email not found"}`, provider.ErrNotFound, "422", "email"},
		"list in use":                {"deleteList", 422, `{"error_code":422,"message":"The address book has active campaign"}`, provider.ErrConflict, "422", "list"},
		"sender in use":              {"addSender", 422, `{"error_code":902}`, provider.ErrConflict, "902", "email"},
		"plan of campaigns":          {"createCampaign", 422, `{"error_code":708}`, provider.ErrForbidden, "708", ""},
		"another status":             {"sendEmail", 500, `{"error_code":422,"message":"Sending quota or bandwidth exceeded"}`, provider.ErrUnavailable, "422", ""},
		"success":                    {"sendEmail", 200, `{"result":true,"id":"a"}`, "", "", ""},
		"list":                       {"ListEmails", 200, ` [{"result":false}]`, "", "", ""},
		"empty success":              {"DeleteList", 200, ``, "", "", ""},
		"no JSON in a success":       {"sendEmail", 200, `<html>`, "", "", ""},
		"not unsubscribed":           {"getSMTPUnsubscribe", 200, `{"result":false}`, "", "", ""},
		"code 0":                     {"GetList", 200, `{"is_error":false,"error_code":0}`, "", "", ""},
		"result false":               {"sendEmail", 200, `{"result":false}`, provider.ErrInvalid, "", ""},
		"result 0":                   {"sendEmail", 200, `{"result":0}`, provider.ErrInvalid, "", ""},
		"success false":              {"sendEmail", 200, `{"success":false,"data":{}}`, provider.ErrInvalid, "", ""},
		"older form":                 {"ListEmails", 200, `{"is_error":true,"http_code":400,"error_code":301,"message":"Wrong"}`, provider.ErrInvalid, "301", ""},
		"older form, not found":      {"DeleteContact", 200, `{"is_error":true,"http_code":404,"error_code":"502"}`, provider.ErrNotFound, "502", ""},
		"older form, no code":        {"GetList", 200, `{"is_error":1,"http_code":"403"}`, provider.ErrForbidden, "", ""},
		"older form, fault":          {"sendEmail", 200, `{"is_error":true,"http_code":500}`, provider.ErrOutcomeUnknown, "", ""},
		"older form, odd message":    {"sendEmail", 200, `{"message":["a"],"is_error":true,"http_code":422}`, provider.ErrInvalid, "", ""},
		"error in an unsubscription": {"getSMTPUnsubscribe", 200, `{"is_error":true,"result":false,"http_code":400}`, provider.ErrInvalid, "", ""},
		"throttled in a 200":         {"sendEmail", 200, `{"is_error":true,"http_code":400,"error_code":2020202020}`, provider.ErrRateLimited, "2020202020", ""},
		"throttled":                  {"sendEmail", 429, `{"message":"Too many","error_code":2020202020}`, provider.ErrRateLimited, "2020202020", ""},
		"throttled with 400":         {"sendEmail", 400, `{"error_code":2020202020}`, provider.ErrRateLimited, "2020202020", ""},
		"campaigns throttled":        {"sendEmail", 400, `{"error_code":791}`, provider.ErrRateLimited, "791", ""},
		"not in the plan":            {"AddContacts", 403, `{"error_code":3030303030}`, provider.ErrForbidden, "3030303030", ""},
		"not in the plan with 422":   {"AddContacts", 422, `{"error_code":3030303030}`, provider.ErrForbidden, "3030303030", ""},
		"no body 401":                {"GetList", 401, ``, provider.ErrUnauthorized, "", ""},
		"no body 403":                {"GetList", 403, ``, provider.ErrForbidden, "", ""},
		"expired token":              {"GetList", 401, `{"message":"Unauthorized!","error_code":401}`, provider.ErrUnauthorized, "401", ""},
		"OAuth":                      {"CreateAccessToken", 401, `{"error":"invalid_client","error_description":"d"}`, provider.ErrUnauthorized, "invalid_client", ""},
		"OAuth with 400":             {"CreateAccessToken", 400, `{"error":"invalid_client"}`, provider.ErrUnauthorized, "invalid_client", ""},
		"unknown mail":               {"GetEmail", 400, `{"message":"Email not found","error_code":14}`, provider.ErrNotFound, "14", ""},
		"unknown list":               {"GetList", 404, `{"error_code":213}`, provider.ErrNotFound, "213", "list"},
		"unknown address":            {"ListMemberships", 400, `{"error_code":17}`, provider.ErrNotFound, "17", ""},
		"bad address":                {"addSMTPUnsubscribes", 400, `{"error_code":17}`, provider.ErrInvalid, "17", "email"},
		"no SMTP service":            {"sendEmail", 400, `{"error_code":400}`, provider.ErrForbidden, "400", ""},
		"400 elsewhere":              {"AddContacts", 400, `{"error_code":400}`, provider.ErrInvalid, "400", ""},
		"volume":                     {"sendEmail", 422, `{"message":"limited","error_code":422}`, provider.ErrInvalid, "422", ""},
		"name in use":                {"CreateList", 422, `{"error_code":203}`, provider.ErrConflict, "203", "name"},
		"free mail service":          {"sendEmail", 422, `{"error_code":97}`, provider.ErrForbidden, "97", "from.email"},
		"gateway":                    {"sendEmail", 502, `<html>`, provider.ErrUnavailable, "", ""},
		"fault with a code":          {"sendEmail", 500, `{"error_code":422}`, provider.ErrUnavailable, "422", ""},
		"fault in a 200 with a code": {"sendEmail", 200, `{"error_code":422,"http_code":503,"is_error":true}`, provider.ErrOutcomeUnknown, "422", ""},
		"fault with a listed code":   {"sendEmail", 200, `{"error_code":17,"http_code":500}`, provider.ErrOutcomeUnknown, "17", ""},
		"not listed":                 {"sendEmail", 409, `{"error_code":12345}`, provider.ErrConflict, "12345", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := classify(&httpx.Answer{Call: &rest.Call{Operation: test.op}, Status: test.status, Body: []byte(test.body)})
			if test.kind == "" {
				assert.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, test.kind, e.Kind)
			assert.Equal(t, test.code, e.Code)
			assert.Equal(t, test.field, e.Field)
		})
	}
}

// The bodies of the spec's examples are recognized.
func TestClassifyExamples(t *testing.T) {
	for name, want := range map[string]struct {
		status int
		kind   provider.Kind
	}{
		"sendEmail.error":              {http.StatusUnprocessableEntity, provider.ErrForbidden}, // "Sender is not valid"
		"sendEmail.error-in-200":       {http.StatusOK, provider.ErrInvalid},
		"sendEmail.error-plan":         {http.StatusForbidden, provider.ErrForbidden},
		"sendEmail.error-rate":         {http.StatusTooManyRequests, provider.ErrRateLimited},
		"sendEmail.error-unauthorized": {http.StatusUnauthorized, provider.ErrUnauthorized},
		"sendEmail.answer-refused":     {http.StatusOK, provider.ErrInvalid},
		"createAccessToken.error":      {http.StatusUnauthorized, provider.ErrUnauthorized},
		"createList.error":             {http.StatusUnprocessableEntity, provider.ErrConflict},
		"getContact.error":             {http.StatusNotFound, provider.ErrNotFound},
		"getEmail.error":               {http.StatusBadRequest, provider.ErrNotFound},
		"listEmails.error-in-200":      {http.StatusOK, provider.ErrInvalid},
		"unsubscribeContacts.error":    {http.StatusUnprocessableEntity, provider.ErrInvalid},
	} {
		body, err := os.ReadFile(filepath.Join("..", "api", "sendpulse", "examples", name+".json"))
		require.NoError(t, err)
		e := classify(&httpx.Answer{Call: &rest.Call{Operation: "sendEmail"}, Status: want.status, Body: body})
		require.NotNil(t, e, name)
		assert.Equal(t, want.kind, e.Kind, name)
	}
}

// Every code has a kind, so that none hides what the status says.
func TestCodes(t *testing.T) {
	for code, m := range codes {
		assert.NotEmpty(t, m.kind, code)
	}
}

// A code is looked up by the operation's name, so that name has to be the spec's.
func TestOperationsOfErrors(t *testing.T) {
	data, err := api.Spec("sendpulse")
	require.NoError(t, err)
	names := slices.Concat(slices.Collect(maps.Keys(operationCodes)), slices.Collect(maps.Keys(resultIsData)), []string{tokenOperation})
	for _, name := range names {
		assert.Contains(t, string(data), "operationId: "+name+"\n")
	}
}
