package brevo_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

var newsletter = []provider.Ref{{ID: "4"}}

// changes are n changes; change, if not nil, makes each its own.
func changes(n int, change func(i int, c *provider.ContactChange)) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			c := provider.ContactChange{Email: fmt.Sprintf("row%06d@example.com", i), FirstName: provider.ChangeTo("Anna"), Lists: newsletter}
			if change != nil {
				change(i, &c)
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// imported runs an import and returns its report and rows.
func imported(t *testing.T, c *provider.Client, rows iter.Seq2[provider.ContactChange, error]) (provider.ImportReport, []provider.ImportResult) {
	t.Helper()
	var got []provider.ImportResult
	report, err := c.ImportContacts(t.Context(), rows, func(r provider.ImportResult) error { got = append(got, r); return nil })
	require.NoError(t, err)
	return report, got
}

// operations counts the requests by operation.
func operations(sb *sandbox.Server) map[string]int {
	out := map[string]int{}
	for _, r := range sb.Requests("brevo") {
		out[r.Operation]++
	}
	return out
}

func contactOf(sb *sandbox.Server, email string) provider.Contact {
	for _, c := range sb.Contacts("brevo") {
		if strings.EqualFold(c.Email, email) {
			return c
		}
	}
	return provider.Contact{}
}

func TestImportByJob(t *testing.T) {
	sb := sandbox.New(t)
	sb.AddContact("brevo", provider.Contact{Email: "Row000007@example.com", Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}})
	sb.AddContact("brevo", provider.Contact{Email: "row000008@example.com", Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}})
	sb.AddContact("brevo", provider.Contact{Email: "row000009@example.com", LastName: "Stays", Fields: map[string]any{"CITY": "Minsk", "POINTS": 3.0}})
	report, rows := imported(t, opened(t, sb, 0), changes(300, func(i int, c *provider.ContactChange) {
		switch i {
		case 9:
			c.Fields = map[string]any{"CITY": nil} // a job cannot clear
		case 10:
			c.Fields = map[string]any{"NOPE": "x"} // the account has no such attribute
		case 11:
			c.Lists = nil
		case 12:
			c.ExternalID = provider.ChangeTo("crm-12")
		case 13:
			c.Status = provider.StatusUnsubscribed
		case 14:
			c.Phone = provider.ChangeTo("not a number") // a group by itself, of one
		case 15:
			c.Fields = map[string]any{"POINTS": json.Number("12345678901234567"), "VIP": true, "CITY": "تهران"}
		case 16:
			c.Email = "user@пример.example"
		}
	}))
	assert.Equal(t, provider.ImportReport{Rows: 300, Created: 3, Updated: 1, Stored: 292, Refused: 4}, report)
	assert.ErrorIs(t, rows[10].Err, provider.ErrInvalid)
	assert.ErrorContains(t, rows[10].Err, "NOPE")
	assert.ErrorIs(t, rows[14].Err, provider.ErrInvalid)
	for i, r := range rows {
		require.Equal(t, i, r.Index)
	}

	left := contactOf(sb, "row000007@example.com")
	assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}, left.Memberships)
	assert.Equal(t, "Anna", left.FirstName, "fields are set all the same")
	require.ErrorIs(t, rows[7].Err, provider.ErrConflict)
	assert.ErrorContains(t, rows[7].Err, "not put on list 4: it is unsubscribed there; resubscribe is the verb for that, and the rest was stored")
	assert.Equal(t, provider.ContactUpdated, rows[7].Receipt.State)
	require.ErrorIs(t, rows[8].Err, provider.ErrConflict)
	blocked := contactOf(sb, "row000008@example.com")
	assert.Len(t, blocked.Suppressed, 1)
	assert.Empty(t, blocked.Memberships, "who is blocked joins no list")
	assert.Equal(t, "Anna", blocked.FirstName)
	known := contactOf(sb, "row000009@example.com")
	assert.Equal(t, map[string]any{"POINTS": 3.0}, known.Fields)
	assert.Equal(t, "Stays", known.LastName)
	assert.Empty(t, contactOf(sb, "row000011@example.com").Memberships)
	assert.Equal(t, "crm-12", contactOf(sb, "row000012@example.com").ExternalID)
	assert.Len(t, contactOf(sb, "row000013@example.com").Suppressed, 1)
	assert.Equal(t, true, contactOf(sb, "row000015@example.com").Fields["VIP"])
	assert.Equal(t, "تهران", contactOf(sb, "row000015@example.com").Fields["CITY"])
	assert.Equal(t, "Anna", contactOf(sb, "user@xn--e1afmkfd.example").FirstName)
	assert.Equal(t, []provider.Membership{{List: "4", Status: provider.StatusSubscribed}}, contactOf(sb, "row000299@example.com").Memberships)

	did := operations(sb)
	assert.Equal(t, 1, did["importContacts"])
	assert.Equal(t, 3, did["getProcess"], "until it has ended")
	assert.Equal(t, 1+2*(3+1), did["listContacts"], "all, and two pages of what changed before each look and after the job")
	assert.LessOrEqual(t, did["createContact"], 8)
	for _, r := range sb.Requests("brevo") {
		if r.Operation == "importContacts" {
			var body map[string]any
			require.NoError(t, r.JSON(&body))
			assert.Len(t, body["jsonBody"], 292)
			delete(body, "jsonBody")
			assert.Equal(t, map[string]any{"disableNotification": true, "listIds": []any{4.0}, "updateExistingContacts": true}, body)
			assert.Contains(t, string(r.Body), "12345678901234567", "no digit is lost")
		}
	}
}

func TestImportOfFew(t *testing.T) {
	sb := sandbox.New(t)
	report, _ := imported(t, opened(t, sb, 0), changes(49, nil))
	assert.Equal(t, provider.ImportReport{Rows: 49, Created: 49}, report)
	assert.Equal(t, map[string]int{"listAttributes": 1, "getContact": 49, "createContact": 49}, operations(sb))
}

// The same rows a second time leave everything as it is.
func TestImportAgain(t *testing.T) {
	sb := sandbox.New(t)
	c := opened(t, sb, 0)
	imported(t, c, changes(120, nil))
	first := sb.Contacts("brevo")
	report, _ := imported(t, c, changes(120, nil))
	assert.Equal(t, provider.ImportReport{Rows: 120, Stored: 120}, report)
	again := sb.Contacts("brevo")
	for i := range again {
		again[i].ModifiedAt = first[i].ModifiedAt
	}
	assert.Equal(t, first, again)
}

func TestImportOutcomes(t *testing.T) {
	const done = `{"id":1,"name":"IMPORTUSER","status":`
	for name, want := range map[string]struct {
		fault  sandbox.Fault
		report provider.ImportReport
		text   string
	}{
		"some left out": {
			sandbox.Fault{Operation: "getProcess", Status: 200, Body: done + `"completed","info":{"import":{"invalid_emails":1,"duplicate_phone_id":2}}}`},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"did not take 3 of its 60 rows",
		},
		"not told": {
			sandbox.Fault{Operation: "getProcess", Status: 200, Body: done + `"completed"}`},
			provider.ImportReport{Rows: 60, Stored: 60},
			"does not tell",
		},
		"failed": {
			sandbox.Fault{Operation: "getProcess", Status: 200, Body: done + `"failed","error":"out of space"}`},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"ended as failed: out of space",
		},
		"no number": {
			sandbox.Fault{Operation: "importContacts", Status: 202, Body: `{"processId":0}`},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"no number",
		},
		"unreadable": {
			sandbox.Fault{Operation: "importContacts", Status: 202, Body: `{"processId":`},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"could not be read",
		},
		"not the vendor's": {
			sandbox.Fault{Operation: "importContacts", Status: 202, Body: `<html>`},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"no usable answer: status 202 and HTML",
		},
		"lost answer": {
			sandbox.Fault{Operation: "importContacts", Drop: true, After: true},
			provider.ImportReport{Rows: 60, Unknown: 60},
			"",
		},
		"refused": {
			sandbox.Fault{Operation: "importContacts", Status: 400, Body: `{"code":"invalid_parameter","message":"list 4 does not exist"}`},
			provider.ImportReport{Rows: 60, Refused: 60},
			"does not exist",
		},
		"no consent to read": {
			sandbox.Fault{Operation: "listContacts", Status: 403, Body: `{"code":"permission_denied","message":"no"}`},
			provider.ImportReport{Rows: 60, Refused: 60},
			"no",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := sandbox.New(t)
			sb.Fail("brevo", want.fault)
			var told string
			report, _ := opened(t, sb, 0).ImportContacts(t.Context(), changes(60, nil), func(r provider.ImportResult) error {
				told = fmt.Sprint(r.Receipt, r.Err)
				return nil
			})
			assert.Equal(t, want.report, report)
			assert.Contains(t, told, want.text)
		})
	}
}

// An import whose every row would meet the same error makes few calls.
func TestImportEndsWithABadKey(t *testing.T) {
	sb := sandbox.New(t)
	sb.Fail("brevo", sandbox.Fault{Status: 401, Times: 1000, Body: `{"code":"unauthorized","message":"Key not found"}`})
	report, err := opened(t, sb, 0).ImportContacts(t.Context(), changes(5000, nil), nil)
	require.ErrorIs(t, err, provider.ErrUnauthorized)
	assert.Less(t, report.Rows, 300)
	assert.Less(t, len(sb.Requests("brevo")), 300)
}

// Whoever the import itself has blocked is not put on a list by one of its jobs,
// although the account was read before.
func TestImportKeepsItsOwnBlock(t *testing.T) {
	sb := sandbox.New(t)
	again := map[int]string{150: "row000020@example.com", 250: "Row000030@example.com"}
	_, rows := imported(t, opened(t, sb, 0), changes(400, func(i int, c *provider.ContactChange) {
		switch {
		case i == 20 || i == 30:
			c.Status = provider.StatusUnsubscribed
		case again[i] != "":
			c.Email = again[i]
		}
	}))
	for i, email := range again {
		require.ErrorIs(t, rows[i].Err, provider.ErrConflict)
		assert.Equal(t, provider.ContactUpdated, rows[i].Receipt.State, "row %d goes by an upsert, which lifts no block", i)
		assert.Len(t, contactOf(sb, email).Suppressed, 1)
	}
	for _, r := range sb.Requests("brevo") {
		if r.Operation == "importContacts" {
			for _, email := range again {
				assert.NotContains(t, strings.ToLower(string(r.Body)), strings.ToLower(email))
			}
		}
	}
}
