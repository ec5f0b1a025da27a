package providertest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

const needleEmail = "needle@example.com"

// action does one thing with contacts and checks that it happened.
type action func(t *testing.T, h Harness, v *vendor, c *provider.Client) error

// stored returns the contact as the fake has it.
func (v *vendor) stored(email string) (provider.Contact, bool) {
	for _, c := range v.Contacts(v.name) {
		if strings.EqualFold(c.Email, email) {
			return c, true
		}
	}
	return provider.Contact{}, false
}

// seed puts a subscribed contact on the harness's list.
func (v *vendor) seed(email string) {
	v.AddContact(v.name, provider.Contact{
		Email: email, FirstName: "Anna", Fields: map[string]any{v.h.Field: "before"},
		Memberships: []provider.Membership{{List: v.h.List.ID, Status: provider.StatusSubscribed}},
	})
}

// change returns an upsert that every vendor with upserts takes.
func (h Harness) change() provider.ContactChange {
	return provider.ContactChange{Email: needleEmail, Lists: []provider.Ref{h.List}}
}

func upsert(
	change func(h Harness, c *provider.ContactChange),
	check func(t *testing.T, h Harness, c provider.Contact),
) action {
	return func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		ch := h.change()
		change(h, &ch)
		r, err := c.UpsertContact(t.Context(), ch)
		if err != nil {
			return err
		}
		assert.Equal(t, needleEmail, r.Email)
		assert.Equal(t, "account", r.Account)
		got, ok := v.stored(needleEmail)
		require.True(t, ok, "the contact was not stored")
		check(t, h, got)
		return nil
	}
}

var actions = map[provider.Feature]action{
	feature.MessageSettle: settles,
	feature.MessageBatch:  batches,
	feature.MessageStatus: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		sent, err := c.Send(t.Context(), h.baseline())
		require.NoError(t, err)
		r, err := c.Status(t.Context(), sent)
		if err != nil {
			return err
		}
		assert.Equal(t, sent.MessageID, r.MessageID)
		assert.NotEmpty(t, r.State)
		assert.Equal(t, "account", r.Account)
		_, err = c.Status(
			t.Context(),
			provider.ReceiptFor(
				"", strings.Replace(sent.MessageID, sent.MessageID[1:2], "0", 1)+"0",
			),
		)
		assert.Error(t, err, "an id that does not exist")
		return nil
	},
	feature.ContactsGet: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		got, err := c.GetContact(t.Context(), needleEmail)
		if err != nil {
			return err
		}
		assert.Equal(t, needleEmail, got.Email)
		assert.Equal(t, "Anna", got.FirstName)
		assert.Equal(t, "before", got.Fields[h.Field])
		assert.Equal(
			t, []provider.Membership{{List: h.List.ID, Status: provider.StatusSubscribed}},
			got.Memberships,
		)
		assert.NotNil(t, got.Suppressed)
		assert.Empty(t, got.Suppressed)
		_, err = c.GetContact(t.Context(), "nobody@example.com")
		assert.ErrorIs(t, err, provider.ErrNotFound)
		return nil
	},
	feature.ContactsList: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		return expectContact(t, c, provider.ContactQuery{})
	},
	feature.ContactsListMembers: func(
		t *testing.T, h Harness, v *vendor, c *provider.Client,
	) error {
		v.seed(needleEmail)
		return expectContact(t, c, provider.ContactQuery{List: h.List})
	},
	feature.ContactsListModifiedSince: func(
		t *testing.T, h Harness, v *vendor, c *provider.Client,
	) error {
		old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		v.AddContact(v.name, provider.Contact{
			Email: "old@example.com", CreatedAt: old, ModifiedAt: old,
			Memberships: []provider.Membership{{List: h.List.ID}},
		})
		v.seed(needleEmail)
		for got, err := range c.AllContacts(t.Context(), provider.ContactQuery{ModifiedSince: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)}) {
			if err != nil {
				return err
			}
			assert.NotEqual(t, "old@example.com", got.Email)
		}
		return expectContact(t, c, provider.ContactQuery{ModifiedSince: old.AddDate(1, 0, 0)})
	},
	feature.ContactsUpsert: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		for range 2 { // the second time the contact exists
			if err := upsert(func(Harness, *provider.ContactChange) {}, func(t *testing.T, h Harness, got provider.Contact) {
				assert.Equal(
					t, []provider.Membership{{List: h.List.ID, Status: provider.StatusSubscribed}},
					got.Memberships,
				)
			})(t, h, v, c); err != nil {
				return err
			}
		}
		return nil
	},
	feature.ContactsUpsertPhone: upsert(
		func(_ Harness, c *provider.ContactChange) { c.Phone = provider.ChangeTo("+989121234567") },
		func(t *testing.T, _ Harness, got provider.Contact) {
			assert.Contains(t, fmt.Sprint(got.Phone, got.Fields), "989121234567")
		}),
	feature.ContactsUpsertNames: upsert(
		func(_ Harness, c *provider.ContactChange) {
			c.FirstName, c.LastName = provider.ChangeTo("نگار"), provider.ChangeTo("Иванова")
		},
		func(t *testing.T, _ Harness, got provider.Contact) {
			all := fmt.Sprint(got.FirstName, got.LastName, got.Fields)
			assert.Contains(t, all, "نگار")
			assert.Contains(t, all, "Иванова")
		}),
	feature.ContactsUpsertFields: upsert(
		func(
			h Harness, c *provider.ContactChange,
		) {
			c.Fields = map[string]any{h.Field: "needle شهر"}
		},
		func(t *testing.T, h Harness, got provider.Contact) {
			assert.Equal(t, "needle شهر", got.Fields[h.Field])
		}),
	feature.ContactsUpsertClear: func(
		t *testing.T, h Harness, v *vendor, c *provider.Client,
	) error {
		v.seed(needleEmail)
		return upsert(
			func(h Harness, c *provider.ContactChange) { c.Fields = map[string]any{h.Field: nil} },
			func(t *testing.T, h Harness, got provider.Contact) {
				assert.Contains(t, []any{nil, ""}, got.Fields[h.Field])
				assert.Equal(t, "Anna", got.FirstName, "what is not named is left alone")
			})(t, h, v, c)
	},
	feature.ContactsUpsertStatus: upsert(
		func(_ Harness, c *provider.ContactChange) { c.Status = provider.StatusUnsubscribed },
		func(t *testing.T, _ Harness, got provider.Contact) {
			assert.True(
				t, len(got.Suppressed) > 0 || got.Memberships[0].Status.Terminal(), "%+v", got,
			)
		}),
	feature.ContactsUpsertSuppressed: upsert(
		func(_ Harness, c *provider.ContactChange) {
			c.Suppressed = []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}}
		},
		func(t *testing.T, _ Harness, got provider.Contact) {
			assert.True(
				t, len(got.Suppressed) > 0 || got.Memberships[0].Status.Terminal(), "%+v", got,
			)
		}),
	feature.ContactsUpsertWithoutList: upsert(
		func(_ Harness, c *provider.ContactChange) { c.Lists = nil },
		func(t *testing.T, _ Harness, got provider.Contact) { assert.Empty(t, got.Memberships) }),
	feature.ContactsDelete: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		if err := c.DeleteContact(t.Context(), needleEmail); err != nil {
			return err
		}
		_, ok := v.stored(needleEmail)
		assert.False(t, ok)
		assert.ErrorIs(t, c.DeleteContact(t.Context(), needleEmail), provider.ErrNotFound)
		return nil
	},
	feature.ContactsUnsubscribe: func(
		t *testing.T, h Harness, v *vendor, c *provider.Client,
	) error {
		v.seed(needleEmail)
		r, err := c.Unsubscribe(t.Context(), needleEmail, provider.Ref{}, "")
		if err != nil {
			return err
		}
		assert.Equal(t, needleEmail, r.Email)
		got, _ := v.stored(needleEmail)
		assert.True(t, len(got.Suppressed) > 0 || got.Memberships[0].Status.Terminal(), "%+v", got)
		return nil
	},
	feature.ContactsUnsubscribeList: func(
		t *testing.T, h Harness, v *vendor, c *provider.Client,
	) error {
		v.seed(needleEmail)
		if _, err := c.Unsubscribe(t.Context(), needleEmail, h.List, ""); err != nil {
			return err
		}
		got, _ := v.stored(needleEmail)
		for _, m := range got.Memberships {
			assert.True(
				t, m.List != h.List.ID || m.Status.Terminal() || len(got.Suppressed) > 0, "%+v",
				got,
			)
		}
		return nil
	},
	feature.ContactsImport: imports,
	feature.ListsList: func(t *testing.T, h Harness, _ *vendor, c *provider.Client) error {
		var ids []string
		for l, err := range c.AllLists(t.Context()) {
			if err != nil {
				return err
			}
			assert.NotEmpty(t, l.Name)
			ids = append(ids, l.ID)
		}
		assert.Contains(t, ids, h.List.ID)
		return nil
	},
	feature.ListsAdd: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		v.seed("known@example.com")
		v.AddList(v.name, otherList(h), "Other")
		results, err := c.AddToList(
			t.Context(), provider.Ref{ID: otherList(h)}, []string{"known@example.com"},
		)
		if err != nil {
			return err
		}
		require.Len(t, results, 1)
		require.Nil(t, results[0].Error, "%v", results[0].Error)
		got, _ := v.stored("known@example.com")
		assert.Contains(t, got.Memberships, provider.Membership{
			List: otherList(h), Status: provider.StatusSubscribed,
		})
		assert.Contains(t, got.Memberships, provider.Membership{
			List: h.List.ID, Status: provider.StatusSubscribed,
		})
		return nil
	},
	feature.ListsRemove: func(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
		v.seed(needleEmail)
		results, err := c.RemoveFromList(t.Context(), h.List, []string{needleEmail})
		if err != nil {
			return err
		}
		require.Len(t, results, 1)
		require.Nil(t, results[0].Error, "%v", results[0].Error)
		got, _ := v.stored(needleEmail)
		assert.Empty(t, got.Memberships)
		return nil
	},
	feature.Check: func(t *testing.T, _ Harness, v *vendor, c *provider.Client) error {
		h, err := c.Check(t.Context())
		if err != nil {
			return err
		}
		assert.Equal(t, "account", h.Account)
		assert.Empty(t, v.Messages(v.name), "a check sends nothing")
		return nil
	},
	feature.CheckSenders: func(t *testing.T, _ Harness, _ *vendor, c *provider.Client) error {
		h, err := c.Check(t.Context())
		if err == nil && len(h.Senders) == 0 {
			return errNothing
		}
		return err
	},
	feature.CheckQuota: func(t *testing.T, _ Harness, _ *vendor, c *provider.Client) error {
		h, err := c.Check(t.Context())
		if err == nil && len(h.Quotas) == 0 {
			return errNothing
		}
		return err
	},
}

// derivedAction upserts a contact with the field of ContactChange that the feature
// is named after. ok is false for other types of fields than Change[string].
func derivedAction(f provider.Feature) (action, bool) {
	typ := reflect.TypeFor[provider.ContactChange]()
	for i := range typ.NumField() {
		name := jsonName(typ.Field(i))
		if provider.Feature("contacts.upsert."+name) != f || typ.Field(i).Type != reflect.TypeFor[provider.Change[string]]() {
			continue
		}
		return upsert(
			func(_ Harness, c *provider.ContactChange) {
				reflect.ValueOf(c).Elem().Field(i).Set(reflect.ValueOf(provider.ChangeTo("needle-" + name)))
			},
			func(t *testing.T, _ Harness, got provider.Contact) {
				assert.Contains(t, fmt.Sprintf("%+v", got), "needle-"+name)
			}), true
	}
	return nil, false
}

// errNothing means that a part of a response is empty: Check has no error for a
// part that it cannot report.
var errNothing = errors.New("nothing told")

// otherList returns an id for a second list, in the form of the harness's list.
func otherList(h Harness) string {
	id := h.List.ID
	if strings.Trim(id, "0123456789") == "" {
		return id + "9"
	}
	return "zz" + id[2:]
}

func expectContact(t *testing.T, c *provider.Client, q provider.ContactQuery) error {
	t.Helper()
	for got, err := range c.AllContacts(t.Context(), q) {
		if err != nil {
			return err
		}
		if got.Email == needleEmail {
			return nil
		}
	}
	t.Errorf("%s was not listed", needleEmail)
	return nil
}

// ofSentMail are features of messages that have an action instead of a probe.
var ofSentMail = []provider.Feature{
	feature.MessageStatus, feature.MessageCancel, feature.MessageSettle, feature.MessageBatch,
}

func (h Harness) contactFeatures(t *testing.T) {
	caps := h.capabilities()
	for _, f := range provider.Features() {
		if strings.HasPrefix(string(f), "message.") && !slices.Contains(ofSentMail, f) || strings.HasPrefix(string(f), "events.") {
			continue
		}
		do, ok := actions[f]
		if !ok {
			do, ok = verbActions[f]
		}
		if !ok {
			do, ok = derivedAction(f)
		}
		require.True(t, ok, "no test for %s; add a row to actions in providertest", f)
		_, listed := caps[f]
		assert.True(t, listed, "%s: the capability table has no cell; add one", f)
		t.Run(string(f), func(t *testing.T) {
			v := h.start(t)
			c := v.open(t, nil)
			if caps.Can(f) || f == feature.ContactsUnsubscribeList && caps.Level(f) == provider.LevelEmulated {
				require.NoError(t, do(t, h, v, c))
				assert.NotEmpty(t, v.Requests(v.name))
				return
			}
			switch f {
			case feature.CheckSenders, feature.CheckQuota:
				if err := do(t, h, v, c); caps.Can(feature.Check) {
					assert.ErrorIs(t, err, errNothing)
				} else {
					v.unsupported(t, feature.Check, err)
				}
			case feature.MessageStatus:
				_, err := c.Status(t.Context(), provider.ReceiptFor("", "1"))
				v.unsupported(t, f, err)
			default:
				missing := f // or its operation, where that is missing too
				if whole := wholeOf(f); whole != "" && !caps.Can(whole) {
					missing = whole
				}
				v.unsupported(t, missing, do(t, h, v, c))
			}
		})
	}
}

// wholeOf returns the operation that f is a part of; empty when f is an operation
// itself.
func wholeOf(f provider.Feature) provider.Feature {
	switch {
	case f == feature.ContactsListModifiedSince:
		return feature.ContactsList
	case strings.HasPrefix(string(f), string(feature.ContactsUpsert)+"."):
		return feature.ContactsUpsert
	}
	return ""
}
