package brevo_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/gen/brevotrackerapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
)

// tracked opens Brevo with its tracker at sb.
func tracked(t *testing.T, sb *sandbox.Server, change func(*brevo.Config), opts ...provider.Option) *brevotrackerapi.Client {
	t.Helper()
	cfg := brevo.Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo")}, APIKey: provider.NewSecret(sandbox.Key("brevo")),
		TrackerKey: provider.NewSecret(sandbox.Key("brevotracker")), TrackerBaseURL: sb.BaseURL("brevotracker"),
	}
	if change != nil {
		change(&cfg)
	}
	client, err := brevo.Open(cfg, opts...)
	require.NoError(t, err)
	api, ok := brevo.TrackerAPI(client)
	require.True(t, ok)
	_, ok = brevo.API(client)
	require.True(t, ok, "both clients are there")
	return api
}

var event = brevotrackerapi.TrackEventRequest{Email: new("olga@example.by"), Event: new("order_ready")}

// Each call goes to the tracker, with its key and not with that of the API.
func TestTracker(t *testing.T) {
	sb := sandbox.New(t)
	api := tracked(t, sb, nil)
	_, err := api.Identify(t.Context(), brevotrackerapi.IdentifyRequest{Email: new("olga@example.by"), Attributes: map[string]any{"FIRSTNAME": "Ольга"}})
	require.NoError(t, err)
	_, err = api.TrackEvent(t.Context(), event)
	require.NoError(t, err)
	_, err = api.TrackLink(t.Context(), brevotrackerapi.TrackLinkRequest{Email: new("olga@example.by"), Link: new("https://example.by/orders/1042")})
	require.NoError(t, err)
	var reply rest.Reply
	_, err = api.TrackPage(t.Context(), brevotrackerapi.TrackPageRequest{Email: new("olga@example.by"), Page: new("orders")}, rest.WithReply(&reply))
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, reply.Status)

	assert.Empty(t, sb.Requests("brevo"))
	got := sb.Requests("brevotracker")
	require.Len(t, got, 4)
	for i, path := range []string{"/identify", "/trackEvent", "/trackLink", "/trackPage"} {
		assert.Equal(t, path, got[i].Path)
		assert.Equal(t, []string{sandbox.Key("brevotracker")}, got[i].Header["Ma-Key"])
		assert.Empty(t, got[i].Header["Api-Key"], "the key of the API goes to no other host")
	}
}

func TestTrackerErrors(t *testing.T) {
	sb := sandbox.New(t)
	api := tracked(t, sb, nil)
	var e *provider.Error

	// A repeat would report twice.
	sb.Fail("brevotracker", sandbox.Fault{Drop: true, After: true})
	_, err := api.TrackEvent(t.Context(), event)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Len(t, sb.Requests("brevotracker"), 1)

	// An upsert may be repeated.
	sb.Fail("brevotracker", sandbox.Fault{Drop: true, After: true})
	_, err = api.Identify(t.Context(), brevotrackerapi.IdentifyRequest{Email: new("olga@example.by")})
	require.NoError(t, err)
	assert.Len(t, sb.Requests("brevotracker"), 3)

	sb.Fail("brevotracker", sandbox.Fault{Status: 400, Body: `{"code":"invalid_parameter","message":"email is missing"}`})
	_, err = api.TrackEvent(t.Context(), event)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "invalid_parameter", e.Code)

	wrong := tracked(t, sb, func(c *brevo.Config) { c.TrackerKey = provider.NewSecret("PLANTED-4711") })
	_, err = wrong.TrackEvent(t.Context(), event)
	require.ErrorIs(t, err, provider.ErrUnauthorized)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "PLANTED-4711")
}

// The configured limit of the class "tracker" holds, and holds for nothing else.
func TestTrackerLimit(t *testing.T) {
	sb := sandbox.New(t)
	api := tracked(t, sb, func(c *brevo.Config) { c.RateLimits = map[string]string{"tracker": "1/h"} })
	_, err := api.TrackEvent(t.Context(), event)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = api.TrackEvent(ctx, event)
	require.ErrorIs(t, err, provider.ErrRateLimited)
	assert.Len(t, sb.Requests("brevotracker"), 1)
}

func TestTrackerDryRun(t *testing.T) {
	sb := sandbox.New(t)
	var shown []provider.WireRequest
	api := tracked(t, sb, nil, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }))
	_, err := api.TrackEvent(t.Context(), event)
	require.ErrorIs(t, err, provider.ErrDryRun)
	require.Len(t, shown, 1)
	assert.Equal(t, sb.BaseURL("brevotracker")+"/trackEvent", shown[0].URL)
	assert.Equal(t, "REDACTED", shown[0].Headers["Ma-Key"])
	assert.Empty(t, sb.Requests("brevotracker"))
}

// The generated client is that of an account of this vendor only.
func TestAPI(t *testing.T) {
	c, err := memory.NewStore().Client()
	require.NoError(t, err)
	_, ok := brevo.API(c)
	assert.False(t, ok)
	_, ok = brevo.TrackerAPI(c)
	assert.False(t, ok)
}

func TestTrackerSettings(t *testing.T) {
	key := provider.NewSecret("k")
	without, err := brevo.Open(brevo.Config{APIKey: key})
	require.NoError(t, err)
	_, ok := brevo.TrackerAPI(without)
	assert.False(t, ok, "no key, no client")
	_, ok = brevo.API(without)
	assert.True(t, ok)

	for name, c := range map[string]struct {
		cfg   brevo.Config
		field string // of the error; empty for none
	}{
		"the vendor's hosts":         {brevo.Config{TrackerKey: key}, ""},
		"both elsewhere":             {brevo.Config{TrackerKey: key, TrackerBaseURL: "http://127.0.0.1:1/t", AccountSettings: provider.AccountSettings{BaseURL: "http://127.0.0.1:1/v3"}}, ""},
		"mail elsewhere, no tracker": {brevo.Config{AccountSettings: provider.AccountSettings{BaseURL: "http://127.0.0.1:1/v3"}}, ""},
		"mail elsewhere only":        {brevo.Config{TrackerKey: key, AccountSettings: provider.AccountSettings{BaseURL: "http://127.0.0.1:1/v3"}}, "tracker_base_url"},
		"not https":                  {brevo.Config{TrackerKey: key, TrackerBaseURL: "http://example.com/v2"}, "tracker_base_url"},
		"a line break in the key":    {brevo.Config{TrackerKey: provider.NewSecret("PLANTED\n4711")}, "tracker_key"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.APIKey = key
			_, err := brevo.Open(c.cfg)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, provider.ErrConfig, e.Kind)
			assert.Equal(t, c.field, e.Field)
			assert.NotContains(t, err.Error(), "PLANTED")
		})
	}
	assert.NotContains(t, fmt.Sprintf("%+v %#v", brevo.Config{TrackerKey: provider.NewSecret("PLANTED")}, brevo.Config{TrackerKey: provider.NewSecret("PLANTED")}), "PLANTED")
}
