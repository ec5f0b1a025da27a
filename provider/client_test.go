package provider_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// stub is an adapter whose abilities and answers a test sets.
type stub struct {
	anything
	caps  provider.Capabilities
	sent  []*provider.Message
	reply func(*provider.Message) (*provider.Receipt, error)
	pages []*provider.Page[provider.Contact]
	ups   []provider.ContactChange
	upErr func(provider.ContactChange) error
}

func (s *stub) Capabilities() provider.Capabilities { return s.caps }

func (s *stub) Send(_ context.Context, m *provider.Message) (*provider.Receipt, error) {
	s.sent = append(s.sent, m)
	if s.reply != nil {
		return s.reply(m)
	}
	return m.Receipt("id-"+m.To[0].Email, provider.StateAccepted), nil
}

func (s *stub) GetContact(context.Context, string) (*provider.Contact, error) {
	return &provider.Contact{Fields: map[string]any{"BDAY": "2000-01-01"}}, nil
}

func (s *stub) ListContacts(_ context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	i := 0
	if q.Cursor != "" {
		i = int(q.Cursor[0] - '0')
	}
	if s.pages[i] == nil {
		return nil, &provider.Error{Kind: provider.ErrUnavailable}
	}
	return s.pages[i], nil
}

func (s *stub) UpsertContact(_ context.Context, c provider.ContactChange) (*provider.ContactReceipt, error) {
	s.ups = append(s.ups, c)
	if s.upErr != nil {
		if err := s.upErr(c); err != nil {
			return nil, err
		}
	}
	return &provider.ContactReceipt{State: provider.ContactCreated}, nil
}

func (s *stub) DeleteContact(context.Context, string) error { return errors.New("plain error") }

// everything is a table with every feature native, but for changes.
func everything(changes provider.Capabilities) provider.Capabilities {
	out := provider.Capabilities{}
	for _, f := range provider.Features() {
		out[f] = adapterkit.Cell(provider.LevelNative)
	}
	for f, s := range changes {
		out[f] = s
	}
	return out
}

func client(t *testing.T, s *stub, sec provider.AccountSettings, env provider.DriverEnv) *provider.Client {
	t.Helper()
	if s.caps == nil {
		s.caps = everything(nil)
	}
	env.Account = "main"
	c, err := provider.NewClient(s, "stub", sec, env)
	require.NoError(t, err)
	return c
}

func order() *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}},
		Subject: "s", HTML: "<p>x</p>",
	}
}

func TestDefaultsAndAliases(t *testing.T) {
	s := &stub{}
	c := client(t, s, provider.AccountSettings{From: provider.Address{Email: "default@example.com"}},
		provider.DriverEnv{Templates: map[string]string{"welcome": "12"}, Lists: map[string]string{"news": "4"}, Fields: map[string]string{"birthday": "BDAY"}})
	m := order()
	m.From, m.HTML, m.Template = provider.Address{}, "", provider.Ref{Alias: "welcome"}
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "default@example.com", s.sent[0].From.Email)
	assert.Equal(t, provider.Ref{ID: "12"}, s.sent[0].Template)
	assert.Equal(t, provider.Ref{Alias: "welcome"}, m.Template, "the caller's message is not changed")
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Lists: []provider.Ref{{Alias: "news"}, {ID: "9"}}, Fields: map[string]any{"birthday": "2000-01-01"}})
	require.NoError(t, err)
	assert.Equal(t, []provider.Membership{{List: "4"}, {List: "9"}}, s.ups[0].Memberships, "all lists are memberships for an adapter")
	assert.Empty(t, s.ups[0].Lists)
	assert.Equal(t, map[string]any{"BDAY": "2000-01-01"}, s.ups[0].Fields)
	got, err := c.GetContact(t.Context(), "a@example.com")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"birthday": "2000-01-01"}, got.Fields, "fields come back under their aliases")
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Fields: map[string]any{"birthday": "x", "BDAY": "y"}})
	assert.ErrorContains(t, err, "given twice")
}

func TestPolicyDropsAndTells(t *testing.T) {
	s := &stub{caps: everything(provider.Capabilities{feature.MessageHeaders: adapterkit.Cell(provider.LevelNone), feature.MessageReplyToMany: adapterkit.Cell(provider.LevelNone)})}
	c := client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.headers": "drop", "message.reply_to.many": "drop"}}, provider.DriverEnv{})
	m := order()
	m.Headers = map[string]string{"X-A": "b"}
	m.ReplyTo = []provider.Address{{Email: "one@example.com"}, {Email: "two@example.com"}}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Nil(t, s.sent[0].Headers)
	assert.Len(t, s.sent[0].ReplyTo, 1, "the first address stays")
	assert.Len(t, m.ReplyTo, 2)
	assert.Equal(t, []provider.Note{{Field: "reply_to", Action: provider.NoteDropped, Why: "policy: stub has no message.reply_to.many"}, {Field: "headers", Action: provider.NoteDropped, Why: "policy: stub has no message.headers"}}, r.Notes)
}

func TestFanOut(t *testing.T) {
	refuse := func(email string, e provider.Error) func(*provider.Message) (*provider.Receipt, error) {
		return func(m *provider.Message) (*provider.Receipt, error) {
			if m.To[0].Email == email {
				return nil, &e
			}
			return m.Receipt("id-"+m.To[0].Email, provider.StateAccepted), nil
		}
	}
	to := []provider.Address{{Email: "a@example.com"}, {Email: "b@example.com"}, {Email: "c@example.com"}}
	for _, row := range []struct {
		name  string
		reply func(*provider.Message) (*provider.Receipt, error)
		state provider.State
		each  []provider.State
		kind  provider.Kind
		calls int
	}{
		{"all", nil, provider.StateAccepted, []provider.State{"accepted", "accepted", "accepted"}, "", 3},
		{"one is wrong", refuse("b@example.com", provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400}), provider.StatePartlyAccepted, []provider.State{"accepted", "refused", "accepted"}, provider.ErrInvalid, 3},
		{"credit ends", refuse("b@example.com", provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Status: 402}), provider.StatePartlyAccepted, []provider.State{"accepted", "refused", "refused"}, provider.ErrNoCredit, 2},
		{"one is unknown", refuse("b@example.com", provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}), provider.StateUnknown, []provider.State{"accepted", "unknown", "refused"}, provider.ErrOutcomeUnknown, 2},
		{"key is wrong", refuse("a@example.com", provider.Error{Kind: provider.ErrUnauthorized, Outcome: provider.OutcomeNotSent, Status: 401}), provider.StateRefused, []provider.State{"refused", "refused", "refused"}, provider.ErrUnauthorized, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &stub{caps: everything(provider.Capabilities{feature.MessageToMany: adapterkit.Cell(provider.LevelEmulated)}), reply: row.reply}
			c := client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{})
			m := order()
			m.To, m.IdempotencyKey = to, "k"
			r, err := c.Send(t.Context(), m)
			require.NotNil(t, r)
			assert.Equal(t, row.state, r.State)
			var each []provider.State
			for _, x := range r.Recipients {
				each = append(each, x.State)
			}
			assert.Equal(t, row.each, each)
			assert.Len(t, s.sent, row.calls)
			assert.Len(t, r.Accounts, row.calls)
			keys := map[string]bool{}
			for _, m := range s.sent {
				keys[m.IdempotencyKey] = true
			}
			assert.Len(t, keys, row.calls, "each mail has a key of its own")
			if row.kind == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, row.kind)
			}
		})
	}
}

func TestPersonalMailsTakeTheirOwnContent(t *testing.T) {
	s := &stub{caps: everything(provider.Capabilities{feature.MessageRecipients: adapterkit.Cell(provider.LevelEmulated)})}
	c := client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.recipients": "emulate"}}, provider.DriverEnv{})
	m := order()
	m.To, m.Variables = nil, map[string]any{"a": 1, "b": 2}
	m.Recipients = []provider.Recipient{
		{Email: "x@example.com", Name: "X", Variables: map[string]any{"b": 3}, Subject: "own", HTML: "<p>own</p>"},
		{Email: "y@example.com"},
	}
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	require.Len(t, s.sent, 2)
	assert.Equal(t, map[string]any{"a": 1, "b": 3}, s.sent[0].Variables)
	assert.Equal(t, "own", s.sent[0].Subject)
	assert.Equal(t, "<p>own</p>", s.sent[0].HTML)
	assert.Equal(t, map[string]any{"a": 1, "b": 2}, s.sent[1].Variables)
	assert.Equal(t, "s", s.sent[1].Subject)
	assert.Equal(t, "<p>x</p>", s.sent[1].HTML)
}

func TestTextBecomesHTML(t *testing.T) {
	s := &stub{caps: everything(provider.Capabilities{feature.MessageTextOnly: adapterkit.Cell(provider.LevelEmulated)})}
	m := order()
	m.HTML, m.Text = "", "a < b\nс"
	_, err := client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.text": "error"}}, provider.DriverEnv{}).Send(t.Context(), m)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, `the policy refuses to do without message.text.only`)
	r, err := client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "<div dir=\"auto\">a &lt; b<br>\nс</div>", s.sent[0].HTML)
	assert.Equal(t, []provider.Note{{
		Field: "html", Action: provider.NoteEmulated,
		Why: "made from text, which stub cannot send alone; its tracking of opens and clicks applies to it",
	}}, r.Notes)
}

func TestAnUnreadableAnswerIsAccepted(t *testing.T) {
	s := &stub{reply: func(*provider.Message) (*provider.Receipt, error) {
		return &provider.Receipt{IdempotencyKey: "k"}, &provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeSent, Status: 200, Message: "cut"}
	}}
	r, err := client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).Send(t.Context(), order())
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Empty(t, r.MessageID)
	assert.Equal(t, "k", r.IdempotencyKey)
	assert.Equal(t, "message_id", r.Notes[0].Field)
}

func TestIterationStopsAtTheFirstError(t *testing.T) {
	s := &stub{pages: []*provider.Page[provider.Contact]{{Items: []provider.Contact{{Email: "a"}, {Email: "b"}}, Next: "1"}, nil}}
	var seen []string
	var errs []error
	for c, err := range client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).AllContacts(t.Context(), provider.ContactQuery{}) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		seen = append(seen, c.Email)
	}
	assert.Equal(t, []string{"a", "b"}, seen)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], provider.ErrUnavailable)
}

// A provider that ignores the cursor must not keep a program busy for ever.
func TestIterationEndsWhenPagesRepeat(t *testing.T) {
	s := &stub{pages: []*provider.Page[provider.Contact]{{Items: []provider.Contact{{Email: "a"}, {Email: "b"}}, Next: "1"}, {Items: []provider.Contact{{Email: "a"}, {Email: "b"}}, Next: "0"}}}
	n := 0
	var last error
	for _, err := range client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).AllContacts(t.Context(), provider.ContactQuery{}) {
		n++
		last = err
	}
	assert.ErrorIs(t, last, provider.ErrBadResponse)
	assert.Equal(t, 3, n)
}

func TestImportStopsAtWhatEveryRowWouldMeet(t *testing.T) {
	s := &stub{upErr: func(c provider.ContactChange) error {
		switch c.Email {
		case "bad@example.com":
			return &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400}
		case "lost@example.com":
			return &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
		case "key@example.com":
			return &provider.Error{Kind: provider.ErrUnauthorized, Outcome: provider.OutcomeNotSent, Status: 401}
		}
		return nil
	}}
	var rows []int
	report, err := client(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{}).ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for _, e := range []string{"a@example.com", "bad@example.com", "lost@example.com", "b@example.com", "key@example.com", "never@example.com"} {
			if !yield(provider.ContactChange{Email: e}, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error { rows = append(rows, r.Index); return nil })
	assert.ErrorIs(t, err, provider.ErrUnauthorized)
	// The last row is read ahead, unless the error comes first.
	ahead := report.NotTried
	assert.Contains(t, []int{0, 1}, ahead)
	assert.Equal(t, provider.ImportReport{Rows: 5 + ahead, Created: 2, Refused: 2, Unknown: 1, NotTried: ahead}, report)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5}[:5+ahead], rows)
	assert.Len(t, s.ups, 5)
}

func TestHooksSeeEveryOperation(t *testing.T) {
	var ops []string
	c := client(t, &stub{}, provider.AccountSettings{}, provider.DriverEnv{Hooks: provider.Hooks{OnResult: func(_ context.Context, e provider.ResultEvent) {
		ops = append(ops, string(e.Op))
		assert.Equal(t, "main", e.Account)
	}}})
	_, _ = c.Send(t.Context(), order())
	_, _ = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com"})
	err := c.DeleteContact(t.Context(), "a@example.com")
	assert.ErrorIs(t, err, provider.ErrInternal, "an adapter's bare error is a bug of ours")
	_, err = c.Check(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, []string{"send", "contacts.upsert", "contacts.delete", "check"}, ops)
}
