package brevo

import (
	"context"

	"github.com/google/uuid"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

// BatchLimits are the vendor's for versions of a mail (api/brevo/SOURCES.md). How large a
// body may be is not stated; 4 MB is a guess, well below the 20 MB of a mail.
func (a *adapter) BatchLimits() provider.GroupLimits {
	return provider.GroupLimits{Items: 1000, Addresses: 2000, Each: 99, Variables: 1_000_000, Bytes: 4_000_000}
}

// BatchKey covers all but what a version says for itself. A part of the content
// that the top level lacks is ignored in a version, so all have it or none. A
// message that cannot be converted goes alone, so that its error is its own.
func (a *adapter) BatchKey(m *provider.Message) (string, bool) {
	if _, _, err := emailToAPI(m, ""); err != nil {
		return "", false
	}
	rest := withoutOwn(m)
	rest.Subject, rest.HTML, rest.Text = adapterkit.Presence(m.Subject), adapterkit.Presence(m.HTML), adapterkit.Presence(m.Text)
	return adapterkit.BatchKey(rest)
}

// withoutOwn is m without what a version says for itself, but for the content.
func withoutOwn(m *provider.Message) provider.Message {
	rest := *m
	rest.To, rest.Cc, rest.Bcc, rest.ReplyTo, rest.Variables = nil, nil, nil, nil, nil
	return rest
}

// SendBatch makes a version of each message. All go out under one key, so none
// of the receipts carries it: for a single message of them it proves nothing.
func (a *adapter) SendBatch(ctx context.Context, messages []*provider.Message) ([]*provider.Receipt, error) {
	body, notes, err := batchToAPI(messages, uuid.NewString())
	if err != nil {
		return nil, err
	}
	receipts := make([]*provider.Receipt, len(messages))
	for i := range messages {
		receipts[i] = &provider.Receipt{Notes: notes[i]}
	}
	sent, err := a.api.SendEmail(ctx, body, known, checked)
	if err != nil {
		return receipts, err
	}
	for i, m := range messages {
		one := brevoapi.SentEmail{BatchID: sent.BatchID}
		if len(sent.MessageIDs) == len(messages) {
			one.MessageID = adapterkit.IDOf(sent.MessageIDs[i])
		}
		receipts[i] = receiptFromAPI(m, &one)
		receipts[i].Notes = notes[i]
	}
	return receipts, nil
}

// batchToAPI writes what all messages say the same at the top, as the first says
// it, and what each has of its own into its version. The notes are by message.
func batchToAPI(messages []*provider.Message, key string) (brevoapi.SendEmailRequest, [][]provider.Note, error) {
	top := withoutOwn(messages[0])
	body, common, err := emailToAPI(&top, key)
	if err != nil {
		return body, nil, err
	}
	notes := make([][]provider.Note, len(messages))
	body.MessageVersions = make([]brevoapi.MessageVersion, len(messages))
	for i, m := range messages {
		var c converter
		v := brevoapi.MessageVersion{
			To: addresses(&c, "to", m.To), Cc: addresses(&c, "cc", m.Cc), Bcc: addresses(&c, "bcc", m.Bcc), Params: m.Variables,
			Subject: unless(body.Subject, m.Subject), HTMLContent: unless(body.HTMLContent, m.HTML), TextContent: unless(body.TextContent, m.Text),
		}
		if len(m.ReplyTo) > 0 {
			v.ReplyTo = new(address(c.Address("reply_to", 0, m.ReplyTo[0])))
		}
		if c.Err != nil {
			return body, nil, c.Err
		}
		body.MessageVersions[i] = v
		notes[i] = append(append(append([]provider.Note(nil), common...), c.Notes...), sendinblue.Placeholders(m)...)
	}
	if top.TrackOpens != 0 { // its note is among the common ones
		new(converter).consent(top.TrackOpens == provider.ToggleOn, &body)
	}
	return body, notes, nil
}

func addresses(c *converter, field string, list []provider.Address) []brevoapi.EmailAddress {
	return sendinblue.Addresses(&c.Draft, field, list, address)
}
