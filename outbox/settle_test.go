package outbox

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// lister is a vendor that lists the mail it sent.
type lister struct {
	*vendor
	list []provider.SentMail
}

// Capabilities implements provider.Adapter.
func (l *lister) Capabilities() provider.Capabilities {
	caps := maps.Clone(l.vendor.Capabilities())
	caps["message.settle"] = provider.Support{Level: provider.LevelNative}
	return caps
}

// FindSent returns the mails to a recipient.
func (l *lister) FindSent(_ context.Context, email string, _ provider.Trace) ([]provider.SentMail, error) {
	var out []provider.SentMail
	for _, m := range l.list {
		if m.Recipient == email {
			m.At = time.Now()
			out = append(out, m)
		}
	}
	return out, nil
}

// What the provider's list says of an unknown message is stored when it is proved, and an id
// is given to one message only.
func TestSettle(t *testing.T) {
	sent := func(id, subject string) provider.SentMail {
		return provider.SentMail{MessageID: id, Recipient: "a@example.com", Subject: subject, State: provider.StateDelivered}
	}
	for _, row := range []struct {
		name string
		list []provider.SentMail
		// other is another message to the same address, with this subject, that went out
		// under this id; empty: its id is not known.
		other, otherID string
		want           State
		id             string
	}{
		{name: "listed", list: []provider.SentMail{sent("7", "one")}, want: Accepted, id: "7"},
		{name: "not listed", want: Unknown},
		{name: "listed twice", list: []provider.SentMail{sent("7", "one"), sent("8", "one")}, want: Unknown},
		{
			name: "one is another message's", list: []provider.SentMail{sent("7", "one"), sent("8", "one")}, other: "one", otherID: "8",
			want: Accepted, id: "7",
		},
		{name: "it may be another message's", list: []provider.SentMail{sent("7", "one")}, other: "one", want: Unknown},
		{name: "another subject", list: []provider.SentMail{sent("7", "two")}, want: Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores(t, func(t *testing.T, s *Store) {
				l := &lister{vendor: newVendor()}
				l.answer = func(*provider.Message) error { return failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent) }
				b := open(t, s, nil, func(c *Config) {
					c.Accounts = func(context.Context, string) (*provider.Client, error) {
						return provider.NewClient(l, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
					}
				})
				unknown := func(subject string) string {
					id, err := b.Enqueue(t.Context(), mail(subject), nil)
					require.NoError(t, err)
					e, err := b.Process(t.Context(), id)
					require.NoError(t, err)
					require.Equal(t, Unknown, e.State)
					return id
				}
				if row.other != "" {
					id := unknown(row.other)
					if row.otherID != "" {
						r := mail(row.other).Accepted(row.otherID)
						e, err := s.Get(t.Context(), id)
						require.NoError(t, err)
						done, err := s.settled(t.Context(), e, verdict{state: Accepted}, r)
						require.NoError(t, err)
						require.True(t, done)
					}
				}
				id := unknown("one")
				l.list = row.list
				found, err := b.Settle(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, row.want, found.State, found.Why)
				e, err := s.Get(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, row.want, e.State)
				assert.Equal(t, row.id, e.MessageID)
				if row.want == Unknown {
					assert.NotEmpty(t, found.Why)
				}
			})
		})
	}
}

// An id of the provider settles one message, also when two look-ups find it at the same time.
func TestSettledOnce(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		v.answer = func(*provider.Message) error { return failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent) }
		b := open(t, s, map[string]*vendor{"main": v}, nil)
		var entries []*Entry
		for range 2 {
			id, err := b.Enqueue(t.Context(), mail("one"), nil)
			require.NoError(t, err)
			e, err := b.Process(t.Context(), id)
			require.NoError(t, err)
			entries = append(entries, e)
		}
		var done []bool
		for _, e := range entries {
			ok, err := s.settled(t.Context(), e, verdict{state: Accepted}, mail("one").Accepted("7"))
			require.NoError(t, err)
			done = append(done, ok)
		}
		assert.Equal(t, []bool{true, false}, done)
	})
}

// A worker leaves a message whose body it cannot read for one that can.
func TestNewerBodies(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		b := open(t, s, map[string]*vendor{"main": v}, nil)
		id, err := b.Enqueue(t.Context(), mail("one"), nil)
		require.NoError(t, err)
		set(t, s, id, "format = {2}", bodyFormat+1)
		e, err := b.Process(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, Queued, e.State)
		assert.Zero(t, e.Attempt)
		w, err := b.working(t.Context())
		require.NoError(t, err)
		defer w.underWay.Done()
		list, err := w.claim(t.Context(), claimDue, "main", bodyFormat, 10)
		require.NoError(t, err)
		assert.Empty(t, list)
	})
}

// The Mailer of a Box stores, and says so.
func TestMailer(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		r, err := b.Mailer("").Send(t.Context(), mail("one"))
		require.NoError(t, err)
		assert.Equal(t, StateEnqueued, r.State)
		assert.Equal(t, "main", r.Account)
		e, err := s.Get(t.Context(), r.OutboxID)
		require.NoError(t, err)
		assert.Equal(t, Queued, e.State)
		_, err = b.Mailer("nobody").Send(t.Context(), mail("one"))
		require.ErrorIs(t, err, provider.ErrConfig)
	})
}

// EnqueueAll stores in parts, and says how many are stored when one is refused.
func TestEnqueueAll(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		messages := make([]*provider.Message, 250)
		for i := range messages {
			messages[i] = mail("one")
		}
		messages[230] = &provider.Message{Subject: "nobody"}
		var ids []string
		n, err := b.EnqueueAll(t.Context(), each(messages), nil, func(index int, id string) error {
			assert.Equal(t, len(ids), index)
			ids = append(ids, id)
			return nil
		})
		require.ErrorIs(t, err, provider.ErrInvalid)
		assert.Equal(t, 230, n)
		assert.Len(t, ids, 230)
		assert.EqualValues(t, 230, b.states(t)[Queued])
	})
}
