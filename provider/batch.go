package provider

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/notes"
)

// BatchResult is what became of one message of a batch.
type BatchResult struct {
	Index int // of the message in the input, from 0
	// Receipt is non-nil whenever a request with the message may have left, also
	// beside an error.
	Receipt *Receipt
	Err     error
}

// BatchReport counts what a batch did. Messages is the sum of Accepted, Partly, Refused,
// Unknown and NotTried.
type BatchReport struct {
	Messages int `json:"messages"`
	Accepted int `json:"accepted"` // scheduled ones too
	// WithoutID counts those of Accepted for which the provider gave no id: nothing
	// finds them again but a look into the account.
	WithoutID int `json:"without_id,omitempty"`
	Partly    int `json:"partly"`  // accepted for some of their recipients
	Refused   int `json:"refused"` // provably not sent
	Unknown   int `json:"unknown"` // may have been sent
	// NotTried counts messages that were read when it turned out that going on is
	// of no use, or when the context ended.
	NotTried int `json:"not_tried"`
}

// BatchOption changes how SendBatch works.
type BatchOption func(*batch)

// BeforeSending has f called before each call to the provider, with the indexes
// of the messages that the call may send, on the caller's goroutine. A program
// that writes them down first can tell after a crash which messages are in doubt.
// An error of f ends the batch before that call.
func BeforeSending(f func(indexes []int) error) BatchOption {
	return func(b *batch) { b.before = f }
}

// SendBatch sends messages by as few calls as the provider can do with, several
// of them at a time (the account's setting concurrency), within its limits. Each
// message is checked, counted and reported as Send does it, and has a result of
// its own. It reads messages as it goes, a bounded number ahead, so a batch may be
// of any length.
//
// each, if not nil, is called with the result of every message in order, on the
// caller's goroutine. When it returns an error, no new call begins, the results of
// what was read are still delivered, and SendBatch returns that error.
//
// Messages that agree on everything a call can state only once (sender, template,
// attachments, send time) share a call. One with an IdempotencyKey of its own does
// not: a provider's key is for a whole call. Where a call for several is refused as
// invalid, nothing of it went out, and it is tried again in halves, so that one bad
// message does not take others with it; after a number of tries the rest is
// reported as refused together. What is refused before any request is found without
// calls.
//
// The error says why the batch ended before its input: an error of messages or of
// each, the end of ctx, or one that every further message would meet (a bad key, no
// credit, an outage, several unknown outcomes in a row). The report counts what was
// read until then. While a limit of the provider is used up and it tells for how
// long, the batch waits, for up to five minutes.
//
// When ctx is canceled, messages whose call was interrupted are unknown. To stop
// and know, end messages instead, or return an error from each. A message must not
// be changed before its result is there.
func (c *Client) SendBatch(ctx context.Context, messages iter.Seq2[*Message, error], each func(BatchResult) error, opts ...BatchOption) (BatchReport, error) {
	b := &batch{Client: c, began: time.Now()}
	for _, o := range opts {
		o(b)
	}
	f := flow.Flow[*batchItem, BatchResult]{
		Calls: c.calls, Place: b.place, Call: b.call, Skipped: b.skipped,
		Ends: func(results []BatchResult) error {
			return b.unknown.ends(len(results), func(i int) error { return results[i].Err })
		},
	}
	if b.before != nil {
		f.Begin = b.begin
	}
	if a, ok := c.adapter.(Batcher); ok {
		b.native, f.Limits = a, flow.Limits(a.BatchLimits())
	}
	var report BatchReport
	err := f.Run(ctx, indexed(messages, newBatchItem), func(r BatchResult) error {
		report.count(r)
		if each == nil {
			return nil
		}
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

// batch is a SendBatch under way.
type batch struct {
	*Client
	began   time.Time
	native  Batcher // nil: one call each
	before  func([]int) error
	unknown unknownStreak
	last    Message // what the message placed last has in common with others
}

// batchItem is a message on its way through a batch.
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

// place prepares a message that may share a call, and finds out with which. All
// others go through Send as they are.
func (b *batch) place(_ context.Context, item *batchItem) (t flow.Traits, _ BatchResult, done bool) {
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
		t.Texts, t.Variables = [3]string{prepared.Subject, prepared.HTML, prepared.Text}, sizeOf(prepared.Variables)
		t.Bytes = t.Variables + t.Addresses*addressSize
		if b.native.BatchLimits().Distinct {
			t.Once = strings.ToLower(prepared.To[0].Email)
		}
	}
	return t, BatchResult{}, false
}

// share makes the item hold the texts and files of the message before it where
// they are the same, and returns their bytes: a newsletter has one text and one
// file for all, and each line of a file brings a copy of its own.
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

func (b *batch) begin(items []*batchItem) error {
	indexes := make([]int, len(items))
	for i, item := range items {
		indexes[i] = item.index
	}
	return b.before(indexes)
}

// call sends the messages of one call.
func (b *batch) call(ctx context.Context, items []*batchItem) []BatchResult {
	splits := 4 * (bits.Len(uint(len(items))) - 1)
	return b.together(ctx, items, &splits)
}

// one sends a message by a call of its own.
func (b *batch) one(ctx context.Context, item *batchItem) BatchResult {
	r := BatchResult{Index: item.index}
	_ = patiently(ctx, func() error {
		r.Receipt, r.Err = b.sendSince(ctx, item.given, b.began)
		return r.Err
	})
	return r
}

// together sends messages in one call. When the provider refuses it for what is
// in it, nothing went out; then each half is tried by itself, to find the
// message that is meant. splits bounds the further calls.
func (b *batch) together(ctx context.Context, items []*batchItem, splits *int) []BatchResult {
	if len(items) == 1 {
		return []BatchResult{b.one(ctx, items[0])}
	}
	messages := make([]*Message, len(items))
	for i, item := range items {
		// The time to send at may have passed while the message waited for others.
		passed, err := item.prepared.settleTime(b.began)
		if err == nil {
			item.notes = append(item.notes, passed...)
		}
		messages[i] = item.prepared
	}
	ctx, start, err := b.Client.begin(ctx, opSend)
	noticed := notes.Gather(ctx)
	var receipts []*Receipt
	if err == nil {
		err = patiently(ctx, func() (err error) {
			start = time.Now()
			receipts, err = b.native.SendBatch(noticed, messages)
			return asError(err, b.provider, b.account, opSend)
		})
	}
	if err == nil && len(receipts) != len(items) {
		err = &Error{Kind: ErrInternal, Outcome: OutcomeSent, Message: fmt.Sprintf("%d receipts for %d messages", len(receipts), len(items))}
	}
	if refused(err) && *splits > 0 || unwritable(err) {
		if refused(err) {
			*splits -= 2
		}
		half := len(items) / 2
		return append(b.together(ctx, items[:half], splits), b.together(ctx, items[half:], splits)...)
	}
	if refused(err) {
		c := *errorOf(err)
		c.Message = fmt.Sprintf("refused in one call with %d others, one of which may be meant: %s", len(items)-1, c.Message)
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

// refused reports whether the provider, or a firewall before it, refused what is in a
// call, and did nothing of it.
func refused(err error) bool {
	e := errorOf(err)
	if e == nil || e.Outcome != OutcomeNotSent || e.Status == 0 {
		return false
	}
	return e.Kind == ErrInvalid || e.Kind == ErrConflict || e.Kind == ErrNotFound || foreign(e) && e.Status >= 400
}

// unwritable reports whether a call was refused for what is in it before any
// request was made, so that halves cost none either.
func unwritable(err error) bool {
	e := errorOf(err)
	return e != nil && e.Kind == ErrInvalid && e.Local()
}

func (b *batch) skipped(item *batchItem, why error) BatchResult {
	return BatchResult{Index: item.index, Err: notTried(b.Client, opSend, why)}
}

// unknownStreak counts calls in a row whose outcome is unknown. It is safe for
// concurrent use.
type unknownStreak struct{ n atomic.Int32 }

// ends returns the error that every further call would meet too, or the last of
// so many unknown outcomes that something is wrong in general. errOf are the
// errors of the n results of one call. What was refused on this side, or kept
// back for the outcome of an earlier run, says nothing about the provider.
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

// foreign reports whether somebody else than the provider refused the request, such as
// a firewall: it may be meant for one message, or for all.
func foreign(e *Error) bool { return e.Kind == ErrBadResponse && e.Outcome == OutcomeNotSent }

// fatal reports whether the next message or row would meet the same error.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	switch kindOf(err) {
	case ErrInvalid, ErrUnsupported, ErrConflict, ErrNotFound, ErrOutcomeUnknown, ErrDryRun:
		return false
	case ErrBadResponse: // a redirect is about the provider's address, not about what was sent there
		e := errorOf(err)
		return e != nil && e.Status >= 300 && e.Status <= 399
	}
	return true
}

// notTried is the error of an item that was read when it turned out that going
// on is of no use.
func notTried(c *Client, op Op, why error) *Error {
	e := &Error{Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: op, Outcome: OutcomeNotSent, Message: "not tried after the error before"}
	if isContextError(why) {
		e.Message, e.Err = "not tried: "+why.Error(), why
	}
	return e
}

// limitWait is how long a batch or an import waits for a limit of the provider.
const limitWait = 5 * time.Minute

// patiently makes a call again that the provider's limit has kept back, after the
// time it names.
func patiently(ctx context.Context, call func() error) error {
	for waited := time.Duration(0); ; {
		err := call()
		e := errorOf(err)
		if e == nil || e.Kind != ErrRateLimited || e.Outcome != OutcomeNotSent || e.RetryAfter <= 0 || waited+e.RetryAfter > limitWait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(e.RetryAfter):
			waited += e.RetryAfter
		}
	}
}
