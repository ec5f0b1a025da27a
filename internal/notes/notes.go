// Package notes carries what the transport noticed about a response that it accepts
// to the Client, which puts it into the receipt: the methods of adapters return what
// the provider said, and nothing of how it said it.
package notes

import (
	"context"
	"slices"
	"sync"
)

// Sink is a context that gathers sentences. It is safe for concurrent use.
type Sink struct {
	context.Context
	mu  sync.Mutex
	why []string
}

type key struct{}

// Gather returns a Sink in ctx: calls that are made with it add to it.
func Gather(ctx context.Context) *Sink { return &Sink{Context: ctx} }

// Value returns the Sink itself for the key of this package.
func (s *Sink) Value(k any) any {
	if k == (key{}) {
		return s
	}
	return s.Context.Value(k)
}

// Add adds a sentence to the Sink of ctx, once. Without a Sink it does nothing.
func Add(ctx context.Context, why string) {
	s, ok := ctx.Value(key{}).(*Sink)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.why, why) {
		s.why = append(s.why, why)
	}
}

// All returns the sentences in the order in which they came.
func (s *Sink) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.why)
}
