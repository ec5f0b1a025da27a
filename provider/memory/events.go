package memory

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// OnEvents gives sink the events of Emit, as a handler of webhooks would. Several sinks get
// them one after the other.
func (s *Store) OnEvents(sink events.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sinks = append(s.sinks, sink)
}

// Emit makes an event happen and gives it to the sinks of OnEvents:
//
//	store.OnEvents(program.Events)
//	err := store.Emit(ctx, events.Event{Kind: events.KindComplained, Recipient: "anna@example.com"})
//
// What e leaves out is filled in: the message id and the subject of the last mail to
// Recipient, the account, the time, the ID. From then on it is in the log (events.ListEvents,
// events.Poll), Client.Status goes by it, and who must not be mailed because of it is
// suppressed. It returns the event as the sinks got it. The error is that of the sinks: a
// provider would come again with the event, which the same call does, with the same ID where
// the time is given.
func (s *Store) Emit(ctx context.Context, e events.Event) (events.Event, error) {
	s.mu.Lock()
	s.complete(&e)
	if !slices.ContainsFunc(s.events, func(had events.Event) bool { return had.ID == e.ID }) {
		s.events = append(s.events, e)
	}
	if stop, ok := e.Suppression(); ok {
		if _, had := s.suppressed[key(stop.Email)]; !had {
			s.suppressed[key(stop.Email)] = stop
		}
	}
	sinks := slices.Clone(s.sinks)
	s.mu.Unlock()
	var all error
	for _, sink := range sinks {
		all = errors.Join(all, sink(ctx, []events.Event{e}))
	}
	return e, all
}

// complete fills in what e leaves out; the lock is held.
func (s *Store) complete(e *events.Event) {
	e.Provider = s.name
	if e.Account == "" {
		e.Account = s.name
	}
	if e.Kind == "" {
		e.Kind = events.KindUnknown
	}
	if e.VendorEvent == "" {
		e.VendorEvent = string(e.Kind)
	}
	if e.Source == "" {
		e.Source = events.SourceWebhook
	}
	if e.At.IsZero() {
		e.At = now()
	}
	if e.AtBasis == "" {
		e.AtBasis = events.AtExact
	}
	e.ReceivedAt = now()
	if e.MessageID == "" && e.CampaignID == "" {
		for _, m := range slices.Backward(s.messages) {
			if subject, to := m.subjectOf(e.Recipient); to {
				e.MessageID, e.Scope = m.ID, provider.ScopeTransactional
				if e.Subject == "" {
					e.Subject = subject
				}
				break
			}
		}
	}
	e.Identify()
}

// subjectOf returns the subject that an address was sent; ok is false when it was none of the
// recipients.
func (m *Sent) subjectOf(email string) (subject string, ok bool) {
	for to, subject := range m.copies() {
		if key(to) == key(email) {
			return subject, true
		}
	}
	return "", false
}

// status is what the events tell of a mail; the lock is held.
func (s *Store) status(m *Sent) *provider.Receipt {
	if m.Message.SendAt.After(time.Now()) {
		return m.Message.Receipt(m.ID, provider.StateScheduled)
	}
	r := m.Message.Receipt(m.ID, provider.StateAccepted)
	told := false
	for _, e := range s.events {
		if e.MessageID == m.ID {
			told = true
			if next, ok := events.Apply(r, e); ok {
				r = next
			}
		}
	}
	if !told {
		return m.Message.Receipt(m.ID, provider.StateDelivered)
	}
	return r
}

// eventsPage is how many events a page of the log has.
const eventsPage = 100

// ListEvents returns a page of what Emit made happen, the oldest first.
func (a *adapter) ListEvents(ctx context.Context, q events.Query) (*provider.Page[events.Event], error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	from := 0
	if q.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 {
			return nil, provider.Invalid("cursor", "expected the cursor of a page before")
		}
	}
	from = min(from, len(a.events))
	end := min(from+eventsPage, len(a.events))
	page := &provider.Page[events.Event]{Items: slices.Clone(a.events[from:end])}
	for i := range page.Items {
		page.Items[i].Source = events.SourceLog
	}
	if end < len(a.events) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}
