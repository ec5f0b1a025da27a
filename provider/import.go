package provider

import (
	"context"
	"errors"
	"iter"
)

// ImportReport counts what an import did. Rows is the sum of the others.
type ImportReport struct {
	Rows    int `json:"rows"`
	Created int `json:"created"`
	Updated int `json:"updated"`
	Stored  int `json:"stored"` // the provider does not tell whether created or updated
	Refused int `json:"refused"`
	Unknown int `json:"unknown"` // no usable answer: the row may have been stored
}

// ImportRow is the result of one row.
type ImportRow struct {
	Index   int // from 0
	Email   string
	Receipt *ContactReceipt
	Err     error
}

// ImportContacts upserts the contacts of rows one by one, under the same rules
// as UpsertContact: it adds and sets, and undoes no unsubscription. each, if
// not nil, is called with the result of every row in order.
//
// A refused row does not stop the import. It stops when rows yields an error,
// when the context ends, and at an error that every further row would meet (a
// bad key, no such feature, no connection); the error is returned and the
// report counts what was done until then.
func (c *Client) ImportContacts(ctx context.Context, rows iter.Seq2[ContactChange, error], each func(ImportRow)) (ImportReport, error) {
	return run(ctx, c, "contacts.import", []Feature{FeatureContactImport}, func() (ImportReport, error) {
		var report ImportReport
		for change, err := range rows {
			if err != nil {
				return report, err
			}
			if err := ctx.Err(); err != nil {
				return report, err
			}
			row := ImportRow{Index: report.Rows, Email: change.Email}
			row.Receipt, row.Err = c.UpsertContact(ctx, change)
			report.count(row)
			if each != nil {
				each(row)
			}
			if fatal(row.Err) {
				return report, row.Err
			}
		}
		return report, nil
	})
}

func (r *ImportReport) count(row ImportRow) {
	r.Rows++
	var e *Error
	switch {
	case row.Err != nil && errors.As(row.Err, &e) && e.Outcome == MaybeSent:
		r.Unknown++
	case row.Err != nil:
		r.Refused++
	case row.Receipt != nil && row.Receipt.State == ContactCreated:
		r.Created++
	case row.Receipt != nil && row.Receipt.State == ContactUpdated:
		r.Updated++
	default:
		r.Stored++
	}
}

// fatal reports whether the next row would meet the same error.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	switch kindOf(err) {
	case ErrInvalid, ErrUnsupported, ErrConflict, ErrNotFound, ErrOutcomeUnknown, ErrBadResponse:
		return false
	}
	return true
}
