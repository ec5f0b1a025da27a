package smsby

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/form"
	"github.com/postmux/postmux/provider"
)

func inZone(t *testing.T, name string) clock {
	t.Helper()
	z, err := zone(name)
	require.NoError(t, err)
	return clock{zone: z, account: "by"}
}

func plainMessage() *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.by"}, To: []provider.Address{{Email: "anna@example.by"}},
		Subject: "Заказ принят", HTML: "<p>Спасибо за покупку!</p>",
	}
}

func fullMessage() *provider.Message {
	m := plainMessage()
	m.From.Name = "Садовый центр"
	m.To = []provider.Address{{Email: "anna@пример.example", Name: "Анна"}}
	m.SendAt = time.Date(2026, 5, 4, 6, 30, 59, 0, time.UTC)
	m.TrackOpens, m.TrackClicks = provider.ToggleOff, provider.ToggleOn
	return m
}

func personalMessage() *provider.Message {
	m := plainMessage()
	m.To = nil
	m.Recipients = []provider.Recipient{
		{Email: "anna@example.by", Name: "Анна", Subject: "Анна, заказ готов", HTML: "<p>Заказ 1027 ждёт вас.</p>"},
		{Email: "pavel@example.by"},
	}
	return m
}

// assertForm compares fields, in any order, with the lines of a file.
func assertForm(t *testing.T, file string, body any) {
	t.Helper()
	fields, err := form.Fields(body)
	require.NoError(t, err)
	var got []string
	for _, f := range fields {
		line := f.Name + "=" + f.Value
		if f.File != nil {
			line = f.Name + "=@" + f.File.Name + ";" + f.File.ContentType + ";" + string(f.File.Content)
		}
		got = append(got, line)
	}
	want, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	assert.ElementsMatch(t, strings.Split(strings.TrimSpace(string(want)), "\n"), got)
}

func notesOf(notes []provider.Note) []string {
	out := []string{}
	for _, n := range notes {
		out = append(out, n.Field+" "+string(n.Action))
	}
	return out
}

func TestEmailToAPI(t *testing.T) {
	minsk := inZone(t, "Europe/Minsk")
	body, notes, err := emailToAPI(plainMessage(), clock{})
	require.NoError(t, err)
	assertForm(t, "email_plain.golden", body)
	assert.Empty(t, notes)

	m := fullMessage()
	m.Attachments = []provider.Attachment{{Name: "счёт 1027.pdf", ContentType: "application/x-invoice", Content: []byte("hello")}}
	body, notes, err = emailToAPI(m, minsk)
	require.NoError(t, err)
	assertForm(t, "email_full.golden", body)
	assert.Equal(t, []string{"to[0].name dropped", "send_at converted"}, notesOf(notes))

	m.Attachments[0].ContentType = ""
	body, _, err = emailToAPI(m, minsk)
	require.NoError(t, err)
	assert.Equal(t, "application/pdf", body.Attachment.ContentType)
}

func TestBulkToAPI(t *testing.T) {
	body, notes, err := bulkToAPI(fullMessage(), inZone(t, "Europe/Minsk"))
	require.NoError(t, err)
	assertForm(t, "bulk_one.golden", body)
	assert.Equal(t, []string{"send_at converted", "to[0].name dropped"}, notesOf(notes))

	body, notes, err = bulkToAPI(personalMessage(), clock{})
	require.NoError(t, err)
	assertForm(t, "bulk_personal.golden", body)
	assert.Equal(t, []string{"recipients[0].name dropped"}, notesOf(notes))
}

func TestRefused(t *testing.T) {
	single := func(m *provider.Message) error { _, _, err := emailToAPI(m, clock{account: "by"}); return err }
	bulk := func(m *provider.Message) error { _, _, err := bulkToAPI(m, clock{account: "by"}); return err }
	two := []provider.Attachment{{Name: "a", Content: []byte("a")}, {Name: "b", Content: []byte("b")}}
	for _, row := range []struct {
		name    string
		convert func(*provider.Message) error
		change  func(*provider.Message)
		want    string
	}{
		{"two recipients", single, func(m *provider.Message) { m.To = append(m.To, m.To[0]) }, "message.to.many"},
		{"two recipients", bulk, func(m *provider.Message) { m.To = append(m.To, m.To[0]) }, "message.to.many"},
		{"two files", single, func(m *provider.Message) { m.Attachments = two }, "message.attachments.many"},
		{"a file", bulk, func(m *provider.Message) { m.Attachments = two[:1] }, "message.attachments"},
		{"variables", single, func(m *provider.Message) { m.Variables = map[string]any{"a": 1} }, "message.variables"},
		{"variables", bulk, func(m *provider.Message) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.by", Variables: map[string]any{"a": 1}}}
		}, "message.variables"},
		{"no html", single, func(m *provider.Message) { m.HTML = "" }, "html"},
		{"no html", bulk, func(m *provider.Message) {
			m.To, m.HTML, m.Recipients = nil, "", []provider.Recipient{{Email: "a@example.by"}}
		}, "recipients[0].html"},
		{"cyrillic address", single, func(m *provider.Message) { m.To[0].Email = "анна@example.by" }, "to[0].email"},
		{"cyrillic address", bulk, func(m *provider.Message) {
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "анна@example.by"}}
		}, "recipients[0].email"},
		{"no zone", single, func(m *provider.Message) { m.SendAt = time.Now() }, "providers.by.time_zone: send_at"},
		{"no zone", bulk, func(m *provider.Message) { m.SendAt = time.Now() }, "providers.by.time_zone: send_at"},
	} {
		m := plainMessage()
		row.change(m)
		err := row.convert(m)
		var e *provider.Error
		if assert.ErrorAs(t, err, &e, row.name) {
			assert.ErrorContains(t, err, row.want)
			assert.True(t, e.Local(), row.name)
		}
	}
}

func TestClock(t *testing.T) {
	minsk, berlin := inZone(t, "Europe/Minsk"), inZone(t, "Europe/Berlin")
	for _, row := range []struct {
		in    clock
		at    time.Time
		want  string
		notes []string
	}{
		{minsk, time.Date(2026, 5, 4, 22, 15, 0, 0, time.UTC), "2026-05-05 01:15", []string{}},
		{minsk, time.Date(2026, 5, 4, 22, 15, 0, 1, time.UTC), "2026-05-05 01:15", []string{"send_at converted"}},
		{minsk, time.Date(2026, 5, 4, 12, 0, 0, 0, time.FixedZone("", 3*3600+1800)), "2026-05-04 11:30", []string{}},
		// The clocks go back from 3 to 2 that night.
		{berlin, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), "2026-10-25 02:30", []string{"send_at warning"}},
		{berlin, time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), "2026-10-25 02:30", []string{"send_at warning"}},
		{berlin, time.Date(2026, 10, 25, 2, 30, 0, 0, time.UTC), "2026-10-25 03:30", []string{}},
	} {
		got, notes, err := row.in.wire(row.at)
		require.NoError(t, err)
		assert.Equal(t, row.want, *got)
		assert.Equal(t, row.notes, notesOf(notes), row.want)
	}
}

func TestCheckZone(t *testing.T) {
	for _, good := range []string{"", "Europe/Minsk", "UTC", "env:ZONE", "file:/run/zone"} {
		assert.Empty(t, checkZone(Config{TimeZone: good}), good)
	}
	for _, bad := range []string{"Local", "Minsk", "+03:00"} {
		assert.NotEmpty(t, checkZone(Config{TimeZone: bad}), bad)
	}
}

// example decodes an example of the spec.
func example[T any](t *testing.T, name string) *T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "api", "smsby", "examples", name+".json"))
	require.NoError(t, err)
	out := new(T)
	require.NoError(t, json.Unmarshal(data, out))
	return out
}

func TestIDs(t *testing.T) {
	assert.Equal(t, "email:5120417", emailID(example[smsbyapi.SentEmailAnswer](t, "sendEmail.answer")))
	assert.Equal(t, "email:5120417", emailID(example[smsbyapi.SentEmailAnswer](t, "sendEmail.answer-text")))
	assert.Empty(t, emailID(new(smsbyapi.SentEmailAnswer)))
	assert.Equal(t, "bulk:3f0c52aa-51de-11f0-9c1d-7b2a40e6d915", bulkID(example[smsbyapi.SentBulkAnswer](t, "sendBulkEmail.answer")))
	assert.Empty(t, bulkID(new(smsbyapi.SentBulkAnswer)))
}

func TestStatusFromAPI(t *testing.T) {
	answer := example[smsbyapi.BulkStatusAnswer](t, "getBulkEmailStatus.answer")
	assert.Equal(t, &provider.Receipt{
		MessageID: "bulk:x", State: provider.StateRejected,
		Recipients: []provider.RecipientResult{
			{Email: "anna@example.by", MessageID: "bulk:x", State: provider.StateDelivered},
			{Email: "pavel@example", MessageID: "bulk:x", State: provider.StateRejected},
		},
		Notes: []provider.Note{{Field: "recipients[1]", Action: provider.NoteWarning, Why: "неверный адрес получателя"}},
	}, statusFromAPI("bulk:x", answer.Result))
	assert.Nil(t, statusFromAPI("bulk:x", example[smsbyapi.BulkStatusAnswer](t, "getBulkEmailStatus.answer-empty").Result))

	odd := []smsbyapi.BulkMailing{{Success: []smsbyapi.BulkDelivery{{Recipient: " a@example.by", Status: "PARKED"}}}}
	r := statusFromAPI("bulk:x", odd)
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Equal(t, "a@example.by", r.Recipients[0].Email)
	assert.Contains(t, r.Notes[0].Why, "PARKED")
}

func TestDeliveryState(t *testing.T) {
	for word, want := range map[string]provider.State{
		"DELIVERED": provider.StateDelivered, "delivered": provider.StateDelivered, "OPEN": provider.StateOpened,
		"UNDELIVERED": provider.StateBounced, "CLICKED": provider.StateClicked, "NEW": provider.StateQueued, "SENT": provider.StateQueued,
		"": provider.StateUnknown, "PARKED": provider.StateUnknown,
	} {
		what, known := stateWords.Find(word)
		assert.Equal(t, want, what.State(), word)
		assert.Equal(t, want != provider.StateUnknown, known, word)
	}
}

func TestRowToAPI(t *testing.T) {
	names, row, notes, err := rowToAPI(provider.ContactChange{
		Email: "anna@example.by", Phone: provider.ChangeTo("+375291234567"), FirstName: provider.ChangeTo("Анна"), LastName: provider.ChangeTo("Иванова"),
		Fields: map[string]any{"city": "Гомель", "points": 12.5, "orders": 3, "code": json.Number("007"), "vip": true},
	}, "fio")
	require.NoError(t, err)
	assert.Equal(t, []string{"email", "phone", "fio", "city", "code", "orders", "points", "vip"}, names)
	assert.Equal(t, []string{"anna@example.by", "+375291234567", "Анна Иванова", "Гомель", "007", "3", "12.5", "true"}, row)
	assert.Equal(t, []string{"first_name converted", "fields.vip converted"}, notesOf(notes))

	for field, change := range map[string]provider.ContactChange{
		"email":        {Email: "анна@example.by"},
		"fields.fio":   {Email: "a@example.by", FirstName: provider.ChangeTo("А"), Fields: map[string]any{"fio": "Б"}},
		"fields.email": {Email: "a@example.by", Fields: map[string]any{"email": "b@example.by"}},
		"fields.phone": {Email: "a@example.by", Fields: map[string]any{"phone": "1"}},
		"fields.tags":  {Email: "a@example.by", Fields: map[string]any{"tags": []string{"a"}}},
		"not stated":   {Email: "a@example.by", Fields: map[string]any{"city": nil}},
	} {
		_, _, _, err := rowToAPI(change, "fio")
		assert.ErrorContains(t, err, field)
	}
}

func TestStoredState(t *testing.T) {
	for name, want := range map[string]provider.ContactState{
		"importContacts.answer-valid": provider.ContactCreated, "importContacts.answer-nolog": provider.ContactCreated,
	} {
		got, err := storedState(example[smsbyapi.ImportAnswer](t, name).Result.Value)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
	got, err := storedState(smsbyapi.ImportResult{Updated: 1})
	require.NoError(t, err)
	assert.Equal(t, provider.ContactUpdated, got)
	_, err = storedState(smsbyapi.ImportResult{})
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown, "it counts no row")
	_, err = storedState(example[smsbyapi.ImportAnswer](t, "importContacts.answer").Result.Value)
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.ErrorContains(t, err, "неверный адрес")
}
