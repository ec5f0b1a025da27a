package mailing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/mailing"
	"github.com/postmux/postmux/provider/memory"
)

func TestStanding(t *testing.T) {
	on := func(list string, s provider.MembershipStatus) provider.Membership {
		return provider.Membership{List: list, Status: s}
	}
	stop := provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"}
	sender := stop
	sender.Sender = "Shop@example.com"
	for _, tt := range []struct {
		name       string
		memberOf   []provider.Membership
		suppressed []provider.Suppression
		list, from string
		want       string
	}{
		{name: "on no list"},
		{name: "subscribed", memberOf: []provider.Membership{on("4", provider.StatusSubscribed)}, list: "4"},
		{name: "pending", memberOf: []provider.Membership{on("4", provider.StatusPending)}, list: "4", want: "pending"},
		{name: "a standing without counterpart", memberOf: []provider.Membership{on("4", provider.StatusOther)}, list: "4", want: "other"},
		{name: "twice", memberOf: []provider.Membership{on("4", provider.StatusUnsubscribed), on("4", provider.StatusSubscribed)}, list: "4", want: "unsubscribed"},
		{name: "of another list", memberOf: []provider.Membership{on("5", provider.StatusSubscribed)}, list: "4", want: "not on the list"},
		{name: "left another list", memberOf: []provider.Membership{on("5", provider.StatusUnsubscribed), on("4", provider.StatusSubscribed)}, list: "4"},
		{name: "left one of all", memberOf: []provider.Membership{on("5", provider.StatusUnsubscribed), on("4", provider.StatusSubscribed)}},
		{name: "left all", memberOf: []provider.Membership{on("5", provider.StatusUnsubscribed)}, want: "unsubscribed"},
		{name: "complained on one of all", memberOf: []provider.Membership{on("5", provider.StatusComplained), on("4", provider.StatusSubscribed)}, want: "complained"},
		{name: "suppressed", memberOf: []provider.Membership{on("4", provider.StatusSubscribed)}, suppressed: []provider.Suppression{stop}, list: "4", want: "suppressed: blocklisted"},
		{name: "no text messages", suppressed: []provider.Suppression{{Channel: provider.ChannelSMS}}},
		{name: "not of this sender", suppressed: []provider.Suppression{sender}, from: "shop@EXAMPLE.com", want: "suppressed: blocklisted"},
		{name: "not of another sender", suppressed: []provider.Suppression{sender}, from: "office@example.com"},
		{name: "not of some sender", suppressed: []provider.Suppression{sender}, want: "suppressed: blocklisted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := provider.Contact{Email: "a@example.com", Memberships: tt.memberOf, Suppressed: tt.suppressed}
			assert.Equal(t, tt.want, mailing.Standing(c, tt.list, tt.from))
		})
	}
	assert.Equal(t, "no address", mailing.Standing(provider.Contact{Phone: "+37529"}, "", ""))
}

func TestSend(t *testing.T) {
	store := memory.NewStore()
	store.AddList("4", "Newsletter")
	client, err := store.Client(provider.WithDuplicateGuard(guard.NewMemory(0, 0), "shop"))
	require.NoError(t, err)
	for _, c := range []provider.ContactChange{
		{Email: "anna@example.com", FirstName: provider.ChangeTo("Anna"), Lists: []provider.Ref{{ID: "4"}}},
		{Email: "boris@example.com", Lists: []provider.Ref{{ID: "4"}}},
		{Email: "left@example.com", Lists: []provider.Ref{{ID: "4"}}},
	} {
		_, err := client.UpsertContact(t.Context(), c)
		require.NoError(t, err)
	}
	_, err = client.Unsubscribe(t.Context(), "left@example.com", provider.Ref{ID: "4"}, "")
	require.NoError(t, err)
	m, err := mailing.New(config())
	require.NoError(t, err)

	few := mailing.Members(client, provider.Ref{ID: "4"}, "")
	few.Most = 1
	_, err = m.Send(t.Context(), client, few, nil)
	assert.ErrorContains(t, err, "2 may be mailed, more than the 1 that are allowed")
	assert.Empty(t, store.Messages())

	var got []string
	report, err := m.Send(t.Context(), client, mailing.Members(client, provider.Ref{ID: "4"}, ""), func(r mailing.Result) error {
		got = append(got, r.Contact.Email)
		return r.Err
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"anna@example.com", "boris@example.com"}, got)
	assert.Equal(t, 3, report.Contacts)
	assert.Equal(t, 2, report.Accepted)
	assert.Equal(t, map[string]int{"unsubscribed": 1}, report.LeftOut)

	// The same mailing again, to contacts of the program's own: who got it gets no second one.
	again := mailing.Given(client, sequence([]provider.Contact{{Email: "Anna@example.com", FirstName: "Anna"}, {Email: "LEFT@example.com"}, {Email: "new@example.com"}, {}}), "")
	report, err = m.Send(t.Context(), client, again, nil)
	require.NoError(t, err)
	assert.Len(t, store.Messages(), 3)
	assert.Equal(t, 2, len(report.LeftOut), "%v", report.LeftOut)
}

// A contact for whom a template fails is refused, and the others get theirs.
func TestTemplateFails(t *testing.T) {
	store := memory.NewStore()
	client, err := store.Client()
	require.NoError(t, err)
	c := config()
	c.Message.Text = `{{if .FirstName}}{{index (.Field "tags") 9}}{{end}}x`
	m, err := mailing.New(c)
	require.NoError(t, err)
	var refused []string
	contacts := []provider.Contact{{Email: "a@example.com", FirstName: "A", Fields: map[string]any{"tags": []string{"x"}}}, {Email: "b@example.com"}}
	report, err := m.Send(t.Context(), client, mailing.Given(client, sequence(contacts), ""), func(r mailing.Result) error {
		if r.Err != nil {
			assert.ErrorIs(t, r.Err, provider.ErrInvalid)
			refused = append(refused, r.Contact.Email)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"a@example.com"}, refused)
	assert.Equal(t, 1, report.Refused)
	assert.Equal(t, 1, report.Accepted)
}

// A list that cannot be read says what can be done.
func TestMembersThatCannotBeRead(t *testing.T) {
	a := &account{calls: map[string]int{}}
	client := a.client(t, "main", provider.DriverEnv{})
	m, err := mailing.New(config())
	require.NoError(t, err)
	_, err = m.Send(t.Context(), client, mailing.Members(client, provider.Ref{ID: listID}, ""), nil)
	assert.ErrorIs(t, err, provider.ErrUnsupported)
	assert.ErrorContains(t, err, "give the contacts themselves")
	assert.True(t, mailing.Given(client, sequence[provider.Contact](nil), "").Blind())
}

func TestFilter(t *testing.T) {
	store := memory.NewStore()
	client, err := store.Client()
	require.NoError(t, err)
	_, err = client.AddSuppression(t.Context(), "no@example.com", "asked")
	require.NoError(t, err)
	message := func(emails ...string) *provider.Message {
		m := &provider.Message{From: provider.Address{Email: "shop@example.com"}, Subject: "s", Text: "t"}
		for _, email := range emails {
			m.To = append(m.To, provider.Address{Email: email})
		}
		return m
	}
	var leftOut []string
	stops := mailing.NewStops(client, "")
	report, err := client.SendBatch(t.Context(), stops.Filter(t.Context(), sequence([]*provider.Message{
		message("yes@example.com"), message("NO@example.com"), message("yes@example.com", "no@example.com"), nil,
	}), func(_ *provider.Message, why string) { leftOut = append(leftOut, why) }), nil)
	require.NoError(t, err)
	assert.Equal(t, 1, report.Accepted)
	assert.Equal(t, 1, report.Refused, "what is no message keeps its place")
	assert.Equal(t, []string{"NO@example.com: suppressed: asked", "no@example.com: suppressed: asked"}, leftOut)
}

// A list by its alias, and a name that is none.
func TestMembersByAlias(t *testing.T) {
	a := &account{features: membersOnly, pageSize: 2, calls: map[string]int{}}
	client := a.client(t, "main", provider.DriverEnv{Lists: map[string]string{"newsletter": listID}})
	id, err := client.ListID(provider.Ref{Alias: "newsletter"})
	require.NoError(t, err)
	assert.Equal(t, listID, id)
	for i := range 3 {
		a.members = append(a.members, &member{Contact: provider.Contact{
			Email: string(rune('a'+i)) + "@example.com", Memberships: []provider.Membership{{List: "9"}, {List: listID, Status: provider.StatusSubscribed}},
		}})
	}
	count := 0
	require.NoError(t, mailing.Members(client, provider.Ref{Alias: "newsletter"}, "").Count(t.Context(), func(c mailing.Candidate) error {
		assert.Empty(t, c.Why)
		count++
		return nil
	}))
	assert.Equal(t, 3, count)
	err = mailing.Members(client, provider.Ref{Alias: "news"}, "").Count(t.Context(), nil)
	assert.ErrorIs(t, err, provider.ErrInvalid)
}
