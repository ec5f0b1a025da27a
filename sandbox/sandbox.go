// Package sandbox imitates the vendors on loopback, so that a program can
// be tested, or shown, without an account anywhere.
//
// Each fake keeps state: a mail that was accepted can be looked up, a contact that
// was stored is found again, a key against double sending is remembered. Every
// request is checked against the curated spec of the vendor, and so is every
// response of the fake itself; each deviation is a [Violation]. Strict, as by default, a
// request that deviates is refused; [Lenient] takes what the vendors' servers take.
//
//	func TestOrderMail(t *testing.T) {
//		sb := sandbox.New(t) // closed, and asked for violations, at the end of the test
//		client, err := all.Open(t.Context(), sb.Config())
//		...
//		sb.Fail("brevo", sandbox.Fault{Status: 503, After: true}) // accepted, response lost
//		...
//		mails := sb.Messages("brevo")
//	}
//
// A browser shows the mails at the [Server.URL], each beside the request in which it came;
// programs in other languages use the control API there: docs/sandbox.md.
//
// The fakes imitate documented behaviour, also where it is bad: errors with status
// 200, numbers as text, no id after a duplicate. They send nothing and fetch no URLs. They
// call webhooks on loopback and nowhere else, when a test says so; see
// [Server.DeliverEvents]. Where a vendor's behaviour is not known, a comment in the fake
// states the assumption.
//
// What becomes of a mail is told by the local part of its recipient, with any suffix
// behind a plus sign: bounce, soft, defer, block, invalid, error, complain, open, proxyopen,
// click, unsub. Every other address gets its mail. SMS.by and single mail of new.pakat.net
// tell less: there only bounce counts.
package sandbox

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
)

// TB is the part of testing.TB that New needs. It is declared here so that
// programs with a built-in sandbox do not link package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Server is a running sandbox. It keeps requests and mails until Reset, up to MaxKept and
// MaxKeptBytes. Its methods are safe for concurrent use; those that take a provider panic
// when there is no such provider.
type Server struct {
	listener net.Listener
	http     *http.Server
	served   chan struct{}  // closed when the listener's goroutine is done
	conns    sync.WaitGroup // open connections

	mu         sync.Mutex // guards the fields below and the stores
	states     map[string]*state
	seq        int64         // counts mails over all providers
	ahead      time.Duration // sum of the arguments of Advance
	requests   kept[Request]
	violations []Violation
	bound      bound         // of requests, and of the mails of each provider
	past       kept[past]    // the newest violations, told or not
	current    *exchange     // the request that is being carried out
	changed    chan struct{} // closed, and another made, at each change of mails or of the clock
	changes    int64         // counts the changes that are no new mail
	resets     int

	hooks Hooks
	logs  Logs
	calls kept[delivery] // the newest calls of webhooks

	lenient bool // set at the start, like the next
	odd     bool
	hosts   []string
	own     http.Handler  // page and control API
	push    chan struct{} // nil: webhooks are called by DeliverEvents only
	pushed  chan struct{} // closed when the goroutine of push is done
	stop    context.CancelFunc
}

// Option changes how a sandbox behaves.
type Option func(*Server)

// Lenient makes the fakes take what the vendors' servers take beyond their descriptions,
// where programs in use rely on it; see [Habits]. What was taken is listed among the
// violations, with Taken set, and fails no test.
func Lenient() Option { return func(s *Server) { s.lenient = true } }

// OddAnswers makes the fakes write ids and numbers as text, and texts as numbers, at
// places where the vendors do now the one and now the other, and times in a second
// layout. Without it each value has one form.
func OddAnswers() Option { return func(s *Server) { s.odd = true } }

// AllowHosts adds names, like sandbox.example, under which requests may ask the sandbox
// beside those of this machine; see [Server.ServeHTTP]. A program needs it that serves a
// sandbox on a network, where everybody can then read the mail in it.
func AllowHosts(names ...string) Option {
	return func(s *Server) {
		for _, name := range names {
			s.hosts = append(s.hosts, strings.ToLower(name))
		}
	}
}

// state is the state of one provider.
type state struct {
	vendor
	store    *store
	fake     fake
	handlers map[string]handler
	faults   []Fault
}

// New starts a sandbox for a test. It is closed when the test ends; requests and
// responses that broke a spec then fail the test, unless the test has read them
// with Violations, and so do faults that never fired.
//
// A sandbox is strict unless [Lenient] is given: a request that the vendor's description
// does not allow is refused.
func New(t TB, options ...Option) *Server {
	t.Helper()
	s, err := Start("127.0.0.1:0", options...)
	if err != nil {
		t.Fatalf("sandbox: %v", err)
		return nil
	}
	t.Cleanup(func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Errorf("sandbox: %v", err)
		}
		for _, v := range s.Violations() {
			if !v.Taken {
				t.Errorf("sandbox: %s", v)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.states)) {
			for _, f := range s.Faults(name) {
				t.Errorf("sandbox: %s: a fault never fired (operation %q, status %d)", name, f.Operation, f.Status)
			}
		}
	})
	return s
}

// Start starts a sandbox that listens on addr, like "127.0.0.1:25689". Addresses
// other than loopback are an error: anybody who reaches a fake can read the mail in
// it.
func Start(addr string, options ...Option) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if !vendorurl.LoopbackHost(host) {
		return nil, fmt.Errorf(
			"the sandbox listens on loopback addresses only, such as 127.0.0.1, not on %q", host,
		)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	// The machine may resolve localhost to another address.
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("%q is not a loopback address on this machine", host)
	}
	s := &Server{
		listener: listener, served: make(chan struct{}), states: map[string]*state{},
		bound: bound{MaxKept, MaxKeptBytes}, changed: make(chan struct{}),
	}
	for _, option := range options {
		option(s)
	}
	for _, v := range vendors {
		s.states[v.name] = s.newState(v)
	}
	s.own = s.ownMux()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ConnState: s.countConns}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener)
	}()
	if s.push != nil {
		ctx, stop := context.WithCancel(context.Background())
		s.pushed, s.stop = make(chan struct{}), stop
		go s.pushes(ctx)
	}
	return s, nil
}

// countConns lets Close wait for the goroutines of connections.
func (s *Server) countConns(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Close stops the sandbox, cuts open connections and waits until its goroutines are
// done. Recorded mails and requests stay readable.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
		<-s.pushed
	}
	err := s.http.Close()
	<-s.served
	// A connection accepted while the first call ran may have slipped through.
	_ = s.http.Close()
	s.conns.Wait()
	return err
}

// Providers returns the names of the fakes. Brevo's tracker is not among them:
// it is a second host of Brevo, "brevotracker" to BaseURL, Key, Requests and Fail.
func Providers() []string {
	names := make([]string, 0, len(vendors))
	for _, v := range vendors {
		if v.partOf == "" {
			names = append(names, v.name)
		}
	}
	return names
}

// URL returns the address of the sandbox, like http://127.0.0.1:40123. A browser finds the
// page of its mails there, programs the control API under /_postmux/v1.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// BaseURL returns the base_url setting that leads to a fake, for example
// http://127.0.0.1:40123/brevo/v3.
func (s *Server) BaseURL(provider string) string {
	return s.URL() + s.state(provider).prefix
}

// Key returns the credential that a fake accepts: the API key, the client
// secret of SendPulse, the token of SMS.by. It is no secret.
func Key(provider string) string {
	for _, v := range vendors {
		if v.name == provider {
			return v.key
		}
	}
	return ""
}

// Config returns a configuration with an account for every fake, named after the
// provider. The default is brevo.
func (s *Server) Config() provider.Config {
	cfg := provider.Config{Default: "brevo", Providers: make(map[string]provider.AccountConfig)}
	for _, v := range vendors {
		if v.partOf != "" {
			continue
		}
		settings := v.settings
		if settings == nil {
			settings = apiKey
		}
		a := provider.AccountConfig(settings(v.key, s.BaseURL))
		a["provider"], a["base_url"] = v.name, s.BaseURL(v.name)
		a["from"] = provider.Address{Email: defaultFrom.Email, Name: defaultFrom.Name}
		cfg.Providers[v.name] = a
	}
	return cfg
}

// Advance moves the clock of the sandbox ahead: tokens expire, scheduled mail
// goes out, keys against double sending are forgotten, delayed answers come.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	s.stale()
}

// touch wakes whoever waits for a change; s.mu is held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// stale is touch for a change that is no new mail: a list of mails is out of date then.
func (s *Server) stale() {
	s.changes++
	s.touch()
}

// now returns the time of the sandbox; s.mu is held.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead).UTC() }

// Reset removes all mails, contacts, requests, faults, violations and the effect of
// Advance, and restores the initial state of the fakes.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.ahead, s.requests, s.violations, s.past = 0, 0, kept[Request]{}, nil, kept[past]{}
	s.hooks, s.logs, s.calls = Hooks{}, Logs{}, kept[delivery]{}
	s.resets++
	s.stale()
	for name, st := range s.states {
		s.states[name] = s.newState(st.vendor)
	}
}

func (s *Server) newState(v vendor) *state {
	st := &state{vendor: v, store: newStore(s, v.name)}
	st.fake = v.open(st.store)
	st.handlers = st.fake.handlers()
	return st
}

// state returns the state of a provider.
func (s *Server) state(provider string) *state {
	st, ok := s.states[provider]
	if !ok {
		panic(
			fmt.Sprintf(
				"sandbox: no provider is called %q; there are %s", provider,
				strings.Join(Providers(), ", "),
			),
		)
	}
	return st
}

// Violation is a request or a response that the curated spec does not allow, or a
// request for an operation that it does not have.
type Violation struct {
	Provider  string `json:"provider"`
	Operation string `json:"operation"` // operationId; empty when there is none
	What      string `json:"what"`
	// Taken is set when a lenient sandbox carried the request out all the same; What has
	// the names of [Habits] then.
	Taken bool `json:"taken,omitempty"`
}

func (v Violation) String() string {
	text := strings.TrimSpace(v.Provider+" "+v.Operation) + ": " + v.What
	if v.Taken {
		text += " (taken)"
	}
	return text
}

// Violations returns the violations since the last call and removes them.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.violations
	s.violations = nil
	return out
}

// Requests returns the requests to a provider, in order of arrival; see Dropped.
func (s *Server) Requests(provider string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider)
	return slices.DeleteFunc(
		slices.Clone(s.requests.items), func(r Request) bool { return r.Provider != provider },
	)
}

// Messages returns the mail accepted by the given providers, or by all, in
// order of acceptance; see Dropped.
func (s *Server) Messages(providers ...string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(providers) == 0 {
		providers = Providers()
	}
	var found []*mail
	for _, name := range providers {
		found = append(found, s.state(name).store.mails.items...)
	}
	slices.SortFunc(found, func(a, b *mail) int { return int(a.seq - b.seq) })
	out := make([]Mail, len(found))
	for i, m := range found {
		out[i] = m.Mail
	}
	return out
}

// Contacts returns the contacts of a provider, in the order in which they were
// added. First name, last name and phone number are in their own fields, everything
// else is in Fields under the vendor's names.
func (s *Server) Contacts(provider string) []provider.Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state(provider).store.contactViews()
}
