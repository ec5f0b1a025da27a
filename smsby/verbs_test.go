package smsby_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestResubscribe(t *testing.T) {
	sb := sandbox.New(t)
	c := open(t, config(sb))
	const email = "anna@example.by"
	list := provider.Ref{ID: "318"}
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: email, Lists: []provider.Ref{list}})
	require.NoError(t, err)
	status := func() provider.MembershipStatus { return sb.Contacts("smsby")[0].Memberships[0].Status }
	for _, of := range []provider.Ref{list, {}} {
		_, err = c.Unsubscribe(t.Context(), email, of, "")
		require.NoError(t, err)
		assert.Equal(t, provider.StatusUnsubscribed, status())
		r, err := c.Resubscribe(t.Context(), email, of)
		require.NoError(t, err)
		assert.Equal(t, provider.ContactDone, r.State)
		assert.Equal(t, provider.StatusSubscribed, status())
	}
	before := len(sb.Requests("smsby"))
	_, err = c.Resubscribe(t.Context(), email, provider.Ref{ID: "318,319"})
	assert.ErrorIs(t, err, provider.ErrInvalid, "a comma cannot name further lists")
	assert.Len(t, sb.Requests("smsby"), before)
}

func TestListKeeper(t *testing.T) {
	sb := sandbox.New(t)
	c := open(t, config(sb))
	l, err := c.CreateList(t.Context(), "Покупатели")
	require.NoError(t, err)
	assert.Equal(t, "Покупатели", l.Name)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "anna@example.by", Lists: []provider.Ref{{ID: l.ID}}})
	assert.NoError(t, err, "the list is there")
	sb.Fail("smsby", sandbox.Fault{Operation: "createSubscriberList", Status: 200, Body: `{"status":"OK","result":[]}`})
	_, err = c.CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, provider.ErrBadResponse)
	before := len(sb.Requests("smsby"))
	assert.ErrorIs(t, c.DeleteList(t.Context(), provider.Ref{ID: l.ID}), errors.ErrUnsupported)
	assert.ErrorIs(t, c.Cancel(t.Context(), provider.ReceiptFor("", "email:1")), errors.ErrUnsupported)
	_, err = c.ListSuppressions(t.Context(), "")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Len(t, sb.Requests("smsby"), before)
}
