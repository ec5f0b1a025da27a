package httpx

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/notes"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// form is a success form with members of several types.
type form struct {
	ID       string   `json:"id"`
	Accepted bool     `json:"accepted"`
	Total    int      `json:"total"`
	Names    []string `json:"names"`
}

const bom = "\xef\xbb\xbf"

// Only what the operation's success form says proves that a mail went out.
func TestEvidence(t *testing.T) {
	const (
		id      = "id"
		noID    = "accepted without id"
		unknown = "unknown"
	)
	for _, row := range []struct {
		name    string
		status  int
		body    string
		assumed bool
		want    string
	}{
		{name: "form with id", status: 201, body: `{"id":"7"}`, want: id},
		{name: "undocumented status with id", status: 206, body: `{"id":"7"}`, want: id},
		{name: "undocumented status without id", status: 206, body: `{"accepted":true}`, want: unknown},
		{name: "assumed status without id", status: 200, body: `{"accepted":true}`, assumed: true, want: noID},
		{name: "the same where statuses are documented", status: 200, body: `{"accepted":true}`, want: unknown},
		{name: "another member", status: 201, body: `{"accepted":true}`, want: noID},
		{name: "a member with the zero value", status: 201, body: `{"accepted":false}`, want: noID},
		{name: "a member beside one of another type", status: 201, body: `{"id":7,"accepted":true}`, want: noID},
		{name: "a member beside nothing of another type", status: 201, body: `{"id":[],"accepted":true}`, want: noID},
		{name: "the id beside nothing of another type", status: 201, body: `{"id":"7","total":[],"accepted":{}}`, want: id},
		{name: "nothing of another type alone", status: 201, body: `{"id":false,"total":""}`, want: unknown},
		{name: "members beside unknown ones", status: 201, body: `{"x":[{}],"total":1}`, want: noID},
		{name: "byte order mark", status: 201, body: bom + ` {"id":"7"}`, want: id},
		{name: "warnings of PHP as HTML", status: 201, body: "<br />\n<b>Warning</b>: f({x}) in <b>/a.php</b><br />\n{\"id\":\"7\"}", want: id},
		{name: "warnings of PHP as text", status: 201, body: "Deprecated: x[1] in a.php on line 3\n{\"id\":\"7\"}\n", want: id},
		{name: "list of one object", status: 201, body: `[{"id":"7"}]`, want: id},
		{name: "list of two objects", status: 201, body: `[{"id":"7"},{"id":"8"}]`, want: unknown},
		{name: "cut in a value", status: 201, body: `{"id":"a-lo`, want: noID},
		{name: "cut behind a member", status: 201, body: `{"total":5,"na`, want: noID},
		{name: "cut behind a name", status: 201, body: `{"id":`, want: noID},
		{name: "cut in a value of another type", status: 201, body: `{"total":"fi`, want: unknown},
		{name: "cut in a name", status: 201, body: `{"i`, want: unknown},
		{name: "cut under an undocumented status", status: 206, body: `{"id":"a-lo`, want: unknown},
		{name: "a member of another type", status: 201, body: `{"id":7}`, want: unknown},
		{name: "null", status: 201, body: `{"id":null}`, want: unknown},
		{name: "JSON null", status: 201, body: `null`, want: unknown},
		{name: "another shape", status: 201, body: `{"message":"down for maintenance"}`, want: unknown},
		{name: "empty object", status: 201, body: `{}`, want: unknown},
		{name: "empty list", status: 201, body: `[]`, want: unknown},
		{name: "number", status: 201, body: `1`, want: unknown},
		{name: "text in quotes", status: 201, body: `"OK"`, want: unknown},
		{name: "text", status: 201, body: `OK`, want: unknown},
		{name: "HTML", status: 201, body: `<!doctype html><p>{"id":"7"}</p>`, want: unknown},
		{name: "empty", status: 201, body: ``, want: unknown},
		{name: "white space", status: 201, body: " \r\n", want: unknown},
		{name: "byte order mark alone", status: 201, body: bom, want: unknown},
		{name: "no content", status: 204, want: unknown},
		{name: "script", status: 201, body: `id({"id":"7"})`, want: unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", "text/html") // says nothing
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			})
			chain := newChain(t, url, func(c *Config) { c.AssumedStatuses = row.assumed })
			call, out := sendCall(), new(form)
			call.Success = "201 202"
			noticed := notes.Gather(t.Context())
			_, err := chain.Do(noticed, call, out)
			assert.Equal(t, int32(1), calls.Load(), "a mail without a key is not repeated")
			if row.want == id {
				require.NoError(t, err)
				assert.Equal(t, "7", out.ID)
				if row.status == 206 {
					assert.Equal(t, []string{"status 206 is not documented for this request; the id in the response proves that it was carried out"}, noticed.All())
				} else {
					assert.Empty(t, noticed.All())
				}
				return
			}
			if row.want == noID && err == nil {
				assert.Empty(t, out.ID)
				return
			}
			e := errorOf(t, err)
			assert.Equal(t, row.status, e.Status)
			assert.False(t, e.Elsewhere)
			if row.want == noID {
				assert.Equal(t, provider.OutcomeSent, e.Outcome)
				return
			}
			assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
			assert.Contains(t, e.Message, "no usable answer")
		})
	}
}

// Where the spec documents an answer without content, an empty one is a success; a
// change that got no usable answer is asked again.
func TestEvidenceOfChanges(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		ok     bool
	}{
		{name: "no content", status: 204, ok: true},
		{name: "empty under another status", status: 200},
		{name: "empty object under another status", status: 200, body: `{}`},
		{name: "HTML", status: 200, body: `<html>`},
		{name: "text", status: 200, body: `OK`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			})
			call := &rest.Call{Operation: "change", Method: http.MethodPut, Route: "/x", Effect: rest.Upsert, Empty: "204"}
			chain := newChain(t, url, func(c *Config) { c.Settings.Tries = 2 })
			_, err := chain.Do(t.Context(), call, new(rest.Empty))
			if row.ok {
				require.NoError(t, err)
				assert.Equal(t, int32(1), calls.Load())
				return
			}
			e := errorOf(t, err)
			assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
			assert.Equal(t, int32(2), calls.Load(), "a change may be repeated")
		})
	}
}

// A gateway's status proves that a mail was not sent only where the gateway says that
// it did not reach the vendor, and shows that it is the gateway.
func TestGatewayThatDidNotReachTheVendor(t *testing.T) {
	cloudflare := http.Header{"Server": {"cloudflare"}, "Cf-Ray": {"8a1b2c3d4e5f-FRA"}}
	for _, row := range []struct {
		name   string
		status int
		header http.Header
		sent   provider.Outcome
	}{
		{name: "521", status: 521, header: cloudflare, sent: provider.OutcomeNotSent},
		{name: "523", status: 523, header: cloudflare, sent: provider.OutcomeNotSent},
		{name: "525", status: 525, header: cloudflare, sent: provider.OutcomeNotSent},
		{name: "526", status: 526, header: cloudflare, sent: provider.OutcomeNotSent},
		{name: "530", status: 530, header: cloudflare, sent: provider.OutcomeNotSent},
		{name: "521 of another server", status: 521, header: http.Header{"Server": {"nginx"}, "Cf-Ray": {"8a1b"}}, sent: provider.OutcomeMaybeSent},
		{name: "521 without a ray", status: 521, header: http.Header{"Server": {"cloudflare"}}, sent: provider.OutcomeMaybeSent},
		{name: "502", status: 502, header: cloudflare, sent: provider.OutcomeMaybeSent},
		{name: "503", status: 503, header: cloudflare, sent: provider.OutcomeMaybeSent},
		{name: "504", status: 504, header: cloudflare, sent: provider.OutcomeMaybeSent},
		{name: "520", status: 520, header: cloudflare, sent: provider.OutcomeMaybeSent},
		{name: "522", status: 522, header: cloudflare, sent: provider.OutcomeMaybeSent},
		{name: "524", status: 524, header: cloudflare, sent: provider.OutcomeMaybeSent},
	} {
		t.Run(row.name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range row.header {
					w.Header()[name] = values
				}
				w.WriteHeader(row.status)
			})
			chain := newChain(t, url, func(c *Config) { c.Settings.Tries = 1 })
			_, err := chain.Do(t.Context(), sendCall(), new(sent))
			e := errorOf(t, err)
			assert.Equal(t, row.sent, e.Outcome)
			assert.Equal(t, row.sent == provider.OutcomeNotSent, e.Elsewhere)
		})
	}
}
