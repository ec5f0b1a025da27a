package adapterkit

import (
	"fmt"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Standing is what a look at an address has found.
type Standing struct {
	Memberships []provider.Membership
	// Blocked says why the address gets no marketing mail of the whole account, "it is
	// blocked"; empty when it does.
	Blocked string
}

// Bars says why the address must not be put on the list by anything but a
// resubscription; empty when it may be. It may not when it has left the list, or
// every list it is known on, or is blocked. Being taken off a list by the account is
// not leaving it.
func (s Standing) Bars(list string) string {
	left, on := 0, 0
	for _, m := range s.Memberships {
		switch {
		case m.List == list && m.Status.Terminal():
			return "it is " + string(m.Status) + " there"
		case m.Status.Terminal():
			left++
		case m.Status != provider.StatusRemoved:
			on++
		}
	}
	switch {
	case s.Blocked != "":
		return s.Blocked
	case left > 0 && on == 0:
		return "it has left every list that it was on"
	}
	return ""
}

// Barred are lists that an address was not put on, with the reasons.
type Barred []string

// Add notes a list, and why.
func (b *Barred) Add(list, why string) {
	*b = append(*b, fmt.Sprintf("not put on list %s: %s", list, why))
}

// Err is nil when there are no such lists. stored means that the rest of the change was
// carried out.
func (b Barred) Err(stored bool) error {
	if len(b) == 0 {
		return nil
	}
	e := Conflict("lists", strings.Join(b, "; ")+"; resubscribe is the verb for that")
	if stored {
		e.Outcome = provider.OutcomeSent
		e.Message += ", and the rest was stored"
	}
	return e
}

// NotALook is the note of a provider at which nobody can look before a contact is put on
// a list.
func NotALook(why string) provider.Note {
	return provider.Note{Field: "lists", Action: provider.NoteWarning, Why: why}
}

// Joins returns the lists that a change puts the contact on, and stops the memberships
// that keep it off.
func Joins(change provider.ContactChange) (joins []string, stops []provider.Membership) {
	for _, m := range change.Memberships {
		if m.Status.Terminal() {
			stops = append(stops, m)
		} else {
			joins = append(joins, m.List)
		}
	}
	return joins, stops
}

// Numbers reads the ids of lists that are numbers at the provider. They are named lists
// in errors, whatever part of the change they are from.
func Numbers(ids []string) ([]int64, error) {
	refs := make([]provider.Ref, len(ids))
	for i, id := range ids {
		refs[i].ID = id
	}
	return ListIDs(refs)
}

// Suppressions goes through the stops of single kinds of mail. keep gets each and
// returns an error for one that the provider cannot keep. What
// it does not store of a stop is told in notes; reasons says whether it stores reasons.
func Suppressions(
	change provider.ContactChange, reasons bool, keep func(s provider.Suppression) error,
) (notes []provider.Note, err error) {
	for i, s := range change.Suppressed {
		field := fmt.Sprintf("suppressed[%d]", i)
		if err := keep(s); err != nil {
			if e, ok := err.(*provider.Error); ok { //nolint:errorlint // made by keep
				err = e.At(field)
			}
			return notes, err
		}
		if !s.At.IsZero() {
			notes = append(notes, provider.Note{
				Field: field + ".at", Action: provider.NoteDropped, Why: "the provider stores no time given to it",
			})
		}
		if s.Reason != "" && !reasons {
			notes = append(notes, provider.Note{
				Field: field + ".reason", Action: provider.NoteDropped, Why: "the provider stores no reason",
			})
		}
	}
	return notes, nil
}

// NoSuppression is the error for a kind of mail that the provider cannot stop.
func NoSuppression(f provider.Feature, s provider.Suppression) *provider.Error {
	kind := []string{string(s.Channel), string(s.Scope)}
	if s.Sender != "" {
		kind = append(kind, "of one sender")
	}
	return provider.Unsupported(f, "the provider cannot stop %s mail to a contact", strings.Join(kind, " "))
}
