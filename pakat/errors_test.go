package pakat

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

func TestClassify(t *testing.T) {
	const exists = `{"status":"error","error":"The subscriber already exists in this list."}`
	for _, tc := range []struct {
		name           string
		status         int
		body           string
		kind           provider.Kind // empty: a success
		message, field string
	}{
		{"success", 200, `{"status":"success"}`, "", "", ""},
		{"created", 201, `{"status":"success","email_uid":"wk71c0vzn5bda"}`, "", "", ""},
		{"quota says ok", 200, `{"status":"ok","quota":{}}`, "", "", ""},
		{"no status at all", 200, `{"email_uid":"x"}`, "", "", ""},
		{"empty body", 200, ``, "", "", ""},
		{"error in a 200", 200, `{"status":"error","error":"no"}`, provider.ErrInvalid, "no", ""},
		{"duplicate in a 200", 200, exists, provider.ErrConflict, "The subscriber already exists in this list.", ""},
		{"duplicate", 409, exists, provider.ErrConflict, "The subscriber already exists in this list.", ""},
		{"duplicate as 400", 400, exists, provider.ErrConflict, "The subscriber already exists in this list.", ""},
		{"blacklisted recipient", 422, `{"status":"error","error":{"to_email":"This email address is blacklisted!"}}`, provider.ErrConflict, "to_email: This email address is blacklisted!", "to[0].email"},
		{"blacklisted subscriber", 400, `{"status":"error","error":"This email address is blacklisted."}`, provider.ErrConflict, "This email address is blacklisted.", ""},
		{"address of the program", 400, `{"status":"error","error":"Your IP address is not allowed to access this server."}`, provider.ErrUnauthorized, "Your IP address is not allowed to access this server.", ""},
		{"permission", 400, `{"status":"error","error":"You do not have enough permissions to access this endpoint."}`, provider.ErrForbidden, "You do not have enough permissions to access this endpoint.", ""},
		{"quota of lists", 422, `{"status":"error","error":"You have reached the maximum number of allowed lists."}`, provider.ErrNoCredit, "You have reached the maximum number of allowed lists.", ""},
		{"another change of the address", 422, `{"status":"error","error":"Unable to acquire the mutex lock, please try again."}`, provider.ErrUnavailable, "Unable to acquire the mutex lock, please try again.", ""},
		{"switched off", 400, `{"status":"error","error":"Service Unavailable."}`, provider.ErrUnavailable, "Service Unavailable.", ""},
		{"words inside words", 422, `{"status":"error","error":"Preexists in this listing"}`, provider.ErrInvalid, "Preexists in this listing", ""},
		{"words are no excuse for 500", 500, exists, provider.ErrUnavailable, "The subscriber already exists in this list.", ""},
		{"text", 400, `{"status":"error","error":"bad"}`, provider.ErrInvalid, "bad", ""},
		{"fields of a mail", 422, `{"status":"error","error":{"to_email":"wrong","send_at":"empty"}}`, provider.ErrInvalid, "send_at: empty; to_email: wrong", "send_at"},
		{"fields of a subscriber", 422, `{"status":"error","error":{"EMAIL":["wrong","long"],"FNAME":"empty"}}`, provider.ErrInvalid, "EMAIL: wrong, long; FNAME: empty", "email"},
		{"own field", 400, `{"status":"error","error":{"CITY":"required"}}`, provider.ErrInvalid, "CITY: required", "fields.CITY"},
		{"digits", 400, `{"status":"error","error":{"CITY":9007199254740993}}`, provider.ErrInvalid, "CITY: 9007199254740993", "fields.CITY"},
		{"recipient", 400, `{"status":"error","error":{"to_name":"required"}}`, provider.ErrInvalid, "to_name: required", "to[0].name"},
		{"list of texts", 400, `{"status":"error","error":["a","b"]}`, provider.ErrInvalid, "a, b", ""},
		{"null", 400, `{"status":"error","error":null}`, provider.ErrInvalid, "", ""},
		{"key", 401, `{"status":"error","error":"key"}`, provider.ErrUnauthorized, "key", ""},
		{"refused", 403, `{"status":"error","error":"no"}`, provider.ErrForbidden, "no", ""},
		{"unknown uid", 404, `{"status":"error","error":"gone"}`, provider.ErrNotFound, "gone", ""},
		{"too many", 429, `{"status":"error","error":"slow"}`, provider.ErrRateLimited, "slow", ""},
		{"gateway", 502, `<html>Bad Gateway</html>`, provider.ErrUnavailable, "", ""},
		{"web server", 403, `<html>Forbidden</html>`, provider.ErrForbidden, "", ""},
		{"redirect", 302, ``, provider.ErrBadResponse, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := classify(&httpx.Answer{Status: tc.status, Body: []byte(tc.body)})
			if tc.kind == "" {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, tc.kind, e.Kind)
			assert.Equal(t, tc.message, e.Message)
			assert.Equal(t, tc.field, e.Field)
		})
	}
}
