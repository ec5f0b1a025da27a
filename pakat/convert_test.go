package pakat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/form"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// golden compares a form with a file of name=value lines. The files were
// written from the vendor's documents, not by the code.
func golden(t *testing.T, file string, body any) {
	t.Helper()
	fields, err := form.Fields(body)
	require.NoError(t, err)
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = f.Name + "=" + f.Value
	}
	slices.Sort(lines)
	want, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSuffix(string(want), "\n"), strings.Join(lines, "\n"))
}

// example reads an answer of the vendor's.
func example(t *testing.T, name string, out any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "api", "pakat", "examples", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, out))
}

func fields(notes []provider.Note) []string {
	var out []string
	for _, n := range notes {
		out = append(out, n.Field+" "+string(n.Action))
	}
	return out
}

var someTime = time.Date(2026, 5, 4, 10, 0, 0, 0, time.FixedZone("", 3*3600+1800)) // 06:30 UTC

func fullMessage() *provider.Message {
	return &provider.Message{
		From:    provider.Address{Email: "shop@example.ir", Name: "باغ انار"},
		To:      []provider.Address{{Email: "sara@example.ir", Name: "سارا کریمی"}},
		ReplyTo: []provider.Address{{Email: "hello@example.ir", Name: "پشتیبانی"}},
		Subject: "سفارش شما ثبت شد", HTML: "<p>سپاس از خرید شما</p>", Text: "سپاس از خرید شما",
		Attachments: []provider.Attachment{
			{Name: "receipt.txt", Content: []byte("A-1027\n")},
			{Name: "bill.bin2", Content: []byte("%PDF")},
			{Name: "bill.odd", Content: []byte("%PDF"), ContentType: "application/pdf"},
		},
		SendAt: someTime,
	}
}

func TestEmailToAPI(t *testing.T) {
	body, notes, err := emailToAPI(fullMessage(), time.Time{}, true)
	require.NoError(t, err)
	assert.Empty(t, notes)
	golden(t, "send_full.golden", body)

	m := fullMessage()
	m.SendAt = m.SendAt.Add(time.Millisecond)
	body, notes, err = emailToAPI(m, time.Time{}, false)
	require.NoError(t, err)
	assert.Equal(t, []string{"send_at converted"}, fields(notes))
	assert.Equal(t, "سپاس از خرید شما", *body.PlainText)
}

func TestEmailToAPITemplate(t *testing.T) {
	body, notes, err := emailToAPI(&provider.Message{
		From: provider.Address{Email: "shop@example.ir"}, To: []provider.Address{{Email: "sara@ایران.ir"}},
		Subject: "سفارش شما ثبت شد", Template: provider.Ref{ID: "ea364hs8y2jfo"},
		Variables: map[string]any{"order": "A-1027", "city": "شیراز", "count": json.Number("3"), "price": 12.5, "gift": true},
	}, someTime, true)
	require.NoError(t, err)
	golden(t, "send_template.golden", body)
	assert.Equal(t, []string{
		"variables.count converted", "variables.gift converted", "variables.price converted",
		"to[0].name emulated", "from.name emulated", "html emulated", "send_at emulated",
	}, fields(notes))
}

func TestEmailToAPIRefuses(t *testing.T) {
	for _, tc := range []struct {
		field string
		edit  func(*provider.Message)
	}{
		{"subject", func(m *provider.Message) { m.Subject = "" }},
		{"from", func(m *provider.Message) { m.From = provider.Address{} }},
		{"to[0].email", func(m *provider.Message) { m.To[0].Email = "سارا@example.ir" }},
		{"variables.a", func(m *provider.Message) { m.Variables = map[string]any{"a": []any{"x"}} }},
		{"variables.a", func(m *provider.Message) { m.Variables = map[string]any{"a": nil} }},
		{"variables.a[b]", func(m *provider.Message) { m.Variables = map[string]any{"a[b]": "x"} }},
		{"variables.", func(m *provider.Message) { m.Variables = map[string]any{"": "x"} }},
		{"attachments[1].name", func(m *provider.Message) { m.Attachments[1].Name = "bill" }},
		{"attachments[1].name", func(m *provider.Message) { m.Attachments[1].Name = "bill." }},
		{"attachments[2].content", func(m *provider.Message) { m.Attachments[2].Content = nil }},
	} {
		m := fullMessage()
		tc.edit(m)
		_, _, err := emailToAPI(m, someTime, true)
		var e *provider.Error
		require.ErrorAs(t, err, &e, tc.field)
		assert.Equal(t, provider.ErrInvalid, e.Kind)
		assert.Equal(t, tc.field, e.Field)
	}
	m := fullMessage()
	m.To = append(m.To, m.To[0])
	_, _, err := emailToAPI(m, someTime, true)
	assert.ErrorIs(t, err, provider.ErrUnsupported)
	m = fullMessage()
	m.HTML = ""
	_, _, err = emailToAPI(m, someTime, true)
	assert.ErrorIs(t, err, provider.ErrUnsupported)
}

func TestReceipt(t *testing.T) {
	var sent pakatapi.CreatedTransactionalEmail
	example(t, "sendTransactionalEmail.answer.json", &sent)
	m := fullMessage()
	want := &provider.Receipt{
		MessageID: "wk71c0vzn5bda", State: provider.StateScheduled,
		Recipients: []provider.RecipientResult{{Email: "sara@example.ir", MessageID: "wk71c0vzn5bda", State: provider.StateScheduled}},
	}
	assert.Equal(t, want, m.Accepted(sent.UID))
	m.SendAt = time.Time{}
	assert.Equal(t, provider.StateAccepted, m.Accepted(sent.UID).State)
}

func TestStatusFromAPI(t *testing.T) {
	for _, tc := range []struct {
		status string
		want   provider.State
		notes  int
	}{
		{"unsent", provider.StateQueued, 0},
		{"sent", provider.StateAccepted, 1},
		{"failed", provider.StateFailed, 0},
		{"elsewhere", provider.StateUnknown, 1},
	} {
		var mail pakatapi.TransactionalEmailAnswer
		example(t, "getTransactionalEmail.answer-failed.json", &mail)
		mail.Data.Record.Status = tc.status
		r := statusFromAPI("wk71c0vzn5bda", mail.Data.Record)
		assert.Equal(t, tc.want, r.State)
		assert.Equal(t, []provider.RecipientResult{{Email: "sara@example.ir", MessageID: "wk71c0vzn5bda", State: tc.want}}, r.Recipients)
		assert.Len(t, r.Notes, tc.notes)
	}
}

func TestHealthFromAPI(t *testing.T) {
	var q pakatapi.QuotaAnswer
	example(t, "getQuota.answer.json", &q)
	assert.Equal(t, []provider.Quota{{Name: "mails", Used: "1200 (12%)", Left: "8800"}}, healthFromAPI(q.Quota).Quotas)
	q = pakatapi.QuotaAnswer{}
	example(t, "getQuota.answer-unlimited.json", &q)
	assert.Equal(t, []provider.Quota{{Name: "mails", Used: "0 (0%)", Left: "unlimited"}}, healthFromAPI(q.Quota).Quotas)
	for allowed, left := range map[string]string{"-1": "unlimited", "0": "0", "7": "2"} {
		q := pakatapi.Quota{Used: 5, Allowed: flex.Text(allowed)}
		assert.Equal(t, left, healthFromAPI(q).Quotas[0].Left, allowed)
	}
}

func TestContactFromAPI(t *testing.T) {
	var page pakatapi.SubscriberPage
	example(t, "listSubscribers.answer-first.json", &page)
	sara, reza := page.Data.Records[0], page.Data.Records[1]
	sara.List.UID, reza.List.UID = "bq482wlk3z7pn", "bq482wlk3z7pn"
	at := time.Date(2026, 3, 2, 8, 15, 30, 0, time.UTC)
	assert.Equal(t, provider.Contact{
		Email: "sara@example.ir", FirstName: "سارا", Suppressed: []provider.Suppression{}, CreatedAt: at,
		Fields:      map[string]any{"CITY": "شیراز", "TOPICS": []string{"باغبانی", "گل"}},
		Memberships: []provider.Membership{{List: "bq482wlk3z7pn", Status: provider.StatusSubscribed}},
	}, contactFromAPI([]pakatapi.Subscriber{sara}, ""))
	assert.Equal(t, provider.Contact{
		Email: "reza@example.ir", CreatedAt: at.Add(time.Second),
		Suppressed:  []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "blacklisted"}},
		Memberships: []provider.Membership{{List: "bq482wlk3z7pn", Status: provider.StatusBlocked}},
	}, contactFromAPI([]pakatapi.Subscriber{reza}, ""))
}

// Names and phones are texts, whatever JSON they come in.
func TestTextsOfAContact(t *testing.T) {
	for _, row := range []struct {
		name  string
		value any
		want  string
		field any // what stays among the fields
	}{
		{name: "text", value: "+989120000000", want: "+989120000000"},
		{name: "number", value: 989120000000.0, want: "989120000000"},
		{name: "long number", value: json.Number("98912000000012345678"), want: "98912000000012345678"},
		{name: "list", value: []any{"1", "2"}, field: []string{"1", "2"}},
		{name: "empty", value: ""},
	} {
		for _, tag := range []string{"FNAME", "LNAME", "PHONE"} {
			t.Run(row.name+" "+tag, func(t *testing.T) {
				c := contactFromAPI([]pakatapi.Subscriber{{AdditionalProperties: map[string]any{tag: row.value}}}, "PHONE")
				got := map[string]string{"FNAME": c.FirstName, "LNAME": c.LastName, "PHONE": c.Phone}
				assert.Equal(t, row.want, got[tag])
				assert.Equal(t, row.field, c.Fields[tag])
			})
		}
	}
}

func TestContactFromSeveralLists(t *testing.T) {
	var found pakatapi.SubscriberPage
	example(t, "listSubscribersByEmail.answer.json", &found)
	first := found.Data.Records[0]
	first.Set("CITY", "")
	first.Set("PHONE", "+989120000000")
	second := first
	second.List.UID, second.Status, second.DateAdded = "other", "confirmed", "2025-01-02 03:04:05"
	second.AdditionalProperties = map[string]any{"CITY": "تهران", "PHONE": "1", "FNAME": "سارا"}
	assert.Equal(t, provider.Contact{
		Email: "sara@example.ir", Phone: "+989120000000", FirstName: "سارا",
		Fields: map[string]any{"CITY": "تهران"}, Suppressed: []provider.Suppression{},
		CreatedAt: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC),
		Memberships: []provider.Membership{
			{List: "bq482wlk3z7pn", Status: provider.StatusUnsubscribed}, {List: "other", Status: provider.StatusSubscribed},
		},
	}, contactFromAPI([]pakatapi.Subscriber{first, second}, "PHONE"))
}

func TestStatusWords(t *testing.T) {
	for wire, want := range map[string]provider.MembershipStatus{
		"confirmed": provider.StatusSubscribed, "unconfirmed": provider.StatusPending, "unapproved": provider.StatusPending,
		"unsubscribed": provider.StatusUnsubscribed, "blacklisted": provider.StatusBlocked, "moved": provider.StatusRemoved,
		"disabled": provider.StatusOther, "": provider.StatusOther,
	} {
		assert.Equal(t, want, statusFromWire(wire), wire)
	}
	for _, s := range []provider.MembershipStatus{provider.StatusSubscribed, provider.StatusUnsubscribed, provider.StatusBlocked} {
		assert.Equal(t, s, statusFromWire(string(*statusToWire(s))))
	}
	assert.Nil(t, statusToWire(""))
}

func TestSubscriberForms(t *testing.T) {
	change := provider.ContactChange{
		FirstName: provider.ChangeTo("سارا"), LastName: provider.ChangeTo("کریمی"), Phone: provider.ChangeTo("+989120000000"),
		Fields: map[string]any{"CITY": "شیراز", "POINTS": 7.0},
	}
	e, err := editsToAPI(change, "PHONE")
	require.NoError(t, err)
	assert.Equal(t, []string{"fields.POINTS converted"}, fields(e.notes))
	golden(t, "upsert_create.golden", subscriberToAPI("sara@example.ir", e, provider.StatusUnsubscribed))

	var page pakatapi.SubscriberPage
	example(t, "listSubscribers.answer-first.json", &page)
	e, err = editsToAPI(provider.ContactChange{LastName: provider.ChangeToNone[string](), Fields: map[string]any{"CITY": "تهران", "NOTE": nil}}, "")
	require.NoError(t, err)
	body, notes := updateToAPI("SARA@example.ir", page.Data.Records[0], e)
	golden(t, "upsert_update.golden", body)
	assert.Equal(t, []string{"fields.TOPICS warning"}, fields(notes))
}

func TestEditsRefuse(t *testing.T) {
	for field, change := range map[string]provider.ContactChange{
		"fields.EMAIL": {Fields: map[string]any{"EMAIL": "x@example.ir"}},
		"fields.FNAME": {FirstName: provider.ChangeTo("x"), Fields: map[string]any{"FNAME": "y"}},
		"fields.LIST":  {Fields: map[string]any{"LIST": []string{"a"}}},
	} {
		_, err := editsToAPI(change, "")
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.ErrInvalid, e.Kind)
		assert.Equal(t, field, e.Field)
	}
	_, err := editsToAPI(provider.ContactChange{Phone: provider.ChangeToNone[string]()}, "")
	assert.ErrorIs(t, err, provider.ErrUnsupported)
}

func TestCursors(t *testing.T) {
	for _, tc := range []struct {
		asked, current, next, total, want int64
		again                             bool // the server ignores what it is asked for
	}{
		{asked: 1, next: 2, total: 2, want: 2},
		{asked: 1, total: 2, want: 2},
		{asked: 2, total: 2},
		{asked: 1},
		{asked: 3, next: 2, total: 3},
		{asked: 1, next: 1, total: 1},
		{asked: 2, next: 3, total: 2},
		{asked: 7, next: 8, want: 8},
		{asked: 2, current: 2, next: 3, total: 9, want: 3},
		{asked: 2, next: 2, total: 20, again: true},
		{asked: 2, next: 2, again: true},
		{asked: 2, current: 1, total: 20, again: true},
	} {
		got, err := paging{tc.current, tc.next, tc.total}.after(tc.asked, 1)
		assert.Equal(t, tc.want, got, "%v", tc)
		if tc.again {
			assert.ErrorIs(t, err, provider.ErrBadResponse, "%v", tc)
			assert.ErrorContains(t, err, "same page again")
		} else {
			assert.NoError(t, err, "%v", tc)
		}
		got, err = paging{tc.current, tc.next, tc.total}.after(tc.asked, 0)
		require.NoError(t, err)
		assert.Zero(t, got, "after an empty page")
	}
	for _, want := range []place{{4, "lb1", adapterkit.Place{At: 7}}, {0, "a/b", adapterkit.Place{At: 7, First: 5}}, {next: 2, members: adapterkit.Place{At: 1}}} {
		p, err := parsePlace(want.String())
		require.NoError(t, err)
		assert.Equal(t, want, p)
	}
	for _, bad := range []string{"x", "1/", "/1", "1/x", "0//1", "1", "1/1/x", "1/%zz/1", "-1/a/1", "1/a/0", "1/1"} {
		_, err := parsePlace(bad)
		assert.ErrorIs(t, err, provider.ErrInvalid, bad)
	}
}
