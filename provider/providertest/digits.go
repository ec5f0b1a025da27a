package providertest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// numbersOf returns numbers as JSON writes them: those that a float64 changes, and more
// made by chance, the same in every run.
func numbersOf(n int) []string {
	out := []string{
		"0", "12", "-12", "10.10", "1.0", "0.1", "0.10000000000000001", "9007199254740993", "-9007199254740993",
		"12345678901234567890", "6274129005473742112", "0.0000001", "1e3", "1E+05", "123456789012345678901234567890.5",
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test repeats what it did
	for len(out) < n {
		text := strconv.FormatUint(r.Uint64N(9)+1, 10)
		for range r.IntN(25) {
			text += strconv.FormatUint(r.Uint64N(10), 10)
		}
		if r.IntN(2) == 0 {
			text += "." + strconv.FormatUint(r.Uint64N(1_000_000), 10)
		}
		if r.IntN(4) == 0 {
			text = "-" + text
		}
		out = append(out, text)
	}
	return out
}

// wordsOf returns texts in several scripts with characters that encoders like to change.
func wordsOf(n int) []string {
	letters := []rune("aZ09 Анна مریم\u200c\u2067ش\u2069\u200f👩\u200d💻<>&'\"\\/%+;=é\u0301\ufffd{}[]\t\n中")
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test repeats what it did
	out := make([]string, n)
	for i := range out {
		text := []rune(fmt.Sprint("w", i, " "))
		for range r.IntN(20) {
			text = append(text, letters[r.IntN(len(letters))])
		}
		out[i] = string(text) + "."
	}
	return out
}

// digits: numbers and texts arrive at the vendor as they stand in a document, in
// variables and in fields of contacts, and are written again as they were read.
func (h Harness) digits(t *testing.T) {
	v := h.start(t)
	c := v.open(t, nil)
	if c.Capabilities().Can(feature.MessageVariables) {
		h.digitsOfVariables(t, v, c)
	}
	m := h.baseline()
	m.HTML = "<p>" + strings.Join(wordsOf(50), "</p>\n<p>") + "</p>"
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	sent := v.sends()
	assert.True(t, onWire(sent[len(sent)-1], m.HTML), "the HTML")
	if !c.Capabilities().Can(feature.ContactsUpsertFields) {
		return
	}
	if h.NumberType != "" {
		v.AddField(v.name, "DIGITS", h.NumberType)
	}
	h.digitsOfContacts(t, v, c)
	h.digitsOfImports(t, v, c)
}

func (h Harness) digitsOfVariables(t *testing.T, v *vendor, c *provider.Client) {
	numbers, words := numbersOf(150), wordsOf(50)
	variables := map[string]any{}
	for i, n := range numbers {
		variables[fmt.Sprint("n", i)] = json.RawMessage(n)
	}
	for i, w := range words {
		variables[fmt.Sprint("w", i)] = w
	}
	doc, err := json.Marshal(map[string]any{
		"to": addresses(needleEmail), "subject": "x", "template": h.Template, "variables": variables,
	})
	require.NoError(t, err)
	m, err := provider.ParseMessage(doc)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	sent := v.sends()
	got := texts(sent[len(sent)-1])
	for _, want := range slices.Concat(numbers, words) {
		assert.True(t, slices.Contains(got, want), "%q is not on the wire", want)
	}
}

// digitsIn is a value of a field as its digits, or its text.
func digitsIn(t *testing.T, value any) string {
	t.Helper()
	if text, ok := value.(string); ok {
		return text
	}
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

func (h Harness) digitsOfContacts(t *testing.T, v *vendor, c *provider.Client) {
	for _, n := range numbersOf(30) {
		data, err := json.Marshal(map[string]any{
			"email": needleEmail, "lists": []provider.Ref{h.List},
			"fields": map[string]any{"DIGITS": json.RawMessage(n)},
		})
		require.NoError(t, err)
		change, err := provider.ParseContactChange(data)
		require.NoError(t, err)
		_, err = c.UpsertContact(t.Context(), change)
		require.NoError(t, err, n)
		stored, ok := v.stored(needleEmail)
		require.True(t, ok)
		require.Equal(t, n, digitsIn(t, stored.Fields["DIGITS"]))

		read := h.readBack(t, c, needleEmail)
		if read == nil {
			continue
		}
		assert.Equal(t, n, digitsIn(t, read.Fields["DIGITS"]), "as it was read")
		again, err := json.Marshal(read.Fields)
		require.NoError(t, err)
		assert.Contains(t, string(again), n, "as it is written")
		_, err = c.UpsertContact(t.Context(), provider.ContactChange{
			Email: needleEmail, Lists: []provider.Ref{h.List}, Fields: map[string]any{"DIGITS": read.Fields["DIGITS"]},
		})
		require.NoError(t, err)
		stored, _ = v.stored(needleEmail)
		assert.Equal(t, n, digitsIn(t, stored.Fields["DIGITS"]), "written back")
	}
}

// readBack reads the contact, nil where the provider shows none.
func (h Harness) readBack(t *testing.T, c *provider.Client, email string) *provider.Contact {
	t.Helper()
	switch caps := c.Capabilities(); {
	case caps.Can(feature.ContactsGet):
		got, err := c.GetContact(t.Context(), email)
		require.NoError(t, err)
		return got
	case caps.Can(feature.ContactsList):
		for got, err := range c.AllContacts(t.Context(), provider.ContactQuery{}) {
			require.NoError(t, err)
			if got.Email == email {
				return &got
			}
		}
	}
	return nil
}

// digitsOfImports imports enough rows for a vendor's bulk requests, half of them with the
// text of a number, as CSV has it.
func (h Harness) digitsOfImports(t *testing.T, v *vendor, c *provider.Client) {
	numbers := numbersOf(120)
	_, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for i, n := range numbers {
			change := provider.ContactChange{
				Email: fmt.Sprintf("digits%03d@example.com", i), Lists: []provider.Ref{h.List},
				Fields: map[string]any{"DIGITS": json.Number(n)},
			}
			if i%2 == 1 && h.NumberType != "number" { // who has this type takes numbers only
				change.Fields["DIGITS"] = n
			}
			if !yield(change, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error { return r.Err })
	require.NoError(t, err)
	for i, n := range numbers {
		stored, ok := v.stored(fmt.Sprintf("digits%03d@example.com", i))
		require.True(t, ok, n)
		assert.Equal(t, n, digitsIn(t, stored.Fields["DIGITS"]), "row %d", i)
	}
}

// phones: a phone is a number or refused before any request, by upserts and imports; of a
// contact that is stored as unsubscribed or blocked it is left out instead.
func (h Harness) phones(t *testing.T) {
	v := h.start(t)
	c := v.open(t, nil)
	caps := c.Capabilities()
	if !caps.Can(feature.ContactsUpsertPhone) {
		return
	}
	for _, row := range []struct{ name, phone string }{
		{"of a spreadsheet", "3.75291E+11"},
		{"letters", "call me"},
		{"short", "12"},
	} {
		change := h.change()
		change.Phone = provider.ChangeTo(row.phone)
		_, err := c.UpsertContact(t.Context(), change)
		refusedAt(t, err, "phone", row.name)
		report, err := c.ImportContacts(
			t.Context(), func(yield func(provider.ContactChange, error) bool) { yield(change, nil) },
			func(r provider.ImportResult) error {
				refusedAt(t, r.Err, "phone", row.name)
				return nil
			},
		)
		require.NoError(t, err)
		assert.Equal(t, 1, report.Refused, row.name)
	}
	v.noRequests(t)

	good := []struct{ name, phone, want string }{
		{"plain", "+375291234567", "375291234567"},
		{"separated", "+375 (29) 123-45-68", "375291234568"},
		{"Persian", "+۹۸۹۱۲۱۲۳۴۵۶۷", "989121234567"},
		{"of a spreadsheet", "375291234569.0", "375291234569"},
	}
	for i, row := range good {
		change := h.change()
		change.Email, change.Phone = fmt.Sprintf("phone%d@example.com", i), provider.ChangeTo(row.phone)
		r, err := c.UpsertContact(t.Context(), change)
		require.NoError(t, err, row.name)
		noted := slices.ContainsFunc(r.Notes, func(n provider.Note) bool { return n.Field == "phone" && n.Action == provider.NoteConverted })
		assert.Equal(t, row.name != "plain", noted, row.name)
		stored, _ := v.stored(change.Email)
		if read := h.readBack(t, c, change.Email); read != nil {
			stored = *read // a fake may keep the phone among the fields
		}
		assert.Equal(t, row.want, strings.TrimPrefix(stored.Phone, "+"), row.name)
	}
	if !caps.Can(feature.ContactsUpsertStatus) {
		return
	}
	change := h.change()
	change.Phone, change.Status = provider.ChangeTo("3.75291E+11"), provider.StatusUnsubscribed
	r, err := c.UpsertContact(t.Context(), change)
	require.NoError(t, err)
	assert.True(t, slices.ContainsFunc(r.Notes, func(n provider.Note) bool { return n.Field == "phone" && n.Action == provider.NoteDropped }))
	stored, ok := v.stored(needleEmail)
	assert.True(t, ok)
	assert.Empty(t, stored.Phone)
}

// isolates: what a Persian text needs around foreign words arrives in subjects and names,
// and overrides of direction do not.
func (h Harness) isolates(t *testing.T) {
	v := h.start(t)
	c := v.open(t, nil)
	m := h.baseline()
	m.From = provider.Address{Email: "shop@example.com", Name: "فروشگاه \u2068Shop\u2069"}
	m.Subject = "سفارش \u2066No. 12\u2069 و \u2067\u2068x\u2069\u2069"
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.True(t, onWire(v.sends()[0], m.Subject), "the subject")
	for _, row := range []struct{ name, text string }{
		{"not ended", "a\u2066b"},
		{"ended twice", "a\u2066b\u2069\u2069"},
		{"not begun", "a\u2069b"},
		{"override", "a\u202eb\u202c"},
		{"embedding", "a\u202bb\u202c"},
	} {
		bad := *m
		bad.Subject = row.text
		_, err := c.Send(t.Context(), &bad)
		refusedAt(t, err, "subject", row.name)
		bad = *m
		bad.From.Name = row.text
		_, err = c.Send(t.Context(), &bad)
		refusedAt(t, err, "from.name", row.name)
	}
	assert.Len(t, v.sends(), 1)
}
