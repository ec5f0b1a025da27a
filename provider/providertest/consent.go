package providertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// gone is a way in which a contact gets no mail of a list.
type gone struct {
	name string
	// on and other are the statuses on the harness's list and on another; empty means
	// that the contact is not on it.
	on, other provider.MembershipStatus
	stopped   bool // for the whole account, where the vendor has that
	mayJoin   bool // the harness's list
}

var gones = []gone{
	{name: "unsubscribed", on: provider.StatusUnsubscribed},
	{name: "unsubscribed there, on another", on: provider.StatusUnsubscribed, other: provider.StatusSubscribed},
	{name: "blocked", on: provider.StatusBlocked, stopped: true},
	{name: "left every list, but never on this one", other: provider.StatusUnsubscribed},
	{name: "blocked, but never on this one", other: provider.StatusBlocked, stopped: true},
	{name: "left another, on this one", on: provider.StatusSubscribed, other: provider.StatusUnsubscribed, mayJoin: true},
	{name: "on another", other: provider.StatusSubscribed, mayJoin: true},
}

// contact is the contact of a row at the harness's vendor.
func (g gone) contact(h Harness, email string) provider.Contact {
	c := provider.Contact{Email: email}
	put := func(list string, status provider.MembershipStatus) {
		if status == "" {
			return
		}
		if h.AccountConsent && g.stopped {
			status = provider.StatusSubscribed
			c.Suppressed = []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}
		}
		c.Memberships = append(c.Memberships, provider.Membership{List: list, Status: status})
	}
	put(h.List.ID, g.on)
	put(otherList(h), g.other)
	return c
}

// ways are the methods that may put an address on a list. Each returns the error about it.
var ways = []struct {
	name   string
	needs  provider.Feature
	fields bool // the way also sets the harness's field
	join   func(t *testing.T, h Harness, c *provider.Client, email string) error
}{
	{"upsert", feature.ContactsUpsert, true, func(t *testing.T, h Harness, c *provider.Client, email string) error {
		r, err := c.UpsertContact(t.Context(), provider.ContactChange{
			Email: email, Lists: []provider.Ref{h.List}, Fields: map[string]any{h.Field: "after"},
		})
		if err == nil {
			assert.NotNil(t, r)
		}
		return err
	}},
	{"membership", feature.ContactsUpsert, true, func(t *testing.T, h Harness, c *provider.Client, email string) error {
		_, err := c.UpsertContact(t.Context(), provider.ContactChange{
			Email: email, Fields: map[string]any{h.Field: "after"},
			Memberships: []provider.Membership{{List: h.List.ID, Status: provider.StatusSubscribed}},
		})
		return err
	}},
	{"import of few", feature.ContactsImport, true, func(t *testing.T, h Harness, c *provider.Client, email string) error {
		return h.importsOne(t, c, email, 3)
	}},
	{"import of many", feature.ContactsImport, true, func(t *testing.T, h Harness, c *provider.Client, email string) error {
		return h.importsOne(t, c, email, 120)
	}},
	{"add to list", feature.ListsAdd, false, func(t *testing.T, h Harness, c *provider.Client, email string) error {
		results, err := c.AddToList(t.Context(), h.List, []string{email})
		if err == nil && results[0].Error != nil {
			err = results[0].Error
		}
		return err
	}},
}

// importsOne imports an address among n, and returns the error of its row.
func (h Harness) importsOne(t *testing.T, c *provider.Client, email string, n int) (err error) {
	t.Helper()
	_, all := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			row := provider.ContactChange{
				Email: fmt.Sprintf("filler%03d@example.com", i), Lists: []provider.Ref{h.List}, Fields: map[string]any{h.Field: "after"},
			}
			if i == n/2 {
				row.Email = email
			}
			if !yield(row, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error {
		if r.Email == email {
			err = r.Err
		} else {
			assert.NoError(t, r.Err, r.Email)
		}
		return nil
	})
	require.NoError(t, all)
	return err
}

// consent checks that nobody who wants no mail is put on a list, by whatever method; that
// the fields are stored all the same; and that the error names the method that does it.
func (h Harness) consent(t *testing.T) {
	caps := h.capabilities()
	if !caps.Can(feature.ContactsGet) {
		return // contacts cannot be read, so nothing is promised
	}
	for _, g := range gones {
		for _, way := range ways {
			if !caps.Can(way.needs) {
				continue
			}
			t.Run(g.name+"/"+way.name, func(t *testing.T) {
				v := h.start(t)
				v.AddList(v.name, otherList(h), "Other")
				before := g.contact(h, needleEmail)
				v.AddContact(v.name, before)
				err := way.join(t, h, v.open(t, nil), needleEmail)
				after, ok := v.stored(needleEmail)
				require.True(t, ok)
				if way.fields && (g.on != "" || h.AccountConsent || g.mayJoin) { // else the vendor has no record to store them in
					assert.Equal(t, "after", after.Fields[h.Field])
				}
				if g.mayJoin {
					require.NoError(t, err)
					assert.Contains(t, after.Memberships, provider.Membership{List: h.List.ID, Status: provider.StatusSubscribed})
					return
				}
				require.ErrorIs(t, err, provider.ErrConflict)
				assert.ErrorContains(t, err, "resubscribe")
				assert.Equal(t, before.Memberships, after.Memberships)
				assert.Len(t, after.Suppressed, len(before.Suppressed))
			})
		}
	}
	t.Run("resubscribe", h.joinsAfterLeaving)
	t.Run("removal", h.removal)
}

// joinsAfterLeaving: the method that the errors name does it.
func (h Harness) joinsAfterLeaving(t *testing.T) {
	if !h.capabilities().Can(feature.ContactsResubscribe) {
		return
	}
	v := h.start(t)
	v.AddList(v.name, otherList(h), "Other")
	v.AddContact(v.name, gone{other: provider.StatusUnsubscribed}.contact(h, needleEmail))
	c := v.open(t, nil)
	_, err := c.UpsertContact(t.Context(), h.change())
	require.ErrorIs(t, err, provider.ErrConflict)
	r, err := c.Resubscribe(t.Context(), needleEmail, h.List)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	got, _ := v.stored(needleEmail)
	assert.Contains(t, got.Memberships, provider.Membership{List: h.List.ID, Status: provider.StatusSubscribed})
}

// removal from a list forgets nothing, and is not leaving: who is taken off may be put on.
func (h Harness) removal(t *testing.T) {
	caps := h.capabilities()
	if !caps.Can(feature.ListsRemove) || !caps.Can(feature.ListsAdd) {
		return
	}
	v := h.start(t)
	v.AddList(v.name, otherList(h), "Other")
	left := gone{on: provider.StatusUnsubscribed, other: provider.StatusSubscribed}.contact(h, "left@example.com")
	v.AddContact(v.name, left)
	v.AddContact(v.name, gone{on: provider.StatusSubscribed, other: provider.StatusSubscribed}.contact(h, needleEmail))
	c := v.open(t, nil)
	results, err := c.RemoveFromList(t.Context(), h.List, []string{"left@example.com", needleEmail})
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Error, provider.ErrConflict)
	require.Nil(t, results[1].Error, "%v", results[1].Error)
	got, _ := v.stored("left@example.com")
	assert.Equal(t, left.Memberships, got.Memberships, "the unsubscription is remembered")
	results, err = c.AddToList(t.Context(), h.List, []string{needleEmail})
	require.NoError(t, err)
	assert.Nil(t, results[0].Error, "%v", results[0].Error)
}

// stops checks that a stop is stored although another part of the change is refused, and
// that words about standing are mapped or refused by their field.
func (h Harness) stops(t *testing.T) {
	caps := h.capabilities()
	for _, row := range []struct {
		name  string
		needs provider.Feature
		stop  func(c *provider.ContactChange)
	}{
		{"status", feature.ContactsUpsertStatus, func(c *provider.ContactChange) { c.Status = provider.StatusUnsubscribed }},
		{"blocked", feature.ContactsUpsertStatus, func(c *provider.ContactChange) { c.Status = provider.StatusBlocked }},
		{"bounced", feature.ContactsUpsertStatus, func(c *provider.ContactChange) { c.Status = provider.StatusBounced }},
		{"membership", feature.ContactsUpsertStatus, func(c *provider.ContactChange) {
			c.Lists, c.Memberships = nil, []provider.Membership{{List: h.List.ID, Status: provider.StatusComplained}}
		}},
		{"suppressed", feature.ContactsUpsertSuppressed, func(c *provider.ContactChange) {
			c.Suppressed = []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeAll}}
		}},
	} {
		if caps.Level(row.needs) == provider.LevelNone {
			continue
		}
		for _, bad := range []struct {
			name   string
			change func(c *provider.ContactChange)
		}{
			{"nothing wrong", func(*provider.ContactChange) {}},
			{"line break in a name", func(c *provider.ContactChange) { c.FirstName = provider.ChangeTo("a\nb") }},
			{"odd phone", func(c *provider.ContactChange) { c.Phone = provider.ChangeTo("not a number") }},
			{"field of a wrong type", func(c *provider.ContactChange) { c.Fields = map[string]any{h.Field: []string{"a"}} }},
			{"value that no field takes", func(c *provider.ContactChange) { c.Fields = map[string]any{h.Field: struct{}{}} }},
			{"an id that it cannot keep", func(c *provider.ContactChange) { c.ExternalID = provider.ChangeToNone[string]() }},
		} {
			for _, way := range []string{"upsert", "import", "import of many"} {
				if way == "import of many" && (bad.name != "odd phone" || row.name != "status") {
					continue // as an import of few, which takes no time
				}
				t.Run(row.name+"/"+bad.name+"/"+way, func(t *testing.T) {
					v := h.start(t)
					v.seed(needleEmail)
					c := v.open(t, nil)
					change := h.change()
					row.stop(&change)
					bad.change(&change)
					err := h.changes(t, c, change, way)
					require.NoError(t, err)
					got, ok := v.stored(needleEmail)
					require.True(t, ok)
					assert.True(t, len(got.Suppressed) > 0 || got.Memberships[0].Status.Terminal(), "%+v", got)
				})
			}
		}
	}
	t.Run("words that nobody takes", func(t *testing.T) {
		v := h.start(t)
		c := v.open(t, nil)
		for field, change := range map[string]provider.ContactChange{
			"status":                {Lists: []provider.Ref{h.List}, Status: provider.StatusPending},
			"memberships[0].status": {Memberships: []provider.Membership{{List: h.List.ID, Status: provider.StatusRemoved}}},
			"memberships[0].list":   {Memberships: []provider.Membership{{Status: provider.StatusSubscribed}}},
			"suppressed[0].scope":   {Lists: []provider.Ref{h.List}, Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail}}},
			"suppressed[0].channel": {Lists: []provider.Ref{h.List}, Suppressed: []provider.Suppression{{Scope: provider.ScopeAll}}},
		} {
			change.Email = needleEmail
			_, err := c.UpsertContact(t.Context(), change)
			var e *provider.Error
			require.ErrorAs(t, err, &e, field)
			if !errors.Is(err, provider.ErrUnsupported) {
				assert.Equal(t, field, e.Field)
			}
		}
		v.noRequests(t)
	})
}

// changes carries out a change in one of two ways.
func (h Harness) changes(t *testing.T, c *provider.Client, change provider.ContactChange, way string) error {
	t.Helper()
	if way == "upsert" {
		_, err := c.UpsertContact(t.Context(), change)
		return err
	}
	n := 3
	if way == "import of many" {
		n = 60
	}
	var own error
	_, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			row := provider.ContactChange{Email: fmt.Sprintf("row%02d@example.com", i), Lists: []provider.Ref{h.List}}
			if i == n/2 {
				row = change
			}
			if !yield(row, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error {
		if r.Index == n/2 {
			own = r.Err
		}
		return nil
	})
	require.NoError(t, err)
	return own
}

// identity checks that no change makes one contact of two, by a phone number or an id, in the
// account or in a file; and that a person whose family shares a number is stored where the
// vendor has no such rule.
func (h Harness) identity(t *testing.T) {
	caps := h.capabilities()
	for _, row := range []struct {
		name  string
		needs provider.Feature
		set   func(c *provider.ContactChange)
		seed  func(c *provider.Contact)
	}{
		{
			"phone", feature.ContactsUpsertPhone,
			func(c *provider.ContactChange) { c.Phone = provider.ChangeTo("+989121234567") },
			func(c *provider.Contact) { c.Phone = "989121234567" },
		},
		{
			"external id", feature.ContactsUpsertExternalID,
			func(c *provider.ContactChange) { c.ExternalID = provider.ChangeTo("crm-7") },
			func(c *provider.Contact) { c.ExternalID = "crm-7" },
		},
	} {
		if !caps.Can(row.needs) {
			continue
		}
		for _, n := range []int{1, 2, 120} {
			t.Run(fmt.Sprint(row.name, " of the account, ", n, " rows"), func(t *testing.T) {
				v := h.start(t)
				anna := gone{on: provider.StatusUnsubscribed}.contact(h, needleEmail)
				row.seed(&anna)
				v.AddContact(v.name, anna)
				h.twoRows(t, v, n, func(i int, c *provider.ContactChange) {
					if i == n/2 {
						c.Email = "husband@example.com"
						row.set(c)
					}
				})
				got, ok := v.stored(needleEmail)
				require.True(t, ok, "the other contact is gone")
				assert.Equal(t, anna.Memberships, got.Memberships)
			})
			t.Run(fmt.Sprint(row.name, " twice in a file, ", n, " rows"), func(t *testing.T) {
				if n == 1 {
					return
				}
				v := h.start(t)
				results := h.twoRows(t, v, n, func(i int, c *provider.ContactChange) {
					if i < 2 {
						row.set(c)
					}
				})
				unknown := slices.IndexFunc(results, func(r provider.ImportResult) bool {
					return errors.Is(r.Err, provider.ErrOutcomeUnknown) || r.Receipt != nil && r.Receipt.State == provider.ContactUnknown
				})
				assert.Negative(t, unknown, "a row whose outcome is open")
				assert.NoError(t, results[0].Err)
				stored := 0
				for _, r := range results {
					if _, ok := v.stored(r.Email); ok {
						stored++
					} else {
						assert.ErrorIs(t, r.Err, provider.ErrConflict, r.Email)
					}
				}
				assert.GreaterOrEqual(t, stored, n-1)
			})
		}
	}
}

// twoRows imports n rows; change makes each its own.
func (h Harness) twoRows(t *testing.T, v *vendor, n int, change func(i int, c *provider.ContactChange)) []provider.ImportResult {
	t.Helper()
	var out []provider.ImportResult
	_, err := v.open(t, nil).ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for i := range n {
			row := provider.ContactChange{Email: fmt.Sprintf("row%03d@example.com", i), Lists: []provider.Ref{h.List}}
			change(i, &row)
			if !yield(row, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error { out = append(out, r); return nil })
	require.NoError(t, err)
	require.Len(t, out, n)
	return out
}

// oneList checks what is said of a vendor that keeps no standing of one list: the address is
// taken off, the receipt says so, and a program can ask for more.
func (h Harness) oneList(t *testing.T) {
	const f = feature.ContactsUnsubscribeList
	if h.capabilities().Level(f) != provider.LevelEmulated {
		return
	}
	v := h.start(t)
	v.seed(needleEmail)
	c := v.open(t, nil)
	assert.False(t, c.Has(f))
	r, err := c.Unsubscribe(t.Context(), needleEmail, h.List, "")
	require.NoError(t, err)
	require.Len(t, r.Notes, 1)
	assert.Equal(t, provider.NoteEmulated, r.Notes[0].Action)
	assert.Contains(t, r.Notes[0].Why, "keeps no standing of one list")

	before := len(v.Requests(v.name))
	_, err = v.open(t, withPolicy(provider.Policy{f: "error"})).Unsubscribe(t.Context(), needleEmail, h.List, "")
	require.ErrorIs(t, err, provider.ErrUnsupported)
	assert.Len(t, v.Requests(v.name), before)
	emulates := withPolicy(provider.Policy{f: provider.ActionEmulate})
	assert.True(t, v.open(t, emulates).Has(f))
}
