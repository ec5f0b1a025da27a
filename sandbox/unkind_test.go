package sandbox

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestBrevoRefusesBigAndLateMail(t *testing.T) {
	many := make([]string, 2001)
	for i := range many {
		many[i] = fmt.Sprintf(`{"email":"p%d@example.com"}`, i)
	}
	file := func(name string, size int) string {
		return fmt.Sprintf(`"attachment":[{"name":%q,"content":%q}]`, name, base64.StdEncoding.EncodeToString(make([]byte, size)))
	}
	for _, row := range []struct {
		name, more string
		status     int
	}{
		{"soon", `"scheduledAt":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"`, 202},
		{"past", `"scheduledAt":"` + time.Now().Add(-time.Hour).Format(time.RFC3339) + `"`, 400},
		{"beyond 72 hours", `"scheduledAt":"` + time.Now().Add(100*time.Hour).Format(time.RFC3339) + `"`, 400},
		{"file", file("price.PDF", 10), 201},
		{"program", file("x.exe", 10), 400},
		{"file without extension", file("price", 10), 400},
		{"file by address", `"attachment":[{"url":"https://example.com/a.zip?x=1"}]`, 201},
		{"program by address", `"attachment":[{"url":"https://example.com/a.sh"}]`, 400},
		{"over 20 MB", `"textContent":"` + strings.Repeat("a", 21<<20) + `"`, 400},
		{"too many", `"bcc":[` + strings.Join(many, ",") + `]`, 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(t)
			brevoClient(t, s).call(row.status, "POST", "/smtp/email",
				`{"sender":{"email":"shop@example.com"},"to":[{"email":"anna@example.com"}],"subject":"Hi","htmlContent":"<p>Hi</p>",`+row.more+`}`)
		})
	}
}

// A template that cannot be filled in is accepted and not sent.
func TestBrevoTemplateThatDoesNotRender(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddTemplate("brevo", Template{ID: "20", Name: "Broken", Subject: "Hi", HTML: "<p>{{params.name</p>"})
	before := c.call(200, "GET", "/account", "").body["plan"]
	c.call(201, "POST", "/smtp/email", `{"templateId":20,"to":[{"email":"anna@example.com"}]}`)
	s.Advance(time.Minute)
	assert.Equal(t, before, c.call(200, "GET", "/account", "").body["plan"], "no credit is taken")
	assert.Equal(t, "error", at(t, c.call(200, "GET", "/smtp/statistics/events?event=error", "").body, "events", 0, "event"))
	assert.True(t, s.Messages()[0].Dropped)
}

func TestBrevoInactiveTemplate(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddTemplate("brevo", Template{ID: "20", Name: "Draft", Subject: "Hi", HTML: "<p>Hello you</p>", Inactive: true})
	c.call(400, "POST", "/smtp/email", `{"templateId":20,"to":[{"email":"anna@example.com"}]}`)
	c.call(204, "PUT", "/smtp/templates/20", `{"isActive":true,"subject":"Hello"}`)
	c.call(201, "POST", "/smtp/email", `{"templateId":20,"to":[{"email":"anna@example.com"}]}`)
	assert.Equal(t, "Hello", s.Messages()[0].Subject)
	c.call(400, "DELETE", "/smtp/templates/20", "")
	c.call(204, "PUT", "/smtp/templates/20", `{"isActive":false}`)
	c.call(204, "DELETE", "/smtp/templates/20", "")
	c.call(404, "GET", "/smtp/templates/20", "")
}

func TestBrevoDoubleOptIn(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddContact("brevo", provider.Contact{Email: "left@example.com", Suppressed: []provider.Suppression{noMarketing}})
	ask := func(status int, email string) {
		t.Helper()
		c.call(status, "POST", "/contacts/doubleOptinConfirmation", `{"email":"`+email+`","includeListIds":[4],"templateId":12,"redirectionUrl":"https://example.com/"}`)
	}
	ask(201, "anna@example.com")
	ask(400, "left@example.com")
	require.Len(t, s.Messages(), 1)
	assert.Len(t, s.Contacts("brevo"), 1, "nobody has confirmed")
}

func TestBrevoCampaigns(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddContact("brevo", provider.Contact{Email: "anna@example.com", Memberships: []provider.Membership{{List: "4"}}})
	s.AddContact("brevo", provider.Contact{Email: "left@example.com", Memberships: []provider.Membership{{List: "4"}}, Suppressed: []provider.Suppression{noMarketing}})
	const draft = `{"name":"News","subject":"Hi","htmlContent":"<p>Hello {{contact.FIRSTNAME}}</p>","sender":{"id":3},"recipients":{"listIds":[4]}`
	id := func(body string) string {
		t.Helper()
		return fmt.Sprintf("/emailCampaigns/%.0f", c.call(201, "POST", "/emailCampaigns", body).body["id"])
	}
	state := func(path string) any { t.Helper(); return c.call(200, "GET", path, "").body["status"] }

	now := id(draft + "}")
	assert.Equal(t, "draft", state(now))
	c.call(204, "PUT", now, `{"subject":"Hello"}`)
	c.call(204, "POST", now+"/sendTest", `{"emailTo":["owner@example.com"]}`)
	assert.Len(t, s.Messages(), 1)
	c.call(204, "POST", now+"/sendNow", "")
	assert.Equal(t, "sent", state(now))
	c.call(400, "POST", now+"/sendNow", "")
	c.call(400, "PUT", now, `{"subject":"Again"}`)
	require.Len(t, s.Messages(), 2)
	assert.Equal(t, "4", s.Messages()[1].List)
	assert.EqualValues(t, 1, at(t, c.call(200, "GET", now, "").body, "statistics", "globalStats", "delivered"))

	later := id(draft + `,"scheduledAt":"` + time.Now().Add(2*time.Hour).Format(time.RFC3339) + `"}`)
	c.call(400, "PUT", later, `{"scheduledAt":"2020-01-01T00:00:00Z"}`)
	assert.Equal(t, "queued", state(later))
	c.call(204, "PUT", later+"/status", `{"status":"suspended"}`)
	s.Advance(3 * time.Hour)
	assert.Equal(t, "suspended", state(later))
	c.call(204, "PUT", later+"/status", `{"status":"queued"}`)
	assert.Equal(t, "sent", state(later), "its time has come")
	assert.EqualValues(t, 2, c.call(200, "GET", "/emailCampaigns", "").body["count"])
	c.call(204, "DELETE", later, "")
	c.call(404, "GET", later, "")
}

func TestPakatRefusesMore(t *testing.T) {
	s, u := startPakat(t)
	s.AddSuppression("pakat", "a@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeAll})
	mail := func(to string, more ...string) []string {
		return append([]string{
			"email[to_name]", "Anna", "email[to_email]", to, "email[from_name]", "Shop", "email[subject]", "Hi", "email[body]", "PHA+SGk8L3A+", "email[send_at]", "2030-05-04 09:30:00",
		}, more...)
	}
	file := func(name, data string) []string {
		return []string{"email[attachments][0][name]", name, "email[attachments][0][type]", "application/pdf", "email[attachments][0][data]", data}
	}
	assert.Equal(t, "This email address is blacklisted!", u.call(422, "POST", "/transactional-emails", mail("a@example.com")...)["error"])
	assert.Equal(t, "This email address is blacklisted.", u.call(422, "POST", "/lists/"+pakatList+"/subscribers", "EMAIL", "a@example.com")["error"])
	u.call(422, "POST", "/transactional-emails", mail("b@example.com", file("price", "JVBERg==")...)...)
	u.call(422, "POST", "/transactional-emails", mail("b@example.com", file("price.pdf", "")...)...)
	u.call(201, "POST", "/transactional-emails", mail("b@example.com", file("price.pdf", "JVBERg==")...)...)
	for i := range 60 {
		s.AddContact("pakat", provider.Contact{Email: fmt.Sprintf("p%d@example.com", i), Memberships: []provider.Membership{{List: pakatList}}})
	}
	assert.Len(t, at(t, u.call(200, "GET", "/lists/"+pakatList+"/subscribers?per_page=1000"), "data", "records"), 50)
}

func TestSendPulseDropsAndRefuses(t *testing.T) {
	s, c := startSendPulse(t)
	s.AddSuppression("sendpulse", "left@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
	c.call(200, "POST", "/smtp/emails", `{"email":{"subject":"Hi","html":"PHA+SGk8L3A+","text":"Hi","from":{"name":"Shop","email":"shop@example.com"},"to":[{"email":"left@example.com"}]}}`)
	assert.True(t, s.Messages()[0].Dropped, "accepted, and not sent")

	const campaign = `{"sender_name":"Shop","sender_email":"shop@example.com","subject":"Hi","body":"PHA+SGk8L3A+","list_id":[4]`
	for _, body := range []string{campaign + `,"send_date":"2020-01-01 00:00:00"}`, strings.Replace(campaign, "shop@", "other@", 1) + "}"} {
		assert.Equal(t, true, c.call(200, "POST", "/campaigns", body).body["is_error"], body)
	}
	path := fmt.Sprintf("/campaigns/%.0f", c.call(200, "POST", "/campaigns", campaign+"}").body["id"])
	assert.Contains(t, c.call(422, "DELETE", "/addressbooks/4", "").raw, "active campaign")
	s.Advance(2 * time.Minute)
	assert.InDelta(t, 3, c.call(200, "GET", path, "").body["status"], 0)
	draft := c.call(200, "POST", "/campaigns", campaign+`,"type":"draft"}`).body
	assert.InDelta(t, 26, draft["status"], 0)
	c.call(200, "PATCH", fmt.Sprintf("/campaigns/%.0f", draft["id"]), `{"subject":"Hello"}`)
	c.call(200, "DELETE", fmt.Sprintf("/campaigns/%.0f", draft["id"]), "")
	c.call(200, "DELETE", "/addressbooks/4", "")
}

func TestSendPulseKeepsSendersAndTemplates(t *testing.T) {
	_, c := startSendPulse(t)
	c.call(422, "POST", "/senders", `{"email":"me@gmail.com","name":"Me"}`)
	c.call(200, "POST", "/senders", `{"email":"orders@example.com","name":"Orders"}`)
	assert.InDelta(t, 902, c.call(422, "POST", "/senders", `{"email":"orders@example.com","name":"Orders"}`).body["error_code"], 0)
	c.call(200, "GET", "/senders/orders@example.com/code", "")
	assert.InDelta(t, 1004, c.call(200, "GET", "/senders/orders@example.com/code", "").body["error_code"], 0)
	assert.Equal(t, false, c.call(200, "POST", "/senders/orders@example.com/code", `{"code":"wrong"}`).body["result"])
	assert.NotContains(t, c.call(200, "GET", "/smtp/senders", "").raw, "orders")
	assert.Equal(t, true, c.call(200, "POST", "/senders/orders@example.com/code", `{"code":"`+spCode+`"}`).body["result"])
	assert.Contains(t, c.call(200, "GET", "/smtp/senders", "").raw, "orders")

	id := fmt.Sprintf("%.0f", c.call(200, "POST", "/template", `{"name":"Welcome","body":"PHA+SGk8L3A+"}`).body["real_id"])
	c.call(422, "POST", "/template", `{"name":"Welcome","body":"PHA+SGk8L3A+"}`)
	first := c.call(200, "GET", "/template/"+id, "").body
	c.call(200, "POST", "/template/edit/"+id, `{"body":"PHA+SGVsbG88L3A+"}`)
	second := c.call(200, "GET", "/template/"+id, "").body
	assert.Equal(t, "<p>Hello</p>", second["body"])
	assert.NotEqual(t, first["id"], second["id"], "the id changes with the body")
	assert.Equal(t, first["real_id"], second["real_id"])
}

func TestPakatKeepsTemplatesFieldsAndCampaigns(t *testing.T) {
	s, u := startPakat(t)
	tpl := at(t, u.call(201, "POST", "/templates", "template[name]", "Welcome", "template[content]", "PHA+SGk8L3A+"), "template_uid").(string)
	u.call(200, "PUT", "/templates/"+tpl, "template[name]", "Hello", "template[content]", "PHA+SGVsbG88L3A+")
	assert.Equal(t, "<p>Hello</p>", at(t, u.call(200, "GET", "/templates/"+tpl), "data", "record", "content"))
	u.call(200, "DELETE", "/templates/"+tpl)
	u.call(404, "GET", "/templates/"+tpl)

	fields := "/lists/" + pakatList + "/fields"
	id := at(t, u.call(201, "POST", fields, "type", "text", "label", "Club", "tag", "club"), "data", "record", "field_id").(string)
	u.call(422, "POST", fields, "type", "text", "label", "Club", "tag", "CLUB")
	assert.Equal(t, "CLUB", at(t, u.call(200, "GET", fields+"/"+id), "data", "record", "tag"))
	assert.Contains(t, u.call(422, "DELETE", fields+"/1")["error"], "cannot be deleted")
	u.call(200, "DELETE", fields+"/"+id)

	form := []string{
		"campaign[name]", "News", "campaign[from_name]", "Shop", "campaign[from_email]", "shop@example.com", "campaign[subject]", "Hi",
		"campaign[reply_to]", "shop@example.com", "campaign[send_at]", "2030-01-01 00:00:00", "campaign[list_uid]", pakatList, "campaign[template][content]", "PHA+SGk8L3A+",
	}
	k := "/campaigns/" + at(t, u.call(201, "POST", "/campaigns", append(form, "campaign[status]", "draft")...), "campaign_uid").(string)
	state := func() any { t.Helper(); return at(t, u.call(200, "GET", k), "data", "record", "status") }
	assert.Equal(t, "draft", state())
	u.call(422, "PUT", k+"/pause-unpause")
	u.call(200, "PUT", k, "campaign[status]", "pending-sending", "campaign[send_at]", time.Now().UTC().Format(time.DateTime))
	assert.Equal(t, "pending-sending", state())
	u.call(200, "PUT", k+"/pause-unpause")
	assert.Equal(t, "paused", state())
	u.call(200, "PUT", k+"/pause-unpause")
	s.Advance(2 * time.Minute)
	assert.Equal(t, "sent", state())
	u.call(422, "PUT", k, "campaign[subject]", "Again")
	form[13] = "no-such-list"
	u.call(422, "POST", "/campaigns", form...)
	u.call(200, "DELETE", k)
	u.call(404, "GET", k)
}
