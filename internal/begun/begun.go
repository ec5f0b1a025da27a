// Package begun tells whoever keeps a journal of sends that a request which may send is
// about to leave. The transport calls it behind the wait for a limit: what has only waited
// was not begun. An error keeps the request back.
package begun

import (
	"context"
	"sync"
	"time"
)

type key struct{}

// state is what has become of the requests under a context.
type state struct {
	begin func(account string) error
	waits func() // nil when nobody wants to know
	each  bool   // begin is called for each account, not once for all
	outer *state // of the context around

	mu       sync.Mutex
	accounts map[string]*sends // by the account; without each all are one, ""
	err      error             // of begin
}

// sends are the requests that one call of begin is for.
type sends struct {
	told  bool // begin was called, and waits not since
	doubt int  // requests that may have sent something
}

// With returns a context under which begin is called before the first request that may
// send, and not before a later one. Its error stands for all requests under the context.
// waits, if not nil, is called when a provider has kept back all requests so far, so that
// nothing was sent; then begin is called again before the next one. Who asked
// by a context around is told behind begin, unless that returned an error.
func With(ctx context.Context, begin func() error, waits func()) context.Context {
	return (&state{begin: func(string) error { return begin() }, waits: waits}).under(ctx)
}

// WithEach is With for who must know the account: begin is called before the first request
// that may send at each account, with its name as configured. The requests that begin and
// waits are about are those at that account. An error of begin stands for all accounts.
func WithEach(ctx context.Context, begin func(account string) error, waits func()) context.Context {
	return (&state{begin: begin, waits: waits, each: true}).under(ctx)
}

func (s *state) under(ctx context.Context) context.Context {
	s.outer, s.accounts = of(ctx), make(map[string]*sends)
	return context.WithValue(ctx, key{}, s)
}

func of(ctx context.Context) *state {
	s, _ := ctx.Value(key{}).(*state)
	return s
}

// Call calls begin of ctx for a request at account, if there is one and it was not called
// yet, and returns its error. A call that comes meanwhile waits for it.
func Call(ctx context.Context, account string) error { return of(ctx).call(account) }

func (s *state) call(account string) error {
	if s == nil {
		return nil
	}
	if err := s.ask(account); err != nil {
		return err
	}
	return s.outer.call(account)
}

func (s *state) ask(account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(account)
	if !at.told && s.err == nil {
		at.told, s.err = true, s.begin(account)
	}
	at.doubt++
	return s.err
}

// at returns the requests at account; s.mu is held.
func (s *state) at(account string) *sends {
	if !s.each {
		account = ""
	}
	if s.accounts[account] == nil {
		s.accounts[account] = new(sends)
	}
	return s.accounts[account]
}

// KeptBack says that a request behind Call provably did nothing and may be made again.
func KeptBack(ctx context.Context, account string) { of(ctx).keptBack(account) }

func (s *state) keptBack(account string) {
	if s == nil {
		return
	}
	defer s.outer.keptBack(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(account)
	if at.doubt--; at.doubt == 0 && s.err == nil && s.waits != nil {
		at.told = false
		s.waits()
	}
}

// ByChain is embedded by adapters whose every request goes through internal/httpx, which
// calls Call. For all others the Client calls it before it calls the adapter.
type ByChain struct{}

// begunByChain tells such an adapter from others.
func (ByChain) begunByChain() {}

// Early calls Call, and keeps to NotAfter, unless adapter embeds ByChain.
func Early(ctx context.Context, adapter any, account string) error {
	if _, ok := adapter.(interface{ begunByChain() }); ok {
		return nil
	}
	if t := Until(ctx); !t.IsZero() && !time.Now().Round(0).Before(t.Round(0)) {
		return ErrOver
	}
	return Call(ctx, account)
}
