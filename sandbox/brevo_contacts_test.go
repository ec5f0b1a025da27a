package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestBrevoUpsert(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddList("brevo", "9", "Second")
	r := c.call(201, "POST", "/contacts", `{"email":"sara@example.com","ext_id":"user-88","listIds":[4],"emailBlacklisted":true,"attributes":{
		"FIRSTNAME":"سارا","SMS":"+98912000000","POINTS":3,"VIP":true,"BIRTHDAY":"1990-04-13",
		"CITY":7,"LASTNAME":["x"],"UNKNOWN":"x"}}`)
	id := r.body["id"].(float64)
	got := s.Contacts("brevo")
	require.Len(t, got, 1)
	assert.Equal(t, "سارا", got[0].FirstName)
	assert.Equal(t, "98912000000", got[0].Phone)
	assert.Equal(t, "user-88", got[0].ExternalID)
	assert.Equal(t, map[string]any{"POINTS": 3.0, "VIP": true, "BIRTHDAY": "1990-04-13"}, got[0].Fields,
		"unknown attributes and wrong types are dropped in silence")
	assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusSubscribed}}, got[0].Memberships)

	// A second one is a duplicate, unless updates are allowed.
	r = c.call(400, "POST", "/contacts", `{"email":"SARA@example.com"}`)
	assert.Equal(t, "duplicate_parameter", r.body["code"])
	assert.Equal(t, map[string]any{"duplicate_identifiers": []any{"email"}}, r.body["metadata"])
	r = c.call(204, "POST", "/contacts", `{"email":"sara@example.com","updateEnabled":true,"listIds":[9],"attributes":{"CITY":"شیراز","POINTS":""},"smtpBlacklistSender":["news@example.com"]}`)
	assert.Empty(t, r.raw)

	for _, path := range []string{"sara%40example.com", fmt.Sprintf("%.0f", id), "0098912000000", "user-88?identifierType=ext_id", "%2B98912000000?identifierType=phone_id"} {
		r = c.call(200, "GET", "/contacts/"+path, "")
		assert.Equal(t, "sara@example.com", r.body["email"])
	}
	assert.Equal(t, []any{4.0, 9.0}, r.body["listIds"])
	assert.Equal(t, true, r.body["emailBlacklisted"], "untouched unless given")
	assert.Equal(t, map[string]any{
		"FIRSTNAME": "سارا", "SMS": "98912000000", "VIP": true, "BIRTHDAY": "1990-04-13", "CITY": "شیراز", "EXT_ID": "user-88",
	}, r.body["attributes"])
	c.call(404, "GET", "/contacts/user-88", "")
	assert.Contains(t, c.call(200, "GET", "/smtp/blockedContacts?senders=news@example.com", "").raw, "sara@example.com")

	c.call(201, "POST", "/contacts", `{"email":"ali@example.com"}`)
	r = c.call(400, "POST", "/contacts", `{"email":"ali@example.com","attributes":{"SMS":"98912000000"},"updateEnabled":true}`)
	assert.Equal(t, "duplicate_parameter", r.body["code"], "two contacts cannot become one")
	for _, body := range []string{`{}`, `{"email":"nobody"}`, `{"email":"x@y.by","listIds":[77]}`, `{"attributes":{"SMS":"12"}}`} {
		c.call(400, "POST", "/contacts", body)
	}
}

func TestBrevoUpdateAndDeleteContact(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddContact("brevo", provider.Contact{
		Email: "olga@example.by", FirstName: "Ольга", Memberships: []provider.Membership{{List: "4"}},
		Suppressed: []provider.Suppression{noMarketing},
	})
	s.AddContact("brevo", provider.Contact{Email: "ivan@example.by"})
	c.call(204, "PUT", "/contacts/olga@example.by?identifierType=email_id", `{"attributes":{"EMAIL":"olga.new@example.by","CITY":"Минск"},"unlinkListIds":[4],"smtpBlacklistSender":["a@b.by","c@d.by"]}`)
	c.call(404, "GET", "/contacts/olga@example.by", "")
	r := c.call(200, "GET", "/contacts/olga.new@example.by", "")
	assert.Equal(t, []any{}, r.body["listIds"])
	assert.Equal(t, false, r.body["emailBlacklisted"], "another address is not blocked: the vendor's pages warn of it")
	assert.EqualValues(t, 2, c.call(200, "GET", "/smtp/blockedContacts", "").body["count"])
	c.call(204, "PUT", "/contacts/olga.new@example.by", `{"emailBlacklisted":true}`)
	c.call(204, "PUT", "/contacts/olga.new@example.by", `{"emailBlacklisted":false,"smtpBlacklistSender":[]}`)
	assert.Equal(t, false, c.call(200, "GET", "/contacts/olga.new@example.by", "").body["emailBlacklisted"])
	assert.EqualValues(t, 2, c.call(200, "GET", "/smtp/blockedContacts", "").body["count"], "an empty list lifts nothing")
	c.call(400, "PUT", "/contacts/olga.new@example.by", `{"attributes":{"EMAIL":"ivan@example.by"}}`)
	c.call(404, "PUT", "/contacts/nobody@example.by", `{}`)

	c.call(204, "DELETE", "/contacts/olga.new@example.by?identifierType=email_id", "")
	c.call(404, "DELETE", "/contacts/olga.new@example.by", "")
	assert.Equal(t, "method_not_allowed", c.call(405, "DELETE", "/contacts/"+brevoOwner, "").body["code"])
}

func TestBrevoPhoneOnlyContact(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	c.call(201, "POST", "/contacts", `{"attributes":{"SMS":"+98912000000"},"listIds":[4]}`)
	r := c.call(200, "GET", "/contacts/lists/4/contacts", "")
	assert.Equal(t, "98912000000@mailin-sms.com", r.body["contacts"].([]any)[0].(map[string]any)["email"])
}

func TestBrevoListContacts(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 125 {
		p := provider.Contact{Email: fmt.Sprintf("p%03d@example.com", i), ModifiedAt: old, CreatedAt: old, Fields: map[string]any{"CITY": fmt.Sprint("c", i)}}
		if i < 3 {
			p.Memberships = []provider.Membership{{List: "4", Status: []provider.MembershipStatus{"", provider.StatusUnsubscribed, ""}[i]}}
			p.ModifiedAt = time.Now()
		}
		s.AddContact("brevo", p)
	}
	page := func(query string) (int, []string) {
		r := c.call(200, "GET", "/contacts?"+query, "")
		var out struct {
			Count    int
			Contacts []struct{ Email string }
		}
		require.NoError(t, json.Unmarshal([]byte(r.raw), &out))
		var emails []string
		for _, p := range out.Contacts {
			emails = append(emails, strings.TrimSuffix(p.Email, "@example.com"))
		}
		return out.Count, emails
	}
	n, got := page("")
	assert.Equal(t, 125, n)
	assert.Len(t, got, 50)
	assert.Equal(t, "p124", got[0], "newest first")
	_, got = page("sort=asc&limit=2&offset=123")
	assert.Equal(t, []string{"p123", "p124"}, got)
	n, got = page("listIds=4&listIds=9&sort=asc")
	assert.Equal(t, 2, n, "the unsubscribed are not on the list")
	assert.Equal(t, []string{"p000", "p002"}, got)
	_, got = page("filter=equals(CITY,%22c7%22)")
	assert.Equal(t, []string{"p007"}, got)
	n, _ = page("modifiedSince=2026-02-01T00:00:00Z")
	assert.Equal(t, 3, n)
	n, got = page("offset=1000")
	assert.Equal(t, 125, n)
	assert.Empty(t, got)
	assert.Equal(t, []any{4.0}, c.call(200, "GET", "/contacts/p001@example.com", "").body["listUnsubscribed"])
	assert.Equal(t, "out_of_range", c.call(400, "GET", "/contacts?limit=1001", "").body["code"])
	c.call(400, "GET", "/contacts?segmentId=1&listIds=4", "")
}

func TestBrevoLists(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	id := c.call(201, "POST", "/contacts/lists", `{"name":"خبرنامه","folderId":1}`).body["id"].(float64)
	path := fmt.Sprintf("/contacts/lists/%.0f", id)
	c.call(400, "POST", "/contacts/lists", `{"name":"x","folderId":7}`)
	r := c.call(200, "GET", "/contacts/lists", "")
	assert.EqualValues(t, 2, r.body["count"])
	assert.Equal(t, id, r.body["lists"].([]any)[0].(map[string]any)["id"])
	c.call(204, "PUT", path, `{"name":"Новости"}`)
	c.call(400, "PUT", path, `{"name":"x","folderId":1}`)
	assert.Equal(t, "Новости", c.call(200, "GET", path, "").body["name"])

	s.AddContact("brevo", provider.Contact{Email: "sara@example.com", ExternalID: "s1"})
	r = c.call(201, "POST", path+"/contacts/add", `{"emails":["sara@example.com","nobody@example.com"]}`)
	assert.Equal(t, map[string]any{"success": []any{"sara@example.com"}, "failure": []any{"nobody@example.com"}}, r.body["contacts"])
	r = c.call(400, "POST", path+"/contacts/add", `{"emails":["sara@example.com"]}`)
	assert.Equal(t, "nobody was added: not known, or on the list already", r.body["message"])
	c.call(400, "POST", path+"/contacts/add", `{"emails":["a@b.by"],"ids":[1]}`)
	c.call(400, "POST", path+"/contacts/add", `{"ids":[`+strings.Repeat("1,", 150)+`1]}`)
	assert.EqualValues(t, 1, c.call(200, "GET", path, "").body["uniqueSubscribers"])
	assert.EqualValues(t, 1, c.call(200, "GET", "/contacts/folders?limit=10&offset=0", "").body["folders"].([]any)[0].(map[string]any)["uniqueSubscribers"])

	r = c.call(201, "POST", path+"/contacts/remove", `{"extIds":["s1"]}`)
	assert.Equal(t, []any{"s1"}, r.body["contacts"].(map[string]any)["success"])
	c.call(400, "POST", path+"/contacts/remove", `{"extIds":["s1"]}`)
	c.call(201, "POST", path+"/contacts/add", `{"extIds":["s1"]}`)
	r = c.call(201, "POST", path+"/contacts/remove", `{"all":true}`)
	assert.EqualValues(t, 1, r.body["contacts"].(map[string]any)["total"])
	c.call(204, "DELETE", path, "")
	for _, method := range []string{"GET", "DELETE"} {
		c.call(404, method, path, "")
	}
	c.call(404, "GET", path+"/contacts", "")
	c.call(204, "DELETE", "/contacts/lists/4", "")
	assert.NotContains(t, c.call(200, "GET", "/contacts/lists", "").body, "lists", "absent when there are none")
}

func TestBrevoImport(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddContact("brevo", provider.Contact{Email: "sara@example.com", FirstName: "سارا", Fields: map[string]any{"CITY": "شیراز"}})
	start := func(body string) map[string]any {
		before := len(s.Contacts("brevo"))
		id := c.call(202, "POST", "/contacts/import", body).body["processId"].(float64)
		var r reply
		for _, status := range []string{"queued", "in_process", "completed"} {
			assert.Len(t, s.Contacts("brevo"), before)
			r = c.call(200, "GET", fmt.Sprintf("/processes/%.0f", id), "")
			assert.Equal(t, status, r.body["status"])
		}
		return r.body["info"].(map[string]any)["import"].(map[string]any)
	}
	info := start(`{"listIds":[4],"disableNotification":true,"updateExistingContacts":true,"jsonBody":[
		{"email":"sara@example.com","attributes":{"CITY":"","POINTS":3}}, {"email":"ivan@example.by","attributes":{"FIRSTNAME":"Иван"}},
		{"email":"ivan@example.by"}, {"email":"nobody"}]}`)
	assert.EqualValues(t, 1, info["invalid_emails"])
	assert.EqualValues(t, 1, info["duplicate_email_id"])
	got := s.Contacts("brevo")
	require.Len(t, got, 2)
	assert.Equal(t, map[string]any{"CITY": "شیراز", "POINTS": 3.0}, got[0].Fields)
	assert.Equal(t, "Иван", got[1].FirstName)

	start(`{"newList":{"listName":"Импорт","folderId":1},"emailBlacklist":true,"fileBody":"EMAIL;FIRSTNAME;POINTS;VIP;UNKNOWN\nsara@example.com;x;9;true;y\nmina@example.ir;مینا;9;true;y\n"}`)
	got = s.Contacts("brevo")
	require.Len(t, got, 3)
	assert.Equal(t, "سارا", got[0].FirstName, "without updateExistingContacts it stays")
	assert.Len(t, got[0].Memberships, 2)
	assert.Equal(t, map[string]any{"POINTS": 9.0, "VIP": true}, got[2].Fields)
	assert.Equal(t, []provider.Suppression{noMarketing}, got[2].Suppressed)

	// Nobody looks; time does the work, and an import keeps the block.
	c.call(202, "POST", "/contacts/import", `{"listIds":[4],"updateExistingContacts":true,"jsonBody":[{"email":"mina@example.ir"}]}`)
	s.Advance(time.Minute)
	r := c.call(200, "GET", "/processes?limit=1", "")
	assert.Equal(t, 3.0, r.body["count"])
	assert.Equal(t, "completed", r.body["processes"].([]any)[0].(map[string]any)["status"])
	assert.Equal(t, []provider.Suppression{noMarketing}, s.Contacts("brevo")[2].Suppressed)

	c.call(202, "POST", "/contacts/import", `{"listIds":[4],"updateExistingContacts":true,"jsonBody":[{"email":"mina@example.ir","attributes":{"VIP":false,"POINTS":3}}]}`)
	s.Advance(time.Minute)
	c.call(200, "GET", "/processes?limit=1", "")
	assert.Equal(t, map[string]any{"POINTS": 3.0, "VIP": true}, s.Contacts("brevo")[2].Fields, "an import loses false")

	for _, body := range []string{`{"listIds":[4]}`, `{"jsonBody":[{"email":"a@b.by"}]}`, `{"listIds":[4],"fileUrl":"https://example.com/a.csv"}`, `{"listIds":[77],"fileBody":"EMAIL\na@b.by"}`} {
		c.call(400, "POST", "/contacts/import", body)
	}
	c.call(404, "GET", "/processes/1", "")
}

func TestBrevoAttributes(t *testing.T) {
	s := New(t)
	s.AddField("brevo", "ORDERS", "float")
	r := brevoClient(t, s).call(200, "GET", "/contacts/attributes", "")
	types := map[string]any{}
	for _, a := range r.body["attributes"].([]any) {
		a := a.(map[string]any)
		types[a["name"].(string)] = a["type"]
	}
	assert.Equal(t, "float", types["ORDERS"])
	assert.Equal(t, "date", types["BIRTHDAY"])
	assert.Equal(t, "boolean", types["VIP"])
	assert.Nil(t, types["BLACKLIST"])
}
