package adapterkit

import (
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/provider"
)

// SuppressLeft adds a suppression of marketing mail when c has left every list that
// is shown, and none is known otherwise. It is for providers that keep consent by
// list.
func SuppressLeft(c *provider.Contact) {
	var left provider.MembershipStatus
	for _, m := range c.Memberships {
		switch {
		case m.Status.Terminal():
			left = m.Status
		case m.Status != provider.StatusRemoved:
			return
		}
	}
	if left != "" && len(c.Suppressed) == 0 {
		c.Suppressed = append(c.Suppressed, provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: provider.Reason(left),
		})
	}
}

// TakeText moves the field with the name out of fields into to, when it is a text or
// a number: vendors send names and phones as either. A field that is nothing is taken
// out too.
func TakeText(fields map[string]any, name string, to *string) {
	switch v := fields[name].(type) {
	case bool, []any, map[string]any:
		if !Nothing(v) {
			return
		}
	case string:
		*to = v
	default:
		text, ok := exact.Text(v)
		if !ok {
			return
		}
		*to = text
	}
	delete(fields, name)
}

// Done returns the receipt of a change that was one call, which ended with err: done,
// with the notes, or unknown beside err.
func Done(err error, notes ...provider.Note) (*provider.ContactReceipt, error) {
	if err != nil {
		return &provider.ContactReceipt{State: provider.ContactUnknown}, err
	}
	return &provider.ContactReceipt{State: provider.ContactDone, Notes: notes}, nil
}

// NoReason returns the note that a reason was dropped because of why; none when there
// is no reason.
func NoReason(reason, why string) []provider.Note {
	if reason == "" {
		return nil
	}
	return []provider.Note{{Field: "reason", Action: provider.NoteDropped, Why: why}}
}
