package pakat

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

var (
	_ events.Log       = (*v3Adapter)(nil)
	_ events.Registrar = (*v3Adapter)(nil)
)

// ListWebhooks makes a call for each type of webhooks.
func (a *v3Adapter) ListWebhooks(ctx context.Context) ([]events.Webhook, error) {
	var out []events.Webhook
	for _, typ := range sendinblue.HookTypes {
		list, err := a.api.ListWebhooks(ctx, &pakatv3api.ListWebhooksParams{Type: new(pakatv3api.WebhookType(typ)), Sort: new(pakatv3api.SortOrder("asc"))})
		if err != nil {
			return nil, err
		}
		for _, w := range list.Webhooks {
			hook := sendinblue.HookOf(strconv.FormatInt(w.ID, 10), w.Type, w.URL, w.Events)
			out = append(out, hook)
		}
	}
	return out, nil
}

// CreateWebhook registers one. The vendor can be given a URL and no header.
func (a *v3Adapter) CreateWebhook(ctx context.Context, w events.Webhook) ([]events.Webhook, error) {
	names, err := sendinblue.HookNames(w)
	if err != nil {
		return nil, err
	}
	body := pakatv3api.CreateWebhookRequest{
		URL: w.Address.Reveal(), Type: new(pakatv3api.WebhookType(w.Stream)), Description: new("postmux"),
	}
	for _, name := range names {
		body.Events = append(body.Events, pakatv3api.WebhookEvent(name))
	}
	made, err := a.api.CreateWebhook(ctx, body)
	if err != nil {
		return nil, err
	}
	w.ID = strconv.FormatInt(made.ID, 10)
	return []events.Webhook{w}, nil
}

func (a *v3Adapter) DeleteWebhook(ctx context.Context, id string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return provider.Invalid("id", "expected a number")
	}
	_, err = a.api.DeleteWebhook(ctx, number)
	return err
}

func (a *v3Adapter) WebhookStreams() []events.Webhook { return sendinblue.HookStreams() }
