package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Times that Settle goes by.
const (
	// settleLate is how long after the last try a mail may still be taken over.
	settleLate = 5 * time.Minute
	// settleEarly allows for clocks that differ, and for times cut to the second.
	settleEarly = 2 * time.Second
	// settleAbsent is how long absence from the provider's list says nothing at all.
	settleAbsent = 15 * time.Minute
)

// settling is one call of Settle.
type settling struct {
	client *Client
	others []*Receipt          // of mails that are not the one looked for
	byID   map[string]*Receipt // look-ups by id: recipients share them
}

// Settle looks for a mail whose outcome is unknown, where the provider lists sent
// mail (feature.MessageSettle). It returns a new Receipt; r is not changed.
//
// Settle compares mails. A recipient is settled when the provider lists exactly one mail
// that may be the one: same recipient, same subject, accepted between the first try and
// five minutes after the last; sender and tags too, where the provider lists them. That
// proves that such a mail was accepted. It proves that it is this mail only when the
// program sent no other with that recipient and subject in that time. Pass the receipts
// of those that it did send as except: an id that stands in one of them is never taken,
// and while one with the same recipient and subject has no known id, r is not settled,
// because the two cannot be told apart. Settle ignores r itself, receipts of other
// accounts and nil in except. When two mails fit, nothing is settled.
//
// When no mail fits, nothing is settled either. Providers list mail with a delay: for 15
// minutes a missing mail means nothing, and after that it is a hint and no proof. The
// state then stays StateUnknown, a note says what was looked for and when, and a person
// has to decide. Nothing is ever called refused because it was not found. A minute after
// the send is early enough to ask; asking costs one call for each recipient.
//
// A recipient with an id is looked up by it, as Status does. A Receipt without
// unknown recipients gets fresh states where it has ids. Where a duplicate guard
// serves the key, it is given the result of a mail that was settled for all
// recipients.
//
// The error says that a look-up failed; the Receipt returned with it has what was
// found before. A mail that stays unknown is no error.
func (c *Client) Settle(ctx context.Context, r *Receipt, except ...*Receipt) (*Receipt, error) {
	return run(ctx, c, opSettle, nil, func(ctx context.Context) (*Receipt, error) {
		if r == nil || len(r.Recipients) == 0 {
			return nil, Invalid("receipt", "expected a receipt with recipients")
		}
		member, err := c.memberOf(r)
		if err != nil {
			return nil, err
		}
		if member != nil {
			out, err := member.Settle(ctx, r, except...)
			if out != nil {
				c.guard.settled(ctx, r, out)
			}
			return out, err
		}
		if err := c.settleable(r); err != nil {
			return nil, err
		}
		s := &settling{client: c, byID: make(map[string]*Receipt)}
		s.others = slices.DeleteFunc(slices.Clone(except), func(o *Receipt) bool {
			return o == nil || o == r || o.Provider != "" && o.Provider != c.provider || o.Account != "" && o.Account != c.account
		})
		out := r.Clone()
		open := out.unknown()
		all := len(open) == 0
		for i := range out.Recipients {
			if all {
				open = append(open, i)
			}
		}
		for _, i := range open {
			if err := s.settle(ctx, out, i); err != nil {
				out.restate()
				return out, err
			}
		}
		out.restate()
		c.guard.settled(ctx, r, out)
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
		return Invalid("receipt.unsettled", "expected when and what was sent; without it there is nothing to search for")
	}
	return nil
}

// settle looks the copy of the i-th recipient of r up.
func (s *settling) settle(ctx context.Context, r *Receipt, i int) error {
	p := &r.Recipients[i]
	switch {
	case p.MessageID != "":
		return s.settleByID(ctx, p)
	case p.State != StateUnknown:
		return nil // known, and nothing to look it up by
	}
	t := r.Unsettled.of(p.Email)
	if why := s.ambiguous(r, i, t); why != "" {
		r.noteState(i, NoteWarning, why)
		return nil
	}
	f, err := addOn[finder](s.client, featureSettle)
	if err != nil {
		return err
	}
	window := t
	window.At, window.Until = t.At.Add(-settleLate), t.last().Add(settleLate)
	hits, err := f.FindSent(ctx, p.Email, window)
	if err != nil {
		return err
	}
	hit, why := match(t, p.Email, hits, s.idsTaken(r, i), time.Now())
	if hit == nil {
		r.noteState(i, NoteWarning, why)
		return nil
	}
	p.MessageID, p.State, p.Error = hit.MessageID, hit.State, nil
	if p.State == "" || p.State == StateUnknown {
		p.State = StateAccepted // it is in the list, so it was taken over
	}
	r.noteState(i, NoteSettled, why)
	return nil
}

// ambiguous says why the copy of the i-th recipient of r, which t describes,
// cannot be told from another mail, or nothing.
func (s *settling) ambiguous(r *Receipt, i int, t Trace) string {
	email := r.Recipients[i].Email
	for j, x := range r.Recipients {
		if j != i && sameAddress(x.Email, email) {
			return "the address is a recipient more than once, so a mail that is found may be another one's"
		}
	}
	if t.Subject == "" {
		return "the subject comes from a template, so the mail cannot be told from others"
	}
	for _, o := range s.others {
		for _, x := range o.Recipients {
			if sameAddress(x.Email, email) && !notSent(x) && x.MessageID == "" && o.MessageID == "" && o.mayBe(t, x.Email) {
				return "another mail to this recipient, with the same subject and of the same time, has no known id, " +
					"so a mail that is found may be that one"
			}
		}
	}
	return ""
}

// notSent reports whether the recipient's copy provably was not sent.
func notSent(p RecipientResult) bool {
	return p.State == StateRefused && (p.Error == nil || p.Error.Outcome == OutcomeNotSent)
}

// mayBe reports whether the copy of r for email may be taken for the one that t
// describes: nothing that is known of both, subject and time, tells them apart.
func (r *Receipt) mayBe(t Trace, email string) bool {
	if r.Unsettled == nil {
		return true
	}
	o := r.Unsettled.of(email)
	apart := o.last().Add(settleLate).Before(t.At.Add(-settleLate)) || t.last().Add(settleLate).Before(o.At.Add(-settleLate))
	return !apart && (o.Subject == "" || sameSubject(o.Subject, t.Subject))
}

// idsTaken are the ids that belong to other mails, and to other recipients of r.
func (s *settling) idsTaken(r *Receipt, i int) map[string]bool {
	taken := make(map[string]bool)
	for _, o := range s.others {
		taken[o.MessageID] = true
		for _, x := range o.Recipients {
			taken[x.MessageID] = true
		}
	}
	// Recipients of one shared mail have one id, those of personal mails have not.
	if len(r.Unsettled.Own) > 0 {
		for j, x := range r.Recipients {
			taken[x.MessageID] = taken[x.MessageID] || j != i
		}
	}
	delete(taken, "")
	return taken
}

// settleByID is Status for one recipient.
func (s *settling) settleByID(ctx context.Context, p *RecipientResult) error {
	found, ok := s.byID[p.MessageID]
	if !ok {
		var err error
		if found, err = s.client.lookUp(ctx, p.MessageID); err != nil {
			return err
		}
		s.byID[p.MessageID] = found
	}
	p.State = found.State
	for _, x := range found.Recipients {
		if sameAddress(x.Email, p.Email) {
			p.State = x.State
		}
	}
	if p.State != StateUnknown {
		p.Error = nil
	}
	return nil
}

// match decides what hits say about a mail: the one that is it, and why, or nil
// and why not. Ids in taken belong to other mails.
func match(t Trace, email string, hits []SentMail, taken map[string]bool, now time.Time) (*SentMail, string) {
	hits = slices.Clone(hits)
	slices.SortStableFunc(hits, func(a, b SentMail) int { return strings.Compare(a.MessageID, b.MessageID) })
	hits = slices.CompactFunc(hits, func(a, b SentMail) bool { return a.MessageID == b.MessageID && a.MessageID != "" })
	found := len(hits)
	hits = slices.DeleteFunc(hits, func(m SentMail) bool { return taken[m.MessageID] })
	var others string
	if n := found - len(hits); n > 0 {
		others = fmt.Sprintf(" (%d found that are known to be other messages)", n)
	}
	switch len(hits) {
	case 0:
		since := now.Sub(t.last()).Round(time.Second)
		if since < settleAbsent {
			return nil, fmt.Sprintf("not found %s after the last try%s, which proves nothing yet: look again after %s",
				max(since, 0), others, t.last().Add(settleAbsent).UTC().Format(time.RFC3339))
		}
		return nil, fmt.Sprintf("not found %s after the last try%s: a hint that it was not sent, and no proof; "+
			"a person may decide", since, others)
	case 1:
	default:
		return nil, fmt.Sprintf("%d mails match, so none is chosen", len(hits))
	}
	h := hits[0]
	var unlike string
	switch {
	case h.MessageID == "":
		unlike = "has no id"
	case !sameAddress(h.Recipient, email):
		unlike = "has another recipient"
	case !sameSubject(h.Subject, t.Subject):
		unlike = "has another subject"
	case !t.covers(h.At):
		unlike = "has another time, " + h.At.UTC().Format(time.RFC3339)
	default:
		return &h, "judged by likeness: in the provider's list it is the only mail with this recipient, subject and time"
	}
	return nil, fmt.Sprintf("one mail was found, but it %s (id %q), so it is not taken for this one", unlike, text.Clip(h.MessageID))
}

// sameAddress compares two addresses as one person writes them.

// sameSubject compares two subjects but for blanks, which mail systems fold.
func sameSubject(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

// noteState notes what a look-up brought for a recipient, in place of what an
// earlier one did.
func (r *Receipt) noteState(i int, action NoteAction, why string) {
	r.note(fmt.Sprintf("recipients[%d].state", i), action, why)
}

// restate makes the whole of r agree with its recipients.
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

// last is the time from which absence is counted.
func (t Trace) last() time.Time {
	if t.SendAt.After(t.Until) {
		return t.SendAt
	}
	return t.Until
}

// covers reports whether the mail may have been accepted, or a scheduled one
// have gone out, at this time.
func (t Trace) covers(at time.Time) bool {
	within := func(from, to time.Time) bool {
		return !at.Before(from.Add(-settleEarly)) && !at.After(to.Add(settleLate))
	}
	return within(t.At, t.Until) || !t.SendAt.IsZero() && within(t.SendAt, t.SendAt)
}
