package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// ImportReport counts what an import did. Rows is the sum of the others.
type ImportReport struct {
	Rows    int `json:"rows"`
	Created int `json:"created"`
	Updated int `json:"updated"`
	Stored  int `json:"stored"` // the provider does not tell whether created or updated
	Refused int `json:"refused"`
	Unknown int `json:"unknown"` // no usable answer: the row may have been stored
	// NotTried counts rows that were read when it turned out that going on is of
	// no use, or when the context ended.
	NotTried int `json:"not_tried"`
}

// ImportRow is the result of one row.
type ImportRow struct {
	Index   int // from 0
	Email   string
	Receipt *ContactReceipt
	Err     error
}

// BulkImporter is implemented by an adapter whose provider stores many contacts
// in one call, or in a job.
type BulkImporter interface {
	// NewBulkImport begins an import. It makes no request.
	NewBulkImport() BulkImport
}

// BulkImport is one import under way. Row is called by one goroutine, Store by
// several.
type BulkImport interface {
	// Limits are the most that one Store takes. Addresses and Each have no
	// meaning there.
	Limits() GroupLimits
	// Row converts a change that was checked. It may ask the provider for what
	// all rows need, its fields for example. An error is about this row, unless
	// every further one would meet it too.
	Row(ctx context.Context, change ContactChange) (BulkRow, error)
	// Store stores rows with the same key and returns what became of each, in
	// their order. An error beside no results holds for all of them. Unlike
	// UpsertContact it need not say whether a contact is new, but it keeps its
	// promise that no unsubscription is undone.
	Store(ctx context.Context, rows []BulkRow) ([]ContactResult, error)
}

// BulkRow is a contact in the form in which a BulkImport stores it.
type BulkRow struct {
	Key   string // rows with the same key may share a call
	Alone bool   // the row cannot be stored in bulk: UpsertContact does it
	Bytes int    // its size in memory and on the wire, about
	Data  any    // the adapter's own
}

// ContactResult is what became of one contact of several.
type ContactResult struct {
	Receipt *ContactReceipt
	Err     error
}

// ImportContacts stores the contacts of rows by the cheapest way the provider has
// that keeps the rules of UpsertContact: it adds and sets, and undoes no
// unsubscription. Where the provider has no such way each row is an upsert,
// several at a time (the account's setting concurrency). It reads rows as it
// goes, a bounded number ahead, so an import may be of any length. Rows with the
// same address are stored one after the other.
//
// each, if not nil, is called with the result of every row in order, on the
// caller's goroutine.
//
// A refused row does not stop the import. It stops when rows yields an error,
// when the context ends, and at an error that every further row would meet (a
// bad key, no such feature, no connection, several unknown outcomes in a row);
// the error is returned and the report counts what was read until then. While a
// limit of the provider is used up and it tells for how long, the import waits,
// for up to five minutes. An import may be run again: rows that are stored
// already stay as they are.
func (c *Client) ImportContacts(ctx context.Context, rows iter.Seq2[ContactChange, error], each func(ImportRow)) (ImportReport, error) {
	var report ImportReport
	if err := ctx.Err(); err != nil {
		return report, err
	}
	start := time.Now()
	err := asError(c.supports(featureContactImport), c.provider, c.account, "contacts.import")
	if err == nil {
		err = c.importContacts(ctx, rows, func(row ImportRow) bool {
			report.count(row)
			if each != nil {
				each(row)
			}
			return true
		})
	}
	c.observe(ctx, ResultEvent{Op: "contacts.import", Err: err, Took: time.Since(start)})
	return report, err
}

// importContacts is an import as a flow of its rows.
func (c *Client) importContacts(ctx context.Context, rows iter.Seq2[ContactChange, error], yield func(ImportRow) bool) error {
	i := &importing{Client: c}
	f := flow[*importItem, ImportRow]{
		calls: c.calls, identity: (*importItem).identity, place: i.place, call: i.call, skipped: i.skipped,
		ends: func(rows []ImportRow) error {
			return i.unknown.ends(len(rows), func(k int) error { return rows[k].Err })
		},
	}
	if a, ok := c.adapter.(BulkImporter); ok {
		i.bulk = a.NewBulkImport()
		f.limits = i.bulk.Limits()
	}
	return f.run(ctx, indexedRows(rows), yield)
}

// importing is an import under way.
type importing struct {
	*Client
	bulk    BulkImport // nil: an upsert for each row
	unknown streak
}

// importItem is a row on its way through an import.
type importItem struct {
	index  int
	email  string
	change *ContactChange // nil once row holds it
	row    BulkRow
}

func (i *importItem) identity() string { return strings.ToLower(i.email) }

func indexedRows(rows iter.Seq2[ContactChange, error]) iter.Seq2[*importItem, error] {
	return func(yield func(*importItem, error) bool) {
		index := 0
		for change, err := range rows {
			if !yield(&importItem{index: index, email: change.Email, change: &change}, err) {
				return
			}
			index++
		}
	}
}

// place checks and converts a row that may be stored with others.
func (i *importing) place(ctx context.Context, item *importItem) (m member, _ ImportRow, settled bool) {
	m = member{alone: true, held: 256 + sizeOf(item.change.Fields)}
	if i.bulk == nil {
		return m, ImportRow{}, false
	}
	change, err := i.prepareChange(*item.change)
	if err == nil {
		item.row, err = i.bulk.Row(ctx, change)
	}
	if err != nil {
		return m, i.result(item, nil, err), true
	}
	if !item.row.Alone {
		item.change = nil
		m = member{key: item.row.Key, bytes: item.row.Bytes, held: item.row.Bytes}
	}
	return m, ImportRow{}, false
}

// call stores the rows of one call.
func (i *importing) call(ctx context.Context, items []*importItem) []ImportRow {
	if item := items[0]; item.change != nil {
		row := ImportRow{Index: item.index, Email: item.email}
		_ = patiently(ctx, func() error {
			row.Receipt, row.Err = i.UpsertContact(ctx, *item.change)
			return row.Err
		})
		row.Err = i.untried("contacts.import", row.Err)
		return []ImportRow{row}
	}
	rows := make([]BulkRow, len(items))
	for k, item := range items {
		rows[k] = item.row
	}
	var results []ContactResult
	err := patiently(ctx, func() (err error) {
		results, err = i.bulk.Store(ctx, rows)
		return asError(err, i.provider, i.account, "contacts.import")
	})
	if err == nil && len(results) != len(items) {
		err = &Error{Kind: ErrInternal, Outcome: MaybeSent, Message: fmt.Sprintf("%d results for %d rows", len(results), len(items))}
	}
	out := make([]ImportRow, len(items))
	for k, item := range items {
		one := ContactResult{Err: err}
		if k < len(results) {
			one = results[k]
		}
		out[k] = i.result(item, one.Receipt, one.Err)
	}
	return out
}

func (i *importing) result(item *importItem, r *ContactReceipt, err error) ImportRow {
	r, err = i.contactReceipt(r, item.email, asError(err, i.provider, i.account, "contacts.import"))
	return ImportRow{Index: item.index, Email: item.email, Receipt: r, Err: i.untried("contacts.import", err)}
}

func (i *importing) skipped(item *importItem, why error) ImportRow {
	return ImportRow{Index: item.index, Email: item.email, Err: notTried(i.Client, "contacts.import", why)}
}

func (r *ImportReport) count(row ImportRow) {
	r.Rows++
	var e *Error
	switch {
	case row.Err != nil && errors.As(row.Err, &e) && e.Outcome == MaybeSent:
		r.Unknown++
	case row.Err != nil && errors.As(row.Err, &e) && e.Kind == ErrCanceled:
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
