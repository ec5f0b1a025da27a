package sendinblue

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestMessageID(t *testing.T) {
	for given, want := range map[string]string{
		"<202605041200.1@smtp.example.com>":    "<202605041200.1@smtp.example.com>",
		"202605041200.1@smtp.example.com":      "<202605041200.1@smtp.example.com>",
		"5c6cfa04-eed9-42c2-8b5c-6d470d978e9d": "5c6cfa04-eed9-42c2-8b5c-6d470d978e9d", // of a batch
		"":                                     "",
	} {
		assert.Equal(t, want, MessageID(given))
	}
}

// vendor answers the calls that the tests here need; the others panic.
type vendor struct {
	Calls
	asked  string
	after  *Contact // what ReadBack shows
	failed error    // of ReadBack
	rows   func(q ContactQuery) *Rows
}

func (v *vendor) ListEmailEvents(_ context.Context, q EventQuery) ([]Event, error) {
	v.asked = q.MessageID
	if q.Offset > 0 {
		return nil, nil
	}
	return []Event{{Email: "a@example.com", Event: "delivered"}}, nil
}

func (v *vendor) UpdateContact(context.Context, string, ContactBody) error { return nil }

func (v *vendor) ReadBack(context.Context, string, time.Time) (*Contact, error) {
	return v.after, v.failed
}

func (v *vendor) ListContacts(_ context.Context, q ContactQuery) (*Rows, error) {
	return v.rows(q), nil
}

// The vendor is asked with angle brackets; the receipt has the id that was given.
func TestLoggedWithoutBrackets(t *testing.T) {
	v := &vendor{}
	r, err := New(v, "main", 0, Pages{}).Logged(t.Context(), "1@example.com")
	require.NoError(t, err)
	assert.Equal(t, "<1@example.com>", v.asked)
	assert.Equal(t, "1@example.com", r.MessageID)
	assert.Equal(t, provider.StateDelivered, r.State)
}

// A change that the vendor took is done only when the contact shows it.
func TestResubscribeReadsBack(t *testing.T) {
	down := &provider.Error{Kind: provider.ErrUnavailable, Message: "down"}
	for _, row := range []struct {
		name, list string
		after      *Contact
		failed     error
		state      provider.ContactState
		kind       provider.Kind // empty: no error
		text       string        // of the error or the last note
	}{
		{name: "lifted", after: &Contact{}, state: provider.ContactDone, text: "lets marketing mail through"},
		{
			name: "still blocked", after: &Contact{EmailBlacklisted: true}, state: provider.ContactUnknown,
			kind: provider.ErrConflict, text: "still blocked",
		},
		{name: "on the list", list: "4", after: &Contact{ListIDs: []int64{4}}, state: provider.ContactDone, text: "put on the list"},
		{
			name: "blocked, but on the list", list: "4", after: &Contact{ListIDs: []int64{4}, EmailBlacklisted: true},
			state: provider.ContactDone, text: "a block of all marketing mail stays",
		},
		{
			name: "still unsubscribed", list: "4", after: &Contact{ListIDs: []int64{4}, ListUnsubscribed: []int64{4}},
			state: provider.ContactUnknown, kind: provider.ErrConflict, text: "still unsubscribed from list 4",
		},
		{
			name: "not on the list", list: "4", after: &Contact{ListIDs: []int64{5}}, state: provider.ContactUnknown,
			kind: provider.ErrConflict, text: "not on list 4",
		},
		{name: "not shown", state: provider.ContactUnknown, text: "does not show the contact"},
		{name: "not read", failed: down, state: provider.ContactUnknown, kind: provider.ErrOutcomeUnknown, text: "could not be read: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := New(&vendor{after: row.after, failed: row.failed}, "main", 0, Pages{})
			r, err := d.Resubscribe(t.Context(), "a@example.com", provider.Ref{ID: row.list})
			require.NotNil(t, r)
			assert.Equal(t, row.state, r.State)
			if row.kind != "" {
				require.ErrorIs(t, err, row.kind)
				assert.ErrorContains(t, err, row.text)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, r.Notes[len(r.Notes)-1].Why, row.text)
		})
	}
}

// A server that ignores the offset ends a listing, whether it tells a count or not.
func TestListContactsEnds(t *testing.T) {
	page := func(from, n int) *Rows {
		r := &Rows{Page: &provider.Page[provider.Contact]{}, Got: n}
		for i := range n {
			r.Page.Items = append(r.Page.Items, provider.Contact{Email: fmt.Sprintf("a%d@example.com", from+i)})
		}
		if n > 0 {
			r.First = r.Page.Items[0].Email
		}
		return r
	}
	for _, row := range []struct {
		name  string
		rows  func(q ContactQuery) *Rows
		pages int
		again bool
	}{
		{name: "offset ignored", pages: 1, again: true, rows: func(ContactQuery) *Rows { return page(0, 50) }},
		{name: "offset ignored, with a count", pages: 1, again: true, rows: func(ContactQuery) *Rows {
			r := page(0, 50)
			r.Count = 1000
			return r
		}},
		{name: "120 contacts", pages: 4, rows: func(q ContactQuery) *Rows { return page(int(q.Offset), min(50, 120-int(q.Offset))) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := New(&vendor{rows: row.rows}, "main", 0, Pages{Contacts: 50})
			var q provider.ContactQuery
			pages := 0
			var err error
			for range 10 {
				var got *provider.Page[provider.Contact]
				if got, err = d.ListContacts(t.Context(), q); err != nil {
					break
				}
				pages++
				if q.Cursor = got.Next; q.Cursor == "" {
					break
				}
			}
			assert.Equal(t, row.pages, pages)
			if row.again {
				require.ErrorIs(t, err, provider.ErrBadResponse)
				assert.ErrorContains(t, err, "same page again")
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

// One contact whose attributes are nothing, in a form of PHP's, is a contact without.
func TestOddAttributes(t *testing.T) {
	for raw, want := range map[string]map[string]any{
		`""`: nil, `false`: nil, `[]`: nil, `[ ]`: nil, `null`: nil, `{}`: nil, ``: nil, `{"CITY":"Minsk"}`: {"CITY": "Minsk"},
	} {
		var c provider.Contact
		require.NoError(t, Values([]byte(raw), &c), raw)
		assert.Equal(t, want, c.Fields, raw)
	}
	var c provider.Contact
	assert.ErrorIs(t, Values([]byte(`"text"`), &c), provider.ErrBadResponse)
}

// A new address would lose the block of the old one, so no upsert changes it.
func TestAddressIsNoField(t *testing.T) {
	var a Attributes
	_, _, err := a.Convert(t.Context(), provider.ContactChange{Fields: map[string]any{"EMAIL": "b@example.com"}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "is not changed by an upsert")
}
