package sendinblue

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/loose"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// ParseEvents reads the body of a webhook of the vendor with this name. Each row is an
// event: what cannot be read is one of kind unknown.
func ParseEvents(name string, body []byte) ([]events.Event, error) {
	rows, err := events.Rows(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]events.Event, len(rows))
	for i, row := range rows {
		out[i] = read(name, row)
	}
	return out, nil
}

// inbound is what the vendor calls mail that came in; its payload has no event.
const inbound = "inboundEmailProcessed"

// read reads a row of a payload.
func read(name string, row json.RawMessage) events.Event {
	e := events.Event{Kind: events.KindUnknown, Provider: name, Source: events.SourceWebhook, Raw: row}
	var times struct{ epoch, proxy, event, stamp int64 }
	var items bool
	loose.Members(row, func(member, value []byte) {
		switch string(member) {
		case "event":
			e.VendorEvent = loose.Text(value)
		case "email":
			e.Recipient = mailevent.Address(value)
		case "message-id":
			e.MessageID = MessageID(loose.Text(value))
		case "subject":
			e.Subject = loose.Text(value)
		case "sender_email":
			e.Sender = mailevent.Address(value)
		case "tags":
			e.Tags = loose.Texts(value)
		case "tag":
			if e.Tags == nil {
				e.Tags = loose.Texts(value)
			}
		case metadataHeader:
			e.Metadata = loose.Strings(value)
		case "camp_id":
			e.CampaignID = loose.ID(value)
		case "list_id":
			e.Lists = loose.Texts(value)
		case "user_agent":
			e.UserAgent = loose.Text(value)
		case "link", "URL":
			if e.URL == "" {
				e.URL = loose.Text(value)
			}
		case "reason":
			e.Diagnostic = loose.Text(value)
		case "ts_epoch":
			times.epoch = loose.Whole(value)
		case "s_epoch":
			times.proxy = loose.Whole(value)
		case "ts_event":
			times.event = loose.Whole(value)
		case "ts":
			times.stamp = loose.Whole(value)
		case "items":
			items = true
		}
	})
	// The members called date are in the zone of the account, which is not told.
	for i, n := range [...]int64{times.epoch, times.proxy, times.event, times.stamp} {
		if at, ok := loose.Unix(n); ok {
			e.At, e.AtBasis = at, events.AtExact
			if i > 1 {
				e.AtBasis = events.AtAssumed
			}
			break
		}
	}
	if e.VendorEvent == "" && items {
		e.VendorEvent = inbound
	}
	finish(&e)
	return e
}

// logged is e as an event.
func (l Event) logged(name string) events.Event {
	e := events.Event{
		Kind: events.KindUnknown, Provider: name, Source: events.SourceLog, VendorEvent: l.Event,
		Recipient: mailaddr.Readable(l.Email), MessageID: MessageID(l.MessageID), Subject: l.Subject,
		Sender: mailaddr.Readable(l.From), Diagnostic: l.Reason, URL: l.Link, IP: l.IP, Raw: adapterkit.Raw(l.Row),
	}
	if l.Tag != "" {
		quoted, _ := json.Marshal(l.Tag) // a text can always be written
		e.Tags = loose.Texts(quoted)
	}
	if at, err := time.Parse(time.RFC3339, l.Date); err == nil {
		e.At, e.AtBasis = at.UTC(), events.AtExact
	}
	finish(&e)
	e.First = events.Unknown // the log has one word for the first open and for all
	return e
}

// tellsMachines is the vendor with words for opens by machines. At the others an open may be
// one.
const tellsMachines = "brevo"

// finish gives e its kind, what follows from it, and its ID.
func finish(e *events.Event) {
	w := Words.Word(e.VendorEvent)
	if w != nil {
		e.Kind, e.Bounce, e.Reason, e.First = w.Kind, w.Class, w.Reason, w.First
	}
	e.Scope = provider.ScopeTransactional
	if e.CampaignID != "" || e.Kind == events.KindListed {
		e.Scope = provider.ScopeMarketing
	}
	switch e.Kind {
	case events.KindOpened:
		switch {
		case w.Machine:
			e.Automated = events.Yes
		case e.Provider == tellsMachines:
			e.Automated = events.No
		}
	case events.KindRejected:
		if e.Reason == events.ReasonSuppressed && strings.Contains(strings.ToLower(e.Diagnostic), "unsubscri") {
			e.Reason = events.ReasonUnsubscribed
		}
	case events.KindUnsubscribed:
		if e.MessageID == "" && e.CampaignID == "" {
			e.Scope = "" // of a mail that is not told
		}
	case events.KindUnknown:
		e.Scope = ""
	}
	if e.Kind != events.KindClicked {
		e.URL = ""
	}
	switch e.Kind {
	case events.KindOpened, events.KindClicked, events.KindUnsubscribed:
	default:
		e.IP = "" // of a server
	}
	mailevent.Finish(e)
}
