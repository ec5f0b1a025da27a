package brevo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// BatchLimits are the vendor's for versions of a mail (api/brevo/SOURCES.md). How large a
// body may be is not stated; 4 MB is a guess, well below the 20 MB of a mail.
func (a *adapter) BatchLimits() provider.GroupLimits {
	return provider.GroupLimits{Items: 1000, Addresses: 2000, Each: 99, Variables: 1_000_000, Bytes: 4_000_000}
}

// shared is what a call says once for all versions. A part of the content that
// the top level lacks is ignored in a version, so all have it or none.
type shared struct {
	From                provider.Address
	Template            provider.Ref
	Headers, Metadata   map[string]string
	Tags                []string
	SendAt              time.Time
	Attachments         [][sha256.Size]byte
	Subject, HTML, Text bool
}

// BatchKey is the JSON of what a call says once. A message that cannot be
// converted goes alone, so that its error is its own.
func (a *adapter) BatchKey(m *provider.Message) (string, bool) {
	if _, _, err := emailToAPI(m, ""); err != nil {
		return "", false
	}
	s := shared{
		From: m.From, Template: m.Template, Headers: m.Headers, Metadata: m.Metadata, Tags: m.Tags, SendAt: m.SendAt,
		Subject: m.Subject != "", HTML: m.HTML != "", Text: m.Text != "",
	}
	for _, f := range m.Attachments {
		h := sha256.New()
		content := f.Content
		f.Content = nil
		_ = json.NewEncoder(h).Encode(f) // plain texts
		h.Write(content)
		s.Attachments = append(s.Attachments, [sha256.Size]byte(h.Sum(nil)))
	}
	key, err := json.Marshal(s)
	return string(key), err == nil
}

// SendBatch makes a version of each message. All go out under one key, so none
// of the receipts carries it: for a single message of them it proves nothing.
func (a *adapter) SendBatch(ctx context.Context, messages []*provider.Message) ([]*provider.Receipt, error) {
	body, notes, err := batchToAPI(messages, newKey())
	if err != nil {
		return nil, err
	}
	receipts := make([]*provider.Receipt, len(messages))
	for i := range messages {
		receipts[i] = &provider.Receipt{Notes: notes[i]}
	}
	sent, err := a.api.SendEmail(ctx, body, known, ownJSON)
	if err != nil {
		return receipts, err
	}
	for i, m := range messages {
		one := brevoapi.SentEmail{BatchID: sent.BatchID}
		if len(sent.MessageIDs) == len(messages) {
			one.MessageID = sent.MessageIDs[i]
		}
		receipts[i] = receiptFromAPI(m, &one)
		receipts[i].Notes = notes[i]
	}
	return receipts, nil
}

// batchToAPI writes what all messages say the same at the top, as the first says
// it, and what each has of its own into its version. The notes are by message.
func batchToAPI(messages []*provider.Message, key string) (brevoapi.SendEmailRequest, [][]provider.Note, error) {
	top := *messages[0]
	top.To, top.Cc, top.Bcc, top.ReplyTo, top.Variables = nil, nil, nil, nil, nil
	body, common, err := emailToAPI(&top, key)
	if err != nil {
		return body, nil, err
	}
	notes := make([][]provider.Note, len(messages))
	body.MessageVersions = make([]brevoapi.MessageVersion, len(messages))
	for i, m := range messages {
		var c converter
		v := brevoapi.MessageVersion{
			To: c.addresses("to", m.To), Cc: c.addresses("cc", m.Cc), Bcc: c.addresses("bcc", m.Bcc), Params: m.Variables,
			Subject: unless(body.Subject, m.Subject), HTMLContent: unless(body.HTMLContent, m.HTML), TextContent: unless(body.TextContent, m.Text),
		}
		if len(m.ReplyTo) > 0 {
			reply := c.address("reply_to", 0, m.ReplyTo[0])
			v.ReplyTo = &reply
		}
		if c.Err != nil {
			return body, nil, c.Err
		}
		body.MessageVersions[i] = v
		notes[i] = append(append([]provider.Note(nil), common...), c.Notes...)
	}
	return body, notes, nil
}
