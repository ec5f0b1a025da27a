package pakat_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestContactOnTwoLists(t *testing.T) {
	s, c := start(t)
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{
		Email: sara, FirstName: provider.ChangeTo("سارا"), Phone: provider.ChangeTo("+989121234567"),
		Fields: map[string]any{"CITY": "شیراز", "POINTS": 7.0}, Lists: in(listA, listB, listA),
	})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.Empty(t, r.ID, "the id differs from list to list")
	assert.Equal(t, []string{"listSubscribersByEmail", "listFields", "listFields", "createSubscriber", "createSubscriber"}, operations(s, 0))

	got, err := c.GetContact(t.Context(), "Sara@EXAMPLE.com")
	require.NoError(t, err)
	assert.Equal(t, sara, got.Email)
	assert.Equal(t, "سارا", got.FirstName)
	assert.Equal(t, "+989121234567", got.Phone)
	assert.Equal(t, map[string]any{"CITY": "شیراز", "POINTS": "7"}, got.Fields)
	assert.Equal(t, []provider.Membership{{List: listA, Status: provider.StatusSubscribed}, {List: listB, Status: provider.StatusPending}}, got.Memberships)

	var seen int
	for _, err := range c.AllContacts(t.Context(), provider.ContactQuery{Limit: 1}) {
		require.NoError(t, err)
		seen++
	}
	assert.Equal(t, 2, seen, "an address on two lists comes twice")

	require.NoError(t, c.DeleteContact(t.Context(), sara))
	_, err = c.GetContact(t.Context(), sara)
	assert.ErrorIs(t, err, provider.ErrNotFound)
	assert.Empty(t, s.Contacts("pakat"))
}

func TestUpdateKeepsFields(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{
		Email: sara, FirstName: "سارا", Fields: map[string]any{"CITY": "شیراز", "POINTS": "7"},
		Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}},
	})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{
		Email: sara, LastName: provider.ChangeTo("کریمی"), Fields: map[string]any{"POINTS": nil}, Lists: in(listA), Status: provider.StatusSubscribed,
	})
	require.ErrorIs(t, err, provider.ErrConflict)
	assert.ErrorContains(t, err, "not put on list newsletter001: it is unsubscribed there; resubscribe is the verb for that, and the rest was stored")
	assert.Equal(t, provider.ContactUpdated, r.State)
	assert.NotEmpty(t, r.ID)
	assert.Empty(t, r.Notes)
	got := s.Contacts("pakat")[0]
	assert.Equal(t, "سارا", got.FirstName)
	assert.Equal(t, "کریمی", got.LastName)
	assert.Equal(t, map[string]any{"CITY": "شیراز"}, got.Fields)
	assert.Equal(t, provider.StatusUnsubscribed, got.Memberships[0].Status, "an unsubscription is not undone")

	before := len(s.Requests("pakat"))
	r, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA), Status: provider.StatusBlocked})
	require.NoError(t, err)
	assert.Empty(t, r.Notes)
	assert.Equal(t, []string{"listSubscribersByEmail", "getSubscriber", "unsubscribeSubscriber", "updateSubscriber"}, operations(s, before))
	assert.Equal(t, provider.StatusBlocked, s.Contacts("pakat")[0].Memberships[0].Status, "a block is more than an unsubscription")

	before = len(s.Requests("pakat"))
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA), Status: provider.StatusUnsubscribed})
	require.NoError(t, err)
	assert.Equal(t, []string{"listSubscribersByEmail"}, operations(s, before), "nothing to write: an unsubscription is less than a block")
}

func TestUpsertSetsStatus(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Fields: map[string]any{"CITY": "شیراز"}, Memberships: []provider.Membership{{List: listA}}})
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA, listB), Status: provider.StatusBlocked})
	require.NoError(t, err)
	got := s.Contacts("pakat")[0]
	assert.Equal(t, []provider.Membership{{List: listA, Status: provider.StatusBlocked}, {List: listB, Status: provider.StatusBlocked}}, got.Memberships)
	assert.Equal(t, "شیراز", got.Fields["CITY"])
}

func TestBlacklistedIsNotPutOnAnotherList(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA, Status: provider.StatusBlocked}}})
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listB)})
	assert.ErrorIs(t, err, provider.ErrConflict)
	results, err := c.AddToList(t.Context(), provider.Ref{ID: listB}, []string{sara, "new@example.com"})
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.ErrorIs(t, results[0].Error, provider.ErrConflict)
	assert.Nil(t, results[1].Error)
	assert.Len(t, s.Contacts("pakat")[0].Memberships, 1)

	got, err := c.GetContact(t.Context(), sara)
	require.NoError(t, err)
	assert.Equal(t, []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "blacklisted"}}, got.Suppressed)
}

func TestUnknownFieldAndList(t *testing.T) {
	s, c := start(t)
	for range 2 {
		_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA), Fields: map[string]any{"TOWN": "x"}})
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "fields.TOWN", e.Field)
		assert.Contains(t, e.Message, "CITY")
	}
	assert.Equal(t, []string{"listSubscribersByEmail", "listFields", "listSubscribersByEmail"}, operations(s, 0), "the fields are read once")
	assert.Empty(t, s.Contacts("pakat"))

	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in("nosuchlist000")})
	assert.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.AddToList(t.Context(), provider.Ref{ID: "nosuchlist000"}, []string{sara, "b@example.com"})
	assert.ErrorIs(t, err, provider.ErrNotFound)
	_, err = c.ListContacts(t.Context(), provider.ContactQuery{List: provider.Ref{ID: "nosuchlist000"}})
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

const nobody = `{"status":"success","data":{"count":0,"total_pages":0,"current_page":1,"next_page":null,"prev_page":null,"records":[]}}`

// The search misses an address that joins the list right after it.
func TestUpsertAfterDuplicate(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Fields: map[string]any{"CITY": "شیراز"}, Memberships: []provider.Membership{{List: listA}}})
	change := provider.ContactChange{Email: sara, FirstName: provider.ChangeTo("سارا"), Lists: in(listA)}
	for _, fault := range []sandbox.Fault{
		{Operation: "listSubscribersByEmail", Status: 200, Body: nobody},
		{Operation: "listSubscribersByEmail", Status: 404, Body: `{"status":"error","error":"none"}`},
	} {
		s.Fail("pakat", fault)
		before := len(s.Requests("pakat"))
		r, err := c.UpsertContact(t.Context(), change)
		require.NoError(t, err)
		assert.Equal(t, provider.ContactUpdated, r.State)
		assert.Equal(t, []string{"listSubscribersByEmail", "createSubscriber", "getSubscriberByEmail", "getSubscriber", "updateSubscriber"}, operations(s, before))
	}
	got := s.Contacts("pakat")[0]
	assert.Equal(t, "سارا", got.FirstName)
	assert.Equal(t, "شیراز", got.Fields["CITY"])

	s.Fail("pakat", sandbox.Fault{Operation: "listSubscribersByEmail", Status: 200, Body: nobody})
	results, err := c.AddToList(t.Context(), provider.Ref{ID: listA}, []string{sara})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error)

	// A conflict without a duplicate: the list takes no more.
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 409, Body: `{"status":"error","error":"full"}`})
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "b@example.com", Lists: in(listA)})
	assert.ErrorIs(t, err, provider.ErrConflict)
}

func TestUpsertHalfDone(t *testing.T) {
	s, c := start(t)
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 201, Body: `{"status":"success","da`, After: true})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA)})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.Len(t, r.Notes, 1, "stored, and the answer is of no use")

	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 422, Body: `{"status":"error","error":{"CITY":"required"}}`})
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, FirstName: provider.ChangeTo("سارا"), Lists: in(listA, listB)})
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome, "the first list was changed")
	assert.Equal(t, "fields.CITY", e.Field)
	assert.Equal(t, "سارا", s.Contacts("pakat")[0].FirstName)
}

func TestUnsubscribe(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA}, {List: listB}}})
	r, err := c.Unsubscribe(t.Context(), sara, provider.Ref{ID: listA}, "enough")
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.NotEmpty(t, r.ID)
	assert.Equal(t, "reason", r.Notes[0].Field)
	status := func() []provider.MembershipStatus {
		var out []provider.MembershipStatus
		for _, m := range s.Contacts("pakat")[0].Memberships {
			out = append(out, m.Status)
		}
		return out
	}
	assert.Equal(t, []provider.MembershipStatus{provider.StatusUnsubscribed, provider.StatusSubscribed}, status())
	before := len(s.Requests("pakat"))
	r, err = c.Unsubscribe(t.Context(), sara, provider.Ref{ID: listA}, "")
	require.NoError(t, err)
	assert.Len(t, r.Notes, 1)
	assert.Equal(t, []string{"getSubscriberByEmail"}, operations(s, before))

	r, err = c.Unsubscribe(t.Context(), sara, provider.Ref{}, "")
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.Equal(t, []provider.MembershipStatus{provider.StatusUnsubscribed, provider.StatusUnsubscribed}, status())
	_, err = c.Unsubscribe(t.Context(), "b@example.com", provider.Ref{ID: listA}, "")
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

func TestRemoveFromList(t *testing.T) {
	s, c := start(t)
	s.AddContact("pakat", provider.Contact{Email: sara, Memberships: []provider.Membership{{List: listA}, {List: listB}}})
	s.AddContact("pakat", provider.Contact{Email: "gone@example.com", Memberships: []provider.Membership{{List: listA, Status: provider.StatusUnsubscribed}}})
	results, err := c.RemoveFromList(t.Context(), provider.Ref{ID: listA}, []string{sara, "gone@example.com", "b@example.com"})
	require.NoError(t, err)
	require.Len(t, results, 3)
	assert.Nil(t, results[0].Error)
	assert.ErrorIs(t, results[1].Error, provider.ErrConflict, "the unsubscription would be forgotten")
	assert.ErrorIs(t, results[2].Error, provider.ErrNotFound)
	assert.Equal(t, []provider.Membership{{List: listB, Status: provider.StatusSubscribed}}, s.Contacts("pakat")[0].Memberships)

	s.Fail("pakat", sandbox.Fault{Operation: "getSubscriberByEmail", Status: 429})
	results, err = c.RemoveFromList(t.Context(), provider.Ref{ID: listB}, []string{sara})
	assert.ErrorIs(t, err, provider.ErrRateLimited)
	assert.Empty(t, results)
}

// A list that is named twice is used once.
func TestListNamedTwice(t *testing.T) {
	for _, row := range []struct {
		name, vendor, list, operation string
	}{
		{name: "pakat", vendor: "pakat", list: listA, operation: "createSubscriber"},
		{name: "pakatv3", vendor: "pakatv3", list: "4", operation: "createContact"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, c := start(t)
			if row.vendor == "pakatv3" {
				c = v3Client(t, s, nil)
			}
			_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(row.list, row.list)})
			require.NoError(t, err)
			calls := 0
			for _, r := range s.Requests(row.vendor) {
				if r.Operation == row.operation {
					calls++
					assert.NotContains(t, string(r.Body), "4,4")
				}
			}
			assert.Equal(t, 1, calls)
			assert.Len(t, s.Contacts(row.vendor)[0].Memberships, 1)
		})
	}
}

// A server that ignores which page is asked for does not make a listing that is called
// complete after two pages, nor one without an end.
func TestListingEnds(t *testing.T) {
	const rows = `"records":[{"subscriber_uid":"a1","EMAIL":"a@example.com","status":"confirmed"},{"subscriber_uid":"b1","EMAIL":"b@example.com","status":"confirmed"}]`
	for _, row := range []struct{ name, paging string }{
		{name: "always page 2 next", paging: `"count":1000,"total_pages":20,"next_page":2`},
		{name: "always page 1", paging: `"count":1000,"total_pages":20,"current_page":1,"next_page":null`},
		{name: "no word about pages but their number", paging: `"count":1000,"total_pages":20`},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				records := rows
				if !strings.HasSuffix(r.URL.Path, "/subscribers") {
					records = `"records":[{"general":{"list_uid":"newsletter001","name":"News"}}]`
				}
				paging := row.paging
				if r.URL.Path == "/lists" {
					paging = `"count":1,"total_pages":1`
				}
				_, _ = fmt.Fprintf(w, `{"status":"success","data":{%s,%s}}`, paging, records)
			}))
			t.Cleanup(srv.Close)
			c, err := pakat.Open(pakat.Config{
				AccountSettings: provider.AccountSettings{BaseURL: srv.URL, Tries: 1}, APIKey: provider.NewSecret("k"),
			})
			require.NoError(t, err)
			for _, q := range []provider.ContactQuery{{}, {List: provider.Ref{ID: listA}}} {
				pages := 0
				for range 10 {
					var page *provider.Page[provider.Contact]
					if page, err = c.ListContacts(t.Context(), q); err != nil || page.Next == "" {
						break
					}
					pages++
					q.Cursor = page.Next
				}
				require.ErrorIs(t, err, provider.ErrBadResponse)
				assert.ErrorContains(t, err, "same page again")
				assert.LessOrEqual(t, pages, 1)
			}
		})
	}
}

// Two changes of an address at once: the vendor asks to try again, and nothing was done.
func TestLockedAddressIsTriedAgain(t *testing.T) {
	s := sandbox.New(t)
	cfg := config(s)
	cfg.Tries = 2
	c, err := pakat.Open(cfg)
	require.NoError(t, err)
	s.Fail("pakat", sandbox.Fault{Operation: "createSubscriber", Status: 422, Body: `{"status":"error","error":"Unable to acquire the mutex lock, please try again."}`})
	r, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: sara, Lists: in(listA)})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.Equal(t, []string{"listSubscribersByEmail", "createSubscriber", "createSubscriber"}, operations(s, 0))
}

// A listing of all contacts asks for each list once.
func TestListingAsksForEachListOnce(t *testing.T) {
	s, c := start(t)
	for i := range 260 {
		list := listA
		if i%2 == 1 {
			list = listB
		}
		s.AddContact("pakat", provider.Contact{Email: fmt.Sprintf("c%03d@example.com", i), Memberships: []provider.Membership{{List: list}}})
	}
	before, seen := len(s.Requests("pakat")), 0
	for _, err := range c.AllContacts(t.Context(), provider.ContactQuery{}) {
		require.NoError(t, err)
		seen++
	}
	assert.Equal(t, 260, seen)
	did := map[string]int{}
	for _, op := range operations(s, before) {
		did[op]++
	}
	assert.Equal(t, map[string]int{"listLists": 2, "listSubscribers": 6}, did)
}
