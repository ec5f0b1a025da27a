package events

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Times of Watch.
const (
	watchFirst = time.Minute
	watchMost  = 15 * time.Minute // between two look-ups before delivery
	watchSlow  = 6 * time.Hour    // and after it, when only opens and clicks may come
	watchEnd   = 72 * time.Hour
	watchBatch = 500 // ids that are looked up together
)

// StatusBatcher is what an adapter has whose provider looks many mails up in one call.
type StatusBatcher interface {
	// StatusBatch returns what is known of the mails with these ids, at most 500, by id. What
	// the provider does not know is absent.
	StatusBatch(ctx context.Context, ids []string) (map[string]*provider.Receipt, error)
}

// Watched is a mail that Watch looks up. Store it between two calls; in JSON it is a receipt
// and what is known of it. Watched{Receipt: r} is a new one.
type Watched struct {
	Receipt *provider.Receipt         `json:"receipt"`
	Since   time.Time                 `json:"since,omitzero"` // of the first look-up
	Due     time.Time                 `json:"due,omitzero"`   // of the next one
	Known   map[string]provider.State `json:"known,omitempty"`
	Done    bool                      `json:"done,omitempty"` // nothing more is expected
}

// Watch looks up the mails that are due, gives the sink an event for each change of a state,
// and returns all of them as they stand now, with the time of the next look-up: a minute at
// first, then twice as long each time, until nothing more is expected or 72 hours are over. It
// serves where a provider neither pushes events nor lists them, as SMS.by does
// (feature.EventsWatch); elsewhere webhooks and Poll tell more and cost less.
//
// Where the provider can (StatusBatcher, SendPulse) up to 500 mails are looked up in one call.
//
// Store the result before the next call: without that, changes are told again, with the same
// IDs. Events have no time. The error is that of the sink, of ctx, or of the first look-up
// that failed; such mail stays due, and the others are looked up.
func Watch(ctx context.Context, c *provider.Client, list []Watched, sink Sink) ([]Watched, error) {
	out := slices.Clone(list)
	if !c.Capabilities().Can(feature.EventsWatch) {
		return out, provider.Unsupported(feature.EventsWatch, "the provider has no look-up of a mail by its id")
	}
	var due []int
	for i, w := range list {
		if !w.Done && w.Receipt != nil && !w.Due.After(time.Now()) {
			due = append(due, i)
		}
	}
	var failed error
	together := true
	for part := range slices.Chunk(due, watchBatch) {
		var found map[string]*provider.Receipt
		if together = together && len(part) > 1; together {
			var err error
			if found, together, err = lookUps(ctx, c, list, part); err != nil {
				failed = cmp.Or(failed, err)
				if final(err) {
					return out, err
				}
				continue
			}
		}
		for _, i := range part {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			w := list[i]
			var status *provider.Receipt
			var err error
			if !together || !own(c, w.Receipt) {
				status, err = c.Status(ctx, w.Receipt)
			} else if status = found[w.Receipt.MessageID]; status == nil {
				err = &provider.Error{
					Kind: provider.ErrNotFound, Provider: c.Provider(), Account: c.Account(), Op: "status", Message: "the provider knows no such mail",
				}
			}
			if err != nil {
				failed = cmp.Or(failed, err)
				if final(err) {
					return out, err
				}
				continue
			}
			next, changes := w.after(c, status, time.Now())
			if len(changes) > 0 {
				if err := sink(ctx, changes); err != nil {
					return out, err
				}
			}
			out[i] = next
		}
	}
	return out, failed
}

// final reports whether the look-ups that follow would fail as well.
func final(err error) bool {
	return errors.Is(err, provider.ErrUnauthorized) || errors.Is(err, provider.ErrRateLimited)
}

// own reports whether a receipt is of the account and has one id, by which it can be looked up
// together with others.
func own(c *provider.Client, r *provider.Receipt) bool {
	return r.MessageID != "" && (r.Provider == "" || r.Provider == c.Provider()) && (r.Account == "" || r.Account == c.Account())
}

// lookUps looks the mails of a part up together; ok is false when the adapter cannot.
func lookUps(ctx context.Context, c *provider.Client, list []Watched, part []int) (found map[string]*provider.Receipt, ok bool, err error) {
	var ids []string
	for _, i := range part {
		if r := list[i].Receipt; own(c, r) && !slices.Contains(ids, r.MessageID) {
			ids = append(ids, r.MessageID)
		}
	}
	err = c.Call(ctx, "status", nil, func(ctx context.Context, a provider.Adapter) error {
		var b StatusBatcher
		if b, ok = a.(StatusBatcher); !ok || len(ids) == 0 {
			return nil
		}
		var err error
		found, err = b.StatusBatch(ctx, ids)
		return err
	})
	return found, ok, err
}

// after returns w after a look-up, and what it changes.
func (w Watched) after(c *provider.Client, status *provider.Receipt, now time.Time) (Watched, []Event) {
	known := make(map[string]provider.State, len(status.Recipients))
	for email, s := range w.Known {
		known[email] = s
	}
	w.Known = known
	var changes []Event
	open, waiting := false, false
	rows := status.Recipients
	if len(rows) == 0 {
		rows = []provider.RecipientResult{{MessageID: status.MessageID, State: status.State}}
	}
	for _, p := range rows {
		email := mailaddr.Readable(p.Email)
		if p.State != known[email] {
			known[email] = p.State
			if e, ok := stateEvent(c, status, p, email, now); ok {
				changes = append(changes, e)
			}
		}
		open = open || !p.State.Failure()
		waiting = waiting || !p.State.Failure() && !p.State.Over(provider.StateDeferred)
	}
	if w.Since.IsZero() {
		w.Since, w.Due = now, now.Add(watchFirst)
	} else {
		most := watchSlow
		if waiting {
			most = watchMost
		}
		w.Due = now.Add(min(max(now.Sub(w.Since), watchFirst), most))
	}
	w.Done = !open || now.Sub(w.Since) >= watchEnd
	return w, changes
}

// kindOf are the kinds of events that the states of a look-up stand for. There accepted says
// that the mail was handed on.
var kindOf = map[provider.State]Kind{
	provider.StateAccepted: KindSent,
	provider.StateQueued:   KindQueued, provider.StateDeferred: KindDeferred, provider.StateDelivered: KindDelivered,
	provider.StateOpened: KindOpened, provider.StateClicked: KindClicked, provider.StateBounced: KindBounced,
	provider.StateRejected: KindRejected, provider.StateComplained: KindComplained, provider.StateFailed: KindFailed,
}

func stateEvent(c *provider.Client, status *provider.Receipt, p provider.RecipientResult, email string, now time.Time) (Event, bool) {
	e := Event{
		Kind: kindOf[p.State], Provider: c.Provider(), Account: c.Account(), VendorEvent: string(p.State), Source: SourceStatus,
		Scope: provider.ScopeTransactional, AtBasis: AtReceived, ReceivedAt: now.UTC(), Recipient: email, MessageID: p.MessageID,
	}
	if e.MessageID == "" {
		e.MessageID = status.MessageID
	}
	if e.Kind == "" || e.MessageID == "" {
		return e, false
	}
	if e.Kind == KindBounced {
		e.Bounce = BounceUnclear
	}
	if p.Error != nil {
		e.Diagnostic = p.Error.Message
	}
	if e.once() {
		e.Identify() // as webhooks and the log have it
	} else {
		e.Identify(e.MessageID, mailaddr.Key(email), string(p.State))
	}
	return e, true
}
