package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/notes"
	"github.com/postmux/postmux/internal/patience"
	"github.com/postmux/postmux/internal/text"
)

// deliver sends a prepared message in one request, or in one for each recipient. It
// leaves out recipients that known reports as sent or unknown.
func (c *Client) deliver(ctx context.Context, m *Message, known *Receipt) (*Receipt, error) {
	if c.caps.Level(featureIdempotencyKey) == LevelEmulated {
		m = m.Clone()
		m.IdempotencyKey = "" // the guard serves it; the adapter cannot send it
	}
	mails := c.mailsOf(m)
	if mails == nil {
		return c.sendOne(ctx, m)
	}
	r, err := c.sendEach(ctx, m, mails, known)
	note := Note{
		Field: "to", Action: NoteEmulated,
		Why: fmt.Sprintf("%d mails, one for each recipient, who do not see each other", len(mails)),
	}
	if len(m.Recipients) > 0 {
		note = Note{
			Field: "recipients", Action: NoteEmulated,
			Why: fmt.Sprintf("%d mails, one call each", len(mails)),
		}
	}
	return c.withNotes(r, []Note{note}, err), err
}

// mailsOf returns one mail for each recipient where the provider cannot send them
// in one request, else nil.
func (c *Client) mailsOf(m *Message) []*Message {
	switch {
	case len(m.Recipients) > 0 && c.caps.Level(featureRecipients) == LevelEmulated:
		return personal(m)
	case len(m.To) > 1 && !c.caps.Can(featureToMany):
		return fanOut(m)
	}
	return nil
}

// sendEach sends mails one by one, each to one recipient, and makes one receipt. It
// stops at an error that the next recipient would cause too, and gives every
// recipient a result. It does not send to recipients that known, the receipt of an
// earlier send of the same mails, has as sent or unknown.
func (c *Client) sendEach(
	ctx context.Context, whole *Message, mails []*Message, known *Receipt,
) (*Receipt, error) {
	all := &Receipt{Provider: c.provider, Account: c.account, IdempotencyKey: whole.IdempotencyKey}
	if known != nil && len(known.Recipients) == len(mails) {
		all.Accounts = known.Accounts
	} else {
		known = nil
	}
	var first, unknown error
	stopped := false
	for i, m := range mails {
		if known != nil && !known.Recipients[i].NotSent() {
			all.Recipients = append(all.Recipients, known.Recipients[i])
			if known.Recipients[i].State == StateUnknown {
				all.addTrace(whole, m.To[0].Email, known.Unsettled)
				unknown = &Error{
					Kind: ErrOutcomeUnknown, Outcome: OutcomeMaybeSent, Field: keyField,
					Message: "the outcome of an earlier send to a recipient is unknown",
				}
			}
			continue
		}
		if stopped {
			all.Recipients = append(all.Recipients, RecipientResult{
				Email: m.To[0].Email, State: StateRefused,
				Error: &Error{
					Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: opSend,
					Outcome: OutcomeNotSent, Message: "not tried after the error before",
				},
			})
			continue
		}
		r, err := c.sendOne(ctx, m)
		ctx = patience.Without(ctx) // the whole message does not go elsewhere any more
		if r != nil {
			all.Recipients = append(all.Recipients, r.Recipients...)
			all.Accounts = append(all.Accounts, r.Accounts...)
			all.Notes = append(all.Notes, newNotes(all.Notes, placed(whole, i, r.Notes))...)
			all.addTrace(whole, m.To[0].Email, r.Unsettled)
		}
		if err == nil {
			continue
		}
		if r == nil {
			all.Recipients = append(all.Recipients, RecipientResult{
				Email: m.To[0].Email, State: StateRefused,
				Error: &Error{Kind: kindOf(err), Outcome: OutcomeNotSent, Message: err.Error()},
			})
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, ErrOutcomeUnknown) && unknown == nil {
			unknown = err
		}
		switch kindOf(err) {
		case ErrInvalid, ErrConflict, ErrNotFound: // about this recipient
		case ErrDryRun: // show every request
		default:
			stopped = true
		}
	}
	all.State = summary(all.Recipients)
	if len(all.Accounts) == 0 {
		return nil, first
	}
	if unknown != nil {
		return all, unknown
	}
	return all, partlySent(all, first)
}

// partlySent returns the error of a send that reached some recipients. Its outcome
// is not "not sent", because a caller who tries the whole message elsewhere would
// send twice.
func partlySent(r *Receipt, err error) error {
	reached := 0
	for _, x := range r.Recipients {
		if x.State != StateRefused {
			reached++
		}
	}
	e := errorOf(partlyDone(err, reached > 0))
	if reached == 0 || e == nil {
		return err
	}
	c := *e
	c.Message = text.Because(fmt.Sprintf("%d of %d accepted", reached, len(r.Recipients)), e.message())
	return &c
}

// placed returns the notes of the i-th mail with the path of its recipient in the
// whole message.
func placed(whole *Message, i int, notes []Note) []Note {
	const single = "to[0]"
	place := fmt.Sprintf("to[%d]", i)
	if len(whole.Recipients) > 0 {
		place = fmt.Sprintf("recipients[%d]", i)
	}
	out := slices.Clone(notes)
	for j, n := range out {
		if rest, ok := strings.CutPrefix(n.Field, single); ok {
			out[j].Field = place + rest
		}
	}
	return out
}

func newNotes(have, more []Note) []Note {
	var out []Note
	for _, n := range more {
		known := false
		for _, h := range have {
			known = known || h == n
		}
		if !known {
			out = append(out, n)
		}
	}
	return out
}

// fanOut makes a mail for each address in To.
func fanOut(m *Message) []*Message {
	out := make([]*Message, len(m.To))
	for i, to := range m.To {
		one := m.Clone()
		one.To = []Address{to}
		one.IdempotencyKey = partKey(m, i)
		out[i] = one
	}
	return out
}

// personal makes a mail for each of Recipients.
func personal(m *Message) []*Message {
	out := make([]*Message, len(m.Recipients))
	for i, p := range m.Recipients {
		one := m.Clone()
		own := p.Resolved(m)
		one.Recipients = nil
		one.To = []Address{{Email: p.Email, Name: p.Name}}
		one.Subject, one.HTML, one.Text, one.Variables = own.Subject, own.HTML, own.Text, own.Variables
		one.IdempotencyKey = partKey(m, i)
		out[i] = one
	}
	return out
}

func partKey(m *Message, i int) string {
	if m.IdempotencyKey == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", m.IdempotencyKey, i)
}

// addTrace adds the trace of one recipient's mail to that of the whole.
func (r *Receipt) addTrace(whole *Message, email string, part *Trace) {
	if part == nil {
		return
	}
	own := part.of(email)
	t := r.Unsettled
	if t == nil {
		t = &Trace{
			At: own.At, Until: own.Until, From: own.From, Subject: whole.Subject,
			SendAt: own.SendAt, Tags: own.Tags, Own: make(map[string]Trace),
		}
		r.Unsettled = t
	}
	if own.At.Before(t.At) {
		t.At = own.At
	}
	if own.Until.After(t.Until) {
		t.Until = own.Until
	}
	t.Own[email] = own
}

// withNotes puts notes before those of r. A dry run without a receipt gets one for
// the notes.
func (c *Client) withNotes(r *Receipt, notes []Note, err error) *Receipt {
	if r == nil && errors.Is(err, ErrDryRun) {
		r = &Receipt{Provider: c.provider, Account: c.account}
	}
	if r != nil && len(notes) > 0 {
		r.Notes = append(notes, r.Notes...)
	}
	return r
}

// sendOne calls the adapter once and completes its receipt.
func (c *Client) sendOne(ctx context.Context, m *Message) (*Receipt, error) {
	if err := c.begun(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	noticed := notes.Gather(ctx)
	r, err := c.adapter.Send(noticed, m)
	r, err = c.completed(m, r, err, start)
	if r != nil {
		r.Notes = append(r.Notes, noticedBy(noticed, "message_id")...)
	}
	return r, err
}

// begun tells whoever keeps a journal that the adapter is called now, where the transport
// does not tell that a request leaves.
func (c *Client) begun(ctx context.Context) error {
	err := begun.Early(ctx, c.adapter, c.account)
	if err == nil {
		return nil
	}
	return &Error{
		Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: opSend,
		Outcome: OutcomeNotSent, Message: "not begun: " + err.Error(), Err: err,
	}
}

// noticedBy are the notes about what the transport noticed.
func noticedBy(s *notes.Sink, field string) []Note {
	var out []Note
	for _, why := range s.All() {
		out = append(out, Note{Field: field, Action: NoteWarning, Why: why})
	}
	return out
}

// completed fills in the receipt and the error that the adapter returned for m; the
// call began at start.
func (c *Client) completed(m *Message, r *Receipt, err error, start time.Time) (*Receipt, error) {
	var e *Error
	if err != nil {
		err = asError(err, c.provider, c.account, opSend)
		e = errorOf(err)
	}
	if e != nil && e.Kind == ErrDryRun {
		return r, err
	}
	if e != nil && (e.Local() || e.Kind == ErrCanceled) {
		return nil, err // nothing left
	}
	asked := AccountResult{
		Provider: c.provider, Account: c.account, Outcome: OutcomeSent, Error: e,
		Took: time.Since(start),
	}
	if e != nil {
		asked.Outcome = e.Outcome
		r = failed(m, e, r)
	} else if !r.hasID() {
		r.Notes = append(r.Notes, Note{
			Field: "message_id", Action: NoteWarning,
			Why: "accepted, but the provider returned no id",
		})
	}
	if e != nil && e.Outcome == OutcomeSent {
		err = nil // accepted; only the response could not be read
	}
	r.Provider, r.Account = c.provider, c.account
	r.Accounts = append(r.Accounts, asked)
	if len(r.unknown()) > 0 {
		r.Unsettled = m.Trace(start, time.Now())
	}
	return r, err
}

// failed returns the receipt of a send that failed. It keeps what the adapter
// returned (the key, notes).
func failed(m *Message, e *Error, known *Receipt) *Receipt {
	var r *Receipt
	switch e.Outcome {
	case OutcomeSent:
		r = m.Receipt("", StateAccepted)
		r.Notes = []Note{
			{Field: "message_id", Action: NoteWarning, Why: "accepted, id unknown: " + e.Message},
		}
	case OutcomeMaybeSent:
		r = m.Receipt("", StateUnknown)
	default:
		r = m.Receipt("", StateRefused)
		for i := range r.Recipients {
			r.Recipients[i].Error = e
		}
	}
	if known != nil {
		r.IdempotencyKey = known.IdempotencyKey
		r.Notes = append(known.Notes, r.Notes...)
	}
	return r
}
