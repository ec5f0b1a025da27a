package httpx

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const planted = "PLANTED-KEY-4711"

type mail struct {
	To   string `json:"to"`
	HTML string `json:"html,omitempty"`
}

type sent struct {
	ID string `json:"id"`
}

func sendCall() *rest.Call {
	return &rest.Call{Operation: "sendEmail", Method: "POST", Route: "/send", Effect: rest.Send, Kind: rest.JSON, Body: &mail{To: "a@b.example"}}
}

func readCall() *rest.Call {
	return &rest.Call{Operation: "GetEmail", Method: "GET", Route: "/mails/{id}", Segments: []string{"secret.person@b.example"}, Effect: rest.Read}
}

// classify is as strict as the adapters': a status outside 2xx, or an error inside.
func classify(a *Answer) *provider.Error {
	var body struct{ Error, Code string }
	_ = json.Unmarshal(a.Body, &body)
	if a.OK() && body.Error == "" {
		return nil
	}
	return &provider.Error{Kind: KindOfStatus(a.Status), Code: body.Code, Message: body.Error}
}

func newChain(t *testing.T, base string, change func(*Config)) *Chain {
	t.Helper()
	cfg := Config{
		Provider: "test", BaseURL: base, Classify: classify, RequestID: "X-Request",
		Auth: HeaderKey("api-key", provider.NewSecret(planted)),
		Env:  provider.DriverEnv{Account: "main"},
	}
	cfg.Settings.Tries = 1 // repeats are tested for themselves
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// linkOf returns the chain's link of this type.
func linkOf[L link](c *Chain) L {
	for _, l := range c.links {
		if l, ok := l.(L); ok {
			return l
		}
	}
	panic(fmt.Sprintf("the chain has no %T", *new(L)))
}

func clientOf(c *Chain) *http.Client { return linkOf[*sender](c).client }

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func errorOf(t *testing.T, err error) *provider.Error {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, e), planted)
	return e
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
