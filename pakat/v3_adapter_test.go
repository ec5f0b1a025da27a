package pakat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func v3Client(t *testing.T, sb *sandbox.Server, policy provider.Policy, opts ...provider.Option) *provider.Client {
	t.Helper()
	c, err := pakat.OpenV3(pakat.V3Config{
		AccountSettings: provider.AccountSettings{Tries: 1, BaseURL: sb.BaseURL("pakatv3"), From: provider.Address{Email: "shop@example.com", Name: "Shop"}, Policy: policy},
		APIKey:          provider.NewSecret(sandbox.Key("pakatv3")),
	}, opts...)
	require.NoError(t, err)
	return c
}

func v3Mail() *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: "mina@example.ir", Name: "مینا"}}, Subject: "سلام", HTML: "<p>سلام</p>"}
}

func TestV3SendAndStatus(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	m := v3Mail()
	m.To = append(m.To, provider.Address{Email: "bounce@example.com"})
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Empty(t, r.IdempotencyKey)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateBounced, status.State)
	assert.Equal(t, []provider.RecipientResult{
		{Email: "bounce@example.com", MessageID: r.MessageID, State: provider.StateBounced},
		{Email: "mina@example.ir", MessageID: r.MessageID, State: provider.StateDelivered},
	}, status.Recipients)
	sb.Advance(31 * 24 * time.Hour)
	_, err = c.Status(t.Context(), r)
	assert.ErrorIs(t, err, provider.ErrNotFound)
}

func TestV3SendScheduled(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	m := v3Mail()
	m.SendAt = time.Now().Add(100 * time.Hour)
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateScheduled, r.State)
	assert.NotEmpty(t, r.BatchID)
	_, err = c.Status(t.Context(), r)
	assert.ErrorIs(t, err, provider.ErrNotFound, "no events yet")
	sb.Advance(101 * time.Hour)
	status, err := c.Status(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, provider.StateDelivered, status.State)
}

func TestV3SendTemplate(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	m := &provider.Message{To: []provider.Address{{Email: "mina@example.ir"}}, Template: provider.Ref{ID: "12"}, Variables: map[string]any{"name": "مینا"}}
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "12", sb.Messages("pakatv3")[0].Template)

	m.Attachments = []provider.Attachment{{Name: "a.pdf", Content: []byte("x")}}
	_, err = c.Send(t.Context(), m)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Len(t, sb.Requests("pakatv3"), 1, "refused here")
}

// The document names no statuses: an answer in the form of a success counts under any
// of the usual ones, and other answers prove nothing.
func TestV3Evidence(t *testing.T) {
	for _, row := range []struct {
		name     string
		fault    sandbox.Fault
		accepted bool
		id       string
	}{
		{name: "200 with an id", fault: sandbox.Fault{Status: 200, Body: `{"messageId":"<7@x>"}`}, accepted: true, id: "<7@x>"},
		{name: "cut in the id", fault: sandbox.Fault{Status: 202, Body: `{"messageId":"<7@`}, accepted: true},
		{name: "empty", fault: sandbox.Fault{Status: 201}},
		{name: "no content", fault: sandbox.Fault{Status: 204}},
		{name: "object", fault: sandbox.Fault{Status: 200, Body: `{}`}},
		{name: "phrase", fault: sandbox.Fault{Status: 200, Body: "transactional email sent"}},
		{name: "list", fault: sandbox.Fault{Status: 200, Body: `[]`}},
		{name: "number", fault: sandbox.Fault{Status: 201, Body: `{"messageId": 17}`}},
		{name: "other members", fault: sandbox.Fault{Status: 201, Body: `{"code": "success", "data": {"id": 1}}`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			row.fault.After = true
			sb.Fail("pakatv3", row.fault)
			r, err := v3Client(t, sb, nil).Send(t.Context(), v3Mail())
			assert.Len(t, sb.Messages("pakatv3"), 1)
			assert.Equal(t, row.id, r.MessageID)
			if !row.accepted {
				assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
				assert.Equal(t, provider.StateUnknown, r.State)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, provider.StateAccepted, r.State)
			assert.Equal(t, row.id == "", len(r.Notes) > 0, "a note says that the id is unknown")
		})
	}
}

func TestV3RecipientsAreSingleMails(t *testing.T) {
	sb := sandbox.New(t)
	m := v3Mail()
	m.To = nil
	m.Recipients = []provider.Recipient{{Email: "a@example.com", Subject: "One"}, {Email: "b@example.com"}}
	_, err := v3Client(t, sb, provider.Policy{"message.recipients": "error"}).Send(t.Context(), m)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	r, err := v3Client(t, sb, nil).Send(t.Context(), m)
	require.NoError(t, err)
	require.Len(t, r.Recipients, 2)
	assert.NotEqual(t, r.Recipients[0].MessageID, r.Recipients[1].MessageID)
	mails := sb.Messages("pakatv3")
	require.Len(t, mails, 2)
	assert.Equal(t, []string{"One", "سلام"}, []string{mails[0].Subject, mails[1].Subject})
}

func TestV3Contacts(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	change := provider.ContactChange{
		Email: "mina@example.ir", Phone: provider.ChangeTo("09120000000"), FirstName: provider.ChangeTo("مینا"),
		Fields: map[string]any{"CITY": "شیراز", "POINTS": "12.5"}, Lists: []provider.Ref{{ID: "4"}},
	}
	r, err := c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.Equal(t, provider.ContactCreated, r.State)
	assert.NotEmpty(t, r.ID)
	r, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "mina@example.ir", Status: provider.StatusUnsubscribed, Fields: map[string]any{"CITY": nil}})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactUpdated, r.State)

	var all []provider.Contact
	for contact, err := range c.AllContacts(t.Context(), provider.ContactQuery{}) {
		require.NoError(t, err)
		contact.CreatedAt, contact.ModifiedAt = time.Time{}, time.Time{}
		all = append(all, contact)
	}
	assert.Equal(t, []provider.Contact{{
		Email: "mina@example.ir", Phone: "09120000000", FirstName: "مینا", Fields: map[string]any{"POINTS": 12.5},
		Memberships: []provider.Membership{{List: "4", Status: provider.StatusBlocked}},
		Suppressed:  []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"}},
	}}, all)

	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "mina@example.ir", Fields: map[string]any{"SHOE": "43"}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "fields.SHOE")
	_, err = c.GetContact(t.Context(), "mina@example.ir")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorIs(t, c.DeleteContact(t.Context(), "mina@example.ir"), errors.ErrUnsupported)
}

// What an answer to an upsert proves.
func TestV3UpsertEvidence(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		state  provider.ContactState
		id     string
	}{
		{name: "created", status: 201, body: `{"id":7}`, state: provider.ContactCreated, id: "7"},
		{name: "updated", status: 204, state: provider.ContactUpdated},
		{name: "another status with an id", status: 200, body: `{"id":7}`, state: provider.ContactStored, id: "7"},
		{name: "cut in the id", status: 200, body: `{"id":`, state: provider.ContactStored},
		{name: "empty", status: 200, state: provider.ContactUnknown},
		{name: "object", status: 202, body: `{}`, state: provider.ContactUnknown},
		{name: "page", status: 200, body: `<html>`, state: provider.ContactUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.Fail("pakatv3", sandbox.Fault{Operation: "createContact", Status: row.status, Body: row.body, After: true})
			r, err := v3Client(t, sb, nil).UpsertContact(t.Context(), provider.ContactChange{Email: "mina@example.ir"})
			require.NotNil(t, r)
			assert.Equal(t, row.state, r.State)
			assert.Equal(t, row.id, r.ID)
			assertUsable(t, row.state != provider.ContactUnknown, err)
		})
	}
}

// assertUsable checks the error of a change whose answer was of use, or was not.
func assertUsable(t *testing.T, usable bool, err error) {
	t.Helper()
	if usable {
		assert.NoError(t, err)
		return
	}
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrOutcomeUnknown, e.Kind)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Contains(t, e.Message, "no usable answer")
}

// An answer that cannot be read is no proof that the address left the list.
func TestV3UnsubscribeEvidence(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		done   bool
	}{
		{name: "no content", status: 204, done: true},
		{name: "cut", status: 200, body: `{"id":`},
		{name: "page", status: 200, body: `<html>`},
		{name: "object", status: 200, body: `{}`},
		{name: "empty", status: 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.AddContact("pakatv3", provider.Contact{Email: "a@example.com", Memberships: []provider.Membership{{List: "4"}}})
			sb.Fail("pakatv3", sandbox.Fault{Operation: "updateContact", Status: row.status, Body: row.body, After: true})
			r, err := v3Client(t, sb, nil).Unsubscribe(t.Context(), "a@example.com", provider.Ref{ID: "4"}, "")
			require.NotNil(t, r)
			assert.Equal(t, row.done, r.State == provider.ContactDone)
			assert.Equal(t, !row.done, r.State == provider.ContactUnknown)
			assertUsable(t, row.done, err)
		})
	}
}

func TestV3ListsAndUnsubscribe(t *testing.T) {
	sb := sandbox.New(t)
	c := v3Client(t, sb, nil)
	for range 11 { // more than a page
		api, ok := pakat.APIV3(c)
		require.True(t, ok)
		_, err := api.CreateList(t.Context(), pakatv3api.CreateListRequest{Name: "More", FolderID: 1})
		require.NoError(t, err)
	}
	var ids []string
	for l, err := range c.AllLists(t.Context()) {
		require.NoError(t, err)
		ids = append(ids, l.ID)
	}
	assert.Len(t, ids, 12)
	assert.Equal(t, "4", ids[0])

	sb.AddContact("pakatv3", provider.Contact{Email: "a@example.com"})
	results, err := c.AddToList(t.Context(), provider.Ref{ID: "4"}, []string{"nobody@example.com", "a@example.com"})
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.ErrorIs(t, results[0].Error, provider.ErrNotFound)
	assert.Nil(t, results[1].Error)
	assert.Len(t, sb.Contacts("pakatv3")[0].Memberships, 1)

	r, err := c.Unsubscribe(t.Context(), "a@example.com", provider.Ref{ID: "4"}, "asked")
	require.NoError(t, err)
	assert.Equal(t, provider.ContactDone, r.State)
	assert.Len(t, r.Notes, 2)
	assert.Empty(t, sb.Contacts("pakatv3")[0].Memberships)
	_, err = c.Unsubscribe(t.Context(), "stranger@example.com", provider.Ref{}, "")
	require.NoError(t, err)
	assert.NotEmpty(t, sb.Contacts("pakatv3")[1].Suppressed)
}

func TestV3CheckAndErrors(t *testing.T) {
	sb := sandbox.New(t)
	h, err := v3Client(t, sb, nil).Check(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, h.Login)
	assert.Equal(t, []provider.Sender{{Email: "shop@example.com", Name: "Shop", Verified: true}}, h.Senders)
	assert.NotEmpty(t, h.Quotas)

	wrong, err := pakat.OpenV3(pakat.V3Config{AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("pakatv3")}, APIKey: provider.NewSecret("wrong")})
	require.NoError(t, err)
	_, err = wrong.Check(t.Context())
	assert.ErrorIs(t, err, provider.ErrUnauthorized)
	_, err = pakat.OpenV3(pakat.V3Config{})
	assert.ErrorIs(t, err, provider.ErrConfig)
	assert.ErrorContains(t, err, "open: configuration: api_key: missing")
}

func TestV3ErrorsOfTheOldDialect(t *testing.T) {
	for name, row := range map[string]struct {
		fault sandbox.Fault
		kind  provider.Kind
		code  string
	}{
		"invalid":        {sandbox.Fault{Status: 400, Body: `{"code":"invalid_parameter","message":"sender is not valid"}`}, provider.ErrInvalid, "invalid_parameter"},
		"credits in 400": {sandbox.Fault{Status: 400, Body: `{"code":"not_enough_credits","message":"No credits left"}`}, provider.ErrNoCredit, "not_enough_credits"},
		"no code":        {sandbox.Fault{Status: 429, Body: `{"message":"Too many requests"}`}, provider.ErrRateLimited, ""},
		"unauthorized":   {sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`}, provider.ErrUnauthorized, "unauthorized"},
		"denied":         {sandbox.Fault{Status: 403, Body: `{"code":"permission_denied"}`}, provider.ErrForbidden, "permission_denied"},
		"empty":          {sandbox.Fault{Status: 400}, provider.ErrInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sb := sandbox.New(t)
			sb.Fail("pakatv3", row.fault)
			r, err := v3Client(t, sb, nil).Send(t.Context(), v3Mail())
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.code, e.Code)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			assert.Equal(t, provider.StateRefused, r.State)
		})
	}
}

func TestV3DryRunShowsOneCall(t *testing.T) {
	sb := sandbox.New(t)
	var shown []provider.WireRequest
	c := v3Client(t, sb, nil, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }))
	_, err := c.AddToList(t.Context(), provider.Ref{ID: "4"}, []string{"a@example.com", "b@example.com"})
	assert.ErrorIs(t, err, provider.ErrDryRun)
	require.Len(t, shown, 1)
	assert.Equal(t, "the same for each further address", shown[0].Then)
	assert.JSONEq(t, `{"listIds":[4]}`, string(shown[0].JSON))
	assert.Empty(t, sb.Requests("pakatv3"))
}
