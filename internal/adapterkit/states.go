package adapterkit

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
)

// StateLog gathers states of a mail's recipients, by address, from an event log or
// a list, and makes a Receipt of them. The order of adding does not matter. The
// zero value is not usable; write StateLog{}.
type StateLog map[string]provider.State

// Add notes that the recipient's copy has been in this state.
func (l StateLog) Add(email string, s provider.State) {
	if old, ok := l[email]; !ok || s.Over(old) {
		l[email] = s
	}
}

// Receipt returns what the log says about the mail, nil when it says nothing.
// Recipients are in alphabetical order.
func (l StateLog) Receipt(messageID string) *provider.Receipt {
	if len(l) == 0 {
		return nil
	}
	r := &provider.Receipt{MessageID: messageID}
	for email, s := range l {
		r.Recipients = append(r.Recipients, provider.RecipientResult{Email: email, MessageID: messageID, State: s})
		r.State = r.State.With(s)
	}
	slices.SortFunc(r.Recipients, func(a, b provider.RecipientResult) int { return strings.Compare(a.Email, b.Email) })
	return r
}
