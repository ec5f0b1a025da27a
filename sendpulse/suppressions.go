package sendpulse

import (
	"context"
	"errors"
	"strings"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

var _ provider.Suppressions = (*adapter)(nil)

// The vendor keeps two sets of addresses for the whole account: those that are
// unsubscribed from transactional mail, and the blacklist, which keeps all mail.
// A third is each list's own; it is the business of contacts.
const (
	blacklistStart = "blacklist" // cursor of the second set
)

// ListSuppressions shows the addresses unsubscribed from transactional mail,
// page by page, then the blacklist, which is one page. An address in both comes
// twice, with another scope. Times have no zone and are read as UTC.
func (a *adapter) ListSuppressions(ctx context.Context, cursor string) (*provider.Page[provider.Suppression], error) {
	if cursor == blacklistStart {
		return a.blacklist(ctx)
	}
	page, err := adapterkit.PageOf(pages, cursor, func(at, size int64, into *provider.Page[provider.Suppression]) (adapterkit.Answer, error) {
		rows, err := a.api.ListSMTPUnsubscribes(ctx, &sendpulseapi.ListSMTPUnsubscribesParams{Limit: &size, Offset: &at})
		into.Items = nil
		for _, row := range rows {
			into.Items = append(into.Items, suppressedFromAPI(row))
		}
		return adapterkit.AnswerOf(rows, func(r *sendpulseapi.SMTPUnsubscribe) string { return r.Email }), err
	})
	if err != nil {
		return nil, err
	}
	if page.Next == "" {
		page.Next = blacklistStart
	}
	return page, nil
}

func (a *adapter) blacklist(ctx context.Context) (*provider.Page[provider.Suppression], error) {
	emails, err := a.api.ListBlacklist(ctx)
	if err != nil {
		return nil, err
	}
	page := &provider.Page[provider.Suppression]{}
	for _, email := range emails {
		page.Items = append(page.Items, provider.Suppression{
			Email: email, Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "blacklisted",
		})
	}
	return page, nil
}

func suppressedFromAPI(row sendpulseapi.SMTPUnsubscribe) provider.Suppression {
	out := provider.Suppression{Email: row.Email, Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "unsubscribed"}
	out.At, _ = flex.ParseTime(row.Date)
	switch {
	case bool(row.SpamComplaint):
		out.Reason = "complained"
	case bool(row.UnsubscribeByLink):
		out.Reason = "unsubscribed by a link"
	case bool(row.UnsubscribeByUser):
		out.Reason = "unsubscribed by the account"
	}
	return out
}

// AddSuppression puts the address on the blacklist, which keeps all mail from it.
func (a *adapter) AddSuppression(ctx context.Context, email, reason string) (*provider.ContactReceipt, error) {
	wire, err := listed(email)
	if err != nil {
		return nil, err
	}
	_, err = a.api.AddToBlacklist(ctx, sendpulseapi.AddToBlacklistRequest{Emails: []byte(wire), Comment: adapterkit.Text(reason)})
	return adapterkit.Done(err)
}

// RemoveSuppression takes the address out of both sets, whichever it is in. Its
// standing on lists stays: Resubscribe is for that.
func (a *adapter) RemoveSuppression(ctx context.Context, email string) (*provider.ContactReceipt, error) {
	wire, err := listed(email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	_, smtp := a.api.RemoveSMTPUnsubscribes(ctx, sendpulseapi.Addresses{Emails: []string{wire}}, rest.WithThen("take the address off the blacklist too"))
	smtp = made(smtp, smtpStep, r)
	if smtp != nil && !errors.Is(smtp, provider.ErrNotFound) {
		return r, smtp
	}
	done := steps{r: r}
	if smtp == nil {
		done.done = append(done.done, smtpStep)
	}
	_, err = a.api.RemoveFromBlacklist(ctx, sendpulseapi.RemoveFromBlacklistRequest{Emails: []byte(wire)})
	if errors.Is(err, provider.ErrNotFound) && smtp == nil {
		err = nil // it was in the first set only
	}
	if err := done.step("the blacklist", err); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "its standing on lists stays; resubscribe changes that"})
	return r, nil
}

// listed is an address as the blacklist takes it: in one text with others, so
// that a comma in it would be two addresses.
func listed(email string) (string, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(wire, ",; \t\r\n\"") {
		return "", provider.Invalid("email", "expected an address without commas, blanks and quotes: the provider takes several in one text")
	}
	return wire, nil
}
