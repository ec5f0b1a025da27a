// Package sendpulse sends mail and keeps contacts at SendPulse (SMTP service
// and mailing lists).
//
//	client, err := sendpulse.New(sendpulse.Config{ClientID: id, ClientSecret: provider.NewSecret(secret)})
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
// A contact is an address on one or more lists, and its variables belong to each
// list by themselves: an upsert sets them on the lists it names, GetContact shows
// the value of the first list that has one. GetContact tells from which mail the
// address is kept: by the statuses on its lists and by the list of addresses
// unsubscribed from transactional mail; the account's blacklist cannot be asked
// about one address and is left out. Listings show only what the statuses tell:
// who has left every list that is shown gets no marketing mail, and nothing is
// said of transactional mail.
//
// # Errors
//
// The vendor reports some errors with status 200; they are errors here too. A
// used-up volume has the same code as an invalid mail and is told apart only
// by the message. There is nothing that makes a repeated mail harmless; a mail
// whose outcome is unknown can be searched for, see FeatureSettle.
package sendpulse

import (
	"context"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// baseURL is the vendor's address.
const baseURL = "https://api.sendpulse.com"

// Config opens an account from Go: with ClientID and ClientSecret, or with APIKey.
type Config struct {
	provider.Common
	ClientID     string
	ClientSecret provider.Secret
	APIKey       provider.Secret
	// FirstNameVariable and LastNameVariable are the variables in which the
	// account keeps names; empty means first_name and last_name.
	FirstNameVariable, LastNameVariable string
}

// New returns a client of one account. It does not touch the network.
func New(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	settings := map[string]provider.Value{}
	for name, text := range map[string]string{
		"client_id": cfg.ClientID, "client_secret": cfg.ClientSecret.Reveal(), "api_key": cfg.APIKey.Reveal(),
		"first_name_variable": cfg.FirstNameVariable, "last_name_variable": cfg.LastNameVariable,
	} {
		if text != "" {
			settings[name] = provider.NewValue(text)
		}
	}
	return provider.OpenOne(Driver(), provider.Section{Common: cfg.Common, Settings: settings}, opts...)
}

// Driver opens accounts from a configuration.
func Driver() provider.Driver {
	return provider.Driver{
		Name: "sendpulse",
		Settings: []provider.Setting{
			{Name: "client_id", Doc: "client id of the account; goes with client_secret"},
			{Name: "client_secret", Secret: true, Doc: "client secret of the account; goes with client_id"},
			{Name: "api_key", Secret: true, Doc: "API key of the account, instead of client_id and client_secret"},
			{Name: "first_name_variable", Doc: "variable that holds the first name of a contact; first_name if absent"},
			{Name: "last_name_variable", Doc: "variable that holds the last name of a contact; last_name if absent"},
		},
		Check:        checkCredentials,
		Capabilities: capabilities,
		Open:         open,
	}
}

type adapter struct {
	api   *sendpulseapi.Client
	names nameVariables
}

func open(_ context.Context, s provider.Section, env provider.Env) (*provider.Client, error) {
	auth, err := authOf(s, env)
	if err != nil {
		return nil, err
	}
	chain, err := httpx.New(httpx.Config{
		Provider: "sendpulse", BaseURL: baseURL, Section: s, Env: env,
		Auth: auth, Classify: classify, Secretive: []string{tokenOperation},
		Limits: httpx.Single(9), // 10 a second
	})
	if err != nil {
		return nil, err
	}
	a := &adapter{api: sendpulseapi.NewClient(chain), names: nameVariables{first: "first_name", last: "last_name"}}
	if name := s.Text("first_name_variable"); name != "" {
		a.names.first = name
	}
	if name := s.Text("last_name_variable"); name != "" {
		a.names.last = name
	}
	return provider.NewClient(a, s, env)
}
