package sendinblue

import (
	"context"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// logDays is how far back the log is asked: the vendor's days are 90 at most, and one at
// each end is for the zone of a day, which is not documented.
const logDays = 88 * 24 * time.Hour

// EventsOf returns a page of the log of the vendor with this name. Days are asked for one
// more at each end. The log is of single mail only.
func (d *Driver) EventsOf(ctx context.Context, name string, q events.Query) (*provider.Page[events.Event], error) {
	asked := EventQuery{MessageID: MessageID(q.MessageID)}
	if q.Recipient != "" {
		wire, err := mailaddr.Wire(q.Recipient)
		if err != nil {
			return nil, provider.Invalid("recipient", "%v", err)
		}
		asked.Recipient = wire
	}
	if q.CampaignID != "" {
		return &provider.Page[events.Event]{}, nil
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		until := q.Until
		if until.IsZero() {
			until = time.Now()
		}
		since := q.Since
		if since.Before(until.Add(-logDays)) {
			since = until.Add(-logDays)
		}
		asked.From, asked.To = logDay(since.AddDate(0, 0, -1)), logDay(until.AddDate(0, 0, 1))
	}
	paging := adapterkit.Paging{Size: d.pages.Events}
	return adapterkit.PageOf(paging, q.Cursor, func(at, size int64, into *provider.Page[events.Event]) (adapterkit.Answer, error) {
		asked.Limit, asked.Offset = size, at
		rows, err := d.calls.ListEmailEvents(ctx, asked)
		into.Items = into.Items[:0]
		for _, row := range rows {
			into.Items = append(into.Items, row.logged(name))
		}
		return adapterkit.AnswerOf(rows, func(*Event) string { return "" }), err
	})
}

func logDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }
