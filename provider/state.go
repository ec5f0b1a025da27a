package provider

import "slices"

// StateLog gathers states of a mail's recipients from an event log or a list
// and makes a Receipt of them. The order of adding does not matter. The zero
// value is not usable; write StateLog{}.
type StateLog map[string]State

// weight orders states by how much they say; a heavier one replaces a lighter.
var weight = map[State]int{
	StateUnknown: 0, StateAccepted: 1, StateScheduled: 2, StateQueued: 3, StateDeferred: 4,
	StateDelivered: 5, StateOpened: 6, StateClicked: 7,
	StateFailed: 8, StateRefused: 8, StateRejected: 9, StateBounced: 10, StateComplained: 11,
}

// Add notes that the recipient's copy has been in this state.
func (l StateLog) Add(email string, s State) {
	if old, ok := l[email]; !ok || weight[s] > weight[old] {
		l[email] = s
	}
}

// Receipt returns what the log says about the mail, nil when it says nothing.
// Recipients are in alphabetical order. The state of the mail is the worst news
// of any recipient, else the least that is known of all.
func (l StateLog) Receipt(messageID string) *Receipt {
	if len(l) == 0 {
		return nil
	}
	r := &Receipt{MessageID: messageID}
	for email, s := range l {
		r.Recipients = append(r.Recipients, RecipientResult{Email: email, MessageID: messageID, State: s})
		switch {
		case r.State == "":
			r.State = s
		case weight[s] >= weight[StateFailed] || weight[r.State] >= weight[StateFailed]:
			if weight[s] > weight[r.State] {
				r.State = s
			}
		case weight[s] < weight[r.State]:
			r.State = s
		}
	}
	slices.SortFunc(r.Recipients, func(a, b RecipientResult) int {
		if a.Email < b.Email {
			return -1
		}
		return 1
	})
	return r
}
