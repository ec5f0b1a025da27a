package pakat_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// The look after a duplicate fails when another list has the contact already.
func TestUpsertReadFailsHalfway(t *testing.T) {
	s, c := start(t)
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 201, Body: `{"status":"success","da`, After: true})
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 409, Body: `{"status":"error","error":"exists"}`})
	s.Fail("pakat", sandbox.Fault{Operation: "getSubscriberByEmail", Status: 503})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA, listB)})
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome, "the first list has it")
	assert.False(t, e.Elsewhere)
	assert.Contains(t, e.Message, "after 1 of 2 lists")
	require.NotNil(t, r)
	assert.Equal(t, provider.ContactUnknown, r.State)
	assert.Len(t, s.Contacts("pakat"), 1)
}

func TestUnsubscribeNobody(t *testing.T) {
	s, c := start(t)
	r, err := c.Unsubscribe(t.Context(), "nobody@example.com", provider.Ref{}, "")
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0].Why, "on no list")
	assert.Equal(t, []string{"listSubscribersByEmail", "unsubscribeEmailFromAllLists"}, operations(s, 0))

	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA}}})
	r, err = c.Unsubscribe(t.Context(), sara, provider.Ref{}, "")
	require.NoError(t, err)
	assert.Empty(t, r.Notes)
}

// Who has left every list that is shown gets no marketing mail.
func TestSuppressedByLists(t *testing.T) {
	s, c := start(t)
	left := []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed"}}
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}}})
	got, err := c.GetContact(t.Context(), sara)
	require.NoError(t, err)
	assert.Equal(t, left, got.Suppressed)
	page, err := c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: listA}})
	require.NoError(t, err)
	assert.Equal(t, left, page.Items[0].Suppressed)

	s.AddContact("pakat", provider.Contact{Email: "b@example.com", Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}, {List: listB}}})
	got, err = c.GetContact(t.Context(), "b@example.com")
	require.NoError(t, err)
	assert.Empty(t, got.Suppressed, "one list is left")
}

// A server that ignores the number of the page ends a search.
func TestSearchEnds(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		page := r.URL.Query().Get("page")
		_, _ = w.Write([]byte(`{"status":"success","data":{"count":9,"next_page":` + page + `1,"records":[{"subscriber_uid":"u1","EMAIL":"a@example.com","status":"confirmed","list":{"list_uid":"l1","name":"L"}}]}}`))
	}))
	t.Cleanup(srv.Close)
	c, err := pakat.Open(pakat.Config{AccountSettings: provider.AccountSettings{BaseURL: srv.URL, Tries: 1}, APIKey: provider.NewSecret("k")})
	require.NoError(t, err)
	_, err = c.GetContact(t.Context(), "a@example.com")
	assert.ErrorIs(t, err, provider.ErrBadResponse)
}

// Nobody can ask before whether the address has left the list.
func TestV3JoiningIsTold(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	caps := c.Capabilities()
	for _, f := range []provider.Feature{feature.ContactsUpsert, feature.ContactsImport, feature.ListsAdd} {
		assert.Equal(t, provider.LevelLimited, caps[f].Level, f)
		assert.Equal(t, "guess", caps[f].Basis, f)
	}
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in("4")})
	require.NoError(t, err)
	require.Len(t, r.Notes, 1)
	assert.Equal(t, "lists", r.Notes[0].Field)
	assert.Equal(t, provider.NoteWarning, r.Notes[0].Action)
	r, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: sara})
	require.NoError(t, err)
	assert.Empty(t, r.Notes)

	sb.Fail("pakatv3", sandbox.Fault{Operation: "updateContact", Status: 200, Body: "<html>", After: true})
	_, err = c.AddToList(t.Context(), provider.Ref{ID: "4"}, []string{sara, sara})
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown, "a page of HTML is no proof that it was stored")
}
