package outbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// Why a message is where it is, in words: one row for each thing that can be in its way.
func TestExplain(t *testing.T) {
	const worker = "01890000-0000-7000-8000-000000000001"
	alive := `insert into {worker} (id, host, started, seen, expires) values ('` + worker + `', 'host-1', {now}, {now}, {now} + 60000000)`
	dead := strings.Replace(alive, "{now} + 60000000", "{now} - 1", 1)
	has := func(state, more string) string {
		return "update {message} set state = '" + state + "', attempt = 1, worker = '" + worker + "', intent_at = {now}, first_at = {now}" + more
	}
	rows := []struct {
		name          string
		later         bool
		do            []string // statements
		hold          string   // the person who holds the account
		certain, next string
		choices       []string // the verbs
	}{
		{
			name: "new, and no worker", certain: "nothing was sent; no worker has taken it yet",
			next: "nothing: no worker shows a sign of life; start one: postmux outbox run; it is given up at ", choices: []string{"cancel"},
		},
		{name: "its turn comes", do: []string{alive}, certain: "no worker has taken it yet", next: "a worker sends it when a call is free: it is due since ", choices: []string{"cancel"}},
		{name: "not due", later: true, do: []string{alive}, certain: "nothing was sent", next: "a worker sends it at ", choices: []string{"cancel"}},
		{
			name: "tried", do: []string{alive, "update {message} set attempt = 2, failures = 2"},
			certain: "nothing was sent, of that each of the tries gave proof; 2 in a row failed", next: "a worker sends it", choices: []string{"cancel"},
		},
		{
			name: "held by a person", do: []string{alive}, hold: "anna", certain: "nothing was sent",
			next: "nothing, until a person releases the account main", choices: []string{"release", "cancel"},
		},
		{
			name: "held for trouble", do: []string{alive, `insert into {account} (account, held_until, reason, since) values ('main', {now} + 5000000, 'no key', {now})`},
			certain: "nothing was sent", next: "one message of the account main is tried at ", choices: []string{"release", "cancel"},
		},
		{name: "a newer form", do: []string{alive, "update {message} set format = 99"}, certain: "nothing was sent", next: "a worker of a newer version sends it", choices: []string{"cancel"}},
		{
			name: "unclear, with a key", do: []string{alive, "update {message} set attempt = 1, unclear = 1, first_at = {now}, key_until = {now} + 60000000"},
			certain: "may have sent it; the provider knows its key until ", next: "a worker sends it when a call is free",
		},
		{name: "leased", do: []string{alive, has("leased", "")}, certain: "a worker has it in memory; nothing was sent in this try", next: "it is sent when a call is free; its worker on host-1 is alive"},
		{name: "leased, dead", do: []string{dead, has("leased", "")}, certain: "a worker has it in memory", next: "nothing: its worker on host-1 is dead, and no other shows a sign of life; start one: postmux outbox run. Then it is queued again"},
		{name: "sending", do: []string{alive, has("sending", "")}, certain: "a request left at ", next: "the answer of the provider, or its timeout; its worker on host-1 is alive"},
		{
			name: "sending, dead, another lives", do: []string{dead, strings.Replace(alive, "00001'", "00002'", 1), has("sending", "")},
			certain: "a request left at ", next: "its worker on host-1 is dead: another one takes care that it becomes unknown, because the provider knows no key of it, in a quarter of a lease",
		},
		{
			name: "sending, dead, with a key", do: []string{dead, has("sending", ", key_until = {now} + 60000000")},
			certain: "a request left at ", next: "Then it is sent again under the same key, which the provider knows until ",
		},
		{name: "accepted", do: []string{"update {message} set state = 'accepted', vendor_id = 'v-1'"}, certain: "the provider has it as v-1", next: "nothing", choices: []string{"status"}},
		{name: "accepted, no id", do: []string{"update {message} set state = 'accepted'"}, certain: "the provider has it, and gave no id", next: "nothing"},
		{name: "decided", do: []string{"update {message} set state = 'accepted', decided = 'anna'"}, certain: "anna decided that it was sent", next: "nothing"},
		{name: "refused", do: []string{"update {message} set state = 'refused'"}, certain: "said no to the message; nothing was sent", next: "nothing", choices: []string{"retry", "decide"}},
		{
			name: "unknown", do: []string{alive, "update {message} set state = 'unknown', unclear = 1, first_at = {now}"},
			certain: "it may have been sent, at ", next: "in look-up 1 of 4", choices: []string{"settle", "decide", "decide", "decide"},
		},
		{name: "unknown, no worker", do: []string{"update {message} set state = 'unknown', unclear = 1"}, certain: "nobody knows; no program sends it again", next: "nothing: no worker shows a sign of life that could ask", choices: []string{"settle", "decide", "decide", "decide"}},
		{
			name: "unknown, asked for", do: []string{"update {message} set state = 'unknown', unclear = 1, lookups = 4"},
			certain: "nobody knows", next: "nothing: the provider was asked, or has no look-up; a person decides", choices: []string{"settle", "decide", "decide", "decide"},
		},
		{name: "dead", do: []string{"update {message} set state = 'dead'"}, certain: "provably nothing was sent", next: "nothing", choices: []string{"retry", "decide"}},
		{name: "canceled", do: []string{"update {message} set state = 'canceled'"}, certain: "taken back before anything was sent", next: "nothing"},
		{name: "dropped", do: []string{"update {message} set state = 'dropped', decided = 'anna'"}, certain: "anna closed it", next: "nothing"},
	}
	stores(t, func(t *testing.T, s *Store) {
		b := open(t, s, map[string]*vendor{"main": newVendor()}, nil)
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				for _, table := range []string{"message", "worker", "account"} {
					_, err := s.exec(t.Context(), s.own(), "delete from {"+table+"}")
					require.NoError(t, err)
				}
				m := mail("one")
				if row.later {
					m.SendAt = time.Now().Add(time.Hour)
				}
				id, err := b.Enqueue(t.Context(), m, nil)
				require.NoError(t, err)
				for _, text := range row.do {
					if s.d == postgres {
						text = strings.ReplaceAll(text, "unclear = 1", "unclear = true")
					}
					_, err := s.exec(t.Context(), s.own(), text)
					require.NoError(t, err, text)
				}
				if row.hold != "" {
					require.NoError(t, s.Hold(t.Context(), "main", "a look", row.hold))
				}
				x, err := s.Explain(t.Context(), id)
				require.NoError(t, err)
				assert.Contains(t, x.Certain, row.certain)
				assert.Contains(t, x.Next, row.next)
				var verbs []string
				for _, c := range x.Choices {
					words := strings.Fields(c.Command)
					verb := words[2]
					if words[1] == "--provider" {
						verb = words[3]
					}
					verbs = append(verbs, verb)
				}
				assert.Equal(t, row.choices, verbs)
			})
		}
	})
	_, err := sqliteStore(t).Explain(t.Context(), "01890000-0000-7000-8000-000000000009")
	require.ErrorIs(t, err, provider.ErrNotFound)
}

// Drain ends when nothing is due; what waits for its time, or for a person, is left.
func TestDrain(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newVendor()
		b := open(t, s, map[string]*vendor{"main": v, "held": v}, nil)
		for _, subject := range []string{"a", "b"} {
			_, err := b.Enqueue(t.Context(), mail(subject), nil)
			require.NoError(t, err)
		}
		later := mail("later")
		later.SendAt = time.Now().Add(time.Hour)
		_, err := b.Enqueue(t.Context(), later, nil)
		require.NoError(t, err)
		_, err = b.Enqueue(t.Context(), mail("held"), &EnqueueOpts{Account: "held"})
		require.NoError(t, err)
		require.NoError(t, s.Hold(t.Context(), "held", "a look", "anna"))
		require.NoError(t, b.Drain(t.Context()))
		assert.Equal(t, []int{1, 1, 0, 0}, []int{v.count("a"), v.count("b"), v.count("later"), v.count("held")})
	})
}

// slow is a vendor whose answers come when its caller has lost patience.
type slow struct {
	*vendor
	entered chan struct{}
}

// Send implements provider.Mailer.
func (v slow) Send(ctx context.Context, _ *provider.Message) (*provider.Receipt, error) {
	close(v.entered)
	<-ctx.Done()
	return nil, failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)
}

// Who asks a second time does not wait for calls that do not end: they are unknown.
func TestHurry(t *testing.T) {
	s := sqliteStore(t)
	v := slow{newVendor(), make(chan struct{})}
	b := open(t, s, nil, func(c *Config) {
		c.StopWithin = time.Hour
		c.Accounts = func(context.Context, string) (*provider.Client, error) {
			return provider.NewClient(v, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
		}
	})
	id, err := b.Enqueue(t.Context(), mail("one"), nil)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	<-v.entered
	stop()
	b.Hurry()
	b.Hurry() // twice is once
	require.NoError(t, <-ended)
	e, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, Unknown, e.State)
}
