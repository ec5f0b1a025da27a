package brevo

import (
	"context"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

func (a *adapter) Cancel(ctx context.Context, r *provider.Receipt) error {
	_, err := a.api.CancelScheduledEmail(ctx, r.MessageID)
	return err
}

func (a *adapter) RemoveSuppression(ctx context.Context, email string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if _, err := a.api.UnblockContact(ctx, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	r.Notes = []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: "lets transactional mail through again; a block of marketing mail stays"}}
	return r, nil
}
