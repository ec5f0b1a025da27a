package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"time"
)

// GuardStore remembers what became of sends under a key, so that a repeat sends
// nothing at a provider that has no such keys. NewMemoryGuard is the one for a
// single process. One on a database serves many, and survives a restart; it is
// right when
//
//   - Begin is atomic: of all calls with one key at most one gets the claim;
//   - an entry is durable before Begin returns: a claim that is lost with its
//     process is a mail that is sent twice;
//   - an entry that was begun and never finished stays GuardBegun. Its process
//     may have died after the request left, so it counts as unknown and is
//     never claimed again.
//
// Entries hold addresses and, while the outcome is unknown, the subject. Keys
// are made of the account's name and the caller's key. Implementations are safe
// for concurrent use.
type GuardStore interface {
	// Begin claims key for a send and returns true. An entry is stored with the
	// digest, the time, and status GuardBegun; it keeps the Receipt it had. The
	// claim is given when there is no entry, and when the entry is GuardPartly
	// with the same digest. The GuardEntry returned is the one from before the
	// claim, empty when there was none.
	//
	// Otherwise Begin claims nothing and returns the entry and false. While the
	// send that has the claim still runs, it waits for its end or the end of ctx
	// first, unless the digests differ. A store that cannot tell whether it runs
	// may poll for as long as a send takes, or return the begun entry at once:
	// the caller then hears that the outcome is unknown.
	//
	// An error sends nothing.
	Begin(ctx context.Context, key, digest string) (GuardEntry, bool, error)
	// Finish stores what became of the send that has the claim: it replaces the
	// status and the receipt, keeps the digest, and wakes those who wait. Status
	// GuardNotSent removes the entry. An entry that is GuardAccepted already
	// stays, a key without an entry stays without one: neither is an error.
	Finish(ctx context.Context, key string, e GuardEntry) error
}

// GuardStatus says how far a send under a key has come.
type GuardStatus string

// The statuses of a GuardEntry.
const (
	GuardBegun    GuardStatus = "begun"       // runs, or its process died
	GuardAccepted GuardStatus = "accepted"    // nothing is left to send
	GuardUnknown  GuardStatus = "unknown"     // may have been sent: never again
	GuardPartly   GuardStatus = "partly_sent" // some recipients were provably not sent to, and may be
	GuardNotSent  GuardStatus = "not_sent"    // provably nothing was sent; in Finish only
)

// GuardEntry is what a GuardStore keeps for a key. It is plain JSON.
type GuardEntry struct {
	Digest  string      `json:"digest"` // of the message; says nothing about it
	Status  GuardStatus `json:"status"`
	Receipt *Receipt    `json:"receipt,omitempty"`
	At      time.Time   `json:"at"` // of the latest Begin
}

// WithDuplicateGuard makes Message.IdempotencyKey work at providers that have no
// such key, and over all members of a route. A Send under a key
//
//   - waits while another one with the key runs, and gets its receipt;
//   - makes no request when that mail was accepted: the stored receipt comes
//     back, with a note;
//   - makes no request when its outcome is unknown: the same unknown comes back,
//     until Settle finds the mail;
//   - sends when the send before was provably not sent, or, to recipients with
//     calls of their own, to those who were provably not sent to;
//   - is refused when the key was used for another message.
//
// It protects as far as store remembers: NewMemoryGuard within one process and
// for a time. Without a key there is no protection. Clients that share a store
// share its keys by the name of their account.
func WithDuplicateGuard(store GuardStore) Option {
	return func(o *openOptions) { o.env.Guard = store }
}

const (
	// guardLongest is how long a send whose process died may have gone on.
	guardLongest = 90 * time.Second
	// guardWrite bounds the storing of a result, which the end of the caller's
	// context must not prevent.
	guardWrite = 10 * time.Second

	keyField = "idempotency_key"
)

// guard is a GuardStore in the service of a Client; nil does nothing.
type guard struct{ store GuardStore }

// newGuard returns the guard for a client with caps, if it needs one, and the
// capabilities it then has.
func newGuard(env Env, caps Capabilities, route bool) (*guard, Capabilities) {
	if env.Guard == nil || !route && caps.Level(featureIdempotencyKey) != LevelNone {
		return nil, caps
	}
	caps = maps.Clone(caps)
	if caps.Level(featureIdempotencyKey) == LevelNone {
		if caps == nil {
			caps = Capabilities{}
		}
		caps[featureIdempotencyKey] = Cell(LevelEmulated, "as far as the duplicate guard remembers", "kept on this side: the provider knows no key")
	}
	if env.DryRun != nil {
		return nil, caps // nothing is sent, and no key is used up
	}
	return &guard{env.Guard}, caps
}

// guardKey is the key in the store. No two accounts share one.
func (c *Client) guardKey(key string) string { return url.PathEscape(c.account) + "/" + key }

// delivery sends a prepared message, but for the recipients that known says are
// sent to or in doubt.
type delivery func(ctx context.Context, m *Message, known *Receipt) (*Receipt, error)

// guarded is deliver under the guard, if the message has a key that it serves.
func (c *Client) guarded(ctx context.Context, m *Message, deliver delivery) (*Receipt, error) {
	if c.guard == nil || m.IdempotencyKey == "" {
		return deliver(ctx, m, nil)
	}
	digest, err := m.digest()
	if err != nil {
		return nil, err
	}
	key := c.guardKey(m.IdempotencyKey)
	e, claimed, err := c.guard.store.Begin(ctx, key, digest)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil, ctx.Err()
	case err != nil:
		return nil, &Error{Kind: ErrUnavailable, Outcome: NotSent, Field: keyField, Message: "the duplicate guard: " + err.Error(), Err: err}
	case e.Digest != "" && e.Digest != digest:
		if claimed { // the store broke its promise; leave the entry in doubt
			return nil, &Error{Kind: ErrInternal, Outcome: NotSent, Field: keyField, Message: "the duplicate guard gave a key to another message"}
		}
		return nil, Invalid(keyField, "the key was used for another message")
	case !claimed:
		return c.repeated(m, e)
	}
	return c.claimed(ctx, m, key, e, deliver)
}

// claimed sends under the claim and stores what became of it, also when the
// adapter panics.
func (c *Client) claimed(ctx context.Context, m *Message, key string, before GuardEntry, deliver delivery) (r *Receipt, err error) {
	end := GuardEntry{Status: GuardUnknown, Receipt: c.died(m, GuardEntry{At: time.Now(), Receipt: before.Receipt})}
	defer func() {
		write, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardWrite)
		defer cancel()
		if failed := c.guard.store.Finish(write, key, end); failed != nil && r != nil {
			r.Notes = append(r.Notes, Note{keyField, "warning", "the duplicate guard could not store the result, and will call a repeat unknown: " + failed.Error()})
		}
	}()
	r, err = deliver(ctx, m, before.Receipt.clone())
	if r != nil && r.IdempotencyKey == "" {
		r.IdempotencyKey = m.IdempotencyKey
	}
	_, route := c.adapter.(Router)
	end = GuardEntry{Status: result(r, err, !route && c.each(m) != nil), Receipt: r.clone()}
	return r, err
}

// repeated is the answer to a Send under a key that was used before.
func (c *Client) repeated(m *Message, e GuardEntry) (*Receipt, error) {
	if e.Status == GuardAccepted && e.Receipt != nil {
		r := e.Receipt.clone()
		r.Notes = append(r.Notes, Note{keyField, "emulated", "the mail was sent under this key before: this is its receipt, and nothing was sent now"})
		return r, nil
	}
	r := e.Receipt.clone()
	if e.Status != GuardUnknown || r == nil {
		r = c.died(m, e)
	}
	why := "the outcome of an earlier send under this key is unknown; nothing was sent now"
	r.Notes = append(r.Notes, Note{keyField, "warning", why})
	return r, &Error{Kind: ErrOutcomeUnknown, Outcome: MaybeSent, Field: keyField, Message: why}
}

// died is the receipt of a send that was begun and never finished.
func (c *Client) died(m *Message, e GuardEntry) *Receipt {
	t := traceOf(m, e.At)
	t.At, t.Until = e.At.UTC(), e.At.Add(guardLongest).UTC()
	r := Accepted(m, "", StateUnknown)
	if e.Receipt != nil && len(e.Receipt.Recipients) == len(r.Recipients) {
		r = e.Receipt.clone() // of the send before, which was not complete
		for i := range r.Recipients {
			if r.Recipients[i].free() {
				r.Recipients[i].State, r.Recipients[i].Error = StateUnknown, nil
			}
		}
		r.State = summary(r.Recipients)
	}
	r.Provider, r.Account, r.IdempotencyKey, r.Unsettled = c.provider, c.account, m.IdempotencyKey, t
	return r
}

// settled tells the store of a mail that turned out to be sent to all.
func (g *guard) settled(ctx context.Context, c *Client, r *Receipt) {
	if g == nil || r.IdempotencyKey == "" || result(r, nil, true) != GuardAccepted {
		return
	}
	e := GuardEntry{Status: GuardAccepted, Receipt: r.clone()}
	if err := g.store.Finish(ctx, c.guardKey(r.IdempotencyKey), e); err != nil {
		r.Notes = append(r.Notes, Note{keyField, "warning", "the duplicate guard was not told: " + err.Error()})
	}
}

// result says what a send means for its key. each says that recipients had
// calls of their own, and so can be sent to again by themselves.
func result(r *Receipt, err error, each bool) GuardStatus {
	if r == nil {
		return GuardNotSent
	}
	var free int
	for _, p := range r.Recipients {
		if p.free() {
			free++
		}
	}
	var e *Error
	switch {
	case free > 0 && free == len(r.Recipients):
		return GuardNotSent
	case each && free > 0:
		return GuardPartly
	case r.State == StateUnknown || len(r.unknown()) > 0:
		return GuardUnknown
	case r.State == StateRefused && errors.As(err, &e) && e.Outcome != NotSent:
		return GuardUnknown // called refused without proof
	}
	return GuardAccepted
}

// free reports whether this recipient was provably not sent to.
func (p RecipientResult) free() bool {
	return p.State == StateRefused && p.Error != nil && p.Error.Outcome == NotSent
}

// digest is the SHA-256 of the message's JSON, in which the keys of objects are
// sorted, without its idempotency key.
func (m *Message) digest() (string, error) {
	plain := *m
	plain.IdempotencyKey = ""
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(&plain); err != nil {
		return "", Invalid("", "expected a message that can be written as JSON: %v", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
