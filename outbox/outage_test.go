package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// After an outage of ten minutes the queue drains at the limit, within a minute of its end.
func TestOutage(t *testing.T) {
	for _, row := range []struct {
		name   string
		window time.Duration
		answer error
		// unknown is how many messages the outage may leave unknown: those under way when it began,
		// and one each 40 s that asks whether it is over.
		unknown int64
	}{
		{name: "no connection", answer: failure(provider.ErrUnavailable, provider.OutcomeNotSent)},
		{name: "no answer, with a key", window: 10 * time.Minute, answer: failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent), unknown: 24},
		{name: "no answer, without a key", answer: failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent), unknown: 36},
	} {
		if raced && row.window > 0 {
			continue // SQLite in Go is slow there, and the other rows have the same goroutines
		}
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, err := sql.Open("sqlite", "file::memory:?_txlock=immediate")
				require.NoError(t, err)
				db.SetMaxOpenConns(1)
				defer db.Close()
				s, err := SQLite(db, StoreOptions{})
				require.NoError(t, err)
				require.NoError(t, s.Migrate(t.Context()))
				const mails, perSecond, senders = 600, 100, 4
				v := newVendor()
				v.window = row.window
				ends := time.Now().Add(10 * time.Minute)
				v.answer = func(*provider.Message) error {
					require.NoError(t, sleep(context.Background(), time.Second*senders/perSecond)) // the limit
					if time.Now().Before(ends) {
						return row.answer
					}
					return nil
				}
				b := open(t, s, map[string]*vendor{"main": v}, func(c *Config) { c.Senders, c.Lease = senders, defaultLease })
				for i := range mails {
					_, err := b.Enqueue(t.Context(), mail(fmt.Sprint("mail ", i)), nil)
					require.NoError(t, err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- b.Run(ctx) }()
				require.NoError(t, sleep(t.Context(), time.Until(ends)))
				left := b.states(t)[Queued]
				assert.Greater(t, left, int64(mails-40), "the account was held, and few were tried")
				require.NoError(t, sleep(t.Context(), time.Minute+mails*time.Second/perSecond))
				states := b.states(t)
				assert.LessOrEqual(t, states[Unknown], row.unknown)
				assert.EqualValues(t, mails, states[Accepted]+states[Unknown], "%v", states)
				for i := range mails {
					assert.LessOrEqual(t, v.count(fmt.Sprint("mail ", i)), 1)
				}
				stop()
				require.NoError(t, <-ended)
			})
		})
	}
}
