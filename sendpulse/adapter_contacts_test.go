package sendpulse_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

const anna = "anna@example.com"

func on(list string, status provider.MembershipStatus) provider.Membership {
	return provider.Membership{List: list, Status: status}
}

func TestUpsertAndGet(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	change := provider.ContactChange{
		Email: anna, Lists: []provider.Ref{{ID: "4"}, {ID: "5"}}, FirstName: provider.ChangeTo("Анна"), Phone: provider.ChangeTo("375291234567"),
		Fields: map[string]any{"city": "Minsk", "points": 12, "birthday": "1990-05-01"},
	}
	r, err := c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.Empty(t, r.Notes)
	assert.Equal(t, []string{"listMemberships", "addContacts", "addContacts"}, operations(sb))
	r, err = c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactUpdated, r.State)

	got, err := c.GetContact(t.Context(), anna)
	require.NoError(t, err)
	assert.Equal(t, &provider.Contact{
		Email: anna, FirstName: "Анна", Phone: "375291234567", Suppressed: []provider.Suppression{},
		Fields:      map[string]any{"city": "Minsk", "points": 12.0, "birthday": "1990-05-01"},
		Memberships: []provider.Membership{on("4", provider.StatusSubscribed), on("5", provider.StatusSubscribed)},
	}, got)

	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: anna, Lists: []provider.Ref{{ID: "4"}}, Fields: map[string]any{"points": "many"}})
	require.ErrorIs(t, err, provider.ErrInvalid, "an error in a 200")
}

func TestGetSuppressed(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusComplained)}})
	sb.AddSuppression(name, anna, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
	got, err := c.GetContact(t.Context(), anna)
	require.NoError(t, err)
	assert.Equal(t, []provider.Suppression{
		{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed from everything"},
		{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "unsubscribed"},
	}, got.Suppressed)
}

// An upsert brings nobody back, but still sets the fields.
func TestUpsertLeavesFinalStatuses(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	sb.AddList(name, "6", "Third")
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed), on("6", provider.StatusSubscribed)}})
	change := provider.ContactChange{
		Email: anna, Lists: []provider.Ref{{ID: "4"}, {ID: "5"}}, Phone: provider.ChangeTo("375291234567"), Fields: map[string]any{"city": "Minsk"},
	}
	r, err := c.UpsertContact(t.Context(), change)
	require.ErrorIs(t, err, provider.ErrConflict)
	assert.ErrorContains(t, err, "not put on list 4: it is unsubscribed there (status 4); resubscribe is the verb for that, and the rest was stored")
	assert.Equal(t, provider.ContactUpdated, r.State)
	assert.Equal(t, []string{"listMemberships", "updateContactVariables", "updateContactPhone", "addContacts"}, operations(sb))
	stored := sb.Contacts(name)[0]
	assert.Equal(t, []provider.Membership{on("4", provider.StatusUnsubscribed), on("6", provider.StatusSubscribed), on("5", provider.StatusSubscribed)}, stored.Memberships)
	assert.Equal(t, "Minsk", stored.Fields["city"])
	assert.Equal(t, "375291234567", stored.Phone)

	// Who left everything is put on no further list.
	sb.Reset()
	sb.AddList(name, "5", "Second")
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("5", provider.StatusComplained)}})
	change.Lists = change.Lists[:1]
	r, err = c.UpsertContact(t.Context(), change)
	require.ErrorIs(t, err, provider.ErrConflict)
	assert.Nil(t, r, "nothing was stored: it is on none of the named lists")
	assert.Equal(t, []provider.Membership{on("5", provider.StatusComplained)}, sb.Contacts(name)[0].Memberships)

	results, err := c.AddToList(t.Context(), provider.Ref{ID: "5"}, []string{"new@example.com", anna})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error)
	require.NotNil(t, results[1].Error)
	assert.Equal(t, provider.ErrConflict, results[1].Error.Kind)
	assert.Equal(t, []provider.Membership{on("5", provider.StatusComplained)}, sb.Contacts(name)[0].Memberships)
}

func TestUpsertPartly(t *testing.T) {
	sb, c := start(t)
	change := provider.ContactChange{Email: anna, Lists: []provider.Ref{{ID: "99"}, {ID: "4"}}}
	r, err := c.UpsertContact(t.Context(), change)
	require.ErrorIs(t, err, provider.ErrNotFound)
	assert.Nil(t, r, "nothing was done")
	assert.Contains(t, err.Error(), "nothing was changed")

	change.Lists[0], change.Lists[1] = change.Lists[1], change.Lists[0]
	r, err = c.UpsertContact(t.Context(), change)
	require.ErrorIs(t, err, provider.ErrNotFound)
	assert.Contains(t, err.Error(), "done: list 4; then list 99")
	require.NotNil(t, r)
	assert.Equal(t, provider.ContactUnknown, r.State)
	assert.Len(t, r.Notes, 1)
	assert.Len(t, sb.Contacts(name), 1)
}

func TestDelete(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusSubscribed)}})
	require.NoError(t, c.DeleteContact(t.Context(), anna))
	require.ErrorIs(t, c.DeleteContact(t.Context(), anna), provider.ErrNotFound)
	assert.Equal(t, []string{"listMemberships", "deleteContact", "listMemberships"}, operations(sb))
}

func TestUnsubscribe(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	sb.AddList(name, "6", "Third")
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{
		on("4", provider.StatusSubscribed), on("5", provider.StatusUnsubscribed), on("6", provider.StatusSubscribed),
	}})

	for range 2 { // a repeat is fine
		r, err := c.Unsubscribe(t.Context(), anna, provider.Ref{ID: "4"}, "asked")
		require.NoError(t, err)
		assert.Equal(t, provider.ContactDone, r.State)
		assert.Len(t, r.Notes, 1)
	}
	_, err := c.Unsubscribe(t.Context(), "nobody@example.com", provider.Ref{ID: "4"}, "")
	require.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.Unsubscribe(t.Context(), anna, provider.Ref{ID: "99"}, "")
	require.ErrorIs(t, err, provider.ErrNotFound)

	r, err := c.Unsubscribe(t.Context(), anna, provider.Ref{}, "asked")
	require.NoError(t, err)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0].Why, "transactional mail, list 6")
	stored := sb.Contacts(name)[0]
	for _, m := range stored.Memberships {
		assert.Equal(t, provider.StatusUnsubscribed, m.Status)
	}
	assert.Len(t, stored.Suppressed, 1)

	// An address that is on no list is kept from transactional mail too.
	_, err = c.Unsubscribe(t.Context(), "nobody@example.com", provider.Ref{}, "")
	require.NoError(t, err)
}

func TestUnsubscribePartly(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	// What waits for its confirmation is not active, and the vendor refuses it.
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusSubscribed), on("5", provider.StatusPending)}})
	r, err := c.Unsubscribe(t.Context(), anna, provider.Ref{}, "")
	require.ErrorIs(t, err, provider.ErrInvalid)
	assert.Contains(t, err.Error(), "done: transactional mail, list 4; then list 5")
	require.NotNil(t, r)
	assert.Equal(t, provider.ContactUnknown, r.State)

	sb.Fail(name, sandbox.Fault{Operation: "addSMTPUnsubscribes", Status: http.StatusTooManyRequests})
	r, err = c.Unsubscribe(t.Context(), anna, provider.Ref{}, "")
	require.ErrorIs(t, err, provider.ErrRateLimited)
	assert.Nil(t, r, "nothing was done")
}

func TestListContacts(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Empty")
	sb.AddList(name, "6", "Third")
	for i := range 5 {
		lists := []provider.Membership{on("4", provider.StatusSubscribed)}
		if i < 2 {
			lists = append(lists, on("6", provider.StatusUnsubscribed))
		}
		sb.AddContact(name, provider.Contact{Email: fmt.Sprintf("c%d@example.com", i), FirstName: "C", Phone: "37529", Memberships: lists})
	}
	var seen []string
	for got, err := range c.AllContacts(t.Context(), provider.ContactQuery{Limit: 2}) {
		require.NoError(t, err)
		assert.Equal(t, "C", got.FirstName)
		assert.Equal(t, "37529", got.Phone)
		require.Len(t, got.Memberships, 1)
		seen = append(seen, got.Email[:2]+" "+got.Memberships[0].List)
	}
	assert.Equal(t, []string{"c0 4", "c1 4", "c2 4", "c3 4", "c4 4", "c0 6", "c1 6"}, seen)

	page, err := c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "4"}, Limit: 3})
	require.NoError(t, err)
	assert.Len(t, page.Items, 3)
	assert.Regexp(t, "^3/[0-9/]+$", page.Next)
	page, err = c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "4"}, Limit: 3, Cursor: page.Next})
	require.NoError(t, err)
	assert.Len(t, page.Items, 2)
	page, err = c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "4"}, Limit: 3, Cursor: page.Next})
	require.NoError(t, err)
	assert.Empty(t, page.Items, "only an empty page is known to be the last")
	assert.Empty(t, page.Next)

	_, err = c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "99"}})
	require.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.ListContacts(t.Context(), provider.ContactQuery{Cursor: "odd"})
	require.ErrorIs(t, err, provider.ErrInvalid)
}

func TestLists(t *testing.T) {
	sb, c := start(t)
	for i := range 100 {
		sb.AddList(name, fmt.Sprint(100+i), fmt.Sprintf("List %d", i))
	}
	n := 0
	for _, err := range c.AllLists(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 101, n)
	assert.Equal(t, []string{"listLists", "listLists", "listLists"}, operations(sb))
}

// More addresses than one call takes are divided.
func TestMembers(t *testing.T) {
	sb, c := start(t)
	emails := make([]string, 101)
	for i := range emails {
		emails[i] = fmt.Sprintf("c%03d@example.com", i)
	}
	results, err := c.AddToList(t.Context(), provider.Ref{ID: "4"}, emails)
	require.NoError(t, err)
	assert.Len(t, results, 101)
	assert.Len(t, sb.Contacts(name), 101)
	results, err = c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, emails)
	require.NoError(t, err)
	assert.Len(t, results, 101)
	assert.Empty(t, sb.Contacts(name))

	_, err = c.RemoveFromList(t.Context(), provider.Ref{ID: "99"}, emails)
	require.ErrorIs(t, err, provider.ErrNotFound)

	// A refusal of a group belongs to each of its addresses.
	sb.Fail(name, sandbox.Fault{Operation: "removeContacts", Status: http.StatusUnprocessableEntity, Body: `{"error_code":832,"message":"bad"}`})
	results, err = c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, emails[:2])
	require.NoError(t, err)
	for _, r := range results {
		require.NotNil(t, r.Error)
		assert.Equal(t, "832", r.Error.Code)
	}
}
