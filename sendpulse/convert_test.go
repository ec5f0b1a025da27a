package sendpulse

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

func simple() *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com", Name: "Shop"}, To: []provider.Address{{Email: "oleg@example.com"}},
		Subject: "Hi", HTML: "<p>Hi</p>", Text: "Hi",
	}
}

func TestEmailToAPI(t *testing.T) {
	full := &provider.Message{
		From:    provider.Address{Email: "shop@пример.рф", Name: "Магазин"},
		To:      []provider.Address{{Email: "sara@example.ir", Name: "سارا"}, {Email: "oleg@example.com"}},
		Cc:      []provider.Address{{Email: "archive@example.com"}},
		Bcc:     []provider.Address{{Email: "audit@example.com", Name: "Учёт"}},
		ReplyTo: []provider.Address{{Email: "help@example.com", Name: "Поддержка"}},
		Subject: "Заказ 1207", HTML: "<p>Привет</p>", Text: "Привет",
		Attachments: []provider.Attachment{
			{Name: "invoice.pdf", Content: []byte("%PDF-1.4 sample")}, {Name: "note.txt", Content: []byte("hi"), ContentType: "text/plain"},
		},
	}
	html := simple()
	html.From.Name, html.Text = "", ""
	template := simple()
	template.HTML, template.Text, template.Subject = "", "", "Receipt"
	template.Template, template.Variables = provider.Ref{ID: "775701"}, map[string]any{"name": "Oleg", "order": 12}
	textID := template.Clone()
	textID.Template, textID.Variables = provider.Ref{ID: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}, nil

	for name, test := range map[string]struct {
		message *provider.Message
		notes   []string
	}{
		"email_full":          {full, nil},
		"email_html":          {html, []string{"from.name emulated", "text emulated"}},
		"email_template":      {template, nil},
		"email_template_text": {textID, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, notes, err := emailToAPI(test.message)
			require.NoError(t, err)
			data, err := json.Marshal(got)
			require.NoError(t, err)
			want, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(data))
			var told []string
			for _, n := range notes {
				told = append(told, n.Field+" "+string(n.Action))
			}
			assert.Equal(t, test.notes, told)
		})
	}
}

func TestEmailToAPIRefuses(t *testing.T) {
	for field, change := range map[string]func(*provider.Message){
		"subject":     func(m *provider.Message) { m.Subject, m.HTML, m.Text, m.Template = "", "", "", provider.Ref{ID: "7"} },
		"from":        func(m *provider.Message) { m.From = provider.Address{} },
		"html":        func(m *provider.Message) { m.HTML = "" },
		"variables":   func(m *provider.Message) { m.Variables = map[string]any{"a": 1} },
		"to[0].email": func(m *provider.Message) { m.To[0].Email = "олег@example.com" },
		"attachments[1].name": func(m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a.txt", Content: []byte("1")}, {Name: "a.txt", Content: []byte("2")}}
		},
	} {
		t.Run(field, func(t *testing.T) {
			m := simple()
			change(m)
			_, _, err := emailToAPI(m)
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, field, e.Field)
			assert.True(t, e.Local())
		})
	}
}

func TestTemplateID(t *testing.T) {
	for id, want := range map[string]any{
		"1": int64(1), "775701": int64(775701), "01": "01", "+1": "+1",
		"12345678901234567890123456789012": "12345678901234567890123456789012", "abc": "abc",
	} {
		assert.Equal(t, want, templateToAPI(provider.Ref{ID: id}, nil).ID)
	}
}

// example reads an answer of the spec's examples.
func example[T any](t *testing.T, name string) *T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "api", "sendpulse", "examples", name+".json"))
	require.NoError(t, err)
	out := new(T)
	require.NoError(t, json.Unmarshal(data, out))
	return out
}

func TestStatusFromAPI(t *testing.T) {
	for name, want := range map[string]*provider.Receipt{
		"getEmail.answer": {MessageID: "m", State: provider.StateClicked, Recipients: []provider.RecipientResult{
			{Email: "mina@example.ir", MessageID: "m", State: provider.StateClicked},
		}},
		"getEmail.answer-queued": {MessageID: "m", State: provider.StateQueued},
		"getEmail.answer-bounced": {MessageID: "m", State: provider.StateBounced, Recipients: []provider.RecipientResult{
			{Email: "nobody@example.com", MessageID: "m", State: provider.StateBounced},
		}},
	} {
		assert.Equal(t, want, statusFromAPI("m", example[sendpulseapi.EmailRecord](t, name)), name)
	}
	r := statusFromAPI("m", &sendpulseapi.EmailRecord{SMTPAnswerCode: 354})
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Len(t, r.Notes, 1)
}

func TestCodeState(t *testing.T) {
	for code, want := range map[int64]provider.State{
		0: provider.StateQueued, 250: provider.StateDelivered, 251: provider.StateDelivered, 421: provider.StateDeferred,
		452: provider.StateDeferred, 550: provider.StateBounced, 354: provider.StateUnknown, 600: provider.StateUnknown,
	} {
		what, known := codeWhat(code)
		assert.Equal(t, want, what.State(), code)
		assert.Equal(t, want != provider.StateUnknown, known, code)
	}
}

func TestHealthFromAPI(t *testing.T) {
	want := []provider.Quota{
		{Name: "campaigns, plan Pay as you go", Unit: "mails", Left: adapterkit.Count(8200)},
		{Name: "subscribers", Unit: "contacts", Left: adapterkit.Count(8477), Used: adapterkit.Count(1523)},
		{Name: "balance", Unit: "USD", Left: adapterkit.Amount("12.5")},
		{Name: "bonus", Unit: "USD", Left: adapterkit.Count(0)},
	}
	h := healthFromAPI(example[sendpulseapi.BalanceDetail](t, "getBalanceDetail.answer"), *example[[]sendpulseapi.Sender](t, "listSenders.answer"))
	assert.Equal(t, want, h.Quotas)
	assert.Equal(t, []provider.Sender{
		{Email: "shop@example.com", Name: "Магазин", Verified: true}, {Email: "news@example.ir", Name: "خبرنامه", Verified: true},
	}, h.Senders)

	h = healthFromAPI(example[sendpulseapi.BalanceDetail](t, "getBalanceDetail.answer-numbers"), []sendpulseapi.Sender{{Email: "a@example.com", Status: "New"}})
	assert.Equal(t, provider.Quota{Name: "subscribers", Unit: "contacts", Left: adapterkit.Count(488), Used: adapterkit.Count(12)}, h.Quotas[1])
	assert.Equal(t, provider.Quota{Name: "balance", Unit: "USD", Left: adapterkit.Amount("12.5")}, h.Quotas[2])
	assert.False(t, h.Senders[0].Verified)
}

func TestStatuses(t *testing.T) {
	for code, want := range []struct {
		status provider.MembershipStatus
		fixed  bool
		all    bool // of the address, not of the list
	}{
		0:  {provider.StatusPending, false, false},
		1:  {provider.StatusSubscribed, false, false},
		2:  {provider.StatusPending, false, false},
		3:  {provider.StatusPending, false, false},
		4:  {provider.StatusUnsubscribed, true, false},
		5:  {provider.StatusBlocked, true, true},
		6:  {provider.StatusUnsubscribed, true, true},
		7:  {provider.StatusPending, false, false},
		8:  {provider.StatusBlocked, true, true},
		9:  {provider.StatusBounced, true, true},
		10: {provider.StatusBlocked, true, true},
		11: {provider.StatusBlocked, true, true},
		12: {provider.StatusBlocked, true, true},
		13: {provider.StatusRemoved, false, false},
		14: {provider.StatusOther, true, false},
		15: {provider.StatusOther, true, false}, // not documented
	} {
		s := standingOf(int64(code))
		assert.Equal(t, want.status, s.status, code)
		assert.Equal(t, want.fixed, s.fixed(), code)
		assert.Equal(t, want.all, s.everywhere != "", code)
	}
	assert.Len(t, statuses, 15)
}

var testNames = nameVariables{first: "name", last: "surname"}

func TestContactFromAPI(t *testing.T) {
	got := testNames.contactFromAPI("sara@example.ir", *example[[]sendpulseapi.Membership](t, "listMemberships.answer"))
	assert.Equal(t, provider.Contact{
		Email: "sara@example.ir", FirstName: "سارا", Suppressed: []provider.Suppression{},
		Memberships: []provider.Membership{{List: "490712", Status: provider.StatusSubscribed}, {List: "490711", Status: provider.StatusUnsubscribed}},
	}, got)

	// Twice the same reason is told once; the first list's value of a variable is shown.
	value := func(v string) []sendpulseapi.ContactVariable {
		return []sendpulseapi.ContactVariable{{Name: "points", Type: "number", Value: json.RawMessage(v)}, {Name: "id", Type: "string", Value: json.RawMessage(`"007"`)}}
	}
	got = testNames.contactFromAPI("a@example.com", []sendpulseapi.Membership{
		{ListID: 1, Status: 6, Variables: value(`"12"`)}, {ListID: 2, Status: 6, Variables: value(`13`)},
	})
	assert.Equal(t, []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed from everything"}}, got.Suppressed)
	assert.Equal(t, map[string]any{"points": 12.0, "id": "007"}, got.Fields)

	// Who has left every list gets no marketing mail.
	got = testNames.contactFromAPI("a@example.com", []sendpulseapi.Membership{{ListID: 1, Status: 4}, {ListID: 2, Status: 13}})
	assert.Equal(t, []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed"}}, got.Suppressed)
	got = testNames.contactFromAPI("a@example.com", []sendpulseapi.Membership{{ListID: 2, Status: 13}})
	assert.Empty(t, got.Suppressed)
}

func TestListedFromAPI(t *testing.T) {
	rows := *example[[]sendpulseapi.ListedContact](t, "listContacts.answer")
	assert.Equal(t, provider.Contact{
		Email: "sara@example.ir", Phone: "989121234567", FirstName: "سارا", Suppressed: []provider.Suppression{},
		Fields:      map[string]any{"points": 12.0, "birthday": "1990-05-01"},
		Memberships: []provider.Membership{{List: "7", Status: provider.StatusSubscribed}},
	}, testNames.listedFromAPI(7, rows[0]))
	assert.Equal(t, provider.Contact{
		Email: "oleg@example.com", Memberships: []provider.Membership{{List: "7", Status: provider.StatusUnsubscribed}},
		Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "unsubscribed"}},
	}, testNames.listedFromAPI(7, rows[1]))
}

func TestVariablesToAPI(t *testing.T) {
	got, err := testNames.variablesToAPI(provider.ContactChange{
		FirstName: provider.ChangeTo("Sara"), Phone: provider.ChangeTo("989121234567"),
		Fields: map[string]any{"points": 12, "big": json.Number("12345678901234567890"), "birthday": "1990-05-01"},
	})
	require.NoError(t, err)
	data, err := json.Marshal(valuesToAPI(got))
	require.NoError(t, err)
	assert.JSONEq(t, `[{"name":"big","value":12345678901234567890},{"name":"birthday","value":"1990-05-01"},{"name":"name","value":"Sara"},{"name":"points","value":12}]`, string(data))

	for field, change := range map[string]provider.ContactChange{
		"fields.vip":   {Fields: map[string]any{"vip": true}},
		"fields.tags":  {Fields: map[string]any{"tags": []string{"a"}}},
		"fields.name":  {Fields: map[string]any{"name": "a"}, FirstName: provider.ChangeTo("b")},
		"fields.Phone": {Fields: map[string]any{"Phone": "1"}},
		"phone":        {Phone: provider.ChangeToNone[string]()},
	} {
		_, err := testNames.variablesToAPI(change)
		var e *provider.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, field, e.Field)
	}
}

// An empty text empties a variable.
func TestClearVariables(t *testing.T) {
	got, err := testNames.variablesToAPI(provider.ContactChange{
		FirstName: provider.ChangeToNone[string](), Fields: map[string]any{"old": nil},
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"name": "", "old": ""}, got)
}

// PHP writes a phone number that is not there in many forms.
func TestPhone(t *testing.T) {
	for raw, want := range map[string]string{
		`"375291234567"`: "375291234567", `375291234567`: "375291234567", `"0375"`: "0375",
		`false`: "", `[]`: "", `{}`: "", `0`: "", `null`: "", `""`: "", `"0"`: "",
	} {
		var row sendpulseapi.ListedContact
		require.NoError(t, json.Unmarshal([]byte(`{"email":"a@example.com","phone":`+raw+`}`), &row))
		assert.Equal(t, want, testNames.listedFromAPI(4, row).Phone, raw)
		row.Variables = map[string]json.RawMessage{"Phone": json.RawMessage(raw)}
		got := testNames.listedFromAPI(4, row)
		assert.Equal(t, want, got.Phone, raw)
		assert.Empty(t, got.Fields, raw)
	}
}

func TestVariableValue(t *testing.T) {
	for raw, want := range map[string]any{
		`"x"`: "x", `12`: 12.0, `1.5`: 1.5, `"12"`: "12", `12345678901234567890`: json.Number("12345678901234567890"), `10.10`: json.Number("10.10"),
	} {
		got, ok := variableValue(json.RawMessage(raw), "string")
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	for _, raw := range []string{`null`, ``, `""`} {
		_, ok := variableValue(json.RawMessage(raw), "")
		assert.False(t, ok)
	}
	got, _ := variableValue(json.RawMessage(`"n/a"`), "number")
	assert.Equal(t, "n/a", got)
}

func TestListFromAPI(t *testing.T) {
	rows := *example[[]sendpulseapi.List](t, "listLists.answer")
	first, there := listFromAPI(rows[0])
	assert.True(t, there)
	assert.Equal(t, provider.List{ID: "490711", Name: "Клиенты", Count: 1520}, first)
	second, _ := listFromAPI(rows[1])
	assert.Equal(t, provider.List{ID: "490712", Name: "مشتریان", Count: 3}, second)
	_, there = listFromAPI(sendpulseapi.List{ID: 1, Status: 1})
	assert.False(t, there)
}

func TestMayAdd(t *testing.T) {
	on := func(list, status int64) sendpulseapi.Membership {
		return sendpulseapi.Membership{ListID: flex.Int(list), Status: flex.Int(status)}
	}
	for name, test := range map[string]struct {
		members []sendpulseapi.Membership
		on, may bool
	}{
		"new":                          {nil, false, true},
		"subscribed there":             {[]sendpulseapi.Membership{on(1, 1)}, true, true},
		"removed there":                {[]sendpulseapi.Membership{on(1, 13)}, true, true},
		"unsubscribed there":           {[]sendpulseapi.Membership{on(1, 4)}, true, false},
		"unsubscribed elsewhere":       {[]sendpulseapi.Membership{on(2, 4)}, false, false},
		"unsubscribed, and on another": {[]sendpulseapi.Membership{on(2, 4), on(3, 1)}, false, true},
		"unsubscribed, and removed":    {[]sendpulseapi.Membership{on(2, 4), on(3, 13)}, false, false},
		"removed elsewhere":            {[]sendpulseapi.Membership{on(3, 13)}, false, true},
		"from everything, elsewhere":   {[]sendpulseapi.Membership{on(2, 6)}, false, false},
		"undeliverable, and both":      {[]sendpulseapi.Membership{on(2, 9), on(1, 1)}, true, false},
		"a status that is not known":   {[]sendpulseapi.Membership{on(1, 99)}, true, false},
		"an unknown status, elsewhere": {[]sendpulseapi.Membership{on(2, 99)}, false, true},
	} {
		isOn, why := mayAdd(1, test.members)
		assert.Equal(t, test.on, isOn, name)
		assert.Equal(t, test.may, why == "", name)
	}
}

func TestPartly(t *testing.T) {
	r := &provider.ContactReceipt{}
	cause := &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Message: "slow down", Elsewhere: true}
	require.Equal(t, error(cause), partly(cause, nil, "list 1", r))
	assert.Empty(t, r.Notes)
	err := partly(cause, []string{"list 1"}, "list 2", r)
	var e *provider.Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
	assert.Equal(t, "done: list 1; then list 2: slow down", e.Message)
	assert.Equal(t, provider.OutcomeNotSent, cause.Outcome)
	assert.Len(t, r.Notes, 1)

	err = partly(context.Canceled, []string{"list 1"}, "list 2", r)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
}

// The names under which webhooks are registered are those of the spec.
func TestRegisteredWords(t *testing.T) {
	var names []string
	for _, w := range bulkWords {
		names = append(names, w.Register...)
	}
	data, err := api.Spec("sendpulse")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	assert.ElementsMatch(t, doc.Components.Schemas["WebhookAction"].Value.Enum, names)
	for _, w := range smtpWords {
		assert.Empty(t, w.Register)
	}
}
