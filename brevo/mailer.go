package brevo

import (
	"context"
	"strings"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// known is shared by all sends.
var known = rest.WithKeyWindow(keyWindow)

func (a *adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	key := sendKey(a.space, m.IdempotencyKey)
	body, notes, err := emailToAPI(m, key)
	if err != nil {
		return nil, err
	}
	if m.IdempotencyKey != "" && !strings.EqualFold(key, m.IdempotencyKey) {
		notes = append(notes, provider.Note{Field: "idempotency_key", Action: provider.NoteConverted, Why: "the provider takes UUIDs: this text is " + key + " there"})
	}
	notes = append(notes, sendinblue.Placeholders(m)...)
	sent, err := a.api.SendEmail(ctx, body, known, checked)
	if err != nil {
		return &provider.Receipt{IdempotencyKey: key, Notes: notes}, err
	}
	r := receiptFromAPI(m, sent)
	r.IdempotencyKey, r.Notes = key, notes
	return r, nil
}

// Status asks the event log. A mail that is only scheduled has no events yet;
// then the schedule is asked.
func (a *adapter) Status(ctx context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	logged, err := a.Logged(ctx, r.MessageID)
	if err != nil || logged != nil {
		return logged, err
	}
	scheduled, err := a.api.GetScheduledEmailStatus(ctx, sendinblue.MessageID(r.MessageID), nil)
	if err != nil {
		return nil, err
	}
	return statusFromSchedule(r.MessageID, scheduled), nil
}

func statusFromSchedule(messageID string, s *brevoapi.ScheduledEmailStatus) *provider.Receipt {
	status := s.Status
	if status == "" && len(s.Batches) > 0 {
		status = s.Batches[0].Status
	}
	r := &provider.Receipt{MessageID: messageID, State: provider.StateUnknown}
	switch status {
	case "queued":
		r.State = provider.StateScheduled
	case "inProgress", "processed":
		r.State = provider.StateQueued
	case "error":
		r.State = provider.StateFailed
	default:
		r.Notes = []provider.Note{{Field: "state", Action: provider.NoteWarning, Why: "the provider says " + status}}
	}
	return r
}
