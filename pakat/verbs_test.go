package pakat_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func letter(at time.Time) *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: sara}}, Subject: "سفارش شما", HTML: "<p>سلام</p>", SendAt: at}
}

func TestCancel(t *testing.T) {
	s, c := start(t)
	r, err := c.Send(t.Context(), letter(time.Now().Add(time.Hour)))
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), r))
	assert.True(t, s.Messages("pakat")[0].Withdrawn)
	assert.ErrorIs(t, c.Cancel(t.Context(), r), provider.ErrNotFound)

	r, err = c.Send(t.Context(), letter(time.Time{}))
	require.NoError(t, err)
	s.Advance(time.Hour)
	before := len(s.Requests("pakat"))
	assert.ErrorIs(t, c.Cancel(t.Context(), r), provider.ErrConflict)
	assert.Equal(t, []string{"getTransactionalEmail"}, operations(s, before), "what was sent is not deleted")
	assert.False(t, s.Messages("pakat")[1].Withdrawn)
}

// The answer to the deletion is lost; the mail is not there any more.
func TestCancelAnswerLost(t *testing.T) {
	s, c := start(t)
	r, err := c.Send(t.Context(), letter(time.Now().Add(time.Hour)))
	require.NoError(t, err)
	s.Fail("pakat", sandbox.Fault{Operation: "deleteTransactionalEmail", Status: 500, After: true})
	assert.NoError(t, c.Cancel(t.Context(), r))
}

func TestResubscribeList(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{
		Email: sara, FirstName: "سارا", Fields: map[string]any{"CITY": "شیراز"},
		Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}, {List: listB, Status: provider.StatusBlocked}},
	})
	r, err := c.Resubscribe(t.Context(), sara, provider.Ref{ID: listA})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.NotEmpty(t, r.ID)
	assert.Equal(t, []string{"getSubscriberByEmail", "getSubscriber", "updateSubscriber", "getSubscriber"}, operations(s, 0))
	got := s.Contacts("pakat")[0]
	assert.Equal(t, []provider.Membership{{List: listA, Status: provider.StatusSubscribed}, {List: listB, Status: provider.StatusBlocked}}, got.Memberships)
	assert.Equal(t, "سارا", got.FirstName, "the fields stay")
	assert.Equal(t, "شیراز", got.Fields["CITY"])

	r, err = c.Resubscribe(t.Context(), sara, provider.Ref{ID: listA})
	require.NoError(t, err)
	assert.Len(t, r.Notes, 1, "subscribed already")
	_, err = c.Resubscribe(t.Context(), sara, provider.Ref{ID: listB})
	assert.ErrorIs(t, err, provider.ErrConflict, "a block is no unsubscription")
	_, err = c.Resubscribe(t.Context(), "b@example.com", provider.Ref{ID: listA})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

func TestResubscribeAll(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}, {List: listB, Status: provider.StatusBlocked}}})
	r, err := c.Resubscribe(t.Context(), sara, provider.Ref{})
	require.NoError(t, err)
	assert.Equal(t, []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: "left as it is on confirmed0001 (blacklisted)"}}, r.Notes)
	assert.Equal(t, provider.StatusSubscribed, s.Contacts("pakat")[0].Memberships[0].Status)
	r, err = c.Resubscribe(t.Context(), sara, provider.Ref{})
	require.NoError(t, err)
	assert.Len(t, r.Notes, 2, "nothing to undo")
	_, err = c.Resubscribe(t.Context(), "b@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

// The vendor takes the update and leaves the status.
func TestResubscribeIsReadAfterwards(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}}})
	s.Fail("pakat", sandbox.Fault{Operation: "updateSubscriber", Status: 200, Body: `{"status":"success","data":{"record":{"subscriber_uid":"x"}}}`})
	_, err := c.Resubscribe(t.Context(), sara, provider.Ref{ID: listA})
	assert.ErrorIs(t, err, provider.ErrConflict)
	assert.ErrorContains(t, err, "left the address unsubscribed")
}

func TestListKeeper(t *testing.T) {
	s, c := start(t)
	l, err := c.CreateList(t.Context(), "مشتریان")
	require.NoError(t, err)
	assert.Equal(t, "مشتریان", l.Name)
	sent := map[string]string{}
	for _, f := range s.Requests("pakat")[0].Fields {
		sent[f.Name] = f.Value
	}
	assert.Equal(t, map[string]string{
		"general[name]": "مشتریان", "general[description]": "مشتریان",
		"defaults[from_name]": "Shop", "defaults[from_email]": "shop@example.com", "defaults[reply_to]": "shop@example.com",
	}, sent)
	require.NoError(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}))
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}), provider.ErrNotFound)

	s.Fail("pakat", sandbox.Fault{Operation: "createList", Status: 201, Body: `{"status":"success"}`})
	_, err = c.CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrBadResponse)

	cfg := config(s)
	cfg.From = provider.Address{}
	c, err = pakat.Open(cfg)
	require.NoError(t, err)
	before := len(s.Requests("pakat"))
	_, err = c.CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrConfig)
	assert.ErrorContains(t, err, "providers.pakat.from")
	assert.Len(t, s.Requests("pakat"), before)
}
