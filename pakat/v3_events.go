package pakat

import (
	"context"

	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// ParseV3Events reads the body of a webhook of Pakat v3. The vendor does not document it:
// it is read as its younger relative Brevo writes it. What is not known has the kind
// events.KindUnknown. The error is about a body that is no JSON object and no list. Account
// and ReceivedAt stay empty.
func ParseV3Events(body []byte) ([]events.Event, error) { return sendinblue.ParseEvents(v3Name, body) }

// V3Receiver reads webhooks of Pakat v3 that have one of the secrets at the end of their
// path: the vendor can be given a URL and nothing else.
func V3Receiver(secrets ...provider.Secret) events.Receiver {
	return events.Receiver{
		Provider: v3Name, Secrets: secrets, Streams: map[string]events.Parse{"": ParseV3Events},
	}
}

// ListEvents reads the log of single mail.
func (a *v3Adapter) ListEvents(ctx context.Context, q events.Query) (*provider.Page[events.Event], error) {
	return a.EventsOf(ctx, v3Name, q)
}
