package sendpulse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/sendpulse"
)

// unreadable carries the next call of an operation out and answers nonsense.
func unreadable(sb *sandbox.Server, operation string) {
	sb.Fail(name, sandbox.Fault{Operation: operation, Status: http.StatusOK, Body: `{"result":true,"to`, After: true})
}

func statuses(c provider.Contact) []provider.MembershipStatus {
	var out []provider.MembershipStatus
	for _, m := range c.Memberships {
		out = append(out, m.Status)
	}
	return out
}

// A step whose answer cannot be read is made, and the next ones follow.
func TestUnreadableStepGoesOn(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	unreadable(sb, "addContacts")
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: anna, Lists: []provider.Ref{{ID: "4"}, {ID: "5"}}})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0].Why, "list 4")
	assert.Len(t, sb.Contacts(name)[0].Memberships, 2)

	unreadable(sb, "addSMTPUnsubscribes")
	unreadable(sb, "unsubscribeContacts")
	r, err = c.Unsubscribe(t.Context(), anna, provider.Ref{}, "")
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.Len(t, r.Notes, 3)
	assert.Equal(t, []provider.MembershipStatus{provider.StatusUnsubscribed, provider.StatusUnsubscribed}, statuses(sb.Contacts(name)[0]))

	unreadable(sb, "removeSMTPUnsubscribes")
	unreadable(sb, "addContacts")
	_, err = c.Resubscribe(t.Context(), anna, provider.Ref{})
	require.NoError(t, err)
	assert.Equal(t, []provider.MembershipStatus{provider.StatusSubscribed, provider.StatusSubscribed}, statuses(sb.Contacts(name)[0]))

	unreadable(sb, "removeContacts")
	results, err := c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, []string{anna})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error)
}

// Who is unsubscribed from transactional mail already still leaves the lists.
func TestUnsubscribeAgain(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}})
	sb.Fail(name, sandbox.Fault{Operation: "addSMTPUnsubscribes", Status: http.StatusBadRequest, Body: `{"error_code":19,"message":"exists"}`})
	_, err := c.Unsubscribe(t.Context(), anna, provider.Ref{}, "")
	require.NoError(t, err)
	assert.Equal(t, []provider.MembershipStatus{provider.StatusUnsubscribed}, statuses(sb.Contacts(name)[0]))
}

func TestFieldsSetButNotThePhone(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed)}})
	sb.Fail(name, sandbox.Fault{Operation: "updateContactPhone", Status: http.StatusUnprocessableEntity, Body: `{"error_code":422,"message":"bad phone"}`})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{
		Email: anna, Lists: []provider.Ref{{ID: "4"}}, Phone: provider.ChangeTo("375291234567"), Fields: map[string]any{"city": "Minsk"},
	})
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Contains(t, e.Message, "done: fields of list 4; then phone of list 4")
	require.NotNil(t, r)
	assert.NotContains(t, r.Notes[0].Why, "the fields were set")
	assert.Equal(t, "Minsk", sb.Contacts(name)[0].Fields["city"])
}

// Removing an address must not forget that it has left by itself.
func TestRemoveKeepsFinalStatuses(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed)}})
	sb.AddContact(name, provider.Contact{Email: "free@example.com", Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}})
	results, err := c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, []string{anna, "free@example.com"})
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Error, provider.ErrConflict)
	assert.EqualValues(t, "lists.remove", results[0].Error.Op)
	assert.Equal(t, name, results[0].Error.Account)
	assert.Nil(t, results[1].Error)
	require.Len(t, sb.Contacts(name), 1)
	assert.Equal(t, []provider.MembershipStatus{provider.StatusUnsubscribed}, statuses(sb.Contacts(name)[0]))

	results, err = c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, []string{anna})
	require.NoError(t, err)
	assert.NotNil(t, results[0].Error)
}

// Who is on the list already is no error and needs no change.
func TestAddAgain(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}})
	results, err := c.AddToList(t.Context(), provider.Ref{ID: "4"}, []string{anna})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error)
	assert.Equal(t, []string{"listMemberships"}, operations(sb))
}

// A change of several groups that ends in the middle has changed something.
func TestMembersInTheMiddle(t *testing.T) {
	sb, c := start(t)
	emails := make([]string, 101)
	for i := range emails {
		emails[i] = fmt.Sprintf("c%03d@example.com", i)
		sb.AddContact(name, provider.Contact{Email: emails[i], Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}})
	}
	unreadable(sb, "removeContacts")
	sb.Fail(name, sandbox.Fault{Operation: "removeContacts", Status: http.StatusTooManyRequests})
	results, err := c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, emails)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrRateLimited, e.Kind)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Len(t, results, 100)
}

// A server that ignores where a page starts ends a listing of all contacts.
func TestListingEnds(t *testing.T) {
	lists, rows := `[{"id":4,"name":"News","status":0}]`, `[{"email":"a@example.com","status":1},{"email":"b@example.com","status":1}]`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text := rows
		if r.URL.Path == "/addressbooks" {
			text = lists
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(srv.Close)
	c, err := sendpulse.Open(sendpulse.Config{AccountSettings: provider.AccountSettings{BaseURL: srv.URL, Tries: 1}, APIKey: provider.NewSecret("sp_key")})
	require.NoError(t, err)
	for _, q := range []provider.ContactQuery{
		{},
		{Limit: 1},
		{Limit: 2},
		{Limit: 2, List: provider.Ref{ID: "4"}},
	} {
		pages := 0
		for range 10 {
			var page *provider.Page[provider.Contact]
			if page, err = c.ListContacts(t.Context(), q); err != nil {
				break
			}
			pages++
			q.Cursor = page.Next
		}
		require.ErrorIs(t, err, provider.ErrBadResponse, "%+v", q)
		assert.ErrorContains(t, err, "same page again")
		assert.Equal(t, 1, pages, "%+v", q)
	}
}
