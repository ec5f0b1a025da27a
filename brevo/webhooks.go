package brevo

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

var (
	_ events.Log       = (*adapter)(nil)
	_ events.Registrar = (*adapter)(nil)
)

// ListWebhooks makes a call for each type of webhooks.
func (a *adapter) ListWebhooks(ctx context.Context) ([]events.Webhook, error) {
	var out []events.Webhook
	for _, typ := range sendinblue.HookTypes {
		list, err := a.api.ListWebhooks(ctx, &brevoapi.ListWebhooksParams{Type: new(brevoapi.WebhookType(typ)), Sort: new(brevoapi.SortOrder("asc"))})
		if err != nil {
			return nil, err
		}
		for _, w := range list.Webhooks {
			hook := sendinblue.HookOf(strconv.FormatInt(w.ID, 10), w.Type, w.URL, w.Events)
			hook.Secret = provider.NewSecret(w.Auth.Token.Reveal())
			out = append(out, hook)
		}
	}
	return out, nil
}

// CreateWebhook registers one that is not batched: the form of a batch is not documented.
func (a *adapter) CreateWebhook(ctx context.Context, w events.Webhook) ([]events.Webhook, error) {
	names, err := sendinblue.HookNames(w)
	if err != nil {
		return nil, err
	}
	body := brevoapi.CreateWebhookRequest{
		URL: w.Address.Reveal(), Type: new(brevoapi.WebhookType(w.Stream)), Batched: new(false), Description: new("postmux"),
	}
	for _, name := range names {
		body.Events = append(body.Events, brevoapi.WebhookEvent(name))
	}
	if !w.Secret.IsZero() {
		body.Auth = &brevoapi.NewWebhookAuth{Type: new("bearer"), Token: new(w.Secret.Reveal())}
	}
	made, err := a.api.CreateWebhook(ctx, body)
	if err != nil {
		return nil, err
	}
	w.ID = strconv.FormatInt(made.ID, 10)
	return []events.Webhook{w}, nil
}

func (a *adapter) DeleteWebhook(ctx context.Context, id string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return provider.Invalid("id", "expected a number")
	}
	_, err = a.api.DeleteWebhook(ctx, number)
	return err
}

func (a *adapter) WebhookStreams() []events.Webhook { return sendinblue.HookStreams() }
