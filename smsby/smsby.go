// Package smsby sends mail and keeps contacts at SMS.by (e-mail API v2).
//
//	client, err := smsby.New(smsby.Config{Token: provider.NewSecret(token)})
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
// which one it reads: send_at needs the setting time_zone.
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
// The vendor documents no error. What is known of its older API is an error
// text with status 200, so an answer that has an error text, or whose status is
// a word for one, is a refusal. Kinds are told by words in the text, which are
// guesses; a text with none of them is ErrInvalid. After an act, an answer whose
// status is another word, neither OK nor success, leaves the outcome unknown.
package smsby

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// baseURL is the vendor's address; the version is part of each path.
const baseURL = "https://app.sms.by"

// Values of the settings.
const (
	viaSingle    = "single"
	viaBulk      = "bulk"
	encodingForm = "form"
	encodingJSON = "json"

	defaultNameField = "name"
)

// Config opens an account from Go. Empty fields have the defaults of the settings.
type Config struct {
	provider.Common
	Token provider.Secret
	// TimeZone is the IANA name of the zone that the account's times are in,
	// "Europe/Minsk"; needed only for messages with SendAt.
	TimeZone string
	// SendVia is "single" (one file, no look-up; the default) or "bulk".
	SendVia string
	// BulkEncoding is "form" (the default) or "json".
	BulkEncoding string
	// NameField is the contact field for first and last name, "name" when empty.
	NameField string
}

// New returns a client of one account. It does not touch the network.
func New(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	settings := map[string]provider.Value{"token": provider.NewValue(cfg.Token.Reveal())}
	for name, text := range map[string]string{
		"time_zone": cfg.TimeZone, "send_via": cfg.SendVia, "bulk_encoding": cfg.BulkEncoding, "name_field": cfg.NameField,
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
		Name: "smsby",
		Settings: []provider.Setting{
			{Name: "token", Secret: true, Required: true, Doc: "API key of the account"},
			{Name: "time_zone", Doc: "IANA name of the zone of the account's times, as Europe/Minsk; needed for send_at", Check: checkZone},
			{Name: "send_via", Doc: "single (one file, no look-up; default) or bulk (look-up, no file)", Check: oneOf(viaSingle, viaBulk)},
			{Name: "bulk_encoding", Doc: "form (default) or json: how a bulk is written", Check: oneOf(encodingForm, encodingJSON)},
			{Name: "name_field", Doc: "contact field for first and last name, default name"},
		},
		Capabilities: capabilities,
		Open:         open,
	}
}

func oneOf(a, b string) func(any) error {
	return func(v any) error {
		if v != a && v != b {
			return fmt.Errorf("expected %s or %s", a, b)
		}
		return nil
	}
}

// checkZone leaves references to Open, where they are followed.
func checkZone(v any) error {
	name, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected the name of a time zone, like Europe/Minsk")
	}
	if strings.HasPrefix(name, "env:") || strings.HasPrefix(name, "file:") {
		return nil
	}
	_, err := zone(name)
	return err
}

// zone refuses Local, which is another zone on every machine.
func zone(name string) (*time.Location, error) {
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("expected the name of a time zone, like Europe/Minsk")
	}
	return z, nil
}

type adapter struct {
	api       *smsbyapi.Client
	caps      provider.Capabilities
	clock     clock
	bulk      bool
	json      bool
	nameField string
}

func open(_ context.Context, s provider.Section, env provider.Env) (*provider.Client, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: "smsby", BaseURL: baseURL, Section: s, Env: env,
		Auth:     httpx.FormToken("token", s.Secret("token")),
		Classify: classify,
		Limits:   httpx.Single(2), // not published for mail
	})
	if err != nil {
		return nil, err
	}
	a := &adapter{
		api: smsbyapi.NewClient(chain), caps: capabilities(s), clock: clock{account: env.Account},
		bulk: s.Text("send_via") == viaBulk, json: s.Text("bulk_encoding") == encodingJSON,
		nameField: s.Text("name_field"),
	}
	if a.nameField == "" {
		a.nameField = defaultNameField
	}
	if name := s.Text("time_zone"); name != "" {
		if a.clock.zone, err = zone(name); err != nil {
			return nil, &provider.Error{Kind: provider.ErrConfig, Outcome: provider.NotSent, Field: a.clock.setting(), Message: err.Error()}
		}
	}
	return provider.NewClient(a, s, env)
}
