package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postmux/postmux/provider"
)

// State is the state of a message in the outbox.
type State string

// The states of a message. Only a person leads out of unknown, refused and dead.
const (
	Queued    State = "queued"    // waits for its time; nothing was sent since the last proof of it
	Leased    State = "leased"    // in the memory of a worker; nothing was sent
	Sending   State = "sending"   // the intent is stored; a request may have left
	Accepted  State = "accepted"  // the provider took it over
	Scheduled State = "scheduled" // the provider took it over, to send it later
	Refused   State = "refused"   // the provider or this library said no to the message; nothing was sent
	Unknown   State = "unknown"   // may have been sent: no program sends it again
	Dead      State = "dead"      // given up; provably nothing was sent
	Canceled  State = "canceled"  // taken back before anything was sent
	Dropped   State = "dropped"   // a person closed it
)

// States are all states, in the order in which a message may meet them.
func States() []State {
	return []State{
		Queued, Leased, Sending, Accepted, Scheduled, Refused, Unknown, Dead, Canceled, Dropped,
	}
}

// Ended reports whether no program changes the state any more.
func (s State) Ended() bool {
	switch s {
	case Queued, Leased, Sending, Unknown:
		return false
	}
	return true
}

// Entry is a message in the outbox and what became of it. All times are by the clock of the
// database.
type Entry struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	// Member is the account that the latest try went to: of a route, one of its members.
	Member    string    `json:"member,omitempty"`
	Namespace string    `json:"namespace"`
	Key       string    `json:"key,omitempty"` // the program's idempotency key
	State     State     `json:"state"`
	Attempt   int       `json:"attempt"`  // how often a worker took it
	Failures  int       `json:"failures"` // tries in a row that provably sent nothing
	Unclear   bool      `json:"unclear"`  // some try may have sent it
	NextAt    time.Time `json:"next_at,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	FirstAt   time.Time `json:"first_at,omitzero"`  // of the first try that may have sent it
	IntentAt  time.Time `json:"intent_at,omitzero"` // of the latest try
	Recipient string    `json:"recipient"`          // the first one, as EmailKey writes it
	// Recipients is their number.
	Recipients int               `json:"recipients"`
	MessageID  string            `json:"message_id,omitempty"` // the provider's
	Receipt    *provider.Receipt `json:"receipt,omitempty"`
	Error      *provider.Error   `json:"error,omitempty"` // of the latest try
	Decided    string            `json:"decided,omitempty"`
	Resends    int               `json:"resends,omitempty"`
	Created    time.Time         `json:"created"`
	Changed    time.Time         `json:"changed"`

	digest   string
	format   int
	lookups  int
	keyUntil time.Time // until when the provider knows the key of the latest tries
}

// entryColumns are those that scanEntry reads. A column of another type in one dialect is
// written as text in both.
const entryColumns = `id, account, coalesce(member, ''), namespace, coalesce(key, ''), state,
	attempt, failures, unclear, key_until, run_at, expires, first_at, intent_at, rcpt, rcpts,
	coalesce(vendor_id, ''), receipt, error, coalesce(decided, ''), resends, lookups, created, changed,
	digest, format`

// scanEntry reads an Entry from a row of entryColumns.
func scanEntry(scan func(...any) error) (*Entry, error) {
	var e Entry
	var next, created, changed int64
	var expires, first, intent, until sql.NullInt64
	var receipt, failure sql.NullString
	err := scan(
		&e.ID, &e.Account, &e.Member, &e.Namespace, &e.Key, &e.State, &e.Attempt, &e.Failures, &e.Unclear, &until,
		&next, &expires, &first, &intent, &e.Recipient, &e.Recipients, &e.MessageID, &receipt, &failure, &e.Decided,
		&e.Resends, &e.lookups, &created, &changed, &e.digest, &e.format,
	)
	if err != nil {
		return nil, err
	}
	e.NextAt, e.Created, e.Changed = timeOf(next), timeOf(created), timeOf(changed)
	if e.State != Queued && e.State != Unknown {
		e.NextAt = time.Time{}
	}
	e.Expires, e.FirstAt, e.IntentAt = nullTime(expires), nullTime(first), nullTime(intent)
	e.keyUntil = nullTime(until)
	if receipt.Valid {
		if err := json.Unmarshal([]byte(receipt.String), &e.Receipt); err != nil {
			return nil, fmt.Errorf("the receipt of %s: %w", e.ID, err)
		}
		e.Receipt.OutboxID = e.ID
	}
	if failure.Valid {
		if err := json.Unmarshal([]byte(failure.String), &e.Error); err != nil {
			return nil, fmt.Errorf("the error of %s: %w", e.ID, err)
		}
	}
	return &e, nil
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func nullTime(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return timeOf(micros.Int64)
}

// Get returns the message with an id; ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id string) (*Entry, error) {
	e, err := s.get(ctx, s.own(), id)
	if err != nil {
		return nil, s.storeError("get", err)
	}
	return e, nil
}

func (s *Store) get(ctx context.Context, x Execer, id string) (*Entry, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var e *Entry
	err := s.query(ctx, x, "select "+entryColumns+" from {message} m where m.id = {1}", []any{id},
		func(scan func(...any) error) (err error) {
			e, err = scanEntry(scan)
			return err
		})
	if err == nil && e == nil {
		err = notFound(id)
	}
	return e, err
}

func notFound(id string) error {
	return &provider.Error{
		Kind: provider.ErrNotFound, Provider: driverName, Outcome: provider.OutcomeNotSent, Field: "id",
		Message: "the outbox has no message " + id + "; it may have been purged",
	}
}

func asProviderError(err error) (*provider.Error, bool) {
	return errors.AsType[*provider.Error](err)
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
