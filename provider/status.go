package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

var _ Tracker = (*Client)(nil)

// Status looks a mail up by the ids of its receipt, which may be made by
// ReceiptFor: by MessageID, or by those of its recipients where each has its own.
// It returns a new Receipt. On a route it asks the account that the receipt names.
func (c *Client) Status(ctx context.Context, r *Receipt) (*Receipt, error) {
	return run(ctx, c, opStatus, nil, func(ctx context.Context) (*Receipt, error) {
		member, err := c.memberOf(r)
		if err != nil {
			return nil, err
		}
		if member != nil {
			return member.Status(ctx, r)
		}
		ids, err := idsOf(r)
		if err != nil {
			return nil, err
		}
		if len(ids) == 1 {
			return c.lookUp(ctx, ids[0])
		}
		out := &Receipt{Provider: c.provider, Account: c.account, BatchID: r.BatchID}
		for _, id := range ids {
			one, err := c.lookUp(ctx, id)
			if err != nil {
				return nil, err
			}
			out.State = out.State.With(one.State)
			out.Recipients = append(out.Recipients, one.Recipients...)
			out.Notes = append(out.Notes, one.Notes...)
		}
		return out, nil
	})
}

// lookUp requests the status of one id.
func (c *Client) lookUp(ctx context.Context, id string) (*Receipt, error) {
	if err := c.supports(featureStatus); err != nil {
		return nil, err
	}
	a, err := addOn[statusReader](c, featureStatus)
	if err != nil {
		return nil, err
	}
	found, err := a.Status(ctx, &Receipt{Provider: c.provider, Account: c.account, MessageID: id})
	if found != nil {
		found.Provider, found.Account = c.provider, c.account
	}
	return found, err
}

// Cancel withdraws a scheduled mail by the ids of its receipt, as Status finds
// them. nil means that it will not go out; ErrNotFound or ErrConflict that it has
// gone out, or never existed. Where recipients have ids of their own and one mail
// cannot be withdrawn, those before it have been.
func (c *Client) Cancel(ctx context.Context, r *Receipt) error {
	_, err := run(ctx, c, opCancel, nil, func(ctx context.Context) (struct{}, error) {
		member, err := c.memberOf(r)
		if err != nil {
			return struct{}{}, err
		}
		if member != nil {
			return struct{}{}, member.Cancel(ctx, r)
		}
		ids, err := idsOf(r)
		if err != nil {
			return struct{}{}, err
		}
		if err := c.supports(featureCancel); err != nil {
			return struct{}{}, err
		}
		a, err := addOn[canceler](c, featureCancel)
		if err != nil {
			return struct{}{}, err
		}
		for i, id := range ids {
			if err := a.Cancel(ctx, &Receipt{Provider: c.provider, Account: c.account, MessageID: id}); err != nil {
				return struct{}{}, partlyDone(err, i > 0)
			}
		}
		return struct{}{}, nil
	})
	return err
}

// memberOf checks that r is of this account. On a route it returns the member that
// made r, else nil.
func (c *Client) memberOf(r *Receipt) (*Client, error) {
	if r == nil {
		return nil, Invalid("receipt", "expected a receipt")
	}
	if route, ok := c.adapter.(router); ok {
		if r.Account == "" {
			return nil, Invalid(
				"receipt.account", "expected the account that sent the mail: a route has several",
			)
		}
		member := route.Member(r.Account)
		if member == nil {
			return nil, Invalid(
				"receipt.account", "the route has no account %q", text.Clip(r.Account),
			)
		}
		return member, nil
	}
	switch {
	case r.Provider != "" && r.Provider != c.provider:
		return nil, Invalid(
			"receipt.provider", "the receipt is of %s, this account of %s", text.Clip(r.Provider),
			c.provider,
		)
	case r.Account != "" && r.Account != c.account:
		return nil, Invalid(
			"receipt.account", "the receipt is of account %q, not of %q", text.Clip(r.Account),
			c.account,
		)
	}
	return nil, nil
}

// idsOf returns the ids in a receipt: that of the mail, else those of its
// recipients.
func idsOf(r *Receipt) ([]string, error) {
	ids := []string{r.MessageID}
	if r.MessageID == "" {
		ids = nil
		for _, p := range r.Recipients {
			if p.MessageID != "" && !slices.Contains(ids, p.MessageID) {
				ids = append(ids, p.MessageID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, Invalid(
			"message_id", "expected a receipt with an id; Settle looks for a mail without one",
		)
	}
	for _, id := range ids {
		if err := checkID("message_id", id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// Times that Settle uses.
const (
	// settleLate is the longest time after the last attempt until a mail is
	// accepted.
	settleLate = 5 * time.Minute
	// settleEarly allows for clocks that differ, and for times cut to the second.
	settleEarly = 2 * time.Second
	// settleAbsent is the time for which absence from the provider's list has no
	// meaning.
	settleAbsent = 15 * time.Minute
)

// restate derives the state of r from its recipients.
func (r *Receipt) restate() {
	r.State = summary(r.Recipients)
	if r.State == StateAccepted {
		r.State = ""
		for _, p := range r.Recipients {
			r.State = r.State.With(p.State)
		}
	}
	id := r.Recipients[0].MessageID
	if !slices.ContainsFunc(r.Recipients, func(p RecipientResult) bool { return p.MessageID != id }) {
		r.MessageID = id
	}
	if len(r.unknown()) == 0 {
		r.Unsettled = nil
	}
}

// Settle looks up a mail whose outcome is unknown, where the provider lists sent
// mail (feature message.settle). It returns a new Receipt; r is not changed.
//
// A recipient is settled when the provider lists exactly one matching mail: same
// recipient, same subject, accepted between the first attempt and a few minutes
// after the last. With two matches or none the state stays StateUnknown, a note
// states what was looked for and when, and a person has to decide. Providers list
// mail with a delay: for 15 minutes absence means nothing, and after that it is a
// hint and no proof. A mail is never reported as refused because it was not found.
// Call Settle a minute after the send or later; it costs one request for each
// recipient.
//
// A recipient with an id is looked up by it, as by Status. A Receipt without
// unknown recipients gets new states where it has ids. A mail that was settled for
// all recipients is also recorded in the duplicate guard, where the key has one.
//
// The error means that a look-up failed; the Receipt then has the results before
// that. A mail that stays unknown is no error.
func (c *Client) Settle(ctx context.Context, r *Receipt) (*Receipt, error) {
	return run(ctx, c, opSettle, nil, func(ctx context.Context) (*Receipt, error) {
		if r == nil || len(r.Recipients) == 0 {
			return nil, Invalid("receipt", "expected a receipt with recipients")
		}
		member, err := c.memberOf(r)
		if err != nil {
			return nil, err
		}
		if member != nil {
			out, err := member.Settle(ctx, r)
			if out != nil {
				c.guard.settled(ctx, c, out)
			}
			return out, err
		}
		if err := c.settleable(r); err != nil {
			return nil, err
		}
		out := r.Clone()
		open := out.unknown()
		all := len(open) == 0
		for i := range out.Recipients {
			if all {
				open = append(open, i)
			}
		}
		seen := make(map[string]*Receipt) // responses by id: recipients share them
		for _, i := range open {
			if err := c.settleOne(ctx, out, i, seen); err != nil {
				out.restate()
				return out, err
			}
		}
		out.restate()
		c.guard.settled(ctx, c, out)
		return out, nil
	})
}

// settleable refuses, before any request, a receipt that cannot be looked up.
func (c *Client) settleable(r *Receipt) error {
	var search bool
	for _, i := range r.unknown() {
		search = search || r.Recipients[i].MessageID == ""
	}
	if !search {
		return nil
	}
	if err := c.supports(featureSettle); err != nil {
		return err
	}
	if r.Unsettled == nil {
		return Invalid(
			"receipt.unsettled",
			"expected when and what was sent; without it there is nothing to search for",
		)
	}
	return nil
}

// settleOne looks up one recipient's copy.
func (c *Client) settleOne(ctx context.Context, r *Receipt, i int, seen map[string]*Receipt) error {
	p := &r.Recipients[i]
	switch {
	case p.MessageID != "":
		return c.settleByID(ctx, p, seen)
	case p.State != StateUnknown:
		return nil // known, and without an id to look it up by
	}
	var twins int
	for _, x := range r.Recipients {
		if strings.EqualFold(x.Email, p.Email) {
			twins++
		}
	}
	if twins > 1 {
		r.noteState(
			i, NoteWarning,
			"the address is a recipient more than once, so a mail that is found may be another one's",
		)
		return nil
	}
	t := r.Unsettled.of(p.Email)
	if t.Subject == "" {
		r.noteState(
			i, NoteWarning, "the subject comes from a template, so the mail cannot be identified",
		)
		return nil
	}
	f, err := addOn[Finder](c, featureSettle)
	if err != nil {
		return err
	}
	window := t
	window.At, window.Until = t.At.Add(-settleLate), t.last().Add(settleLate)
	hits, err := f.FindSent(ctx, p.Email, window)
	if err != nil {
		return err
	}
	hit, why := match(t, p.Email, hits, time.Now())
	if hit == nil {
		r.noteState(i, NoteWarning, why)
		return nil
	}
	p.MessageID, p.State, p.Error = hit.MessageID, hit.State, nil
	if p.State == "" || p.State == StateUnknown {
		p.State = StateAccepted // it is in the list, so it was accepted
	}
	r.noteState(i, NoteSettled, why)
	return nil
}

// settleByID looks up one recipient's copy by its id.
func (c *Client) settleByID(
	ctx context.Context, p *RecipientResult, seen map[string]*Receipt,
) error {
	found, ok := seen[p.MessageID]
	if !ok {
		var err error
		if found, err = c.lookUp(ctx, p.MessageID); err != nil {
			return err
		}
		seen[p.MessageID] = found
	}
	p.State = found.State
	for _, x := range found.Recipients {
		if strings.EqualFold(x.Email, p.Email) {
			p.State = x.State
		}
	}
	if p.State != StateUnknown {
		p.Error = nil
	}
	return nil
}

// match returns the one of hits that is the mail, and the reason, or nil and the
// reason.
func match(t Trace, email string, hits []SentMail, now time.Time) (*SentMail, string) {
	hits = slices.Clone(hits)
	slices.SortStableFunc(
		hits, func(a, b SentMail) int { return strings.Compare(a.MessageID, b.MessageID) },
	)
	hits = slices.CompactFunc(
		hits, func(a, b SentMail) bool { return a.MessageID == b.MessageID && a.MessageID != "" },
	)
	switch len(hits) {
	case 0:
		since := now.Sub(t.last()).Round(time.Second)
		if since < settleAbsent {
			return nil, fmt.Sprintf(
				"not found %s after the last attempt, which proves nothing yet: look again after %s",
				max(since, 0), t.last().Add(settleAbsent).UTC().Format(time.RFC3339),
			)
		}
		return nil, fmt.Sprintf(
			"not found %s after the last attempt: a hint that it was not sent, and no proof; a person may decide",
			since,
		)
	case 1:
	default:
		return nil, fmt.Sprintf("%d mails match, so none is chosen", len(hits))
	}
	h := hits[0]
	var unlike string
	switch {
	case h.MessageID == "":
		unlike = "has no id"
	case !strings.EqualFold(localPart(h.Recipient), localPart(email)):
		unlike = "has another recipient"
	case !slices.Equal(strings.Fields(h.Subject), strings.Fields(t.Subject)):
		unlike = "has another subject"
	case !t.covers(h.At):
		unlike = "has another time, " + h.At.UTC().Format(time.RFC3339)
	default:
		return &h, "found in the provider's list, the only match"
	}
	return nil, fmt.Sprintf(
		"one mail was found, but it %s (id %q), so it is not taken for this one", unlike,
		text.Clip(h.MessageID),
	)
}

// localPart returns the local part of an address, which international domains do
// not change. The adapter has compared the domain.
func localPart(email string) string {
	if i := strings.LastIndexByte(email, '@'); i >= 0 {
		return email[:i]
	}
	return email
}

// noteState sets the note about the look-up of a recipient, in place of that of an
// earlier look-up.
func (r *Receipt) noteState(i int, action NoteAction, why string) {
	r.note(fmt.Sprintf("recipients[%d].state", i), action, why)
}

// last returns the time from which absence is counted.
func (t Trace) last() time.Time {
	if t.SendAt.After(t.Until) {
		return t.SendAt
	}
	return t.Until
}

// covers reports whether the mail may have been accepted at this time, or a
// scheduled one sent.
func (t Trace) covers(at time.Time) bool {
	within := func(from, to time.Time) bool {
		return !at.Before(from.Add(-settleEarly)) && !at.After(to.Add(settleLate))
	}
	return within(t.At, t.Until) || !t.SendAt.IsZero() && within(t.SendAt, t.SendAt)
}
