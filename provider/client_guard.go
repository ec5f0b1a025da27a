package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"time"
)

const (
	// guardLongest is the longest time a send may have run whose process died.
	guardLongest = 90 * time.Second
	// guardWrite bounds the storing of a result, which the end of the caller's
	// context must not prevent.
	guardWrite = 10 * time.Second
)

// guardKey returns the key in the store, which no other account has.
func (c *Client) guardKey(key string) string { return url.PathEscape(c.account) + "/" + key }

// delivery sends a prepared message, except to recipients that known reports as
// sent or unknown.
type delivery func(ctx context.Context, m *Message, known *Receipt) (*Receipt, error)

// guarded calls deliver under the guard, if the message has a key that the guard
// serves.
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
		return nil, &Error{
			Kind: ErrUnavailable, Outcome: OutcomeNotSent, Field: keyField,
			Message: "the duplicate guard: " + err.Error(), Err: err,
		}
	case e.Digest != "" && e.Digest != digest:
		if claimed { // the store broke its contract; leave the entry unknown
			return nil, &Error{
				Kind: ErrInternal, Outcome: OutcomeNotSent, Field: keyField,
				Message: "the duplicate guard gave a key to another message",
			}
		}
		return nil, Invalid(keyField, "the key was used for another message")
	case !claimed:
		return c.repeated(m, e)
	}
	return c.claimed(ctx, m, key, e, deliver)
}

// claimed sends under the claim and stores the result, also when the adapter
// panics.
func (c *Client) claimed(
	ctx context.Context, m *Message, key string, before GuardEntry, deliver delivery,
) (r *Receipt, err error) {
	end := GuardEntry{
		Status:  StateUnknown,
		Receipt: c.unfinished(m, GuardEntry{At: time.Now(), Receipt: before.Receipt}),
	}
	defer func() {
		write, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardWrite)
		defer cancel()
		if failed := c.guard.store.Finish(write, key, end); failed != nil && r != nil {
			r.Notes = append(r.Notes, Note{
				Field: keyField, Action: NoteWarning,
				Why: "the duplicate guard could not store the result; a repeat will be reported as unknown: " + failed.Error(),
			})
		}
	}()
	r, err = deliver(ctx, m, before.Receipt.Clone())
	if r != nil && r.IdempotencyKey == "" {
		r.IdempotencyKey = m.IdempotencyKey
	}
	_, route := c.adapter.(router)
	end = GuardEntry{Status: guardStatus(r, err, !route && c.mailsOf(m) != nil), Receipt: r.Clone()}
	return r, err
}

// repeated returns the result of a Send under a key that was used before.
func (c *Client) repeated(m *Message, e GuardEntry) (*Receipt, error) {
	if e.Status == StateAccepted && e.Receipt != nil {
		r := e.Receipt.Clone()
		r.Notes = append(r.Notes, Note{
			Field: keyField, Action: NoteEmulated,
			Why: "the mail was sent under this key before: this is its receipt, and nothing was sent now",
		})
		return r, nil
	}
	r := e.Receipt.Clone()
	if e.Status != StateUnknown || r == nil {
		r = c.unfinished(m, e)
	}
	why := "the outcome of an earlier send under this key is unknown; nothing was sent now"
	r.Notes = append(r.Notes, Note{Field: keyField, Action: NoteWarning, Why: why})
	return r, &Error{
		Kind: ErrOutcomeUnknown, Outcome: OutcomeMaybeSent, Field: keyField, Message: why,
	}
}

// unfinished returns the receipt of a send that was recorded as begun and has no
// result: recipients without a final state are unknown.
func (c *Client) unfinished(m *Message, e GuardEntry) *Receipt {
	t := traceOf(m, e.At)
	t.At, t.Until = e.At.UTC(), e.At.Add(guardLongest).UTC()
	r := m.Receipt("", StateUnknown)
	if e.Receipt != nil && len(e.Receipt.Recipients) == len(r.Recipients) {
		r = e.Receipt.Clone() // of the earlier, incomplete send
		for i := range r.Recipients {
			if r.Recipients[i].NotSent() {
				r.Recipients[i].State, r.Recipients[i].Error = StateUnknown, nil
			}
		}
		r.State = summary(r.Recipients)
	}
	r.Provider, r.Account, r.IdempotencyKey, r.Unsettled = c.provider, c.account, m.IdempotencyKey, t
	return r
}

// settled records in the store that a mail was sent to all recipients.
func (g *guard) settled(ctx context.Context, c *Client, r *Receipt) {
	if g == nil || r.IdempotencyKey == "" || guardStatus(r, nil, true) != StateAccepted {
		return
	}
	e := GuardEntry{Status: StateAccepted, Receipt: r.Clone()}
	if err := g.store.Finish(ctx, c.guardKey(r.IdempotencyKey), e); err != nil {
		r.Notes = append(r.Notes, Note{
			Field: keyField, Action: NoteWarning,
			Why: "the duplicate guard could not be updated: " + err.Error(),
		})
	}
}

// guardStatus returns the state that a send leaves for its key. each means that
// recipients had requests of their own, so that single ones can be sent again.
func guardStatus(r *Receipt, err error, each bool) State {
	if r == nil {
		return StateRefused
	}
	var unsent int
	for _, p := range r.Recipients {
		if p.NotSent() {
			unsent++
		}
	}
	var e *Error
	switch {
	case unsent > 0 && unsent == len(r.Recipients):
		return StateRefused
	case each && unsent > 0:
		return StatePartlyAccepted
	case r.State == StateUnknown || len(r.unknown()) > 0:
		return StateUnknown
	case r.State == StateRefused && errors.As(err, &e) && e.Outcome != OutcomeNotSent:
		return StateUnknown // refused, but not proved
	}
	return StateAccepted
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
