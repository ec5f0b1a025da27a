package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
)

const (
	// importRows and importBytes are the most of one job. The bytes are those in
	// memory, of which the wire's are a part: a million rows stay below 64 MB, and
	// a job below the 8 MB that the vendor advises.
	importRows  = 10_000
	importBytes = 7_900_000
	// rowCost is what a row costs in memory beside its JSON: its place in the
	// import, its receipt, its result, and what the collector has not freed yet.
	rowCost = 600
	// fewRows are too few for a job. A job uses up calls of a class that allows
	// 100 an hour, an upsert two calls of one that allows 10 a second; besides, an
	// upsert tells what became of its contact.
	fewRows = 50
	// limitWait is how long an upsert waits for a limit of the vendor.
	limitWait = 5 * time.Minute
)

// bulkImport stores rows by the vendor's import jobs. Whether a job lifts an
// unsubscription or a block is not documented, so the contacts of whom either is
// known go by UpsertContact's way, which looks at them first.
type bulkImport struct {
	*adapter
	consent consent
	pace    atomic.Int64 // how long the last job took, in nanoseconds
	// Row alone uses these, and one goroutine calls it.
	lastKey string              // so that rows share it
	blocked map[uint64]struct{} // whom the import itself has blocked: consent may be older
}

// importRow is a contact as a job and an upsert take it.
type importRow struct {
	wire string
	json fastpath.Written // of a contactRow
}

type contactRow struct {
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func (a *adapter) NewBulkImport() provider.BulkImport {
	return &bulkImport{adapter: a, blocked: make(map[uint64]struct{})}
}

func (b *bulkImport) Limits() provider.GroupLimits {
	return provider.GroupLimits{Items: importRows, Bytes: importBytes}
}

// Row leaves alone what a job cannot do: it needs a list, it is not documented
// to take an external id, it blocks all of its contacts or none, and it clears
// the same way. Nor may it have a contact whom an earlier row has blocked.
func (b *bulkImport) Row(ctx context.Context, change provider.ContactChange) (provider.BulkRow, error) {
	alone := provider.BulkRow{Alone: true}
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return alone, err
	}
	if change.Status.Terminal() {
		b.blocked[addressSum(ownSeed, wire, anyList)] = struct{}{}
		return alone, nil
	}
	if len(change.Lists) == 0 || !change.ExternalID.IsZero() {
		return alone, nil
	}
	if len(b.blocked) > 0 {
		if _, ok := b.blocked[addressSum(ownSeed, wire, anyList)]; ok {
			return alone, nil
		}
	}
	lists, err := sendinblue.IDs(change.Lists)
	if err != nil {
		return alone, err
	}
	attrs, err := b.attrs.Convert(ctx, change)
	switch {
	case errors.Is(err, provider.ErrInvalid):
		return alone, err
	case err != nil:
		return alone, nil //nolint:nilerr // not about the row: its upsert meets it too, and that ends the import
	case clears(attrs) || !plainPhone(attrs[sendinblue.Phone]):
		return alone, nil
	}
	data, err := fastpath.AppendJSON(make([]byte, 0, 32+len(wire)+40*len(attrs)), &contactRow{wire, attrs})
	if err != nil {
		return alone, provider.Invalid("fields", "%s", err.Error())
	}
	return provider.BulkRow{Key: b.key(lists, attrs), Bytes: len(data) + rowCost, Data: &importRow{wire, data}}, nil
}

// clears reports whether a value is empty: a job takes such a one for "leave as it is".
func clears(attrs map[string]any) bool {
	for _, v := range attrs {
		switch v := v.(type) {
		case string:
			if v == "" {
				return true
			}
		case bool, float64, int, int64, json.Number:
		default:
			if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.Len() == 0 {
				return true
			}
		}
	}
	return false
}

// plainPhone reports whether v is absent or has one of the documented forms: 6
// to 15 digits that begin with no zero, after + or 00. An upsert refuses others;
// what a job does with them is not documented.
func plainPhone(v any) bool {
	text, ok := v.(string)
	if !ok {
		return true
	}
	digits, plus := strings.CutPrefix(text, "+")
	if !plus {
		digits = strings.TrimPrefix(text, "00")
	}
	return len(digits) >= 6 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// key is the lists of the row. Rows with a phone number are apart: a number that
// another contact has leaves the outcome of its whole job open.
func (b *bulkImport) key(lists []int64, attrs map[string]any) string {
	slices.Sort(lists)
	key := make([]byte, 0, 24)
	for _, id := range slices.Compact(lists) {
		key = append(strconv.AppendInt(key, id, 10), ' ')
	}
	if _, ok := attrs[sendinblue.Phone]; ok {
		key = append(key, '+')
	}
	if b.lastKey != string(key) {
		b.lastKey = string(key)
	}
	return b.lastKey
}

// listsOf reads the lists of a key.
func listsOf(key string) []int64 {
	var lists []int64
	for _, text := range strings.Fields(strings.TrimSuffix(key, "+")) {
		id, _ := strconv.ParseInt(text, 10, 64)
		lists = append(lists, id)
	}
	return lists
}

// Store starts a job for the rows that a job may have, upserts the others while
// the vendor works, and follows the job to its end. When a limit keeps the job
// back nothing is stored, and the import waits.
func (b *bulkImport) Store(ctx context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	s := &storing{bulkImport: b, lists: listsOf(rows[0].Key), rows: rows, results: make([]provider.ImportResult, len(rows))}
	known, err := b.known(ctx, len(rows))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if known == nil || known.out(s.row(i).wire, s.lists) {
			s.single = append(s.single, i)
		} else {
			s.job = append(s.job, i)
		}
	}
	if len(s.job) < fewRows {
		s.single, s.job = append(s.single, s.job...), nil
		slices.Sort(s.single)
	}
	follow, err := s.start(ctx)
	if waits(err) {
		return nil, err
	}
	s.upserts(ctx)
	follow()
	return s.results, nil
}

// storing are the rows of one Store on their way.
type storing struct {
	*bulkImport
	lists       []int64
	rows        []provider.BulkRow
	results     []provider.ImportResult
	job, single []int // indexes of rows
}

func (s *storing) row(i int) *importRow { return s.rows[i].Data.(*importRow) }

// upserts stores rows one by one. An error that each further row would meet
// leaves those untried.
func (s *storing) upserts(ctx context.Context) {
	var stop error
	for _, i := range s.single {
		if stop != nil {
			s.results[i].Err = &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Message: "not tried after an error before: " + stop.Error()}
			continue
		}
		r, err := s.upsert(ctx, s.row(i))
		for waited := time.Duration(0); waits(err); r, err = s.upsert(ctx, s.row(i)) {
			var e *provider.Error
			_ = errors.As(err, &e)
			waited += e.RetryAfter
			if e.RetryAfter <= 0 || waited > limitWait || pause(ctx, e.RetryAfter) != nil {
				break
			}
		}
		s.results[i] = provider.ImportResult{Receipt: r, Err: err}
		if err != nil && !aboutRow(err) {
			stop = err
		}
	}
}

// upsert does what UpsertContact does.
func (s *storing) upsert(ctx context.Context, row *importRow) (*provider.ContactReceipt, error) {
	var held contactRow
	dec := json.NewDecoder(bytes.NewReader(row.json))
	dec.UseNumber() // long ones lose digits as floats
	if err := dec.Decode(&held); err != nil {
		return nil, provider.Invalid("fields", "%s", err.Error())
	}
	lists, notes, err := s.addable(ctx, row.wire, slices.Clone(s.lists))
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}
	return r, s.store(ctx, brevoapi.CreateContactRequest{Email: &row.wire, Attributes: held.Attributes, ListIDs: lists, UpdateEnabled: new(true)}, r)
}

// aboutRow reports whether the next row need not meet the same error.
func aboutRow(err error) bool {
	var e *provider.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case provider.ErrInvalid, provider.ErrConflict, provider.ErrNotFound, provider.ErrOutcomeUnknown, provider.ErrBadResponse, provider.ErrDryRun:
		return true
	}
	return false
}

// waits reports whether a limit kept the call back.
func waits(err error) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Kind == provider.ErrRateLimited && e.Outcome == provider.OutcomeNotSent
}

// unknown is the error of rows of which nobody knows whether they were stored.
func unknown(err error, message string) *provider.Error {
	e := &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Message: message, Err: err}
	var cause *provider.Error
	if errors.As(err, &cause) {
		e.Status, e.Code, e.RequestID = cause.Status, cause.Code, cause.RequestID
	}
	return e
}
