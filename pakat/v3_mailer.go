package pakat

import (
	"context"

	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

func (a *v3Adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	body, notes, err := v3EmailToAPI(m)
	if err != nil {
		return nil, err
	}
	notes = append(notes, sendinblue.Placeholders(m)...)
	sent, err := a.api.SendEmail(ctx, body)
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	r := v3ReceiptFromAPI(m, sent)
	r.Notes = notes
	return r, nil
}

// Status asks the event log. The document has no look-up of scheduled mail.
func (a *v3Adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	logged, err := a.Logged(ctx, r.MessageID)
	if err != nil || logged != nil {
		return logged, err
	}
	return nil, &provider.Error{Kind: provider.ErrNotFound, Message: "the event log of the last 30 days has nothing about this mail; one that is scheduled has no events yet"}
}
