// Package brevo sends mail and keeps contacts at Brevo (API v3).
//
//	client, err := brevo.New(key, provider.WithFrom(provider.Address{Email: "shop@example.com"}))
//
// # Authentication
//
// An API key of the account ("xkeysib-…"), sent in the header api-key. SMTP keys
// do not work. Accounts may allow keys only from listed IP addresses; a call
// from elsewhere ends as unauthorized although the key is right.
//
// # Limits
//
// Contacts: 10 calls a second. Sending: 1,000 a second. Status look-ups: 300 an
// hour. Check: 100 an hour, shared with everything that is neither mail nor
// contacts. The tracker's limit is not published. Plans with higher limits exist.
// A mail of several versions has at most 99 recipients in each and 2,000 in all; of a
// plain one the vendor states no number. Its help says 20 MB a mail. A file needs an
// extension that the vendor takes, and a mail can be scheduled up to 72 hours ahead.
// These are the vendor's business and its answer is passed on.
//
// # Tracker
//
// What contacts do on a site is reported to another host with a key of its own:
// set TrackerKey and see TrackerAPI.
//
// # Not supported
//
// Several reply-to addresses, inline images, tracking switches for a single
// mail, an unsubscribe of one list only (the contact is taken off the list), adding
// to the list of blocked addresses. Text without HTML goes out with HTML that is made
// from it. See Capabilities for the whole table.
//
// # Errors
//
// A mail carries an idempotency key: yours, or one that is made for it. Sending
// the same message with the same key within ten minutes sends nothing and ends
// as accepted without an id. Afterwards the key proves nothing.
package brevo

import (
	"cmp"
	"context"
	"crypto/sha256"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/gen/brevotrackerapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

const name = "brevo" // of the provider

// baseURL is the vendor's address.
const baseURL = "https://api.brevo.com/v3"

// Config are the settings of an account.
type Config struct {
	provider.AccountSettings
	events.Settings
	APIKey provider.Secret `json:"api_key" required:"send" doc:"API key of the account, xkeysib-…"`
	// FolderID is the folder that new lists are put in; needed by CreateList only.
	FolderID int64 `json:"folder_id" min:"1" doc:"number of the folder that new lists are put in; needed to make lists"`
	// TrackingConsent says that the account collects consent to tracking for each contact.
	// Message.TrackOpens then states that consent: with ToggleOff Brevo counts an open
	// without recording who opened.
	TrackingConsent bool `json:"tracking_consent" doc:"true: the account collects consent to tracking for each contact, so track_opens of a mail is sent as the consent of its recipients"`
	// TrackerKey is the key of the tracker, for TrackerAPI only. The API shows it
	// in GetAccount under MarketingAutomation.
	TrackerKey provider.Secret `json:"tracker_key" doc:"key of the tracker (ma-key), which has a host of its own; for brevo.TrackerAPI"`
	// TrackerBaseURL is used instead of the tracker's address, by the rules of
	// BaseURL. It is needed with TrackerKey when BaseURL is set.
	TrackerBaseURL string `json:"tracker_base_url" doc:"instead of the tracker's address, by the rules of base_url; needed with tracker_key when base_url is set"`
}

// New returns a client of the account with this API key. It does not touch the
// network. Open takes all settings.
func New(apiKey string, opts ...provider.Option) (*provider.Client, error) {
	return Open(Config{APIKey: provider.NewSecret(apiKey)}, opts...)
}

// Open returns a client of an account with settings from Go. It does not touch the
// network.
func Open(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	return driver.Client(cfg, opts...)
}

// Driver opens accounts from a configuration.
func Driver() provider.Driver { return driver.Driver() }

var driver = provider.DriverOf[Config]{
	Name:         name,
	Check:        checkTracker,
	Receiver:     func(cfg Config) any { return Receiver(cfg.Secrets()...).At(cfg.WebhookURL) },
	Capabilities: capabilitiesOf,
	Open:         open,
}

type adapter struct {
	begun.ByChain
	*sendinblue.Driver
	api     *brevoapi.Client
	tracker *brevotrackerapi.Client // nil without a key of it
	caps    provider.Capabilities
	space   string        // that the caller's keys are made UUIDs in
	place   [32]byte      // sum of base URL and API key, for KeyScope
	job     chan struct{} // of the one import job that may run: those of an account hinder each other
}

func newAdapter(api *brevoapi.Client, account string, folder int64) *adapter {
	driver := sendinblue.New(calls{api}, account, folder, pages)
	driver.Attributes.CountryCode = true
	return &adapter{Driver: driver, api: api, caps: capabilities, space: account, job: make(chan struct{}, 1)}
}

func open(_ context.Context, cfg Config, env provider.DriverEnv) (provider.Adapter, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: baseURL, Settings: cfg.AccountSettings, Env: env,
		Auth:      httpx.HeaderKey("api-key", cfg.APIKey),
		Classify:  sendinblue.Classify, // in errors.go of that package, which Pakat v3 shares
		Secretive: adapterkit.WebhookOperations,
		RequestID: sendinblue.RequestID, RetryAfter: sendinblue.RetryAfter,
		Limits: httpx.Limits{ByClass: limits, Class: classOf, Left: sendinblue.Left},
	})
	if err != nil {
		return nil, err
	}
	a := newAdapter(brevoapi.NewClient(chain), env.Account, cfg.FolderID)
	a.caps = capabilitiesOf(cfg)
	a.space = cmp.Or(env.Namespace, env.Account)
	a.place = sha256.Sum256([]byte("postmux:brevo:" + cmp.Or(cfg.BaseURL, baseURL) + " " + cfg.APIKey.Reveal()))
	if a.tracker, err = openTracker(cfg, env); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }
