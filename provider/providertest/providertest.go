// Package providertest is the conformance suite of adapters. It runs an adapter
// against the vendor's fake in package sandbox.
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, providertest.Harness{
//			Driver: brevo.Driver(), SendOperation: "sendEmail", …
//		})
//	}
//
// It checks every cell of the capability table: a native or limited feature is
// found on the wire, an emulated one leaves a note, a missing one is an error
// without a request. Further tests cover bad input, contexts, the failure table,
// iteration, secrets and concurrent use.
package providertest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// Harness describes an adapter to the suite.
type Harness struct {
	Driver provider.Driver
	// SendOperation is the operationId of the request that sends a mail.
	SendOperation string
	// Settings are laid over the account's settings at the sandbox.
	Settings map[string]any
	// Template is a template that the fake has from the start; zero for a provider
	// that has none.
	Template provider.Ref
	// List is a list that the fake has from the start, Field a text field of a
	// contact. Both are zero for a provider that keeps no contacts.
	List  provider.Ref
	Field string
	// NumberType is the vendor's word for the type of a field with a number, for
	// sandbox.Server.AddField; empty for a vendor whose fields have no types.
	NumberType string
	// AccountConsent means that the vendor keeps consent for the account, not for
	// each list.
	AccountConsent bool
	// BulkImport means that an import takes many contacts in a request.
	BulkImport bool
}

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	if h.Template.IsZero() { // a provider without templates refuses every template
		h.Template = provider.Ref{ID: "1"}
	}
	if h.List.IsZero() {
		h.List = provider.Ref{ID: "1"}
	}
	t.Run("message features", h.messageFeatures)
	t.Run("contact features", h.contactFeatures)
	t.Run("fields of a batch", h.batchFields)
	t.Run("a firewall refuses one of a batch", h.firewall)
	t.Run("bad input", h.badInput)
	t.Run("addresses", h.addresses)
	t.Run("identifiers", h.identifiers)
	t.Run("hostile texts", h.hostileTexts)
	t.Run("composed names", h.composed)
	t.Run("isolates", h.isolates)
	t.Run("digits", h.digits)
	t.Run("phones", h.phones)
	t.Run("context", h.context)
	t.Run("failures", h.failures)
	t.Run("repeats", h.repeats)
	t.Run("receipt", h.receipts)
	t.Run("iteration", h.iteration)
	t.Run("consent", h.consent)
	t.Run("stops", h.stops)
	t.Run("identity", h.identity)
	t.Run("unsubscribing from one list", h.oneList)
	t.Run("secrets", h.secrets)
	t.Run("parallel", h.parallel)
	t.Run("require", h.require)
	t.Run("events", h.events)
}

// vendor is a new fake and the harness that opens accounts at it.
type vendor struct {
	*sandbox.Server
	h    Harness
	name string
}

func (h Harness) start(t *testing.T) *vendor {
	t.Helper()
	return &vendor{Server: sandbox.New(t, sandbox.OddAnswers()), h: h, name: h.Driver.Name()}
}

// config returns the configuration of one account at the fake.
func (v *vendor) config(change func(provider.AccountConfig)) provider.Config {
	a := v.Config().Providers[v.name]
	maps.Copy(a, v.h.Settings)
	a["tries"] = 1 // repeats have a test of their own
	if change != nil {
		change(a)
	}
	return provider.Config{
		Default: "account", Providers: map[string]provider.AccountConfig{"account": a},
	}
}

func (v *vendor) open(
	t *testing.T, change func(provider.AccountConfig), opts ...provider.Option,
) *provider.Client {
	t.Helper()
	c, err := provider.Registry{v.h.Driver}.Open(t.Context(), v.config(change), opts...)
	require.NoError(t, err)
	return c
}

func withPolicy(p provider.Policy) func(provider.AccountConfig) {
	return func(a provider.AccountConfig) { a["policy"] = p }
}

// sends returns the requests that sent mail.
func (v *vendor) sends() []sandbox.Request {
	var out []sandbox.Request
	for _, r := range v.Requests(v.name) {
		if r.Operation == v.h.SendOperation {
			out = append(out, r)
		}
	}
	return out
}

// noRequests asserts that no request was made.
func (v *vendor) noRequests(t *testing.T) {
	t.Helper()
	assert.Empty(t, v.Requests(v.name), "a request was made")
}

// unsupported asserts that err is unsupported, names the feature, and came before
// any request.
func (v *vendor) unsupported(t *testing.T, f provider.Feature, err error) {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, provider.ErrUnsupported)
	assert.Equal(t, f, e.Feature)
	want := provider.OutcomeNotSent
	switch e.Op {
	case "status", "settle", "check", "contacts.get", "contacts.list", "lists.list", "suppressions.list":
		want = "" // reads have none
	}
	assert.Equal(t, want, e.Outcome)
	assert.Contains(t, err.Error(), string(f))
	assert.Equal(t, "account", e.Account)
	v.noRequests(t)
}

// baseline returns the smallest mail that every vendor takes.
func (h Harness) baseline() *provider.Message {
	return &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com", Name: "Анна"}},
		Subject: "سفارش شما", HTML: "<p>سلام</p>",
	}
}

// onWire reports whether a request carries the text, as it is or as base64.
func onWire(r sandbox.Request, needle string) bool {
	for _, text := range texts(r) {
		if strings.Contains(text, needle) {
			return true
		}
		if data, err := base64.StdEncoding.DecodeString(text); err == nil && strings.Contains(string(data), needle) {
			return true
		}
	}
	return false
}

// texts returns all texts of a request: of its query, its JSON, its form. Headers
// are left out: no part of a mail belongs there.
func texts(r sandbox.Request) []string {
	var out []string
	for name, values := range r.Query {
		out = append(append(out, name), values...)
	}
	for _, f := range r.Fields {
		out = append(out, f.Name, f.Value, f.Filename, f.ContentType)
	}
	return append(out, jsonTexts(r.Body)...)
}

// jsonTexts returns all texts of a JSON document, keys too; none when it is no
// JSON.
func jsonTexts(data []byte) []string {
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
			var inner any // metadata is JSON inside a text
			if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &inner) == nil {
				walk(inner)
			}
		case json.Number:
			out = append(out, v.String())
		case bool:
			out = append(out, map[bool]string{true: "true", false: "false"}[v])
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for k, x := range v {
				out = append(out, k)
				walk(x)
			}
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	var body any
	if dec.Decode(&body) == nil {
		walk(body)
	}
	return out
}
