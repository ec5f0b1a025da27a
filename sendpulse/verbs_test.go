package sendpulse_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestSuppressionsOfBothSets(t *testing.T) {
	sb, c := start(t)
	for i := range 101 {
		sb.AddSuppression(name, fmt.Sprintf("s%03d@example.com", i), provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
	}
	sb.AddSuppression(name, "angry@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "complained"})
	sb.AddSuppression(name, "angry@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeAll})
	var got []provider.Suppression
	for a, err := range c.AllSuppressions(t.Context()) {
		require.NoError(t, err)
		got = append(got, a)
	}
	assert.Equal(t, []string{"listSMTPUnsubscribes", "listSMTPUnsubscribes", "listSMTPUnsubscribes", "listBlacklist"}, operations(sb))
	require.Len(t, got, 103)
	assert.False(t, got[0].At.IsZero())
	got[0].Email, got[0].At = "", time.Time{}
	assert.Equal(t, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "unsubscribed by the account"}, got[0])
	assert.EqualValues(t, "complained", got[101].Reason)
	assert.Equal(t, provider.Suppression{Email: "angry@example.com", Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "blacklisted"}, got[102])
	_, err := c.ListSuppressions(t.Context(), "blacklisted")
	assert.ErrorIs(t, err, provider.ErrInvalid)
}

func TestAddAndRemoveSuppression(t *testing.T) {
	sb, c := start(t)
	_, err := c.AddSuppression(t.Context(), anna, "asked by phone")
	require.NoError(t, err)
	page, err := c.ListSuppressions(t.Context(), "blacklist")
	require.NoError(t, err)
	assert.Equal(t, anna, page.Items[0].Email)
	sb.AddSuppression(name, anna, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})

	// Half of it fails, and the error says so.
	sb.Fail(name, sandbox.Fault{Operation: "removeFromBlacklist", Status: 422, Body: `{"message":"Wrong parameters","error_code":301}`})
	r, err := c.RemoveSuppression(t.Context(), anna)
	require.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "done: transactional mail; then the blacklist")
	assert.Equal(t, provider.ContactUnknown, r.State)

	// One set does not know the address; what the vendor says then is not documented.
	sb.Fail(name, sandbox.Fault{Operation: "removeSMTPUnsubscribes", Status: 404, Body: `{"message":"Email not found","error_code":502}`})
	r, err = c.RemoveSuppression(t.Context(), anna)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	for a, err := range c.AllSuppressions(t.Context()) {
		require.NoError(t, err)
		assert.Fail(t, "still suppressed", a.Email)
	}

	before := len(operations(sb))
	for _, email := range []string{`"a,b@example.com"@example.com`, "a,b@example.com"} {
		_, err = c.AddSuppression(t.Context(), email, "")
		assert.ErrorIs(t, err, provider.ErrInvalid, email)
		_, err = c.RemoveSuppression(t.Context(), email)
		assert.ErrorIs(t, err, provider.ErrInvalid, email)
	}
	assert.Len(t, operations(sb), before, "a comma would be two addresses")
}

func TestResubscribe(t *testing.T) {
	sb, c := start(t)
	sb.AddList(name, "5", "Second")
	sb.AddList(name, "7", "Third")
	sb.AddContact(name, provider.Contact{Email: anna, Fields: map[string]any{"city": "Minsk"}, Memberships: []provider.Membership{
		on("4", provider.StatusUnsubscribed), on("5", provider.StatusBounced), on("7", provider.StatusUnsubscribed),
	}})
	sb.AddSuppression(name, anna, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
	r, err := c.Resubscribe(t.Context(), anna, provider.Ref{ID: "4"})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.Equal(t, []string{"getContact", "addContacts", "getContact"}, operations(sb))
	assert.Equal(t, []provider.Membership{on("4", provider.StatusSubscribed), on("5", provider.StatusBounced), on("7", provider.StatusUnsubscribed)}, sb.Contacts(name)[0].Memberships)
	_, err = c.Resubscribe(t.Context(), anna, provider.Ref{ID: "5"})
	assert.ErrorIs(t, err, provider.ErrConflict, "a bounce is no unsubscription")

	r, err = c.Resubscribe(t.Context(), anna, provider.Ref{})
	require.NoError(t, err)
	require.Len(t, r.Notes, 2)
	assert.Equal(t, "brought back to transactional mail, list 7", r.Notes[0].Why)
	assert.Equal(t, "left as it is on list 5 (bounced)", r.Notes[1].Why)
	got := sb.Contacts(name)[0]
	assert.Empty(t, got.Suppressed)
	assert.Equal(t, "Minsk", got.Fields["city"])
	assert.Empty(t, sb.Messages(name), "nobody was mailed")

	r, err = c.Resubscribe(t.Context(), "stranger@example.com", provider.Ref{})
	require.NoError(t, err)
	assert.Equal(t, "it was unsubscribed from nothing", r.Notes[0].Why)
}

// What adding does to somebody who has left is not documented, so it is read.
func TestResubscribeIsReadAfterwards(t *testing.T) {
	sb, c := start(t)
	sb.AddContact(name, provider.Contact{Email: anna, Memberships: []provider.Membership{on("4", provider.StatusUnsubscribed)}})
	sb.Fail(name, sandbox.Fault{Operation: "addContacts", Status: 200, Body: `{"result":true}`})
	_, err := c.Resubscribe(t.Context(), anna, provider.Ref{ID: "4"})
	assert.ErrorIs(t, err, provider.ErrConflict)
	assert.ErrorContains(t, err, "left the address unsubscribed")
}

func TestListKeeper(t *testing.T) {
	sb, c := start(t)
	l, err := c.CreateList(t.Context(), "Клиенты")
	require.NoError(t, err)
	assert.Equal(t, "Клиенты", l.Name)
	_, err = c.CreateList(t.Context(), "Клиенты")
	assert.ErrorIs(t, err, provider.ErrConflict)
	require.NoError(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}))
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}), provider.ErrNotFound)
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: "x"}), provider.ErrInvalid)
	sb.Fail(name, sandbox.Fault{Operation: "createList", Status: 200, Body: `{"id":`})
	_, err = c.CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrBadResponse)
	assert.ErrorIs(t, c.Cancel(t.Context(), provider.ReceiptFor("", "1")), errors.ErrUnsupported)
}

// A mail whose answer was lost is found by recipient, day and subject.
func TestSettle(t *testing.T) {
	sb, c := start(t)
	send := func(subject string) (*provider.Receipt, error) {
		return c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: anna}}, Subject: subject, HTML: "<p>x</p>"})
	}
	_, err := send("Заказ 6")
	require.NoError(t, err)
	sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	r, err := send("Заказ 7")
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, sb.Messages(name)[1].ID, settled.MessageID)
	assert.Equal(t, provider.StateDelivered, settled.State)

	sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Drop: true})
	r, err = send("Заказ 8")
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err = c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateUnknown, settled.State, "nothing is called refused because it was not found")
}
