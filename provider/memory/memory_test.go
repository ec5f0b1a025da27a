package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/memory"
)

func TestMail(t *testing.T) {
	store := memory.NewStore()
	c, err := store.Client()
	require.NoError(t, err)
	m := &provider.Message{From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}}, Subject: "سلام", Text: "x", IdempotencyKey: "k"}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	again, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, r.MessageID, again.MessageID)
	require.Len(t, store.Messages(), 1, "the key makes a repeat harmless")
	assert.Equal(t, "سلام", store.Messages()[0].Message.Subject)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateDelivered, status.State)
	store.FailNext(&provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent})
	m.IdempotencyKey = ""
	r, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, provider.StateUnknown, r.State)
	_, err = c.Send(t.Context(), m)
	assert.NoError(t, err)
	got, ok := provider.Native[*memory.Store](c)
	assert.True(t, ok)
	assert.Same(t, store, got)
}

// What Emit makes happen is in the log, changes the state of the mail, and comes again with
// the same ID when the sink did not take it.
func TestEmit(t *testing.T) {
	store := memory.NewStore()
	c, err := store.Client()
	require.NoError(t, err)
	r, err := c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: "a@example.com"}, {Email: "b@example.com"}}, Subject: "Order", HTML: "<p>x</p>"})
	require.NoError(t, err)
	got, down := map[string]int{}, errors.New("the database is down")
	fails := true
	store.OnEvents(func(_ context.Context, list []events.Event) error {
		for _, e := range list {
			got[e.ID]++
		}
		if fails {
			return down
		}
		return nil
	})
	bounce := events.Event{Kind: events.KindBounced, Bounce: events.BounceHard, Recipient: "A@example.com"}
	first, err := store.Emit(t.Context(), bounce)
	require.ErrorIs(t, err, down)
	fails = false
	again, err := store.Emit(t.Context(), bounce)
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, map[string]int{first.ID: 2}, got)
	assert.Equal(t, r.MessageID, first.MessageID)
	assert.Equal(t, "Order", first.Subject)
	_, err = store.Emit(t.Context(), events.Event{Kind: events.KindOpened, Recipient: "b@example.com", Automated: events.Yes})
	require.NoError(t, err)

	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, status.Recipients, 2)
	assert.Equal(t, provider.StateBounced, status.Recipients[0].State)
	assert.Equal(t, provider.StateDelivered, status.Recipients[1].State)
	for s, err := range c.AllSuppressions(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, provider.Reason("bounced"), s.Reason)
	}
	for range 200 {
		_, err := store.Emit(t.Context(), events.Event{Kind: events.KindListed, Recipient: fmt.Sprint(len(got), "@example.com")})
		require.NoError(t, err)
	}
	polled := map[string]int{}
	cursor := events.FileCursor(t.TempDir())
	for range 2 {
		_, err = events.Poll(t.Context(), c, cursor, func(_ context.Context, list []events.Event) error {
			for _, e := range list {
				assert.Equal(t, events.SourceLog, e.Source)
				polled[e.ID]++
			}
			return nil
		})
		require.NoError(t, err)
	}
	assert.Len(t, polled, len(got))
	for id, n := range polled {
		assert.Equal(t, 1, n)
		assert.Contains(t, got, id)
	}
	_, err = events.ListEvents(t.Context(), c, events.Query{Cursor: "x"})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = events.ListWebhooks(t.Context(), c)
	assert.ErrorIs(t, err, provider.ErrUnsupported)
}

func TestContacts(t *testing.T) {
	store := memory.NewStore()
	store.AddList("4", "News")
	c, err := store.Client()
	require.NoError(t, err)
	for i := range 250 {
		_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: fmt.Sprintf("c%03d@example.com", i), Lists: []provider.Ref{{ID: "4"}}})
		require.NoError(t, err)
	}
	n := 0
	for got, err := range c.AllContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "4"}}) {
		require.NoError(t, err)
		assert.Equal(t, provider.StatusSubscribed, got.Memberships[0].Status)
		n++
	}
	assert.Equal(t, 250, n)
	_, err = c.Unsubscribe(t.Context(), "c001@example.com", provider.Ref{}, "")
	require.NoError(t, err)
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: "c001@example.com", FirstName: provider.ChangeTo("نگار"), Fields: map[string]any{"CITY": "Tehran"}, Lists: []provider.Ref{{ID: "4"}}})
	require.ErrorIs(t, err, provider.ErrConflict)
	assert.Equal(t, provider.ContactUpdated, r.State)
	got, err := c.GetContact(t.Context(), "C001@example.com")
	require.NoError(t, err)
	assert.Equal(t, provider.StatusUnsubscribed, got.Memberships[0].Status, "an upsert never brings an address back")
	assert.NotEmpty(t, got.Suppressed)
	assert.Equal(t, "نگار", got.FirstName)
	require.NoError(t, c.DeleteContact(t.Context(), "c001@example.com"))
	assert.ErrorIs(t, c.DeleteContact(t.Context(), "c001@example.com"), provider.ErrNotFound)
	results, err := c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, []string{"c002@example.com", "nobody@example.com"})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error)
	assert.ErrorIs(t, results[1].Error, provider.ErrNotFound)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "x@example.com", Lists: []provider.Ref{{ID: "5"}}})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

func TestVerbs(t *testing.T) {
	store := memory.NewStore()
	store.AddList("4", "News")
	c, err := store.Client()
	require.NoError(t, err)
	ctx := t.Context()
	m := &provider.Message{From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}}, Subject: "x", Text: "x", SendAt: time.Now().Add(time.Hour)}
	r, err := c.Send(ctx, m)
	require.NoError(t, err)
	status, err := c.Status(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateScheduled, status.State)
	require.NoError(t, c.Cancel(ctx, r))
	assert.True(t, store.Messages()[0].Withdrawn)
	assert.ErrorIs(t, c.Cancel(ctx, r), provider.ErrNotFound)
	_, err = c.Status(ctx, r)
	assert.ErrorIs(t, err, provider.ErrNotFound)
	m.SendAt = time.Time{}
	r, err = c.Send(ctx, m)
	require.NoError(t, err)
	assert.ErrorIs(t, c.Cancel(ctx, r), provider.ErrConflict)

	for i := range 250 {
		_, err := c.AddSuppression(ctx, fmt.Sprintf("s%03d@example.com", i), "asked")
		require.NoError(t, err)
	}
	n := 0
	for a, err := range c.AllSuppressions(ctx) {
		require.NoError(t, err)
		assert.Equal(t, provider.Reason("asked"), a.Reason)
		n++
	}
	assert.Equal(t, 250, n)
	_, err = c.RemoveSuppression(ctx, "S001@example.com")
	require.NoError(t, err)
	_, err = c.RemoveSuppression(ctx, "s001@example.com")
	assert.ErrorIs(t, err, provider.ErrNotFound)

	l, err := c.CreateList(ctx, "More")
	require.NoError(t, err)
	assert.Equal(t, &provider.List{ID: "5", Name: "More"}, l)
	_, err = c.UpsertContact(ctx, provider.ContactChange{Email: "a@example.com", Lists: []provider.Ref{{ID: "4"}, {ID: "5"}}})
	require.NoError(t, err)
	_, err = c.Unsubscribe(ctx, "a@example.com", provider.Ref{}, "")
	require.NoError(t, err)
	_, err = c.Resubscribe(ctx, "a@example.com", provider.Ref{ID: "5"})
	require.NoError(t, err)
	got, err := c.GetContact(ctx, "a@example.com")
	require.NoError(t, err)
	assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}, {List: "5", Status: provider.StatusSubscribed}}, got.Memberships)
	assert.NotEmpty(t, got.Suppressed)
	_, err = c.Resubscribe(ctx, "a@example.com", provider.Ref{})
	require.NoError(t, err)
	require.NoError(t, c.DeleteList(ctx, provider.Ref{ID: "5"}))
	assert.ErrorIs(t, c.DeleteList(ctx, provider.Ref{ID: "5"}), provider.ErrNotFound)
	got, err = c.GetContact(ctx, "a@example.com")
	require.NoError(t, err)
	assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusSubscribed}}, got.Memberships)
	assert.Empty(t, got.Suppressed)
	_, err = c.Resubscribe(ctx, "a@example.com", provider.Ref{ID: "9"})
	assert.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.Resubscribe(ctx, "nobody@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

// A test waits for mail that other goroutines send.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		c, err := store.Client()
		require.NoError(t, err)
		m := &provider.Message{To: []provider.Address{{Email: "a@example.com"}}, Subject: "x", Text: "x"}
		for i := range 3 {
			time.AfterFunc(time.Duration(i+1)*time.Minute, func() {
				_, err := c.Send(t.Context(), m)
				assert.NoError(t, err)
			})
		}
		start := time.Now()
		sent, err := store.Wait(t.Context(), 2)
		require.NoError(t, err)
		assert.Len(t, sent, 2)
		assert.Equal(t, 2*time.Minute, time.Since(start))
		assert.Equal(t, "shop@example.com", sent[0].Message.From.Email, "a client has a sender")

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		sent, err = store.Wait(ctx, 4)
		assert.Len(t, sent, 3)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualError(t, err, "memory: 3 of 4 mails were sent: context deadline exceeded")
	})
}

// Lists, templates and fields have aliases; an unknown one is an error as everywhere.
func TestAliases(t *testing.T) {
	store := memory.NewStore()
	store.AddList("4", "newsletter")
	store.AddTemplate("12", "welcome")
	store.AddField("CITY", "town")
	c, err := store.Client(provider.WithFrom(provider.Address{Email: "laden@example.com"}))
	require.NoError(t, err)
	to := []provider.Address{{Email: "anna@example.com"}}
	_, err = c.Send(t.Context(), &provider.Message{To: to, Template: provider.Ref{Alias: "welcome"}})
	require.NoError(t, err)
	assert.Equal(t, "12", store.Messages()[0].Message.Template.ID)
	assert.Equal(t, "laden@example.com", store.Messages()[0].Message.From.Email)
	_, err = c.Send(t.Context(), &provider.Message{To: to, Template: provider.Ref{Alias: "welcom"}})
	assert.ErrorContains(t, err, `no alias "welcom"`)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{
		Email: "anna@example.com", Lists: []provider.Ref{{Alias: "newsletter"}}, Fields: map[string]any{"town": "Tehran"},
	})
	require.NoError(t, err)
	got, err := c.GetContact(t.Context(), "anna@example.com")
	require.NoError(t, err)
	assert.Equal(t, "4", got.Memberships[0].List)
	assert.Equal(t, "Tehran", got.Fields["town"])
}

// An account may send from its own address, whichever it is.
func TestCheckHasTheSender(t *testing.T) {
	store := memory.NewStore()
	cfg, err := provider.ParseConfig([]byte(`{"providers": {
		"a": {"provider": "memory", "from": {"email": "a@example.ir", "name": "A"}}, "b": {"provider": "memory"}}}`))
	require.NoError(t, err)
	for account, senders := range map[string][]provider.Sender{
		"a": {{Email: "a@example.ir", Name: "A", Verified: true}}, "b": nil,
	} {
		c, err := provider.Registry{store.Driver()}.OpenAccount(t.Context(), cfg, account)
		require.NoError(t, err)
		h, err := c.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, senders, h.Senders)
		assert.Empty(t, h.Notes)
	}
}
