package sendinblue

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// The code decides, whatever type the message has and whatever the status is.
func TestClassify(t *testing.T) {
	for _, row := range []struct {
		name    string
		status  int
		effect  rest.Effect
		body    string
		kind    provider.Kind // empty: a success
		code    string
		field   string
		message string
	}{
		{
			name: "text", status: 400, body: `{"code":"not_enough_credits","message":"You have no credits"}`,
			kind: provider.ErrNoCredit, code: "not_enough_credits", message: "You have no credits",
		},
		{
			name: "list of texts", status: 400, body: `{"code":"not_enough_credits","message":["You have no credits"]}`,
			kind: provider.ErrNoCredit, code: "not_enough_credits", message: "You have no credits",
		},
		{
			name: "object of texts", status: 400, body: `{"code":"invalid_parameter","message":{"to":["is wrong","is long"],"cc":"x"}}`,
			kind: provider.ErrInvalid, code: "invalid_parameter", message: "cc: x; to: is wrong, is long",
		},
		{name: "number as code", status: 400, body: `{"code":400,"message":"bad"}`, kind: provider.ErrInvalid, code: "400", message: "bad"},
		{name: "null", status: 400, body: `{"code":null,"message":null}`, kind: provider.ErrInvalid},
		{name: "no object", status: 401, body: `"no"`, kind: provider.ErrUnauthorized},
		{
			name: "odd metadata", status: 400, body: `{"code":"not_enough_credits","message":"m","metadata":"none"}`,
			kind: provider.ErrNoCredit, code: "not_enough_credits", message: "m",
		},
		{
			name: "another contact has the address", status: 400,
			body: `{"code":"invalid_parameter","message":"m","metadata":{"duplicate_identifiers":["email"]}}`,
			kind: provider.ErrConflict, code: "invalid_parameter", field: "email", message: "m",
		},
		{
			name: "another contact has the number", status: 400,
			body: `{"code":"invalid_parameter","message":"m","metadata":{"duplicate_identifiers":["SMS","email"]}}`,
			kind: provider.ErrConflict, code: "invalid_parameter", field: "phone", message: "m",
		},
		{
			name: "a key seen before", status: 400, body: `{"code":"duplicate_parameter","message":"Idempotency key was used"}`,
			kind: httpx.KindDuplicate, code: "duplicate_parameter",
			message: "a mail with this idempotency key was accepted before; the provider does not tell its id again",
		},
		{
			name: "a refusal in a success", status: 200, body: `{"code":"unauthorized","message":"Key not found"}`,
			kind: provider.ErrUnauthorized, code: "unauthorized", message: "Key not found",
		},
		{name: "the same in a read", status: 200, effect: rest.Read, body: `{"code":"unauthorized","message":"Key not found"}`},
		{name: "a word that is no code, in a success", status: 200, body: `{"code":"fine","message":"m"}`},
		{name: "a success", status: 201, body: `{"messageId":"<1@x>"}`},
		{
			name: "a fault is not milder by its code", status: 500, body: `{"code":"invalid_parameter","message":"m"}`,
			kind: provider.ErrUnavailable, code: "invalid_parameter", message: "m",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.effect == "" {
				row.effect = rest.Send
			}
			e := Classify(&httpx.Answer{Call: &rest.Call{Effect: row.effect}, Status: row.status, Body: []byte(row.body)})
			if row.kind == "" {
				require.Nil(t, e)
				return
			}
			require.NotNil(t, e)
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.code, e.Code)
			assert.Equal(t, row.field, e.Field)
			assert.Equal(t, row.message, e.Message)
		})
	}
}
