package pakat

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// The parts of the log, in the order in which they are read: three for each campaign, then
// single mail.
const (
	partDeliveries = iota
	partBounces
	partUnsubscribes
	campaignParts
)

// place is a cursor: where the reading of the log stands.
type place struct {
	Version int      `json:"v"`
	Pages   string   `json:"p,omitempty"` // cursor of the next page of campaigns
	Last    bool     `json:"l,omitempty"` // there is no further page of campaigns
	Left    []string `json:"c,omitempty"` // campaigns of the page that are still to be read
	Part    int      `json:"k,omitempty"` // of the first of them
	Mails   bool     `json:"m,omitempty"` // the campaigns are done
	At      string   `json:"a,omitempty"` // cursor within the part
}

const placeVersion = 1

func (p place) String() string {
	p.Version = placeVersion
	data, _ := json.Marshal(p) // texts and numbers
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePlace(cursor string) (p place, err error) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil || p.Version != placeVersion || p.Part < 0 || p.Part >= campaignParts {
		return place{}, provider.Invalid("cursor", "expected the cursor of a page before")
	}
	return p, nil
}

// ListEvents reads the log of each campaign that is going out, has gone out or is paused:
// deliveries, bounces, those who left. Then single mail, of which no more is told than that
// it was handed on. The vendor filters nothing, so much is read; a query with a campaign
// reads that one alone, one with a message id no campaign.
func (a *adapter) ListEvents(ctx context.Context, q events.Query) (*provider.Page[events.Event], error) {
	p := place{}
	if q.Cursor != "" {
		var err error
		if p, err = parsePlace(q.Cursor); err != nil {
			return nil, err
		}
	} else {
		switch {
		case q.CampaignID != "":
			p.Left, p.Last = []string{q.CampaignID}, true
		case q.MessageID != "":
			p.Mails = true
		}
	}
	page := &provider.Page[events.Event]{}
	var err error
	switch {
	case p.Mails:
		page.Items, p.At, err = a.mailEvents(ctx, p.At)
		if err == nil && p.At != "" {
			page.Next = p.String()
		}
		return page, err
	case len(p.Left) == 0 && !p.Last:
		if p.Left, p.Pages, err = a.campaigns(ctx, p.Pages); err != nil {
			return nil, err
		}
		p.Last = p.Pages == ""
	case len(p.Left) > 0:
		if page.Items, p.At, err = a.campaignEvents(ctx, p.Left[0], p.Part, p.At); err != nil {
			return nil, err
		}
		if p.At == "" {
			p.Part++
		}
		if p.Part == campaignParts {
			p.Part, p.Left = 0, p.Left[1:]
		}
	}
	if len(p.Left) == 0 && p.Last {
		if q.CampaignID != "" {
			return page, nil
		}
		p.Mails = true
	}
	page.Next = p.String()
	return page, nil
}

// campaigns returns those of a page that have a log.
func (a *adapter) campaigns(ctx context.Context, cursor string) (uids []string, next string, err error) {
	next, err = pages.Page(cursor, func(at, size int64) (adapterkit.Answer, error) {
		answer, err := a.api.ListCampaigns(ctx, &pakatapi.ListCampaignsParams{Page: &at, PerPage: &size})
		if err != nil {
			return adapterkit.Answer{}, err
		}
		uids = nil
		d := answer.Data
		for _, c := range d.Records {
			switch c.Status {
			case "sending", "sent", "paused", "processing":
				uids = append(uids, adapterkit.IDOf(c.UID))
			}
		}
		return answerOf(d.Records, 0, func(c *pakatapi.Campaign) string { return c.UID }, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
	return uids, next, err
}

// campaignEvents returns a page of a part of a campaign's log.
func (a *adapter) campaignEvents(ctx context.Context, uid string, part int, cursor string) (list []events.Event, next string, err error) {
	next, err = pages.Page(cursor, func(at, size int64) (adapterkit.Answer, error) {
		list = nil
		switch part {
		case partDeliveries:
			answer, err := a.api.ListCampaignDeliveryLogs(ctx, uid, &pakatapi.ListCampaignDeliveryLogsParams{Page: &at, PerPage: &size})
			if err != nil {
				return adapterkit.Answer{}, err
			}
			d := answer.Data
			for _, r := range d.Records {
				if e, ok := a.deliveryEvent(uid, r); ok {
					list = append(list, e)
				}
			}
			return answerOf(d.Records, 0, func(*pakatapi.DeliveryLog) string { return "" }, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
		case partBounces:
			answer, err := a.api.ListCampaignBounces(ctx, uid, &pakatapi.ListCampaignBouncesParams{Page: &at, PerPage: &size})
			if err != nil {
				return adapterkit.Answer{}, err
			}
			d := answer.Data
			for _, r := range d.Records {
				list = append(list, bounceEvent(uid, r))
			}
			return answerOf(d.Records, 0, func(*pakatapi.Bounce) string { return "" }, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
		}
		answer, err := a.api.ListCampaignUnsubscribes(ctx, uid, &pakatapi.ListCampaignUnsubscribesParams{Page: &at, PerPage: &size})
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		for _, r := range d.Records {
			list = append(list, a.leaveEvent(uid, r))
		}
		return answerOf(d.Records, 0, func(*pakatapi.CampaignUnsubscribe) string { return "" }, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
	return list, next, err
}

// mailEvents returns a page of single mail.
func (a *adapter) mailEvents(ctx context.Context, cursor string) (list []events.Event, next string, err error) {
	next, err = pages.Page(cursor, func(at, size int64) (adapterkit.Answer, error) {
		answer, err := a.api.ListTransactionalEmails(ctx, &pakatapi.ListTransactionalEmailsParams{Page: &at, PerPage: &size})
		if err != nil {
			return adapterkit.Answer{}, err
		}
		list = nil
		d := answer.Data
		for _, m := range d.Records {
			list = append(list, a.mailEvent(m))
		}
		return answerOf(d.Records, 0, mailName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
	return list, next, err
}

// deliveryWords are the states of a mail of a campaign, but for success.
var deliveryWords = map[string]events.Event{
	"temporary-error": {Kind: events.KindDeferred},
	"blacklisted":     {Kind: events.KindRejected, Reason: events.ReasonSuppressed},
	"suppressed":      {Kind: events.KindRejected, Reason: events.ReasonSuppressed},
	"blocked":         {Kind: events.KindFailed},
	"ds-dp-reject":    {Kind: events.KindFailed},
	"giveup":          {Kind: events.KindFailed},
	"fatal-error":     {Kind: events.KindFailed},
	"error":           {Kind: events.KindBounced, Bounce: events.BounceUnclear},
}

// deliveryEvent is an entry of the log of deliveries; ok is false for one that is about no
// mail. The Message-ID in it is linked to no id of a send.
func (a *adapter) deliveryEvent(uid string, r pakatapi.DeliveryLog) (e events.Event, ok bool) {
	if r.Status == "hdl-by-sg-cmp" { // handled by another campaign
		return e, false
	}
	e = campaignEvent(uid, r.Subscriber, r.Status, r)
	e.Kind = events.KindUnknown
	if what, known := deliveryWords[r.Status]; known {
		e.Kind, e.Reason, e.Bounce = what.Kind, what.Reason, what.Bounce
	}
	if r.Status == "success" {
		e.Kind = events.KindSent
		if r.DeliveryConfirmed == "yes" {
			e.Kind = events.KindDelivered
		}
	}
	e.At, e.AtBasis, e.Diagnostic = a.zone.Time(r.DateAdded), events.AtAssumed, r.Message
	if e.Kind == events.KindDelivered {
		e.AtBasis = events.AtSent // the confirmation comes later, into the same entry
	}
	mailevent.Finish(&e)
	return e, true
}

// bounceEvent has no time, and "processed" of its record changes, so it has an ID of its own.
func bounceEvent(uid string, r pakatapi.Bounce) events.Event {
	e := campaignEvent(uid, r.Subscriber, r.BounceType, r)
	e.Kind, e.Bounce, e.Diagnostic = events.KindBounced, events.BounceUnclear, r.Message
	switch r.BounceType {
	case "hard":
		e.Bounce = events.BounceHard
	case "soft", "internal":
		e.Bounce = events.BounceSoft
	}
	mailevent.Finish(&e)
	e.Identify(uid, mailaddr.Key(e.Recipient), "bounced", r.BounceType)
	return e
}

func (a *adapter) leaveEvent(uid string, r pakatapi.CampaignUnsubscribe) events.Event {
	e := campaignEvent(uid, r.Subscriber, "unsubscribed", r)
	e.Kind, e.Diagnostic, e.IP, e.UserAgent = events.KindUnsubscribed, r.Reason, r.IPAddress, r.UserAgent
	e.At, e.AtBasis = a.zone.Time(r.DateAdded), events.AtAssumed
	mailevent.Finish(&e)
	return e
}

func campaignEvent(uid string, s pakatapi.SubscriberRef, word string, row any) events.Event {
	return events.Event{
		Provider: name, Source: events.SourceLog, Scope: provider.ScopeMarketing, CampaignID: uid, VendorEvent: word,
		Recipient: mailaddr.Readable(s.Email), Raw: adapterkit.Raw(row),
	}
}

// mailEvent is what a row of single mail says. Its body is left out of Raw: it is the
// account's own mail.
func (a *adapter) mailEvent(m pakatapi.TransactionalEmail) events.Event {
	m.Body, m.PlainText, m.Attachments = "", "", nil
	e := events.Event{
		Kind: events.KindUnknown, Provider: name, Source: events.SourceLog, Scope: provider.ScopeTransactional, VendorEvent: m.Status,
		Recipient: mailaddr.Readable(m.ToEmail), MessageID: adapterkit.IDOf(m.UID), Sender: m.FromEmail, Subject: m.Subject, Raw: adapterkit.Raw(m),
		At: a.zone.Time(m.LastUpdated), AtBasis: events.AtAssumed,
	}
	if e.At.IsZero() {
		e.At, e.AtBasis = a.zone.Time(m.DateAdded), events.AtSent
	}
	if what, ok := stateWords.Find(m.Status); ok {
		e.Kind = what.Kind
	}
	mailevent.Finish(&e)
	return e
}
