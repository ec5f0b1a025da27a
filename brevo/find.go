package brevo

import (
	"context"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

var _ provider.Finder = (*adapter)(nil)

// Pages of a search. The list is the newest mail first, so what lies beyond is
// older than anything that is still in doubt.
const (
	findSize  = 500
	findPages = 4
)

// FindSent goes through the mail that was sent to the recipient in the last 30
// days, newest first, until it is older than the search. The list is asked
// without days: the zone of a day is not documented. Mail that is only
// scheduled is not in it, and the vendor allows two such calls a second.
func (a *adapter) FindSent(ctx context.Context, recipient string, t provider.Trace) ([]provider.SentMail, error) {
	s := alike.SearchFor(recipient, t)
	wire, err := adapterkit.Wire("recipient", s.Recipient)
	if err != nil {
		return nil, err
	}
	var out []provider.SentMail
	size := int64(findSize)
	for n := range int64(findPages) {
		page, err := a.api.ListEmails(ctx, &brevoapi.ListEmailsParams{
			Email: &wire, Sort: new(brevoapi.SortOrderDesc), Limit: &size, Offset: new(n * size),
		})
		if err != nil {
			return nil, err
		}
		older := false
		for _, m := range page.Emails {
			at, _ := flex.ParseTime(m.Date)
			mail := alike.Mail{Recipient: m.Email, Sender: m.From, Subject: m.Subject, Tags: m.Tags, At: at}
			if alike.May(s, mail, alike.Exact) {
				out = append(out, provider.SentMail{MessageID: m.MessageID, Recipient: m.Email, Subject: m.Subject, At: at, State: provider.StateAccepted})
			}
			older = older || !at.IsZero() && at.Before(s.From)
		}
		if older || len(page.Emails) < findSize {
			break
		}
	}
	return out, nil
}
