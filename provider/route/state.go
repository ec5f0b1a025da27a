package route

import (
	"time"

	"github.com/sony/gobreaker/v2"
)

// State is the state of a member of a route.
type State string

// The states of a member; the package comment states the conditions.
const (
	StateReady        State = "ready"        // gets mail
	StateStalled      State = "stalled"      // its sends do not end; others get mail first
	StateOpen         State = "open"         // gets no mail: too many of its sends failed
	StateProbing      State = "probing"      // after open: gets one send at a time
	StateUnauthorized State = "unauthorized" // its credentials are refused; one send a minute
	StateNoCredit     State = "no_credit"    // credit or quota is used up
	StateRateLimited  State = "rate_limited" // the provider asked to wait
)

// MemberState is the state of a member and its reason.
type MemberState struct {
	Provider string    `json:"provider"`
	Account  string    `json:"account"`
	State    State     `json:"state"`
	Until    time.Time `json:"until,omitzero"` // when it gets mail again, or a probe
	Why      string    `json:"why,omitempty"`
}

const windowWords = "half of the sends of the last minute failed, the last: "

func (m *member) state() MemberState {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := MemberState{Provider: m.client.Provider(), Account: m.client.Account(), State: m.now()}
	switch s.State {
	case StateReady:
	case StateStalled:
		s.Why = stallWords
	case StateOpen, StateProbing:
		s.Until, s.Why = m.openUntil, windowWords+m.faultWhy
		if m.pause == StateOpen {
			s.Until, s.Why = m.until, m.pauseWhy
		}
	default:
		s.Until, s.Why = m.until, m.pauseWhy
	}
	return s
}

// now returns the state; the lock is held.
func (m *member) now() State {
	switch {
	case m.pause == StateRateLimited && !time.Now().Before(m.until):
	case m.pause == StateOpen && (m.probing || !time.Now().Before(m.until)):
		return StateProbing
	case m.pause != "":
		return m.pause
	}
	switch m.breaker.State() {
	case gobreaker.StateOpen:
		return StateOpen
	case gobreaker.StateHalfOpen:
		return StateProbing
	}
	if m.running.stalled(time.Now()) {
		return StateStalled
	}
	return StateReady
}

// observe returns the change since it was last called; the lock is held.
func (m *member) observe() change {
	c := change{from: m.reported, to: m.now()}
	m.reported = c.to
	switch c.to {
	case StateReady:
		c.why = "works again"
	case StateStalled:
		c.why = stallWords
	case StateOpen:
		if c.why = m.pauseWhy; m.pause != StateOpen {
			c.why = windowWords + m.faultWhy
		}
	case StateProbing:
		c.why = "one send is made as a probe"
	default:
		c.why = m.pauseWhy
	}
	return c
}
