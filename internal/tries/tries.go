// Package tries counts the HTTP requests of an operation and what it has waited for, for
// the hook that is called at its end. The transport adds, the Client reads.
package tries

import (
	"context"
	"sync"
	"time"
)

type key struct{}

// Sum is what the requests of one operation took. The zero value is ready for use.
type Sum struct {
	mu              sync.Mutex
	outer           *Sum // of the route that the operation belongs to, or nil
	tries           int
	waited, backoff time.Duration
}

// With returns a context whose requests count for a new Sum, and for that of an operation
// around.
func With(ctx context.Context) context.Context {
	outer, _ := ctx.Value(key{}).(*Sum)
	return context.WithValue(ctx, key{}, &Sum{outer: outer})
}

// Counted reports whether somebody wants to know of the requests under ctx.
func Counted(ctx context.Context) bool {
	_, ok := ctx.Value(key{}).(*Sum)
	return ok
}

// Add counts a request that has waited for a limit, and before a repeat.
func Add(ctx context.Context, waited, backoff time.Duration) {
	s, _ := ctx.Value(key{}).(*Sum)
	for ; s != nil; s = s.outer {
		s.mu.Lock()
		s.tries, s.waited, s.backoff = s.tries+1, s.waited+waited, s.backoff+backoff
		s.mu.Unlock()
	}
}

// Of returns what was added to the Sum of ctx.
func Of(ctx context.Context) (tries int, waited, backoff time.Duration) {
	s, ok := ctx.Value(key{}).(*Sum)
	if !ok {
		return 0, 0, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries, s.waited, s.backoff
}
