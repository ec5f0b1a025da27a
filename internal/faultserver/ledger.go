package faultserver

import (
	"fmt"
	"regexp"
	"sync"
)

// ID is the text that a test puts into the body of its request n.
func ID(n int) string { return fmt.Sprintf("fault-id-%08d", n) }

var idPattern = regexp.MustCompile(`fault-id-\d{8}`)

// Ledger is the ground truth. Bodies without an id count under the empty text.
type Ledger struct {
	mu                 sync.Mutex
	received, accepted map[string]int
	keys               map[string]bool
}

// Received tells how often a request with this id arrived whole.
func (l *Ledger) Received(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received[id]
}

// Accepted tells how often it was carried out.
func (l *Ledger) Accepted(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted[id]
}

// Total is the number of requests that arrived whole.
func (l *Ledger) Total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, times := range l.received {
		n += times
	}
	return n
}

// count enters a whole request. known says that its key was used before: then
// it is not carried out again.
func (l *Ledger) count(body []byte, key string, refuse bool) (known bool) {
	id := string(idPattern.Find(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.received == nil {
		l.received, l.accepted, l.keys = map[string]int{}, map[string]int{}, map[string]bool{}
	}
	l.received[id]++
	if key != "" && l.keys[key] {
		return true
	}
	if !refuse {
		l.accepted[id]++
		if key != "" {
			l.keys[key] = true
		}
	}
	return false
}

// enter counts a whole request and returns the fault that is left for its answer.
func (s *Server) enter(body []byte, fault Fault) Fault {
	key := ""
	if s.cfg.Key != nil {
		key = s.cfg.Key(body)
	}
	if s.count(body, key, fault.Refuse) && !fault.Refuse {
		return known(fault, s.cfg.Duplicate)
	}
	switch fault.Kind {
	case CloseAtAccept, Cut, Reset: // its byte never came
		return Fault{}
	}
	return fault
}

// known is the fault of a repeat under a key: one that hides the answer hides
// this one too.
func known(fault Fault, duplicate Reply) Fault {
	switch fault.Kind {
	case Silence, HalfStatus, ResetAnswer, Late:
		return fault
	case Status:
		if fault.Reply.Status >= 500 {
			return fault
		}
	}
	return Fault{Kind: Status, Reply: duplicate}
}
