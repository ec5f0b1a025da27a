package brevo

import (
	"errors"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/gen/brevotrackerapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// trackerURL is the vendor's address of the tracker.
const trackerURL = "https://in-automate.brevo.com/api/v2"

// Settings of the tracker, and the class of its calls.
const (
	trackerKey     = "tracker_key"
	trackerBaseURL = "tracker_base_url"
	trackerClass   = "tracker"
)

// trackerLimit is a guess: the vendor publishes none for the tracker. It is that of
// the events that came after it, 10 a second.
var trackerLimit = httpx.Limit{Rate: rate.Limit(9.5), Burst: 1}

// TrackerAPI returns the generated client of Brevo's tracker. A program reports to the
// tracker what contacts do on a site, so that Brevo's automations can start. It has a host
// and a key of its own, and the errors, timeout and proxy of c; its calls are counted in
// the class "tracker". ok is false when c is not a client of Brevo or has no tracker_key.
//
// Three of its four calls count as sends: a repeat would report twice, so none
// is repeated unless it provably did not arrive. The generated package is
// outside the compatibility promise.
func TrackerAPI(c *provider.Client) (api *brevotrackerapi.Client, ok bool) {
	return provider.Native[*brevotrackerapi.Client](c)
}

// openTracker returns nil when the account has no key of the tracker.
func openTracker(cfg Config, env provider.DriverEnv) (*brevotrackerapi.Client, error) {
	if cfg.TrackerKey.IsZero() {
		return nil, nil
	}
	settings := cfg.AccountSettings
	settings.BaseURL = cfg.TrackerBaseURL
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: trackerURL, Settings: settings, Env: env,
		Auth: httpx.HeaderKey("ma-key", cfg.TrackerKey),
		// What a refusal looks like is not documented; it is read as one of the API.
		Classify: sendinblue.Classify,
		Limits:   httpx.Limits{ByClass: limits, Class: func(*rest.Call) string { return trackerClass }},
	})
	if err == nil {
		return brevotrackerapi.NewClient(chain), nil
	}
	if e := new(provider.Error); errors.As(err, &e) {
		switch e.Field {
		case "":
			e.Field = trackerKey
		case "base_url":
			e.Field = trackerBaseURL
		}
	}
	return nil, err
}

// checkTracker keeps what a test reports out of the real account: whoever sends
// mail elsewhere must say where the tracker is, too.
func checkTracker(cfg Config) []*provider.Error {
	if err := vendorurl.Check(cfg.TrackerBaseURL); err != nil && adapterkit.Literal(cfg.TrackerBaseURL) {
		return adapterkit.WrongSetting(trackerBaseURL, err.Error())
	}
	if !cfg.TrackerKey.IsZero() && cfg.BaseURL != "" && cfg.TrackerBaseURL == "" {
		return adapterkit.WrongSetting(trackerBaseURL, "missing: base_url leads away from the vendor, so say where the tracker is, or leave out tracker_key")
	}
	return nil
}
