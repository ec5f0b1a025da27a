package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

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
	// rowCost is what a row costs in memory beside its values, which take about as
	// much as their JSON: its place in the import, its receipt, its result, and what
	// the collector has not freed yet.
	rowCost = 600
	// fewRows are too few for a job. A job uses up calls of a class that allows
	// 100 an hour, an upsert two calls of one that allows 10 a second; besides, an
	// upsert tells what became of its contact.
	fewRows = 50
)

// bulkImport stores rows by the vendor's import jobs. Whether a job lifts an
// unsubscription or a block is not documented, so the contacts of whom either is
// known go by UpsertContact's way, which looks at them first; so do those with an
// identifier of another contact. Who leaves while a job runs is taken off again.
type bulkImport struct {
	*adapter
	consent consent
	pace    atomic.Int64 // how long the last job took, in nanoseconds
	// Row alone uses these, and one goroutine calls it.
	lists adapterkit.Shared[[]int64]
	names []string // of the row that is made
	text  []byte
	ends  []uint32
	// people are whom the identifiers of the file and of the account belong to.
	people adapterkit.People
}

// importRow is a contact as a job and an upsert take it. What it sets stands in text, a
// name and the JSON of its value in turn, of which ends are the ends: a million rows
// without pointers cost the collector nothing, and nothing of them is the caller's.
type importRow struct {
	wire  string
	lists *[]int64 // in order, each once
	text  []byte
	ends  []uint32
}

// newRow makes a row of what a contact sets.
func (b *bulkImport) newRow(wire string, lists *[]int64, attrs map[string]any) (*importRow, error) {
	b.names = slices.AppendSeq(b.names[:0], maps.Keys(attrs))
	slices.Sort(b.names)
	b.text, b.ends = b.text[:0], b.ends[:0]
	for _, name := range b.names {
		b.text = append(b.text, name...)
		b.ends = append(b.ends, uint32(len(b.text)))
		var err error
		if b.text, err = fastpath.AppendJSON(b.text, attrs[name]); err != nil {
			return nil, provider.Invalid("fields."+name, "%s", err.Error())
		}
		b.ends = append(b.ends, uint32(len(b.text)))
	}
	return &importRow{wire, lists, bytes.Clone(b.text), slices.Clone(b.ends)}, nil
}

// values are the names of what the row sets, with the JSON of the value of each.
func (r *importRow) values() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		start := uint32(0)
		for i := 0; i+1 < len(r.ends); i += 2 {
			name, end := r.ends[i], r.ends[i+1]
			if !yield(string(r.text[start:name]), r.text[name:end:end]) {
				return
			}
			start = end
		}
	}
}

// size is about the length of the JSON of the row.
func (r *importRow) size() int {
	return len(r.wire) + len(`{"email":"","attributes":{}},`) + len(r.text) + len(`"":,`)*len(r.ends)/2
}

// AppendJSON makes the row a fastpath.Appender.
func (r *importRow) AppendJSON(dst []byte) ([]byte, error) {
	dst = fastpath.AppendText(append(dst, `{"email":`...), r.wire)
	before := `,"attributes":{`
	for name, value := range r.values() {
		dst = append(append(fastpath.AppendText(append(dst, before...), name), ':'), value...)
		before = ","
	}
	if len(r.ends) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}'), nil
}

// MarshalJSON is for encoding/json.
func (r *importRow) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// attributes are the values for an upsert.
func (r *importRow) attributes() map[string]any {
	out := make(map[string]any, len(r.ends)/2)
	for name, value := range r.values() {
		out[name] = value
	}
	return out
}

func (a *adapter) NewBulkImport() provider.BulkImport { return &bulkImport{adapter: a} }

func (b *bulkImport) Limits() provider.GroupLimits {
	return provider.GroupLimits{Items: importRows, Bytes: importBytes}
}

// Row leaves alone what a job cannot do: it needs a list, it is not documented
// to take an external id, it blocks all of its contacts or none, and it clears
// the same way. Nor may it have an identifier that an earlier row has for another
// address: the vendor would make one contact of the two, or leave its whole job open.
func (b *bulkImport) Row(ctx context.Context, change provider.ContactChange) (provider.BulkRow, error) {
	alone := provider.BulkRow{Alone: true}
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return alone, err
	}
	if id := change.ExternalID.Value(); id != "" {
		alone.Identity = append(alone.Identity, named("EXT_ID", id))
		b.people.Add(named("EXT_ID", id), wire)
	}
	joins, stops := adapterkit.Joins(change)
	lists, err := adapterkit.Numbers(joins)
	if err != nil {
		return alone, err
	}
	attrs, converted, err := b.Attributes.Convert(ctx, change)
	switch {
	case errors.Is(err, provider.ErrInvalid):
		return alone, err
	case err != nil:
		return alone, nil //nolint:nilerr // not about the row: its upsert meets it too, and that ends the import
	}
	shared := false
	for _, own := range identities {
		if id := identifier(own.attribute, attrs[own.attribute]); id != "" {
			alone.Identity = append(alone.Identity, named(own.attribute, id))
			shared = b.people.Another(named(own.attribute, id), wire) || shared
			b.people.Add(named(own.attribute, id), wire)
		}
	}
	if shared || len(stops)+len(change.Suppressed) > 0 || change.Status.Terminal() || len(lists) == 0 ||
		!change.ExternalID.IsZero() || clears(attrs) || !plainPhone(attrs[sendinblue.Phone]) {
		return alone, nil
	}
	slices.Sort(lists)
	// Rows with a phone number are apart: a number that another contact has leaves
	// the outcome of its whole job open.
	key, of := b.lists.Of(listsKey(lists, len(alone.Identity) > 0), lists)
	row, err := b.newRow(wire, of, attrs)
	if err != nil {
		return alone, err
	}
	return provider.BulkRow{Key: key, Bytes: row.size() + rowCost, Identity: alone.Identity, Data: row, Notes: converted}, nil
}

// named is an identifier with its kind.
func named(attribute, id string) string { return attribute + " " + id }

// another reports whether the row has an identifier of another contact of the account.
func (b *bulkImport) another(row *importRow) bool {
	for name, value := range row.values() {
		if id := identifierIn(name, value); id != "" && b.people.Another(named(name, id), row.wire) {
			return true
		}
	}
	return false
}

// identifierIn is the identifier that an attribute of the name holds, empty for none.
func identifierIn(name string, value json.RawMessage) string {
	for i := range identities {
		if identities[i].attribute == name {
			return identifier(name, value)
		}
	}
	return ""
}

// listsKey tells rows apart that may not share a job.
func listsKey(lists []int64, phone bool) string {
	var room [64]byte
	key := strconv.AppendBool(room[:0], phone)
	for _, id := range lists {
		key = strconv.AppendInt(append(key, ' '), id, 10)
	}
	return string(key)
}

// clears reports whether a value is empty: a job takes such a one for "leave as it is".
// False is one too: a public report (sendinblue/APIv3-python-library#95) has a job leave
// true where the row says false.
func clears(attrs map[string]any) bool {
	for _, v := range attrs {
		switch v := v.(type) {
		case string:
			if v == "" {
				return true
			}
		case bool:
			if !v {
				return true
			}
		case float64, int, int64, json.Number:
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

// Store starts a job for the rows that a job may have, upserts the others while
// the vendor works, and follows the job to its end. When a limit keeps the job
// back nothing is stored, and the import waits.
func (b *bulkImport) Store(ctx context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	s := &storing{bulkImport: b, lists: *rows[0].Data.(*importRow).lists, rows: rows, results: make([]provider.ImportResult, len(rows))}
	if len(rows) < fewRows {
		for i := range rows {
			s.single = append(s.single, i)
		}
		s.upserts(ctx)
		return s.results, nil
	}
	// Jobs run one after the other: the vendor's help says that jobs beside each other may
	// get stuck, and what a job must know of the contacts is read just before it. Jobs of
	// other programs are not seen.
	select {
	case b.job <- struct{}{}:
		defer func() { <-b.job }()
	case <-ctx.Done():
		return nil, &provider.Error{
			Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Err: ctx.Err(),
			Message: "not tried: an import job before it has not ended",
		}
	}
	known, err := b.known(ctx, len(rows))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if row := s.row(i); !known || b.consent.out(row.wire, s.lists) || b.another(row) {
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
	if adapterkit.Limited(err) {
		return nil, err
	}
	var work sync.WaitGroup
	work.Go(func() { s.upserts(ctx) })
	follow()
	work.Wait()
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
		err := adapterkit.Patiently(ctx, func() (err error) {
			s.results[i].Receipt, err = s.upsert(ctx, s.row(i))
			return err
		})
		if s.results[i].Err = err; err != nil && !adapterkit.AboutItem(err) {
			stop = err
		}
	}
}

// upsert does what UpsertContact does.
func (s *storing) upsert(ctx context.Context, row *importRow) (*provider.ContactReceipt, error) {
	return s.Change(ctx, sendinblue.ContactBody{Email: row.wire, Attributes: row.attributes(), Lists: s.lists}, nil, nil)
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
