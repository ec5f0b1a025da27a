package pakat

import (
	"context"
	"errors"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Cancel deletes a mail that still waits. The vendor deletes sent mail as well,
// so it is looked at first; one that is handed over in between goes out although
// Cancel succeeds. That deleting a waiting mail keeps it from going out is an
// inference.
func (a *adapter) Cancel(ctx context.Context, r *provider.Receipt) error {
	messageID := r.MessageID
	mail, err := a.api.GetTransactionalEmail(ctx, messageID, rest.WithThen("delete the mail if it still waits"))
	if err != nil {
		return err
	}
	switch status := mail.Data.Record.Status; status {
	case "unsent":
	case "sent":
		return adapterkit.Conflict("message_id", "the mail was handed to a mail server")
	default:
		return adapterkit.Conflict("message_id", "the mail does not wait: the provider says "+status)
	}
	_, err = a.api.DeleteTransactionalEmail(ctx, messageID)
	if err == nil || adapterkit.Taken(err) {
		return nil
	}
	if errors.Is(err, provider.ErrOutcomeUnknown) || errors.Is(err, provider.ErrNotFound) { // the first of two tries may have deleted it
		if _, again := a.api.GetTransactionalEmail(ctx, messageID); errors.Is(again, provider.ErrNotFound) {
			return nil
		}
	}
	return err
}
