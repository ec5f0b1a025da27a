package provider

import "time"

// Trace is what a look-up needs to find a mail whose id is not known. It is
// part of a Receipt of unknown state. It holds the subject, so keep a stored
// receipt as you keep the mail.
type Trace struct {
	At      time.Time `json:"at"`    // when the first attempt began
	Until   time.Time `json:"until"` // when the last attempt ended
	From    string    `json:"from"`  // address of the sender; empty when the template has it
	Subject string    `json:"subject"`
	SendAt  time.Time `json:"send_at,omitzero"` // of a scheduled mail
	// Own are the traces of recipients who had a call or a subject of their
	// own, by address.
	Own map[string]Trace `json:"own,omitempty"`
}

// traceOf is the trace of a mail that was tried from start until now.
func traceOf(m *Message, start time.Time) *Trace {
	t := Trace{At: start.UTC().Round(0), Until: time.Now().UTC().Round(0), From: m.From.Email, Subject: m.Subject, SendAt: m.SendAt}
	own := make(map[string]Trace)
	for _, r := range m.Recipients {
		if r.Subject != "" && r.Subject != m.Subject {
			x := t
			x.Subject = r.Subject
			own[r.Email] = x
		}
	}
	if len(own) > 0 {
		t.Own = own
	}
	return &t
}

// of is the trace of one recipient's copy.
func (t *Trace) of(email string) Trace {
	if own, ok := t.Own[email]; ok {
		return own
	}
	out := *t
	out.Own = nil
	return out
}

// trace adds the trace of one recipient's mail to that of the whole.
func (r *Receipt) trace(whole *Message, email string, part *Trace) {
	if part == nil {
		return
	}
	own := part.of(email)
	t := r.Unsettled
	if t == nil {
		t = &Trace{At: own.At, Until: own.Until, From: own.From, Subject: whole.Subject, SendAt: own.SendAt, Own: make(map[string]Trace)}
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

// last is the time from which absence is counted.
func (t Trace) last() time.Time {
	if t.SendAt.After(t.Until) {
		return t.SendAt
	}
	return t.Until
}

// holds reports whether the mail may have been accepted, or a scheduled one
// have gone out, at this time.
func (t Trace) holds(at time.Time) bool {
	within := func(from, to time.Time) bool {
		return !at.Before(from.Add(-settleEarly)) && !at.After(to.Add(settleLate))
	}
	return within(t.At, t.Until) || !t.SendAt.IsZero() && within(t.SendAt, t.SendAt)
}
