package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

func (a *v3Adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	body, notes, err := v3EmailToAPI(m)
	if err != nil {
		return nil, err
	}
	sent, err := a.api.SendEmail(ctx, body)
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	r := v3ReceiptFromAPI(m, sent)
	r.Notes = notes
	return r, nil
}

// Status asks the event log, which by default holds the last 30 days. The
// document has no look-up of scheduled mail.
func (a *v3Adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	messageID := r.MessageID
	page, err := a.api.ListEmailEvents(ctx, &pakatv3api.ListEmailEventsParams{MessageID: &messageID})
	if err != nil {
		return nil, err
	}
	states := adapterkit.StateLog{}
	for _, e := range page.Events {
		if state, ok := sendinblue.EventState(e.Event); ok {
			states.Add(e.Email, state)
		}
	}
	if r := states.Receipt(messageID); r != nil {
		return r, nil
	}
	return nil, &provider.Error{Kind: provider.ErrNotFound, Message: "the event log of the last 30 days has nothing about this mail; one that is scheduled has no events yet"}
}

// Check reads the account, which proves the key, and the senders.
func (a *v3Adapter) Check(ctx context.Context) (*provider.Health, error) {
	account, err := a.api.GetAccount(ctx)
	if err != nil {
		return nil, err
	}
	senders, err := a.api.ListSenders(ctx, nil)
	if err != nil {
		return nil, err
	}
	return v3HealthFromAPI(account, senders), nil
}
