// Package pakat sends mail and keeps contacts at Pakat. Two products live under
// that brand, and each has a driver here:
//
//   - pakat is new.pakat.net, an installation of MailWizz. Keys, lists and
//     templates are those of new.pakat.net/customer. New and API belong to it.
//   - pakatv3 is api.pakat.net/v3, an older dialect of Sendinblue. NewV3 and
//     APIV3 belong to it.
//
// They share no accounts, keys or data, and a key of one is refused by the other. What
// follows is about pakat; the comments of NewV3 and the other V3 functions describe
// pakatv3.
//
//	client, err := pakat.New(key, provider.WithFrom(provider.Address{Email: "shop@example.com"}))
//
// # Authentication
//
// A key of the customer area, sent in the header X-API-KEY. A key may be tied
// to IP addresses; a call from elsewhere is refused although the key is right.
//
// # Limits
//
// The vendor states neither a rate nor sizes; 429 exists. A mail goes to one
// recipient. Contacts live in lists: an address has a record of its own, with
// its own fields and status, in every list that it is on.
//
// # Not supported
//
// Several recipients, copies, header fields, tags, metadata, tracking switches,
// inline images, files by URL, a key against double sending. A policy can send
// one mail to each of several recipients. There are no contacts outside lists.
// See Capabilities for the whole table.
//
// # Errors
//
// After ErrOutcomeUnknown the vendor has no way to send again safely; its list
// of mails can be searched for what was queued, see FeatureSettle. A mail that
// was accepted waits in a queue: until it is handed to a mail server it can be
// withdrawn, Status tells whether it was, and nothing ever tells that it was
// delivered.
package pakat

import (
	"context"
	"regexp"
	"time"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

const name = "pakat" // of the provider

// baseURL is the vendor's address.
const baseURL = "https://new.pakat.net/api"

// Config are the settings of an account of new.pakat.net.
type Config struct {
	provider.AccountSettings
	events.Settings
	APIKey provider.Secret `json:"api_key" required:"send" doc:"API key from the customer area of new.pakat.net"`
	// PhoneTag is the tag of the field that holds phone numbers, "PHONE". The
	// vendor has no such field by itself; empty means that phones are not kept.
	PhoneTag string `json:"phone_tag" doc:"tag of the list field that holds phone numbers, such as PHONE; none by default"`
	// PlainText says how the text part of a mail is written: "base64", which
	// is what the vendor's own PHP clients do, or "plain".
	PlainText string `json:"plain_text" enum:"base64|plain" default:"base64" doc:"how the text part is written"`
	// TimeZone is the zone of the account, in which the vendor writes times of events; empty
	// means UTC.
	TimeZone string `json:"time_zone" default:"UTC" doc:"time zone of the account, such as Asia/Tehran. Times of the log are read in it, which is a guess: no document says in which zone they are"`
}

// New returns a client of the account of new.pakat.net with this API key. It does
// not touch the network. Open takes all settings.
func New(apiKey string, opts ...provider.Option) (*provider.Client, error) {
	return Open(Config{APIKey: provider.NewSecret(apiKey)}, opts...)
}

// Open returns a client of an account of new.pakat.net with settings from Go. It
// does not touch the network.
func Open(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	return driver.Client(cfg, opts...)
}

// Driver opens accounts of new.pakat.net from a configuration.
func Driver() provider.Driver { return driver.Driver() }

var driver = provider.DriverOf[Config]{Name: name, Check: check, Capabilities: capabilities, Receiver: receiver, Open: open}

func check(cfg Config) []*provider.Error {
	return append(checkTag(cfg), adapterkit.CheckZone(cfg.TimeZone)...)
}

func receiver(cfg Config) any { return Receiver(cfg.Secrets()...).At(cfg.WebhookURL) }

var tagForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func checkTag(cfg Config) []*provider.Error {
	tag := cfg.PhoneTag
	if adapterkit.Literal(tag) && (!tagForm.MatchString(tag) || tag == tagEmail || tag == tagFirstName || tag == tagLastName) {
		return adapterkit.WrongSetting("phone_tag", "expected the tag of a list field in capitals, such as PHONE")
	}
	return nil
}

type adapter struct {
	begun.ByChain
	api      *pakatapi.Client
	caps     provider.Capabilities
	account  string
	from     provider.Address // sender of new lists
	phoneTag string           // empty when phones are not kept
	base64   bool             // of the text part
	zone     adapterkit.Zone  // of the log
	fields   fieldCache
	now      func() time.Time
}

func open(_ context.Context, cfg Config, env provider.DriverEnv) (provider.Adapter, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: baseURL, Settings: cfg.AccountSettings, Env: env,
		Auth:     httpx.HeaderKey("X-API-KEY", cfg.APIKey),
		Classify: classify,
		Limits:   httpx.Single(2), // not published
	})
	if err != nil {
		return nil, err
	}
	a := &adapter{
		api: pakatapi.NewClient(chain), caps: capabilities(cfg), now: time.Now, account: env.Account, from: cfg.From,
		phoneTag: cfg.PhoneTag, base64: cfg.PlainText != "plain", zone: adapterkit.ZoneOf(cfg.TimeZone),
	}
	a.fields.fetch = a.listTags
	return a, nil
}
