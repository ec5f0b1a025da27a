package outbox

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// A server that lacks the latest transactions has taken over: what this process knows is
// written again, what it does not know is in doubt, and what is missing is told.
func TestServerLacksTheLatest(t *testing.T) {
	t.Parallel() // it waits
	for _, row := range []struct {
		name   string
		window time.Duration
		doubt  State // of a message that another process may have sent
	}{
		{name: "no key", doubt: Unknown},
		{name: "a key", window: time.Hour, doubt: Queued},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := postgresStore(t)
			v := newVendor()
			v.window = row.window
			var mu sync.Mutex
			var told []string
			b := open(t, s, map[string]*vendor{"main": v}, func(c *Config) {
				c.Lease = 400 * time.Millisecond
				c.Hooks.OnLost = func(_ context.Context, ids []string) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, ids...)
				}
			})
			other := open(t, s, map[string]*vendor{"main": v}, nil)
			do := func(text string, args ...any) {
				_, err := s.exec(t.Context(), s.own(), text, args...)
				require.NoError(t, err)
			}
			keyed := func(subject string) *provider.Message {
				m := mail(subject)
				m.IdempotencyKey = "key of " + subject
				return m
			}
			ids := make(map[string]string)
			for _, subject := range []string{"sent", "taken back"} {
				var err error
				ids[subject], err = b.Enqueue(t.Context(), keyed(subject), nil)
				require.NoError(t, err)
				e, err := b.Process(t.Context(), ids[subject])
				require.NoError(t, err)
				require.Equal(t, Accepted, e.State)
			}
			later := mail("never sent")
			later.SendAt = time.Now().Add(time.Hour)
			var err error
			ids["never sent"], err = b.Enqueue(t.Context(), later, nil)
			require.NoError(t, err)
			ids["elsewhere"], err = other.Enqueue(t.Context(), mail("elsewhere"), nil)
			require.NoError(t, err)

			for _, subject := range []string{"sent", "never sent"} { // the new server never had them
				for _, table := range []string{"message", "body", "key"} {
					do("delete from {"+table+"} where id = {1}", ids[subject])
				}
			}
			do("update {message} set state = 'queued', attempt = 0, first_at = null where id = {1}", ids["taken back"])
			do("update {fact} set value = 'before' where name = 'timeline'")

			for _, one := range []*Box{b, other} {
				one.mu.Lock()
				one.timeline = "before"
				one.mu.Unlock()
			}

			require.Eventually(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(told) > 0
			}, 20*time.Second, 20*time.Millisecond)
			mu.Lock()
			assert.Equal(t, []string{ids["never sent"]}, slices.Compact(told))
			mu.Unlock()
			for subject, want := range map[string]State{"sent": Accepted, "taken back": Accepted, "elsewhere": row.doubt} {
				e, err := s.Get(t.Context(), ids[subject])
				require.NoError(t, err)
				assert.Equal(t, want, e.State, subject)
				assert.Equal(t, subject == "elsewhere", e.Unclear, subject)
			}
			e, err := b.Process(t.Context(), ids["elsewhere"])
			require.NoError(t, err)
			assert.Equal(t, row.doubt, e.State, "the account is held")
			assert.Zero(t, v.count("elsewhere"))

			held, err := s.Release(t.Context(), "main")
			require.NoError(t, err)
			assert.True(t, held)
			again, err := b.Enqueue(t.Context(), keyed("sent"), nil)
			require.NoError(t, err)
			assert.Equal(t, ids["sent"], again)
			_, err = b.Process(t.Context(), again)
			require.NoError(t, err)
			assert.Equal(t, 1, v.count("sent"), "its key is there again")
			_, err = b.Process(t.Context(), ids["elsewhere"])
			require.NoError(t, err)
			assert.Equal(t, map[State]int{Unknown: 0, Queued: 1}[row.doubt], v.count("elsewhere"), "with a key it goes out")
		})
	}
}
