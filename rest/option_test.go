package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

// keeper is a Doer that keeps the last call.
type keeper struct{ call *rest.Call }

func (k *keeper) Do(_ context.Context, call *rest.Call, _ any) (*rest.Reply, error) {
	k.call = call
	return &rest.Reply{}, nil
}

// A call is what its spec says, and differs from it by named options only.
func TestOptionsChangeTheCall(t *testing.T) {
	type own struct{ Generated *brevoapi.SendEmailRequest }
	var k keeper
	api := brevoapi.NewClient(&k)
	body := brevoapi.SendEmailRequest{Subject: new("s")}

	_, err := api.SendEmail(t.Context(), body)
	require.NoError(t, err)
	assert.Equal(t, rest.Send, k.call.Effect)
	assert.Equal(t, rest.JSON, k.call.Kind)
	assert.Equal(t, &body, k.call.Body)
	assert.Zero(t, k.call.KeyWindow)

	_, err = api.SendEmail(
		t.Context(), body, rest.Option{}, rest.WithEffect(rest.Upsert), rest.WithBodyKind(rest.Formdata), rest.WithKeyWindow(time.Minute), rest.WithThen("more"),
		rest.WithBody(func(b *brevoapi.SendEmailRequest) any { return own{b} }),
	)
	require.NoError(t, err)
	assert.Equal(t, rest.Upsert, k.call.Effect)
	assert.Equal(t, rest.Formdata, k.call.Kind)
	assert.Equal(t, own{&body}, k.call.Body)
	assert.Equal(t, time.Minute, k.call.KeyWindow)
	assert.Equal(t, "more", k.call.Then)
}

// A body in place of one of another type is a mistake in the program: nothing is sent.
func TestWithBodyOfAnotherType(t *testing.T) {
	requests := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer srv.Close()
	api := brevoapi.NewClient(rest.Plain(srv.URL, nil))
	wrong := rest.WithBody(func(*brevoapi.ImportContactsRequest) any { return "never" })
	_, err := api.SendEmail(t.Context(), brevoapi.SendEmailRequest{}, wrong)
	var p *rest.ParamError
	require.ErrorAs(t, err, &p)
	assert.Equal(t, "body", p.Name)
	assert.Equal(t, "is a *brevoapi.SendEmailRequest, expected a *brevoapi.ImportContactsRequest", p.Why)
	assert.Zero(t, requests)
}

// A test send that names nobody would mail everybody: it is refused before the Doer
// sees it, in whatever form the body comes.
func TestRefuseEmpty(t *testing.T) {
	none, blank := []string{}, []string{" "}
	for _, tt := range []struct {
		name    string
		body    brevoapi.SendTestRequest
		opts    []rest.Option
		refused bool
	}{
		{name: "one address", body: brevoapi.SendTestRequest{To: []string{"a@example.com"}}},
		{name: "no list", refused: true},
		{name: "an empty list", body: brevoapi.SendTestRequest{To: none}, refused: true},
		{name: "an empty address", body: brevoapi.SendTestRequest{To: blank}, refused: true},
		{
			name: "another body without it", refused: true, body: brevoapi.SendTestRequest{To: []string{"a@example.com"}},
			opts: []rest.Option{rest.WithBody(func(*brevoapi.SendTestRequest) any { return map[string]any{"emailTo": nil} })},
		},
		{
			name: "another body with it",
			opts: []rest.Option{rest.WithBody(func(*brevoapi.SendTestRequest) any {
				return map[string]any{"emailTo": []string{"a@example.com"}}
			})},
		},
		{
			name: "a body that is no object", refused: true,
			opts: []rest.Option{rest.WithBody(func(*brevoapi.SendTestRequest) any { return []string{"a@example.com"} })},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.WriteHeader(http.StatusNoContent)
			}))
			defer srv.Close()
			_, err := brevoapi.NewClient(rest.Plain(srv.URL, nil)).SendCampaignTest(t.Context(), 21, tt.body, tt.opts...)
			if !tt.refused {
				require.NoError(t, err)
				assert.Equal(t, 1, requests)
				return
			}
			var p *rest.ParamError
			require.ErrorAs(t, err, &p)
			assert.Equal(t, "emailTo", p.Name)
			assert.Zero(t, requests)
		})
	}
}
