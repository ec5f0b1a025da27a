package smsby

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

const (
	// importMost is the vendor's limit of rows in a call.
	importMost = 500
	// importURL is how many bytes of an URL the rows may take. All of a call is in
	// the URL, and what length the vendor takes is not documented: 8 KB with the
	// rest of it is what web servers take as they are installed, so this is a guess.
	// A call that is refused as too long is halved.
	importURL = 7_000
	// cellURL is what a cell takes in the URL beside its text: &data[499][30]=, escaped.
	cellURL = 27
)

// bulkImport stores rows by the vendor's import, many in a call. Nobody lets us
// look whether an address has unsubscribed: see UpsertContact.
type bulkImport struct {
	*adapter
	shared adapterkit.Shared[importHead]
}

// importHead is what the rows of a call have in common.
type importHead struct {
	lists []int64
	names []string // of the fields
}

// importRow is a row as the wire has it.
type importRow struct {
	*importHead
	cells []string
	notes []provider.Note
}

func (a *adapter) NewBulkImport() provider.BulkImport { return &bulkImport{adapter: a} }

func (b *bulkImport) Limits() provider.GroupLimits {
	return provider.GroupLimits{Items: importMost, Bytes: importURL}
}

func (b *bulkImport) Row(_ context.Context, change provider.ContactChange) (provider.BulkRow, error) {
	joins, _ := adapterkit.Joins(change)
	lists, err := adapterkit.Numbers(joins)
	if err != nil {
		return provider.BulkRow{}, err
	}
	slices.Sort(lists)
	names, cells, notes, err := rowToAPI(change, b.nameField)
	if err != nil {
		return provider.BulkRow{}, err
	}
	size := 0
	for _, cell := range cells {
		size += cellURL + len(url.QueryEscape(cell))
	}
	key, head := b.shared.Of(fmt.Sprintf("%d %q", lists, names), importHead{lists, names})
	return provider.BulkRow{Key: key, Bytes: size, Data: &importRow{head, cells, notes}}, nil
}

// storing is a contact on its way to one list after the other.
type storing struct {
	*importRow
	r    *provider.ContactReceipt
	done int // lists that have it
	err  error
}

// Store imports the rows into each list. When a later list fails, the earlier ones
// have stored them, and the errors say so.
func (b *bulkImport) Store(ctx context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	head := rows[0].Data.(*importRow).importHead
	all := make([]*storing, len(rows))
	for i, row := range rows {
		data := row.Data.(*importRow)
		r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: append(slices.Clip(data.notes), mayLift)}
		all[i] = &storing{importRow: data, r: r}
	}
	for i, list := range head.lists {
		open := slices.DeleteFunc(slices.Clone(all), func(s *storing) bool { return s.err != nil })
		if err := b.importTo(ctx, list, head.names, open, false); i == 0 && adapterkit.Limited(err) {
			return nil, err // nothing is stored yet, and the import waits for the limit
		}
	}
	results := make([]provider.ImportResult, len(all))
	for i, s := range all {
		results[i] = provider.ImportResult{Receipt: s.r, Err: s.err}
	}
	return results, nil
}

// mayLift is the note of every import.
var mayLift = provider.Note{Field: "lists", Action: provider.NoteWarning, Why: "whether an import lifts an unsubscription is not stated, and the provider shows none to look at before"}

// importTo imports rows into one list. The error is that of the call for all
// rows; each has it too. The rows are known when an answer before has counted all of
// them: then those that are not refused are stored, also when a repeat changes nothing
// and counts nothing.
func (b *bulkImport) importTo(ctx context.Context, list int64, names []string, rows []*storing, known bool) error {
	if len(rows) == 0 {
		return nil
	}
	data := make([][]string, len(rows))
	for i, s := range rows {
		data[i] = s.cells
	}
	answer, err := b.api.ImportContacts(ctx, &smsbyapi.ImportContactsParams{ListID: list, FieldNames: names, Data: data})
	var result smsbyapi.ImportResult
	if err == nil {
		result = answer.Result.Value
	}
	n := counted(result)
	some := result.Invalid > 0 || len(result.Log) > 0 || !known && n > 0 && n < len(rows)
	if len(rows) > 1 && (splits(err) || err == nil && some) {
		b.halves(ctx, list, names, rows, err == nil, known || n == len(rows))
		return nil
	}
	state := provider.ContactStored
	switch {
	case err == nil && known && n == 0:
	case err == nil && len(rows) == 1:
		state, err = storedState(result)
	case err == nil && n < len(rows) && !known:
		err = uncounted(n, len(rows))
	case err == nil && int(result.Inserted) == len(rows):
		state = provider.ContactCreated
	case err == nil && int(result.Updated) == len(rows):
		state = provider.ContactUpdated
	}
	for _, s := range rows {
		s.settle(list, state, err)
	}
	return err
}

// halves imports each half of the rows by itself, down to the row that is meant:
// the vendor names rows by an index whose start is not documented. What was
// imported before is imported again, which changes nothing, but then nobody tells
// whether it was new.
func (b *bulkImport) halves(ctx context.Context, list int64, names []string, rows []*storing, again, known bool) {
	half := len(rows) / 2
	for _, part := range [][]*storing{rows[:half], rows[half:]} {
		_ = b.importTo(ctx, list, names, part, known)
		for _, s := range part {
			if again && s.err == nil {
				s.r.State = provider.ContactStored
			}
		}
	}
}

// settle notes what became of the contact on one list.
func (s *storing) settle(list int64, state provider.ContactState, err error) {
	switch {
	case adapterkit.Taken(err):
		state = provider.ContactStored
		s.r.Notes = append(s.r.Notes, provider.Note{Field: "lists", Action: provider.NoteWarning, Why: fmt.Sprintf("stored on list %d, but the answer could not be read", list)})
	case err != nil:
		s.err = adapterkit.Midway(err, s.done, "stored on %d lists, then", s.done)
		s.r.State = provider.ContactUnknown
		return
	}
	if s.done > 0 && s.r.State != state {
		state = provider.ContactStored
	}
	s.r.State = state
	s.done++
}

// splits reports whether the vendor refused the call for its length or for what is
// in it, perhaps in one row only.
func splits(err error) bool {
	var e *provider.Error
	if !errors.As(err, &e) || e.Outcome != provider.OutcomeNotSent {
		return false
	}
	switch e.Status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return e.Kind == provider.ErrInvalid
}
