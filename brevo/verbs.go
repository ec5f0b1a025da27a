package brevo

import (
	"context"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

func (a *adapter) Cancel(ctx context.Context, r *provider.Receipt) error {
	_, err := a.api.CancelScheduledEmail(ctx, sendinblue.MessageID(r.MessageID))
	return err
}

func (a *adapter) RemoveSuppression(ctx context.Context, email string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	_, err = a.api.UnblockContact(ctx, wire)
	return adapterkit.Done(err, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "lets transactional mail through again; a block of marketing mail stays"})
}
