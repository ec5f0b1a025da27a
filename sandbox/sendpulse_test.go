package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func startSendPulse(t *testing.T, options ...Option) (*Server, *client) {
	s := New(t, options...)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return s, &client{
		t: t, http: &http.Client{Transport: tr}, base: s.BaseURL("sendpulse"), key: [2]string{"Authorization", "Bearer " + SendPulseAPIKey},
	}
}

// rows decodes an answer that is a list.
func (r reply) rows(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.raw), &out), r.raw)
	return out
}

func TestSendPulseToken(t *testing.T) {
	s, c := startSendPulse(t)
	c.call(200, "GET", "/balance", "") // with the API key
	login := func(secret string) string {
		return fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, ClientID, secret)
	}
	c.key[1] = "Bearer wrong"
	assert.Equal(t, map[string]any{"message": "Unauthorized!", "error_code": 401.0}, c.call(401, "GET", "/balance", "").body)
	assert.Equal(t, "invalid_client", c.call(401, "POST", "/oauth/access_token", login("wrong")).body["error"])
	got := c.call(200, "POST", "/oauth/access_token", login(Key("sendpulse"))).body
	assert.Equal(t, "Bearer", got["token_type"])
	assert.InDelta(t, 3600, got["expires_in"], 0)
	c.key[1] = "Bearer " + got["access_token"].(string)
	c.call(200, "GET", "/balance", "")
	s.Advance(59 * time.Minute)
	c.call(200, "GET", "/balance", "")
	s.Advance(2 * time.Minute)
	c.call(401, "GET", "/balance", "")
	c.call(404, "GET", "/nothing", "")
	assert.Len(t, s.Violations(), 1)
}

func TestSendPulseSend(t *testing.T) {
	s, c := startSendPulse(t)
	r := c.call(200, "POST", "/smtp/emails", `{"email": {
		"from": {"name": "Магазин", "email": "shop@example.com"}, "to": [{"name": "Анна", "email": "anna@example.com"}, {"email": "oleg@example.com"}],
		"cc": [{"email": "cc@example.com"}], "bcc": [{"email": "bcc@example.com"}], "reply_to": {"email": "help@example.com"},
		"subject": "Заказ", "html": "PHA+SGk8L3A+", "text": "Hi", "attachments": {"a.txt": "AB"}, "attachments_binary": {"b.bin": "QUI="}}}`)
	id := r.body["id"].(string)
	assert.Equal(t, true, r.body["result"])
	m := s.Messages("sendpulse")[0]
	assert.NotEmpty(t, m.Raw)
	m.AcceptedAt, m.Raw = time.Time{}, nil
	assert.Equal(t, Mail{
		Provider: "sendpulse", ID: id, From: provider.Address{Email: "shop@example.com", Name: "Магазин"},
		To: []provider.Address{{Email: "anna@example.com", Name: "Анна"}, {Email: "oleg@example.com"}}, Cc: []provider.Address{{Email: "cc@example.com"}},
		Bcc: []provider.Address{{Email: "bcc@example.com"}}, ReplyTo: []provider.Address{{Email: "help@example.com"}},
		Subject: "Заказ", HTML: "<p>Hi</p>", Text: "Hi",
		Attachments: []provider.Attachment{{Name: "a.txt", Content: []byte("AB")}, {Name: "b.bin", Content: []byte("AB")}},
	}, m)

	record := c.call(200, "GET", "/smtp/emails/"+id, "").body
	assert.InDelta(t, 250, record["smtp_answer_code"], 0)
	assert.Equal(t, "anna@example.com", record["recipient"])
	assert.InDelta(t, 14, c.call(400, "GET", "/smtp/emails/none", "").body["error_code"], 0, "400, not 404")
	assert.Len(t, c.call(200, "GET", "/smtp/emails?recipient=anna@example.com&limit=5&from=2020-01-01&to=2999-01-01&country=off", "").rows(t), 1)
	assert.Empty(t, c.call(200, "GET", "/smtp/emails?sender=other@example.com", "").rows(t))
	assert.Len(t, c.call(200, "POST", "/smtp/emails/info", `{"emails":["`+id+`","none"]}`).rows(t), 1)
	assert.InDelta(t, 832, c.call(400, "POST", "/smtp/emails/info", `{"emails":[]}`).body["error_code"], 0)
	assert.InDelta(t, 1, c.call(200, "GET", "/smtp/emails/total", "").body["total"], 0)
}

func TestSendPulseMailForms(t *testing.T) {
	const from, to, subject = `"from":{"name":"S","email":"shop@example.com"}`, `"to":[{"email":"anna@example.com"}]`, `"subject":"s"`
	for name, tt := range map[string]struct {
		email string
		code  int // 0: accepted
	}{
		"text alone":             {from + "," + to + "," + subject + `,"text":"t"`, 0},
		"html and auto text":     {from + "," + to + "," + subject + `,"html":"PGI+","auto_plain_text":true`, 0},
		"template":               {from + "," + to + "," + subject + `,"template":{"id":12,"variables":{}}`, 0},
		"html alone":             {from + "," + to + "," + subject + `,"html":"PGI+"`, 422},
		"no body":                {from + "," + to + "," + subject, 13},
		"no subject":             {from + "," + to + `,"subject":"","text":"t"`, 12},
		"template, no subject":   {from + "," + to + `,"subject":"","template":{"id":12,"variables":{}}`, 12},
		"no recipient":           {from + `,"to":[],` + subject + `,"text":"t"`, 11},
		"no sender name":         {`"from":{"name":"","email":"shop@example.com"},` + to + "," + subject + `,"text":"t"`, 10},
		"free mail service":      {`"from":{"name":"S","email":"shop@mail.ru"},` + to + "," + subject + `,"text":"t"`, 97},
		"no address":             {from + `,"to":[{"email":"anna"}],` + subject + `,"text":"t"`, 422},
		"unknown template":       {from + "," + to + "," + subject + `,"template":{"id":99,"variables":{}}`, 31},
		"number as text":         {from + "," + to + "," + subject + `,"template":{"id":"12","variables":{}}`, 31},
		"template with own body": {from + "," + to + "," + subject + `,"text":"t","template":{"id":12,"variables":{}}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := startSendPulse(t)
			body := `{"email":{` + tt.email + `}}`
			if tt.code == 0 {
				c.call(200, "POST", "/smtp/emails", body)
				return
			}
			assert.InDelta(t, tt.code, c.call(422, "POST", "/smtp/emails", body).body["error_code"], 0)
			assert.Empty(t, s.Messages())
		})
	}
	// The other id of a template is text.
	s, c := startSendPulse(t)
	assert.Empty(t, c.call(200, "GET", "/templates", "").rows(t), "the vendor's own are the default")
	row := c.call(200, "GET", "/templates?owner=me", "").rows(t)[0]
	assert.InDelta(t, 12, row["real_id"], 0)
	assert.Regexp(t, "^[0-9a-f]{32}$", row["id"])
	c.call(200, "POST", "/smtp/emails", `{"email":{`+from+","+to+","+subject+`,"template":{"id":"`+row["id"].(string)+`","variables":{"name":"A"}}}}`)
	assert.Equal(t, "12", s.Messages()[0].Template)
}

func TestSendPulseFates(t *testing.T) {
	_, c := startSendPulse(t)
	c.call(200, "POST", "/smtp/unsubscribe", `{"emails":[{"email":"gone@example.com","comment":"asked"}]}`)
	for to, code := range map[string]any{"bounce@example.com": "550", "gone@example.com": ""} {
		id := c.call(200, "POST", "/smtp/emails", `{"email":{"from":{"name":"S","email":"a@example.com"},"to":[{"email":"`+to+`"}],"subject":"s","text":"t"}}`).body["id"]
		assert.Equal(t, code, c.call(200, "GET", "/smtp/emails/"+id.(string), "").body["smtp_answer_code"], to)
	}
	assert.Equal(t, map[string]any{"result": true}, c.call(200, "GET", "/smtp/unsubscribe/search?email=gone@example.com", "").body)
	assert.InDelta(t, 1, c.call(200, "GET", "/smtp/unsubscribe", "").rows(t)[0]["unsubscribe_by_user"], 0)
	for range 5 {
		c.call(200, "POST", "/smtp/resubscribe", `{"email":"gone@example.com","sender":"a@example.com"}`)
	}
	c.call(422, "POST", "/smtp/resubscribe", `{"email":"gone@example.com","sender":"a@example.com"}`)
	c.call(200, "DELETE", "/smtp/unsubscribe", `{"emails":["gone@example.com"]}`)
	assert.Equal(t, map[string]any{"result": false}, c.call(200, "GET", "/smtp/unsubscribe/search?email=gone@example.com", "").body)
	assert.InDelta(t, 17, c.call(400, "POST", "/smtp/unsubscribe", `{"emails":[{"email":"gone"}]}`).body["error_code"], 0)
	c.call(400, "DELETE", "/smtp/unsubscribe", `{"emails":[]}`)
}

func TestSendPulseLists(t *testing.T) {
	s, c := startSendPulse(t, OddAnswers())
	id := c.call(200, "POST", "/addressbooks", `{"bookName":"Клиенты"}`).body["id"].(float64)
	path := fmt.Sprintf("/addressbooks/%.0f", id)
	assert.InDelta(t, 203, c.call(422, "POST", "/addressbooks", `{"bookName":"Клиенты"}`).body["error_code"], 0)
	assert.InDelta(t, 201, c.call(422, "POST", "/addressbooks", `{"bookName":""}`).body["error_code"], 0)
	rows := c.call(200, "GET", "/addressbooks?limit=1&offset=0", "").rows(t)
	require.Len(t, rows, 1)
	assert.Equal(t, "4", rows[0]["id"], "even numbers come as text")
	assert.Len(t, c.call(200, "GET", path, "").rows(t), 1, "one list is an array of one")
	c.call(200, "PUT", path, `{"name":"Постоянные"}`)
	c.call(422, "PUT", path, `{"name":"Newsletter"}`)
	assert.Equal(t, "Постоянные", c.call(200, "GET", path, "").rows(t)[0]["name"])
	c.call(200, "DELETE", path, "")
	assert.InDelta(t, 213, c.call(404, "GET", path, "").body["error_code"], 0)
	for _, op := range [][3]string{
		{"PUT", "", `{"name":"x"}`},
		{"DELETE", "", ""},
		{"GET", "/variables", ""},
		{"GET", "/emails", ""},
		{"GET", "/emails/total", ""},
		{"POST", "/emails", `{"emails":[{"email":"a@example.com"}]}`},
		{"DELETE", "/emails", `{"emails":["a@example.com"]}`},
		{"POST", "/emails/unsubscribe", `{"emails":["a@example.com"]}`},
		{"POST", "/emails/variable", `{"email":"a@example.com","variables":[]}`},
		{"GET", "/emails/a@example.com", ""},
		{"PUT", "/phone", `{"email":"a@example.com","phone":"1"}`},
	} {
		assert.InDelta(t, 213, c.call(404, op[0], path+op[1], op[2]).body["error_code"], 0, op)
	}
	assert.Empty(t, s.Contacts("sendpulse"))
}

func TestSendPulseContacts(t *testing.T) {
	s, c := startSendPulse(t, OddAnswers())
	const list = "/addressbooks/4/emails"
	c.call(200, "POST", list, `{"emails":[{"email":"anna@example.com","variables":{"city":"Minsk","points":12,"Phone":"+375 29 1234567","since":"2026-01-02"}},{"email":"oleg@example.com"}]}`)
	rows := c.call(200, "GET", list, "").rows(t)
	require.Len(t, rows, 2)
	assert.Equal(t, map[string]any{"city": "Minsk", "points": 12.0, "since": "2026-01-02"}, rows[0]["variables"])
	assert.Equal(t, []any{}, rows[1]["variables"], "no variables are a list")
	assert.InDelta(t, 1, rows[0]["status"], 0)
	assert.Contains(t, c.call(200, "GET", "/addressbooks/4/variables", "").raw, `{"name":"since","type":"date"}`)

	one := c.call(200, "GET", list+"/anna@example.com", "").body
	assert.Equal(t, "4", one["abook_id"])
	assert.Equal(t, "375291234567", one["phone"])
	assert.Contains(t, one["variables"], map[string]any{"name": "points", "type": "number", "value": 12.0})
	assert.NotContains(t, c.call(200, "GET", list+"/oleg@example.com", "").body, "phone")
	assert.Len(t, c.call(200, "GET", "/emails/anna@example.com", "").rows(t), 1)
	assert.Equal(t, "Newsletter", c.call(200, "GET", "/emails/anna@example.com/details", "").rows(t)[0]["list_name"])
	for _, path := range []string{list + "/x@example.com", "/emails/x@example.com", "/emails/x@example.com/details"} {
		assert.Equal(t, "502", fmt.Sprint(c.call(404, "GET", path, "").body["error_code"]))
	}

	c.call(200, "POST", list+"/variable", `{"email":"anna@example.com","variables":[{"name":"city","value":"Brest"}]}`)
	c.call(200, "PUT", "/addressbooks/4/phone", `{"email":"anna@example.com","phone":"375330000000"}`)
	bad := c.call(200, "POST", list+"/variable", `{"email":"anna@example.com","variables":[{"name":"points","value":"many"}]}`)
	assert.Equal(t, map[string]any{"is_error": true, "http_code": 400.0, "error_code": 301.0, "message": "Wrong parameters"}, bad.body)
	assert.Equal(t, map[string]any{"result": false}, c.call(200, "POST", list, `{"emails":[]}`).body)
	got := s.Contacts("sendpulse")[0]
	assert.Equal(t, "Brest", got.Fields["city"])
	assert.Equal(t, "375330000000", got.Phone)

	c.call(200, "PUT", "/addressbooks/4/phone", `{"email":"oleg@example.com","phone":"375330000000"}`)
	assert.Contains(t, c.call(200, "GET", list+"/oleg@example.com", "").raw, `"phone":375330000000`, "a number at one, text at another")

	c.call(200, "DELETE", "/emails/anna@example.com", "")
	c.call(200, "DELETE", list, `{"emails":["oleg@example.com","x@example.com"]}`)
	assert.Empty(t, s.Contacts("sendpulse"))
	many := `{"emails":[` + strings.Repeat(`"a@example.com",`, 100) + `"a@example.com"]}`
	assert.Contains(t, c.call(422, "DELETE", list, many).raw, "Max count: 100")
}

func TestSendPulseStatuses(t *testing.T) {
	s, c := startSendPulse(t)
	const list = "/addressbooks/4/emails"
	status := func(email string) string {
		return fmt.Sprint(c.call(200, "GET", list+"/"+email, "").body["status"])
	}
	c.call(200, "POST", list, `{"emails":[{"email":"a@example.com"},{"email":"b@example.com"}]}`)
	c.call(200, "POST", list, `{"emails":[{"email":"c@example.com"}],"confirmation":"force","sender_email":"shop@example.com"}`)
	c.call(422, "POST", list, `{"emails":[{"email":"c@example.com"}],"confirmation":"force"}`)
	assert.Equal(t, "2", status("c@example.com"))
	c.call(200, "POST", list+"/unsubscribe", `{"emails":["a@example.com","c@example.com"]}`)
	assert.Equal(t, "4", status("a@example.com"))
	assert.Equal(t, "2", status("c@example.com"), "not active, so left alone")
	c.call(422, "POST", list+"/unsubscribe", `{"emails":["a@example.com"]}`)
	c.call(200, "POST", list, `{"emails":[{"email":"a@example.com"}]}`)
	assert.Equal(t, "1", status("a@example.com"), "assumed: adding again brings back")

	c.call(200, "POST", "/blacklist", `{"emails":"YUBleGFtcGxlLmNvbSxiQGV4YW1wbGUuY29t","comment":"x"}`) // a@example.com,b@example.com
	assert.JSONEq(t, `["a@example.com","b@example.com"]`, c.call(200, "GET", "/blacklist", "").raw)
	assert.Equal(t, "8", status("a@example.com"))
	c.call(200, "DELETE", "/blacklist", `{"emails":"YUBleGFtcGxlLmNvbQ=="}`)
	assert.Equal(t, "1", status("a@example.com"))
	s.AddSuppression("sendpulse", "a@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing})
	assert.Equal(t, "6", status("a@example.com"))
	assert.InDelta(t, 3, c.call(200, "GET", list+"/total", "").body["total"], 0)
	assert.InDelta(t, 0, c.call(200, "GET", list+"/total?active=true", "").body["total"], 0)
	assert.Empty(t, c.call(200, "GET", list+"?active=true", "").rows(t))
	assert.Len(t, c.call(200, "GET", list+"?not_active=true&limit=2&offset=1", "").rows(t), 2)
	assert.Equal(t, "c@example.com", c.call(200, "GET", list+"?order=desc", "").rows(t)[0]["email"])
}

func TestSendPulseAccount(t *testing.T) {
	_, c := startSendPulse(t)
	assert.Equal(t, "Active", c.call(200, "GET", "/senders", "").rows(t)[0]["status"])
	assert.JSONEq(t, `["shop@example.com"]`, c.call(200, "GET", "/smtp/senders", "").raw)
	detail := c.call(200, "GET", "/user/balance/detail", "").body
	assert.Equal(t, "12.50", detail["balance"].(map[string]any)["main"], "money is text here")
	assert.InDelta(t, 12.5, c.call(200, "GET", "/balance", "").body["balance_currency"], 0)
}
