package smsby_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// A row whose answer cannot be read is stored, and the next lists follow.
func TestUnreadableStepGoesOn(t *testing.T) {
	sb := sandbox.New(t)
	sb.AddList("smsby", "319", "Второй")
	c := open(t, config(sb))
	unreadable := func() {
		sb.Fail("smsby", sandbox.Fault{Operation: "importContacts", Status: 200, Body: `{"status":"OK","da`, After: true})
	}
	change := provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: "318"}, {ID: "319"}}}
	unreadable()
	r, err := c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactStored, r.State)
	require.Len(t, r.Notes, 2)
	assert.Contains(t, r.Notes[0].Why, "unsubscription")
	assert.Contains(t, r.Notes[1].Why, "list 318")
	assert.Len(t, sb.Contacts("smsby")[0].Memberships, 2)

	unreadable()
	results, err := c.AddToList(t.Context(), provider.Ref{ID: "318"}, []string{"b@example.by", "c@example.by"})
	require.NoError(t, err)
	assert.Len(t, results, 2)

	// What was stored before makes the whole neither made nor refused.
	unreadable()
	sb.Fail("smsby", sandbox.Fault{Operation: "importContacts", Status: 429})
	r, err = c.UpsertContact(t.Context(), change)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.False(t, e.Elsewhere)
	require.NotNil(t, r)
	assert.Equal(t, provider.ContactUnknown, r.State)
}

func TestImportMayLift(t *testing.T) {
	caps := open(t, config(sandbox.New(t))).Capabilities()
	for _, f := range []provider.Feature{feature.ContactsUpsert, feature.ContactsImport, feature.ListsAdd} {
		assert.Equal(t, provider.LevelLimited, caps[f].Level, f)
		assert.NotEmpty(t, caps[f].Limit, f)
		assert.Equal(t, "guess", caps[f].Basis, f)
	}
}
