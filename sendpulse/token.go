package sendpulse

import (
	"context"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// tokenOperation is the call that carries the client secret and answers with a
// token; it is never shown.
const tokenOperation = "createAccessToken"

// tokenLife is the documented life of a token, for an answer that names none.
const tokenLife = time.Hour

// maxTokenLife is the longest life that an answer is believed for.
const maxTokenLife = 24 * time.Hour

// authOf takes the credentials from the settings: an API key, or a client id
// with its secret.
func authOf(cfg Config, env provider.DriverEnv) (httpx.Auth, error) {
	if !cfg.APIKey.IsZero() {
		return httpx.BearerKey(cfg.APIKey), nil
	}
	// A chain of its own: the call that fetches the token must not wait for one.
	// The account's limits are those of the other chain.
	settings := cfg.AccountSettings
	settings.RateLimits = nil
	chain, err := httpx.New(httpx.Config{
		Provider: name, BaseURL: baseURL, Settings: settings, Env: env,
		Auth: httpx.NoAuth(cfg.ClientSecret), Secretive: []string{tokenOperation},
		Classify: classify,
	})
	if err != nil {
		return httpx.Auth{}, err
	}
	return httpx.Bearer(cfg.ClientID, fetcher(sendpulseapi.NewClient(chain), cfg.ClientID, cfg.ClientSecret), cfg.ClientSecret), nil
}

// checkCredentials refuses settings that hold no credentials, half of them, or
// two kinds. References that are not followed yet count as given.
func checkCredentials(cfg Config) []*provider.Error {
	id, secret, key := cfg.ClientID != "", !cfg.ClientSecret.IsZero(), !cfg.APIKey.IsZero()
	switch {
	case key && (id || secret):
		return adapterkit.WrongSetting("api_key", "expected either api_key, or client_id with client_secret, got both")
	case key || id && secret:
		return nil
	case !id && !secret:
		return adapterkit.WrongSetting("client_id", "missing: expected client_id with client_secret, or api_key")
	case !id:
		return adapterkit.WrongSetting("client_id", "missing: client_secret goes with client_id")
	}
	return adapterkit.WrongSetting("client_secret", "missing: client_id goes with client_secret")
}

func fetcher(api *sendpulseapi.Client, id string, secret provider.Secret) func(context.Context) (string, time.Duration, error) {
	return func(ctx context.Context) (string, time.Duration, error) {
		got, err := api.CreateAccessToken(ctx, sendpulseapi.AccessTokenRequest{
			GrantType: sendpulseapi.GrantTypeClientCredentials, ClientID: id, ClientSecret: secret.Reveal(),
		})
		switch {
		case err != nil:
			return "", 0, err
		case got.Token.IsZero():
			return "", 0, &provider.Error{Kind: provider.ErrBadResponse, Message: "the answer holds no token"}
		}
		if !isToken(got.Token.Reveal()) {
			return "", 0, &provider.Error{Kind: provider.ErrBadResponse, Message: "the answer holds a token that no header can carry"}
		}
		return got.Token.Reveal(), lifeOf(int64(got.ExpiresIn)), nil
	}
}

func lifeOf(seconds int64) time.Duration {
	if seconds <= 0 {
		return tokenLife
	}
	return time.Duration(min(seconds, int64(maxTokenLife/time.Second))) * time.Second
}

// isToken reports whether text is visible ASCII without blanks.
func isToken(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
