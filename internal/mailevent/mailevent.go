// Package mailevent has the form in which each adapter keeps its vendor's words for what
// becomes of a mail: one table for the payloads of webhooks, for the event log and for the
// registration of webhooks. States of look-ups are read from these tables. It also reads
// the records of vendors, whose values may be written in several ways.
package mailevent

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// What is what an event reports, in full.
type What struct {
	Kind    events.Kind
	Class   events.Bounce // of a bounce
	Machine bool          // an open by a program that loads the mail, not by the person
}

func (w What) event() *events.Event {
	e := &events.Event{Kind: w.Kind, Bounce: w.Class}
	if w.Machine {
		e.Automated = events.Yes
	}
	return e
}

// State is the state of a mail of which no more is known than w; StateUnknown for what
// says nothing of its way.
func (w What) State() provider.State {
	s, _ := w.event().State()
	return s
}

// Word is what a vendor calls one thing. Names are compared in lower case, without
// underscores, hyphens and blanks.
type Word struct {
	Payload  []string // in the payloads of webhooks
	Log      []string // in the event log, or as the state of a mail
	Register []string // to be given when a webhook is registered, as the vendor spells it
	What
	Reason events.Reason // of what the word says
	First  events.Flag   // of an open, where the word tells whether it is the first
}

// Words is a vendor's table.
type Words []Word

// Find returns what a word of a payload or of the log stands for. A row that ends in *
// stands for every word with that beginning.
func (words Words) Find(name string) (What, bool) {
	w := words.Word(name)
	if w == nil {
		return What{}, false
	}
	return w.What, true
}

// Word is Find for the whole row; nil when there is none.
func (words Words) Word(name string) *Word {
	name = strings.TrimSpace(name)
	is := func(own string) bool { return fits(name, own) }
	for i := range words {
		if w := &words[i]; slices.ContainsFunc(w.Payload, is) || slices.ContainsFunc(w.Log, is) {
			return w
		}
	}
	return nil
}

// fits reports whether name is own. It makes no texts: every event asks it some times.
func fits(name, own string) bool {
	own, open := strings.CutSuffix(own, "*")
	i, j := 0, 0
	for ; ; i, j = i+1, j+1 {
		for i < len(name) && joins(name[i]) {
			i++
		}
		for j < len(own) && joins(own[j]) {
			j++
		}
		switch {
		case j == len(own):
			return open || i == len(name)
		case i == len(name) || lower(name[i]) != lower(own[j]):
			return false
		}
	}
}

// joins reports whether c stands between the words of a name.
func joins(c byte) bool { return c == '_' || c == '-' || c == ' ' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// Log gathers what became of a mail's recipients, by address, and makes a Receipt of it.
// The order in which events are added does not matter. Write Log{}.
type Log map[string]What

// Add notes an event of the recipient's copy. What says nothing of the mail's way is
// left out, unless nothing else is known.
func (l Log) Add(email string, w What) {
	if old, ok := l[email]; !ok || w.event().Outweighs(old.event()) {
		l[email] = w
	}
}

// Receipt returns what the log says about the mail, nil when it says nothing.
// Recipients are in alphabetical order.
func (l Log) Receipt(messageID string) *provider.Receipt {
	if len(l) == 0 {
		return nil
	}
	r := &provider.Receipt{MessageID: messageID}
	for email, w := range l {
		s := w.State()
		r.Recipients = append(r.Recipients, provider.RecipientResult{Email: email, MessageID: messageID, State: s})
		r.State = r.State.With(s)
	}
	slices.SortFunc(r.Recipients, func(a, b provider.RecipientResult) int { return strings.Compare(a.Email, b.Email) })
	return r
}
