package providertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// blocked stops all mail to an address, in a form that every fake shows.
var blocked = provider.Suppression{
	Channel: provider.ChannelEmail, Scope: provider.ScopeAll,
	Reason: provider.Reason(provider.StatusBlocked),
}

// verbActions are the actions around sending: cancel, suppressions,
// resubscribing, making and removing lists.
var verbActions = map[provider.Feature]action{
	feature.MessageCancel: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		if !c.Capabilities().Can(feature.MessageCancel) {
			return c.Cancel(t.Context(), provider.ReceiptFor("", "1"))
		}
		m := h.baseline()
		m.SendAt = needleTime
		sent, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		require.NotEmpty(t, sent.MessageID)
		if err := c.Cancel(t.Context(), sent); err != nil {
			return err
		}
		for _, kept := range v.Messages(v.name) {
			assert.True(t, kept.Withdrawn, "%s still goes out", kept.ID)
		}
		err = c.Cancel(t.Context(), sent)
		assert.True(
			t, err == nil || kindIs(err, provider.ErrNotFound, provider.ErrConflict),
			"withdrawn twice: %v", err,
		)
		m.SendAt = time.Time{}
		sent, err = c.Send(t.Context(), m)
		require.NoError(t, err)
		v.Advance(time.Hour) // a vendor may keep it in a queue for a while
		err = c.Cancel(t.Context(), sent)
		assert.True(
			t, kindIs(err, provider.ErrNotFound, provider.ErrConflict),
			"what has gone out cannot be withdrawn: %v", err,
		)
		return nil
	},
	feature.SuppressionsList: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		const n = 130 // more than a page
		for i := range n {
			v.AddSuppression(v.name, fmt.Sprintf("blocked%03d@example.com", i), blocked)
		}
		seen := map[string]int{}
		for a, err := range c.AllSuppressions(t.Context()) {
			if err != nil {
				return err
			}
			assert.Equal(t, provider.ChannelEmail, a.Channel)
			assert.NotEmpty(t, a.Scope)
			seen[a.Email]++
		}
		assert.Len(t, seen, n)
		for email, times := range seen {
			assert.Equal(t, 1, times, email)
		}
		return nil
	},
	feature.SuppressionsAdd: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		r, err := c.AddSuppression(t.Context(), needleEmail, "asked by phone")
		if err != nil {
			return err
		}
		assert.Equal(t, needleEmail, r.Email)
		got, _ := v.stored(needleEmail)
		assert.NotEmpty(t, got.Suppressed)
		_, err = c.AddSuppression(t.Context(), "stranger@example.com", "")
		assert.NoError(t, err, "an address that is no contact")
		return nil
	},
	feature.SuppressionsRemove: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		v.AddSuppression(v.name, needleEmail, blocked)
		v.AddSuppression(v.name, "other@example.com", blocked)
		r, err := c.RemoveSuppression(t.Context(), needleEmail)
		if err != nil {
			return err
		}
		assert.Equal(t, needleEmail, r.Email)
		got, _ := v.stored(needleEmail)
		assert.Empty(t, got.Suppressed)
		if c.Capabilities().Can(feature.SuppressionsList) {
			var left []string
			for a, err := range c.AllSuppressions(t.Context()) {
				require.NoError(t, err)
				left = append(left, a.Email)
			}
			assert.Equal(t, []string{"other@example.com"}, left)
		}
		return nil
	},
	feature.ContactsResubscribe: resubscribe,
	feature.ListsCreate: func(t *testing.T, _ Harness, _ *vendor, c *provider.Client) error {
		l, err := c.CreateList(t.Context(), "needle فهرست")
		if err != nil {
			return err
		}
		assert.NotEmpty(t, l.ID)
		assert.Equal(t, "needle فهرست", l.Name)
		if c.Capabilities().Can(feature.ListsList) {
			assert.Equal(t, "needle فهرست", listNames(t, c)[l.ID])
		}
		return nil
	},
	feature.ListsDelete: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		v.AddList(v.name, otherList(h), "Other")
		if err := c.DeleteList(t.Context(), provider.Ref{ID: otherList(h)}); err != nil {
			return err
		}
		names := listNames(t, c)
		assert.NotContains(t, names, otherList(h))
		assert.Contains(t, names, h.List.ID)
		assert.Error(
			t, c.DeleteList(t.Context(), provider.Ref{ID: otherList(h)}),
			"it is not there any more",
		)
		return nil
	},
}

// resubscribe brings back to all mail, and to one list; a provider has at least
// one of the two.
func resubscribe(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
	caps := c.Capabilities()
	if !caps.Can(feature.ContactsResubscribe) {
		_, err := c.Resubscribe(t.Context(), needleEmail, provider.Ref{})
		return err
	}
	done := 0
	for _, list := range []provider.Ref{{}, h.List} {
		email := "needle" + list.ID + "@example.com"
		v.seed(email)
		if list.IsZero() || caps.Can(feature.ContactsUnsubscribeList) {
			_, err := c.Unsubscribe(t.Context(), email, list, "")
			if list.IsZero() && kindIs(err, provider.ErrUnsupported) {
				continue // an unsubscription that cannot be made is not undone
			}
			require.NoError(t, err)
		}
		r, err := c.Resubscribe(t.Context(), email, list)
		if kindIs(err, provider.ErrUnsupported) {
			continue
		}
		if err != nil {
			return err
		}
		done++
		assert.Equal(t, email, r.Email)
		got, ok := v.stored(email)
		require.True(t, ok)
		assert.Empty(t, got.Suppressed)
		assert.Equal(
			t, []provider.Membership{{List: h.List.ID, Status: provider.StatusSubscribed}},
			got.Memberships,
		)
	}
	assert.NotZero(t, done, "neither to all mail nor to a list")
	return nil
}

func listNames(t *testing.T, c *provider.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	for l, err := range c.AllLists(t.Context()) {
		require.NoError(t, err)
		out[l.ID] = l.Name
	}
	return out
}

func kindIs(err error, kinds ...provider.Kind) bool {
	return slices.ContainsFunc(kinds, func(k provider.Kind) bool { return errors.Is(err, k) })
}
