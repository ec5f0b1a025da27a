package providertest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// bulkRows is enough for every vendor's bulk import to be used, and more than one
// request of SendPulse or SMS.by takes.
const bulkRows = 1200

// imports checks that rows have results of their own, that unsubscribed contacts
// stay so among many others, and that many contacts need few requests where the
// adapter says so.
func imports(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
	report, failed, err := h.importRows(t, c, []string{
		needleEmail, "not an address", "other@example.com",
	})
	if err != nil {
		return err
	}
	assert.Equal(t, 3, report.Rows)
	assert.Equal(t, 1, report.Refused)
	assert.Equal(t, 2, report.Created+report.Stored)
	assert.Equal(t, []int{1}, failed)
	_, ok := v.stored("other@example.com")
	assert.True(t, ok)

	n := 40
	if h.BulkImport {
		n = bulkRows
	}
	emails := make([]string, n)
	for i := range emails {
		emails[i] = fmt.Sprintf("row%04d@example.com", i)
	}
	gone := provider.Contact{
		Email:       emails[n/2],
		Memberships: []provider.Membership{{List: h.List.ID, Status: provider.StatusUnsubscribed}},
	}
	v.AddContact(v.name, gone)
	blocked := provider.Contact{
		Email:       emails[n/2+1],
		Memberships: []provider.Membership{{List: h.List.ID, Status: provider.StatusBlocked}},
	}
	if h.AccountConsent {
		blocked.Memberships[0].Status = provider.StatusSubscribed
		blocked.Suppressed = []provider.Suppression{
			{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing},
		}
	}
	v.AddContact(v.name, blocked)
	before := len(v.Requests(v.name))
	report, failed, err = h.importRows(t, c, emails)
	require.NoError(t, err)
	assert.Equal(t, n, report.Rows)
	if h.capabilities().Can(feature.ContactsGet) {
		assert.Equal(t, []int{n / 2, n/2 + 1}, failed, "who wants no mail is refused")
	} else {
		assert.Empty(t, failed, "nobody can look")
	}
	assert.Zero(t, report.Unknown)
	if calls := len(v.Requests(v.name)) - before; h.BulkImport {
		assert.Less(t, calls, n/20, "calls for %d contacts", n)
	} else {
		assert.GreaterOrEqual(t, calls, n, "calls for %d contacts", n)
	}
	h.arrived(t, v, emails, gone, blocked)
	return nil
}

// importRows imports addresses into the harness's list.
func (h Harness) importRows(
	t *testing.T, c *provider.Client, emails []string,
) (report provider.ImportReport, failed []int, err error) {
	t.Helper()
	next := 0
	report, err = c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for _, email := range emails {
			if !yield(provider.ContactChange{Email: email, Lists: []provider.Ref{h.List}}, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error {
		assert.Equal(t, next, r.Index)
		assert.Equal(t, emails[next], r.Email)
		next++
		if r.Err != nil {
			failed = append(failed, r.Index)
		}
		return nil
	})
	return report, failed, err
}

// arrived asserts that all addresses are contacts on the list, except the
// unwilling.
func (h Harness) arrived(t *testing.T, v *vendor, emails []string, unwilling ...provider.Contact) {
	t.Helper()
	caps := h.capabilities()
	all := map[string]provider.Contact{}
	for _, c := range v.Contacts(v.name) {
		all[c.Email] = c
	}
	for _, want := range unwilling {
		got := all[want.Email]
		delete(all, want.Email)
		if !caps.Can(feature.ContactsGet) {
			continue // contacts cannot be read, so nothing is promised
		}
		assert.Equal(t, want.Memberships, got.Memberships, want.Email)
		assert.Len(t, got.Suppressed, len(want.Suppressed), want.Email)
	}
	missing := 0
	for _, email := range emails {
		c, ok := all[email]
		if !ok || len(c.Memberships) != 1 || c.Memberships[0].Status != provider.StatusSubscribed {
			missing++
		}
	}
	assert.Equal(
		t, len(unwilling), missing, "contacts that did not arrive, and those who do not want mail",
	)
}
