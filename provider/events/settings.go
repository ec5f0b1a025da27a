package events

import (
	"strings"

	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
)

// Settings are those of an account that gets webhooks. Sending needs none of them, and
// receiving nothing else.
type Settings struct {
	// WebhookSecret is what webhooks of the account bring: 16 characters or more.
	WebhookSecret provider.Secret `json:"webhook_secret" use:"receive" doc:"secret that each webhook of the account carries: 16 or more letters, digits, - and _"`
	// WebhookSecretOld is accepted too, while a secret is changed.
	WebhookSecretOld provider.Secret `json:"webhook_secret_old" use:"receive" doc:"the secret before webhook_secret, accepted too: keep it for 12 hours after a change"`
	// WebhookURL is the address of the handler, under which accounts have their paths. It is
	// needed to register webhooks only.
	WebhookURL string `json:"webhook_url" use:"receive" doc:"URL at which the program receives webhooks, without the name of the account at its end; https only, but for loopback; needed to register webhooks"`
}

// Check returns the problems of s. A text may still be a reference.
func (s Settings) Check() []*provider.Error {
	var out []*provider.Error
	add := func(field, why string) {
		out = append(out, &provider.Error{
			Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: field, Message: why,
		})
	}
	for field, secret := range map[string]provider.Secret{"webhook_secret": s.WebhookSecret, "webhook_secret_old": s.WebhookSecretOld} {
		if !settings.Literal(secret.Reveal()) {
			continue
		}
		if why := secretProblem(secret.Reveal()); why != "" {
			add(field, why)
		}
	}
	if settings.Literal(s.WebhookSecretOld.Reveal()) && s.WebhookSecret.IsZero() {
		add("webhook_secret", "missing beside webhook_secret_old")
	}
	if settings.Literal(s.WebhookURL) {
		if err := vendorurl.Check(strings.TrimSuffix(s.WebhookURL, "/")); err != nil {
			add("webhook_url", err.Error())
		}
	}
	return out
}

// Secrets are the secrets that are accepted.
func (s Settings) Secrets() []provider.Secret {
	var out []provider.Secret
	for _, secret := range []provider.Secret{s.WebhookSecret, s.WebhookSecretOld} {
		if !secret.IsZero() {
			out = append(out, secret)
		}
	}
	return out
}
