package adapterkit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

func refs(ids ...string) []provider.Ref {
	var out []provider.Ref
	for _, id := range ids {
		out = append(out, provider.Ref{ID: id})
	}
	return out
}

// field is the field of a refusal on this side; empty for no error.
func field(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	return e.Field
}

func TestListIDs(t *testing.T) {
	for _, row := range []struct {
		name  string
		lists []provider.Ref
		want  []int64
		field string
	}{
		{name: "none", want: []int64{}},
		{name: "order is kept", lists: refs("5", "4"), want: []int64{5, 4}},
		{name: "a list named twice is used once", lists: refs("4", "5", "4", "04"), want: []int64{4, 5}},
		{name: "a word", lists: refs("4", "news"), field: "lists[1]"},
		{name: "zero", lists: refs("0"), field: "lists[0]"},
		{name: "two in one", lists: refs("4,5"), field: "lists[0]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := adapterkit.ListIDs(row.lists)
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.field, field(t, err))
		})
	}
	_, err := adapterkit.ListIDs(refs("news"))
	assert.ErrorContains(t, err, `expected the number of a list at this provider, got "news"`)
}

func TestTakeText(t *testing.T) {
	for _, row := range []struct {
		name  string
		value any
		want  string
		stays bool
	}{
		{name: "text", value: "Anna", want: "Anna"},
		{name: "number", value: 375291234567.0, want: "375291234567"},
		{name: "digits", value: json.Number("37529123456700000001"), want: "37529123456700000001"},
		{name: "empty", value: ""},
		{name: "list", value: []any{"x"}, want: "as before", stays: true},
		{name: "truth", value: true, want: "as before", stays: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, fields := "as before", map[string]any{"NAME": row.value}
			adapterkit.TakeText(fields, "NAME", &got)
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.stays, len(fields) == 1)
		})
	}
	got := "as before"
	adapterkit.TakeText(nil, "NAME", &got)
	assert.Equal(t, "as before", got)
}

func TestWires(t *testing.T) {
	given := []string{"a@example.com", "b@пример.example"}
	got, err := adapterkit.Wires(given)
	require.NoError(t, err)
	assert.Equal(t, []string{"a@example.com", "b@xn--e1afmkfd.example"}, got)
	assert.Equal(t, "b@пример.example", given[1])
	_, err = adapterkit.Wires([]string{"анна@example.com"})
	assert.Equal(t, "email", field(t, err))
}

func TestShared(t *testing.T) {
	var s adapterkit.Shared[[]int64]
	key, first := s.Of("4", []int64{4})
	again, second := s.Of("4", []int64{4})
	assert.Equal(t, key, again)
	assert.Same(t, first, second, "rows with one key hold one value")
	_, other := s.Of("5", []int64{5})
	assert.Equal(t, []int64{5}, *other)
	assert.Equal(t, []int64{4}, *first, "a value does not change")
}

func TestDraft(t *testing.T) {
	var d adapterkit.Draft
	d.Fail(nil)
	assert.Equal(t, "b@xn--e1afmkfd.example", d.Email("to", "b@пример.example"))
	require.NoError(t, d.Err)
	d.Email("from.email", "анна@example.com")
	d.Fail(provider.Invalid("subject", "later"))
	assert.Equal(t, "from.email", field(t, d.Err), "the first error stays")
	d.Note("text", provider.NoteEmulated, "why")
	assert.Equal(t, []provider.Note{{Field: "text", Action: provider.NoteEmulated, Why: "why"}}, d.Notes)
}

func TestDone(t *testing.T) {
	note := provider.Note{Field: "email", Action: provider.NoteWarning, Why: "why"}
	r, err := adapterkit.Done(nil, note)
	require.NoError(t, err)
	assert.Equal(t, &provider.ContactReceipt{State: provider.ContactDone, Notes: []provider.Note{note}}, r)
	cause := failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)
	r, err = adapterkit.Done(cause, note)
	assert.Equal(t, error(cause), err)
	assert.Equal(t, &provider.ContactReceipt{State: provider.ContactUnknown}, r)
}
