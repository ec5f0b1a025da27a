package sendpulse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/loose"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// The vendor has two streams of webhooks, told apart by their addresses: names overlap.
// It has no event log; the state of a mail is read from the reply code of the
// recipient's server. Names are of the vendor's pages about webhooks and of the spec.

// bulkWords are those of mail to lists.
var bulkWords = mailevent.Words{
	{Payload: []string{"delivered"}, Register: []string{"delivered"}, What: mailevent.What{Kind: events.KindDelivered}},
	{Payload: []string{"open"}, Register: []string{"open"}, What: mailevent.What{Kind: events.KindOpened}},
	{Payload: []string{"redirect"}, Register: []string{"redirect"}, What: mailevent.What{Kind: events.KindClicked}},
	{Payload: []string{"unsubscribe"}, Register: []string{"unsubscribe"}, What: mailevent.What{Kind: events.KindUnsubscribed}},
	{Payload: []string{"spam"}, Register: []string{"spam"}, What: mailevent.What{Kind: events.KindComplained}},
	{
		Payload: []string{"soft_bounces"}, Register: []string{"soft_bounces"},
		What: mailevent.What{Kind: events.KindBounced, Class: events.BounceSoft},
	},
	{
		Payload: []string{"hard_bounces"}, Register: []string{"hard_bounces"},
		What: mailevent.What{Kind: events.KindBounced, Class: events.BounceHard},
	},
	{Payload: []string{"new_emails", "new_email"}, Register: []string{"new_emails"}, What: mailevent.What{Kind: events.KindListed}},
	{Payload: []string{"delete"}, Register: []string{"delete"}, What: mailevent.What{Kind: events.KindUnlisted}},
	{
		Payload: []string{"task_status_update"}, Register: []string{"task_status_update"},
		What: mailevent.What{Kind: events.KindUnknown},
	},
}

// smtpWords are those of single mails. Such a webhook is made in the vendor's dashboard only.
var smtpWords = mailevent.Words{
	{Payload: []string{"delivered"}, What: mailevent.What{Kind: events.KindDelivered}},
	{Payload: []string{"opened"}, What: mailevent.What{Kind: events.KindOpened}},
	{Payload: []string{"clicked"}, What: mailevent.What{Kind: events.KindClicked}},
	{Payload: []string{"unsubscribed"}, What: mailevent.What{Kind: events.KindUnsubscribed}},
	{Payload: []string{"resubscribed"}, What: mailevent.What{Kind: events.KindResubscribed}},
	{Payload: []string{"spam_by_user", "spam"}, What: mailevent.What{Kind: events.KindComplained}},
	{Payload: []string{"soft_bounces", "soft_bounced"}, What: mailevent.What{Kind: events.KindBounced, Class: events.BounceSoft}},
	{Payload: []string{"hard_bounces", "hard_bounced"}, What: mailevent.What{Kind: events.KindBounced, Class: events.BounceHard}},
	{Payload: []string{"undelivered"}, What: mailevent.What{Kind: events.KindBounced, Class: events.BounceUnclear}},
}

// codeWhat reads the reply code of the recipient's mail server; ok is false for a code
// that is none.
func codeWhat(code int64) (w mailevent.What, ok bool) {
	switch {
	case code == 0:
		return mailevent.What{Kind: events.KindQueued}, true
	case code >= 200 && code <= 299:
		return mailevent.What{Kind: events.KindDelivered}, true
	case code >= 400 && code <= 499:
		return mailevent.What{Kind: events.KindDeferred}, true
	case code >= 500 && code <= 599:
		return mailevent.What{Kind: events.KindBounced, Class: events.BounceUnclear}, true
	}
	return mailevent.What{}, false
}

// ParseBulkEvents reads the body of a webhook about mail to lists: a list of events. A name
// that is not known, such as a change of a campaign, has the kind events.KindUnknown. The
// error is about a body that is no JSON object and no list. Account and ReceivedAt stay
// empty.
func ParseBulkEvents(body []byte) ([]events.Event, error) {
	return parseEvents(body, bulkWords, provider.ScopeMarketing)
}

// ParseSMTPEvents is ParseBulkEvents for a webhook about single mails, which are made in
// the vendor's dashboard. Names overlap, so the two need addresses of their own. Whether
// the id of such an event is the one that a send returned is not documented: it is taken
// over only in that form, and events.Apply joins the others by likeness.
func ParseSMTPEvents(body []byte) ([]events.Event, error) {
	return parseEvents(body, smtpWords, provider.ScopeTransactional)
}

func parseEvents(body []byte, words mailevent.Words, scope provider.Scope) ([]events.Event, error) {
	rows, err := events.Rows(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]events.Event, len(rows))
	for i, row := range rows {
		out[i] = readEvent(row, words, scope)
	}
	return out, nil
}

// sendID is the form of the ids that sends return.
var sendID = regexp.MustCompile(`^[a-z0-9]+-[a-z0-9]+-[a-z0-9]+$`)

func readEvent(row json.RawMessage, words mailevent.Words, scope provider.Scope) events.Event {
	e := events.Event{
		Kind: events.KindUnknown, Provider: name, Source: events.SourceWebhook, Scope: scope, Raw: row,
	}
	var book []string
	var all bool
	var number, device string
	loose.Members(row, func(name, value []byte) {
		switch string(name) {
		case "event":
			e.VendorEvent = loose.Text(value)
		case "email", "recipient":
			e.Recipient = mailevent.Address(value)
		case "timestamp":
			if at, ok := loose.Unix(loose.Whole(value)); ok {
				e.At, e.AtBasis = at, events.AtExact
			}
		case "task_id":
			e.CampaignID = loose.ID(value)
		case "message_id":
			if number = loose.ID(value); sendID.MatchString(number) {
				e.MessageID = number
			}
		case "book_id":
			book = loose.Texts(value)
		case "from_all":
			all = loose.Text(value) == "true" || loose.Whole(value) == 1
		case "sender":
			e.Sender = mailevent.Address(value)
		case "subject":
			e.Subject = loose.Text(value)
		case "link_url":
			e.URL = loose.Text(value)
		case "reason", "smtp_server_response":
			e.Diagnostic = cmp.Or(loose.Text(value), e.Diagnostic)
		case "smtp_server_response_code":
			if code := loose.Whole(value); code >= 200 && code <= 599 {
				e.SMTPCode = int(code)
			}
		case "smtp_server_response_subcode":
			e.SMTPStatus = mailevent.Status(loose.Text(value))
		case "open_device", "open_platform", "browser_name", "browser_ver", "browser_version":
			device += " " + loose.Text(value)
		}
	})
	e.UserAgent = strings.Join(strings.Fields(device), " ")
	if w := words.Word(e.VendorEvent); w != nil {
		e.Kind, e.Bounce, e.Reason = w.Kind, w.Class, w.Reason
	}
	if e.Kind == events.KindBounced && e.Bounce == events.BounceUnclear {
		e.Bounce = "" // the vendor names no class, the codes may
	}
	if !all {
		e.Lists = book
	}
	if e.Kind != events.KindClicked {
		e.URL = ""
	}
	mailevent.Finish(&e)
	if number != "" && e.MessageID == "" && e.Kind != events.KindUnknown {
		// The number tells mails of one second apart.
		e.Identify(string(e.Kind), string(e.Bounce), number, mailaddr.Key(e.Recipient), e.URL, strconv.FormatInt(e.At.Unix(), 10))
	}
	return e
}

// Receiver reads webhooks of both kinds that have one of the secrets at the end of
// their path: /ACCOUNT/bulk/SECRET for mail to lists, /ACCOUNT/smtp/SECRET for single mails.
func Receiver(secrets ...provider.Secret) events.Receiver {
	return events.Receiver{
		Provider: name, Secrets: secrets,
		Streams: map[string]events.Parse{"bulk": ParseBulkEvents, "smtp": ParseSMTPEvents},
	}
}
