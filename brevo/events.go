package brevo

import (
	"context"

	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// ParseEvents reads the body of a webhook: one event, or several when the webhook is
// batched. An event with a name that is not known, or that cannot be read, has the kind
// events.KindUnknown, and so has inbound mail. The error is about a body that is no JSON
// object and no list. Account and ReceivedAt stay empty.
//
// The vendor tells no ids of events and signs nothing: see Receiver for who may call.
func ParseEvents(body []byte) ([]events.Event, error) { return sendinblue.ParseEvents(name, body) }

// Receiver reads webhooks that bring one of the secrets: as a bearer token, which the
// vendor sends when the webhook was registered with one, or at the end of the path.
func Receiver(secrets ...provider.Secret) events.Receiver {
	return events.Receiver{
		Provider: name, Secrets: secrets, Bearer: true,
		Streams: map[string]events.Parse{"": ParseEvents},
	}
}

// ListEvents reads the log of single mail, at most 90 days back.
func (a *adapter) ListEvents(ctx context.Context, q events.Query) (*provider.Page[events.Event], error) {
	return a.EventsOf(ctx, name, q)
}
