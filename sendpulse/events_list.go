package sendpulse

import (
	"context"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// stopsStart begins the cursors of the second part, the addresses that have left: a day and
// a place follow it.
const stopsStart = "stops:"

// ListEvents reads single mail, whose rows are found by the day on which it was sent, with
// opens and clicks inside: mail of the days before, by the setting lookback, is read again.
// Then the addresses that have left, day by day. The vendor has no log of campaigns.
func (a *adapter) ListEvents(ctx context.Context, q events.Query) (*provider.Page[events.Event], error) {
	if q.CampaignID != "" {
		return &provider.Page[events.Event]{}, nil
	}
	if rest, ok := strings.CutPrefix(q.Cursor, stopsStart); ok {
		return a.stops(ctx, q, rest)
	}
	params := sendpulseapi.ListEmailsParams{Country: new("off")} // some accounts get an error without it
	if !q.Since.IsZero() {
		params.From = day(q.Since, -a.lookback-aDay)
	}
	if !q.Until.IsZero() {
		params.To = day(q.Until, aDay)
	}
	if q.Recipient != "" {
		wire, err := mailaddr.Wire(q.Recipient)
		if err != nil {
			return nil, provider.Invalid("recipient", "%v", err)
		}
		params.Recipient = &wire
	}
	page, err := adapterkit.PageOf(pages, q.Cursor, func(at, size int64, into *provider.Page[events.Event]) (adapterkit.Answer, error) {
		params.Offset, params.Limit = &at, &size
		rows, err := a.api.ListEmails(ctx, &params)
		into.Items = nil
		for i := range rows {
			into.Items = append(into.Items, a.eventsOf(&rows[i])...)
		}
		return adapterkit.AnswerOf(rows, func(r *sendpulseapi.EmailRecord) string { return adapterkit.IDOf(r.ID) }), err
	})
	if err != nil {
		return nil, err
	}
	if page.Next == "" && !q.Since.IsZero() && q.MessageID == "" {
		page.Next = stopsStart + *day(q.Since, -aDay) + "/"
	}
	return page, nil
}

const aDay = 24 * time.Hour

// stops reads the addresses that left on a day. rest is the day and the cursor within it.
func (a *adapter) stops(ctx context.Context, q events.Query, rest string) (*provider.Page[events.Event], error) {
	date, cursor, _ := strings.Cut(rest, "/")
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, provider.Invalid("cursor", "expected the cursor of a page before")
	}
	page, err := adapterkit.PageOf(pages, cursor, func(offset, size int64, into *provider.Page[events.Event]) (adapterkit.Answer, error) {
		rows, err := a.api.ListSMTPUnsubscribes(ctx, &sendpulseapi.ListSMTPUnsubscribesParams{Date: &date, Limit: &size, Offset: &offset})
		into.Items = nil
		for i := range rows {
			into.Items = append(into.Items, a.stopOf(&rows[i]))
		}
		return adapterkit.AnswerOf(rows, func(r *sendpulseapi.SMTPUnsubscribe) string { return r.Email }), err
	})
	if err != nil {
		return nil, err
	}
	if page.Next != "" {
		page.Next = stopsStart + date + "/" + page.Next
		return page, nil
	}
	until := q.Until
	if until.IsZero() {
		until = time.Now()
	}
	if next := at.AddDate(0, 0, 1); !next.After(until.Add(aDay)) {
		page.Next = stopsStart + next.Format(time.DateOnly) + "/"
	}
	return page, nil
}

// eventsOf are the events of a mail: what the recipient's server said, and each open and
// click. They have no ids and no zone.
func (a *adapter) eventsOf(r *sendpulseapi.EmailRecord) []events.Event {
	raw := adapterkit.Raw(r)
	made := func(word string, what mailevent.What, date string) events.Event {
		e := events.Event{
			Kind: what.Kind, Bounce: what.Class, Provider: name, Source: events.SourceLog, VendorEvent: word, Scope: provider.ScopeTransactional,
			Recipient: mailaddr.Readable(r.Recipient), MessageID: adapterkit.IDOf(r.ID), Sender: r.Sender, Subject: r.Subject, Raw: raw,
		}
		e.At, e.AtBasis = a.zone.Time(date), events.AtAssumed
		return e
	}
	what, known := codeWhat(int64(r.SMTPAnswerCode))
	first := made(codeWord(int64(r.SMTPAnswerCode)), what, r.SendDate)
	if !known {
		first.Kind = events.KindUnknown
	}
	if first.Kind != events.KindQueued && !first.At.IsZero() {
		first.AtBasis = events.AtSent
	}
	if code := int(r.SMTPAnswerCode); code >= 200 && code <= 599 {
		first.SMTPCode, first.Diagnostic = code, r.SMTPAnswerData
		_, first.SMTPStatus = mailevent.Reply(r.SMTPAnswerData)
		if first.SMTPStatus == "" {
			first.SMTPStatus = mailevent.Status(string(r.SMTPAnswerSubcode))
		}
	}
	if first.Kind == events.KindDeferred || first.Kind == events.KindBounced {
		first.Kind, first.Bounce = events.KindBounced, "" // the codes tell the class
	}
	mailevent.Finish(&first)
	out := []events.Event{first}
	for _, o := range r.Tracking.Clients {
		e := made("opened", mailevent.What{Kind: events.KindOpened}, o.ActionDate)
		e.IP, e.UserAgent = o.IP, strings.TrimSpace(o.Browser+" "+o.OS)
		mailevent.Finish(&e)
		out = append(out, e)
	}
	for _, c := range r.Tracking.Links {
		e := made("clicked", mailevent.What{Kind: events.KindClicked}, c.ActionDate)
		e.URL, e.IP, e.UserAgent = c.URL, c.IP, strings.TrimSpace(c.Browser+" "+c.OS)
		mailevent.Finish(&e)
		out = append(out, e)
	}
	return out
}

// codeWord is a word for what a row tells without one.
func codeWord(code int64) string {
	if code >= 200 && code <= 299 {
		return "delivered"
	}
	if code == 0 {
		return ""
	}
	return "undelivered"
}

func (a *adapter) stopOf(r *sendpulseapi.SMTPUnsubscribe) events.Event {
	e := events.Event{
		Kind: events.KindUnsubscribed, Provider: name, Source: events.SourceLog, VendorEvent: "unsubscribed", Scope: provider.ScopeTransactional,
		Recipient: mailaddr.Readable(r.Email), At: a.zone.Time(r.Date), AtBasis: events.AtAssumed, Raw: adapterkit.Raw(r),
	}
	if r.SpamComplaint {
		e.Kind, e.VendorEvent = events.KindComplained, "spam_by_user"
	}
	mailevent.Finish(&e)
	return e
}
