package pakat

import (
	"context"
	"errors"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	body, notes, err := emailToAPI(m, a.now(), a.base64)
	if err != nil {
		return nil, err
	}
	sent, err := a.api.SendTransactionalEmail(ctx, body)
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	r := m.Accepted(adapterkit.IDOf(sent.UID))
	r.Notes = notes
	return r, nil
}

func (a *adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	messageID := r.MessageID
	mail, err := a.api.GetTransactionalEmail(ctx, messageID)
	if err != nil {
		return nil, err
	}
	return statusFromAPI(messageID, mail.Data.Record), nil
}

// Check reads a list, which needs a valid key, and the quota. The quota is an
// addition to MailWizz, so that its absence says nothing about the key.
func (a *adapter) Check(ctx context.Context) (*provider.Health, error) {
	one := int64(1)
	if _, err := a.api.ListLists(ctx, &pakatapi.ListListsParams{Page: &one, PerPage: &one}, rest.WithThen("read the sending quota")); err != nil {
		return nil, err
	}
	quota, err := a.api.GetQuota(ctx)
	if errors.Is(err, provider.ErrNotFound) {
		return &provider.Health{Notes: []provider.Note{{Field: "quotas", Action: provider.NoteWarning, Why: "the provider tells no quota"}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return healthFromAPI(quota.Quota), nil
}
