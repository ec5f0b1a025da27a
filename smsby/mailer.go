package smsby

import (
	"context"
	"strings"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Ids of the two methods have nothing in common, so the id of a receipt says
// which method gave it.
const (
	idOfEmail = "email:"
	idOfBulk  = "bulk:"
)

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if a.bulk {
		return a.sendBulk(ctx, m)
	}
	body, notes, err := emailToAPI(m, a.clock)
	if err != nil {
		return nil, err
	}
	sent, err := a.api.SendEmail(ctx, body)
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	return receiptFromAPI(m, emailID(sent), notes), nil
}

func (a *adapter) sendBulk(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	body, notes, err := bulkToAPI(m, a.clock)
	if err != nil {
		return nil, err
	}
	sent, err := a.bulkCall(ctx, body)
	if err != nil {
		return &provider.Receipt{Notes: notes}, err
	}
	return receiptFromAPI(m, bulkID(sent), notes), nil
}

// Status looks a bulk up, or one mail of it. The vendor has no look-up of a single mail.
func (a *adapter) Status(ctx context.Context, messageID string) (*provider.Receipt, error) {
	if strings.HasPrefix(messageID, idOfEmail) {
		return nil, provider.Unsupported(feature.MessageStatus, "only mail of send_via bulk can be looked up")
	}
	bulk, ok := strings.CutPrefix(messageID, idOfBulk)
	uuid, email, _ := strings.Cut(bulk, "/")
	if !ok || uuid == "" {
		return nil, provider.Invalid("message_id", "expected the id of a receipt, %s…", idOfBulk)
	}
	answer, err := a.api.GetBulkEmailStatus(ctx, smsbyapi.BulkStatusForm{UUID: uuid})
	if err != nil {
		return nil, err
	}
	if r := only(statusFromAPI(messageID, answer.Result), email); r != nil {
		return r, nil
	}
	return nil, &provider.Error{Kind: provider.ErrNotFound, Message: "the provider knows no recipient under this id, or none yet"}
}

// Check proves the token by reading the templates, the one read that needs
// nothing else. Senders and balance cannot be read.
func (a *adapter) Check(ctx context.Context) (*provider.Health, error) {
	if _, err := a.api.GetEmailTemplates(ctx); err != nil {
		return nil, err
	}
	return &provider.Health{}, nil
}
