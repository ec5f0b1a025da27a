package contactfile

import (
	"fmt"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/provider"
)

// Lost counts what a change cannot say of a contact.
type Lost struct {
	Memberships  int // not those of a subscriber
	Suppressions int // of SMS, of transactional mail, of one sender
	Values       int // lists of texts that became one text
}

// Add adds what m counts.
func (l *Lost) Add(m Lost) {
	l.Memberships += m.Memberships
	l.Suppressions += m.Suppressions
	l.Values += m.Values
}

// Notes are what a change cannot say, as notes of its receipt.
func (l Lost) Notes() []provider.Note {
	var notes []provider.Note
	if l.Memberships > 0 {
		notes = append(notes, provider.Note{Field: "memberships", Action: provider.NoteDropped, Why: "a row cannot say those that are over or not confirmed"})
	}
	if l.Suppressions > 0 {
		notes = append(notes, provider.Note{Field: "suppressed", Action: provider.NoteDropped, Why: "a row cannot say stops of SMS, of transactional mail or of one sender"})
	}
	return notes
}

// Sentence tells what was left out; empty when nothing was.
func (l Lost) Sentence() string {
	var parts []string
	if l.Memberships > 0 {
		parts = append(parts, terminal.Plural(l.Memberships, "membership that is over or not confirmed", "memberships that are over or not confirmed"))
	}
	if l.Suppressions > 0 {
		parts = append(parts, terminal.Plural(l.Suppressions, "suppression", "suppressions")+" of SMS, of transactional mail or of one sender")
	}
	if len(parts) == 0 {
		return ""
	}
	return "left out, because a row cannot say it: " + strings.Join(parts, ", ")
}

// Consent maps what a contact may be sent to what a change can say: a status and
// the lists to go with it. Whoever gets no marketing mail never becomes free by
// it: without a status the lists are only those of a subscriber.
func Consent(c *provider.Contact) (status provider.MembershipStatus, lists []string, out Lost) {
	for _, s := range c.Suppressed {
		switch {
		case s.Channel != provider.ChannelEmail || s.Sender != "" || s.Scope == provider.ScopeTransactional:
			out.Suppressions++
		case s.Reason == provider.Reason(provider.StatusUnsubscribed):
			if status == "" {
				status = provider.StatusUnsubscribed
			}
		default:
			status = provider.StatusBlocked
		}
	}
	var on, blocked, left []string
	for _, m := range c.Memberships {
		switch {
		case m.Status == provider.StatusSubscribed:
			on = append(on, m.List)
		case m.Status == provider.StatusBlocked:
			blocked = append(blocked, m.List)
		case m.Status.Terminal():
			left = append(left, m.List)
		}
	}
	switch {
	case status == "" && len(on) == 0 && len(blocked)+len(left) > 0:
		status, lists = provider.StatusUnsubscribed, append(blocked, left...) // it has left all of its lists
	case status == "":
		lists = on
	case len(on)+len(blocked) == 0:
		lists = left // some list must say that it has left
	default:
		lists = append(on, blocked...)
	}
	out.Memberships = len(c.Memberships) - len(lists)
	return status, lists, out
}

// changeFromLine reads a whole contact, as an export writes it. Lists are
// written there as on the command line.
func changeFromLine(line []byte) (provider.ContactChange, Lost, error) {
	var c provider.Contact
	if err := strictjson.Decode(line, &c); err != nil {
		return provider.ContactChange{}, Lost{}, provider.Invalid(err.Path, "%s", err.Message)
	}
	change := provider.ContactChange{Email: c.Email, Fields: c.Fields}
	for _, f := range OwnFields {
		if text := f.Of(&c); text != "" {
			*f.In(&change) = provider.ChangeTo(text)
		}
	}
	status, lists, out := Consent(&c)
	change.Status = status
	for _, name := range lists {
		ref := RefOf(name)
		if ref.IsZero() {
			return change, out, provider.Invalid("memberships.list", "expected an alias or id:ID")
		}
		change.Lists = append(change.Lists, ref)
	}
	return change, out, nil
}

// fieldCell is the value of a field as a cell.
func fieldCell(v any) (text string, asList bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, false
	case []string:
		return strings.Join(v, ";"), true
	case []any:
		texts := make([]string, len(v))
		for i, x := range v {
			texts[i] = fmt.Sprint(x)
		}
		return strings.Join(texts, ";"), true
	}
	data, err := terminal.Marshal(v)
	if err != nil {
		return fmt.Sprint(v), false
	}
	return string(data), false
}
