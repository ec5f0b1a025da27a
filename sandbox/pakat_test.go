package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// pakatUser calls the fake as the vendor's document shows it: multipart for
// POST, urlencoded for PUT. Fields are names and values in turn.
type pakatUser struct {
	t    *testing.T
	http *http.Client
	base string
	key  string
}

func startPakat(t *testing.T) (*Server, *pakatUser) {
	s := New(t)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return s, &pakatUser{t: t, http: &http.Client{Transport: tr}, base: s.BaseURL("pakat"), key: Key("pakat")}
}

func (u *pakatUser) call(status int, method, path string, fields ...string) map[string]any {
	u.t.Helper()
	var body bytes.Buffer
	contentType := ""
	switch {
	case len(fields) == 0:
	case method == http.MethodPost:
		w := multipart.NewWriter(&body)
		for i := 0; i < len(fields); i += 2 {
			require.NoError(u.t, w.WriteField(fields[i], fields[i+1]))
		}
		require.NoError(u.t, w.Close())
		contentType = w.FormDataContentType()
	default:
		form := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			form.Add(fields[i], fields[i+1])
		}
		body.WriteString(form.Encode())
		contentType = typeForm
	}
	req, err := http.NewRequestWithContext(u.t.Context(), method, u.base+path, &body)
	require.NoError(u.t, err)
	req.Header.Set("X-API-KEY", u.key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := u.http.Do(req)
	require.NoError(u.t, err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	require.NoError(u.t, err)
	require.Equal(u.t, status, resp.StatusCode, "%s %s: %s", method, path, data)
	var out map[string]any
	require.NoError(u.t, json.Unmarshal(data, &out))
	return out
}

// at follows keys, and numbers into lists.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "no object at %v in %v", step, path)
			v = m[step]
		case int:
			list, ok := v.([]any)
			require.True(t, ok && step < len(list), "no entry %v in %v", step, path)
			v = list[step]
		}
	}
	return v
}

func TestPakatKey(t *testing.T) {
	_, u := startPakat(t)
	u.key = "wrong"
	body := u.call(401, "GET", "/lists")
	assert.Equal(t, "error", body["status"])
	assert.IsType(t, "", body["error"])
}

func TestPakatMail(t *testing.T) {
	s, u := startPakat(t)
	now := time.Now().UTC().Format(time.DateTime)
	send := []string{
		"email[to_name]", "سارا", "email[to_email]", "sara@example.ir", "email[from_name]", "باغ",
		"email[subject]", "سلام", "email[body]", "PHA+2LPZhNin2YU8L3A+", "email[send_at]", now,
	}
	created := u.call(201, "POST", "/transactional-emails", send...)
	id, _ := created["email_uid"].(string)
	assert.Len(t, id, 13)

	body := u.call(200, "GET", "/transactional-emails/"+id)
	record := at(t, body, "data", "record")
	assert.Equal(t, "unsent", at(t, record, "status"), "accepted says nothing of delivery")
	assert.Equal(t, "<p>سلام</p>", at(t, record, "body"), "decoded in answers")
	assert.Equal(t, "5", at(t, record, "priority"), "a number as text")
	assert.Nil(t, at(t, record, "plain_text"))
	s.Advance(time.Hour)
	assert.Equal(t, "sent", at(t, u.call(200, "GET", "/transactional-emails/"+id), "data", "record", "status"))

	// The same mail twice is two mails.
	u.call(201, "POST", "/transactional-emails", send...)
	body = u.call(200, "GET", "/transactional-emails")
	assert.Equal(t, "2", at(t, body, "data", "count"), "the count is a text")
	assert.Len(t, s.Messages("pakat"), 2)

	// A deleted mail does not go out.
	later := u.call(201, "POST", "/transactional-emails", append(send[:10:10], "email[send_at]", s.now().Add(time.Hour).Format(time.DateTime))...)
	id, _ = later["email_uid"].(string)
	u.call(200, "DELETE", "/transactional-emails/"+id)
	u.call(404, "GET", "/transactional-emails/"+id)
	assert.True(t, s.Messages("pakat")[2].Withdrawn)

	// Wrong fields are told in an object, although the vendor's schema says text.
	body = u.call(422, "POST", "/transactional-emails", append(send[:10:10], "email[send_at]", "tomorrow")...)
	assert.IsType(t, "", at(t, body, "error", "send_at"))

	// The quota says ok where all else says success.
	body = u.call(200, "GET", "/quota/index")
	assert.Equal(t, "ok", body["status"])
	assert.InDelta(t, 2, at(t, body, "quota", "used"), 0)
}

func TestPakatTemplate(t *testing.T) {
	s, u := startPakat(t)
	send := []string{
		"email[to_name]", "Sara", "email[to_email]", "sara@example.ir", "email[from_name]", "Shop", "email[from_email]", "news@example.com",
		"email[reply_to_email]", "hello@example.com", "email[subject]", "Order", "email[body]", "LQ==", "email[plain_text]", "not base64!",
		"email[send_at]", "2026-05-04 06:30:00", "email[params][name]", "Sara", "email[params][order]", "A-1027",
		"email[attachments][0][name]", "a.txt", "email[attachments][0][type]", "text/plain", "email[attachments][0][data]", "QQ==",
	}
	u.call(201, "POST", "/transactional-emails", append(send, "email[template_uid]", pakatTemplate)...)
	m := s.Messages("pakat")[0]
	assert.Equal(t, "<p>Hello Sara, your order A-1027 is ready.</p>", m.HTML, "the template replaces the body")
	assert.Equal(t, "not base64!", m.Text)
	assert.Equal(t, []provider.Attachment{{Name: "a.txt", ContentType: "text/plain", Content: []byte("A")}}, m.Attachments)
	assert.Equal(t, []provider.Address{{Email: "hello@example.com"}}, m.ReplyTo)
	u.call(422, "POST", "/transactional-emails", append(send, "email[template_uid]", "nosuchthing00")...)
	assert.Equal(t, pakatTemplate, at(t, u.call(200, "GET", "/templates"), "data", "records", 0, "template_uid"))
	assert.Equal(t, "success", u.call(200, "GET", "/sending-domains/example.com")["status"])
}

func TestPakatSubscribers(t *testing.T) {
	s, u := startPakat(t)
	path := "/lists/" + pakatList + "/subscribers"
	created := u.call(201, "POST", path, "EMAIL", "sara@example.ir", "FNAME", "سارا", "CITY", "شیراز", "UNKNOWN", "x")
	record := at(t, created, "data", "record")
	assert.Equal(t, "NOW()", at(t, record, "date_added", "expression"), "a function of the database, not a time")
	assert.Equal(t, "sara@example.ir", at(t, record, "email"))
	id, _ := at(t, record, "subscriber_uid").(string)

	body := u.call(409, "POST", path, "EMAIL", "SARA@example.ir")
	assert.Equal(t, "The subscriber already exists in this list.", body["error"])

	record = at(t, u.call(200, "GET", path+"/"+id), "data", "record")
	assert.Equal(t, "sara@example.ir", at(t, record, "EMAIL"))
	assert.Equal(t, "confirmed", at(t, record, "status"))
	assert.Equal(t, "شیراز", at(t, record, "CITY"))
	assert.NotContains(t, record, "UNKNOWN", "ignored in silence")

	// An update empties what it leaves out.
	u.call(200, "PUT", path+"/"+id, "EMAIL", "sara@example.ir", "LNAME", "کریمی")
	record = at(t, u.call(200, "GET", path+"/"+id), "data", "record")
	assert.Empty(t, at(t, record, "CITY"))
	assert.Equal(t, "کریمی", at(t, record, "LNAME"))

	// The other list asks for a confirmation, and has an id of its own.
	other := "/lists/" + pakatDoubleList + "/subscribers"
	created = u.call(201, "POST", other, "EMAIL", "sara@example.ir")
	assert.NotEqual(t, id, at(t, created, "data", "record", "subscriber_uid"))
	body = u.call(200, "GET", other+"/search-by-email?EMAIL=sara%40example.ir")
	assert.Equal(t, "unconfirmed", at(t, body, "data", "status"), "no record level")
	body = u.call(200, "GET", "/lists/subscribers/search-by-email-in-all-lists?EMAIL=sara%40example.ir")
	assert.Equal(t, pakatList, at(t, body, "data", "records", 0, "list", "list_uid"))
	assert.Equal(t, "sara@example.ir", at(t, body, "data", "records", 1, "email"))
	u.call(404, "GET", path+"/search-by-email?EMAIL=nobody%40example.ir")
	body = u.call(200, "GET", "/lists/subscribers/search-by-email-in-all-lists?EMAIL=nobody%40example.ir")
	assert.Equal(t, "0", at(t, body, "data", "count"))

	u.call(200, "PUT", path+"/"+id+"/unsubscribe")
	body = u.call(200, "GET", path+"?status=unsubscribed")
	assert.Equal(t, id, at(t, body, "data", "records", 0, "subscriber_uid"))
	u.call(200, "PUT", "/lists/subscribers/unsubscribe-by-email-from-all-lists", "EMAIL", "sara@example.ir")
	for _, m := range s.Contacts("pakat")[0].Memberships {
		assert.Equal(t, provider.StatusUnsubscribed, m.Status)
	}
	u.call(200, "PUT", path+"/"+id, "EMAIL", "zahra@example.ir", "details[status]", "unapproved")
	assert.Equal(t, "unapproved", at(t, u.call(200, "GET", path+"/"+id), "data", "record", "status"))
	assert.Len(t, s.Contacts("pakat"), 2, "the record of the other list keeps its address")
	u.call(422, "PUT", path+"/"+id, "EMAIL", "zahra@example.ir", "details[status]", "moved")

	u.call(200, "DELETE", path+"/"+id)
	u.call(404, "DELETE", path+"/"+id)
	assert.Len(t, s.Contacts("pakat"), 1, "there are no contacts outside lists")
}

func TestPakatLists(t *testing.T) {
	s, u := startPakat(t)
	body := u.call(201, "POST", "/lists", "general[name]", "News", "general[description]", "x", "defaults[from_name]", "Shop",
		"defaults[from_email]", "news@example.com", "defaults[reply_to]", "hello@example.com", "company[name]", "Shop", "company[country]", "Iran")
	id, _ := body["list_uid"].(string)
	assert.Len(t, id, 13)
	record := at(t, u.call(200, "GET", "/lists/"+id), "data", "record")
	assert.Equal(t, "News", at(t, record, "general", "name"))
	assert.Equal(t, "Iran", at(t, record, "company", "country", "name"))
	assert.Equal(t, []any{}, at(t, u.call(200, "GET", "/lists/"+pakatList), "data", "record", "company"), "an empty list for an empty object")
	u.call(200, "PUT", "/lists/"+id, "general[name]", "Offers")
	record = at(t, u.call(200, "GET", "/lists/"+id), "data", "record")
	assert.Equal(t, "Offers", at(t, record, "general", "name"))
	assert.Equal(t, "hello@example.com", at(t, record, "defaults", "reply_to"))

	body = u.call(200, "GET", "/lists?per_page=2")
	assert.Equal(t, "3", at(t, body, "data", "count"))
	assert.InDelta(t, 2, at(t, body, "data", "next_page"), 0)
	assert.Nil(t, at(t, body, "data", "prev_page"))
	body = u.call(200, "GET", "/lists?per_page=2&page=2")
	assert.Nil(t, at(t, body, "data", "next_page"))
	assert.Len(t, at(t, body, "data", "records"), 1)

	body = u.call(200, "GET", "/lists/"+id+"/fields")
	assert.Equal(t, "EMAIL", at(t, body, "data", "records", 0, "tag"))
	assert.IsType(t, "", at(t, body, "data", "records", 0, "field_id"))

	s.AddContact("pakat", provider.Contact{Email: "a@example.com", Memberships: []provider.Membership{{List: id}}})
	u.call(200, "DELETE", "/lists/"+id)
	assert.Empty(t, s.Contacts("pakat"))
	for _, path := range []string{"", "/fields", "/subscribers"} {
		u.call(404, "GET", "/lists/"+id+path)
	}
	u.call(404, "PUT", "/lists/"+id, "general[name]", "x")
	u.call(404, "DELETE", "/lists/"+id)
	u.call(404, "POST", "/lists/"+id+"/subscribers", "EMAIL", "a@example.com")
}

func TestPakatBlacklist(t *testing.T) {
	s, u := startPakat(t)
	s.AddContact("pakat", provider.Contact{Email: "a@example.com", Memberships: []provider.Membership{{List: pakatList}}})
	s.AddSuppression("pakat", "a@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing})
	s.AddContact("pakat", provider.Contact{Email: "b@example.com", Memberships: []provider.Membership{{List: pakatList, Status: provider.StatusBounced}}})
	body := u.call(200, "GET", "/lists/"+pakatList+"/subscribers?status=blacklisted")
	assert.Len(t, at(t, body, "data", "records"), 2)
}
