package brevo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func opened(t *testing.T, sb *sandbox.Server, folder int64) *provider.Client {
	t.Helper()
	c, err := brevo.Open(brevo.Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo"), From: provider.Address{Email: "shop@example.com"}, Tries: 1},
		APIKey:          provider.NewSecret(sandbox.Key("brevo")), FolderID: folder,
	})
	require.NoError(t, err)
	return c
}

func TestSuppressions(t *testing.T) {
	sb := sandbox.New(t)
	c := opened(t, sb, 0)
	before := time.Now().Add(-time.Second)
	for reason, email := range map[provider.MembershipStatus]string{
		provider.StatusBounced: "a@example.com", provider.StatusComplained: "b@example.com", provider.StatusUnsubscribed: "c@example.com", provider.StatusBlocked: "d@example.com",
	} {
		sb.AddSuppression("brevo", email, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Sender: "shop@example.com", Reason: provider.Reason(reason)})
	}
	sb.AddSuppression("brevo", "marketing@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing})
	got := map[string]provider.Suppression{}
	for a, err := range c.AllSuppressions(t.Context()) {
		require.NoError(t, err)
		assert.True(t, a.At.After(before))
		a.At = time.Time{}
		got[a.Email] = a
	}
	require.Len(t, got, 4)
	assert.Equal(t, provider.Suppression{
		Email:   "a@example.com",
		Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Sender: "shop@example.com", Reason: provider.Reason(provider.StatusBounced),
	}, got["a@example.com"])
	assert.EqualValues(t, "complained unsubscribed blocked", got["b@example.com"].Reason+" "+got["c@example.com"].Reason+" "+got["d@example.com"].Reason)
	_, err := c.ListSuppressions(t.Context(), "x")
	assert.ErrorContains(t, err, "cursor")
	r, err := c.RemoveSuppression(t.Context(), "a@example.com")
	require.NoError(t, err)
	assert.NotEmpty(t, r.Notes)
	_, err = c.RemoveSuppression(t.Context(), "a@example.com")
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

// Undoing an unsubscription lifts what was asked for and nothing else.
func TestResubscribe(t *testing.T) {
	sb := sandbox.New(t)
	c := opened(t, sb, 0)
	marketing := provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed"}
	bounced := provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "bounced"}
	sms := provider.Suppression{Channel: provider.ChannelSMS, Scope: provider.ScopeMarketing, Reason: "unsubscribed"}
	sb.AddContact("brevo", provider.Contact{
		Email: "a@example.com", Suppressed: []provider.Suppression{marketing, bounced, sms},
		Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}},
	})
	_, err := c.Resubscribe(t.Context(), "a@example.com", provider.Ref{})
	require.NoError(t, err)
	assert.Equal(t, []provider.Suppression{bounced, sms}, sb.Contacts("brevo")[0].Suppressed)
	assert.Equal(t, provider.StatusUnsubscribed, sb.Contacts("brevo")[0].Memberships[0].Status)
	_, err = c.Resubscribe(t.Context(), "a@example.com", provider.Ref{ID: "4"})
	require.NoError(t, err)
	assert.Equal(t, provider.StatusSubscribed, sb.Contacts("brevo")[0].Memberships[0].Status)
	sb.AddContact("brevo", provider.Contact{Email: "kept@example.com", Suppressed: []provider.Suppression{marketing}})
	sb.Fail("brevo", sandbox.Fault{Operation: "updateContact", Status: 204}) // and nothing is changed
	_, err = c.Resubscribe(t.Context(), "kept@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrConflict)
	assert.ErrorContains(t, err, "still blocked")
	_, err = c.Resubscribe(t.Context(), "a@example.com", provider.Ref{ID: "x"})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = c.Resubscribe(t.Context(), "nobody@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrNotFound)
	assert.Len(t, sb.Contacts("brevo"), 2, "nobody is made a contact")
}

func TestListsNeedAFolder(t *testing.T) {
	sb := sandbox.New(t)
	_, err := opened(t, sb, 0).CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "providers.brevo.folder_id")
	assert.Empty(t, sb.Requests("brevo"))
	c := opened(t, sb, 1)
	l, err := c.CreateList(t.Context(), "x")
	require.NoError(t, err)
	require.NoError(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}))
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}), provider.ErrNotFound)
	_, err = opened(t, sb, 99).CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrInvalid)

	sb.Fail("brevo", sandbox.Fault{Operation: "createList", Status: 201, Body: `{"id":0}`, After: true})
	_, err = c.CreateList(t.Context(), "y")
	assert.ErrorContains(t, err, "has no id")
	assert.ErrorContains(t, err, "it was changed")
	sb.Fail("brevo", sandbox.Fault{Operation: "createList", Status: 500, After: true})
	_, err = c.CreateList(t.Context(), "z")
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "a repeat may make a second list")

	_, err = brevo.Open(brevo.Config{APIKey: provider.NewSecret("k"), FolderID: -1})
	assert.ErrorContains(t, err, "folder_id: expected a whole number of 1 or more, got -1")
	t.Setenv("FOLDER", "one")
	open := func() (*provider.Client, error) {
		return provider.Registry{brevo.Driver()}.Open(t.Context(), provider.Config{Providers: map[string]provider.AccountConfig{"brevo": {
			"provider": "brevo", "base_url": sb.BaseURL("brevo"), "api_key": sandbox.Key("brevo"), "folder_id": "env:FOLDER",
		}}})
	}
	_, err = open()
	assert.ErrorIs(t, err, provider.ErrConfig)
	assert.ErrorContains(t, err, "folder_id")
	t.Setenv("FOLDER", "1")
	c, err = open()
	require.NoError(t, err)
	_, err = c.CreateList(t.Context(), "w")
	assert.NoError(t, err)
}
