package events

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Query asks the log of a provider. What is zero is not asked for.
type Query struct {
	// Events of Since or later and before Until, and those of which no time is told.
	Since, Until time.Time
	Recipient    string
	MessageID    string // of a Receipt
	CampaignID   string
	Cursor       string // Next of the page before; with the same values beside it
}

// Log is what an adapter has whose provider keeps a log of events (feature.EventsList).
type Log interface {
	// ListEvents returns one page. Events may be late, in any order, and move from page to
	// page while others come in. A page may be empty and not the last. Events that the
	// query leaves out may be in it.
	ListEvents(ctx context.Context, q Query) (*provider.Page[Event], error)
}

// ListEvents returns one page of the log of an account; AllEvents iterates. Page.Next is
// empty on the last. On a route ask the Clients of its members.
func ListEvents(ctx context.Context, c *provider.Client, q Query) (*provider.Page[Event], error) {
	var page *provider.Page[Event]
	err := c.Call(ctx, "events.list", []provider.Feature{feature.EventsList}, func(ctx context.Context, a provider.Adapter) error {
		if q.Recipient != "" {
			if err := provider.CheckEmail(q.Recipient); err != nil {
				return err
			}
		}
		if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
			return provider.Invalid("until", "expected a time after since")
		}
		log, ok := a.(Log)
		if !ok {
			return provider.Unsupported(feature.EventsList, "the account has no log; on a route ask its members")
		}
		var err error
		page, err = log.ListEvents(ctx, q)
		return err
	})
	if page == nil {
		return nil, err
	}
	out := &provider.Page[Event]{Next: page.Next, Unread: page.Unread}
	for _, e := range page.Items {
		if q.takes(&e) {
			e.Account = c.Account()
			out.Items = append(out.Items, e)
		}
	}
	return out, err
}

// takes reports whether an event is asked for. Providers filter by days, or not at all.
func (q Query) takes(e *Event) bool {
	if e.timed() && (!q.Since.IsZero() && e.At.Before(q.Since) || !q.Until.IsZero() && !e.At.Before(q.Until)) {
		return false
	}
	return (q.Recipient == "" || mailaddr.Key(q.Recipient) == mailaddr.Key(e.Recipient)) &&
		(q.MessageID == "" || q.MessageID == e.MessageID) && (q.CampaignID == "" || q.CampaignID == e.CampaignID)
}

// timed reports whether the time of e is told.
func (e *Event) timed() bool { return !e.At.IsZero() && e.AtBasis != AtSent }

// AllEvents iterates over the log of an account. An error comes once and last; breaking
// stops fetching. It keeps nothing: an event that moves from page to page meanwhile may come
// twice, or not at all. Poll loses none.
func AllEvents(ctx context.Context, c *provider.Client, q Query) iter.Seq2[Event, error] {
	repeated := errors.New("events: the provider gives the same page again")
	return func(yield func(Event, error) bool) {
		flow.Pages(ctx, q.Cursor, func(ctx context.Context, cursor string) ([]Event, string, error) {
			q := q
			q.Cursor = cursor
			page, err := ListEvents(ctx, c, q)
			if err != nil {
				return nil, "", err
			}
			return page.Items, page.Next, nil
		}, func(e Event) string { return e.ID }, repeated, yield)
	}
}
