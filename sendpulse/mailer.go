package sendpulse

import (
	"context"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	email, notes, err := emailToAPI(m)
	if err != nil {
		return nil, err
	}
	sent, err := a.api.SendEmail(ctx, sendpulseapi.SendEmailRequest{Email: email})
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	r := m.Accepted(adapterkit.IDOf(sent.ID))
	r.Notes = notes
	return r, nil
}

func (a *adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	messageID := r.MessageID
	record, err := a.api.GetEmail(ctx, messageID)
	if err != nil {
		return nil, err
	}
	return statusFromAPI(messageID, record), nil
}

// StatusBatch looks mails up in one call.
func (a *adapter) StatusBatch(ctx context.Context, ids []string) (map[string]*provider.Receipt, error) {
	records, err := a.api.GetEmails(ctx, sendpulseapi.EmailIDs{IDs: ids})
	if err != nil {
		return nil, err
	}
	out := make(map[string]*provider.Receipt, len(records))
	for i := range records {
		id := adapterkit.IDOf(records[i].ID)
		out[id] = statusFromAPI(id, &records[i])
	}
	return out, nil
}

func (a *adapter) Check(ctx context.Context) (*provider.Health, error) {
	balance, err := a.api.GetBalanceDetail(ctx)
	if err != nil {
		return nil, err
	}
	senders, err := a.api.ListSenders(ctx)
	if err != nil {
		return nil, err
	}
	return healthFromAPI(balance, senders), nil
}
