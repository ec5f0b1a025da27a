package contactrows

import (
	"slices"

	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/provider"
)

// Lost counts what a contact has and a row, or a change, cannot hold.
type Lost struct {
	Memberships  int // a change cannot say pending, removed, other; CSV none but those of a subscriber
	Suppressions int // CSV cannot say those of SMS, of transactional mail, of one sender
	OnNoList     int // a row of a file says subscribed, and no list
	Further      int // a cell has several addresses or phone numbers, of which the first was taken
	Values       int // lists of texts that became one text of CSV
}

// Add adds what m counts.
func (l *Lost) Add(m Lost) {
	l.Memberships += m.Memberships
	l.Suppressions += m.Suppressions
	l.OnNoList += m.OnNoList
	l.Further += m.Further
	l.Values += m.Values
}

// Notes are what a change cannot say of a row, as notes of its receipt.
func (l Lost) Notes() []provider.Note {
	var notes []provider.Note
	if l.Memberships > 0 {
		notes = append(notes, provider.Note{Field: "memberships", Action: provider.NoteDropped, Why: "a row cannot say those that are not confirmed, or removed"})
	}
	if l.Further > 0 {
		notes = append(notes, provider.Note{Field: "email", Action: provider.NoteDropped, Why: "a cell has several addresses or phone numbers; the first was taken"})
	}
	if l.OnNoList > 0 {
		notes = append(notes, provider.Note{Field: "status", Action: provider.NoteWarning, Why: "subscribed, but on no list: stored as a contact of the account alone"})
	}
	return notes
}

// Consent maps what a contact may be sent to what a change can say: a status and the lists
// to go with it. A contact that gets no marketing mail never becomes a subscriber by it:
// only the lists of a subscriber come without a status.
func Consent(c *provider.Contact) (status provider.MembershipStatus, lists []string, out Lost) {
	for _, s := range c.Suppressed {
		switch {
		case partial(s):
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

// changeOfContact reads a whole contact, as an export writes it. Lists are written there as
// on the command line. What Consent leaves out, the change says one by one.
func (l *Layout) changeOfContact(line []byte) (provider.ContactChange, Lost, error) {
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
	status, lists, _ := Consent(&c)
	change.Status = status
	var out Lost
	for _, m := range c.Memberships {
		ref := RefOf(m.List)
		switch {
		case ref.IsZero():
			return change, out, provider.Invalid("memberships.list", "expected an alias or id:ID")
		case slices.Contains(lists, m.List):
			change.Lists = append(change.Lists, ref)
		case !m.Status.Terminal():
			out.Memberships++
		default:
			id, err := l.listID(ref)
			if err != nil {
				return change, out, err
			}
			change.Memberships = append(change.Memberships, provider.Membership{List: id, Status: m.Status})
		}
	}
	for _, s := range c.Suppressed {
		if partial(s) {
			change.Suppressed = append(change.Suppressed, s)
		}
	}
	return change, out, nil
}

// listID is the provider's id of a list.
func (l *Layout) listID(ref provider.Ref) (string, error) {
	if ref.ID != "" {
		return ref.ID, nil
	}
	if l.opts.ListID != nil {
		if id, ok := l.opts.ListID(ref); ok {
			return id, nil
		}
	}
	return "", provider.Invalid("memberships.list", "no alias %q for this account; write id:ID for a literal id", ref.Alias)
}

// partial reports whether a stop is not one of all marketing mail, for which a status stands.
func partial(s provider.Suppression) bool {
	return s.Channel != provider.ChannelEmail || s.Sender != "" || s.Scope == provider.ScopeTransactional
}
