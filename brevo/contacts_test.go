package brevo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// What an answer to an upsert proves. Only 201 and 204 are documented.
func TestUpsertEvidence(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		state  provider.ContactState
		id     string
		notes  int
	}{
		{name: "created", status: 201, body: `{"id":7}`, state: provider.ContactCreated, id: "7"},
		{name: "updated", status: 204, state: provider.ContactUpdated},
		{name: "created, cut in the id", status: 201, body: `{"id":`, state: provider.ContactStored, notes: 1},
		{name: "another status with an id", status: 200, body: `{"id":7}`, state: provider.ContactStored, id: "7", notes: 1},
		{name: "another status, cut in the id", status: 200, body: `{"id":`, state: provider.ContactUnknown},
		{name: "another status, empty", status: 202, state: provider.ContactUnknown},
		{name: "another status, object", status: 200, body: `{}`, state: provider.ContactUnknown},
		{name: "page", status: 201, body: `<html>`, state: provider.ContactUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.Fail("brevo", sandbox.Fault{Operation: "createContact", Status: row.status, Body: row.body, After: true})
			r, err := opened(t, sb, 0).UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com"})
			require.NotNil(t, r)
			assert.Equal(t, row.state, r.State)
			assert.Equal(t, row.id, r.ID)
			assert.Len(t, r.Notes, row.notes)
			if row.state != provider.ContactUnknown {
				assert.NoError(t, err)
				return
			}
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
			assert.Contains(t, e.Message, "no usable answer")
		})
	}
}

// A list that is named twice is used once.
func TestListNamedTwice(t *testing.T) {
	twice := []provider.Ref{{ID: "4"}, {ID: "4"}}
	many := func(n int) func(*testing.T, *provider.Client) {
		return func(t *testing.T, c *provider.Client) {
			report, _ := imported(t, c, changes(n, func(_ int, c *provider.ContactChange) { c.Lists = twice }))
			assert.Zero(t, report.Refused+report.Unknown)
		}
	}
	for _, row := range []struct {
		name, operation string
		do              func(*testing.T, *provider.Client)
	}{
		{name: "upsert", operation: "createContact", do: func(t *testing.T, c *provider.Client) {
			_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Lists: twice})
			require.NoError(t, err)
		}},
		{name: "import of few", operation: "createContact", do: many(2)},
		{name: "import by a job", operation: "importContacts", do: many(60)},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			row.do(t, opened(t, sb, 0))
			seen := 0
			for _, r := range sb.Requests("brevo") {
				if r.Operation == row.operation {
					var body struct {
						Lists []int64 `json:"listIds"`
					}
					require.NoError(t, r.JSON(&body))
					assert.Equal(t, []int64{4}, body.Lists)
					seen++
				}
			}
			assert.NotZero(t, seen)
		})
	}
}

// A row keeps its values although the program uses one list of texts for all rows, and
// an import of few, which is made of upserts, writes them as an import by a job does.
func TestImportKeepsTheValuesOfARow(t *testing.T) {
	for name, n := range map[string]int{"few": 3, "by a job": 60} {
		t.Run(name, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.Fail("brevo", sandbox.Fault{
				Operation: "listAttributes", Status: 200, Body: `{"attributes":[{"name":"TOPICS","category":"normal","type":"multiple-choice"},{"name":"FIRSTNAME","category":"normal","type":"text"}]}`,
			})
			topics := []string{""}
			imported(t, opened(t, sb, 0), changes(n, func(_ int, c *provider.ContactChange) {
				topics[0] = c.Email
				c.Fields = map[string]any{"TOPICS": topics}
			}))
			for _, r := range sb.Requests("brevo") {
				type row struct {
					Email      string
					Attributes struct {
						Topics []string `json:"TOPICS"`
					}
				}
				var body struct {
					row
					Rows []row `json:"jsonBody"`
				}
				switch r.Operation {
				case "createContact", "importContacts":
					require.NoError(t, r.JSON(&body))
				}
				if body.Email != "" {
					body.Rows = append(body.Rows, body.row)
				}
				for _, got := range body.Rows {
					assert.Equal(t, []string{got.Email}, got.Attributes.Topics)
				}
				n -= len(body.Rows)
			}
			assert.Zero(t, n, "each row was written")
		})
	}
}
