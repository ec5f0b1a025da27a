package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eased is a request that departs from the description in one habit.
type eased struct {
	name, provider, habit    string
	method, path, kind, body string
	status                   int // of the lenient sandbox
}

const (
	typeJSON  = "application/json"
	pakatPost = "EMAIL=anna%40example.com&FNAME=Anna"
)

var easedRequests = []eased{
	{"brevo slash", "brevo", "slash", "GET", "/account/", "", "", 200},
	{"pakat v3 slash", "pakatv3", "slash", "GET", "/account/", "", "", 200},
	{"empty object with GET", "sendpulse", "body", "GET", "/addressbooks", typeJSON, `{}`, 200},
	{"empty list with DELETE", "sendpulse", "body", "DELETE", "/addressbooks/4", typeJSON, `[]`, 200},
	{"empty list with DELETE at Pakat", "pakat", "body", "DELETE", "/lists/" + pakatList, typeForm, `[]`, 200},
	{"filters in the body", "sendpulse", "parameters in the body", "GET", "/addressbooks", typeJSON, `{"limit":1,"offset":0}`, 200},
	{"unknown parameter", "pakat", "unknown parameter", "GET", "/campaigns?list_uid=x", "", "", 200},
	{"unknown parameter at Brevo", "brevo", "unknown parameter", "GET", "/contacts?colour=red", "", "", 200},
	{"empty filter", "sendpulse", "empty parameter", "GET", "/smtp/emails?from=&to=&sender=&recipient=anna@example.com", "", "", 200},
	{"unknown field", "brevo", "unknown field", "POST", "/contacts", typeJSON, `{"email":"anna@example.com","colour":"red"}`, 201},
	{"unknown field of a form", "pakat", "unknown field", "PUT", "/lists/" + pakatList, typeForm, "general%5Bname%5D=Winter&company%5Bzone%5D=Minsk", 200},
	{"null", "pakatv3", "null", "POST", "/contacts", typeJSON, `{"email":"anna@example.com","listIds":null}`, 201},
	{"null for an object", "sendpulse", "null", "POST", "/smtp/emails", typeJSON, `{"email":{"subject":"Hi","html":"PHA+SGk8L3A+","text":"Hi","template":null,"from":{"name":"Shop","email":"shop@example.com"},"to":[{"email":"anna@example.com"}]}}`, 200},
	{"empty text for a kind", "sendpulse", "empty text", "POST", "/campaigns", typeJSON, `{"sender_name":"Shop","sender_email":"shop@example.com","subject":"Hi","body":"PHA+SGk8L3A+","list_id":[4],"type":""}`, 200},
	{"number as text", "brevo", "number as text", "POST", "/contacts", typeJSON, `{"email":"anna@example.com","listIds":["4"],"updateEnabled":"1"}`, 201},
	{"text as number", "sendpulse", "text as number", "POST", "/addressbooks", typeJSON, `{"bookName":2026}`, 200},
	{"one list", "sendpulse", "single value", "POST", "/campaigns", typeJSON, `{"sender_name":"Shop","sender_email":"shop@example.com","subject":"Hi","body":"PHA+SGk8L3A+","list_id":4}`, 200},
	{"list for an object", "sendpulse", "PHP array", "POST", "/addressbooks/4/emails", typeJSON, `{"emails":[{"email":"anna@example.com","variables":[]}]}`, 200},
	{"object for a list", "sendpulse", "PHP array", "POST", "/addressbooks/4/emails", typeJSON, `{"emails":{"0":{"email":"anna@example.com"}}}`, 200},
	{"serialized", "sendpulse", "PHP text", "POST", "/addressbooks/4/emails", typeJSON, `{"emails":"a:1:{i:0;s:16:\"anna@example.com\";}"}`, 200},
	{"address alone", "sendpulse", "address alone", "POST", "/addressbooks/4/emails", typeJSON, `{"emails":["anna@example.com"]}`, 200},
	{"list alone", "sendpulse", "list alone", "DELETE", "/smtp/unsubscribe", typeJSON, `["anna@example.com"]`, 200},
	{"form for JSON", "sendpulse", "form for JSON", "POST", "/addressbooks", typeForm, `bookName=Autumn`, 200},
	{"JSON for a form", "smsby", "JSON for a form", "POST", "/api/v2/sendEmail", typeJSON, `{"token":"smsby-sandbox","sender_email":"shop@example.com","email":"anna@example.com","subject":"Hi","message":"Hi"}`, 200},
	{"urlencoded for multipart", "pakat", "other form", "POST", "/lists/" + pakatList + "/subscribers", typeForm, pakatPost, 201},
	{"JSON as text", "brevo", "type of the body", "POST", "/contacts", "text/plain", `{"email":"anna@example.com"}`, 201},
	{"double opt-in", "pakatv3", "unproved operation", "POST", "/contacts/doubleOptinConfirmation", typeJSON, `{"email":"anna@example.com","includeListIds":[4],"templateId":12,"redirectionUrl":"https://example.com/"}`, 201},
	{"outer recipients", "brevo", "outer recipients", "POST", "/smtp/email", typeJSON, `{"sender":{"email":"shop@example.com"},"subject":"Hi","textContent":"Hi","cc":[{"email":"c@example.com"}],"messageVersions":[{"to":[{"email":"anna@example.com"}]}]}`, 201},
}

func (e eased) do(t *testing.T, s *Server) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), e.method, s.BaseURL(e.provider)+e.path, strings.NewReader(e.body))
	require.NoError(t, err)
	for name, value := range map[string]string{"api-key": Key(e.provider), "X-API-KEY": Key(e.provider), "Authorization": "Bearer " + SendPulseAPIKey} {
		req.Header.Set(name, value)
	}
	if e.kind != "" {
		req.Header.Set("Content-Type", e.kind)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(data)
}

// refused reports whether an answer is an error; SMS.by has status 200 for all.
func refused(status int, body string) bool {
	return status >= 400 || strings.Contains(body, `"error":"sandbox`)
}

func TestHabits(t *testing.T) {
	for _, row := range easedRequests {
		t.Run(row.name, func(t *testing.T) {
			s := New(t, Lenient())
			status, body := row.do(t, s)
			assert.Equal(t, row.status, status, body)
			assert.False(t, refused(status, body), body)
			found := s.Violations()
			if assert.Len(t, found, 1) {
				assert.True(t, found[0].Taken, found[0])
				assert.Contains(t, found[0].What, "request: "+row.habit)
				data, err := json.Marshal(found[0])
				require.NoError(t, err)
				assert.Contains(t, string(data), `"taken":true`)
			}

			strict := New(t)
			status, body = row.do(t, strict)
			// An empty filter is one to the strict sandbox: it finds nothing.
			assert.True(t, refused(status, body) || row.habit == "empty parameter", "the strict sandbox takes it: %d %s", status, body)
			strict.Violations() // none where the fake itself refuses
		})
	}
}

// Every habit has a request of some provider.
func TestEveryHabitIsTried(t *testing.T) {
	for _, h := range Habits() {
		assert.NotEmpty(t, h.Sources, h.Name)
		for provider := range h.Sources {
			assert.Contains(t, Providers(), provider, h.Name)
		}
		assert.True(t, slices.ContainsFunc(easedRequests, func(r eased) bool { return r.habit == h.Name }), h.Name)
	}
}

// What a provider is known to refuse, or a habit that is not in its row, stays an error.
func TestLenientStillRefuses(t *testing.T) {
	for _, row := range []eased{
		{"null for the senders", "brevo", "", "POST", "/contacts", typeJSON, `{"email":"anna@example.com","smtpBlacklistSender":null}`, 400},
		{"number in a header", "brevo", "", "POST", "/smtp/email", typeJSON, `{"sender":{"email":"shop@example.com"},"to":[{"email":"anna@example.com"}],"subject":"Hi","textContent":"Hi","headers":{"X-Order":17}}`, 400},
		{"required field", "brevo", "", "POST", "/contacts/lists", typeJSON, `{"name":"Autumn"}`, 400},
		{"null for a required field", "sendpulse", "", "POST", "/addressbooks", typeJSON, `{"bookName":null}`, 400},
		{"text for a list id", "brevo", "", "POST", "/contacts", typeJSON, `{"email":"anna@example.com","listIds":["four"]}`, 400},
		{"JSON for a form at MailWizz", "pakat", "", "POST", "/lists/" + pakatList + "/subscribers", typeJSON, `{"EMAIL":"anna@example.com"}`, 400},
		{"no such path", "brevo", "", "GET", "/smtp/", "", "", 404},
		{"other method", "brevo", "", "PATCH", "/account", "", "", 405},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(t, Lenient())
			status, body := row.do(t, s)
			assert.Equal(t, row.status, status, body)
			assert.True(t, slices.ContainsFunc(s.Violations(), func(v Violation) bool { return !v.Taken }))
		})
	}
}

func TestLenientKeepsWhatWasSent(t *testing.T) {
	s := New(t, Lenient())
	sent := `{"email":"a:4:{s:7:\"subject\";s:2:\"Hi\";s:4:\"html\";s:12:\"PHA+SGk8L3A+\";s:4:\"from\";a:2:{s:4:\"name\";s:4:\"Shop\";s:5:\"email\";s:16:\"shop@example.com\";}s:2:\"to\";a:1:{i:0;a:1:{s:5:\"email\";s:16:\"anna@example.com\";}}}","is_test":null}`
	row := eased{"", "sendpulse", "", "POST", "/smtp/emails", typeJSON, strings.Replace(sent, "a:4:", "a:5:", 1), 200}
	row.body = strings.Replace(row.body, `s:4:\"from\"`, `s:4:\"text\";s:2:\"Hi\";s:4:\"from\"`, 1)
	status, body := row.do(t, s)
	require.Equal(t, 200, status, body)
	m := s.Messages("sendpulse")[0]
	assert.Equal(t, "<p>Hi</p>", m.HTML)
	assert.Equal(t, row.body, string(m.Raw))
	assert.Equal(t, row.body, string(s.Requests("sendpulse")[0].Body))
	s.Violations()
}

// The client of MailWizz for PHP sends urlencoded forms throughout, fields and parameters
// that the description lacks, and an empty list with DELETE.
func TestMailWizzClient(t *testing.T) {
	s := New(t, Lenient())
	send := func(status int, method, path string, fields ...string) map[string]any {
		t.Helper()
		form := url.Values{}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		body := form.Encode()
		if method == http.MethodDelete {
			body = "[]"
		}
		got, text := eased{"", "pakat", "", method, path, typeForm, body, 0}.do(t, s)
		require.Equal(t, status, got, "%s %s: %s", method, path, text)
		var out map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		return out
	}
	list := at(t, send(201, "POST", "/lists",
		"general[name]", "Autumn", "general[description]", "Offers", "general[opt_in]", "single",
		"defaults[from_name]", "Shop", "defaults[from_email]", "shop@example.com", "defaults[reply_to]", "shop@example.com", "defaults[subject]", "Hi",
		"notifications[subscribe]", "yes", "notifications[unsubscribe]", "yes", "notifications[subscribe_to]", "", "notifications[unsubscribe_to]", "",
		"company[name]", "Shop", "company[country]", "Belarus", "company[country_id]", "5", "company[zone]", "Minsk", "company[address_1]", "Main Street 1",
		"company[zone_name]", "", "company[city]", "Minsk", "company[zip_code]", "220000"), "list_uid").(string)
	send(200, "GET", "/lists?page=1&per_page=10")
	send(200, "PUT", "/lists/"+list, "general[name]", "Winter", "company[zone]", "Minsk")
	uid := at(t, send(201, "POST", "/lists/"+list+"/subscribers", "EMAIL", "anna@example.com", "FNAME", "Anna", "details[status]", "confirmed", "details[ip_address]", "192.0.2.1"), "data", "record", "subscriber_uid").(string)
	send(200, "GET", "/lists/"+list+"/subscribers/search-by-email?EMAIL=anna@example.com&page=1")
	send(200, "PUT", "/lists/"+list+"/subscribers/"+uid, "EMAIL", "anna@example.com", "FNAME", "Anya")
	send(200, "PUT", "/lists/"+list+"/subscribers/"+uid+"/unsubscribe")
	send(200, "DELETE", "/lists/"+list+"/subscribers/"+uid)
	send(200, "GET", "/campaigns?page=1&per_page=10&list_uid="+list)
	mail := at(t, send(201, "POST", "/transactional-emails",
		"email[to_name]", "Anna", "email[to_email]", "anna@example.com", "email[from_name]", "Shop", "email[from_email]", "shop@example.com",
		"email[subject]", "Order ready", "email[body]", "PHA+SGk8L3A+", "email[plain_text]", "SGk=", "email[send_at]", "2030-05-04 09:30:00", "email[priority]", "5"), "email_uid").(string)
	send(200, "DELETE", "/transactional-emails/"+mail)
	send(200, "DELETE", "/lists/"+list)
	for _, v := range s.Violations() {
		assert.True(t, v.Taken, v)
	}
}

func TestUnserialize(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       any
		ok         bool
	}{
		{"text", `s:5:"Anna!";`, "Anna!", true},
		{"text of several bytes", `s:8:"Анна";`, "Анна", true},
		{"text with quotes", `s:3:"a"b";`, `a"b`, true},
		{"number", `i:-7;`, json.Number("-7"), true},
		{"fraction", `d:1.5;`, json.Number("1.5"), true},
		{"truth", `b:1;`, true, true},
		{"null", `N;`, nil, true},
		{"list", `a:2:{i:0;s:1:"a";i:1;i:2;}`, []any{"a", json.Number("2")}, true},
		{"map", `a:1:{s:1:"a";a:0:{}}`, map[string]any{"a": []any{}}, true},
		{"length too large", `s:50:"Anna";`, nil, false},
		{"negative length", `s:-1:"";`, nil, false},
		{"cut", `a:2:{i:0;s:1:"a";`, nil, false},
		{"object", `O:8:"stdClass":0:{}`, nil, false},
		{"no PHP", `anna@example.com`, nil, false},
		{"empty", ``, nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, rest, ok := unserialize(row.text)
			require.Equal(t, row.ok, ok)
			if ok {
				assert.Empty(t, rest)
				assert.Equal(t, row.want, got)
			}
		})
	}
}

// The page of the sandbox shows the table of habits.
func TestHabitsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/sandbox.md")
	require.NoError(t, err)
	for _, line := range habitRows() {
		assert.Contains(t, string(page), line+"\n")
	}
}

// habitRows are the lines of the table in docs/sandbox.md.
func habitRows() []string {
	var out []string
	for _, h := range Habits() {
		var cells []string
		for _, name := range Providers() {
			if source := h.Sources[name]; source != "" {
				cells = append(cells, name+": "+source)
			}
		}
		out = append(out, "| "+h.Name+" | "+h.What+" | "+strings.Join(cells, "; ")+" |")
	}
	return out
}

func TestPlainAndOddAnswers(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []Option
		want    string
	}{
		{"plain", nil, `"id":4,`},
		{"odd", []Option{OddAnswers()}, `"id":"4",`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, c := startSendPulse(t, row.options...)
			assert.Contains(t, c.call(200, "GET", "/addressbooks", "").raw, row.want)
		})
	}
}
