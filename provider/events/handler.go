package events

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sink takes events over: when it returns nil they are the program's, and the provider
// does not send them again. It is called by several goroutines, and may be called again
// with events that it had, so it stores each by its Account and ID and works later. When it
// returns an error nothing counts as taken.
type Sink func(ctx context.Context, list []Event) error

// Delivery is one request that brought the right secret. It holds nothing of a body.
type Delivery struct {
	Account, Provider, Stream string
	Status                    int // that was answered
	Events                    int
	Old                       int // events of more than seven days ago, which may be replayed
	Took                      time.Duration
	Err                       error // why the provider is to send them again, or the body is of no use
}

// Option is a part of a handler.
type Option func(*handler)

// At gives webhooks of an account a path, "/main"; its name without the first slash is the
// account of their events. Webhooks come to /main, /main/STREAM, and, where the secret
// stands in the path, to /main/SECRET and /main/STREAM/SECRET.
func At(path string, r Receiver) Option {
	return func(h *handler) {
		name := strings.Trim(path, "/")
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part == "." || part == ".." {
				h.problem("%q: expected a path such as /main", path)
				return
			}
		}
		if why := r.problem(); why != "" {
			h.problem("%s: %s", path, why)
			return
		}
		if _, twice := h.accounts[name]; twice {
			h.problem("%s: the path is given twice", path)
			return
		}
		for stream := range r.Streams {
			if slices.ContainsFunc(r.Secrets, func(s secret) bool { return s.Reveal() == stream }) {
				h.problem("%s: a secret is the name of a stream", path)
				return
			}
		}
		h.accounts[name] = account{name: name, Receiver: r, sums: digests(r.Secrets)}
	}
}

// WithJournal calls w with each body before it is read. A program that stores the bodies
// can read them again with a later version of this package, which may understand more of
// them. An error of w counts as one of the sink. Bodies hold addresses.
func WithJournal(w func(account, stream string, body []byte) error) Option {
	return func(h *handler) { h.journal = w }
}

// WithMaxBody is how many bytes a body may have in place of 16 MiB. A larger one is
// answered by 413, which no provider repeats: 500 events need less than 2 MiB.
func WithMaxBody(n int64) Option { return func(h *handler) { h.maxBody = n } }

// WithTimeout is how long the sink may take in place of 10 seconds. Then the provider is
// asked to come again, and the context of the sink ends.
func WithTimeout(d time.Duration) Option { return func(h *handler) { h.timeout = d } }

// WithObserver calls f after each answer to a request with the right secret, in the
// goroutine of the request.
func WithObserver(f func(Delivery)) Option { return func(h *handler) { h.observe = f } }

const (
	mostBody   = 16 << 20
	sinkTime   = 10 * time.Second
	mostBodies = 8 // that are read and worked on at the same time
	again      = "60"
	old        = 7 * 24 * time.Hour
)

type account struct {
	name string
	Receiver
	sums [][sha256.Size]byte
}

type handler struct {
	sink     Sink
	accounts map[string]account
	deepest  int // parts of the longest path of an account
	widest   int // most secrets of one account
	dummy    [][sha256.Size]byte
	journal  func(account, stream string, body []byte) error
	maxBody  int64
	timeout  time.Duration
	observe  func(Delivery)
	slots    chan struct{}
	problems []error
}

func (h *handler) problem(format string, args ...any) {
	h.problems = append(h.problems, fmt.Errorf("events: "+format, args...))
}

// Handler receives webhooks and gives their events to the sink, at least once. What is not
// taken over is answered by 429, the one status after which every provider comes again: at
// Brevo each other failure drops the events for good. A reverse proxy in front must do the
// same while the program restarts, see docs/events.md.
//
// A request without the right secret is answered by 401 and nothing is read of it; whatever
// is wrong with it, an unknown path included, the answer is the same. The time of reading is
// bounded by the ReadTimeout of the http.Server. The error lists all problems of the
// arguments.
func Handler(sink Sink, opts ...Option) (http.Handler, error) {
	h := &handler{
		sink: sink, accounts: map[string]account{}, maxBody: mostBody, timeout: sinkTime, slots: make(chan struct{}, mostBodies),
	}
	for _, opt := range opts {
		opt(h)
	}
	if sink == nil {
		h.problem("expected a sink")
	}
	if len(h.accounts) == 0 && len(h.problems) == 0 {
		h.problem("expected at least one account: events.At(\"/main\", brevo.Receiver(secret)), or FromConfig with accounts that have a webhook_secret")
	}
	if err := errors.Join(h.problems...); err != nil {
		return nil, err
	}
	for _, a := range h.accounts {
		h.deepest = max(h.deepest, strings.Count(a.name, "/")+1)
		h.widest = max(h.widest, len(a.sums))
	}
	h.dummy = make([][sha256.Size]byte, h.widest)
	for i := range h.dummy {
		h.dummy[i] = sha256.Sum256([]byte(rand.Text()))
	}
	return h, nil
}

// find returns the account and the stream of a request, and whether it brought the right
// secret. Whatever is wrong, as many comparisons are made.
func (h *handler) find(r *http.Request) (a account, stream string, ok bool) {
	parts := segments(r.URL)
	known := false
	for n := min(h.deepest, len(parts)); n > 0 && !known; n-- {
		if a, known = h.accounts[strings.Join(parts[:n], "/")]; known {
			parts = parts[n:]
		}
	}
	sums := append(slices.Clip(a.sums), h.dummy[len(a.sums):]...)
	came, inPath := credential(r)
	if right := verify(came, sums); !known || !right {
		return a, "", false
	}
	if inPath && len(parts) > 0 {
		parts = parts[:len(parts)-1] // the secret
	}
	switch len(parts) {
	case 0:
	case 1:
		stream = parts[0]
	default:
		return a, "", false
	}
	_, ok = a.Streams[stream]
	return a, stream, ok
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	a, stream, ok := h.find(r)
	if !ok {
		w.Header().Set("Connection", "close") // what was not read is not read
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	d := Delivery{Account: a.name, Provider: a.Provider, Stream: stream}
	d.Status, d.Err = h.receive(w, r, a, &d)
	if d.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", again)
	}
	if d.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "POST, HEAD")
	}
	w.WriteHeader(d.Status)
	if h.observe != nil {
		d.Took = time.Since(start)
		h.observe(d)
	}
}

var (
	errBusy   = errors.New("events: too many webhooks at a time")
	errLarge  = errors.New("events: the body is too large")
	errBroken = errors.New("events: the body broke off")
)

// receive returns the status of the answer, and the reason of one that is not 200.
func (h *handler) receive(w http.ResponseWriter, r *http.Request, a account, d *Delivery) (int, error) {
	switch r.Method {
	case http.MethodHead:
		return http.StatusOK, nil
	case http.MethodPost:
	default:
		return http.StatusMethodNotAllowed, nil
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return http.StatusTooManyRequests, errBusy
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, errLarge
	}
	if err != nil {
		return http.StatusTooManyRequests, errBroken
	}
	received := time.Now().UTC()
	if h.journal != nil {
		if err := h.within(r.Context(), func(context.Context) error { return h.journal(a.name, d.Stream, body) }); err != nil {
			return http.StatusTooManyRequests, err
		}
	}
	list, err := a.Streams[d.Stream](body)
	switch {
	case errors.Is(err, errTooMany):
		return http.StatusRequestEntityTooLarge, err
	case err != nil:
		return http.StatusBadRequest, err
	case len(list) == 0:
		return http.StatusOK, nil
	}
	for i := range list {
		list[i].Account, list[i].ReceivedAt = a.name, received
		if at := list[i].At; !at.IsZero() && received.Sub(at) > old {
			d.Old++
		}
	}
	d.Events = len(list)
	if err := h.within(r.Context(), func(ctx context.Context) error { return h.sink(ctx, list) }); err != nil {
		return http.StatusTooManyRequests, err
	}
	return http.StatusOK, nil
}

// within calls f for as long as the sink may take. An f that goes on afterwards is left
// alone: its events come again.
func (h *handler) within(ctx context.Context, f func(context.Context) error) error {
	// A provider that hangs up has not taken the answer; what the sink began, it may end.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), h.timeout, errLate)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("events: the sink panicked: %v", p)
			}
		}()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errLate
	}
}

var errLate = errors.New("events: the sink took too long")

// Accounts are the names of the accounts of a handler that Handler made, in alphabetical
// order; nil for any other.
func Accounts(h http.Handler) []string {
	own, ok := h.(*handler)
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(own.accounts))
}
