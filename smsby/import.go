package smsby

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/smsbyapi"
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
	lastKey string // so that rows share it; Row is called by one goroutine
}

// importRow is a row as the wire has it; its key holds the names of the fields.
type importRow struct {
	cells []string
	notes []provider.Note
}

func (a *adapter) NewBulkImport() provider.BulkImport { return &bulkImport{adapter: a} }

func (b *bulkImport) Limits() provider.GroupLimits {
	return provider.GroupLimits{Items: importMost, Bytes: importURL}
}

func (b *bulkImport) Row(_ context.Context, change provider.ContactChange) (provider.BulkRow, error) {
	lists := make([]string, 0, len(change.Lists))
	for i, l := range change.Lists {
		id, err := listID(fmt.Sprintf("lists[%d]", i), l)
		if err != nil {
			return provider.BulkRow{}, err
		}
		lists = append(lists, strconv.FormatInt(id, 10))
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
	key := importKey(slices.Compact(lists), names)
	if key != b.lastKey {
		b.lastKey = key
	}
	return provider.BulkRow{Key: b.lastKey, Bytes: size, Data: &importRow{cells, notes}}, nil
}

// importKey holds the lists and the names of the fields, each with its length in
// front, so that no two sets of names make the same key.
func importKey(lists, names []string) string {
	var key strings.Builder
	key.WriteString(strings.Join(lists, ","))
	for _, name := range names {
		fmt.Fprintf(&key, " %d:%s", len(name), name)
	}
	return key.String()
}

// readKey reads what importKey wrote.
func readKey(key string) (lists []int64, names []string) {
	head, rest, _ := strings.Cut(key, " ")
	for text := range strings.SplitSeq(head, ",") {
		id, _ := strconv.ParseInt(text, 10, 64)
		lists = append(lists, id)
	}
	for rest != "" {
		length, after, _ := strings.Cut(rest, ":")
		n, _ := strconv.Atoi(length)
		names, rest = append(names, after[:n]), strings.TrimPrefix(after[n:], " ")
	}
	return lists, names
}

// storing is a row in Store.
type storing struct {
	*importRow
	r    *provider.ContactReceipt
	done int // lists that have it
	err  error
}

// Store imports the rows into each list. When a later list fails, the earlier ones
// have stored them, and the errors say so.
func (b *bulkImport) Store(ctx context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	lists, names := readKey(rows[0].Key)
	all := make([]*storing, len(rows))
	for i, row := range rows {
		data := row.Data.(*importRow)
		r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: append(slices.Clip(data.notes), mayLift)}
		all[i] = &storing{importRow: data, r: r}
	}
	for i, list := range lists {
		open := slices.DeleteFunc(slices.Clone(all), func(s *storing) bool { return s.err != nil })
		if err := b.importTo(ctx, list, names, open); i == 0 && waits(err) {
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
// rows; each has it too.
func (b *bulkImport) importTo(ctx context.Context, list int64, names []string, rows []*storing) error {
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
	if len(rows) > 1 && (splits(err) || err == nil && (result.Invalid > 0 || len(result.Log) > 0)) {
		b.halves(ctx, list, names, rows, err == nil)
		return nil
	}
	state := provider.ContactStored
	switch {
	case err == nil && len(rows) == 1:
		state, err = storedState(result)
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
func (b *bulkImport) halves(ctx context.Context, list int64, names []string, rows []*storing, again bool) {
	half := len(rows) / 2
	for _, part := range [][]*storing{rows[:half], rows[half:]} {
		_ = b.importTo(ctx, list, names, part)
		for _, s := range part {
			if again && s.err == nil {
				s.r.State = provider.ContactStored
			}
		}
	}
}

// settle notes what became of the row on one list.
func (s *storing) settle(list int64, state provider.ContactState, err error) {
	switch {
	case taken(err):
		state = provider.ContactStored
		s.r.Notes = append(s.r.Notes, provider.Note{Field: "lists", Action: provider.NoteWarning, Why: fmt.Sprintf("stored on list %d, but the answer could not be read", list)})
	case err != nil:
		s.err = partly(err, s.done)
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

// waits reports whether a limit kept the call back.
func waits(err error) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Kind == provider.ErrRateLimited && e.Outcome == provider.OutcomeNotSent
}
