package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
)

// client calls a fake with plain HTTP.
type client struct {
	t    *testing.T
	http *http.Client
	base string
	key  [2]string // header and value
	more http.Header
}

func brevoClient(t *testing.T, s *Server) *client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: tr}, base: s.BaseURL("brevo"), key: [2]string{"api-key", Key("brevo")}}
}

// reply is an answer, its JSON decoded.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (c *client) do(method, path, body string) (reply, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for name, values := range c.more {
		req.Header[name] = values
	}
	req.Header.Set(c.key[0], c.key[1])
	if body != "" && c.more.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	r := reply{status: resp.StatusCode, header: resp.Header, raw: string(data)}
	_ = json.Unmarshal(data, &r.body)
	return r, nil
}

// call is do for requests that get an answer, of the given status.
func (c *client) call(status int, method, path, body string) reply {
	c.t.Helper()
	r, err := c.do(method, path, body)
	require.NoError(c.t, err)
	require.Equal(c.t, status, r.status, "%s %s: %s", method, path, r.raw)
	return r
}

// fakeTB records what New tells a test.
type fakeTB struct {
	errors   []string
	cleanups []func()
}

func (f *fakeTB) Helper()           {}
func (f *fakeTB) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }
func (f *fakeTB) Errorf(format string, a ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, a...))
}
func (f *fakeTB) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
func (f *fakeTB) end() {
	for _, fn := range f.cleanups {
		fn()
	}
}

const aMail = `{"sender":{"email":"shop@example.com"},"to":[{"email":"sara@example.com"}],"subject":"Hi","textContent":"Hello"}`

func TestViolationsFailTheTest(t *testing.T) {
	tb := &fakeTB{}
	s := New(tb)
	c := brevoClient(t, s)
	r := c.call(400, "POST", "/smtp/email", `{"sneder":{"email":"shop@example.com"},"tags":"no list"}`)
	assert.Equal(t, "bad_request", r.body["code"])
	c.call(404, "GET", "/no/such/thing", "")
	c.call(405, "DELETE", "/account", "")
	c.call(400, "GET", "/contacts?limt=3", "")
	tb.end()
	require.Len(t, tb.errors, 4)
	assert.Contains(t, tb.errors[0], "brevo sendEmail: request:")
	assert.Contains(t, tb.errors[0], `"sneder" is unsupported`)
	assert.Contains(t, tb.errors[0], "/tags: value must be an array")
	assert.Contains(t, tb.errors[1], "the spec has no operation GET /no/such/thing")
	assert.Contains(t, tb.errors[3], `the spec has no parameter "limt"`)
	for _, e := range tb.errors {
		assert.NotContains(t, e, Key("brevo"))
		assert.Less(t, len(e), 1000)
	}
	assert.Empty(t, s.Messages())
}

func TestTakenViolationsDoNotFailTheTest(t *testing.T) {
	tb := &fakeTB{}
	s := New(tb)
	brevoClient(t, s).call(400, "GET", "/contacts?limit=many", "")
	require.Len(t, s.Violations(), 1)
	tb.end()
	assert.Empty(t, tb.errors)
}

func TestBadAnswerIsAViolation(t *testing.T) {
	for name, bad := range map[string]answer{
		"wrong type":           {status: 200, body: map[string]any{"email": 7, "plan": []any{}}},
		"missing field":        {status: 200, body: map[string]any{}},
		"not JSON":             {status: 200, body: []byte("<html>")},
		"no body":              {status: 200},
		"an undocumented 2xx":  {status: 207, body: map[string]any{}},
		"another content type": {status: 200, body: []byte("{}"), header: http.Header{"Content-Type": {"text/html"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(t)
			s.states["brevo"].handlers["getAccount"] = func(*call) answer { return bad }
			r := brevoClient(t, s).call(500, "GET", "/account", "")
			assert.Contains(t, r.body["message"], "sandbox: answer")
			v := s.Violations()
			require.Len(t, v, 1)
			assert.Equal(t, "getAccount", v[0].Operation)
		})
	}
}

func TestPanicOfAHandlerIsAViolation(t *testing.T) {
	s := New(t)
	s.states["brevo"].handlers["getAccount"] = func(*call) answer { panic("no way") }
	c := brevoClient(t, s)
	c.call(500, "GET", "/account", "")
	require.Len(t, s.Violations(), 1)
	c.call(200, "GET", "/senders", "")
}

func TestConcurrentCalls(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	var g errgroup.Group
	for i := range 20 {
		g.Go(func() error {
			_, err := c.do("POST", "/smtp/email", strings.Replace(aMail, "Hi", fmt.Sprint("Hi ", i), 1))
			s.Messages()
			return err
		})
	}
	require.NoError(t, g.Wait())
	assert.Len(t, s.Messages(), 20)
}

func TestFaults(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)

	s.Fail("brevo", Fault{Operation: "getAccount", Status: 502, Body: "<html>"})
	s.Fail("brevo", Fault{Status: 429, Header: http.Header{"x-sib-ratelimit-reset": {"7"}}, Times: 2})
	assert.Equal(t, "7", c.call(429, "POST", "/smtp/email", aMail).header.Get("x-sib-ratelimit-reset"))
	assert.Equal(t, "<html>", c.call(502, "GET", "/account", "").raw)
	c.call(429, "GET", "/account", "")
	c.call(200, "GET", "/account", "")
	assert.Empty(t, s.Messages(), "a fault comes before the work")

	s.Fail("brevo", Fault{Operation: "sendEmail", After: true})
	c.call(503, "POST", "/smtp/email", aMail)
	assert.Len(t, s.Messages(), 1, "accepted, but the answer says otherwise")

	s.Fail("brevo", Fault{Drop: true})
	_, err := c.do("POST", "/smtp/email", aMail)
	require.Error(t, err)
	assert.Len(t, s.Messages(), 1)

	s.Fail("brevo", Fault{Drop: true, After: true})
	_, err = c.do("POST", "/smtp/email", aMail)
	require.Error(t, err)
	assert.Len(t, s.Messages(), 2)

	s.Fail("brevo", Fault{})
	s.Reset()
	c.call(201, "POST", "/smtp/email", aMail)
}

// A fault that cannot fire, or that did not, is a test that tests something else.
func TestFaultsThatDoNotFire(t *testing.T) {
	s := New(t)
	assert.PanicsWithValue(t, `sandbox: brevo has no operation "SendEmail", so the fault would never fire; its name is sendEmail`,
		func() { s.Fail("brevo", Fault{Operation: "SendEmail"}) })
	assert.PanicsWithValue(t, `sandbox: brevo has no operation "nonsense", so the fault would never fire`,
		func() { s.Fail("brevo", Fault{Operation: "nonsense"}) })
	assert.Panics(t, func() { s.Fail("nobody", Fault{}) })

	tb := &fakeTB{}
	own := New(tb)
	own.Fail("brevo", Fault{Operation: "getAccount", Status: 502})
	own.Fail("pakat", Fault{Status: 502, Times: 3})
	own.Fail("brevo", Fault{Operation: "sendEmail", Times: 9})
	brevoClient(t, own).call(503, "POST", "/smtp/email", aMail)
	taken := own.Faults("pakat")
	require.Len(t, taken, 1)
	assert.Equal(t, 3, taken[0].Times)
	tb.end()
	assert.Equal(t, []string{`sandbox: brevo: a fault never fired (operation "getAccount", status 502)`}, tb.errors)
}

// The call for a token is no operation that a test means by "any".
func TestFaultPassesTheTokenOver(t *testing.T) {
	s := New(t)
	s.Fail("sendpulse", Fault{Status: 502})
	body := fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, ClientID, Key("sendpulse"))
	got, err := http.Post( //nolint:forbidigo // a client of somebody else
		s.BaseURL("sendpulse")+"/oauth/access_token", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	assert.Equal(t, http.StatusOK, got.StatusCode)
	assert.Len(t, s.Faults("sendpulse"), 1)
}

func TestReset(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	s.AddContact("brevo", provider.Contact{Email: "sara@example.com"})
	c.call(201, "POST", "/smtp/email", aMail)
	c.call(400, "GET", "/contacts?limit=many", "")
	s.Reset()
	assert.Empty(t, s.Requests("brevo"))
	assert.Empty(t, s.Messages())
	assert.Empty(t, s.Contacts("brevo"))
	assert.Empty(t, s.Violations())
	assert.EqualValues(t, 4, c.call(200, "GET", "/contacts/lists/4", "").body["id"])
	assert.EqualValues(t, 1, c.call(200, "GET", "/smtp/templates", "").body["count"])
}

func TestSeedingTwiceReplaces(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	for range 2 {
		s.AddList("brevo", "4", "News")
		s.AddTemplate("brevo", Template{ID: "12", Name: "Other"})
		s.AddField("brevo", "CITY", "float")
		s.AddContact("brevo", provider.Contact{Email: "sara@example.com", LastName: "محمدی", Memberships: []provider.Membership{{List: "4"}}})
	}
	r := c.call(200, "GET", "/contacts/lists", "")
	assert.EqualValues(t, 1, r.body["count"])
	assert.Equal(t, "News", r.body["lists"].([]any)[0].(map[string]any)["name"])
	assert.EqualValues(t, 1, c.call(200, "GET", "/smtp/templates", "").body["count"])
	require.Len(t, s.Contacts("brevo"), 1)
	assert.Equal(t, "محمدی", s.Contacts("brevo")[0].LastName)
}

func TestRequestsAreRecorded(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	c.call(404, "GET", "/contacts/a%2Fb%40example.com?identifierType=email_id", "")
	c.call(201, "POST", "/smtp/email", strings.Replace(aMail, "{", `{"params":{"order":9007199254740993},`, 1))
	got := s.Requests("brevo")
	require.Len(t, got, 2)
	assert.Equal(t, "getContact", got[0].Operation)
	assert.Equal(t, "/contacts/a/b@example.com", got[0].Path)
	assert.Equal(t, "email_id", got[0].Query.Get("identifierType"))
	assert.Equal(t, Key("brevo"), got[1].Header.Get("api-key"))
	var body struct{ Subject string }
	require.NoError(t, got[1].JSON(&body))
	assert.Equal(t, "Hi", body.Subject)
	var all map[string]any
	require.NoError(t, got[1].JSON(&all))
	assert.Equal(t, map[string]any{"order": json.Number("9007199254740993")}, all["params"])
	assert.Empty(t, s.Requests("smsby"))
	assert.Panics(t, func() { s.Requests("nobody") })
}

// Each operation that has no handler answers with its example, and every
// example fits its schema.
func TestExamples(t *testing.T) {
	for _, name := range Providers() {
		sp, err := specs[name]()
		require.NoError(t, err)
		require.NotEmpty(t, sp.routes)
		for _, rt := range sp.routes {
			st := &state{fake: examples{}}
			a := st.finish(&call{}, rt.example())
			assert.Empty(t, rt.checkAnswer(a), "%s %s", name, rt.op.OperationID)
			assert.Less(t, a.status, 300, "%s %s", name, rt.op.OperationID)
		}
	}
}

func TestOperationWithoutHandlerAnswersWithItsExample(t *testing.T) {
	s := New(t)
	delete(s.states["brevo"].handlers, "listSenders")
	delete(s.states["brevo"].handlers, "deleteList")
	c := brevoClient(t, s)
	assert.Contains(t, c.call(200, "GET", "/senders", "").raw, "shop@example.ir")
	c.call(204, "DELETE", "/contacts/lists/4", "")
}

func TestStartRefusesOtherAddresses(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:80", "127.0.0.1"} {
		_, err := Start(addr)
		assert.Error(t, err, addr)
	}
	s, err := Start("localhost:0")
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestOutsideOfAllProviders(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	c.base = strings.TrimSuffix(s.BaseURL("brevo"), "/brevo/v3")
	assert.Contains(t, c.call(404, "GET", "/brevo/v4/account", "").raw, "/brevo/v3")
	assert.Empty(t, s.Violations())
}

// Every vendor on the list has a fake, and every fake a vendor.
func TestEveryVendorHasAFake(t *testing.T) {
	rows := api.Vendors()
	for _, row := range rows {
		i := slices.IndexFunc(vendors, func(v vendor) bool { return v.name == row.Spec })
		if assert.GreaterOrEqual(t, i, 0, "there is no fake of %s: add its line to vendors in sandbox/fake.go", row.Spec) {
			assert.Equal(t, row.Driver == "", vendors[i].partOf != "", "%s: a fake has either a driver in api/vendors.tsv or partOf", row.Spec)
		}
	}
	for _, v := range vendors {
		listed := slices.ContainsFunc(rows, func(row api.Vendor) bool { return row.Spec == v.name })
		assert.True(t, listed, "api/vendors.tsv has no row with the spec %s, of which there is a fake: add one", v.name)
	}
}

func TestConfig(t *testing.T) {
	s := New(t)
	cfg := s.Config()
	require.Len(t, cfg.Providers, len(Providers()))
	assert.Equal(t, "brevo", cfg.Default)
	for name, account := range cfg.Providers {
		assert.Equal(t, name, account.Provider())
		base, _ := account["base_url"].(string)
		assert.Equal(t, s.BaseURL(name), base)
		assert.NoError(t, vendorurl.Check(base))
		assert.Equal(t, provider.Address{Email: "shop@example.com", Name: "Shop"}, account["from"])
	}
	assert.Equal(t, Key("brevo"), cfg.Providers["brevo"]["api_key"])
	assert.Equal(t, Key("sendpulse"), cfg.Providers["sendpulse"]["client_secret"])
	assert.Equal(t, s.BaseURL(brevoTracker), cfg.Providers["brevo"]["tracker_base_url"])
	assert.NotContains(t, cfg.Providers["pakatv3"], "tracker_key")
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	s, err := Start("127.0.0.1:0")
	require.NoError(t, err)
	c := brevoClient(t, s)
	c.call(201, "POST", "/smtp/email", aMail) // its connection stays open
	require.NoError(t, s.Close())
	// The goroutines have said that they are done; their last step may not be
	// over yet.
	assert.Eventually(t, func() bool {
		buf := make([]byte, 1<<20)
		return !bytes.Contains(buf[:runtime.Stack(buf, true)], []byte("http.(*conn).serve"))
	}, 5*time.Second, time.Millisecond)
	assert.Len(t, s.Messages(), 1, "still readable")
	_, err = c.do("GET", "/account", "")
	assert.Error(t, err)
}
