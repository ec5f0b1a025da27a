package smsby

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestClassify(t *testing.T) {
	const none = provider.Kind("")
	for _, row := range []struct {
		status  int
		effect  rest.Effect
		body    string
		kind    provider.Kind
		message string
	}{
		{200, rest.Send, `{"status":"OK","result":{"email_id":1}}`, none, ""},
		{200, rest.Send, `{"status":"ok","result":[]}`, none, ""},
		{200, rest.Send, `{"error":"Данный токен не найден"}`, provider.ErrUnauthorized, "Данный токен не найден"},
		{200, rest.Send, `{"error":"Пользователя с таким токеном не найдено"}`, provider.ErrUnauthorized, "Пользователя с таким токеном не найдено"},
		{200, rest.Send, `{"error":"Превышен лимит запросов"}`, provider.ErrRateLimited, "Превышен лимит запросов"},
		{200, rest.Send, `{"error":"Неверные данные или метод запроса"}`, provider.ErrInvalid, "Неверные данные или метод запроса"},
		{200, rest.Send, `{"error":"Некорректный запрос"}`, provider.ErrInvalid, "Некорректный запрос"},
		{200, rest.Send, `{"status":"error","error":"Адрес исключен из рассылки"}`, provider.ErrInvalid, "Адрес исключен из рассылки"},
		{200, rest.Send, `{"error":"Услуга не включена"}`, provider.ErrInvalid, "Услуга не включена"},
		{200, rest.Send, `{"error":"Слишком много ключевых слов"}`, provider.ErrInvalid, "Слишком много ключевых слов"},
		{200, rest.Send, `{"error":"Load balancer error"}`, provider.ErrInvalid, "Load balancer error"},
		{200, rest.Send, `{"error":"unbalanced brackets"}`, provider.ErrInvalid, "unbalanced brackets"},
		{200, rest.Send, `{"error":"The same message exists with ID=3"}`, provider.ErrConflict, "The same message exists with ID=3"},
		{200, rest.Send, `{"status":"Success","error":""}`, none, ""},
		{200, rest.Read, `{"status":"OK","error":null,"message":"done"}`, none, ""},
		{200, rest.Read, `{"status":"OK","error":false}`, none, ""},
		{200, rest.Upsert, `{"status":"OK","error":[]}`, none, ""},

		// An error text in a 200 is a refusal.
		{200, rest.Send, `{"error":"неверный ключ"}`, provider.ErrUnauthorized, "неверный ключ"},
		{200, rest.Send, `{"status":"error","message":"неверный адрес отправителя"}`, provider.ErrInvalid, "неверный адрес отправителя"},
		{200, rest.Send, `{"status":"error","error":{"email":["неверный адрес"],"subject":"пусто"}}`, provider.ErrInvalid, "email: неверный адрес, subject: пусто"},
		{200, rest.Send, `{"status":"OK","error":"Access denied"}`, provider.ErrForbidden, "Access denied"},
		{200, rest.Send, `{"status":"failed"}`, provider.ErrInvalid, ""},
		{200, rest.Send, `{"error":"Limit exceeded"}`, provider.ErrRateLimited, "Limit exceeded"},
		{200, rest.Send, `{"error":"Недостаточно средств"}`, provider.ErrNoCredit, "Недостаточно средств"},
		{200, rest.Upsert, `{"error":"список не найден"}`, provider.ErrNotFound, "список не найден"},
		{200, rest.Send, `{"error":17}`, provider.ErrInvalid, "error 17"},
		{200, rest.Send, `{"error":9007199254740993}`, provider.ErrInvalid, "error 9007199254740993"},
		{200, rest.Send, `{"error":true}`, provider.ErrInvalid, "error"},

		// Neither a success nor an error: an act without proof, a failed read.
		{200, rest.Send, `{"status":"queued","message":"will be sent"}`, provider.ErrOutcomeUnknown, "the answer says neither OK nor an error, but queued will be sent"},
		{200, rest.Read, `{"status":"queued"}`, provider.ErrBadResponse, "the answer does not say OK"},
		{200, rest.Send, `<html>login</html>`, none, ""},
		{200, rest.Read, `<html>login</html>`, provider.ErrBadResponse, "the answer does not say OK"},
		{200, rest.Send, ``, none, ""},
		{200, rest.Send, `{}`, none, ""},
		{200, rest.Read, ``, provider.ErrBadResponse, "the answer does not say OK"},
		{200, rest.Send, `{"result":{"email_id":1}}`, none, ""},

		// A clear status decides, the text does not soften it.
		{401, rest.Send, `{"message":"Unauthenticated"}`, provider.ErrUnauthorized, "Unauthenticated"},
		{403, rest.Send, `<html>`, provider.ErrForbidden, ""},
		{404, rest.Read, `{}`, provider.ErrNotFound, ""},
		{429, rest.Send, ``, provider.ErrRateLimited, ""},
		{500, rest.Send, `{"error":"неверный ключ"}`, provider.ErrUnavailable, "неверный ключ"},
		{400, rest.Send, `{"error":"no balance"}`, provider.ErrNoCredit, "no balance"},
		{421, rest.Send, `{"error":"data not verified"}`, provider.ErrInvalid, "data not verified"},
	} {
		got := classify(&httpx.Answer{Call: &rest.Call{Effect: row.effect}, Status: row.status, Body: []byte(row.body)})
		if row.kind == none {
			assert.Nil(t, got, "%d %s", row.status, row.body)
			continue
		}
		require.NotNil(t, got, "%d %s", row.status, row.body)
		assert.Equal(t, row.kind, got.Kind, "%d %s", row.status, row.body)
		assert.Equal(t, row.message, got.Message, "%d %s", row.status, row.body)
	}
}
