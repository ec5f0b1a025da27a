package sendpulse

import (
	"context"
	"slices"
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

var (
	_ events.Log       = (*adapter)(nil)
	_ events.Registrar = (*adapter)(nil)
)

// bulkStream is the one stream that can be registered by calls.
const bulkStream = "bulk"

// ListWebhooks returns those about mail to lists, one for each action. Others are made in the
// dashboard and not shown.
func (a *adapter) ListWebhooks(ctx context.Context) ([]events.Webhook, error) {
	list, err := a.api.ListWebhooks(ctx)
	if err != nil {
		return nil, err
	}
	return hooksFromAPI(list.Webhooks), nil
}

func hooksFromAPI(list []sendpulseapi.Webhook) []events.Webhook {
	var out []events.Webhook
	for _, w := range list {
		kind := events.KindUnknown
		if what, ok := bulkWords.Find(w.Action); ok {
			kind = what.Kind
		}
		out = append(out, events.Webhook{
			ID: adapterkit.IDText(w.ID), Stream: bulkStream, Address: provider.NewSecret(w.URL), Kinds: []events.Kind{kind}, VendorEvents: []string{w.Action},
		})
	}
	return out
}

// CreateWebhook makes one for each action. Actions that stand for one kind, the two bounces,
// are both registered.
func (a *adapter) CreateWebhook(ctx context.Context, w events.Webhook) ([]events.Webhook, error) {
	if w.Stream != bulkStream {
		return nil, provider.Invalid("stream", "expected %s: webhooks of single mail are made in the provider's dashboard", bulkStream)
	}
	body := sendpulseapi.CreateWebhookRequest{URL: w.Address.Reveal()}
	for _, action := range w.VendorEvents {
		body.Actions = append(body.Actions, sendpulseapi.WebhookAction(action))
	}
	for _, kind := range w.Kinds {
		if len(w.VendorEvents) > 0 {
			break
		}
		before := len(body.Actions)
		for _, word := range bulkWords {
			if word.Kind == kind {
				for _, name := range word.Register {
					body.Actions = append(body.Actions, sendpulseapi.WebhookAction(name))
				}
			}
		}
		if len(body.Actions) == before {
			return nil, provider.Invalid("kinds", "the provider pushes no event %q of mail to lists", kind)
		}
	}
	made, err := a.api.CreateWebhook(ctx, body)
	if err != nil {
		return nil, err
	}
	return hooksFromAPI(made.Webhooks), nil
}

func (a *adapter) DeleteWebhook(ctx context.Context, id string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return provider.Invalid("id", "expected a number")
	}
	_, err = a.api.DeleteWebhook(ctx, number)
	return err
}

func (a *adapter) WebhookStreams() []events.Webhook {
	w := events.Webhook{Stream: bulkStream}
	for _, word := range bulkWords {
		if word.Kind == events.KindUnknown {
			continue
		}
		w.VendorEvents = append(w.VendorEvents, word.Register...)
		if !slices.Contains(w.Kinds, word.Kind) {
			w.Kinds = append(w.Kinds, word.Kind)
		}
	}
	return []events.Webhook{w}
}
