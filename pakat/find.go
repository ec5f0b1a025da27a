package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// Pages of a search, and how many are read at each end of the list. They are
// small because a mail is listed with its body.
const (
	findSize  = 25
	findPages = 20
)

// FindSent goes through the account's mails: all of them when there are at most
// 1,000, else the first and the last 500. The vendor has no filter and does not
// state the order; by time, whichever way, the newest are at one of the ends.
func (a *adapter) FindSent(ctx context.Context, recipient string, t provider.Trace) ([]provider.SentMail, error) {
	s := alike.SearchFor(recipient, t)
	if _, err := adapterkit.Wire("recipient", s.Recipient); err != nil {
		return nil, err
	}
	var out []provider.SentMail
	seen := map[string]bool{} // mails that come meanwhile shift the pages
	const most = findPages * findSize
	var passed, total, read int64 // rows
	fetch := func(page, size int64) (adapterkit.Answer, error) {
		answer, err := a.api.ListTransactionalEmails(ctx, &pakatapi.ListTransactionalEmailsParams{Page: &page, PerPage: &size}, rest.WithThen("read the further pages"))
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		for _, m := range d.Records {
			if found, ok := foundFromAPI(s, m); ok && (mailName(&m) == "" || !seen[m.UID]) {
				seen[m.UID] = true
				out = append(out, found)
			}
		}
		passed, total = page*size, int64(d.TotalPages)*size
		read += size
		next := answerOf(d.Records, 0, mailName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count)
		next.Stop = passed == most || read >= 2*most
		return next, nil
	}
	paging := adapterkit.Paging{Size: findSize, Numbered: true}
	err := paging.Walk(fetch)
	if err == nil && passed == most && total != passed {
		err = paging.WalkFrom(max(passed, total-most)/findSize+1, fetch)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func mailName(m *pakatapi.TransactionalEmail) string { return adapterkit.IDOf(m.UID) }

// foundFromAPI compares both times of a mail: the one it was added at, whose
// zone is not stated and taken to be UTC, and the one it is to go out at, which
// is ours. For mail without a SendAt they are the same moment.
func foundFromAPI(s alike.Search, m pakatapi.TransactionalEmail) (provider.SentMail, bool) {
	added, _ := flex.ParseTime(m.DateAdded)
	due, _ := flex.ParseTime(m.SendAt)
	mail := alike.Mail{Recipient: m.ToEmail, Sender: m.FromEmail, Subject: m.Subject, At: added}
	if at := mail.At; at.IsZero() || !alike.Within(s, at, alike.Exact) {
		mail.At = due
	}
	if !alike.May(s, mail, alike.Exact) {
		return provider.SentMail{}, false
	}
	return provider.SentMail{
		MessageID: adapterkit.IDOf(m.UID), Recipient: m.ToEmail, Subject: m.Subject, At: mail.At, State: statusFromAPI(m.UID, m).State,
	}, true
}
