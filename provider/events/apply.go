package events

import (
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Times by which Apply takes an event for one of a mail without an id, as Client.Settle does.
const (
	applyEarly = 2 * time.Second
	applyLate  = 5 * time.Minute
)

// Apply returns a copy of r with what e says about its mail; ok is false, and the receipt
// nil, when e is about another mail or says nothing new.
//
// An event with the id of the mail, or of a recipient's copy, moves the state of that
// recipient on, never back (State.Over). A receipt does not tell a soft bounce from a
// hard one: bounced stays whatever follows. Whoever needs the difference keeps the events
// and compares them by Outweighs.
//
// A recipient whose outcome is unknown has no id. Its mail is judged by likeness, as
// Client.Settle does: same address, same subject, and a time between the first try and
// five minutes after the last. A note says so.
func Apply(r *provider.Receipt, e Event) (*provider.Receipt, bool) {
	state, tells := e.State()
	if r == nil || !tells || r.Provider != "" && r.Provider != e.Provider {
		return nil, false
	}
	key := mailaddr.Key(e.Recipient)
	same := func(p provider.RecipientResult) bool { return mailaddr.Key(p.Email) == key }
	if e.MessageID != "" && e.MessageID == r.MessageID && len(r.Recipients) == 0 {
		if !state.Over(r.State) {
			return nil, false
		}
		out := r.Clone()
		out.State = state
		return out, true
	}
	var known []int
	for i, p := range r.Recipients {
		if same(p) && e.MessageID != "" && (p.MessageID == e.MessageID || p.MessageID == "" && r.MessageID == e.MessageID) {
			known = append(known, i)
		}
	}
	settles := false
	if len(known) == 0 {
		i := slices.IndexFunc(r.Recipients, same)
		if settles = i >= 0 && alike(r, i, &e); !settles {
			return nil, false
		}
		known = []int{i}
	}
	out := r.Clone()
	changed := false
	for _, i := range known {
		p := &out.Recipients[i]
		if !settles && !state.Over(p.State) && p.State != provider.StateUnknown {
			continue
		}
		p.State, p.Error, changed = state, nil, true
		if settles {
			p.MessageID = e.MessageID
			out.Notes = append(out.Notes, provider.Note{
				Field: "recipients", Action: provider.NoteSettled,
				Why: "judged by likeness: an event of the provider has this recipient, subject and time",
			})
		}
	}
	if !changed {
		return nil, false
	}
	restate(out)
	return out, true
}

// alike reports whether e may be about the copy of the i-th recipient of r, of which no
// usable answer came, and about no other one of r.
func alike(r *provider.Receipt, i int, e *Event) bool {
	p := r.Recipients[i]
	if p.State != provider.StateUnknown || p.MessageID != "" || r.Unsettled == nil || e.At.IsZero() {
		return false
	}
	t, ok := r.Unsettled.Own[p.Email]
	if !ok {
		t = *r.Unsettled
	}
	key := mailaddr.Key(p.Email)
	for j, other := range r.Recipients {
		if j != i && mailaddr.Key(other.Email) == key {
			return false // two copies that cannot be told apart
		}
	}
	last := t.Until
	if t.SendAt.After(last) {
		last = t.SendAt
	}
	return t.Subject != "" && slices.Equal(strings.Fields(t.Subject), strings.Fields(e.Subject)) &&
		!e.At.Before(t.At.Add(-applyEarly)) && !e.At.After(last.Add(applyLate))
}

// restate makes the whole of r agree with its recipients.
func restate(r *provider.Receipt) {
	unknown := slices.ContainsFunc(r.Recipients, func(p provider.RecipientResult) bool {
		return p.State == provider.StateUnknown
	})
	if unknown {
		r.State = provider.StateUnknown
		return
	}
	r.State, r.Unsettled = "", nil
	id, refused := r.Recipients[0].MessageID, 0
	for _, p := range r.Recipients {
		r.State = r.State.With(p.State)
		if p.State == provider.StateRefused {
			refused++
		}
		if p.MessageID != id {
			id = ""
		}
	}
	if refused > 0 && refused < len(r.Recipients) {
		r.State = provider.StatePartlyAccepted
	}
	if r.MessageID == "" {
		r.MessageID = id
	}
}
