package route

import (
	"context"
	"fmt"
	"strings"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/pin"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Before returns a context for a program that keeps a ledger of its own: under it f is
// called with the name of an account before the first request that may send leaves there,
// so that the program can write down what it is about to do. It works with every Client,
// a route or not.
//
// When a route goes on to its next member, f is called again, with the name of that one.
// It is not called again for the repeats of a request at the same account, nor for each
// recipient of a message, and not while a message waits for a limit or a token. The names
// are those of the configuration; accounts that a program opens without one have the name
// of their provider, and one that is named twice is told once.
//
// f may take its time: the request waits for it, within the context, which f should keep
// to. An error of f keeps the request back, and no other member is tried. Send then returns
// a *provider.Error of the Kind ErrCanceled and the Outcome OutcomeNotSent, and errors.Is
// finds the error of f in it. All later requests under the context fail in the same way.
//
// Calls of f under one context never overlap, whichever account they are for, so a context
// is best made for each Send. A Before within another one asks both, the inner one first.
// With SendBatch f is called once for each account and not for each message.
func Before(ctx context.Context, f func(account string) error) context.Context {
	return begun.WithEach(ctx, f, nil)
}

// WithMember returns a context under which a route sends through the member with this
// name and through no other, whatever its order, weights and rules say: a program that
// sends a message again after a crash, under the key of the provider, uses the member that
// it had before. The name may be that of a member of a route among the members, at any
// depth, or of that route. A literal id of a template is one of that member's.
//
// A name that the route does not have is an ErrInvalid, and nothing is sent. Nor is
// anything when a send under the same idempotency key may have gone out through another
// member: the outcome is unknown then. A member in trouble gets no mail for a time, as
// always. With a Client that is no route WithMember does nothing.
func WithMember(ctx context.Context, name string) context.Context { return pin.With(ctx, name) }

// only returns the member that ctx names, nil when it names none, and the context for it.
func (r *route) only(ctx context.Context) (context.Context, *member, error) {
	name := pin.Of(ctx)
	if name == "" {
		return ctx, nil, nil
	}
	for _, m := range r.members {
		if m.client.Account() == name {
			return pin.Without(ctx), m, nil
		}
	}
	way := r.Member(name)
	for _, m := range r.members {
		if m.client == way {
			return ctx, m, nil
		}
	}
	return ctx, nil, provider.Invalid("", "the route %s has no member %q; its members: %s", r.name, text.Clip(name), r.names())
}

// names are the names of the members, those of a route in brackets behind it.
func (r *route) names() string {
	out := make([]string, len(r.members))
	for i, m := range r.members {
		out[i] = m.client.Account()
		if inner, ok := provider.Native[*route](m.client); ok {
			out[i] += fmt.Sprintf(" (%s)", inner.names())
		}
	}
	return strings.Join(out, ", ")
}

// heldElsewhere is the result of a message that is to go through d.only, while held may
// have sent it.
func (d *delivery) heldElsewhere(held *member) (*provider.Receipt, error) {
	e := &provider.Error{
		Kind: provider.ErrOutcomeUnknown, Provider: held.client.Provider(), Account: held.client.Account(), Op: "send",
		Outcome: provider.OutcomeMaybeSent, Field: keyField,
		Message: fmt.Sprintf("a send before under this key may have gone out through %s, so nothing goes through %s",
			held.client.Account(), d.only.client.Account()),
	}
	return d.unknown(e), e
}
