package smsby

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// rowToAPI is the header row and the one row of an import.
func rowToAPI(change provider.ContactChange, nameField string) (names, row []string, notes []provider.Note, err error) {
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, nil, nil, err
	}
	names, row = []string{"email"}, []string{wire}
	add := func(name, value string) {
		names, row = append(names, name), append(row, value)
	}
	if change.Phone.IsSet() {
		add("phone", change.Phone.Value())
	}
	if change.FirstName.IsSet() || change.LastName.IsSet() {
		add(nameField, mailaddr.Name(strings.TrimSpace(change.FirstName.Value()+" "+change.LastName.Value())))
		notes = append(notes, provider.Note{Field: "first_name", Action: provider.NoteConverted, Why: "first and last name are joined in the field " + nameField + " and replace what stood there"})
	}
	for _, name := range slices.Sorted(maps.Keys(change.Fields)) {
		if slices.Contains(names, name) || name == "email" || name == "phone" {
			return nil, nil, nil, provider.Invalid("fields."+name, "this field is written from email, phone or the name of the contact")
		}
		value, note, err := fieldText(name, change.Fields[name])
		if err != nil {
			return nil, nil, nil, err
		}
		notes = append(notes, note...)
		add(name, value)
	}
	return names, row, notes, nil
}

// fieldText is v as a text, which is all that a row holds.
func fieldText(name string, v any) (string, []provider.Note, error) {
	if digits, ok := exact.Text(v); ok {
		return digits, nil, nil
	}
	switch v := v.(type) {
	case string:
		return v, nil, nil
	case bool:
		return strconv.FormatBool(v), []provider.Note{{Field: "fields." + name, Action: provider.NoteConverted, Why: "written as a text: the provider's fields have no other type"}}, nil
	case nil:
		return "", nil, provider.Unsupported(feature.ContactsUpsertClear, "whether an empty value clears a field is not stated")
	}
	return "", nil, provider.Invalid("fields."+name, "expected a text or a number: the provider's fields are texts")
}

// counted is how many rows the answer to an import counts. A row that it does not count
// is neither stored nor refused, as far as anybody knows.
func counted(r smsbyapi.ImportResult) int { return int(r.Inserted + r.Updated + r.Invalid) }

// uncounted is the error of rows of which the answer counts only so many.
func uncounted(n, rows int) error {
	return &provider.Error{
		Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: http.StatusOK,
		Message: fmt.Sprintf("the answer counts %d of %d rows as stored or refused", n, rows),
	}
}

// storedState reads the counters of an import of one row.
func storedState(r smsbyapi.ImportResult) (provider.ContactState, error) {
	switch {
	case r.Invalid > 0:
		text := "the provider refused the contact"
		if len(r.Log) > 0 && r.Log[0].ErrorMessage != "" {
			text = r.Log[0].ErrorMessage
		}
		return "", &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: http.StatusOK, Message: text}
	case r.Inserted > 0:
		return provider.ContactCreated, nil
	case r.Updated > 0:
		return provider.ContactUpdated, nil
	}
	return "", uncounted(0, 1)
}
