package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// smsbyCaller calls methods of the fake with fields of a form, or of the query
// where the vendor wants them there. Every answer has status 200.
type smsbyCaller struct {
	t     *testing.T
	s     *Server
	token string
}

func (c smsbyCaller) post(method string, query bool, contentType, body string) map[string]any {
	c.t.Helper()
	target := c.s.BaseURL("smsby") + "/api/v2/" + method
	if query {
		target, body = target+"?"+body, ""
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, target, strings.NewReader(body))
	require.NoError(c.t, err)
	if !query {
		req.Header.Set("Content-Type", contentType)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, 200, resp.StatusCode, string(data))
	var out map[string]any
	require.NoError(c.t, json.Unmarshal(data, &out), string(data))
	return out
}

func (c smsbyCaller) form(method string, pairs ...string) map[string]any {
	c.t.Helper()
	return c.post(method, false, typeForm, c.pairs(pairs))
}

func (c smsbyCaller) query(method string, pairs ...string) map[string]any {
	c.t.Helper()
	return c.post(method, true, "", c.pairs(pairs))
}

func (c smsbyCaller) pairs(pairs []string) string {
	out := []string{"token=" + url.QueryEscape(c.token)}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		out = append(out, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(out, "&")
}

func newSMSByCaller(t *testing.T) smsbyCaller { return smsbyCaller{t, New(t), Key("smsby")} }

func result(t *testing.T, answer map[string]any) map[string]any {
	t.Helper()
	require.Equal(t, "OK", answer["status"], "%v", answer)
	r, ok := answer["result"].(map[string]any)
	require.True(t, ok, "%v", answer)
	return r
}

func TestSMSByErrorsHaveStatus200(t *testing.T) {
	c := newSMSByCaller(t)
	assert.Contains(t, c.form("sendEmail", "sender_email=shop@example.by", "email=nobody", "subject=Hi", "message=x")["error"], "email")
	assert.Contains(t, c.form("statusBulkEmail", "uuid=3f0c52aa-51de-11f0-9c1d-7b2a40e6d915")["error"], "not found")
	c.token = "wrong"
	assert.Contains(t, c.form("sendEmail", "sender_email=shop@example.by", "email=a@example.by", "subject=Hi", "message=x")["error"], "token")
	assert.Contains(t, c.query("getEmailTemplates")["error"], "token")
	assert.Empty(t, c.s.Messages())
}

func TestSMSBySingle(t *testing.T) {
	c := newSMSByCaller(t)
	r := result(t, c.form("sendEmail", "sender_email=shop@example.by", "email=anna@example.by", "subject=Hi", "message=<p>x</p>", "d_schedule=2030-05-04 09:30"))
	assert.IsType(t, 1.0, r["email_id"])
	m := c.s.Messages("smsby")[0]
	assert.Equal(t, time.Date(2030, 5, 4, 6, 30, 0, 0, time.UTC), m.SendAt, "Minsk time")
	assert.NotEmpty(t, c.form("sendEmail", "sender_email=shop@example.by", "email=anna@example.by", "subject=Hi", "message=x", "d_schedule=2030-05-04T09:30")["error"])

	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"token", c.token}, {"sender_email", "shop@example.by"}, {"email", "anna@example.by"}, {"subject", "Hi"}, {"message", "x"}} {
		require.NoError(t, w.WriteField(f[0], f[1]))
	}
	part, err := w.CreateFormFile("attachment", "счёт.pdf")
	require.NoError(t, err)
	_, _ = part.Write([]byte("%PDF"))
	require.NoError(t, w.Close())
	result(t, c.post("sendEmail", false, w.FormDataContentType(), body.String()))
	assert.Equal(t, []provider.Attachment{{Name: "счёт.pdf", ContentType: "application/octet-stream", Content: []byte("%PDF")}}, c.s.Messages("smsby")[1].Attachments)
}

func TestSMSByBulk(t *testing.T) {
	c := newSMSByCaller(t)
	id := result(t, c.form("sendBulkEmail", "sender_email=shop@example.by", "subject=Hi", "message=x",
		"delivery_list[0]=anna@example.by", "delivery_list[1]=bounce@example.by", "delivery_list[2]=pavel"))["uuid"].(string)
	rows := c.form("statusBulkEmail", "uuid="+id)["result"].([]any)
	require.Len(t, rows, 1)
	row := rows[0].(map[string]any)
	assert.IsType(t, "", row["message_id"], "a number as text")
	success := row["success"].([]any)
	require.Len(t, success, 2)
	assert.Equal(t, "DELIVERED", success[0].(map[string]any)["status"])
	assert.Nil(t, success[0].(map[string]any)["error"])
	assert.Equal(t, "UNDELIVERED", success[1].(map[string]any)["status"])
	assert.Equal(t, "pavel", row["errors"].([]any)[0].(map[string]any)["email"], "a wrong address is told afterwards only")

	result(t, c.form("sendBulkEmail", "sender_email=shop@example.by", "message_type=personal",
		"delivery_list[0][email]=anna@example.by", "delivery_list[0][subject]=One", "delivery_list[0][message]=1",
		"delivery_list[1][email]=pavel@example.by", "delivery_list[1][subject]=Two", "delivery_list[1][message]=2"))
	mails := c.s.Messages("smsby")
	require.Len(t, mails, 4)
	assert.Equal(t, []string{"One", "Two"}, []string{mails[2].Subject, mails[3].Subject})
	assert.NotEmpty(t, c.form("sendBulkEmail", "sender_email=shop@example.by", "message_type=personal", "delivery_list[0]=anna@example.by")["error"])
	assert.NotEmpty(t, c.form("sendBulkEmail", "sender_email=shop@example.by", "delivery_list[0]=anna@example.by")["error"])
}

func TestSMSByListsAndMailings(t *testing.T) {
	c := newSMSByCaller(t)
	list := result(t, c.query("createSubscriberList", "name=Spring"))["list_id"].(float64)
	again := result(t, c.query("createSubscriberList", "name=Spring"))["list_id"].(float64)
	assert.NotEqual(t, list, again, "names need not differ")
	imported := func(rows ...string) map[string]any {
		return result(t, c.query("importContacts", append([]string{"list_id=1001", "field_names[0]=email", "field_names[1]=phone", "field_names[2]=name"}, rows...)...))
	}
	r := imported("data[0][0]=anna@example.by", "data[0][2]=Anna", "data[0][1]=", "data[1][0]=", "data[1][1]=+375291234567", "data[1][2]=Pavel", "data[2][0]=wrong", "data[2][1]=", "data[2][2]=")
	assert.Equal(t, 2.0, r["inserted"])
	assert.Equal(t, 1.0, r["invalid"])
	assert.Equal(t, 2.0, r["log"].([]any)[0].(map[string]any)["index"])
	r = imported("data[0][0]=ANNA@example.by", "data[0][1]=", "data[0][2]=Anya")
	assert.Equal(t, []any{0.0, 1.0}, []any{r["inserted"], r["updated"]})
	assert.Equal(t, "Anya", c.s.Contacts("smsby")[0].FirstName)
	assert.Contains(t, c.query("importContacts", "list_id=9", "field_names[0]=email", "data[0][0]=a@example.by")["error"], "not found")

	send := []string{"list_id=1001", "sender_email=shop@example.by", "subject=Hi", "message=x"}
	r = result(t, c.form("sendEmailByList", send...))
	assert.Equal(t, 1.0, r["count_emails"], "the phone gets no mail")
	rows := c.form("getEmailDeliveryList", "message_id="+strconv.FormatFloat(r["message_id"].(float64), 'f', -1, 64))["result"].([]any)
	require.Len(t, rows, 1)
	assert.Equal(t, " anna@example.by", rows[0].(map[string]any)["email"], "with a blank in front")
	assert.Equal(t, "", rows[0].(map[string]any)["error"])

	c.form("unsubscribeEmail", "email=anna@example.by", "list_ids=1001", "reason=asked")
	assert.Equal(t, 0.0, result(t, c.form("sendEmailByList", send...))["count_emails"])
	imported("data[0][0]=anna@example.by", "data[0][1]=", "data[0][2]=Anna")
	assert.Equal(t, provider.StatusUnsubscribed, c.s.Contacts("smsby")[0].Memberships[0].Status, "an import does not subscribe again")
	c.form("subscribeEmail", "email=anna@example.by", "list_ids=1001")
	assert.Equal(t, provider.StatusSubscribed, c.s.Contacts("smsby")[0].Memberships[0].Status)
	c.form("unsubscribeEmail", "email=stranger@example.by")
	result(t, c.query("importContacts", "list_id=1001", "field_names[0]=email", "data[0][0]=stranger@example.by"))
	all := c.s.Contacts("smsby")
	assert.Equal(t, provider.StatusUnsubscribed, all[len(all)-1].Memberships[0].Status, "also when it was no contact before")
}
