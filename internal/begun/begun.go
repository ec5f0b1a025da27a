// Package begun tells whoever keeps a journal of sends that a request which may send is
// about to leave. The transport calls it behind the wait for a limit: what has only waited
// was not begun. An error keeps the request back.
package begun

import (
	"context"
	"sync"
)

type key struct{}

// With returns a context under which f is called before the first request that may send,
// and not before a later one. Its error stands for all requests under the context.
func With(ctx context.Context, f func() error) context.Context {
	return context.WithValue(ctx, key{}, sync.OnceValue(f))
}

// Call calls the function of ctx, if there is one and it was not called yet, and returns
// its error. A call that comes meanwhile waits for it.
func Call(ctx context.Context) error {
	f, ok := ctx.Value(key{}).(func() error)
	if !ok {
		return nil
	}
	return f()
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
