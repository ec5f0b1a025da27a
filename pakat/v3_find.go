package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

var _ provider.Finder = (*v3Adapter)(nil)

// FindSent reads the mail that was sent to the recipient in the last 30 days.
// The document shows no answer of that call; it is taken to be Brevo's, without
// the sender. An answer of another form finds nothing, which proves nothing. The
// call has no pages: what the vendor leaves out of a long list is not seen.
func (a *v3Adapter) FindSent(ctx context.Context, recipient string, t provider.Trace) ([]provider.SentMail, error) {
	s := alike.SearchFor(recipient, t)
	wire, err := adapterkit.Wire("recipient", s.Recipient)
	if err != nil {
		return nil, err
	}
	page, err := a.api.ListEmails(ctx, &pakatv3api.ListEmailsParams{Email: &wire})
	if err != nil {
		return nil, err
	}
	var out []provider.SentMail
	for _, m := range page.Emails {
		at, _ := flex.ParseTime(m.Date)
		if alike.May(s, alike.Mail{Recipient: m.Email, Subject: m.Subject, At: at}, alike.Exact) {
			out = append(out, provider.SentMail{MessageID: m.MessageID, Recipient: m.Email, Subject: m.Subject, At: at, State: provider.StateAccepted})
		}
	}
	return out, nil
}
