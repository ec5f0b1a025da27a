package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestBrevoSend(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	r := c.call(201, "POST", "/smtp/email", `{
		"sender": {"email": "shop@example.com", "name": "فروشگاه"},
		"to": [{"email": "sara@example.com", "name": "سارا"}], "cc": [{"email": "ali@example.com"}], "bcc": [{"email": "log@example.com"}],
		"replyTo": {"email": "help@example.com"}, "subject": "سفارش", "htmlContent": "<p>1042</p>", "textContent": "1042",
		"attachment": [{"name": "a.txt", "content": "QUI="}], "headers": {"X-Order": "1042"}, "tags": ["order"], "params": {"order": 1042}}`)
	id := r.body["messageId"].(string)
	assert.Regexp(t, `^<.+@smtp-relay\.mailin\.fr>$`, id)
	assert.NotContains(t, r.raw, "batchId")
	assert.Contains(t, r.raw, "<", "ids are not escaped")
	assert.Equal(t, "1000", r.header.Get("x-sib-ratelimit-limit"))
	assert.NotEmpty(t, r.header.Get("x-sib-ratelimit-remaining"))
	assert.NotEmpty(t, r.header.Get("x-sib-ratelimit-reset"))
	assert.NotEmpty(t, r.header.Get("sib-request-id"))

	got := s.Messages("brevo")
	require.Len(t, got, 1)
	m := got[0]
	assert.False(t, m.AcceptedAt.IsZero())
	assert.NotEmpty(t, m.Raw)
	m.AcceptedAt, m.Raw = time.Time{}, nil
	assert.Equal(t, Mail{
		Provider: "brevo", ID: id, From: provider.Address{Email: "shop@example.com", Name: "فروشگاه"},
		To: []provider.Address{{Email: "sara@example.com", Name: "سارا"}}, Cc: []provider.Address{{Email: "ali@example.com"}},
		Bcc: []provider.Address{{Email: "log@example.com"}}, ReplyTo: []provider.Address{{Email: "help@example.com"}},
		Subject: "سفارش", HTML: "<p>1042</p>", Text: "1042", Tags: []string{"order"}, Headers: map[string]string{"X-Order": "1042"},
		Attachments: []provider.Attachment{{Name: "a.txt", Content: []byte("AB")}}, Variables: map[string]any{"order": 1042.0},
	}, m)
}

func TestBrevoRefusesMail(t *testing.T) {
	const from, to, body = `"sender":{"email":"a@b.by"}`, `"to":[{"email":"c@d.by"}]`, `"subject":"s","textContent":"t"`
	for name, tt := range map[string][2]string{
		"no sender":            {to + "," + body, "missing_parameter"},
		"empty sender":         {`"sender":{"name":"x"},` + to + "," + body, "missing_parameter"},
		"unknown sender":       {`"sender":{"id":99},` + to + "," + body, "invalid_parameter"},
		"no recipient":         {from + "," + body, "missing_parameter"},
		"no address":           {from + `,"to":[{"email":"nobody"}],` + body, "invalid_parameter"},
		"no content":           {from + "," + to + `,"subject":"s"`, "missing_parameter"},
		"no subject":           {from + "," + to + `,"textContent":"t"`, "missing_parameter"},
		"unknown template":     {from + "," + to + `,"templateId":99`, "invalid_parameter"},
		"attachment no name":   {from + "," + to + "," + body + `,"attachment":[{"content":"QUI="}]`, "missing_parameter"},
		"too late":             {from + "," + to + "," + body + `,"scheduledAt":"2999-01-01T00:00:00Z"`, "invalid_parameter"},
		"to beside versions":   {from + "," + to + "," + body + `,"messageVersions":[{"to":[{"email":"c@d.by"}]}]`, "invalid_parameter"},
		"version without to":   {from + "," + body + `,"messageVersions":[{"to":[]}]`, "missing_parameter"},
		"version with many to": {from + "," + body + `,"messageVersions":[{"to":[` + strings.Repeat(`{"email":"c@d.by"},`, 99) + `{"email":"c@d.by"}]}]`, "invalid_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(t)
			r := brevoClient(t, s).call(400, "POST", "/smtp/email", "{"+tt[0]+"}")
			assert.Equal(t, tt[1], r.body["code"], r.raw)
			assert.Empty(t, s.Messages())
		})
	}
}

func TestBrevoKey(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	c.key[1] = "xkeysib-other"
	assert.Equal(t, map[string]any{"code": "unauthorized", "message": "Key not found"}, c.call(401, "GET", "/account", "").body)
	c.key[0] = "Authorization"
	assert.Contains(t, c.call(401, "POST", "/smtp/email", aMail).body["message"], "authentication not found")
	assert.Empty(t, s.Messages())
}

func TestBrevoIdempotencyKey(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	keyed := strings.Replace(aMail, "{", `{"headers":{"idempotencyKey":"0b9c2f0e-6c1d-4a5e-9a53-3f2a7d0c1e44"},`, 1)

	// A refused mail uses up no key.
	c.call(400, "POST", "/smtp/email", `{"headers":{"idempotencyKey":"0b9c2f0e-6c1d-4a5e-9a53-3f2a7d0c1e44"},"subject":"s"}`)
	s.Fail("brevo", Fault{After: true, Drop: true})
	_, err := c.do("POST", "/smtp/email", keyed)
	require.Error(t, err)
	r := c.call(400, "POST", "/smtp/email", keyed)
	assert.Equal(t, "duplicate_parameter", r.body["code"])
	assert.Contains(t, r.body["message"], "idempotency key")
	assert.NotContains(t, r.raw, "messageId")
	s.Advance(14 * time.Minute)
	c.call(400, "POST", "/smtp/email", keyed)
	s.Advance(2 * time.Minute)
	c.call(201, "POST", "/smtp/email", keyed)
	assert.Len(t, s.Messages(), 2)

	// Other spellings are ignored, and so is an HTTP header.
	other := strings.Replace(keyed, "idempotencyKey", "Idempotency-Key", 1)
	c.call(201, "POST", "/smtp/email", other)
	c.call(201, "POST", "/smtp/email", other)
	c.more = http.Header{"Idempotency-Key": {"k"}, "Idempotencykey": {"k"}}
	c.call(201, "POST", "/smtp/email", aMail)
	c.call(201, "POST", "/smtp/email", aMail)
	assert.Len(t, s.Messages(), 6)
}

func TestBrevoDropHeader(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	r := c.call(201, "POST", "/smtp/email", strings.Replace(aMail, "{", `{"headers":{"X-Sib-Sandbox":"drop"},`, 1))
	assert.NotEmpty(t, r.body["messageId"])
	assert.Empty(t, s.Messages())
}

func TestBrevoVersions(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	r := c.call(201, "POST", "/smtp/email", `{"templateId": 12, "params": {"name": "all"}, "tags": ["order"], "messageVersions": [
		{"to": [{"email": "olga@example.by"}], "params": {"name": "Ольга", "order": 7}},
		{"to": [{"email": "ivan@example.by"}, {"email": "bounce@example.by"}], "subject": "Иван"}]}`)
	ids := r.body["messageIds"].([]any)
	require.Len(t, ids, 2)
	assert.NotContains(t, r.body, "messageId")
	assert.Contains(t, ids[0], ".1@")
	assert.Contains(t, ids[1], ".2@")
	got := s.Messages()
	require.Len(t, got, 2)
	assert.Equal(t, "12", got[0].Template)
	assert.Equal(t, "shop@example.com", got[0].From.Email, "the template's sender")
	assert.Equal(t, "{{params.name}}, your order is ready", got[0].Subject)
	assert.Equal(t, map[string]any{"name": "Ольга", "order": 7.0}, got[0].Variables)
	assert.Equal(t, "Иван", got[1].Subject)
	assert.Equal(t, map[string]any{"name": "all"}, got[1].Variables)

	page := c.call(200, "GET", "/smtp/emails?email=olga@example.by", "")
	row := page.body["transactionalEmails"].([]any)[0].(map[string]any)
	assert.Equal(t, ids[0], row["messageId"])
	mail := c.call(200, "GET", "/smtp/emails/"+row["uuid"].(string), "")
	assert.Equal(t, "<p>Hello Ольга, your order 7 is ready.</p>", mail.body["body"])
	assert.Len(t, mail.body["events"], 2)
	c.call(404, "GET", "/smtp/emails/"+uuid(99), "")
	c.call(400, "GET", "/smtp/emails", "")
}

func TestBrevoEvents(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	assert.NotContains(t, c.call(200, "GET", "/smtp/statistics/events", "").body, "events", "absent when there are none")
	s.AddSuppression("brevo", "dara@example.ir", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "complained"})
	r := c.call(201, "POST", "/smtp/email", strings.Replace(aMail, `[{"email":"sara@example.com"}]`,
		`[{"email":"sara@example.com"},{"email":"bounce@example.com"},{"email":"dara@example.ir"}]`, 1))
	id := r.body["messageId"].(string)
	kinds := func(query string) (out []string) {
		events, _ := c.call(200, "GET", "/smtp/statistics/events?sort=asc&"+query, "").body["events"].([]any)
		for _, e := range events {
			e := e.(map[string]any)
			out = append(out, e["email"].(string)+" "+e["event"].(string))
		}
		return out
	}
	want := []string{
		"sara@example.com requests", "sara@example.com delivered", "bounce@example.com requests", "bounce@example.com hardBounces",
		"dara@example.ir requests", "dara@example.ir blocked",
	}
	assert.Equal(t, want, kinds("messageId="+url.QueryEscape(id)))
	assert.Equal(t, want, kinds("messageId="+url.QueryEscape(strings.Trim(id, "<>"))))
	assert.Equal(t, want[1:2], kinds("event=delivered"))
	assert.Equal(t, want[3:4], kinds("event=bounces"))
	assert.Equal(t, want[:1], kinds("email=sara@example.com&limit=1"))
	assert.Empty(t, kinds("tags="+url.QueryEscape(`["order"]`)))
	assert.Empty(t, kinds("startDate=2020-01-01&endDate=2020-01-02"))
	c.call(400, "GET", "/smtp/statistics/events?startDate=2020-01-01", "")
	c.call(400, "GET", "/smtp/statistics/events?limit=5001", "")

	blocked := c.call(200, "GET", "/smtp/blockedContacts", "")
	assert.Contains(t, blocked.raw, "contactFlaggedAsSpam")
	c.call(204, "DELETE", "/smtp/blockedContacts/dara@example.ir", "")
	c.call(404, "DELETE", "/smtp/blockedContacts/dara@example.ir", "")
	assert.EqualValues(t, 0, c.call(200, "GET", "/smtp/blockedContacts?limit=100", "").body["count"])
}

func TestBrevoSchedule(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	at := time.Now().Add(2 * time.Hour).Format(time.RFC3339)
	send := func() (id, batch string) {
		r := c.call(202, "POST", "/smtp/email", strings.Replace(aMail, "{", fmt.Sprintf(`{"scheduledAt":%q,`, at), 1))
		return r.body["messageId"].(string), r.body["batchId"].(string)
	}
	id, batch := send()
	r := c.call(200, "GET", "/smtp/emailStatus/"+url.PathEscape(id), "")
	assert.Equal(t, "queued", r.body["status"])
	r = c.call(200, "GET", "/smtp/emailStatus/"+batch+"?limit=10", "")
	assert.EqualValues(t, 1, r.body["count"])
	c.call(400, "GET", "/smtp/emailStatus/"+url.PathEscape(id)+"?limit=10", "")
	assert.NotContains(t, c.call(200, "GET", "/smtp/statistics/events", "").raw, id, "nothing has happened yet")

	c.call(204, "DELETE", "/smtp/email/"+url.PathEscape(id), "")
	c.call(404, "DELETE", "/smtp/email/"+url.PathEscape(id), "")
	c.call(404, "GET", "/smtp/emailStatus/"+batch, "")
	assert.True(t, s.Messages()[0].Withdrawn)

	_, batch = send()
	s.Advance(3 * time.Hour)
	r = c.call(200, "GET", "/smtp/emailStatus/"+batch, "")
	assert.Equal(t, "processed", r.body["batches"].([]any)[0].(map[string]any)["status"])
	c.call(404, "DELETE", "/smtp/email/"+batch, "")
	assert.Len(t, c.call(200, "GET", "/smtp/statistics/events", "").body["events"], 2)
}

func TestBrevoAccount(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	credits := func() float64 {
		plans := c.call(200, "GET", "/account", "").body["plan"].([]any)
		return plans[0].(map[string]any)["credits"].(float64)
	}
	before := credits()
	c.call(201, "POST", "/smtp/email", aMail)
	assert.InDelta(t, before-1, credits(), 0)
	assert.Contains(t, c.call(200, "GET", "/senders?domain=example.com", "").raw, "shop@example.com")
	assert.NotContains(t, c.call(200, "GET", "/senders?domain=example.org", "").raw, "shop@example.com")

	r := c.call(200, "GET", "/smtp/templates?limit=1", "")
	sender := r.body["templates"].([]any)[0].(map[string]any)["sender"].(map[string]any)
	assert.Equal(t, "3", sender["id"], "this id is text")
	assert.EqualValues(t, 0, c.call(200, "GET", "/smtp/templates?templateStatus=false", "").body["count"])
	s.AddTemplate("brevo", Template{ID: "13", Name: "New", Subject: "s", HTML: "<p>x</p>"})
	r = c.call(200, "GET", "/smtp/templates", "")
	assert.EqualValues(t, 13, r.body["templates"].([]any)[0].(map[string]any)["id"], "newest first")
}
