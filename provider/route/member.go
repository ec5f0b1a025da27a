package route

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

const (
	window       = time.Minute // failures are counted over
	bucket       = 10 * time.Second
	leastSends   = 10
	inARow       = 3 // failed sends, whatever the time between
	openFor      = 30 * time.Second
	authPause    = time.Minute
	noCreditWait = 15 * time.Minute
	stallAfter   = 3 * time.Second

	// A member stays open twice as long after each probe that fails, up to a bound by what
	// the probe cost: nothing when the mail provably did not leave.
	longestAfterCheck   = 2 * time.Minute
	longestAfterUnknown = 15 * time.Minute

	askFor   = 5 * time.Second // bound of a check before a send
	askEvery = time.Minute     // after unknown outcomes; before a probe always
	trustFor = 6 * time.Hour   // checks that fail alone, and then a mail is the probe
)

// member is a Client and the state of its health. No lock is held while it sends.
type member struct {
	client  *provider.Client
	index   int
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]

	mu        sync.Mutex
	pause     State     // open, unauthorized, no_credit, rate_limited, or empty
	until     time.Time // end of the pause, or the time of the next probe
	pauseWhy  string
	hold      time.Duration // of the last pause open; 0 after a success
	probing   bool          // the probe after a pause open is under way
	row       int           // failed sends since the last success
	doubt     bool          // the outcome of a send is unknown; a check tells more
	asking    bool          // a check is under way
	asked     time.Time     // when the last one began
	trusted   time.Time     // since when only checks are probes
	epoch     int           // counts pauses: an older success does not end a newer pause
	openUntil time.Time     // end of the breaker's own open, as far as was seen
	faultWhy  string
	running   runningSends
	reported  State // last state that was reported
}

func newMember(c *provider.Client, index int) *member {
	m := &member{client: c, index: index, reported: StateReady}
	m.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Interval: window, BucketPeriod: bucket, Timeout: openFor, MaxRequests: 1,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			settled := n.TotalSuccesses + n.TotalFailures
			return settled >= leastSends && n.TotalFailures*2 >= settled
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNoVerdict) },
	})
	return m
}

// The results of a send for the breaker; nil is a success.
var (
	errNoVerdict = errors.New("no result about the provider")
	errFault     = errors.New("the provider's fault")
)

// permit is the permission for one send.
type permit struct {
	done      func(error)
	epoch     int
	openUntil time.Time // of the member, when the send began
	send      *runningSend
	probe     bool // the first send after a pause open
	ask       bool // make a check before the send
}

// change is a change of state that the hook has not been called for.
type change struct {
	from, to State
	why      string
}

// admit permits a send, or returns the reason against it.
func (m *member) admit() (permit, *provider.Error, change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.paused(now) {
		return permit{}, m.blocked(now), change{}
	}
	done, err := m.breaker.Allow()
	if err != nil {
		return permit{}, m.blocked(now), m.observe()
	}
	switch m.pause {
	case StateRateLimited:
		m.pause = ""
	case StateUnauthorized:
		m.until = now.Add(authPause) // this send is the probe
	case StateNoCredit:
		m.until = now.Add(noCreditWait)
	}
	p := permit{
		done: done, epoch: m.epoch, openUntil: m.openUntil, send: m.running.begin(now),
		probe: m.pause == StateOpen,
	}
	m.probing = m.probing || p.probe
	if p.ask = m.unsure(p, now) && !m.asking && m.client.Has(feature.Check); p.ask {
		m.asking, m.asked = true, now
	}
	return p, nil, m.observe()
}

// unsure reports whether a check is made before a send; the lock is held. When checks alone
// have failed for long, a mail is the probe: it may be the check that does not work.
func (m *member) unsure(p permit, now time.Time) bool {
	if p.probe && now.Sub(m.trusted) >= trustFor {
		m.trusted = now
		return false
	}
	return p.probe || m.breaker.State() == gobreaker.StateHalfOpen || m.doubt && now.Sub(m.asked) >= askEvery
}

// paused reports whether no send is permitted; the lock is held.
func (m *member) paused(now time.Time) bool {
	return m.pause != "" && now.Before(m.until) || m.pause == StateOpen && m.probing
}

// abandon ends a send that has no result.
func (m *member) abandon(p permit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over(p, errNoVerdict)
}

// over ends a send that was permitted; the lock is held.
func (m *member) over(p permit, verdict error) {
	m.count(p, verdict)
	m.running.end(p.send, verdict == nil)
	if p.probe {
		m.probing = false
	}
	if p.ask {
		m.asking = false
	}
}

// ask checks a member of which it is not known whether it works, before a mail is spent on
// it. It returns the reason against the send, which is then over.
func (m *member) ask(ctx context.Context, p permit) (*provider.Error, change) {
	bounded, cancel := context.WithTimeout(ctx, askFor)
	_, err := m.client.Check(bounded)
	cancel()
	if ctx.Err() != nil {
		return nil, change{} // nothing was learned, and the send will not be made
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asking = false
	e, _ := errors.AsType[*provider.Error](err)
	if e == nil || e.Kind != provider.ErrUnavailable {
		m.doubt = false // it works, or a check cannot tell: the key may be for sending alone
		return nil, m.observe()
	}
	now := time.Now()
	m.over(p, errFault)
	m.shut(now, longestAfterCheck, "a check failed after a send that failed: "+inWords(e))
	return m.blocked(now), m.observe()
}

// shut opens the breaker by hand; the lock is held.
func (m *member) shut(now time.Time, longest time.Duration, words string) {
	if m.hold == 0 {
		m.trusted = now
	}
	m.hold = max(openFor, min(2*m.hold, longest))
	m.extendPause(StateOpen, now.Add(m.hold), words)
}

// finish records the result of a send that was permitted.
func (m *member) finish(ctx context.Context, p permit, err error) change {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e *provider.Error
	errors.As(err, &e)
	verdict := errNoVerdict
	switch {
	case err == nil:
		verdict = nil
	case fault(ctx, e):
		verdict = errFault
		m.faultWhy = inWords(e)
	}
	m.over(p, verdict)
	now := time.Now()
	if m.breaker.State() == gobreaker.StateOpen && !m.openUntil.After(now) {
		m.openUntil = now.Add(openFor)
	}
	why, wait := pauseFor(e)
	switch {
	case why != "":
		m.extendPause(why, now.Add(wait), inWords(e))
	case p.epoch != m.epoch: // it began before the last pause did
	case err == nil:
		m.pause, m.hold, m.row, m.doubt = "", 0, 0, false
	case errors.Is(verdict, errFault):
		m.failed(now, p, e)
	}
	return m.observe()
}

// failed records a send that failed at the provider; the lock is held.
func (m *member) failed(now time.Time, p permit, e *provider.Error) {
	m.row++
	longest := openFor
	if e.Outcome == provider.OutcomeMaybeSent {
		m.doubt, longest = true, longestAfterUnknown
	}
	if m.row >= inARow || p.probe {
		m.shut(now, longest, fmt.Sprintf("%d sends in a row failed, the last: %s", m.row, inWords(e)))
	}
}

// count gives the result of a send to the breaker, as one of now; the lock is held. By
// itself the breaker counts it at the time at which the send began, and so not at all when
// that took longer than its window: four connections that hang for 15 s do. What began
// before the member was open for the last time says nothing about it.
func (m *member) count(p permit, verdict error) {
	done := p.done
	if p.epoch != m.epoch {
		verdict = errNoVerdict
	}
	if m.breaker.State() == gobreaker.StateClosed && p.openUntil.Equal(m.openUntil) {
		if now, err := m.breaker.Allow(); err == nil {
			p.done(errNoVerdict)
			done = now
		}
	}
	done(verdict)
}

// extendPause begins a pause, or makes it longer. Late results of an older failure do not
// shorten it.
func (m *member) extendPause(why State, until time.Time, words string) {
	if m.pause == "" {
		m.epoch++
		m.until = time.Time{}
	}
	if until.After(m.until) {
		m.pause, m.until, m.pauseWhy = why, until, words
	}
}

// fault reports whether a send failed on the provider's side: no connection, an
// interrupted one, or a server error. Refusals, limits and canceled calls do not
// count.
func fault(ctx context.Context, e *provider.Error) bool {
	if e == nil || answered(e) || errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	switch e.Kind {
	case provider.ErrUnavailable, provider.ErrOutcomeUnknown:
		return true
	case provider.ErrBadResponse:
		return e.Outcome == provider.OutcomeMaybeSent
	}
	return false
}

// pauseFor returns the pause that an error demands.
func pauseFor(e *provider.Error) (State, time.Duration) {
	switch {
	case e == nil, e.Kind == provider.ErrBadResponse: // not the provider's word, whatever the status
	case e.Kind == provider.ErrNoCredit:
		return StateNoCredit, noCreditWait
	case e.Kind == provider.ErrRateLimited && e.RetryAfter > 0 && e.Status != 0: // not our own limit
		return StateRateLimited, e.RetryAfter
	case e.Kind == provider.ErrUnauthorized, e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return StateUnauthorized, authPause
	}
	return "", 0
}

// inWords describes an error without the provider's text, which may contain
// addresses.
func inWords(e *provider.Error) string {
	if e.Status != 0 {
		return fmt.Sprintf("%s, status %d", e.Kind.Error(), e.Status)
	}
	return e.Kind.Error()
}

// ready reports whether a send may be permitted now. It is no promise: a probe may
// be running.
func (m *member) ready() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused(time.Now()) {
		return false
	}
	return m.breaker.State() != gobreaker.StateOpen
}

// stalled reports whether others should get mail first.
func (m *member) stalled() (bool, change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asking || m.running.stalled(time.Now()), m.observe()
}

// blocked returns the error of a send that was not permitted; the lock is held.
func (m *member) blocked(now time.Time) *provider.Error {
	e := &provider.Error{
		Kind: provider.ErrUnavailable, Provider: m.client.Provider(), Account: m.client.Account(), Op: "send",
		Outcome: provider.OutcomeNotSent, Elsewhere: true, RetryAfter: max(m.openUntil.Sub(now), 0),
		Message: "not tried: too many sends failed (" + m.faultWhy + ")",
	}
	if !m.paused(now) {
		return e
	}
	e.RetryAfter, e.Message = max(m.until.Sub(now), 0), "not tried: it pauses after "+m.pauseWhy
	if m.pause == StateOpen {
		e.Message = "not tried: " + m.pauseWhy
	}
	switch m.pause {
	case StateUnauthorized:
		e.Kind = provider.ErrUnauthorized
	case StateNoCredit:
		e.Kind = provider.ErrNoCredit
	case StateRateLimited:
		e.Kind = provider.ErrRateLimited
	}
	return e
}
