package events

import (
	"context"
	"fmt"
	"time"

	"github.com/postmux/postmux/provider"
)

// PollOption changes how Poll reads.
type PollOption func(*poll)

// WithSince is how far back the first round reads, in place of a day.
func WithSince(d time.Duration) PollOption { return func(p *poll) { p.since = d } }

// WithOverlap sets how far before the newest event each round begins to read, in place of
// six hours: providers list events late. An event that is listed later than that is missed.
func WithOverlap(d time.Duration) PollOption { return func(p *poll) { p.overlap = d } }

// WithRounds calls f after each round of PollEvery, with its error.
func WithRounds(f func(PollReport, error)) PollOption { return func(p *poll) { p.rounds = f } }

// mostSeen is how many events of the overlap are known again.
const mostSeen = 200_000

type poll struct {
	client         *provider.Client
	store          CursorStore
	sink           Sink
	since, overlap time.Duration
	most           int
	rounds         func(PollReport, error)
	now            func() time.Time
	list           func(context.Context, Query) (*provider.Page[Event], error)
}

// PollReport is what a round did, also one that ended with an error.
type PollReport struct {
	Account string    `json:"account"`
	Pages   int       `json:"pages"`
	Listed  int       `json:"listed"`          // events in the pages
	New     int       `json:"new"`             // events that the sink took
	Since   time.Time `json:"since,omitzero"`  // from when the round read
	Newest  time.Time `json:"newest,omitzero"` // time of the newest event so far
	Notes   []string  `json:"notes,omitempty"`
}

// Poll reads the log of an account once, from where it stood, and gives the sink the events
// that it has not taken yet, page by page. None is lost as long as the provider lists it
// within the overlap: a crash, of the sink or of the store too, makes events come again. A
// later round continues what an earlier one did not finish. Without crashes none comes
// twice, as long as the overlap holds at most 200,000; above that it shrinks to what fits,
// with a note.
//
// One process polls an account at a time; two lose nothing and get events twice.
func Poll(ctx context.Context, c *provider.Client, store CursorStore, sink Sink, opts ...PollOption) (PollReport, error) {
	return newPoll(c, store, sink, opts).round(ctx)
}

// PollEvery calls Poll until ctx ends, whose error it returns: a round that fails is not the
// last. WithRounds tells of each.
func PollEvery(ctx context.Context, every time.Duration, c *provider.Client, store CursorStore, sink Sink, opts ...PollOption) error {
	p := newPoll(c, store, sink, opts)
	for {
		report, err := p.round(ctx)
		if p.rounds != nil && ctx.Err() == nil {
			p.rounds(report, err)
		}
		wait := time.NewTimer(max(every, provider.RetryAfter(err)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

func newPoll(c *provider.Client, store CursorStore, sink Sink, opts []PollOption) *poll {
	p := &poll{client: c, store: store, sink: sink, since: 24 * time.Hour, overlap: 6 * time.Hour, most: mostSeen, now: time.Now}
	p.list = func(ctx context.Context, q Query) (*provider.Page[Event], error) { return ListEvents(ctx, c, q) }
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// round is Poll. Its rules were found by a model of logs that are late and shift, with
// crashes at each step: the newest time moves at the end of a whole round only, where the
// round begins is fixed at its start, and what was handed on is stored after each page.
func (p *poll) round(ctx context.Context) (report PollReport, err error) {
	account := p.client.Account()
	report.Account = account
	start := p.now().UTC()
	data, err := p.store.Load(ctx, account)
	if err != nil {
		return report, fmt.Errorf("events: the stored cursor cannot be read: %w", err)
	}
	c, whole, err := parseCursor(data)
	if err != nil { // what it knew is gone: whatever the log holds comes again, and nothing is missed
		report.Notes = append(report.Notes, err.Error()+": the whole log is read")
		c.newest = second(1)
	}
	if c.newest.IsZero() { // stored at once, so that rounds that fail do not move the begin
		c.newest = start.Add(p.overlap - p.since)
	}
	if !whole {
		if err := p.store.Replace(ctx, account, c.bytes()); err != nil {
			return report, fmt.Errorf("events: the cursor cannot be stored: %w", err)
		}
	}
	report.Since = c.newest.Add(-p.overlap)
	if c.floor.After(report.Since) {
		report.Since = c.floor
	}
	newest := c.newest
	asked := map[string]bool{}
	q := Query{Since: report.Since}
	for {
		page, err := p.list(ctx, q)
		if err != nil {
			return report, err
		}
		report.Pages++
		report.Listed += len(page.Items)
		fresh, entries := c.take(page.Items, start)
		if len(fresh) > 0 {
			for i := range fresh {
				fresh[i].ReceivedAt = start
			}
			if err := p.hand(ctx, fresh); err != nil {
				return report, fmt.Errorf("events: the sink: %w", err)
			}
			report.New += len(fresh)
			if err := p.store.Append(ctx, account, entries); err != nil {
				return report, fmt.Errorf("events: the cursor cannot be stored: %w", err)
			}
		}
		for _, e := range page.Items {
			if e.timed() && e.At.After(newest) {
				newest = e.At
			}
		}
		if len(c.seen) > 2*p.most {
			c.forget(report.Since, p.most)
		}
		if page.Next == "" {
			break
		}
		if asked[page.Next] {
			return report, &provider.Error{
				Kind: provider.ErrBadResponse, Provider: p.client.Provider(), Account: account, Op: "events.list",
				Message: "the provider gives the same page again",
			}
		}
		asked[page.Next] = true
		q.Cursor = page.Next
	}
	// A clock that is ahead, or one event with a wrong time, must not skip what is to come.
	if newest.After(start) {
		newest = start
	}
	c.newest, report.Newest = newest, newest
	if c.forget(newest.Add(-p.overlap), p.most) {
		report.Notes = append(report.Notes, fmt.Sprintf(
			"more than %d events within the overlap: the next round reads from %s only", p.most, c.floor.Format(time.RFC3339)))
	}
	if err := p.store.Replace(ctx, account, c.bytes()); err != nil {
		return report, fmt.Errorf("events: the cursor cannot be stored: %w", err)
	}
	return report, nil
}

// hand calls the sink; a panic is an error.
func (p *poll) hand(ctx context.Context, list []Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return p.sink(ctx, list)
}

// take returns the events that are not known yet, notes them, and returns their entries. An
// event of which no time is told is known as long as it is listed.
func (c *cursor) take(list []Event, now time.Time) (fresh []Event, entries []byte) {
	for _, e := range list {
		id, at := key(e.ID), clock(e.At)
		if !e.timed() {
			at = clock(now)
		}
		_, known := c.seen[id]
		if !known || !e.timed() {
			c.seen[id] = at
		}
		if !known {
			fresh = append(fresh, e)
			entries = appendEntry(entries, id, at)
		}
	}
	return fresh, entries
}
