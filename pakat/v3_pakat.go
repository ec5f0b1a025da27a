package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

// v3BaseURL is the address of the older service.
const v3BaseURL = "https://api.pakat.net/v3"

// V3Config opens an account of Pakat v3 from Go.
type V3Config struct {
	provider.Common
	APIKey provider.Secret
	// FolderID is the folder that new lists are put in; needed by CreateList only.
	FolderID int64
}

// NewV3 returns a client of one account of Pakat v3 (api.pakat.net). It does
// not touch the network.
//
// Pakat v3 is an older relative of Brevo. Its document shows few answers and no
// error, so much of what is read here is assumed to be as at Brevo, and
// Capabilities mark what rests on that. An answer to a send that says nothing
// counts as accepted, without an id. There is no idempotency key: a mail whose
// answer was lost must not be sent again.
func NewV3(cfg V3Config, opts ...provider.Option) (*provider.Client, error) {
	settings := map[string]provider.Value{"api_key": provider.NewValue(cfg.APIKey.Reveal())}
	if cfg.FolderID != 0 {
		settings[sendinblue.FolderSetting.Name] = provider.NewValue(cfg.FolderID)
	}
	return provider.OpenOne(V3Driver(), provider.Section{Common: cfg.Common, Settings: settings}, opts...)
}

// V3Driver opens accounts of Pakat v3 from a configuration, under the name pakatv3.
func V3Driver() provider.Driver {
	return provider.Driver{
		Name: "pakatv3",
		Settings: []provider.Setting{
			{Name: "api_key", Secret: true, Required: true, Doc: "API key v3 of the account, from its profile page"},
			sendinblue.FolderSetting,
		},
		Capabilities: v3Capabilities,
		Open:         v3Open,
	}
}

type v3Adapter struct {
	api     *pakatv3api.Client
	account string
	folder  int64 // of new lists; 0 means that none is set
	attrs   sendinblue.Attributes
}

func v3Open(_ context.Context, s provider.Section, env provider.Env) (*provider.Client, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: "pakatv3", BaseURL: v3BaseURL, Section: s, Env: env,
		Auth:      httpx.HeaderKey("api-key", s.Secret("api_key")),
		Classify:  sendinblue.Classify,
		Limits:    httpx.Single(5), // not published; Brevo's ancestor
		RequestID: sendinblue.RequestID, RetryAfter: sendinblue.RetryAfter,
	})
	if err != nil {
		return nil, err
	}
	folder, err := sendinblue.Folder(s, env.Account)
	if err != nil {
		return nil, err
	}
	a := &v3Adapter{api: pakatv3api.NewClient(chain), account: env.Account, folder: folder}
	a.attrs.Fetch = a.attributes
	return provider.NewClient(a, s, env)
}
