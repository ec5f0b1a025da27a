package memory

import (
	"context"
	"slices"
	"time"

	"github.com/postmux/postmux/provider"
)

var _ provider.Finder = (*adapter)(nil)

// FindSent finds mail by one of its recipients, sender, subject and time.
func (a *adapter) FindSent(
	ctx context.Context, recipient string, t provider.Trace,
) ([]provider.SentMail, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	var out []provider.SentMail
	for _, m := range a.messages {
		if !m.within(t.At, t.Until) || t.From != "" && key(t.From) != key(m.Message.From.Email) {
			continue
		}
		for email, subject := range m.copies() {
			if key(email) == key(recipient) && (t.Subject == "" || t.Subject == subject) {
				out = append(out, provider.SentMail{
					MessageID: m.ID, Recipient: email, Subject: subject, At: m.at,
					State: provider.StateDelivered,
				})
			}
		}
	}
	return out, nil
}

func (m *Sent) within(from, to time.Time) bool {
	return (from.IsZero() || !m.at.Before(from.Truncate(time.Second))) && (to.IsZero() || !m.at.After(to))
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
