package sendpulse

import (
	"context"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// findPages is how many pages a search reads: mail to one recipient within a
// few days.
const findPages = 10

// FindSent lists the mail to the recipient in the days of the search. The
// vendor's times have no zone, so a mail counts as found when any zone puts it
// into the search: one with the same subject that went to the same address up to
// 14 hours before or after is found too. Its order is not documented either, so
// all pages are read, ten at most.
func (a *adapter) FindSent(ctx context.Context, recipient string, t provider.Trace) ([]provider.SentMail, error) {
	s := alike.SearchFor(recipient, t)
	wire, err := adapterkit.Wire("recipient", s.Recipient)
	if err != nil {
		return nil, err
	}
	params := sendpulseapi.ListEmailsParams{
		Recipient: &wire, From: day(s.From, -alike.AnyZone.Before), To: day(s.To, alike.AnyZone.After),
		Country: new("off"), // some accounts get an error without it
	}
	var out []provider.SentMail
	seen := map[string]bool{}
	err = pages.Walk(func(at, size int64) (adapterkit.Answer, error) {
		params.Offset, params.Limit = &at, &size
		rows, err := a.api.ListEmails(ctx, &params, rest.WithThen("ask for the next page until one is empty"))
		for i := range rows {
			r := &rows[i]
			if adapterkit.IDOf(r.ID) != "" && seen[r.ID] {
				continue
			}
			seen[r.ID] = true
			if found, ok := foundFromAPI(s, r); ok {
				out = append(out, found)
			}
		}
		answer := adapterkit.AnswerOf(rows, func(r *sendpulseapi.EmailRecord) string { return adapterkit.IDOf(r.ID) })
		answer.Stop = at+int64(len(rows)) >= findPages*pageMost
		return answer, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func foundFromAPI(s alike.Search, r *sendpulseapi.EmailRecord) (provider.SentMail, bool) {
	at, _ := flex.ParseTime(r.SendDate)
	if !alike.May(s, alike.Mail{Recipient: r.Recipient, Sender: r.Sender, Subject: r.Subject, At: at}, alike.AnyZone) {
		return provider.SentMail{}, false
	}
	found := provider.SentMail{MessageID: adapterkit.IDOf(r.ID), Recipient: r.Recipient, Subject: r.Subject, At: at, State: statusFromAPI(r.ID, r).State}
	if found.Recipient == "" { // the vendor keeps none for some mail; it was asked for this one
		found.Recipient = s.Recipient
	}
	return found, true
}

// day is the day of a time that is moved by slack, nil for no time.
func day(t time.Time, slack time.Duration) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.Add(slack).UTC().Format(time.DateOnly))
}
