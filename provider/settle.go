package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Times that Settle goes by.
const (
	// settleLate is how long after the last attempt a mail may still be taken over.
	settleLate = 5 * time.Minute
	// settleEarly allows for clocks that differ, and for times cut to the second.
	settleEarly = 2 * time.Second
	// settleAbsent is how long absence from the provider's list says nothing at all.
	settleAbsent = 15 * time.Minute
)

// unknown are the indexes of the recipients whose state is unknown.
func (r *Receipt) unknown() []int {
	var out []int
	for i, p := range r.Recipients {
		if p.State == StateUnknown {
			out = append(out, i)
		}
	}
	return out
}

// clone returns a copy that shares nothing with r but errors, which nobody changes.
func (r *Receipt) clone() *Receipt {
	if r == nil {
		return nil
	}
	c := *r
	c.Recipients, c.Notes, c.Attempts = slices.Clone(r.Recipients), slices.Clone(r.Notes), slices.Clone(r.Attempts)
	if r.Unsettled != nil {
		t := *r.Unsettled
		t.Own = maps.Clone(t.Own)
		c.Unsettled = &t
	}
	return &c
}

// restate makes the whole of r agree with its recipients.
func (r *Receipt) restate() {
	r.State = summary(r.Recipients)
	if r.State == StateAccepted {
		log := StateLog{}
		for i, p := range r.Recipients {
			log.Add(fmt.Sprint(i), p.State)
		}
		r.State = log.Receipt("").State
	}
	id := r.Recipients[0].MessageID
	if !slices.ContainsFunc(r.Recipients, func(p RecipientResult) bool { return p.MessageID != id }) {
		r.MessageID = id
	}
	if len(r.unknown()) == 0 {
		r.Unsettled = nil
	}
}

// Settle finds out what became of a mail whose outcome is unknown, where the
// provider can tell (featureSettle). It returns a new Receipt; r is not changed.
//
// A recipient is settled when the provider lists exactly one mail that may be
// the one: same recipient, same subject, accepted between the first attempt and
// a few minutes after the last. Two of them settle nothing. None settles nothing
// either: providers list mail with a delay, so for 15 minutes absence says
// nothing at all, and after that it is a hint and no proof. The state then stays
// StateUnknown, a note tells what was looked for and when, and the decision is a
// person's. Nothing is ever called refused because it was not found. A minute
// after the send is early enough to ask; asking costs one call for each recipient.
//
// A recipient with an id is looked up by it, as Status does. A Receipt without
// unknown recipients gets fresh states where it has ids. Where a duplicate guard
// serves the key, it learns of a mail that was settled for all recipients.
//
// The error says that a look-up failed; the Receipt beside it has what was
// found before that. A mail that stays unknown is no error.
func (c *Client) Settle(ctx context.Context, r *Receipt) (*Receipt, error) {
	return run(ctx, c, "settle", nil, func() (*Receipt, error) {
		if err := c.settleable(r); err != nil {
			return nil, err
		}
		out := r.clone()
		open := out.unknown()
		all := len(open) == 0
		for i := range out.Recipients {
			if all {
				open = append(open, i)
			}
		}
		seen := make(map[string]*Receipt) // answers by id: recipients share them
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
	switch {
	case r == nil || len(r.Recipients) == 0:
		return Invalid("receipt", "expected a receipt with recipients")
	case r.Provider != "" && r.Provider != c.provider:
		return Invalid("receipt.provider", "the receipt is of %s, this account of %s", text.Clip(r.Provider), c.provider)
	case r.Account != "" && r.Account != c.account:
		return Invalid("receipt.account", "the receipt is of account %q, not of %q", text.Clip(r.Account), c.account)
	}
	var search bool
	for _, i := range r.unknown() {
		search = search || r.Recipients[i].MessageID == ""
	}
	if search {
		if err := c.supports(featureSettle); err != nil {
			return err
		}
		if r.Unsettled == nil {
			return Invalid("receipt.unsettled", "expected when and what was sent; without it there is nothing to search for")
		}
	}
	return nil
}

// settleOne looks one recipient's copy up.
func (c *Client) settleOne(ctx context.Context, r *Receipt, i int, seen map[string]*Receipt) error {
	p := &r.Recipients[i]
	switch {
	case p.MessageID != "":
		return c.settleByID(ctx, p, seen)
	case p.State != StateUnknown:
		return nil // known, and nothing to look it up by
	}
	var twins int
	for _, x := range r.Recipients {
		if strings.EqualFold(x.Email, p.Email) {
			twins++
		}
	}
	if twins > 1 {
		r.tell(i, "warning", "the address is a recipient more than once, so a mail that is found may be another one's")
		return nil
	}
	t := r.Unsettled.of(p.Email)
	if t.Subject == "" {
		r.tell(i, "warning", "the subject comes from a template, so the mail cannot be told from others")
		return nil
	}
	f, err := addOn[Finder](c, featureSettle)
	if err != nil {
		return err
	}
	hits, err := f.FindSent(ctx, Search{Recipient: p.Email, Sender: t.From, Subject: t.Subject, From: t.At.Add(-settleLate), To: t.last().Add(settleLate)})
	if err != nil {
		return err
	}
	hit, why := judge(t, p.Email, hits, time.Now())
	if hit == nil {
		r.tell(i, "warning", why)
		return nil
	}
	p.MessageID, p.State, p.Error = hit.MessageID, hit.State, nil
	if p.State == "" || p.State == StateUnknown {
		p.State = StateAccepted // it is in the list, so it was taken over
	}
	r.tell(i, "settled", why)
	return nil
}

// settleByID is Status for one recipient.
func (c *Client) settleByID(ctx context.Context, p *RecipientResult, seen map[string]*Receipt) error {
	found, ok := seen[p.MessageID]
	if !ok {
		var err error
		if found, err = c.Status(ctx, p.MessageID); err != nil {
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

// judge decides what hits say about a mail: the one that is it, and why, or nil
// and why not.
func judge(t Trace, email string, hits []Found, now time.Time) (*Found, string) {
	hits = slices.Clone(hits)
	slices.SortStableFunc(hits, func(a, b Found) int { return strings.Compare(a.MessageID, b.MessageID) })
	hits = slices.CompactFunc(hits, func(a, b Found) bool { return a.MessageID == b.MessageID && a.MessageID != "" })
	switch len(hits) {
	case 0:
		since := now.Sub(t.last()).Round(time.Second)
		if since < settleAbsent {
			return nil, fmt.Sprintf("not found %s after the last attempt, which says nothing yet: look again after %s", max(since, 0), t.last().Add(settleAbsent).UTC().Format(time.RFC3339))
		}
		return nil, fmt.Sprintf("not found %s after the last attempt: a hint that it was not sent, and no proof; a person may decide", since)
	case 1:
	default:
		return nil, fmt.Sprintf("%d mails may be this one, so none is taken for it", len(hits))
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
	case !t.holds(h.At):
		unlike = "has another time, " + h.At.UTC().Format(time.RFC3339)
	default:
		return &h, "found in the provider's list, the only one that fits"
	}
	return nil, fmt.Sprintf("one mail was found, but it %s (id %q), so it is not taken for this one", unlike, text.Clip(h.MessageID))
}

// localPart is the part of an address that international domains leave alone.
// The adapter has compared the rest.
func localPart(email string) string {
	if i := strings.LastIndexByte(email, '@'); i >= 0 {
		return email[:i]
	}
	return email
}

// tell notes what a look-up brought for a recipient, in place of what an
// earlier one did.
func (r *Receipt) tell(i int, action, why string) {
	field := fmt.Sprintf("recipients[%d].state", i)
	r.Notes = slices.DeleteFunc(r.Notes, func(n Note) bool { return n.Field == field })
	r.Notes = append(r.Notes, Note{Field: field, Action: action, Why: why})
}
