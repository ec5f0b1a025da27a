package provider_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
)

// windowed is an adapter whose provider knows keys for a time.
type windowed struct {
	*stub
	place string // the account at the provider
	began []time.Time
	wait  time.Duration // before a request leaves
}

func (w *windowed) KeyScope(key string) (string, time.Duration) {
	return w.place + " " + key, 10 * time.Minute
}

func (w *windowed) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	select {
	case <-time.After(w.wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.began = append(w.began, time.Now())
	return w.stub.Send(ctx, m)
}

func windowedAt(place string) *windowed {
	return &windowed{place: place, stub: &stub{caps: everything(provider.Capabilities{
		feature.MessageIdempotencyKey: adapterkit.Cell(provider.LevelLimited, "10 minutes"),
	})}}
}

// ofShop is an account of the program shop.
func ofShop(t *testing.T, a provider.Adapter, account string, store provider.GuardStore) *provider.Client {
	t.Helper()
	c, err := provider.NewClient(a, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: account, Guard: store, Namespace: "shop"})
	require.NoError(t, err)
	return c
}

var (
	duplicate = &provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeSent, Status: 400, Message: "known already"}
	noCredit  = &provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 402}
)

func failing(err *provider.Error) func(*provider.Message) (*provider.Receipt, error) {
	return func(*provider.Message) (*provider.Receipt, error) { return nil, err }
}

func answering(id string) func(*provider.Message) (*provider.Receipt, error) {
	return func(m *provider.Message) (*provider.Receipt, error) {
		return m.Receipt(id, provider.StateAccepted), nil
	}
}

// Beside a key of the provider that is limited in time, the guard answers for ever.
func TestGuardBesideTheProvidersKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := windowedAt("1")
		c := ofShop(t, w, "main", guard.NewMemory(0, 0))
		assert.Equal(t, provider.LevelLimited, c.Capabilities().Level(feature.MessageIdempotencyKey))
		for range 3 {
			r, err := c.Send(t.Context(), keyed("k"))
			require.NoError(t, err)
			assert.Equal(t, "id-a@example.com", r.MessageID)
			<-time.After(time.Hour)
		}
		require.Len(t, w.sent, 1)
		assert.Equal(t, "k", w.sent[0].IdempotencyKey, "the provider gets it too")
	})
}

// An unknown send is repeated under the provider's own key, by the same account and
// within the key's time; only a success settles it.
func TestGuardRepeatsUnderTheProvidersKey(t *testing.T) {
	for _, tt := range []struct {
		name     string
		after    time.Duration
		other    string // another account at the provider, under the same name
		renamed  string // the same one, under another name
		answer   func(*provider.Message) (*provider.Receipt, error)
		message  func(*provider.Message)
		requests int
		state    provider.State
		kind     provider.Kind
	}{
		{name: "the provider knows the key", answer: failing(duplicate), requests: 2, state: provider.StateAccepted},
		{name: "it had not come", answer: answering("7"), requests: 2, state: provider.StateAccepted},
		{name: "in the last minute", after: 9 * time.Minute, answer: failing(duplicate), requests: 2, state: provider.StateAccepted},
		{name: "unknown again", answer: failing(lost), requests: 2, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{name: "refused: proves nothing of the first", answer: failing(refused), requests: 2, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{name: "no credit", answer: failing(noCredit), requests: 2, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{name: "too late", after: 10 * time.Minute, answer: answering("7"), requests: 1, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{name: "another account there", other: "2", answer: answering("7"), requests: 1, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{name: "another name", renamed: "backup", answer: answering("7"), requests: 1, state: provider.StateUnknown, kind: provider.ErrOutcomeUnknown},
		{
			name: "another message", answer: answering("7"), requests: 1, kind: provider.ErrInvalid,
			message: func(m *provider.Message) { m.Subject = "other" },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := guard.NewMemory(0, 0)
				w := windowedAt("1")
				w.reply = failing(lost)
				first, err := ofShop(t, w, "main", store).Send(t.Context(), keyed("k"))
				require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
				<-time.After(tt.after)

				w.reply = tt.answer
				name := "main"
				if tt.other != "" {
					w.place = tt.other
				}
				if tt.renamed != "" {
					name = tt.renamed
				}
				m := keyed("k")
				if tt.message != nil {
					tt.message(m)
				}
				c := ofShop(t, w, name, store)
				r, err := c.Send(t.Context(), m)
				assert.Len(t, w.sent, tt.requests)
				if tt.kind != "" {
					assert.ErrorIs(t, err, tt.kind)
				} else {
					require.NoError(t, err)
				}
				if tt.state == "" {
					assert.Nil(t, r)
					return
				}
				assert.Equal(t, tt.state, r.State)
				assert.Equal(t, "main", r.Account, "that of the account that may have it")
				assert.Equal(t, "k", r.IdempotencyKey)
				if tt.state == provider.StateUnknown {
					assert.Equal(t, first.Unsettled.At, r.Unsettled.At)
					return
				}
				assert.Len(t, r.Accounts, 2)
				w.reply = answering("twice")
				again, err := c.Send(t.Context(), m)
				require.NoError(t, err)
				assert.Equal(t, r.MessageID, again.MessageID)
				assert.Len(t, w.sent, 2)
			})
		})
	}
}

// No request of a repeat leaves after the key's time, and a repeat makes it no longer.
func TestGuardRepeatEndsWithTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := windowedAt("1")
		w.reply = failing(lost)
		c := ofShop(t, w, "main", guard.NewMemory(0, 0))
		start := time.Now()
		for range 20 {
			_, err := c.Send(t.Context(), keyed("k"))
			require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
			w.wait = 2 * time.Minute
			<-time.After(time.Minute)
		}
		assert.Len(t, w.sent, 4)
		for _, at := range w.began {
			assert.Less(t, at.Sub(start), 10*time.Minute)
		}
	})
}

// A process that died leaves no repeat: it may run still, and two requests at once under
// one key are not what a provider documents. Nor does a mail in several requests.
func TestGuardRepeatsNothingElse(t *testing.T) {
	w := windowedAt("1")
	store := &mapStore{entries: map[string][]byte{}, dies: true}
	c := ofShop(t, w, "main", store)
	_, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	store.dies = false
	r, err := c.Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "whose send has begun and has no result: it may have been sent, through main (stub) at 20")
	assert.Len(t, w.sent, 1)
	assert.NotEmpty(t, r.Unsettled.Digest)

	each := windowedAt("1")
	each.caps[feature.MessageToMany] = adapterkit.Cell(provider.LevelEmulated)
	each.reply = failing(lost)
	ec, err := provider.NewClient(each, "stub", provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{
		Account: "main", Guard: guard.NewMemory(0, 0), Namespace: "shop",
	})
	require.NoError(t, err)
	m := keyed("k")
	m.To = append(m.To, provider.Address{Email: "b@example.com"})
	_, err = ec.Send(t.Context(), m) // the first is unknown, the second not tried
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	each.reply = answering("7")
	r, err = ec.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Len(t, each.sent, 2, "the rest was sent")
	assert.Equal(t, provider.StateUnknown, r.Recipients[0].State)
}

// Keys live in the namespace: what is unknown at one account goes out through no other,
// and another program with the same keys and accounts is not kept back.
func TestGuardNamespaces(t *testing.T) {
	store := guard.NewMemory(0, 0)
	first, second := &stub{caps: keylessCaps, reply: failing(lost)}, &stub{caps: keylessCaps}
	_, err := ofShop(t, first, "main", store).Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)

	r, err := ofShop(t, second, "backup", store).Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "main (stub): send: idempotency_key: outcome unknown: the mail was sent under this key before, "+
		"whose outcome is unknown: it may have been sent, through main (stub) at 20")
	assert.Equal(t, "main", r.Account)

	r, err = ofShop(t, second, "main", store).Send(t.Context(), keyed("k"))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown, "another account under the same name")
	assert.Empty(t, second.sent)
	assert.Equal(t, "main", r.Account)

	club, err := provider.NewClient(second, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: "main", Guard: store, Namespace: "club"})
	require.NoError(t, err)
	_, err = club.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Len(t, second.sent, 1)
}

// The key is for what the caller gave, whatever the account makes of it.
func TestGuardKeyIsForTheGivenMessage(t *testing.T) {
	store := guard.NewMemory(0, 0)
	s := &stub{caps: keylessCaps}
	send := func(from, welcome string) (*provider.Receipt, error) {
		c, err := provider.NewClient(s, "stub", provider.AccountSettings{From: provider.Address{Email: from}}, provider.DriverEnv{
			Account: "main", Guard: store, Namespace: "shop", Templates: map[string]string{"welcome": welcome},
		})
		require.NoError(t, err)
		return c.Send(t.Context(), &provider.Message{
			To: []provider.Address{{Email: "a@example.com"}}, Template: provider.Ref{Alias: "welcome"}, IdempotencyKey: "k",
		})
	}
	_, err := send("shop@example.com", "1")
	require.NoError(t, err)
	_, err = send("office@example.com", "2")
	require.NoError(t, err)
	assert.Len(t, s.sent, 1)
}

func TestGuardNeedsANamespace(t *testing.T) {
	_, err := provider.NewClient(&stub{caps: keylessCaps}, "stub", provider.AccountSettings{}, provider.DriverEnv{Guard: guard.NewMemory(0, 0)})
	assert.ErrorIs(t, err, provider.ErrConfig)
	assert.ErrorContains(t, err, "name: a duplicate guard needs the name of the program")
	drivers := provider.Registry{provider.DriverOf[struct{ provider.AccountSettings }]{
		Name: "stub",
		Open: func(context.Context, struct{ provider.AccountSettings }, provider.DriverEnv) (provider.Adapter, error) {
			return &stub{caps: keylessCaps}, nil
		},
	}.Driver()}
	for _, tt := range []struct{ name, config, given, problem string }{
		{name: "none", config: `{"providers": {"a": {"provider": "stub"}}}`, problem: "name: a duplicate guard needs"},
		{name: "empty", config: `{"name": "", "providers": {"a": {"provider": "stub"}}}`, problem: "name: a duplicate guard needs"},
		{name: "of the configuration", config: `{"name": "shop", "providers": {"a": {"provider": "stub"}}}`},
		{name: "given", config: `{"providers": {"a": {"provider": "stub"}}}`, given: "shop"},
		{name: "both", config: `{"name": "club", "providers": {"a": {"provider": "stub"}}}`, given: "shop"},
		{name: "two lines", config: `{"name": "a\nb", "providers": {"a": {"provider": "stub"}}}`, given: "shop", problem: "name: expected one line"},
		{name: "a number", config: `{"name": 4, "providers": {"a": {"provider": "stub"}}}`, given: "shop", problem: "name: expected a text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := provider.ParseConfig([]byte(tt.config))
			require.NoError(t, err)
			store := &mapStore{entries: map[string][]byte{}}
			c, err := drivers.Open(t.Context(), cfg, provider.WithDuplicateGuard(store, tt.given))
			if tt.problem != "" {
				assert.ErrorContains(t, err, tt.problem)
				assert.ErrorIs(t, err, provider.ErrConfig)
				return
			}
			require.NoError(t, err)
			m := keyed("k")
			m.From.Email = "shop@example.com"
			_, err = c.Send(t.Context(), m)
			require.NoError(t, err)
			assert.Contains(t, store.entries, "shop/k")
		})
	}
}

// A key that is another message's says what became of that one.
func TestGuardTellsOfTheOtherMessage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply func(*provider.Message) (*provider.Receipt, error)
		to    []string
		dies  bool
		want  string
	}{
		{name: "accepted", reply: answering("7"), want: `which was accepted, through main \(stub\) at 20[-0-9T:]+Z, id "7"`},
		{name: "accepted, no id", reply: failing(duplicate), want: `which was accepted, through main \(stub\) at 20[-0-9T:]+Z`},
		{name: "unknown", reply: failing(lost), want: `whose outcome is unknown: it may have been sent, through main \(stub\) at 20[-0-9T:]+Z`},
		{name: "begun", reply: answering("7"), dies: true, want: `whose send has begun and has no result: it may have been sent, through main \(stub\) at 20[-0-9T:]+Z`},
		{
			name: "partly", to: []string{"b@example.com"}, want: `which was accepted for some of its recipients only, through main \(stub\) at 20[-0-9T:]+Z, id "7"`,
			reply: func(m *provider.Message) (*provider.Receipt, error) {
				if m.To[0].Email == "b@example.com" {
					return nil, refused
				}
				return m.Receipt("7", provider.StateAccepted), nil
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := &mapStore{entries: map[string][]byte{}, dies: tt.dies}
			s := &stub{caps: keylessCaps, reply: tt.reply}
			c, err := provider.NewClient(s, "stub", provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{
				Account: "main", Guard: store, Namespace: "shop",
			})
			require.NoError(t, err)
			m := keyed("k")
			for _, email := range tt.to {
				m.To = append(m.To, provider.Address{Email: email})
			}
			_, _ = c.Send(t.Context(), m)
			requests := len(s.sent)
			m.HTML = "<p>rendered anew</p>"
			r, err := c.Send(t.Context(), m)
			assert.Nil(t, r)
			e, ok := errors.AsType[*provider.Error](err)
			require.True(t, ok)
			assert.Equal(t, provider.ErrInvalid, e.Kind)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome, "of this call")
			assert.Regexp(t, "^the key was used for another message, "+tt.want+"$", e.Message)
			assert.Regexp(t, "; nothing was sent by this call$", e.Error())
			assert.Len(t, s.sent, requests)
		})
	}
}

// A mail that went to some of its recipients goes on through the same account only,
// and only as the same mails.
func TestGuardRestElsewhere(t *testing.T) {
	policy := provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}
	at := func(s *stub, account string, store provider.GuardStore) *provider.Client {
		c, err := provider.NewClient(s, "stub", policy, provider.DriverEnv{Account: account, Guard: store, Namespace: "shop"})
		require.NoError(t, err)
		return c
	}
	native := everything(provider.Capabilities{feature.MessageIdempotencyKey: adapterkit.Cell(provider.LevelNone)})
	for _, tt := range []struct {
		name    string
		account string
		caps    provider.Capabilities
		sends   int
	}{
		{name: "the same", account: "main", caps: keylessCaps, sends: 1},
		{name: "another account", account: "backup", caps: keylessCaps},
		{name: "one mail to all", account: "main", caps: native},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := guard.NewMemory(0, 0)
			first := &stub{caps: keylessCaps, reply: func(m *provider.Message) (*provider.Receipt, error) {
				if m.To[0].Email == "b@example.com" {
					return nil, refused
				}
				return m.Receipt("7", provider.StateAccepted), nil
			}}
			m := keyed("k")
			m.To = append(m.To, provider.Address{Email: "b@example.com"})
			_, err := at(first, "main", store).Send(t.Context(), m)
			require.Error(t, err)
			second := &stub{caps: tt.caps}
			r, err := at(second, tt.account, store).Send(t.Context(), m)
			assert.Len(t, second.sent, tt.sends)
			if tt.sends > 0 {
				require.NoError(t, err)
				assert.Equal(t, provider.StateAccepted, r.State)
				return
			}
			assert.ErrorIs(t, err, provider.ErrConflict)
			assert.ErrorContains(t, err, "only that account, sending a mail to each recipient, can send the rest")
			assert.Equal(t, provider.StatePartlyAccepted, r.State)
			assert.Equal(t, "main", r.Account)
			third := &stub{caps: keylessCaps}
			_, err = at(third, "main", store).Send(t.Context(), m)
			require.NoError(t, err, "the entry is as it was")
			assert.Len(t, third.sent, 1)
		})
	}
}

// When the rest of a mail cannot be sent now, the key stays as it is.
func TestGuardRestNotSent(t *testing.T) {
	store := guard.NewMemory(0, 0)
	w := &windowed{stub: &stub{caps: keylessCaps, reply: func(m *provider.Message) (*provider.Receipt, error) {
		if m.To[0].Email == "b@example.com" {
			return nil, refused
		}
		return m.Receipt("7", provider.StateAccepted), nil
	}}}
	c, err := provider.NewClient(w, "stub", provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{
		Account: "main", Guard: store, Namespace: "shop",
	})
	require.NoError(t, err)
	m := keyed("k")
	m.To = append(m.To, provider.Address{Email: "b@example.com"})
	_, err = c.Send(t.Context(), m)
	require.Error(t, err)
	w.reply = func(*provider.Message) (*provider.Receipt, error) { return nil, context.Canceled }
	r, err := c.Send(t.Context(), m)
	require.Error(t, err)
	assert.Equal(t, provider.StatePartlyAccepted, r.State)
	w.reply = nil
	requests := len(w.sent)
	r, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Len(t, w.sent, requests+1, "b alone")
}

// What Settle finds is told to the guard of the mail it looked for, not to one that has
// the key since.
func TestSettleTellsTheGuardOfThatMail(t *testing.T) {
	store := guard.NewMemory(0, 0)
	f, c, r := unsettled(t, keyed("k"), store)
	other, err := provider.NewClient(f, "stub", provider.AccountSettings{}, provider.DriverEnv{
		Account: "main", Guard: guard.NewMemory(0, 0), Namespace: "shop",
	})
	require.NoError(t, err)
	m := keyed("k")
	m.Subject = "another"
	_, err = other.Send(t.Context(), m) // after a restart that lost the keys
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	f.hits["a@example.com"] = []provider.SentMail{hit("7", nil)}
	_, err = other.Settle(t.Context(), r)
	require.NoError(t, err)
	_, err = other.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown, "it is another mail")

	_, err = c.Settle(t.Context(), r)
	require.NoError(t, err)
	got, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, "7", got.MessageID)
}

// The rules that every store follows.
func TestGuardEntryRules(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	by := provider.GuardEntry{Digest: "d", Provider: "p", Account: "a", At: now}
	receipt := &provider.Receipt{MessageID: "7"}
	for _, tt := range []struct {
		name  string
		entry provider.GuardEntry
		ok    bool
	}{
		{name: "none", ok: true},
		{name: "begun", entry: provider.GuardEntry{Status: provider.StateBegun, Digest: "d"}},
		{name: "accepted", entry: provider.GuardEntry{Status: provider.StateAccepted, Digest: "d"}},
		{name: "unknown", entry: provider.GuardEntry{Status: provider.StateUnknown, Digest: "d", At: now.Add(-time.Minute)}},
		{name: "unknown, the key is known", ok: true, entry: provider.GuardEntry{Status: provider.StateUnknown, Digest: "d", At: now.Add(-time.Minute), Until: now.Add(time.Second)}},
		{name: "unknown, the key's time is over", entry: provider.GuardEntry{Status: provider.StateUnknown, Digest: "d", At: now.Add(-time.Minute), Until: now}},
		{name: "unknown, the clock went back", entry: provider.GuardEntry{Status: provider.StateUnknown, Digest: "d", At: now.Add(time.Minute), Until: now.Add(time.Hour)}},
		{name: "unknown, another message", entry: provider.GuardEntry{Status: provider.StateUnknown, Digest: "e", At: now.Add(-time.Minute), Until: now.Add(time.Second)}},
		{name: "partly", ok: true, entry: provider.GuardEntry{Status: provider.StatePartlyAccepted, Digest: "d"}},
		{name: "partly, another message", entry: provider.GuardEntry{Status: provider.StatePartlyAccepted, Digest: "e"}},
		{name: "a word of later", entry: provider.GuardEntry{Status: "later", Digest: "d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.entry.Receipt = receipt
			got, ok := tt.entry.Claim(by)
			assert.Equal(t, tt.ok, ok)
			if !ok {
				assert.Equal(t, tt.entry, got)
				return
			}
			want := by
			want.Status, want.Receipt = provider.StateBegun, receipt
			assert.Equal(t, want, got)
		})
	}
	begun := provider.GuardEntry{Status: provider.StateBegun, Digest: "d", Provider: "p", Account: "a", At: now}
	done := provider.GuardEntry{Status: provider.StateAccepted, Digest: "d", Provider: "p", Account: "b", Receipt: receipt}
	for _, tt := range []struct {
		name             string
		entry, end, want provider.GuardEntry
		keep             bool
	}{
		{name: "none stays none", end: done},
		{name: "a result", entry: begun, end: done, keep: true, want: provider.GuardEntry{Status: provider.StateAccepted, Digest: "d", Provider: "p", Account: "b", At: now, Receipt: receipt}},
		{name: "no account", entry: begun, end: provider.GuardEntry{Status: provider.StateUnknown}, keep: true, want: provider.GuardEntry{Status: provider.StateUnknown, Digest: "d", Provider: "p", Account: "a", At: now}},
		{name: "refused", entry: begun, end: provider.GuardEntry{Status: provider.StateRefused, Digest: "d"}},
		{name: "accepted stays", entry: done, end: provider.GuardEntry{Status: provider.StateRefused}, keep: true, want: done},
		{name: "another message's", entry: begun, end: provider.GuardEntry{Status: provider.StateAccepted, Digest: "e"}, keep: true, want: begun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, keep := tt.entry.Finish(tt.end)
			assert.Equal(t, tt.keep, keep)
			assert.Equal(t, tt.want, got)
		})
	}
}
