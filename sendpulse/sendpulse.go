// Package sendpulse sends mail and keeps contacts at SendPulse (SMTP service
// and mailing lists).
//
//	client, err := sendpulse.New(id, secret, provider.WithFrom(provider.Address{Email: "shop@example.com"}))
//
// # Authentication
//
// Either the account's client id and client secret, for which a token of one
// hour is fetched when it is needed, or an API key that does not expire. The
// token is kept in memory, fetched once for all calls that wait for it, and
// fetched again once when a call is answered with 401. An account may allow
// callers from listed IP addresses only; a call from elsewhere is refused
// although the credentials are right. The SMTP service has to be switched on
// in the account before mail can be sent.
//
// # Limits
//
// 10 calls a second, and a plan's limit a minute and a day. Lists and contacts
// come in pages of 100. How large a mail may be and how many recipients it may
// have is not documented; the vendor's answer is passed on.
//
// # Not supported
//
// Headers, tags, metadata, scheduling, inline images, attachments by URL,
// several reply-to addresses, tracking switches for a single mail, an
// idempotency key. Variables fill templates only. There are no contacts without
// a list, no external ids, no documented way to empty a field, and no times of
// creation and change.
//
// A contact is an address on one or more lists, and its variables belong to each list by
// themselves: an upsert sets them on the lists it names, GetContact shows the value of the
// first list that has one. GetContact reports which mail the address does not get, from the
// statuses on its lists and from the list of addresses unsubscribed from transactional
// mail. It cannot ask the account's blacklist about one address. ListContacts knows the
// statuses only: it reports that a contact which has left every list gets no marketing
// mail, and reports nothing about transactional mail.
//
// # Errors
//
// The vendor reports some errors with status 200; they are errors here too. A
// used-up volume has the same code as an invalid mail and is told apart only
// by the message. There is nothing that makes a repeated mail harmless; a mail
// whose outcome is unknown can be searched for, see FeatureSettle.
package sendpulse

import (
	"cmp"
	"context"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

const name = "sendpulse" // of the provider

// baseURL is the vendor's address.
const baseURL = "https://api.sendpulse.com"

// Config are the settings of an account: ClientID with ClientSecret, or APIKey.
type Config struct {
	provider.AccountSettings
	events.Settings
	ClientID     string          `json:"client_id" doc:"client id of the account; goes with client_secret"`
	ClientSecret provider.Secret `json:"client_secret" doc:"client secret of the account; goes with client_id"`
	APIKey       provider.Secret `json:"api_key" doc:"API key of the account, instead of client_id and client_secret"`
	// FirstNameVariable and LastNameVariable are the variables in which the
	// account keeps names; empty means first_name and last_name.
	FirstNameVariable string `json:"first_name_variable" default:"first_name" doc:"variable that holds the first name of a contact"`
	LastNameVariable  string `json:"last_name_variable" default:"last_name" doc:"variable that holds the last name of a contact"`
	// TimeZone is the zone in which the vendor writes times of events; empty means UTC.
	TimeZone string `json:"time_zone" default:"UTC" doc:"zone in which the provider writes times of the log, such as Europe/Minsk; no document says which it is"`
	// Lookback is how long after a mail was sent its opens and clicks are looked for in the
	// log; 0 means three days.
	Lookback time.Duration `json:"lookback" default:"72h" doc:"how long after a mail was sent its opens and clicks are looked for in the log"`
}

// New returns a client of the account with this client id and secret. It does not
// touch the network. Open takes all settings, and an API key instead.
func New(clientID, clientSecret string, opts ...provider.Option) (*provider.Client, error) {
	return Open(Config{ClientID: clientID, ClientSecret: provider.NewSecret(clientSecret)}, opts...)
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
	Check:        check,
	Capabilities: func(Config) provider.Capabilities { return capabilities },
	Receiver:     func(cfg Config) any { return Receiver(cfg.Secrets()...).At(cfg.WebhookURL) },
	Open:         open,
}

func check(cfg Config) []*provider.Error {
	return append(checkCredentials(cfg), adapterkit.CheckZone(cfg.TimeZone)...)
}

type adapter struct {
	begun.ByChain
	api   *sendpulseapi.Client
	names nameVariables
	zone  adapterkit.Zone // of the log
	// lookback is how long after a mail was sent its opens and clicks are looked for.
	lookback time.Duration
}

func open(_ context.Context, cfg Config, env provider.DriverEnv) (provider.Adapter, error) {
	auth, err := authOf(cfg, env)
	if err != nil {
		return nil, err
	}
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: baseURL, Settings: cfg.AccountSettings, Env: env,
		Auth: auth, Classify: classify, Secretive: append([]string{tokenOperation}, adapterkit.WebhookOperations...),
		Limits: httpx.Single(9), // 10 a second
	})
	if err != nil {
		return nil, err
	}
	names := nameVariables{first: cmp.Or(cfg.FirstNameVariable, "first_name"), last: cmp.Or(cfg.LastNameVariable, "last_name")}
	return &adapter{
		api: sendpulseapi.NewClient(chain), names: names, zone: adapterkit.ZoneOf(cfg.TimeZone), lookback: cmp.Or(cfg.Lookback, 3*aDay),
	}, nil
}

func (a *adapter) Capabilities() provider.Capabilities { return capabilities }
