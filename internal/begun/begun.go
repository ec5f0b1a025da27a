// Package begun tells whoever keeps a journal of sends that a request which may send is
// about to leave. The transport calls it behind the wait for a limit: what has only waited
// was not begun. An error keeps the request back.
package begun

import (
	"context"
	"sync"
)

type key struct{}

// state is what has become of the requests under a context.
type state struct {
	begin func() error
	waits func() // nil when nobody wants to know

	mu    sync.Mutex
	told  bool  // begin was called, and waits not since
	err   error // of begin
	doubt int   // requests that may have sent something
}

// With returns a context under which begin is called before the first request that may
// send, and not before a later one. Its error stands for all requests under the context.
// waits, if not nil, is called when a provider has kept back all requests so far, so that
// nothing was sent; then begin is called again before the next one.
func With(ctx context.Context, begin func() error, waits func()) context.Context {
	return context.WithValue(ctx, key{}, &state{begin: begin, waits: waits})
}

// Call calls begin of ctx, if there is one and it was not called yet, and returns its
// error. A call that comes meanwhile waits for it.
func Call(ctx context.Context) error {
	s, ok := ctx.Value(key{}).(*state)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.told && s.err == nil {
		s.told, s.err = true, s.begin()
	}
	s.doubt++
	return s.err
}

// KeptBack says that a request behind Call provably did nothing and may be made again.
func KeptBack(ctx context.Context) {
	s, ok := ctx.Value(key{}).(*state)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt--; s.doubt == 0 && s.err == nil && s.waits != nil {
		s.told = false
		s.waits()
	}
}

// ByChain is embedded by adapters whose every request goes through internal/httpx, which
// calls Call. For all others the Client calls it before it calls the adapter.
type ByChain struct{}

// begunByChain tells such an adapter from others.
func (ByChain) begunByChain() {}

// Early calls Call unless adapter embeds ByChain.
func Early(ctx context.Context, adapter any) error {
	if _, ok := adapter.(interface{ begunByChain() }); ok {
		return nil
	}
	return Call(ctx)
}
