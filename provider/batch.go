package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// BatchResult is what became of one message of a batch.
type BatchResult struct {
	Index int // of the message in the input, from 0
	// Receipt is non-nil whenever a request with the message may have left, also
	// beside an error.
	Receipt *Receipt
	Err     error
}

// BatchOption changes how SendBatch works.
type BatchOption func(*batch)

// BeforeSending has f called before each call to the provider, with the indexes
// of the messages that the call may send, on the goroutine that iterates. A
// program that writes them down first can tell after a crash which messages are
// in doubt. An error of f ends the batch before that call.
func BeforeSending(f func(indexes []int) error) BatchOption {
	return func(b *batch) { b.before = f }
}

// Batcher is implemented by an adapter whose provider takes several messages in
// one call.
type Batcher interface {
	// BatchLimits are the most that one call takes.
	BatchLimits() GroupLimits
	// BatchKey tells which messages may share a call: those with the same key.
	// It covers all that a call can say only once for all of its messages. ok is
	// false when the message must have a call of its own.
	BatchKey(m *Message) (key string, ok bool)
	// SendBatch sends messages with the same key, within the limits, in one call.
	// It returns a receipt for each, in their order; beside an error, which holds
	// for all of them, those may be nil.
	SendBatch(ctx context.Context, messages []*Message) ([]*Receipt, error)
}

// SendBatch sends messages by as few calls as the provider can do with, several
// of them at a time (the account's setting concurrency), within its limits. Each
// message is checked, counted and reported as Send does it, and has a result of
// its own; the results come in the order of the messages. It reads messages as
// it goes, a bounded number ahead, so a batch may be of any length.
//
// Messages that say the same about what the provider lets a call say only once
// share a call. One with an IdempotencyKey of its own does not: a provider's key
// is for a whole call. Where a call for several is refused as invalid, nothing
// of it went out, and it is tried again in halves, so that one bad message does
// not take others with it; after a number of tries the rest is reported as
// refused together. What is refused before any request is found without calls.
//
// The error beside a result is nil but for the last: it says why the batch ended
// before its input, and comes alone, after the results of all messages that were
// read. That is an error of messages, the end of ctx, or one that every further
// message would meet (a bad key, no credit, an outage, several unknown outcomes in a
// row). While a limit of the provider is used up and it tells for how long, the
// batch waits, for up to five minutes.
//
// Breaking off the iteration waits for the calls under way, and what they sent
// is not reported. To stop and know, end messages, or cancel ctx: messages whose
// call was interrupted are unknown then.
//
// messages and the iteration run on the caller's goroutine. A message must not be
// changed before its result is there.
func (c *Client) SendBatch(ctx context.Context, messages iter.Seq2[*Message, error], opts ...BatchOption) iter.Seq2[BatchResult, error] {
	return func(yield func(BatchResult, error) bool) {
		b := &batch{Client: c}
		for _, o := range opts {
			o(b)
		}
		f := flow[*batchItem, BatchResult]{
			calls: c.calls, place: b.place, call: b.call, skipped: b.skipped,
			ends: func(results []BatchResult) error {
				return b.unknown.ends(len(results), func(i int) error { return results[i].Err })
			},
		}
		if b.before != nil {
			f.begin = b.begin
		}
		if a, ok := c.adapter.(Batcher); ok {
			b.native, f.limits = a, a.BatchLimits()
		}
		gone := false
		err := f.run(ctx, indexedMessages(messages), func(r BatchResult) bool {
			gone = !yield(r, nil)
			return !gone
		})
		if err != nil && !gone {
			yield(BatchResult{}, err)
		}
	}
}

// batch is a SendBatch under way.
type batch struct {
	*Client
	native  Batcher // nil: one call each
	before  func([]int) error
	unknown streak
	last    Message // what a message shares of the one placed last, which is its caller's again after its result
}

// batchItem is a message on its way through a batch.
type batchItem struct {
	index    int
	given    *Message
	prepared *Message // nil: Send prepares it
	notes    []Note
}

func indexedMessages(messages iter.Seq2[*Message, error]) iter.Seq2[*batchItem, error] {
	return func(yield func(*batchItem, error) bool) {
		index := 0
		for m, err := range messages {
			if !yield(&batchItem{index: index, given: m}, err) {
				return
			}
			index++
		}
	}
}

// place prepares a message that may share a call, and finds out with which. All
// others go through Send as they are.
func (b *batch) place(_ context.Context, item *batchItem) (m member, _ BatchResult, settled bool) {
	if item.given == nil {
		err := asError(Invalid("", "expected a message"), b.provider, b.account, "send")
		return m, BatchResult{Index: item.index, Err: err}, true
	}
	m = member{alone: true, held: item.given.size() - item.given.sharedWith(&b.last), addresses: item.given.addressees()}
	b.last = Message{HTML: item.given.HTML, Text: item.given.Text, Attachments: slices.Clone(item.given.Attachments)}
	if b.native == nil || item.given.IdempotencyKey != "" {
		return m, BatchResult{}, false
	}
	prepared, notes, err := b.prepare(item.given)
	if err != nil {
		err = asError(err, b.provider, b.account, "send")
		return m, BatchResult{Index: item.index, Err: err}, true
	}
	key, ok := b.native.BatchKey(prepared)
	if ok && len(prepared.Recipients) == 0 && b.each(prepared) == nil {
		item.prepared, item.notes = prepared, notes
		m.key, m.alone, m.addresses = key, false, prepared.addressees()
		m.texts, m.variables = [3]string{prepared.Subject, prepared.HTML, prepared.Text}, sizeOf(prepared.Variables)
		m.bytes = m.variables + m.addresses*addressSize
		if b.native.BatchLimits().Distinct {
			m.once = strings.ToLower(prepared.To[0].Email)
		}
	}
	return m, BatchResult{}, false
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
	if len(items) == 1 {
		return []BatchResult{b.one(ctx, items[0])}
	}
	splits := 4 * log2(len(items))
	return b.together(ctx, items, &splits)
}

// one sends a message by a call of its own.
func (b *batch) one(ctx context.Context, item *batchItem) BatchResult {
	r := BatchResult{Index: item.index}
	_ = patiently(ctx, func() error {
		r.Receipt, r.Err = b.Send(ctx, item.given)
		return r.Err
	})
	r.Err = b.untried("send", r.Err)
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
		messages[i] = item.prepared
	}
	var receipts []*Receipt
	var start time.Time
	err := patiently(ctx, func() (err error) {
		start = time.Now()
		receipts, err = b.native.SendBatch(ctx, messages)
		return asError(err, b.provider, b.account, "send")
	})
	if err == nil && len(receipts) != len(items) {
		err = &Error{Kind: ErrInternal, Outcome: Sent, Message: fmt.Sprintf("%d receipts for %d messages", len(receipts), len(items))}
	}
	if refused(err) && *splits > 0 || unwritable(err) {
		if refused(err) {
			*splits -= 2
		}
		half := len(items) / 2
		return append(b.together(ctx, items[:half], splits), b.together(ctx, items[half:], splits)...)
	}
	if refused(err) {
		var e *Error
		_ = errors.As(err, &e)
		c := *e
		c.Message = fmt.Sprintf("refused in one call with %d others, one of which may be meant: %s", len(items)-1, e.Message)
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
		r.Err = b.untried("send", r.Err)
		if r.Receipt == nil && errors.Is(err, ErrDryRun) {
			r.Receipt = &Receipt{Provider: b.provider, Account: b.account}
		}
		var state State
		if r.Receipt != nil {
			r.Receipt.Notes = append(item.notes, r.Receipt.Notes...)
			state = r.Receipt.State
		}
		b.observe(ctx, ResultEvent{Op: "send", State: state, Err: r.Err, Took: time.Since(start)})
		out[i] = r
	}
	return out
}

// refused reports whether the provider refused what is in a call, and did
// nothing of it.
func refused(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Outcome != NotSent || e.Status == 0 {
		return false
	}
	return e.Kind == ErrInvalid || e.Kind == ErrConflict || e.Kind == ErrNotFound
}

// unwritable reports whether a call was refused for what is in it before any
// request was made, so that halves cost none either.
func unwritable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == ErrInvalid && e.Local()
}

func (b *batch) skipped(item *batchItem, why error) BatchResult {
	return BatchResult{Index: item.index, Err: notTried(b.Client, "send", why)}
}

func log2(n int) int {
	out := 0
	for ; n > 1; n /= 2 {
		out++
	}
	return out
}
