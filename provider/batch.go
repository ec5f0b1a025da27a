package provider

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/notes"
	"github.com/postmux/postmux/internal/text"
)

// BatchResult is the result of one message of a batch.
type BatchResult struct {
	Index int // of the message in the input, from 0
	// Receipt is non-nil whenever a request with the message may have left, also
	// together with an error.
	Receipt *Receipt
	Err     error
}

// BatchReport counts what a batch did. Messages is the sum of Accepted, Partly, Refused,
// Unknown and NotTried.
type BatchReport struct {
	Messages int `json:"messages"`
	Accepted int `json:"accepted"` // scheduled ones too
	// WithoutID counts those of Accepted for which the provider returned no id: only a
	// look into the account finds them again.
	WithoutID int `json:"without_id,omitempty"`
	Partly    int `json:"partly"`  // accepted for some recipients only
	Refused   int `json:"refused"` // provably not sent
	Unknown   int `json:"unknown"` // may have been sent
	// NotTried counts messages that were read and not sent, because the batch or
	// the context ended.
	NotTried int `json:"not_tried"`
}

// BatchOption changes how SendBatch works.
type BatchOption func(*batch)

// BeforeSending calls f right before each request, behind the wait for the account's
// limit, with the indexes of the messages that the request may send. A program that
// records them knows after a crash which messages may have been sent. An error of f
// ends the batch before that request: those messages are not tried. For a message
// that takes several requests f is called before the first one.
//
// waits, if not nil, is called when such messages wait again and nothing of them was sent:
// their request found no connection, or a limit of the provider kept it back. After a
// crash during that wait they are not in doubt. f is called again before the next request.
//
// Both are called on the goroutines of the requests: one call at a time, and never while
// the function of the results runs, but while messages are read.
func BeforeSending(f func(indexes []int) error, waits func(indexes []int)) BatchOption {
	return func(b *batch) { b.before, b.waits = f, waits }
}

// SendBatch sends messages in as few requests as the provider allows, several
// requests at a time (the account's setting concurrency), within its limits. Each
// message is checked and reported as by Send, and has a result of its own.
// SendBatch reads a bounded number of messages ahead, so a batch may have any
// length.
//
// each, if not nil, is called with the result of every message in order, on the
// caller's goroutine. When it returns an error, no new request begins, the results
// of the messages already read are still delivered, and SendBatch returns that
// error.
//
// Messages that agree on everything a request can state only once (sender,
// template, attachments, send time) share a request. A message with an
// IdempotencyKey does not: a provider's key is for a whole request. When a shared
// request is refused as invalid, nothing of it was sent, and each half is tried
// again, so that one bad message does not stop the others; after a number of tries
// the rest is reported as refused together. Messages that are refused before any
// request need no tries.
//
// The error is the reason for which the batch ended before its input: an error of
// messages or of each, the end of ctx, or one that every further message would
// cause (a bad key, no credit, an outage, several unknown outcomes in a row). The
// report counts the messages that were read until then. When a limit of the
// provider is used up, the batch waits, for up to five minutes: as long as the
// response states, or by waits that grow.
//
// When ctx is canceled, messages whose request was interrupted are unknown. To stop
// without unknown outcomes, end messages instead, or return an error from each. A
// message must not be changed before its result is delivered.
func (c *Client) SendBatch(
	ctx context.Context, messages iter.Seq2[*Message, error], each func(BatchResult) error,
	opts ...BatchOption,
) (BatchReport, error) {
	if c.caps.Level(featureBatch) == LevelEmulated && !c.allows(featureBatch) {
		return BatchReport{}, asError(c.unsupported(featureBatch), c.provider, c.account, opSend)
	}
	b := &batch{Client: c, began: time.Now()}
	for _, o := range opts {
		o(b)
	}
	f := flow.Flow[*batchItem, BatchResult]{
		Calls: c.calls, Place: b.place, Call: b.call, Skipped: b.skipped,
		Ends: func(results []BatchResult) error {
			if err := b.failed(); err != nil {
				return err
			}
			return b.unknown.ends(len(results), func(i int) error { return results[i].Err })
		},
	}
	if a, ok := c.adapter.(batcher); ok {
		b.native, f.Limits = a, flow.Limits(a.BatchLimits())
	}
	var report BatchReport
	err := f.Run(ctx, indexed(messages, newBatchItem), func(r BatchResult) error {
		report.count(r)
		if each == nil {
			return nil
		}
		b.turn.Lock()
		defer b.turn.Unlock()
		return each(r)
	})
	if isContextError(err) && errorOf(err) == nil {
		err = asError(err, c.provider, c.account, opSend)
	}
	return report, err
}

func (r *BatchReport) count(one BatchResult) {
	r.Messages++
	state := State("")
	if one.Receipt != nil {
		state = one.Receipt.State
	}
	switch e := errorOf(one.Err); {
	case e != nil && e.Kind == ErrCanceled && e.Outcome == OutcomeNotSent:
		r.NotTried++
	case state == StateUnknown || e != nil && e.Kind == ErrOutcomeUnknown:
		r.Unknown++
	case state == StatePartlyAccepted:
		r.Partly++
	case one.Err != nil || state == StateRefused:
		r.Refused++
	default:
		r.Accepted++
		if one.Receipt != nil && !one.Receipt.hasID() {
			r.WithoutID++
		}
	}
}

// batch is a running SendBatch.
type batch struct {
	*Client
	began   time.Time
	native  batcher // nil: one request each
	before  func([]int) error
	waits   func([]int) // nil when before is asked once only
	turn    sync.Mutex  // held while before, waits or the function of the results runs
	failure error       // of before; guarded by turn
	unknown unknownStreak
	last    Message // the message that was placed last
}

// batchItem is a message of a batch and its state.
type batchItem struct {
	index    int
	given    *Message
	prepared *Message // nil: Send prepares it
	notes    []Note
}

func newBatchItem(index int, m *Message) *batchItem { return &batchItem{index: index, given: m} }

// indexed numbers the values of a stream and makes an item of each.
func indexed[V, T any](values iter.Seq2[V, error], item func(int, V) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		index := 0
		for v, err := range values {
			if !yield(item(index, v), err) {
				return
			}
			index++
		}
	}
}

// place prepares a message that may share a request and returns its key. All others
// go through Send unchanged.
func (b *batch) place(
	_ context.Context, item *batchItem,
) (t flow.Traits, _ BatchResult, done bool) {
	if item.given == nil {
		err := asError(Invalid("", "expected a message"), b.provider, b.account, opSend)
		return t, BatchResult{Index: item.index, Err: err}, true
	}
	held := size(messageFields, item.given)
	held -= b.share(item)
	t = flow.Traits{Alone: true, Held: held, Addresses: item.given.addressees()}
	if b.native == nil || item.given.IdempotencyKey != "" {
		return t, BatchResult{}, false
	}
	prepared, notes, err := b.prepare(item.given, b.began)
	if err != nil {
		err = asError(err, b.provider, b.account, opSend)
		return t, BatchResult{Index: item.index, Err: err}, true
	}
	key, ok := b.native.BatchKey(prepared)
	if ok && len(prepared.Recipients) == 0 && b.mailsOf(prepared) == nil {
		item.prepared, item.notes = prepared, notes
		t.Key, t.Alone, t.Addresses = key, false, prepared.addressees()
		t.Texts, t.Variables = [3]string{
			prepared.Subject, prepared.HTML, prepared.Text,
		}, sizeOf(prepared.Variables)
		t.Bytes = t.Variables + t.Addresses*addressSize
		if b.native.BatchLimits().Distinct {
			t.Once = strings.ToLower(prepared.To[0].Email)
		}
	}
	return t, BatchResult{}, false
}

// share replaces the item's texts and files by those of the message before it where
// they are equal, to keep one copy in memory, and returns their bytes: a newsletter
// has the same text in every message, each with a copy of its own.
func (b *batch) share(item *batchItem) int {
	m := *item.given
	shared := 0
	for _, body := range []struct{ own, last *string }{{&m.HTML, &b.last.HTML}, {&m.Text, &b.last.Text}} {
		if *body.own == *body.last {
			*body.own = *body.last
			shared += len(*body.own)
		}
	}
	cloned := false
	for i, a := range m.Attachments[:min(len(m.Attachments), len(b.last.Attachments))] {
		if last := b.last.Attachments[i].Content; bytes.Equal(a.Content, last) {
			if !cloned {
				m.Attachments, cloned = slices.Clone(m.Attachments), true
			}
			m.Attachments[i].Content = last
			shared += len(last)
		}
	}
	item.given = &m
	b.last = Message{HTML: m.HTML, Text: m.Text, Attachments: m.Attachments}
	return shared
}

// begin tells the program that a request with items leaves now, unless the batch has
// ended while they waited for it.
func (b *batch) begin(items []*batchItem, ended func() error) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if b.failure != nil {
		return b.failure
	}
	if err := ended(); err != nil || b.before == nil {
		return err
	}
	b.failure = b.before(indexesOf(items))
	return b.failure
}

// again tells the program that items, which had begun, wait and nothing of them was sent.
func (b *batch) again(items []*batchItem) {
	b.turn.Lock()
	defer b.turn.Unlock()
	b.waits(indexesOf(items))
}

func indexesOf(items []*batchItem) []int {
	indexes := make([]int, len(items))
	for i, item := range items {
		indexes[i] = item.index
	}
	return indexes
}

// failed returns the error of before, which ends the batch.
func (b *batch) failed() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	return b.failure
}

// call sends the messages of one request.
func (b *batch) call(
	ctx context.Context, items []*batchItem, ended func() error,
) []BatchResult {
	c := &batchCall{batch: b, ended: ended, splits: 4 * (bits.Len(uint(len(items))) - 1)}
	return c.send(ctx, items)
}

// batchCall is a request of a batch, and those of its parts when it is refused.
type batchCall struct {
	*batch
	ended  func() error // why no further request begins
	splits int          // bounds the further requests
}

// send sends messages in one request. Those that were kept back because the batch has
// ended were not tried.
func (c *batchCall) send(ctx context.Context, items []*batchItem) []BatchResult {
	var kept error
	var waits func()
	if c.waits != nil {
		waits = func() { c.again(items) }
	}
	ctx = begun.With(ctx, func() error {
		kept = c.begin(items, c.ended)
		return kept
	}, waits)
	var out []BatchResult
	if len(items) == 1 {
		out = []BatchResult{c.one(ctx, items[0])}
	} else {
		out = c.together(ctx, items)
	}
	if kept == nil {
		return out
	}
	for i, item := range items {
		out[i] = c.skipped(item, kept)
	}
	return out
}

// one sends a message in a request of its own.
func (b *batch) one(ctx context.Context, item *batchItem) BatchResult {
	r := BatchResult{Index: item.index}
	_ = patiently(ctx, func() error {
		r.Receipt, r.Err = b.sendSince(ctx, item.given, b.began)
		return r.Err
	})
	return r
}

// together sends messages in one request. When the provider refuses its content,
// nothing was sent; then each half is tried by itself, to find the bad message.
func (b *batchCall) together(ctx context.Context, items []*batchItem) []BatchResult {
	messages := make([]*Message, len(items))
	for i, item := range items {
		// The time to send at may have passed while the message waited for others.
		passed, err := item.prepared.dropPastTime(b.began)
		if err == nil {
			item.notes = append(item.notes, passed...)
		}
		messages[i] = item.prepared
	}
	ctx, start, err := b.Client.begin(ctx, opSend)
	noticed := notes.Gather(ctx)
	var receipts []*Receipt
	if err == nil {
		err = b.begun(ctx)
	}
	if err == nil {
		err = patiently(ctx, func() (err error) {
			start = time.Now()
			receipts, err = b.native.SendBatch(noticed, messages)
			return asError(err, b.provider, b.account, opSend)
		})
	}
	if err == nil && len(receipts) != len(items) {
		err = &Error{
			Kind: ErrInternal, Outcome: OutcomeSent,
			Message: fmt.Sprintf("%d receipts for %d messages", len(receipts), len(items)),
		}
	}
	if refused(err) && b.splits > 0 || unwritable(err) {
		if refused(err) {
			b.splits -= 2
		}
		half := len(items) / 2
		return append(b.send(ctx, items[:half]), b.send(ctx, items[half:])...)
	}
	if refused(err) {
		c := *errorOf(err)
		c.Message = text.Because(
			fmt.Sprintf("refused in one call with %d others, any of which may be the reason", len(items)-1), c.message(),
		)
		err = &c
	}
	out := make([]BatchResult, len(items))
	for i, item := range items {
		r := BatchResult{Index: item.index}
		var known *Receipt
		if i < len(receipts) {
			known = receipts[i]
		}
		r.Receipt, r.Err = b.completed(item.prepared, known, err, start)
		if r.Receipt != nil {
			r.Receipt.Notes = append(r.Receipt.Notes, noticedBy(noticed, "message_id")...)
		}
		r.Receipt = b.withNotes(r.Receipt, item.notes, r.Err)
		b.end(ctx, opSend, start, r.Receipt, r.Err)
		out[i] = r
	}
	return out
}

// refused reports whether the provider, or a firewall before it, refused the content
// of a request, and did nothing of it.
func refused(err error) bool {
	e := errorOf(err)
	if e == nil || e.Outcome != OutcomeNotSent || e.Status == 0 {
		return false
	}
	return e.Kind == ErrInvalid || e.Kind == ErrConflict || e.Kind == ErrNotFound || foreign(e) && e.Status >= 400
}

// unwritable reports whether the content was refused before any request was made,
// so that trying halves costs no request either.
func unwritable(err error) bool {
	e := errorOf(err)
	return e != nil && e.Kind == ErrInvalid && e.Local()
}

func (b *batch) skipped(item *batchItem, why error) BatchResult {
	return BatchResult{Index: item.index, Err: notTried(b.Client, opSend, why)}
}

// unknownStreak counts consecutive requests whose outcome is unknown. It is safe
// for concurrent use.
type unknownStreak struct{ n atomic.Int32 }

// ends returns the error that every further request would cause too, or the last of
// several consecutive unknown outcomes. errOf returns the errors of the n results
// of one request. Results without a request, refused locally or known from an
// earlier run, do not count.
func (s *unknownStreak) ends(n int, errOf func(i int) error) error {
	const most = 5
	var unknown error
	answered := false
	for i := range n {
		err := errOf(i)
		if fatal(err) {
			return err
		}
		e := errorOf(err)
		switch {
		case e == nil:
			answered = true
		case e.Local(), e.Kind == ErrOutcomeUnknown && e.Field == keyField:
		case e.Kind == ErrOutcomeUnknown, foreign(e):
			unknown = err
		default:
			answered = true
		}
	}
	switch {
	case answered:
		s.n.Store(0)
	case unknown != nil && s.n.Add(1) >= most:
		return unknown
	}
	return nil
}

// foreign reports whether not the provider but somebody before it, such as a firewall,
// refused the request. The reason may be one message, or all.
func foreign(e *Error) bool { return e.Kind == ErrBadResponse && e.Outcome == OutcomeNotSent }

// fatal reports whether the next message or row would cause the same error.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	switch kindOf(err) {
	case ErrInvalid, ErrUnsupported, ErrConflict, ErrNotFound, ErrOutcomeUnknown, ErrDryRun:
		return false
	case ErrBadResponse: // a redirect depends on the provider's address, not on the message
		e := errorOf(err)
		return e != nil && e.Status >= 300 && e.Status <= 399
	}
	return true
}

// notTried is the error of an item that was read before the batch ended, and not
// sent.
func notTried(c *Client, op Op, why error) *Error {
	e := &Error{
		Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: op,
		Outcome: OutcomeNotSent, Message: "not tried after the error before",
	}
	if isContextError(why) {
		e.Message, e.Err = "not tried: "+why.Error(), why
	}
	return e
}

// patiently repeats a call that a limit of the provider refused, after the time
// that the error states, or after waits that grow.
func patiently(ctx context.Context, call func() error) error {
	return flow.Patiently(ctx, call, func(err error) (time.Duration, bool) {
		e := errorOf(err)
		limited := e != nil && e.Kind == ErrRateLimited && e.Outcome == OutcomeNotSent
		return RetryAfter(err), limited
	})
}
