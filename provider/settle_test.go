package provider_test

import (
	"context"
	"encoding/json"
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

// finder is a stub that finds what a test lays out.
type finder struct {
	*stub
	hits     map[string][]provider.SentMail // by recipient
	status   map[string]*provider.Receipt
	err      error
	searches []provider.Trace
}

func (f *finder) FindSent(_ context.Context, recipient string, trace provider.Trace) ([]provider.SentMail, error) {
	f.searches = append(f.searches, trace)
	return f.hits[recipient], f.err
}

func (f *finder) Status(_ context.Context, r *provider.Receipt) (*provider.Receipt, error) {
	return f.status[r.MessageID], f.err
}

// unsettled is a client whose send of m has just been lost.
func unsettled(t *testing.T, m *provider.Message, guard provider.GuardStore) (*finder, *provider.Client, *provider.Receipt) {
	t.Helper()
	f := &finder{stub: &stub{caps: keylessCaps}, hits: map[string][]provider.SentMail{}}
	f.reply = func(*provider.Message) (*provider.Receipt, error) { return nil, lost }
	c, err := provider.NewClient(f, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: "main", Guard: guard, Namespace: "shop"})
	require.NoError(t, err)
	r, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	require.NotNil(t, r.Unsettled)
	return f, c, r
}

func hit(id string, change func(*provider.SentMail)) provider.SentMail {
	f := provider.SentMail{MessageID: id, Recipient: "A@example.com", Subject: "s", At: time.Now(), State: provider.StateDelivered}
	if change != nil {
		change(&f)
	}
	return f
}

func TestSettle(t *testing.T) {
	at := func(d time.Duration) func(*provider.SentMail) {
		return func(f *provider.SentMail) { f.At = f.At.Add(d) }
	}
	for name, tt := range map[string]struct {
		message func(*provider.Message)
		hits    func() []provider.SentMail
		want    provider.State // unknown unless given
		note    string
	}{
		"the one": {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil)} }, want: provider.StateDelivered, note: "judged by likeness"},
		"no state told": {hits: func() []provider.SentMail {
			return []provider.SentMail{hit("7", func(f *provider.SentMail) { f.State = "" })}
		}, want: provider.StateAccepted},
		"listed twice":      {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil), hit("7", nil)} }, want: provider.StateDelivered},
		"cut to the second": {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", at(-time.Second))} }, want: provider.StateDelivered},
		"a little later":    {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", at(4*time.Minute))} }, want: provider.StateDelivered},
		"much later":        {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", at(6*time.Minute))} }, note: "another time"},
		"before":            {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", at(-3*time.Second))} }, note: "another time"},
		"two":               {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil), hit("8", nil)} }, note: "2 mails match"},
		"two, one earlier":  {hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil), hit("8", at(-time.Hour))} }, note: "2 mails"},
		"two without id":    {hits: func() []provider.SentMail { return []provider.SentMail{hit("", nil), hit("", nil)} }, note: "2 mails"},
		"one without id":    {hits: func() []provider.SentMail { return []provider.SentMail{hit("", nil)} }, note: "has no id"},
		"another subject": {hits: func() []provider.SentMail {
			return []provider.SentMail{hit("7", func(f *provider.SentMail) { f.Subject = "t" })}
		}, note: "another subject"},
		"no subject told": {hits: func() []provider.SentMail {
			return []provider.SentMail{hit("7", func(f *provider.SentMail) { f.Subject = "" })}
		}, note: "another subject"},
		"another recipient": {hits: func() []provider.SentMail {
			return []provider.SentMail{hit("7", func(f *provider.SentMail) { f.Recipient = "b@example.com" })}
		}, note: "another recipient"},
		"none":                  {note: "proves nothing yet"},
		"subject of a template": {message: func(m *provider.Message) { m.Subject, m.HTML, m.Template = "", "", provider.Ref{ID: "1"} }, hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil)} }, note: "template"},
		"scheduled": {
			message: func(m *provider.Message) { m.SendAt = time.Now().Add(24 * time.Hour) },
			hits:    func() []provider.SentMail { return []provider.SentMail{hit("7", at(24*time.Hour))} }, want: provider.StateDelivered,
		},
		"same address twice": {message: func(m *provider.Message) { m.Cc = m.To }, hits: func() []provider.SentMail { return []provider.SentMail{hit("7", nil)} }, note: "more than once"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := order()
				if tt.message != nil {
					tt.message(m)
				}
				f, c, before := unsettled(t, m, nil)
				if tt.hits != nil {
					f.hits["a@example.com"] = tt.hits()
				}
				r, err := c.Settle(t.Context(), before)
				require.NoError(t, err)
				assert.Equal(t, provider.StateUnknown, before.State, "the caller's receipt is not changed")
				require.NotEmpty(t, r.Notes)
				assert.Contains(t, r.Notes[0].Why, tt.note)
				if tt.want == "" {
					assert.Equal(t, provider.StateUnknown, r.State)
					assert.Empty(t, r.MessageID)
					assert.NotNil(t, r.Unsettled, "it can be tried again")
					return
				}
				assert.Equal(t, tt.want, r.State)
				assert.Equal(t, "7", r.MessageID)
				assert.Equal(t, "7", r.Recipients[0].MessageID)
				assert.Nil(t, r.Unsettled)
				assert.Equal(t, provider.NoteSettled, r.Notes[0].Action)
			})
		})
	}
}

// A mail is never given the id of another one, and one that cannot be told from
// another is left alone.
func TestSettleExcept(t *testing.T) {
	minutes := func(n int) time.Time { return time.Now().Add(time.Duration(n) * time.Minute) }
	other := func(email, id string, state provider.State, unsettled *provider.Trace) *provider.Receipt {
		return &provider.Receipt{
			Account: "main", MessageID: id, State: state, Unsettled: unsettled,
			Recipients: []provider.RecipientResult{{Email: email, MessageID: id, State: state}},
		}
	}
	trace := func(subject string, at time.Time) *provider.Trace {
		return &provider.Trace{At: at, Until: at, Subject: subject}
	}
	refused := other("a@example.com", "", provider.StateRefused, nil)
	for _, tt := range []struct {
		name   string
		others func() []*provider.Receipt
		hits   []string
		want   string // the id, none when it stays unknown
		note   string
	}{
		{
			name: "the only hit is another mail's", hits: []string{"7"}, note: "1 found that are known to be other messages",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "7", provider.StateAccepted, nil)}
			},
		},
		{
			name: "the only hit is a recipient's of another mail", hits: []string{"7"}, note: "known to be other",
			others: func() []*provider.Receipt {
				o := other("a@example.com", "7", provider.StateAccepted, nil)
				o.MessageID = ""
				return []*provider.Receipt{o}
			},
		},
		{
			name: "two hits, one is another mail's", hits: []string{"7", "8"}, want: "8", note: "judged by likeness",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{nil, other("A@Example.com", "7", provider.StateAccepted, nil)}
			},
		},
		{
			name: "three hits, one is another mail's", hits: []string{"7", "8", "9"}, note: "2 mails match",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "7", provider.StateAccepted, nil)}
			},
		},
		{
			name: "another is unknown too", hits: []string{"7"}, note: "may be that one",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("A@example.com", "", provider.StateUnknown, trace(" s", minutes(1)))}
			},
		},
		{
			name: "another was accepted without id", hits: []string{"7"}, note: "may be that one",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "", provider.StateAccepted, nil)}
			},
		},
		{
			name: "another is unknown, its subject is a template's", hits: []string{"7"}, note: "may be that one",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "", provider.StateUnknown, trace("", minutes(1)))}
			},
		},
		{
			name: "another is unknown, of another subject", hits: []string{"7"}, want: "7",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "", provider.StateUnknown, trace("t", minutes(1)))}
			},
		},
		{
			name: "another is unknown, of another hour", hits: []string{"7"}, want: "7",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("a@example.com", "", provider.StateUnknown, trace("s", minutes(-60)))}
			},
		},
		{
			name: "another is unknown, of another recipient", hits: []string{"7"}, want: "7",
			others: func() []*provider.Receipt {
				return []*provider.Receipt{other("b@example.com", "", provider.StateUnknown, trace("s", minutes(1)))}
			},
		},
		{
			name: "another was refused", hits: []string{"7"}, want: "7",
			others: func() []*provider.Receipt { return []*provider.Receipt{refused} },
		},
		{
			name: "another account's id", hits: []string{"7"}, want: "7",
			others: func() []*provider.Receipt {
				o := other("a@example.com", "7", provider.StateAccepted, nil)
				o.Account = "backup"
				return []*provider.Receipt{o}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, c, r := unsettled(t, order(), nil)
			for _, id := range tt.hits {
				f.hits["a@example.com"] = append(f.hits["a@example.com"], hit(id, nil))
			}
			got, err := c.Settle(t.Context(), r, tt.others()...)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.MessageID)
			assert.Equal(t, tt.want == "", got.State == provider.StateUnknown)
			require.Len(t, got.Notes, 1)
			assert.Contains(t, got.Notes[0].Why, tt.note)
		})
	}
}

// The receipt itself among the others, as in a list of all, changes nothing.
func TestSettleExceptItself(t *testing.T) {
	f, c, r := unsettled(t, order(), nil)
	f.hits["a@example.com"] = []provider.SentMail{hit("7", nil)}
	got, err := c.Settle(t.Context(), r, r)
	require.NoError(t, err)
	assert.Equal(t, "7", got.MessageID)
}

// A search carries the tags of the mail, and a receipt keeps them in a file.
func TestSettleTags(t *testing.T) {
	m := order()
	m.Tags = []string{"order", "fa"}
	f, c, r := unsettled(t, m, nil)
	assert.Equal(t, m.Tags, r.Unsettled.Tags)
	_, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, m.Tags, f.searches[0].Tags)
}

func TestSettleAbsenceIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, r := unsettled(t, order(), nil)
		for _, step := range []struct {
			wait time.Duration
			note string
		}{
			{time.Minute, "not found 1m0s after the last try, which proves nothing yet: look again after"},
			{14*time.Minute - time.Second, "proves nothing yet"},
			{time.Second, "not found 15m0s after the last try: a hint that it was not sent, and no proof; a person may decide"},
			{100 * time.Hour, "no proof"},
		} {
			<-time.After(step.wait)
			var err error
			r, err = c.Settle(t.Context(), r)
			require.NoError(t, err)
			assert.Equal(t, provider.StateUnknown, r.State)
			assert.Equal(t, provider.StateUnknown, r.Recipients[0].State)
			require.Len(t, r.Notes, 1, "a newer look-up replaces the older note")
			assert.Contains(t, r.Notes[0].Why, step.note)
		}
		s := f.searches[0]
		assert.Equal(t, "shop@example.com", s.From)
		assert.True(t, s.At.Before(r.Unsettled.At) && s.Until.After(r.Unsettled.Until))
	})
}

func TestSettleEachRecipient(t *testing.T) {
	m := order()
	m.To = nil
	m.Recipients = []provider.Recipient{{Email: "a@example.com", HTML: "<p>a</p>"}, {Email: "b@example.com", Subject: "own", HTML: "<p>b</p>"}}
	f, c, r := unsettled(t, m, nil)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var stored provider.Receipt
	require.NoError(t, json.Unmarshal(data, &stored), "a receipt survives a file")
	assert.Equal(t, r.Unsettled, stored.Unsettled)
	f.hits["b@example.com"] = []provider.SentMail{hit("8", func(f *provider.SentMail) { f.Recipient, f.Subject = "b@example.com", "own" })}
	r, err = c.Settle(t.Context(), &stored)
	require.NoError(t, err)
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Equal(t, provider.StateUnknown, r.Recipients[0].State)
	assert.Equal(t, provider.RecipientResult{Email: "b@example.com", MessageID: "8", State: provider.StateDelivered}, r.Recipients[1])
	f.searches, f.hits["a@example.com"] = nil, []provider.SentMail{hit("7", nil)}
	r, err = c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateDelivered, r.State)
	assert.Empty(t, r.MessageID, "two mails have no common id")
	assert.Len(t, f.searches, 1, "what is settled is not looked for again")
}

func TestSettleByID(t *testing.T) {
	f, c, r := unsettled(t, order(), nil)
	f.status = map[string]*provider.Receipt{"7": order().Receipt("7", provider.StateBounced)}
	r.Recipients[0].MessageID = "7"
	got, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateBounced, got.State)
	assert.Empty(t, f.searches)
	known := order().Receipt("7", provider.StateAccepted)
	got, err = c.Settle(t.Context(), known)
	require.NoError(t, err)
	assert.Equal(t, provider.StateBounced, got.State, "a known one gets a fresh state")
}

func TestSettleRefuses(t *testing.T) {
	f, c, r := unsettled(t, order(), nil)
	for field, bad := range map[string]*provider.Receipt{
		"receipt":           nil,
		"receipt.provider":  {Provider: "other", Recipients: r.Recipients},
		"receipt.account":   {Account: "other", Recipients: r.Recipients},
		"receipt.unsettled": {Recipients: r.Recipients},
	} {
		_, err := c.Settle(t.Context(), bad)
		var e *provider.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
		assert.NotContains(t, err.Error(), "nothing was sent", "a look-up sends nothing anyway")
	}
	assert.Empty(t, f.searches)
	none := client(t, &stub{caps: everything(provider.Capabilities{feature.MessageSettle: adapterkit.Cell(provider.LevelNone)})}, provider.AccountSettings{}, provider.DriverEnv{})
	_, err := none.Settle(t.Context(), r)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	f.err = &provider.Error{Kind: provider.ErrRateLimited}
	got, err := c.Settle(t.Context(), r)
	assert.ErrorIs(t, err, provider.ErrRateLimited)
	assert.Equal(t, provider.StateUnknown, got.State, "the receipt comes beside the error")
}

func TestSettleTellsTheGuard(t *testing.T) {
	f, c, r := unsettled(t, keyed("k"), guard.NewMemory(0, 0))
	f.hits["a@example.com"] = []provider.SentMail{hit("7", nil)}
	_, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	again, err := c.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	assert.Equal(t, "7", again.MessageID)
	assert.Len(t, f.sent, 1)
}

// An old receipt must not make the guard forget what was sent after it.
func TestSettleOfAnOldReceipt(t *testing.T) {
	store := guard.NewMemory(0, 0)
	m := keyed("k")
	m.To = []provider.Address{{Email: "a@example.com"}, {Email: "b@example.com"}}
	f := &finder{stub: &stub{caps: keylessCaps}, hits: map[string][]provider.SentMail{"a@example.com": {hit("7", nil)}}}
	answer := error(lost)
	f.reply = func(m *provider.Message) (*provider.Receipt, error) {
		if answer != nil {
			return nil, answer
		}
		return m.Receipt("8", provider.StateAccepted), nil
	}
	c, err := provider.NewClient(f, "stub", provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{Account: "main", Guard: store, Namespace: "shop"})
	require.NoError(t, err)
	old, err := c.Send(t.Context(), m) // a is unknown, b was not tried
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	answer = nil
	_, err = c.Send(t.Context(), m) // b is sent
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err := c.Settle(t.Context(), old)
	require.NoError(t, err)
	assert.Equal(t, provider.StatePartlyAccepted, settled.State)
	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "the newer receipt is the one to settle")
	assert.Len(t, f.sent, 2)
}
