package provider_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/memory"
)

// verbs is a stub with the add-on interfaces around sending.
type verbs struct {
	stub
	err  error
	list *provider.List
	refs []provider.Ref
}

func (v *verbs) Cancel(context.Context, *provider.Receipt) error { return v.err }

func (v *verbs) ListSuppressions(_ context.Context, cursor string) (*provider.Page[provider.Suppression], error) {
	if cursor == "2" {
		return nil, v.err
	}
	return &provider.Page[provider.Suppression]{Items: []provider.Suppression{{Email: "a@example.com"}, {Email: "b@example.com"}}, Next: "2"}, nil
}

func (v *verbs) AddSuppression(context.Context, string, string) (*provider.ContactReceipt, error) {
	return nil, v.err
}

func (v *verbs) RemoveSuppression(context.Context, string) (*provider.ContactReceipt, error) {
	return nil, v.err
}

func (v *verbs) Resubscribe(_ context.Context, _ string, list provider.Ref) (*provider.ContactReceipt, error) {
	v.refs = append(v.refs, list)
	return nil, v.err
}

func (v *verbs) CreateList(context.Context, string) (*provider.List, error) { return v.list, v.err }

func (v *verbs) DeleteList(_ context.Context, list provider.Ref) error {
	v.refs = append(v.refs, list)
	return v.err
}

func verbClient(t *testing.T, v *verbs) *provider.Client {
	t.Helper()
	v.caps = everything(nil)
	c, err := provider.NewClient(v, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: "main", Lists: map[string]string{"news": "4"}})
	require.NoError(t, err)
	return c
}

func TestVerbsCheckWhatTheyAreGiven(t *testing.T) {
	v := &verbs{}
	c := verbClient(t, v)
	ctx := t.Context()
	for field, call := range map[string]func() error{
		"message_id": func() error { return c.Cancel(ctx, provider.ReceiptFor("", "")) },
		"email":      func() error { _, err := c.AddSuppression(ctx, "nobody", ""); return err },
		"reason":     func() error { _, err := c.AddSuppression(ctx, "a@example.com", "a\nb"); return err },
		"name":       func() error { _, err := c.CreateList(ctx, ""); return err },
		"list":       func() error { return c.DeleteList(ctx, provider.Ref{Alias: "nope"}) },
	} {
		var e *provider.Error
		require.ErrorAs(t, call(), &e, field)
		assert.Equal(t, provider.ErrInvalid, e.Kind)
		assert.Equal(t, field, e.Field)
		assert.Equal(t, "main", e.Account)
	}
	_, err := c.RemoveSuppression(ctx, "")
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = c.Resubscribe(ctx, "a@example.com", provider.Ref{Alias: "nope"})
	assert.ErrorContains(t, err, `list: no alias "nope"`)
	_, err = c.CreateList(ctx, "a\nb")
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorIs(t, c.DeleteList(ctx, provider.Ref{}), provider.ErrInvalid)
	require.NoError(t, c.DeleteList(ctx, provider.Ref{Alias: "news"}))
	_, err = c.Resubscribe(ctx, "a@example.com", provider.Ref{Alias: "news"})
	require.NoError(t, err)
	assert.Equal(t, []provider.Ref{{ID: "4"}, {ID: "4"}}, v.refs)
}

func TestVerbsTellWhatBecame(t *testing.T) {
	lost := &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
	v := &verbs{err: lost}
	c := verbClient(t, v)
	assert.ErrorContains(t, c.Cancel(t.Context(), provider.ReceiptFor("", "1")), "cancel: outcome unknown; it may have been withdrawn")
	r, err := c.AddSuppression(t.Context(), "a@example.com", "")
	assert.ErrorContains(t, err, "it may have been changed")
	require.NotNil(t, r, "a request may have left")
	assert.Equal(t, provider.ContactUnknown, r.State)
	var emails []string
	var last error
	for a, err := range c.AllSuppressions(t.Context()) {
		emails, last = append(emails, a.Email), err
	}
	assert.Equal(t, []string{"a@example.com", "b@example.com", ""}, emails, "an error comes once and last")
	assert.ErrorIs(t, last, provider.ErrOutcomeUnknown)
	assert.NotContains(t, last.Error(), "changed", "a read")
	for _, err := range c.AllSuppressions(t.Context()) {
		require.NoError(t, err)
		break
	}
	v.err, v.list = nil, &provider.List{Name: "x"}
	l, err := c.CreateList(t.Context(), "x")
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeSent, e.Outcome, "made, id unknown")
	assert.Equal(t, "x", l.Name)
}

// mailOnly is an adapter of a provider that only sends.
type mailOnly struct{ caps provider.Capabilities }

func (m mailOnly) Capabilities() provider.Capabilities { return m.caps }

func (mailOnly) Send(_ context.Context, m *provider.Message) (*provider.Receipt, error) {
	return m.Receipt("1", provider.StateAccepted), nil
}

// Cancel has another signature than Canceler: it is no ability.
func (mailOnly) Cancel(context.Context, string) error { return nil }

// A table that promises a method which the adapter does not have is an error when
// the account is opened, and names the method.
func TestCapabilitiesNeedTheirMethods(t *testing.T) {
	_, err := provider.NewClient(mailOnly{everything(nil)}, "stub", provider.AccountSettings{}, provider.DriverEnv{})
	require.ErrorIs(t, err, provider.ErrInternal)
	assert.ErrorContains(t, err, "message.cancel (Cancel)")
	assert.ErrorContains(t, err, "contacts.get (GetContact)")
	assert.ErrorContains(t, err, "suppressions.add (AddSuppression)")
}

// A provider that only sends needs no more than Send: every other operation is
// unsupported, before any request.
func TestMailOnly(t *testing.T) {
	c, err := provider.NewClient(mailOnly{provider.Capabilities{feature.MessageHTML: {Level: provider.LevelNative}}}, "stub", provider.AccountSettings{}, provider.DriverEnv{})
	require.NoError(t, err)
	_, err = c.Send(t.Context(), order())
	require.NoError(t, err)
	_, err = c.GetContact(t.Context(), "a@example.com")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.ListSuppressions(t.Context(), "")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.CreateList(t.Context(), "x")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.Resubscribe(t.Context(), "a@example.com", provider.Ref{})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorIs(t, c.Cancel(t.Context(), provider.ReceiptFor("", "1")), errors.ErrUnsupported)
	_, err = c.ImportContacts(t.Context(), func(func(provider.ContactChange, error) bool) {}, nil)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.Check(t.Context())
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestRedirect(t *testing.T) {
	store := memory.NewStore()
	c := inMemory(t, store, provider.AccountConfig{"redirect_to": "dev@test.example"})
	m := order()
	m.Cc, m.SendAt = []provider.Address{{Email: "c@example.com"}}, time.Now().Add(time.Hour)
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	require.Len(t, r.Recipients, 1)
	assert.Equal(t, "dev@test.example", r.Recipients[0].Email)
	assert.Equal(t, "redirect_to: 2 recipients are replaced by dev@test.example: a@example.com, c@example.com", r.Notes[0].Why)
	assert.Equal(t, "a@example.com", m.To[0].Email, "the caller's message is not changed")
	assert.Empty(t, store.Messages()[0].Message.Cc)

	c = inMemory(t, store, provider.AccountConfig{"allow_domains": []string{"test.example"}})
	r, err = c.Send(t.Context(), m)
	assert.Nil(t, r)
	assert.ErrorContains(t, err, "to[0].email")
	assert.ErrorIs(t, c.Accepts(m), provider.ErrInvalid)
	assert.Len(t, store.Messages(), 1)
}

func TestRedirectConfig(t *testing.T) {
	for settings, want := range map[string]string{
		`"redirect_to": ""`:                       "redirect_to: expected a text, got nothing",
		`"redirect_to": null`:                     "redirect_to: expected a text",
		`"allow_domains": []`:                     "allow_domains: expected at least one domain",
		`"allow_domains": null`:                   "allow_domains: expected a list, got null",
		`"allow_domains": "example.com"`:          "allow_domains: expected a list",
		`"allow_domains": ["a.com", "b@c.com"]`:   "allow_domains[1]: expected a domain",
		`"allow_domains": ["*.example.com"]`:      "allow_domains[0]: expected a domain",
		`"allow_domains": [""]`:                   "allow_domains[0]: expected a domain",
		`"folder_id": "x"`:                        "folder_id: expected a whole number",
		`"folder_id": 1.5`:                        "folder_id: expected a whole number",
		`"folder_id": 0`:                          "folder_id: expected a whole number",
		`"redirect_to": "d@x.com", "folder_id":7`: "",
		`"allow_domains": ["x.com", "пример.example"], "folder_id":"env:FOLDER"`: "",
	} {
		cfg := parse(t, `{"providers": {"a": {"provider": "brevo", "api_key": "k", `+settings+`}}}`)
		err := all.Registry().Check(cfg)
		if want == "" {
			assert.NoError(t, err, settings)
			continue
		}
		assert.ErrorContains(t, err, "providers.a."+want, settings)
	}
}
