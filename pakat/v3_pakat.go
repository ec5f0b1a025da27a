package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/rest"
)

const v3Name = "pakatv3" // of the provider

// v3BaseURL is the address of the older service.
const v3BaseURL = "https://api.pakat.net/v3"

// V3Config are the settings of an account of Pakat v3.
type V3Config struct {
	provider.AccountSettings
	events.Settings
	APIKey provider.Secret `json:"api_key" required:"send" doc:"API key v3 of the account, from its profile page"`
	// FolderID is the folder that new lists are put in; needed by CreateList only.
	FolderID int64 `json:"folder_id" min:"1" doc:"number of the folder that new lists are put in; needed to make lists"`
	// Unproved allows the calls that other programs make at this service, or that its
	// ancestor had at that age, and that its document lacks: the look-up and the deletion
	// of a contact, and the request for a confirmation in the generated client.
	Unproved bool `json:"unproved" doc:"true: also make calls that the provider does not document and other programs use: contacts get and delete; the setting require does not count them"`
}

// NewV3 returns a client of the account of Pakat v3 (api.pakat.net) with this API
// key. It does not touch the network. OpenV3 takes all settings.
//
// Pakat v3 is an older relative of Brevo. Its document shows few answers and no
// error, so much of what is read here is assumed to be as at Brevo, and
// Capabilities mark what rests on that. An answer to a send that says nothing
// counts as accepted, without an id. There is no idempotency key: a mail whose
// answer was lost must not be sent again.
func NewV3(apiKey string, opts ...provider.Option) (*provider.Client, error) {
	return OpenV3(V3Config{APIKey: provider.NewSecret(apiKey)}, opts...)
}

// OpenV3 returns a client of an account of Pakat v3 with settings from Go; see
// NewV3. It does not touch the network.
func OpenV3(cfg V3Config, opts ...provider.Option) (*provider.Client, error) {
	return v3Driver.Client(cfg, opts...)
}

// V3Driver opens accounts of Pakat v3 from a configuration, under the name pakatv3.
func V3Driver() provider.Driver { return v3Driver.Driver() }

var v3Driver = provider.DriverOf[V3Config]{
	Name:         v3Name,
	Capabilities: v3CapabilitiesOf,
	Receiver:     func(cfg V3Config) any { return V3Receiver(cfg.Secrets()...).At(cfg.WebhookURL) },
	Open:         v3Open,
}

type v3Adapter struct {
	begun.ByChain
	*sendinblue.Driver
	api  *pakatv3api.Client
	caps provider.Capabilities
}

func newV3Adapter(api *pakatv3api.Client, account string, folder int64) *v3Adapter {
	return &v3Adapter{Driver: sendinblue.New(v3Calls{api}, account, folder, v3Pages), api: api, caps: v3Capabilities}
}

func v3Open(_ context.Context, cfg V3Config, env provider.DriverEnv) (provider.Adapter, error) {
	chain, err := httpx.New(httpx.Config{
		Provider: v3Name, BaseURL: v3BaseURL, Settings: cfg.AccountSettings, Env: env,
		Auth:            httpx.HeaderKey("api-key", cfg.APIKey),
		AssumedStatuses: true,
		Classify:        sendinblue.Classify,
		Secretive:       adapterkit.WebhookOperations,
		Limits:          httpx.Single(5), // not published; Brevo's ancestor
		RequestID:       sendinblue.RequestID, RetryAfter: sendinblue.RetryAfter,
	})
	if err != nil {
		return nil, err
	}
	var doer rest.Doer = proved{chain}
	if cfg.Unproved {
		doer = chain
	}
	a := newV3Adapter(pakatv3api.NewClient(doer), env.Account, cfg.FolderID)
	a.caps = v3CapabilitiesOf(cfg)
	return a, nil
}

func (a *v3Adapter) Capabilities() provider.Capabilities { return a.caps }
