package smsby

import (
	"context"
	"strings"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// BatchLimits are guesses: the vendor states none for a bulk. 500 is what it
// takes in an import. Without send_via bulk a call takes one mail. An address is in
// a bulk once: what a second mail to it does is not documented, and nothing would
// tell the two apart afterwards.
func (a *adapter) BatchLimits() provider.GroupLimits {
	if !a.bulk {
		return provider.GroupLimits{Items: 1}
	}
	return provider.GroupLimits{Items: 500, Bytes: 1_000_000, Distinct: true}
}

// BatchKey covers all but what each mail of a bulk has of its own: recipient,
// subject and HTML. A message that cannot be converted goes alone, so that its
// error is its own.
func (a *adapter) BatchKey(m *provider.Message) (string, bool) {
	if !a.bulk {
		return "", false
	}
	if _, _, err := bulkToAPI(m, a.clock); err != nil {
		return "", false
	}
	rest := *m
	rest.To, rest.Subject, rest.HTML = nil, "", ""
	return adapterkit.BatchKey(rest)
}

// SendBatch sends one bulk: of kind bulk when all mails say the same, else
// personal. A mail's id is that of the bulk and its address.
func (a *adapter) SendBatch(ctx context.Context, messages []*provider.Message) ([]*provider.Receipt, error) {
	form, notes, err := batchToAPI(messages, a.clock)
	if err != nil {
		return nil, err
	}
	receipts := make([]*provider.Receipt, len(messages))
	for i := range messages {
		receipts[i] = &provider.Receipt{Notes: notes[i]}
	}
	sent, err := a.bulkCall(ctx, form)
	if err != nil {
		return receipts, err
	}
	id := bulkID(sent)
	for i, m := range messages {
		receipts[i] = receiptFromAPI(m, mailOfBulk(id, m), notes[i])
		receipts[i].BatchID = strings.TrimPrefix(id, idOfBulk)
	}
	return receipts, nil
}

func (a *adapter) bulkCall(ctx context.Context, form smsbyapi.BulkEmailForm) (*smsbyapi.SentBulkAnswer, error) {
	var opts []rest.Option
	if a.json {
		opts = append(opts, rest.WithBodyKind(rest.JSON))
	}
	return a.api.SendBulkEmail(ctx, form, opts...)
}

// batchToAPI writes several mails as one bulk. The notes are by message.
func batchToAPI(messages []*provider.Message, in clock) (smsbyapi.BulkEmailForm, [][]provider.Note, error) {
	first := messages[0]
	form, common, err := bulkToAPI(first, in)
	if err != nil {
		return form, nil, err
	}
	form.DeliveryList = make([]any, len(messages))
	notes := make([][]provider.Note, len(messages))
	same := true
	for _, m := range messages {
		same = same && m.Subject == first.Subject && m.HTML == first.HTML
	}
	if !same {
		form.MessageType = new(smsbyapi.MessageTypePersonal)
		form.Subject, form.Message = nil, nil
	}
	for i, m := range messages {
		var c converter
		to := c.recipient("to[0]", m.To[0])
		form.DeliveryList[i] = to
		if !same {
			form.DeliveryList[i] = smsbyapi.PersonalMail{Email: to, Subject: m.Subject, Message: m.HTML}
		}
		if c.Err != nil {
			return form, nil, c.Err
		}
		notes[i] = c.Notes
		for _, n := range common {
			if !strings.HasPrefix(n.Field, "to[0]") { // those are about the first message
				notes[i] = append(notes[i], n)
			}
		}
	}
	return form, notes, nil
}

// mailOfBulk is empty when the answer told no id.
func mailOfBulk(bulk string, m *provider.Message) string {
	wire, err := adapterkit.Wire("to[0].email", m.To[0].Email)
	if bulk == "" || err != nil {
		return bulk
	}
	return bulk + "/" + wire
}

// only leaves the recipient with the address in a status; nil when it is not
// there. An empty address leaves all.
func only(r *provider.Receipt, email string) *provider.Receipt {
	if r == nil || email == "" {
		return r
	}
	for i, x := range r.Recipients {
		if strings.EqualFold(x.Email, email) {
			one := *r
			one.State, one.Recipients, one.Notes = x.State, []provider.RecipientResult{x}, nil
			for _, n := range r.Notes {
				if n.Field == recipientField(i) {
					n.Field = recipientField(0)
					one.Notes = append(one.Notes, n)
				}
			}
			return &one
		}
	}
	return nil
}
