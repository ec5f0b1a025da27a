package brevo

import (
	"errors"
	"net/http"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// members are addresses whose membership of a list is to be changed.
type members struct {
	wires   []string // of the addresses, in order
	results []provider.MemberResult
	settled []bool
}

func newMembers(emails []string) (*members, error) {
	wires, err := adapterkit.Wires(emails)
	if err != nil {
		return nil, err
	}
	m := &members{wires: wires, results: make([]provider.MemberResult, len(emails)), settled: make([]bool, len(emails))}
	for i, email := range emails {
		m.results[i].Email = email
	}
	return m, nil
}

func (m *members) settle(i int, e *provider.Error) { m.results[i].Error, m.settled[i] = e, true }

// refuse settles an address with an error of ours.
func (m *members) refuse(i int, err error) {
	e, _ := errors.AsType[*provider.Error](err)
	m.settle(i, e)
}

// open are the indexes that still need a call.
func (m *members) open() []int {
	var out []int
	for i, done := range m.settled {
		if !done {
			out = append(out, i)
		}
	}
	return out
}

// told are the results of the addresses that have one.
func (m *members) told() []provider.MemberResult {
	out := make([]provider.MemberResult, 0, len(m.results))
	for i, done := range m.settled {
		if done {
			out = append(out, m.results[i])
		}
	}
	return out
}

// keysOf are the keys of the addresses of both lists.
func keysOf(lists ...[]flex.Text) map[string]bool {
	out := make(map[string]bool)
	for _, list := range lists {
		for _, email := range list {
			out[mailaddr.Key(string(email))] = true
		}
	}
	return out
}

// change calls the vendor for groups of the open addresses and gives each its
// result. A 400 says that none of the group could be changed.
func (m *members) change(call func(group []string) (*brevoapi.ListChange, error)) ([]provider.MemberResult, error) {
	open := m.open()
	for start := 0; start < len(open); start += membersCall {
		indexes := open[start:min(start+membersCall, len(open))]
		group := make([]string, len(indexes))
		for i, at := range indexes {
			group[i] = m.wires[at]
		}
		answer, err := call(group)
		var refused *provider.Error
		// An answer that cannot be read says of nobody whether they were changed; the other groups go on.
		if err != nil && (!errors.As(err, &refused) || refused.Kind != provider.ErrInvalid && refused.Outcome != provider.OutcomeSent) {
			return m.told(), err
		}
		if err != nil {
			for _, at := range indexes {
				m.settle(at, refused)
			}
			continue
		}
		// The lists stand inside contacts, or at the root in the examples of 2026.
		changed := keysOf(answer.Contacts.Success, answer.Success)
		failed := keysOf(answer.Contacts.Failure, answer.Failure)
		for _, at := range indexes {
			key := mailaddr.Key(m.wires[at])
			switch {
			case failed[key]:
				m.settle(at, &provider.Error{Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: http.StatusCreated, Message: "the provider did not change this address: it is no contact, or stood so already"})
			case changed[key]:
				m.settle(at, nil)
			default:
				m.settle(at, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: http.StatusCreated, Message: "the response names this address neither among the changed nor among the unchanged"})
			}
		}
	}
	return m.results, nil
}
