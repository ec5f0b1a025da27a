// Package smsby sends mail and keeps contacts at SMS.by (e-mail API v2).
//
//	client, err := smsby.New(token)
//
// # Authentication
//
// The API key of the account, sent as the parameter token: in the form, or in
// the query of the three methods that the vendor documents so. URLs therefore
// hold the token on the wire; errors, hooks and dry runs show REDACTED.
//
// # Sending
//
// The setting send_via chooses between the vendor's two methods. With single
// (the default) a mail may have one file, and nothing can look it up afterwards.
// With bulk it can have no file, its state can be looked up, and mails of their
// own to several Recipients go out in one call; how those are written in a form
// is not documented, so the setting bulk_encoding can switch to JSON.
//
// A time to send at is written without a zone, and the vendor does not say
// which one it reads: send_at needs the setting time_zone. Names of zones come from
// the system; a program for systems without them (Windows, small images) imports
// time/tzdata, as the tool does.
//
// # Limits
//
// None is documented for mail. A call must not be repeated when its answer was
// lost: the vendor has no key against double sending, and nothing finds a mail
// by its recipient.
//
// # Not supported
//
// Several recipients of one mail, cc, bcc, reply-to, a text part, templates,
// headers, tags, metadata; a recipient's name is dropped with a note. Contacts
// can be stored, unsubscribed and resubscribed, but not read, listed or deleted;
// lists can be made, but not listed or deleted. A mail cannot be withdrawn. See
// Capabilities for the whole table.
//
// # Errors
//
// The vendor documents no error. What is known of its older API is an error text with
// status 200, so an answer that has an error text, or whose status is a word for one, is a
// refusal. Kinds are told by words in the text, which are guesses; a text with none of them
// is ErrInvalid. After a send or a change, an answer whose status is any other word than OK
// or success leaves the outcome unknown.
package smsby

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

const name = "smsby" // of the provider

// baseURL is the vendor's address; the version is part of each path.
const baseURL = "https://app.sms.by"

// Values of the settings.
const (
	viaBulk      = "bulk"
	encodingJSON = "json"
)

// Config are the settings of an account.
type Config struct {
	provider.AccountSettings
	Token provider.Secret `json:"token" required:"send" doc:"API key of the account"`
	// TimeZone is the IANA name of the zone that the account's times are in,
	// "Europe/Minsk"; needed only for messages with SendAt.
	TimeZone string `json:"time_zone" doc:"IANA name of the zone of the account's times, as Europe/Minsk; needed for send_at"`
	// SendVia is "single" (one file, no look-up) or "bulk" (look-up, no file).
	SendVia string `json:"send_via" enum:"single|bulk" default:"single" doc:"single (one file, no look-up) or bulk (look-up, no file)"`
	// BulkEncoding says how a bulk is written: "form" or "json".
	BulkEncoding string `json:"bulk_encoding" enum:"form|json" default:"form" doc:"how a bulk is written"`
	// NameField is the contact field for first and last name, "name" when empty.
	NameField string `json:"name_field" default:"name" doc:"contact field for first and last name"`
}

// New returns a client of the account with this token. It does not touch the
// network. Open takes all settings.
func New(token string, opts ...provider.Option) (*provider.Client, error) {
	return Open(Config{Token: provider.NewSecret(token)}, opts...)
}

// Open returns a client of an account with settings from Go. It does not touch the
// network.
func Open(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	return driver.Client(cfg, opts...)
}

// Driver opens accounts from a configuration.
func Driver() provider.Driver { return driver.Driver() }

var driver = provider.DriverOf[Config]{Name: name, Check: checkZone, Capabilities: capabilities, Open: open}

func checkZone(cfg Config) []*provider.Error {
	if !adapterkit.Literal(cfg.TimeZone) {
		return nil
	}
	if _, err := zone(cfg.TimeZone); err != nil {
		return wrongZone(err)
	}
	return nil
}

// wrongZone is the problem of the setting, with its cause.
func wrongZone(err error) []*provider.Error {
	problems := adapterkit.WrongSetting("time_zone", err.Error())
	problems[0].Err = err
	return problems
}

// zone refuses Local, which is another zone on every machine.
func zone(name string) (*time.Location, error) {
	const expected = "expected the name of a time zone, like Europe/Minsk"
	if name == "" || name == "Local" {
		return nil, errors.New(expected)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; where the system has no zones, the program imports time/tzdata", expected, err)
	}
	return z, nil
}

type adapter struct {
	begun.ByChain
	api       *smsbyapi.Client
	caps      provider.Capabilities
	clock     clock
	bulk      bool
	json      bool
	nameField string
}

func open(_ context.Context, cfg Config, env provider.DriverEnv) (provider.Adapter, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: baseURL, Settings: cfg.AccountSettings, Env: env,
		Auth:     httpx.FormToken("token", cfg.Token),
		Classify: classify,
		Limits:   httpx.Single(2), // not published for mail
	})
	if err != nil {
		return nil, err
	}
	a := &adapter{
		api: smsbyapi.NewClient(chain), caps: capabilities(cfg), clock: clock{account: env.Account},
		bulk: cfg.SendVia == viaBulk, json: cfg.BulkEncoding == encodingJSON,
		nameField: cmp.Or(cfg.NameField, "name"),
	}
	if cfg.TimeZone != "" {
		if a.clock.zone, err = zone(cfg.TimeZone); err != nil {
			return nil, wrongZone(err)[0]
		}
	}
	return a, nil
}
