package memory

import (
	"context"
	"slices"

	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/provider"
)

// FindSent finds mail by one of its recipients, sender, subject and time.
func (a *adapter) FindSent(
	ctx context.Context, recipient string, t provider.Trace,
) ([]provider.SentMail, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	var out []provider.SentMail
	search := alike.SearchFor(recipient, t)
	for _, m := range a.messages {
		for email, subject := range m.copies() {
			mail := alike.Mail{Recipient: email, Sender: m.Message.From.Email, Subject: subject, Tags: m.Message.Tags, At: m.at}
			if alike.May(search, mail, alike.Exact) {
				out = append(out, provider.SentMail{
					MessageID: m.ID, Recipient: email, Subject: subject, At: m.at, State: provider.StateDelivered,
				})
			}
		}
	}
	return out, nil
}

// copies returns the subject that each recipient was sent, by address.
func (m *Sent) copies() map[string]string {
	out := map[string]string{}
	for _, a := range slices.Concat(m.Message.To, m.Message.Cc, m.Message.Bcc) {
		out[a.Email] = m.Message.Subject
	}
	for _, r := range m.Message.Recipients {
		if out[r.Email] = r.Subject; r.Subject == "" {
			out[r.Email] = m.Message.Subject
		}
	}
	return out
}
