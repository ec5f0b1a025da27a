//go:build unix

package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
)

// history is what was seen of messages while processes were killed: reads, with the times of
// their begin and end.
type history struct {
	mu     sync.Mutex
	recent []int // numbers of mails that were enqueued lately
	reads  map[int][]porcupine.Operation
}

// recentReads is of how many of the latest mails the readers choose.
const recentReads = 60

func (h *history) tried(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) >= recentReads {
		h.recent = h.recent[1:]
	}
	h.recent = append(h.recent, n)
}

// read reads messages until ctx ends.
func (h *history) read(ctx context.Context, s *Store) {
	for ctx.Err() == nil {
		pause(ctx, time.Duration(1+rand.IntN(5))*time.Millisecond)
		h.mu.Lock()
		n := -1
		if len(h.recent) > 0 {
			n = h.recent[rand.IntN(len(h.recent))]
		}
		h.mu.Unlock()
		if n < 0 {
			continue
		}
		op := porcupine.Operation{Input: seen{op: "read"}, Call: time.Now().UnixNano()}
		e, err := s.Get(ctx, keyedID("crash", fmt.Sprint("key-", n)))
		op.Return = time.Now().UnixNano()
		switch known, _ := asProviderError(err); {
		case err == nil:
			op.Output = seen{op: "read", state: e.State, attempt: e.Attempt}
		case known != nil && known.Kind.Error() == "not found":
			op.Output = seen{op: "read"}
		default:
			continue // the database is away
		}
		h.mu.Lock()
		h.reads[n] = append(h.reads[n], op)
		h.mu.Unlock()
	}
}

// seen is an operation on a message, and the state of the model.
type seen struct {
	op      string // enqueue, read, end or mail
	keyed   bool
	state   State // "" : there is none
	attempt int
	mailed  bool
}

// messageModel is a message as a register: what may be seen of it after what was seen.
var messageModel = porcupine.Model{
	Init: func() any { return seen{} },
	Step: func(state, input, output any) (bool, any) {
		s, in := state.(seen), input.(seen)
		switch in.op {
		case "enqueue":
			if s.state == "" {
				s.state = Queued
			}
			return true, s
		case "end": // a worker was told that this is stored
			if s.state == "" || s.state.Ended() {
				return s.state == in.state, s
			}
			s.state = in.state
			return true, s
		case "mail":
			// The intent was stored before, and no second mail leaves.
			if s.mailed || s.state == "" || s.state == Refused || s.state == Dead {
				return false, s
			}
			s.mailed = true
			if !in.keyed && (s.state == Queued || s.state == Leased) {
				if s.state == Queued {
					s.attempt++
				}
				s.state = Sending
			}
			return true, s
		}
		got := output.(seen)
		if !s.leadsTo(got) {
			return false, s
		}
		s.state, s.attempt = got.state, got.attempt
		return true, s
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v %+v", input, output) },
}

// leadsTo reports whether a message in s may be in got later, by steps that nobody saw.
func (s seen) leadsTo(got seen) bool {
	switch {
	case s.state == got.state && (s.attempt == got.attempt || s.state.Ended() && s.attempt < got.attempt):
		return true // an end is told without the number of its attempt
	case s.state == "" || got.state == "" || s.state.Ended() || got.attempt < s.attempt:
		return false
	case s.mailed && (got.state == Refused || got.state == Dead):
		return false
	case got.attempt > s.attempt: // by a claim, from queued
		return s.state != Unknown || s.mailed
	}
	switch s.state {
	case Queued: // late truth
		return got.state == Accepted || got.state == Unknown || got.state == Dead
	case Leased:
		return true
	case Sending:
		return got.state != Leased || !s.mailed
	case Unknown:
		return got.state == Accepted || got.state == Queued || got.state == Refused
	}
	return false
}

// check builds the history of each message and checks it. It returns the number of messages
// and operations.
func (h *history) check(t testing.TB, c *crash) (messages, operations int) {
	lists := h.reads
	add := func(n int, op porcupine.Operation) {
		if _, ok := lists[n]; ok { // only of what was read
			lists[n] = append(lists[n], op)
		}
	}
	numbers := make(map[string]int)
	begun, stored := make(map[int]int64), make(map[int]bool)
	for _, line := range c.events {
		word := strings.Fields(line)
		switch word[0] {
		case "try":
			n, at := number(word[1]), stamp(word[2])
			if first, ok := begun[n]; !ok || at < first {
				begun[n] = at
			}
		case "ok":
			n := number(word[1])
			numbers[word[2]] = n
			if !stored[n] {
				stored[n] = true
				add(n, porcupine.Operation{Input: seen{op: "enqueue"}, Output: seen{}, Call: begun[n], Return: stamp(word[3])})
			}
		}
	}
	for _, line := range c.events {
		word := strings.Fields(line)
		if word[0] != "state" || !State(word[2]).Ended() {
			continue
		}
		if n, ok := numbers[word[1]]; ok {
			add(n, porcupine.Operation{Input: seen{op: "end", state: State(word[2])}, Output: seen{}, Call: begun[n], Return: stamp(word[3])})
		}
	}
	for n := range lists {
		for _, at := range c.vendor.times[crashSubject(n)] {
			add(n, porcupine.Operation{Input: seen{op: "mail", keyed: crashAccount(n) == "keyed"}, Output: seen{}, Call: at, Return: at})
		}
	}
	for n, list := range lists {
		messages++
		operations += len(list)
		for i := range list {
			list[i].ClientId = i
		}
		if r := porcupine.CheckOperationsTimeout(messageModel, list, 10*time.Second); r != porcupine.Ok {
			var text strings.Builder
			for _, op := range list {
				fmt.Fprintf(&text, "\n%d–%d %+v %+v", op.Call-begun[n], op.Return-begun[n], op.Input, op.Output)
			}
			t.Errorf("%s has no possible order (%s):%s", crashSubject(n), r, text.String())
		}
	}
	return messages, operations
}

func stamp(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err) // a process of the test wrote it
	}
	return n
}

// A history that must not be is found.
func TestHistoryFindsFaults(t *testing.T) {
	read := func(at int64, state State, attempt int) porcupine.Operation {
		return porcupine.Operation{Input: seen{op: "read"}, Output: seen{op: "read", state: state, attempt: attempt}, Call: at, Return: at + 1}
	}
	enqueued := porcupine.Operation{Input: seen{op: "enqueue"}, Output: seen{}, Call: 0, Return: 10}
	mailAt := func(at int64) porcupine.Operation {
		return porcupine.Operation{Input: seen{op: "mail"}, Output: seen{}, Call: at, Return: at}
	}
	ended := porcupine.Operation{Input: seen{op: "end", state: Accepted}, Output: seen{}, Call: 0, Return: 40}
	for _, row := range []struct {
		name string
		list []porcupine.Operation
		want bool
	}{
		{name: "as it should be", list: []porcupine.Operation{enqueued, read(12, Queued, 0), read(20, Leased, 1), mailAt(30), read(32, Sending, 1), ended, read(50, Accepted, 1)}, want: true},
		{name: "killed", list: []porcupine.Operation{enqueued, read(20, Sending, 1), mailAt(30), read(50, Unknown, 1)}, want: true},
		{name: "lost", list: []porcupine.Operation{enqueued, read(20, "", 0)}},
		{name: "a result is lost", list: []porcupine.Operation{enqueued, ended, read(50, Sending, 1)}},
		{name: "an attempt goes back", list: []porcupine.Operation{enqueued, read(20, Leased, 2), read(30, Queued, 1)}},
		{name: "two mails", list: []porcupine.Operation{enqueued, mailAt(20), mailAt(30)}},
		{name: "the intent comes after the mail", list: []porcupine.Operation{enqueued, mailAt(20), read(30, Leased, 1)}},
		{name: "unknown is left by a program", list: []porcupine.Operation{enqueued, read(20, Unknown, 1), read(30, Leased, 2)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, porcupine.CheckOperations(messageModel, row.list))
		})
	}
}
