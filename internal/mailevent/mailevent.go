// Package mailevent has the vocabulary of what becomes of a mail, and the form in which
// each adapter keeps its vendor's words for it: one table for the payloads of webhooks,
// for the event log and for the registration of webhooks. States of look-ups are read
// from these tables.
package mailevent

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Kind is what an event reports.
type Kind string

// The kinds.
const (
	// Queued: the mail waits at the provider.
	Queued Kind = "queued"
	// Deferred: a server did not take the mail yet; the provider tries again.
	Deferred Kind = "deferred"
	// Sent: the mail was handed to a mail server, and nothing is known of delivery.
	Sent Kind = "sent"
	// Delivered: the recipient's server took the mail.
	Delivered Kind = "delivered"
	// Opened: the mail was opened, by a person unless the event says that a machine did.
	Opened Kind = "opened"
	// Clicked: a link was followed.
	Clicked Kind = "clicked"
	// Rejected: the provider did not send the mail: suppressed, spam, invalid.
	Rejected Kind = "rejected"
	// Failed: the provider could not send the mail, for reasons of its own.
	Failed Kind = "failed"
	// Bounced: the recipient's server refused the mail; the class says whether for good.
	Bounced Kind = "bounced"
	// Complained: the recipient reported the mail as spam.
	Complained Kind = "complained"

	// The kinds below say nothing about the way of a mail.

	// Unsubscribed: the person left a list, or all mail.
	Unsubscribed Kind = "unsubscribed"
	// Resubscribed: the person came back.
	Resubscribed Kind = "resubscribed"
	// Listed: a contact came into a list.
	Listed Kind = "listed"
	// Unlisted: a contact was taken off a list.
	Unlisted Kind = "unlisted"
	// Changed: a contact was changed.
	Changed Kind = "changed"
	// Deleted: a contact was deleted.
	Deleted Kind = "deleted"
	// Campaign: a campaign changed its state.
	Campaign Kind = "campaign"
	// Received: inbound mail.
	Received Kind = "received"
)

// Class says whether a bounce is for good.
type Class string

// The classes.
const (
	// Hard: the address does not take mail.
	Hard Class = "hard"
	// Soft: the address may take mail later; most providers try again.
	Soft Class = "soft"
	// Unclear: the provider does not say.
	Unclear Class = "unclear"
)

// What is what an event reports, in full.
type What struct {
	Kind    Kind
	Class   Class // of a bounce
	Machine bool  // an open by a program that loads the mail, not by the person
}

// order is the weight of what is known of a mail, the least first: the heaviest event
// decides the state, in whatever order events come. A soft bounce is below Sent, because
// the provider tries again and may succeed.
var order = []struct {
	What
	state provider.State
}{
	{What{Kind: Queued}, provider.StateQueued},
	{What{Kind: Deferred}, provider.StateDeferred},
	{What{Kind: Bounced, Class: Soft}, provider.StateBounced},
	{What{Kind: Sent}, provider.StateAccepted},
	{What{Kind: Delivered}, provider.StateDelivered},
	{What{Kind: Opened, Machine: true}, provider.StateDelivered},
	{What{Kind: Opened}, provider.StateOpened},
	{What{Kind: Clicked}, provider.StateClicked},
	{What{Kind: Failed}, provider.StateFailed},
	{What{Kind: Rejected}, provider.StateRejected},
	{What{Kind: Bounced, Class: Unclear}, provider.StateBounced},
	{What{Kind: Bounced, Class: Hard}, provider.StateBounced},
	{What{Kind: Complained}, provider.StateComplained},
}

// weight is the place of w in order, from 1; 0 for what says nothing of a mail's way.
func (w What) weight() int {
	for i, row := range order {
		if row.What == w {
			return i + 1
		}
	}
	return 0
}

// State is the state of a mail of which no more is known than w; StateUnknown for what
// says nothing of its way.
func (w What) State() provider.State {
	if i := w.weight(); i > 0 {
		return order[i-1].state
	}
	return provider.StateUnknown
}

// Word is what a vendor calls one thing. Names are compared in lower case, without
// underscores, hyphens and blanks.
type Word struct {
	Payload  []string // in the payloads of webhooks
	Log      []string // in the event log, or as the state of a mail
	Register []string // to be given when a webhook is registered, as the vendor spells it
	What
}

// Words is a vendor's table.
type Words []Word

// Find returns what a word of a payload or of the log stands for. A row that ends in *
// stands for every word with that beginning.
func (words Words) Find(name string) (What, bool) {
	name = plain(name)
	for _, w := range words {
		if slices.ContainsFunc(slices.Concat(w.Payload, w.Log), func(own string) bool { return fits(name, own) }) {
			return w.What, true
		}
	}
	return What{}, false
}

func fits(name, own string) bool {
	if start, ok := strings.CutSuffix(own, "*"); ok {
		return strings.HasPrefix(name, plain(start))
	}
	return name == plain(own)
}

func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(name)))
}

// Log gathers what became of a mail's recipients, by address, and makes a Receipt of it.
// The order in which events are added does not matter. Write Log{}.
type Log map[string]What

// Add notes an event of the recipient's copy. What says nothing of the mail's way is
// left out, unless nothing else is known.
func (l Log) Add(email string, w What) {
	if old, ok := l[email]; !ok || w.weight() > old.weight() {
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
