// Package pakat sends mail and keeps contacts at Pakat. Two products live under
// that brand, and each has a driver here:
//
//   - pakat is new.pakat.net, an installation of MailWizz. Keys, lists and
//     templates are those of new.pakat.net/customer. New and API belong to it.
//   - pakatv3 is api.pakat.net/v3, an older dialect of Sendinblue. NewV3 and
//     APIV3 belong to it.
//
// They share no accounts, keys or data, and a key of one is refused by the
// other. What follows is about pakat; the functions of pakatv3 tell of theirs.
//
//	client, err := pakat.New(pakat.Config{APIKey: provider.NewSecret(key)})
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
	"fmt"
	"regexp"
	"time"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// baseURL is the vendor's address.
const baseURL = "https://new.pakat.net/api"

// Config opens an account of new.pakat.net from Go.
type Config struct {
	provider.Common
	APIKey provider.Secret
	// PhoneTag is the tag of the field that holds phone numbers, "PHONE". The
	// vendor has no such field by itself; empty means that phones are not kept.
	PhoneTag string
	// PlainText says how the text part of a mail is written: "base64", which
	// is what the vendor's own PHP clients do, or "plain". Empty means base64.
	PlainText string
}

// New returns a client of one account of new.pakat.net. It does not touch the network.
func New(cfg Config, opts ...provider.Option) (*provider.Client, error) {
	settings := map[string]provider.Value{"api_key": provider.NewValue(cfg.APIKey.Reveal())}
	if cfg.PhoneTag != "" {
		settings["phone_tag"] = provider.NewValue(cfg.PhoneTag)
	}
	if cfg.PlainText != "" {
		settings["plain_text"] = provider.NewValue(cfg.PlainText)
	}
	return provider.OpenOne(Driver(), provider.Section{Common: cfg.Common, Settings: settings}, opts...)
}

// Driver opens accounts of new.pakat.net from a configuration.
func Driver() provider.Driver {
	return provider.Driver{
		Name: "pakat",
		Settings: []provider.Setting{
			{Name: "api_key", Secret: true, Required: true, Doc: "API key from the customer area of new.pakat.net"},
			{Name: "phone_tag", Doc: "tag of the list field that holds phone numbers, such as PHONE; none by default", Check: checkTag},
			{Name: "plain_text", Doc: "how the text part is written: base64 (default) or plain", Check: checkPlainText},
		},
		Capabilities: capabilities,
		Open:         open,
	}
}

var tagForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func checkTag(v any) error {
	if tag, ok := v.(string); !ok || !tagForm.MatchString(tag) || tag == tagEmail || tag == tagFirstName || tag == tagLastName {
		return fmt.Errorf("expected the tag of a list field in capitals, such as PHONE")
	}
	return nil
}

func checkPlainText(v any) error {
	if v != "base64" && v != "plain" {
		return fmt.Errorf("expected base64 or plain")
	}
	return nil
}

type adapter struct {
	api      *pakatapi.Client
	caps     provider.Capabilities
	account  string
	from     provider.Address // sender of new lists
	phoneTag string           // empty when phones are not kept
	base64   bool             // of the text part
	fields   fieldCache
	now      func() time.Time
}

func open(_ context.Context, s provider.Section, env provider.Env) (*provider.Client, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: "pakat", BaseURL: baseURL, Section: s, Env: env,
		Auth:     httpx.HeaderKey("X-API-KEY", s.Secret("api_key")),
		Classify: classify,
		Limits:   httpx.Single(2), // not published
	})
	if err != nil {
		return nil, err
	}
	a := &adapter{
		api: pakatapi.NewClient(chain), caps: capabilities(s), now: time.Now, account: env.Account, from: s.From,
		phoneTag: s.Text("phone_tag"), base64: s.Text("plain_text") != "plain",
	}
	a.fields.fetch = a.listTags
	return provider.NewClient(a, s, env)
}
