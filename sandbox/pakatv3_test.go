package sandbox

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func pakatV3Client(t *testing.T, s *Server) *client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: tr}, base: s.BaseURL("pakatv3"), key: [2]string{"api-key", Key("pakatv3")}}
}

func TestPakatV3Mail(t *testing.T) {
	s := New(t)
	c := pakatV3Client(t, s)
	const people = `"sender":{"email":"shop@example.com"},"to":[{"email":"sara@example.com"}],"subject":"Hi"`
	r := c.call(400, "POST", "/smtp/email", `{`+people+`,"textContent":"Hello"}`)
	assert.Equal(t, "missing_parameter", r.body["code"], "text alone is not enough")
	const mail = `{` + people + `,"htmlContent":"<p>Hello</p>"}`
	first := c.call(201, "POST", "/smtp/email", mail)
	second := c.call(201, "POST", "/smtp/email", mail)
	assert.NotEqual(t, first.body["messageId"], second.body["messageId"], "there is no key against double sending")
	assert.Empty(t, first.header.Get("sib-request-id"))

	r = c.call(202, "POST", "/smtp/email", `{`+people+`,"htmlContent":"<p>Hello</p>","scheduledAt":"`+time.Now().Add(500*time.Hour).Format(time.RFC3339)+`"}`)
	assert.NotEmpty(t, r.body["batchId"])

	c.call(400, "POST", "/smtp/email", `{"to":[{"email":"sara@example.com"}],"templateId":12,"attachment":[{"name":"a.pdf","content":"eA=="}]}`)
	c.call(201, "POST", "/smtp/email", `{"to":[{"email":"sara@example.com"}],"templateId":12,"attachment":[{"name":"a.pdf","url":"https://example.com/a.pdf"}]}`)
	require.Len(t, s.Messages("pakatv3"), 4)
	assert.Equal(t, "12", s.Messages("pakatv3")[3].Template)
}

func TestPakatV3Log(t *testing.T) {
	s := New(t)
	c := pakatV3Client(t, s)
	c.call(201, "POST", "/smtp/email", `{"sender":{"email":"shop@example.com"},"to":[{"email":"sara@example.com"},{"email":"bounce@example.com"}],"subject":"Hi","htmlContent":"<p>Hi</p>","tags":["order"]}`)
	events := c.call(200, "GET", "/smtp/statistics/events?email=bounce@example.com", "").body["events"].([]any)
	require.Len(t, events, 2)
	last := events[0].(map[string]any)
	assert.Equal(t, "hardBounces", last["event"])
	assert.Equal(t, "order", last["tag"])
	_, err := time.Parse("2006-01-02T15:04:05Z", last["date"].(string))
	require.NoError(t, err, "seconds and Z")
	c.call(400, "GET", "/smtp/statistics/events?days=3&startDate=2026-01-01&endDate=2026-01-02", "")
	c.call(400, "GET", "/smtp/emails", "")
	emails := c.call(200, "GET", "/smtp/emails?email=sara@example.com", "").body["transactionalEmails"].([]any)
	require.Len(t, emails, 1)
	s.Advance(31 * 24 * time.Hour)
	assert.Empty(t, c.call(200, "GET", "/smtp/statistics/events", "").body["events"])
	assert.Len(t, c.call(200, "GET", "/smtp/statistics/events?days=60", "").body["events"], 4)
}

func TestPakatV3Contacts(t *testing.T) {
	s := New(t)
	c := pakatV3Client(t, s)
	const contact = `{"email":"sara@example.com","attributes":{"SMS":"09120000000","FIRSTNAME":"Sara","SHOE":"43"},"listIds":[4]`
	r := c.call(201, "POST", "/contacts", contact+`}`)
	assert.NotEmpty(t, r.body["id"])
	r = c.call(400, "POST", "/contacts", contact+`}`)
	assert.Equal(t, "duplicate_parameter", r.body["code"])
	c.call(204, "POST", "/contacts", contact+`,"updateEnabled":true}`)
	c.call(400, "POST", "/contacts", `{"attributes":{}}`)
	c.call(201, "POST", "/contacts", `{"attributes":{"SMS":"09121111111"}}`)
	c.call(404, "PUT", "/contacts/nobody@example.com", `{"listIds":[4]}`)
	c.call(400, "PUT", "/contacts/sara@example.com", `{"listIds":[77]}`)
	c.call(204, "PUT", "/contacts/sara%40example.com", `{"unlinkListIds":[4],"emailBlacklisted":true,"attributes":{"EMAIL":"sara2@example.com"}}`)

	page := c.call(200, "GET", "/contacts?limit=1", "").body
	assert.Equal(t, 2.0, page["count"])
	sara := page["contacts"].([]any)[0].(map[string]any)
	assert.Equal(t, "sara2@example.com", sara["email"])
	assert.Equal(t, map[string]any{"SMS": "09120000000", "FIRSTNAME": "Sara"}, sara["attributes"], "SHOE is dropped in silence")
	assert.Equal(t, true, sara["emailBlacklisted"])
	assert.Empty(t, sara["listIds"])
	rest := c.call(200, "GET", "/contacts?offset=1", "").body["contacts"].([]any)
	assert.Equal(t, "09121111111@mailin-sms.com", rest[0].(map[string]any)["email"])
	later := time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	assert.Empty(t, c.call(200, "GET", "/contacts?modifiedSince="+later, "").body["contacts"])

	c.call(404, "GET", "/smtp/templates/99", "")
	assert.Equal(t, "Order ready", c.call(200, "GET", "/smtp/templates/12", "").body["name"])
	assert.Len(t, c.call(200, "GET", "/smtp/templates", "").body["templates"], 1)
	folder := c.call(201, "POST", "/contacts/folders", `{"name":"Spring"}`).body["id"].(float64)
	assert.Greater(t, folder, 1.0)
	c.call(201, "POST", "/contacts/lists", `{"name":"News","folderId":1}`)
	assert.Len(t, c.call(200, "GET", "/contacts/lists", "").body["lists"], 2)
	for _, a := range c.call(200, "GET", "/contacts/attributes", "").body["attributes"].([]any) {
		assert.NotEqual(t, "EXT_ID", a.(map[string]any)["name"])
	}
}

func TestPakatV3HasNoLookUpOfAContact(t *testing.T) {
	s := New(t)
	c := pakatV3Client(t, s)
	s.AddContact("pakatv3", provider.Contact{Email: "sara@example.com"})
	c.call(405, "GET", "/contacts/sara@example.com", "")
	c.call(405, "DELETE", "/contacts/sara@example.com", "")
	assert.Len(t, s.Violations(), 2)
	c.key[1] = "wrong"
	assert.Equal(t, "unauthorized", c.call(401, "GET", "/account", "").body["code"])
}
