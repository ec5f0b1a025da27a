package sendpulse

import (
	"context"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// tokenOperation is the call that carries the client secret and answers with a
// token; it is never shown.
const tokenOperation = "CreateAccessToken"

// tokenLife is the documented life of a token, for an answer that names none.
const tokenLife = time.Hour

// authOf takes the credentials from the settings: an API key, or a client id
// with its secret.
func authOf(s provider.Section, env provider.Env) (httpx.Auth, error) {
	id, secret, key := s.Text("client_id"), s.Secret("client_secret"), s.Secret("api_key")
	missing := func(field, message string) (httpx.Auth, error) {
		account := env.Account
		if account == "" {
			account = s.Provider
		}
		return httpx.Auth{}, &provider.Error{
			Kind: provider.ErrConfig, Outcome: provider.NotSent, Field: "providers." + account + "." + field, Message: message,
		}
	}
	switch {
	case !key.IsZero() && (id != "" || !secret.IsZero()):
		return missing("api_key", "expected either api_key, or client_id with client_secret, got both")
	case !key.IsZero():
		return httpx.BearerKey(key), nil
	case id == "" && secret.IsZero():
		return missing("client_id", "missing: expected client_id with client_secret, or api_key")
	case id == "":
		return missing("client_id", "missing: client_secret goes with client_id")
	case secret.IsZero():
		return missing("client_secret", "missing: client_id goes with client_secret")
	}
	// A chain of its own: the call that fetches the token must not wait for one.
	chain, err := httpx.New(httpx.Config{
		Provider: "sendpulse", BaseURL: baseURL, Section: s, Env: env,
		Auth: httpx.NoAuth(), Secretive: []string{tokenOperation},
		Classify: func(a *httpx.Answer) *provider.Error { return without(secret, classify(a)) },
	})
	if err != nil {
		return httpx.Auth{}, err
	}
	return httpx.Bearer(fetcher(sendpulseapi.NewClient(chain), id, secret)), nil
}

// without takes the secret out of what the vendor wrote. It travels in the body,
// where the chain does not look for it.
func without(secret provider.Secret, e *provider.Error) *provider.Error {
	if e != nil {
		e.Message = strings.ReplaceAll(e.Message, secret.Reveal(), secret.String())
		e.Code = strings.ReplaceAll(e.Code, secret.Reveal(), secret.String())
	}
	return e
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
		life := time.Duration(got.ExpiresIn) * time.Second
		if life <= 0 {
			life = tokenLife
		}
		return got.Token.Reveal(), life, nil
	}
}
