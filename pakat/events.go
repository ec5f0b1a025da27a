package pakat

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/postmux/postmux/internal/loose"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// stateWords are the states of a single mail, as the document lists them. Webhooks of
// the vendor are about opens and clicks of campaigns only.
var stateWords = mailevent.Words{
	{Log: []string{"unsent"}, What: mailevent.What{Kind: events.KindQueued}},
	{Log: []string{"sent"}, What: mailevent.What{Kind: events.KindSent}},
	{Log: []string{"failed"}, What: mailevent.What{Kind: events.KindFailed}},
	{Payload: []string{"open"}, What: mailevent.What{Kind: events.KindOpened}},
	{Payload: []string{"click"}, What: mailevent.What{Kind: events.KindClicked}},
}

// ParseEvents reads the body of a webhook of new.pakat.net, which tells opens and clicks of
// campaigns. The vendor does not document it; the form is that of MailWizz, on which the
// service is built. What is not known has the kind events.KindUnknown. The error is about a
// body that is no JSON object and no list. Account and ReceivedAt stay empty.
func ParseEvents(body []byte) ([]events.Event, error) {
	rows, err := events.Rows(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]events.Event, len(rows))
	for i, row := range rows {
		out[i] = readEvent(row)
	}
	return out, nil
}

func readEvent(row json.RawMessage) events.Event {
	e := events.Event{
		Kind: events.KindUnknown, Provider: name, Source: events.SourceWebhook, Scope: provider.ScopeMarketing, Raw: row,
	}
	var event, list, subscriber, campaign []byte
	var sent time.Time
	loose.Members(row, func(name, value []byte) {
		switch string(name) {
		case "event":
			event = value
		case "timestamp":
			sent, _ = loose.Unix(loose.Whole(value))
		case "list":
			list = attributes(value)
		case "subscriber":
			subscriber = attributes(value)
		case "campaign":
			campaign = attributes(value)
		}
	})
	loose.Members(event, func(name, value []byte) {
		switch text := loose.Text(value); string(name) {
		case "type":
			e.VendorEvent = text
		case "user_agent":
			e.UserAgent = text
		case "ip_address":
			e.IP = text
		case "clicked_url":
			e.URL = text
		case "date_added":
			if at, err := time.Parse(time.DateTime, text); err == nil {
				e.At, e.AtBasis = at, events.AtAssumed
			}
		}
	})
	loose.Members(list, func(name, value []byte) {
		if string(name) == "list_uid" {
			e.Lists = loose.Texts(value)
		}
	})
	loose.Members(subscriber, func(name, value []byte) {
		if string(name) == "email" {
			e.Recipient = mailevent.Address(value)
		}
	})
	loose.Members(campaign, func(name, value []byte) {
		switch string(name) {
		case "campaign_uid":
			e.CampaignID = loose.ID(value)
		case "subject":
			e.Subject = loose.Text(value)
		}
	})
	if w := stateWords.Word(e.VendorEvent); w != nil && len(w.Payload) > 0 {
		e.Kind = w.Kind
	}
	if e.Kind != events.KindClicked {
		e.URL = ""
	}
	// The time of the request is another one when a call is repeated, and with it the ID would
	// be. It serves where the event has none of its own.
	if e.At.IsZero() && !sent.IsZero() {
		e.At, e.AtBasis = sent, events.AtAssumed
	}
	mailevent.Finish(&e)
	return e
}

// attributes are those of a part of a record.
func attributes(part []byte) (found []byte) {
	loose.Members(part, func(name, value []byte) {
		if string(name) == "attributes" {
			found = value
		}
	})
	return found
}

// Receiver reads webhooks of new.pakat.net that have one of the secrets at the end of their
// path. The URL is typed into each campaign in the vendor's panel.
func Receiver(secrets ...provider.Secret) events.Receiver {
	return events.Receiver{
		Provider: name, Secrets: secrets, Streams: map[string]events.Parse{"": ParseEvents},
	}
}
