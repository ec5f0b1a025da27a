package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// target is a server that webhooks call.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	auth   []string
	status func(n int) int
}

func newTarget(t *testing.T) *target {
	x := &target{status: func(int) int { return 200 }}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.bodies = append(x.bodies, string(body))
		x.auth = append(x.auth, r.Header.Get("Authorization"))
		w.WriteHeader(x.status(len(x.bodies)))
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *target) names(t *testing.T) []string {
	var out []string
	for _, body := range x.bodies {
		if strings.HasPrefix(body, "{") {
			body = "[" + body + "]"
		}
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &rows))
		for _, row := range rows {
			out = append(out, row["event"].(string))
		}
	}
	return out
}

func send(t *testing.T, sb *sandbox.Server, account, to string) *provider.Receipt {
	t.Helper()
	c, err := all.OpenAccount(t.Context(), sb.Config(), account)
	require.NoError(t, err)
	r, err := c.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: to}}, Subject: "Order", HTML: "<p>x</p>", Text: "x",
	})
	require.NoError(t, err)
	return r
}

func TestFates(t *testing.T) {
	for _, row := range []struct{ to, brevo, sendpulse string }{
		{to: "anna@example.com", brevo: "request delivered", sendpulse: "delivered"},
		{to: "bounce@example.com", brevo: "request hard_bounce", sendpulse: "undelivered"},
		{to: "Bounce+7@example.com", brevo: "request hard_bounce", sendpulse: "undelivered"},
		{to: "soft@example.com", brevo: "request soft_bounce", sendpulse: "undelivered"},
		{to: "defer@example.com", brevo: "request deferred"},
		{to: "block@example.com", brevo: "request blocked"},
		{to: "invalid@example.com", brevo: "request invalid_email"},
		{to: "error@example.com", brevo: "request error"},
		{to: "complain@example.com", brevo: "request delivered spam", sendpulse: "delivered spam_by_user"},
		{to: "open@example.com", brevo: "request delivered unique_opened", sendpulse: "delivered opened"},
		{to: "proxyopen@example.com", brevo: "request delivered unique_proxy_open", sendpulse: "delivered"},
		{to: "click@example.com", brevo: "request delivered unique_opened click", sendpulse: "delivered opened clicked"},
		{to: "unsub@example.com", brevo: "request delivered unsubscribed", sendpulse: "delivered unsubscribed"},
	} {
		t.Run(row.to, func(t *testing.T) {
			sb := sandbox.New(t)
			for name, want := range map[string]string{"brevo": row.brevo, "pakatv3": row.brevo, "sendpulse": row.sendpulse} {
				x := newTarget(t)
				stream := ""
				if name == "sendpulse" {
					stream = "smtp"
				}
				require.NoError(t, sb.AddWebhook(name, stream, x.URL))
				send(t, sb, name, row.to)
				taken, err := sb.DeliverEvents(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, strings.Join(x.names(t), " "), name)
				assert.Equal(t, len(x.names(t)), taken)
				assert.Zero(t, sb.Undelivered())
			}
		})
	}
}

// Brevo repeats after 429 and after no answer, by its schedule; any other failure ends it.
func TestBrevoRepeats(t *testing.T) {
	sb, x := sandbox.New(t), newTarget(t)
	x.status = func(int) int { return 429 }
	require.NoError(t, sb.AddWebhook("brevo", "", x.URL))
	send(t, sb, "brevo", "anna@example.com")
	deliver := func() int {
		n, err := sb.DeliverEvents(t.Context())
		require.NoError(t, err)
		return n
	}
	assert.Zero(t, deliver())
	assert.Len(t, x.bodies, 2)
	assert.Zero(t, deliver())
	assert.Len(t, x.bodies, 2, "not before 10 minutes")
	for _, wait := range []time.Duration{10 * time.Minute, time.Hour, 2 * time.Hour} {
		sb.Advance(wait)
		assert.Zero(t, deliver())
	}
	assert.Len(t, x.bodies, 8)
	x.status = func(int) int { return 204 }
	sb.Advance(8 * time.Hour)
	assert.Equal(t, 2, deliver())
	for _, status := range []int{500, 503, 400, 404} {
		x.status = func(int) int { return status }
		send(t, sb, "brevo", "anna@example.com")
		deliver()
		assert.Zero(t, sb.Undelivered(), "%d is final", status)
	}
	x.Close()
	send(t, sb, "brevo", "anna@example.com")
	assert.Zero(t, deliver())
	assert.Equal(t, 2, sb.Undelivered(), "no answer is repeated")
}

func TestSendPulseRepeats(t *testing.T) {
	sb, x := sandbox.New(t), newTarget(t)
	x.status = func(n int) int { return []int{500, 404, 200}[n-1] }
	require.NoError(t, sb.AddWebhook("sendpulse", "smtp", x.URL))
	send(t, sb, "sendpulse", "open@example.com")
	for range 3 {
		_, err := sb.DeliverEvents(t.Context())
		require.NoError(t, err)
		sb.Advance(time.Minute)
	}
	assert.Len(t, x.bodies, 3)
	assert.Equal(t, x.bodies[0], x.bodies[2])
	assert.True(t, strings.HasPrefix(x.bodies[0], "["))
	assert.Zero(t, sb.Undelivered())
}

func TestHooks(t *testing.T) {
	sb, x := sandbox.New(t), newTarget(t)
	sb.SetHooks(sandbox.Hooks{Duplicate: 1, Shuffle: true, Batch: 3, Late: time.Hour})
	require.NoError(t, sb.AddWebhook("sendpulse", "smtp", x.URL))
	send(t, sb, "sendpulse", "click@example.com")
	n, err := sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "late")
	sb.Advance(time.Hour)
	n, err = sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 6, n)
	assert.Len(t, x.bodies, 2, "three at a time")
	assert.ElementsMatch(t, strings.Fields("delivered delivered opened opened clicked clicked"), x.names(t))
	assert.NotEqual(t, strings.Fields("delivered delivered opened opened clicked clicked"), x.names(t))
}

func TestTrigger(t *testing.T) {
	sb, x := sandbox.New(t), newTarget(t)
	for _, name := range []string{"brevo", "pakatv3", "pakat"} {
		require.NoError(t, sb.AddWebhook(name, "", x.URL))
		for _, kind := range sandbox.Kinds() {
			require.NoError(t, sb.Trigger(name, kind, "anna@example.com"))
		}
		assert.Error(t, sb.Trigger(name, "levitated", "anna@example.com"))
	}
	n, err := sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 13+13+3, n)
	assert.Error(t, sb.Trigger("nobody", "opened", "anna@example.com"))
	assert.Error(t, sb.AddWebhook("smsby", "", x.URL))
	for _, address := range []string{"https://example.com/", "http://192.0.2.1/", "ftp://localhost/", "http://localhost.example.com/", ":"} {
		assert.Error(t, sb.AddWebhook("brevo", "", address), address)
	}
}

// The operations about webhooks of the three vendors keep them.
func TestWebhookOperations(t *testing.T) {
	sb, x := sandbox.New(t), newTarget(t)
	call := func(name, method, path, body string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, sb.BaseURL(name)+path, bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("api-key", sandbox.Key(name))
		req.Header.Set("Authorization", "Bearer "+sandbox.SendPulseAPIKey)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, want, resp.StatusCode, "%s", data)
		return string(data)
	}
	for _, name := range []string{"brevo", "pakatv3"} {
		auth := ""
		if name == "brevo" {
			auth = `, "auth": {"type": "bearer", "token": "a-secret-of-the-test"}`
		}
		call(name, "POST", "/webhooks", `{"url": "https://example.com/h", "events": ["delivered"]}`, 400)
		var made struct{ ID json.Number }
		require.NoError(t, json.Unmarshal([]byte(call(name, "POST", "/webhooks", `{"url": "`+x.URL+`", "events": ["delivered"], "type": "transactional"`+auth+`}`, 201)), &made))
		assert.Contains(t, call(name, "GET", "/webhooks", "", 200), x.URL)
		assert.NotContains(t, call(name, "GET", "/webhooks?type=marketing", "", 200), x.URL)
		send(t, sb, name, "anna@example.com")
		x.bodies, x.auth = nil, nil
		_, err := sb.DeliverEvents(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"delivered"}, x.names(t), "only what it was registered for")
		assert.Equal(t, auth != "", x.auth[0] == "Bearer a-secret-of-the-test")
		call(name, "PUT", "/webhooks/"+made.ID.String(), `{"events": ["request"]}`, 204)
		assert.Contains(t, call(name, "GET", "/webhooks/"+made.ID.String(), "", 200), `"request"`)
		call(name, "DELETE", "/webhooks/"+made.ID.String(), "", 204)
		call(name, "DELETE", "/webhooks/"+made.ID.String(), "", 404)
	}
	const path = "/v2/email-service/webhook"
	assert.Contains(t, call("sendpulse", "POST", path, `{"url": "`+x.URL+`", "actions": ["open", "spam"]}`, 200), `"action":"spam"`)
	assert.Equal(t, 2, strings.Count(call("sendpulse", "GET", path, "", 200), x.URL))
	call("sendpulse", "PUT", path+"/1001", `{"url": "`+x.URL+`/other"}`, 200)
	assert.Contains(t, call("sendpulse", "GET", path+"/1001", "", 200), "/other")
	call("sendpulse", "DELETE", path+"/1001", "", 200)
	call("sendpulse", "GET", path+"/1001", "", 403)
}

// With Push the webhooks are called without being asked.
func TestPush(t *testing.T) {
	sb := sandbox.New(t, sandbox.Push())
	called := make(chan struct{}, 10)
	x := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	defer x.Close()
	require.NoError(t, sb.AddWebhook("brevo", "", x.URL))
	send(t, sb, "brevo", "anna@example.com")
	for range 2 {
		select {
		case <-called:
		case <-time.After(5 * time.Second):
			t.Fatal("no call")
		}
	}
}
