package provider

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"

	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/mailaddr"
)

// ImportReport counts what an import did. Rows is the sum of the others.
type ImportReport struct {
	Rows    int `json:"rows"`
	Created int `json:"created"`
	Updated int `json:"updated"`
	Stored  int `json:"stored"` // created or updated; the provider does not report which
	Refused int `json:"refused"`
	Unknown int `json:"unknown"` // no usable response: the row may have been stored
	// NotTried counts rows that were read and not stored, because the import or the
	// context ended.
	NotTried int `json:"not_tried"`
}

// ImportContacts stores the contacts of rows with the fewest requests that keep the
// rules of UpsertContact: it adds and sets, and undoes no unsubscription. Where the
// provider has no such bulk requests, each row is an upsert, several at a time (the
// account's setting concurrency). ImportContacts reads a bounded number of rows ahead,
// so an import may have any length. Rows with the same address, phone or external id are
// stored one after the other. A person who must not be put on a list is refused as by
// UpsertContact.
//
// each, if not nil, is called with the result of every row in order, on the
// caller's goroutine. When it returns an error, no new request begins, the results
// of the rows already read are still delivered, and ImportContacts returns that
// error.
//
// A refused row does not stop the import. It stops when rows yields an error, when
// the context ends, and at an error that every further row would cause (a bad key,
// no such feature, no connection, several unknown outcomes in a row); the error is
// returned and the report counts the rows that were read until then. When a limit
// of the provider is used up, the import waits, for up to five minutes: as long as
// the response states, or by waits that grow. An import may be run again: rows that
// are stored already do not change.
func (c *Client) ImportContacts(
	ctx context.Context, rows iter.Seq2[ContactChange, error], each func(ImportResult) error,
) (ImportReport, error) {
	var report ImportReport
	ctx, start, err := c.begin(ctx, opContactImport)
	if err == nil {
		err = c.supports(featureContactImport)
	}
	if err == nil {
		err = c.importContacts(ctx, rows, func(row ImportResult) error {
			report.count(row)
			if each == nil {
				return nil
			}
			return each(row)
		})
	}
	if err != nil && (errorOf(err) != nil || isContextError(err)) {
		err = asError(err, c.provider, c.account, opContactImport)
	}
	c.end(ctx, opContactImport, start, nil, err)
	return report, err
}

// importContacts runs an import as a flow of rows.
func (c *Client) importContacts(
	ctx context.Context, rows iter.Seq2[ContactChange, error], deliver func(ImportResult) error,
) error {
	i := &importing{Client: c, seed: maphash.MakeSeed(), stopped: make(map[uint64]struct{})}
	f := flow.Flow[*importItem, ImportResult]{
		Calls: c.calls, Place: i.place, Call: i.call, Skipped: i.skipped,
		Ends: func(rows []ImportResult) error {
			return i.unknown.ends(len(rows), func(k int) error { return rows[k].Err })
		},
	}
	if a, ok := c.adapter.(bulkImporter); ok {
		i.bulk = a.NewBulkImport()
		f.Limits = flow.Limits(i.bulk.Limits())
	}
	return f.Run(ctx, indexed(rows, newImportItem), deliver)
}

// importing is a running import.
type importing struct {
	*Client
	bulk    BulkImport // nil: an upsert for each row
	unknown unknownStreak
	seed    maphash.Seed
	// stopped are the addresses from which a row has taken mail. What a bulk import
	// knows of them may be older, so their later rows are upserts, which look.
	stopped map[uint64]struct{}
}

// sum is an eighth of a name in memory, or less. Two names with one sum are taken for
// one, which costs a wait or an upsert and does no harm.
func (i *importing) sum(kind byte, name string) uint64 {
	var h maphash.Hash
	h.SetSeed(i.seed)
	_ = h.WriteByte(kind)
	_, _ = h.WriteString(name)
	return max(h.Sum64(), 1)
}

// importItem is a row of an import and its state.
type importItem struct {
	index  int
	email  string
	change *ContactChange // nil once row holds it
	row    BulkRow
	notes  []Note // about what was converted; UpsertContact tells its own
}

func newImportItem(index int, change ContactChange) *importItem {
	return &importItem{index: index, email: change.Email, change: &change}
}

// place checks and converts a row that may be stored with others.
func (i *importing) place(
	ctx context.Context, item *importItem,
) (t flow.Traits, _ ImportResult, done bool) {
	t = flow.Traits{Alone: true, Held: 256 + size(changeFields, item.change)}
	address := i.sum('@', mailaddr.Key(item.email))
	t.Names[0] = address
	if i.bulk == nil {
		return t, ImportResult{}, false
	}
	_, again := i.stopped[address]
	stops := item.change.stops()
	if stops {
		i.stopped[address] = struct{}{}
	}
	change, converted, err := i.prepareChange(*item.change)
	if err == nil {
		item.row, err = i.bulk.Row(ctx, change)
	}
	for k, name := range item.row.Identity {
		t.Names[min(k+1, len(t.Names)-1)] = i.sum(byte(k), name)
	}
	item.row.Identity = nil
	switch {
	case stops: // also when a part of it is wrong: the stop is not
	case err != nil:
		return t, i.result(item, nil, err), true
	case !item.row.Alone && !again:
		item.change = nil
		item.notes = append(converted, item.row.Notes...)
		t.Alone, t.Key, t.Bytes, t.Held = false, item.row.Key, item.row.Bytes, item.row.Bytes
	}
	return t, ImportResult{}, false
}

// call stores the rows of one request.
func (i *importing) call(
	ctx context.Context, items []*importItem, _ func() error,
) []ImportResult {
	if item := items[0]; item.change != nil {
		row := ImportResult{Index: item.index, Email: item.email}
		_ = patiently(ctx, func() error {
			row.Receipt, row.Err = i.UpsertContact(ctx, *item.change)
			return row.Err
		})
		return []ImportResult{row}
	}
	rows := make([]BulkRow, len(items))
	for k, item := range items {
		rows[k] = item.row
	}
	var results []ImportResult
	err := patiently(ctx, func() (err error) {
		results, err = i.bulk.Store(ctx, rows)
		return asError(err, i.provider, i.account, opContactImport)
	})
	if err == nil && len(results) != len(items) {
		err = &Error{
			Kind: ErrInternal, Outcome: OutcomeMaybeSent,
			Message: fmt.Sprintf("%d results for %d rows", len(results), len(items)),
		}
	}
	out := make([]ImportResult, len(items))
	for k, item := range items {
		one := ImportResult{Err: err}
		if k < len(results) {
			one = results[k]
		}
		out[k] = i.result(item, one.Receipt, one.Err)
	}
	return out
}

func (i *importing) result(item *importItem, r *ContactReceipt, err error) ImportResult {
	r, err = i.contactReceipt(r, item.email, asError(err, i.provider, i.account, opContactImport))
	if r != nil && len(item.notes) > 0 {
		r.Notes = append(item.notes, r.Notes...)
	}
	return ImportResult{Index: item.index, Email: item.email, Receipt: r, Err: err}
}

func (i *importing) skipped(item *importItem, why error) ImportResult {
	return ImportResult{
		Index: item.index, Email: item.email, Err: notTried(i.Client, opContactImport, why),
	}
}

func (r *ImportReport) count(row ImportResult) {
	r.Rows++
	e := errorOf(row.Err)
	switch {
	case e != nil && e.Outcome == OutcomeMaybeSent:
		r.Unknown++
	case e != nil && e.Kind == ErrCanceled:
		r.NotTried++
	case row.Err != nil:
		r.Refused++
	case row.Receipt == nil || row.Receipt.State == ContactUnknown || row.Receipt.State == "":
		r.Unknown++
	case row.Receipt.State == ContactCreated:
		r.Created++
	case row.Receipt.State == ContactUpdated:
		r.Updated++
	default:
		r.Stored++
	}
}
