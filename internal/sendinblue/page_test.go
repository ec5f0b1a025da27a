package sendinblue

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// common reads a page the common way.
func common(data []byte, withoutEmail bool) (*Rows, error) {
	var p brevoapi.ContactPage
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	contacts := make([]Contact, len(p.Contacts))
	for i, c := range p.Contacts {
		contacts[i] = Contact{
			ID: c.ID, Email: c.Email, EmailBlacklisted: c.EmailBlacklisted, SMSBlacklisted: c.SMSBlacklisted, ListIDs: c.ListIDs,
			ListUnsubscribed: c.ListUnsubscribed, CreatedAt: c.CreatedAt, ModifiedAt: c.ModifiedAt, Attributes: c.Attributes,
		}
	}
	return RowsOf(contacts, p.Count, 0, withoutEmail)
}

// sameAsCommon holds the fast way against the common one.
func sameAsCommon(t *testing.T, data []byte) *Rows {
	t.Helper()
	var fast *Rows
	for _, withoutEmail := range []bool{true, false} {
		fast = ReadPage(data, withoutEmail)
		if fast == nil {
			continue
		}
		want, err := common(data, withoutEmail)
		require.NoError(t, err, "%s", data)
		assert.Equal(t, want.Got, fast.Got)
		assert.Equal(t, want.First, fast.First, "%s", data)
		assert.Equal(t, want.Count, fast.Count)
		assert.Equal(t, want.Page.LeftOut, fast.Page.LeftOut)
		require.Len(t, fast.Page.Items, len(want.Page.Items))
		for i, w := range want.Page.Items {
			g := fast.Page.Items[i]
			assert.True(t, w.CreatedAt.Equal(g.CreatedAt) && w.ModifiedAt.Equal(g.ModifiedAt), "%s", data)
			wj, err := json.Marshal(w)
			if err != nil {
				continue // a time that JSON has no form for
			}
			gj, err := json.Marshal(g)
			require.NoError(t, err)
			assert.Equal(t, string(wj), string(gj))
			assert.Equal(t, w.Fields, g.Fields)
		}
	}
	return fast
}

const usualPage = `{"contacts":[
 {"email":"anna@example.com","id":1,"emailBlacklisted":false,"smsBlacklisted":true,"createdAt":"2025-03-01T10:00:00.000+03:30","modifiedAt":"2026-10-05T08:07:00.123+03:30",
  "listIds":[4,12],"listUnsubscribed":[12,13],"attributes":{"FIRSTNAME":"سارا","LASTNAME":"Ann\"a","SMS":989121234567,"CITY":"Tehran \u0634","ORDERS":7,"BIG":12345678901234567890,"X":1.5e3,"VIP":true,"NONE":null,"TAGS":["a",{"b":1}],"SINCE":"2025-03-01"}},
 {"email":"989121234567@mailin-sms.com","id":2,"emailBlacklisted":true,"smsBlacklisted":false,"createdAt":"2025-03-01T10:00:00+03:30","modifiedAt":"","listIds":[],"listUnsubscribed":null,"attributes":[]},
 {"email":null,"id":3,"emailBlacklisted":true,"smsBlacklisted":false,"createdAt":"2025-03-01","modifiedAt":"2025-03-01T10:00:00Z","listIds":null,"attributes":{"FIRSTNAME":true},"extra":{"deep":[1,"}"]}},
 {"id":4,"attributes":null,"createdAt":"2025-03-01T10:00:00-05:00","modifiedAt":"2025-03-01T10:00:00-05:00"}
],"count":1042,"more":[]}`

func TestReadPage(t *testing.T) {
	fast := sameAsCommon(t, []byte(usualPage))
	require.NotNil(t, fast, "a usual page is read the fast way")
	assert.Equal(t, 4, fast.Got)
	assert.EqualValues(t, 1042, fast.Count)
	require.Len(t, fast.Page.Items, 1)
	c := fast.Page.Items[0]
	assert.Equal(t, []any{"سارا", `Ann"a`, "989121234567", "Tehran ش", json.Number("12345678901234567890")}, []any{c.FirstName, c.LastName, c.Phone, c.Fields["CITY"], c.Fields["BIG"]})
	assert.Equal(t, "2026-10-05T08:07:00.123+03:30", c.ModifiedAt.Format("2006-01-02T15:04:05.000Z07:00"))
	assert.Equal(t, []provider.Suppression{{Channel: provider.ChannelSMS, Scope: provider.ScopeMarketing, Reason: "blocklisted"}}, c.Suppressed)
	data := []byte(usualPage)
	kept := ReadPage(data, true).Page
	before, err := json.Marshal(kept)
	require.NoError(t, err)
	for i := range data {
		data[i] = 'x'
	}
	after, err := json.Marshal(kept)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "contacts are no part of the answer's memory")
	for _, empty := range []string{`{"contacts":[],"count":0}`, `{"contacts":null}`, `{}`, ` {"count":3} `} {
		assert.NotNil(t, sameAsCommon(t, []byte(empty)), empty)
	}
}

// Whatever is not usual is left to the common way.
func TestReadPageUnusual(t *testing.T) {
	one := func(fields string) string { return `{"contacts":[{` + fields + `}],"count":1}` }
	for _, text := range []string{
		"", "null", "[]", usualPage + "x", usualPage[:len(usualPage)-1], `{"contacts":[null]}`, `{"contacts":[1]}`, `{"contacts":[{}],}`, `{"contacts":[{},]}`, `{"contacts":{}}`, `{"count":1.5}`, `{"count":"1"}`,
		`{"count":1,"count":2}`, `{"Count":1}`, `{"CONTACTS":[]}`, one(`"Email":"a"`), one(`"email":1`), one(`"email":"a","email":"b"`), one(`"id":"1"`), one(`"id":01`), one(`"emailBlacklisted":"yes"`),
		one(`"listIds":["1"]`), one(`"listIds":[1.0]`), one(`"attributes":[ ]`), one(`"attributes":"x"`), one(`"attributes":{"A":01}`), one(`"attributes":{"A":.5}`), one(`"attributes":{"A":tru}`),
		one(`"attributes":{"A":nul}`), one(`"attributes":{"A":[1,]}`), one(`"attributes":{"A":"` + "\n" + `"}`), one(`"attributes":{"A":"\x"}`), one(`"attributes":{"FIRSTNAME":"a","FIRSTNAME":"b"}`), one(`"attributes":{"A" 1}`),
		one(`"extra":[1,]`), one(`"extra":tru`), one(`"email":"` + "\xff" + `"`), `{"contacts":[{"email":"a"`, one(`"email":"a" "id":1`), `{"contacts":[{"email":"a"}}]}`,
	} {
		assert.Nil(t, sameAsCommon(t, []byte(text)), text)
	}
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte(usualPage))
	f.Add([]byte(`{"contacts":[{"attributes":{"A":-0,"B":[[]],"C":1e999}}],"x":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) { sameAsCommon(t, data) })
}
