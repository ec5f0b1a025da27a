package pakat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestV3Verbs(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	_, err := c.CreateList(t.Context(), "x")
	assert.ErrorContains(t, err, "providers.pakatv3.folder_id")
	assert.Empty(t, sb.Requests("pakatv3"))
	withFolder, err := pakat.OpenV3(pakat.V3Config{AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("pakatv3")}, APIKey: provider.NewSecret(sandbox.Key("pakatv3")), FolderID: 1})
	require.NoError(t, err)
	l, err := withFolder.CreateList(t.Context(), "x")
	require.NoError(t, err)
	assert.NotEmpty(t, l.ID)
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}), provider.ErrUnsupported)

	sb.AddContact("pakatv3", provider.Contact{Email: "a@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}})
	r, err := c.Resubscribe(t.Context(), "a@example.com", provider.Ref{})
	require.NoError(t, err)
	assert.NotEmpty(t, r.Notes)
	assert.Equal(t, provider.ContactDone, r.State, "the list of changed contacts shows it")
	assert.Empty(t, sb.Contacts("pakatv3")[0].Suppressed)

	sb.AddContact("pakatv3", provider.Contact{Email: "kept@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}})
	sb.Fail("pakatv3", sandbox.Fault{Operation: "updateContact", Status: 204}) // and nothing is changed
	_, err = c.Resubscribe(t.Context(), "kept@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrConflict)
	sb.Fail("pakatv3", sandbox.Fault{Operation: "listContacts", Status: 200, Body: `{"contacts":[],"count":0}`})
	r, err = c.Resubscribe(t.Context(), "kept@example.com", provider.Ref{})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactUnknown, r.State)
	_, err = c.Resubscribe(t.Context(), "nobody@example.com", provider.Ref{})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

// The answer is assumed: without a count, only an empty page is the last.
func TestV3SuppressionsWithoutCount(t *testing.T) {
	sb := sandbox.New(t)
	sb.Fail("pakatv3", sandbox.Fault{Operation: "listBlockedContacts", Status: 200, Body: `{"contacts":[{"email":"a@example.com","reason":{"code":"somethingNew"}},{"email":"b@example.com","reason":{"message":"why"}}]}`})
	var reasons []provider.Reason
	for a, err := range v3Client(t, sb, nil).AllSuppressions(t.Context()) {
		require.NoError(t, err)
		reasons = append(reasons, a.Reason)
	}
	assert.Equal(t, []provider.Reason{"somethingNew", "why"}, reasons)
	assert.Len(t, sb.Requests("pakatv3"), 2)
}
