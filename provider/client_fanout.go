package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// each are the mails for single recipients where the provider cannot do them in
// one call, else nil.
func (c *Client) each(m *Message) []*Message {
	switch {
	case len(m.Recipients) > 0 && c.caps.Level(featureRecipients) == LevelEmulated:
		return personal(m)
	case len(m.To) > 1 && !c.caps.Can(featureToMany):
		return fanOut(m)
	}
	return nil
}

// sendEach sends mails one by one, each to one recipient, and makes one receipt.
// It stops at an error that the next recipient would meet too, and leaves no
// recipient without a result. Recipients that known, the receipt of an earlier
// send of the same mails, shows as sent to or in doubt are left as they are.
func (c *Client) sendEach(ctx context.Context, whole *Message, mails []*Message, known *Receipt) (*Receipt, error) {
	all := &Receipt{Provider: c.provider, Account: c.account, IdempotencyKey: whole.IdempotencyKey}
	if known != nil && len(known.Recipients) == len(mails) {
		all.Attempts = known.Attempts
	} else {
		known = nil
	}
	var first, unknown error
	stopped := false
	for i, m := range mails {
		if known != nil && !known.Recipients[i].free() {
			all.Recipients = append(all.Recipients, known.Recipients[i])
			if known.Recipients[i].State == StateUnknown {
				all.trace(whole, m.To[0].Email, known.Unsettled)
				unknown = &Error{Kind: ErrOutcomeUnknown, Outcome: MaybeSent, Field: keyField, Message: "the outcome of an earlier send to a recipient is unknown"}
			}
			continue
		}
		if stopped {
			all.Recipients = append(all.Recipients, RecipientResult{
				Email: m.To[0].Email, State: StateRefused,
				Error: &Error{Kind: ErrCanceled, Provider: c.provider, Account: c.account, Op: "send", Outcome: NotSent, Message: "not tried after the error before"},
			})
			continue
		}
		r, err := c.sendOne(ctx, m)
		if r != nil {
			all.Recipients = append(all.Recipients, r.Recipients...)
			all.Attempts = append(all.Attempts, r.Attempts...)
			all.Notes = append(all.Notes, newNotes(all.Notes, placed(whole, i, r.Notes))...)
			all.trace(whole, m.To[0].Email, r.Unsettled)
		}
		if err == nil {
			continue
		}
		if r == nil {
			all.Recipients = append(all.Recipients, RecipientResult{Email: m.To[0].Email, State: StateRefused, Error: &Error{Kind: kindOf(err), Outcome: NotSent, Message: err.Error()}})
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, ErrOutcomeUnknown) && unknown == nil {
			unknown = err
		}
		switch kindOf(err) {
		case ErrInvalid, ErrConflict, ErrNotFound: // about this recipient
		case ErrDryRun: // all requests are shown
		default:
			stopped = true
		}
	}
	all.State = summary(all.Recipients)
	if len(all.Attempts) == 0 {
		return nil, first
	}
	if unknown != nil {
		return all, unknown
	}
	return all, partly(all, first)
}

// partly is the error of a send to several of whom some were reached: it does
// not say "not sent", because a caller who tries the whole message elsewhere
// would send to them twice.
func partly(r *Receipt, err error) error {
	var e *Error
	reached := 0
	for _, x := range r.Recipients {
		if x.State != StateRefused {
			reached++
		}
	}
	if reached == 0 || !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Outcome, c.Elsewhere = MaybeSent, false
	c.Message = fmt.Sprintf("%d of %d accepted: %s", reached, len(r.Recipients), e.Message)
	return &c
}

// placed are the notes of the i-th mail with the place in the whole message of
// the recipient that they speak of.
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

// summary is the state of a receipt whose recipients had calls of their own.
func summary(results []RecipientResult) State {
	counts := make(map[State]int)
	for _, r := range results {
		counts[r.State]++
	}
	switch {
	case counts[StateUnknown] > 0:
		return StateUnknown
	case counts[StateRefused] == len(results):
		return StateRefused
	case counts[StateRefused] > 0:
		return StatePartlyAccepted
	case counts[StateScheduled] == len(results):
		return StateScheduled
	}
	return StateAccepted
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
