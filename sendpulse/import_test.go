package sendpulse_test

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// changes are n rows; change, if not nil, makes each its own.
func changes(n int, change func(i int, c *provider.ContactChange)) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			c := provider.ContactChange{Email: fmt.Sprintf("row%04d@example.com", i), FirstName: provider.ChangeTo("Анна"), Lists: []provider.Ref{{ID: "4"}}}
			if change != nil {
				change(i, &c)
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func imported(t *testing.T, c *provider.Client, rows iter.Seq2[provider.ContactChange, error]) (provider.ImportReport, []provider.ImportResult) {
	t.Helper()
	var got []provider.ImportResult
	report, err := c.ImportContacts(t.Context(), rows, func(r provider.ImportResult) error { got = append(got, r); return nil })
	require.NoError(t, err)
	return report, got
}

func counted(sb *sandbox.Server) map[string]int {
	out := map[string]int{}
	for _, op := range operations(sb) {
		out[op]++
	}
	return out
}

// stored are the contacts of the sandbox by address.
func stored(sb *sandbox.Server) map[string]provider.Contact {
	out := map[string]provider.Contact{}
	for _, c := range sb.Contacts(name) {
		out[c.Email] = c
	}
	return out
}

func TestImportInBulk(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	sb.AddContact(name, provider.Contact{Email: "row0600@example.com", Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed)}})
	sb.AddContact(name, provider.Contact{Email: "row0601@example.com", Memberships: []provider.Membership{on("5", provider.StatusBlocked)}})
	sb.AddContact(name, provider.Contact{Email: "row0602@example.com", Memberships: []provider.Membership{on("5", provider.StatusSubscribed)}})
	report, rows := imported(t, c, changes(1200, func(i int, c *provider.ContactChange) {
		switch i {
		case 700:
			c.Fields = map[string]any{"points": "many"} // the variable is a number, and the refusal names no row
		case 701:
			c.Phone = provider.ChangeTo("375291234567")
		case 702:
			c.Phone = provider.ChangeToNone[string]()
		}
	}))
	assert.Equal(t, provider.ImportReport{Rows: 1200, Created: 1195, Updated: 1, Refused: 4}, report)
	assert.ErrorIs(t, rows[700].Err, provider.ErrInvalid)
	assert.ErrorIs(t, rows[702].Err, provider.ErrUnsupported)
	got := stored(sb)
	assert.Equal(t, []provider.Membership{on("4", provider.StatusUnsubscribed)}, got["row0600@example.com"].Memberships)
	assert.Equal(t, "Анна", got["row0600@example.com"].FirstName, "fields are set all the same")
	require.ErrorIs(t, rows[600].Err, provider.ErrConflict)
	assert.ErrorContains(t, rows[600].Err, "not put on list 4")
	assert.ErrorIs(t, rows[601].Err, provider.ErrConflict)
	assert.Len(t, got["row0601@example.com"].Memberships, 1, "blocked for all mail")
	assert.Len(t, got["row0602@example.com"].Memberships, 2)
	assert.Equal(t, "375291234567", got["row0701@example.com"].Phone)
	assert.NotContains(t, got, "row0700@example.com")
	did := counted(sb)
	assert.Equal(t, 3, did["listMembershipsOfAddresses"])
	assert.Zero(t, did["listMemberships"])
	assert.Equal(t, 3+2*9, did["addContacts"], "the group with the bad row is halved down to it")
	assert.Equal(t, 1, did["updateContactVariables"])
}

// Rows of several lists are added to each; what comes before an error is told.
func TestImportToSeveralLists(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	lists := func(ids ...string) func(int, *provider.ContactChange) {
		return func(_ int, c *provider.ContactChange) {
			c.Lists = nil
			for _, id := range ids {
				c.Lists = append(c.Lists, provider.Ref{ID: id})
			}
		}
	}
	report, _ := imported(t, c, changes(30, lists("5", "4", "5")))
	assert.Equal(t, provider.ImportReport{Rows: 30, Created: 30}, report)
	assert.Equal(t, map[string]int{"listMembershipsOfAddresses": 1, "addContacts": 2}, counted(sb))
	assert.Len(t, sb.Contacts(name)[29].Memberships, 2)

	report, rows := imported(t, c, changes(30, lists("4", "77")))
	assert.Equal(t, provider.ImportReport{Rows: 30, Unknown: 30}, report)
	assert.ErrorContains(t, rows[0].Err, "done: list 4; then list 77")
	assert.Equal(t, 5, counted(sb)["addContacts"]+counted(sb)["listMembershipsOfAddresses"]-1, "no halves for a list that is not there")

	report, rows = imported(t, c, changes(1, lists("77")))
	assert.Equal(t, provider.ImportReport{Rows: 1, Refused: 1}, report)
	assert.ErrorIs(t, rows[0].Err, provider.ErrNotFound)
}

func TestImportOutcomes(t *testing.T) {
	for what, want := range map[string]struct {
		fault  sandbox.Fault
		report provider.ImportReport
		calls  map[string]int
	}{
		"the look-up names nobody": {
			sandbox.Fault{Operation: "listMembershipsOfAddresses", Status: 200, Body: `[]`},
			provider.ImportReport{Rows: 8, Created: 7, Refused: 1},
			map[string]int{"listMembershipsOfAddresses": 1, "listMemberships": 8, "addContacts": 1, "updateContactVariables": 1},
		},
		"the look-up takes fewer": {
			sandbox.Fault{Operation: "listMembershipsOfAddresses", Status: 422, Body: `{"error_code":832,"message":"too many"}`},
			provider.ImportReport{Rows: 8, Created: 7, Refused: 1},
			map[string]int{"listMembershipsOfAddresses": 3, "addContacts": 1, "updateContactVariables": 1},
		},
		"the add takes fewer": {
			sandbox.Fault{Operation: "addContacts", Status: 422, Body: `{"error_code":422,"message":"too many"}`},
			provider.ImportReport{Rows: 8, Created: 7, Refused: 1},
			map[string]int{"listMembershipsOfAddresses": 1, "addContacts": 3, "updateContactVariables": 1},
		},
		"the look-up fails": {
			sandbox.Fault{Operation: "listMembershipsOfAddresses", Status: 403},
			provider.ImportReport{Rows: 8, Refused: 8},
			map[string]int{"listMembershipsOfAddresses": 1},
		},
		"the answer of the add is lost": {
			sandbox.Fault{Operation: "addContacts", Drop: true, After: true},
			provider.ImportReport{Rows: 8, Unknown: 7, Refused: 1},
			map[string]int{"listMembershipsOfAddresses": 1, "addContacts": 1, "updateContactVariables": 1},
		},
	} {
		t.Run(what, func(t *testing.T) {
			sb, c := start(t)
			sb.AddContact(name, provider.Contact{Email: "row0003@example.com", Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed)}})
			want.fault.Header = http.Header{"Content-Type": {"application/json"}}
			sb.Fail(name, want.fault)
			report, err := c.ImportContacts(t.Context(), changes(8, nil), nil)
			assert.Equal(t, want.report.Refused == 8, err != nil)
			assert.Equal(t, want.report, report)
			assert.Equal(t, want.calls, counted(sb))
			assert.Equal(t, []provider.Membership{on("4", provider.StatusUnsubscribed)}, stored(sb)["row0003@example.com"].Memberships)
		})
	}
}

// A list that is named twice is used once.
func TestListNamedTwice(t *testing.T) {
	twice := []provider.Ref{{ID: "4"}, {ID: "4"}}
	change := provider.ContactChange{Email: anna, Lists: twice}
	for _, row := range []struct {
		name string
		do   func(*testing.T, *provider.Client)
	}{
		{name: "upsert", do: func(t *testing.T, c *provider.Client) {
			_, err := c.UpsertContact(t.Context(), change)
			require.NoError(t, err)
		}},
		{name: "import", do: func(t *testing.T, c *provider.Client) {
			report, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) { yield(change, nil) }, nil)
			require.NoError(t, err)
			assert.Equal(t, 1, report.Created)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb, c := start(t)
			row.do(t, c)
			assert.Equal(t, 1, strings.Count(strings.Join(operations(sb), " "), "addContacts"))
		})
	}
}
