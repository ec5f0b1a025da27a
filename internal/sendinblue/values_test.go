package sendinblue

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func attributesOf(types map[string]string) *Attributes {
	return &Attributes{CountryCode: true, Fetch: func(context.Context) (map[string]string, error) { return types, nil }}
}

func TestConvertValues(t *testing.T) {
	a := attributesOf(map[string]string{"POINTS": "float", "BORN": "date", "CITY": "text", "VIP": "boolean", "SMS": "text", "WHATSAPP": "text"})
	for _, row := range []struct {
		name, field string
		value       any
		want        any
		note, fail  string // part of the note or of the error
	}{
		{name: "number", field: "POINTS", value: 12.5, want: 12.5},
		{name: "digits", field: "POINTS", value: "10.10", want: json.Number("10.10")},
		{name: "short digits", field: "POINTS", value: "12", want: 12.0},
		{name: "many digits", field: "POINTS", value: "6274129005473742112", want: json.Number("6274129005473742112"), note: "may round"},
		{name: "many digits as a number", field: "POINTS", value: json.Number("9007199254740993"), want: json.Number("9007199254740993"), note: "may round"},
		{name: "leading zeros", field: "POINTS", value: "007", want: 7.0, note: "written as the number 7"},
		{name: "no number", field: "POINTS", value: "NaN", fail: "expected a number"},
		{name: "truth for a number", field: "POINTS", value: true, fail: "expected a number"},
		{name: "date", field: "BORN", value: "2026-03-21", want: "2026-03-21"},
		{name: "midnight", field: "BORN", value: "2026-03-21T00:00:00+03:30", want: "2026-03-21"},
		{name: "a time of a day", field: "BORN", value: "2026-03-21T09:00:00Z", fail: "expected a date"},
		{name: "number for a text", field: "CITY", value: 1.0, fail: "expected a text"},
		{name: "truth", field: "VIP", value: "true", want: true},
		{name: "phone", field: "SMS", value: "+375 29 123-45-67", want: "+375291234567", note: "the signs"},
		{name: "phone as a number", field: "SMS", value: json.Number("375291234567"), want: "375291234567", note: "written as text"},
		{name: "other phone", field: "WHATSAPP", value: "3.75291E+11", fail: "a spreadsheet"},
		{name: "phone of a country", field: "SMS", value: "09121234567", fail: "with its country code"},
		{name: "phone cleared", field: "SMS", value: "", want: ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, notes, err := a.Convert(t.Context(), provider.ContactChange{Fields: map[string]any{row.field: row.value}})
			if row.fail != "" {
				var e *provider.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, "fields."+row.field, e.Field)
				assert.Contains(t, e.Message, row.fail)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, map[string]any{row.field: row.want}, got)
			if row.note == "" {
				assert.Empty(t, notes)
				return
			}
			require.Len(t, notes, 1)
			assert.Equal(t, "fields."+row.field, notes[0].Field)
			assert.Contains(t, notes[0].Why, row.note)
		})
	}
}

// Less mail is never refused: who is stored as blocked is stored without the phone.
func TestBlockedWithoutItsPhone(t *testing.T) {
	a := attributesOf(map[string]string{"SMS": "text", "FIRSTNAME": "text"})
	got, notes, err := a.Convert(t.Context(), provider.ContactChange{
		FirstName: provider.ChangeTo("Anna"), Phone: provider.ChangeTo("09121234567"), Status: provider.StatusUnsubscribed,
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"FIRSTNAME": "Anna"}, got)
	require.Len(t, notes, 1)
	assert.Equal(t, "phone", notes[0].Field)
	assert.Equal(t, provider.NoteDropped, notes[0].Action)
}

func TestValuesKeepDigits(t *testing.T) {
	var c provider.Contact
	const raw = `{"A":9007199254740993,"B":10.10,"C":12,"D":["x",1.0],"FIRSTNAME":10.10}`
	require.NoError(t, Values(json.RawMessage(raw), &c))
	want := map[string]any{"A": json.Number("9007199254740993"), "B": json.Number("10.10"), "C": 12.0, "D": []any{"x", json.Number("1.0")}}
	assert.Equal(t, want, c.Fields)
	assert.Equal(t, "10.10", c.FirstName)
	rows := ReadPage([]byte(`{"contacts":[{"email":"a@example.com","attributes":`+raw+`}],"count":1}`), false)
	require.NotNil(t, rows)
	assert.Equal(t, want, rows.Page.Items[0].Fields, "the fast reader")
}

func TestPlaceholders(t *testing.T) {
	with, without := "<p>{{ params.x }}</p>", "<p>{{</p>"
	vars := map[string]any{"x": 1}
	for _, row := range []struct {
		name string
		m    provider.Message
		want []string
	}{
		{name: "everywhere", m: provider.Message{Subject: "{{x}}", HTML: with, Text: with}, want: []string{"subject", "html", "text"}},
		{name: "nowhere", m: provider.Message{Subject: "x", HTML: without}},
		{name: "with variables", m: provider.Message{HTML: with, Variables: vars}},
		{name: "by another name", m: provider.Message{Subject: "{{x}}", HTML: "{{ params.y }}", Text: "{{ contact.FIRSTNAME }} {{ params.y | upper }}", Variables: vars}, want: []string{"subject", "html"}},
		{name: "shared variables and own ones", m: provider.Message{HTML: "{{ params.x }}{{ params.y }}", Variables: vars, Recipients: []provider.Recipient{{Variables: map[string]any{"y": 1}}}}},
		{name: "of one recipient", m: provider.Message{Variables: vars, Recipients: []provider.Recipient{{HTML: with}, {HTML: "{{ params.y }}"}}}, want: []string{"recipients[1].html"}},
		{name: "with a template", m: provider.Message{Subject: "{{x}}", Template: provider.Ref{ID: "1"}}},
		{name: "each with variables", m: provider.Message{HTML: with, Recipients: []provider.Recipient{{Variables: vars}}}},
		{name: "one without", m: provider.Message{HTML: with, Recipients: []provider.Recipient{{Variables: vars}, {Text: with}}}, want: []string{"html", "recipients[1].text"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, n := range Placeholders(&row.m) {
				got = append(got, n.Field)
				assert.Equal(t, provider.NoteWarning, n.Action)
			}
			assert.Equal(t, row.want, got)
		})
	}
}

// What the provider takes for a command is refused, whatever its spelling.
func TestHeadersThatAreCommands(t *testing.T) {
	for _, name := range []string{"X-Sib-Sandbox", "sender.ip", "X-Mailin-Tag"} {
		var d Draft
		d.Headers(&provider.Message{Headers: map[string]string{name: "x"}})
		var e *provider.Error
		require.ErrorAs(t, d.Err, &e, name)
		assert.True(t, strings.EqualFold("headers."+name, e.Field))
	}
}
