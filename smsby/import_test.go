package smsby_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/smsby"
)

// changes are n rows; change, if not nil, makes each its own.
func changes(n int, change func(i int, c *provider.ContactChange)) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			c := provider.ContactChange{Email: fmt.Sprintf("row%04d@example.by", i), Lists: []provider.Ref{{ID: "318"}}}
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

func stored(sb *sandbox.Server) map[string]provider.Contact {
	out := map[string]provider.Contact{}
	for _, c := range sb.Contacts("smsby") {
		out[c.Email] = c
	}
	return out
}

func TestImportInBulk(t *testing.T) {
	sb := sandbox.New(t)
	sb.AddList("smsby", "319", "Second")
	sb.AddContact("smsby", provider.Contact{Email: "row0600@example.by", Memberships: []provider.Membership{{List: "318", Status: provider.StatusUnsubscribed}}})
	report, rows := imported(t, open(t, config(sb)), changes(1200, func(i int, c *provider.ContactChange) {
		switch {
		case i == 700:
			c.Email = "wrong@a@example.by"
		case i == 701:
			c.Fields = map[string]any{"города и годы": "Минск & Брест", "n": 7}
		case i > 1000 && i%2 == 0:
			c.Lists = append(c.Lists, provider.Ref{ID: "319"})
		}
	}))
	assert.Equal(t, 1200, report.Rows)
	assert.Equal(t, 1, report.Refused)
	assert.Equal(t, 1199, report.Created+report.Stored)
	assert.ErrorIs(t, rows[700].Err, provider.ErrInvalid)
	assert.Contains(t, rows[5].Receipt.Notes[0].Why, "lifts an unsubscription")
	got := stored(sb)
	assert.Equal(t, provider.StatusUnsubscribed, got["row0600@example.by"].Memberships[0].Status)
	assert.Equal(t, map[string]any{"города и годы": "Минск & Брест", "n": "7"}, got["row0701@example.by"].Fields)
	assert.Len(t, got["row1100@example.by"].Memberships, 2)
	assert.Len(t, got["row1101@example.by"].Memberships, 1)
	assert.Len(t, got, 1199)
	assert.Less(t, len(sb.Requests("smsby")), 30)
	for _, r := range sb.Requests("smsby") {
		assert.Less(t, len(r.Query.Encode()), 8000, "the length of an URL")
	}
}

// The answer counts bad rows and names them by an index that may begin anywhere;
// each row gets its own result all the same.
func TestImportFindsTheBadRows(t *testing.T) {
	calls, seen := 0, map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		q, inserted, log := r.URL.Query(), 0, []any{}
		for i := 0; q.Has(fmt.Sprintf("data[%d][0]", i)); i++ {
			email := q.Get(fmt.Sprintf("data[%d][0]", i))
			switch {
			case strings.HasPrefix(email, "bad"):
				log = append(log, map[string]any{"index": 7, "error_message": "wrong address"})
			case !seen[email]:
				inserted++
			}
			seen[email] = true
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "OK", "result": map[string]any{"inserted": inserted, "updated": 0, "invalid": len(log), "log": log}})
	}))
	t.Cleanup(server.Close)
	cfg := smsby.Config{AccountSettings: provider.AccountSettings{BaseURL: server.URL}, Token: provider.NewSecret("token")}
	cfg.Concurrency = 1
	bad := map[int]bool{0: true, 17: true, 99: true}
	report, rows := imported(t, open(t, cfg), changes(100, func(i int, c *provider.ContactChange) {
		if bad[i] {
			c.Email = fmt.Sprintf("bad%d@example.by", i)
		}
	}))
	assert.Equal(t, provider.ImportReport{Rows: 100, Stored: 97, Refused: 3}, report)
	for i, r := range rows {
		assert.Equal(t, bad[i], r.Err != nil, "%d: %v", i, r.Err)
	}
	assert.ErrorContains(t, rows[17].Err, "wrong address")
	assert.LessOrEqual(t, calls, 37, "halved down to three rows")
	assert.Len(t, seen, 100)
}

func TestImportOutcomes(t *testing.T) {
	for what, want := range map[string]struct {
		fault  sandbox.Fault
		list   string
		report provider.ImportReport
		calls  int
		text   string
	}{
		"created":      {sandbox.Fault{}, "", provider.ImportReport{Rows: 8, Created: 8}, 1, ""},
		"two lists":    {sandbox.Fault{}, "319", provider.ImportReport{Rows: 8, Created: 8}, 2, ""},
		"updated":      {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":0,"updated":8,"invalid":0,"log":[]}}`}, "", provider.ImportReport{Rows: 8, Updated: 8}, 1, ""},
		"mixed":        {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":1,"updated":7,"invalid":0,"log":null}}`}, "", provider.ImportReport{Rows: 8, Stored: 8}, 1, ""},
		"too long":     {sandbox.Fault{Status: http.StatusRequestURITooLong, Body: `<html>`}, "", provider.ImportReport{Rows: 8, Created: 8}, 3, ""},
		"refused":      {sandbox.Fault{Status: 200, Body: `{"error":"bad row"}`}, "", provider.ImportReport{Rows: 8, Created: 8}, 3, ""},
		"no such list": {sandbox.Fault{}, "977", provider.ImportReport{Rows: 8, Unknown: 8}, 2, "stored on 1 lists, then"},
		"lost":         {sandbox.Fault{Drop: true, After: true}, "", provider.ImportReport{Rows: 8, Unknown: 8}, 1, ""},
		"half counted": {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":4,"updated":0,"invalid":0,"log":[]}}`}, "", provider.ImportReport{Rows: 8, Stored: 8}, 3, ""},
		"uncounted":    {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":0,"updated":0,"invalid":0,"log":[]}}`}, "", provider.ImportReport{Rows: 8, Unknown: 8}, 1, ""},
		"no counters":  {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":[]}`}, "", provider.ImportReport{Rows: 8, Unknown: 8}, 1, ""},
		"unreadable":   {sandbox.Fault{Status: 200, Body: `{"status":"OK","result":{"inserted":{"x":1}}}`}, "", provider.ImportReport{Rows: 8, Stored: 8}, 1, ""},
	} {
		t.Run(what, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.AddList("smsby", "319", "Second")
			if want.fault.Status != 0 || want.fault.Drop {
				want.fault.Operation = "importContacts"
				sb.Fail("smsby", want.fault)
			}
			report, rows := imported(t, open(t, config(sb)), changes(8, func(_ int, c *provider.ContactChange) {
				if want.list != "" {
					c.Lists = append(c.Lists, provider.Ref{ID: want.list})
				}
			}))
			assert.Equal(t, want.report, report, "%+v %v", rows[0].Receipt, rows[0].Err)
			assert.Len(t, sb.Requests("smsby"), want.calls)
			assert.Contains(t, fmt.Sprint(rows[7].Err), want.text)
		})
	}
}

// A list that is named twice is used once.
func TestListNamedTwice(t *testing.T) {
	twice := []provider.Ref{{ID: "318"}, {ID: "318"}}
	for _, row := range []struct {
		name string
		do   func(*testing.T, *provider.Client)
	}{
		{name: "upsert", do: func(t *testing.T, c *provider.Client) {
			_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: twice})
			require.NoError(t, err)
		}},
		{name: "import", do: func(t *testing.T, c *provider.Client) {
			report, _ := imported(t, c, changes(8, func(_ int, c *provider.ContactChange) { c.Lists = twice }))
			assert.Equal(t, 8, report.Created)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			row.do(t, open(t, config(sb)))
			assert.Len(t, sb.Requests("smsby"), 1)
		})
	}
}

// Rows share a call only when they have the same lists and fields, whatever those
// are called.
func TestImportKeepsFieldsApart(t *testing.T) {
	sb := sandbox.New(t)
	names := []string{"a b", `a" "b`, "a", "b"}
	report, _ := imported(t, open(t, config(sb)), changes(8, func(i int, c *provider.ContactChange) {
		c.Fields = map[string]any{names[i%4]: "x"}
	}))
	assert.Equal(t, 8, report.Created)
	assert.Len(t, sb.Requests("smsby"), 4)
	for email, c := range stored(sb) {
		assert.Len(t, c.Fields, 1, email)
	}
}
