package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

const (
	// guardLongest is the longest time a send may have run whose process died.
	guardLongest = 90 * time.Second
	// guardWrite bounds the storing of a result, which the end of the caller's
	// context must not prevent.
	guardWrite = 10 * time.Second
)

// guardKey returns the key in the store, which no other namespace has.
func guardKey(namespace, key string) string { return url.PathEscape(namespace) + "/" + key }

// claim is the claim on a key that a Client has for one message. A route's Client has
// it for its members, which ask no guard themselves.
type claim struct {
	message        *Message // none but this: a hook may send others with the context
	namespace, key string
	account        string   // of the earlier send that this one goes on with; else empty
	known          *Receipt // of the earlier send: recipients it reaches get nothing
}

type claimKey struct{}

// hold returns a context with the claim for m.
func (cl *claim) hold(ctx context.Context, m *Message) context.Context {
	own := *cl
	own.message = m
	return context.WithValue(ctx, claimKey{}, &own)
}

// heldBy returns the claim that the caller of a member has for m, or nil.
func heldBy(ctx context.Context, m *Message) *claim {
	if cl, ok := ctx.Value(claimKey{}).(*claim); ok && cl.message == m {
		return cl
	}
	return nil
}

// delivery sends one prepared message.
type delivery struct {
	send func(context.Context, *claim) (*Receipt, error)
	// mails are those that the account makes of the message where recipients have
	// requests of their own, else nil.
	mails func(account string) []*Message
}

// guarded sends the message m, which the caller gave as given, under the guard. The
// key is for what was given: defaults and aliases may change, and accounts differ.
func (c *Client) guarded(ctx context.Context, given, m *Message, d delivery) (*Receipt, error) {
	digest, err := given.Digest()
	if err != nil {
		return nil, err
	}
	key := guardKey(c.guard.namespace, m.IdempotencyKey)
	own := *m // the key of m is taken out for accounts without
	m = &own
	by := GuardEntry{Digest: digest, Provider: c.provider, Account: c.account, At: time.Now().UTC().Round(0)}
	e, claimed, err := c.guard.store.Begin(ctx, key, by)
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
		return nil, Invalid(keyField, "the key was used for another message, %s", e.became())
	case !claimed:
		return c.known(m, e)
	case e.Status != "" && !c.goesOn(m.IdempotencyKey, e, d):
		failed := c.guard.finish(ctx, key, e) // as it was
		r, err := c.known(m, e)
		notStored(r, failed)
		return r, err
	}
	return c.claimed(ctx, m, by, e, d)
}

// goesOn reports whether the send that left e can be gone on with here: by the same
// account, for the same mails, or under the same key of its provider. The same name of
// an account is not enough for that: the configuration may have put another behind it.
func (c *Client) goesOn(key string, e GuardEntry, d delivery) bool {
	sender := c.sender(e.Account)
	if sender == nil || sender.provider != e.Provider {
		return false
	}
	mails := d.mails(e.Account)
	if e.Status == StateUnknown {
		scope, _ := sender.keyScope(c.guard.namespace, key)
		return mails == nil && scope != "" && scope == e.Scope
	}
	if e.Receipt == nil || len(mails) == 0 || len(mails) != len(e.Receipt.Recipients) {
		return false
	}
	for i, m := range mails {
		if m.To[0].Email != e.Receipt.Recipients[i].Email {
			return false
		}
	}
	return true
}

// ownKey returns the key that the adapter gets for one that is claimed in a namespace;
// none where its provider has no keys.
func (c *Client) ownKey(namespace, key string) string {
	switch {
	case !c.ownKeys:
		return ""
	case c.namespace != namespace: // as it was opened, it does not tell programs apart
		return namespace + "/" + key
	}
	return key
}

// keyScope returns the identity of a claimed key at the provider, and for how long it
// knows it; nothing where it has no keys or does not state that.
func (c *Client) keyScope(namespace, key string) (string, time.Duration) {
	if k, ok := c.adapter.(keyScoper); ok && c.ownKeys {
		return k.KeyScope(c.ownKey(namespace, key))
	}
	return "", 0
}

// KeyWindow returns for how long, from the first request, the provider itself knows the
// idempotency key of a message that is sent alone: so long a repeat under the key is no
// second mail. It is 0 where the provider has no keys of its own, or does not say; a
// duplicate guard does not count. Of a route it is the least of its members. A call for
// several messages of SendBatch has no key.
func (c *Client) KeyWindow() time.Duration {
	if route, ok := c.adapter.(router); ok {
		return route.KeyWindow()
	}
	_, window := c.keyScope(c.namespace, "any")
	return window
}

// claimed sends under the claim by and stores the result, also when the adapter
// panics. before is the entry that the claim replaced.
func (c *Client) claimed(
	ctx context.Context, m *Message, by, before GuardEntry, d delivery,
) (r *Receipt, err error) {
	cl := &claim{namespace: c.guard.namespace, key: m.IdempotencyKey}
	repeat := before.Status == StateUnknown
	if before.Status != "" {
		cl.account = before.Account
	}
	if before.Status == StatePartlyAccepted {
		cl.known = before.Receipt.Clone()
	}
	by.Receipt = before.Receipt
	end := GuardEntry{Digest: by.Digest, Status: StateUnknown, Receipt: by.unfinished(m)}
	defer func() {
		notStored(r, c.guard.finish(ctx, guardKey(cl.namespace, cl.key), end))
	}()
	within := ctx
	if repeat {
		var cancel context.CancelFunc
		within, cancel = context.WithDeadline(ctx, before.Until)
		defer cancel()
	}
	r, err = d.send(within, cl)
	if r != nil {
		r.IdempotencyKey = m.IdempotencyKey
	}
	switch {
	case repeat:
		r, err = before.repeated(m, r, err)
	case before.Status == StatePartlyAccepted && r == nil: // nothing of the rest was sent
		r, err = before.Receipt.Clone(), partlyDone(err, true)
	}
	end.Status = guardStatus(r, err, func() bool { return r != nil && d.mails(r.Account) != nil })
	if r != nil {
		if r.Unsettled != nil {
			r.Unsettled.Digest = by.Digest
		}
		end.Receipt, end.Provider, end.Account = r.Clone(), r.Provider, r.Account
	}
	switch sender := c.sender(end.Account); {
	case repeat:
		end.Scope, end.Until = before.Scope, before.Until
	case end.Status == StateUnknown && before.Status == "" && sender != nil && d.mails(end.Account) == nil:
		var window time.Duration
		if end.Scope, window = sender.keyScope(cl.namespace, cl.key); end.Scope != "" {
			end.Until = by.At.Add(window)
		}
	}
	return r, err
}

// repeated returns the result of an unknown send that was repeated under the
// provider's own key and ended in r and err: only a success settles it.
func (e GuardEntry) repeated(m *Message, r *Receipt, err error) (*Receipt, error) {
	first := e.Receipt.Clone()
	if first == nil {
		first = e.unfinished(m)
	}
	if r != nil {
		r.Accounts = append(first.Accounts, r.Accounts...)
	}
	never := func() bool { return false }
	if r != nil && guardStatus(r, err, never) == StateAccepted {
		return r, err
	}
	if r != nil {
		first.Accounts, first.Notes = r.Accounts, r.Notes
		if r.Unsettled != nil && first.Unsettled != nil {
			first.Unsettled.Until = r.Unsettled.Until
		}
	}
	unknown := &Error{
		Kind: ErrOutcomeUnknown, Provider: e.Provider, Account: e.Account, Outcome: OutcomeMaybeSent, Err: err,
		Message: "an earlier send under this key may have gone out, and its repeat under the provider's own key did not settle it",
	}
	if err != nil {
		unknown.Message += ": " + err.Error()
	}
	if last := errorOf(err); last != nil {
		unknown.Status, unknown.Code, unknown.RequestID, unknown.RetryAfter = last.Status, last.Code, last.RequestID, last.RetryAfter
	}
	return first, unknown
}

// notStored notes that the result of a send could not be stored.
func notStored(r *Receipt, failed error) {
	if r != nil && failed != nil {
		r.Notes = append(r.Notes, Note{
			Field: keyField, Action: NoteWarning,
			Why: "the duplicate guard could not store the result; a repeat will be reported as unknown: " + failed.Error(),
		})
	}
}

// known returns the result of a Send of m that sends nothing, because of e.
func (c *Client) known(m *Message, e GuardEntry) (*Receipt, error) {
	r := e.Receipt.Clone()
	if e.Status == StateBegun || r == nil {
		if r = e.unfinished(m); e.Account != c.account {
			r.Unsettled.From = "" // that account may have another sender
		}
	}
	note := Note{
		Field: keyField, Action: NoteWarning,
		Why: "the mail was sent under this key before, " + e.became() + "; nothing was sent now",
	}
	err := &Error{
		Kind: ErrOutcomeUnknown, Provider: e.Provider, Account: e.Account, Outcome: OutcomeMaybeSent, Field: keyField,
	}
	switch {
	case e.Status == StateAccepted && e.Receipt != nil:
		note.Action = NoteEmulated
		err = nil
	case e.Status == StatePartlyAccepted:
		err.Kind = ErrConflict
		note.Why += ", because only that account, sending a mail to each recipient, can send the rest"
	}
	r.Notes = append(r.Notes, note)
	if err == nil {
		return r, nil
	}
	err.Message = note.Why
	return r, err
}

// became describes what became of the mail of the entry, in a clause.
func (e GuardEntry) became() string {
	var b strings.Builder
	switch e.Status {
	case StateAccepted:
		b.WriteString("which was accepted")
		if e.Receipt != nil && e.Receipt.State != StateAccepted && e.Receipt.State != "" {
			fmt.Fprintf(&b, " (%s)", e.Receipt.State)
		}
	case StatePartlyAccepted:
		b.WriteString("which was accepted for some of its recipients only")
	case StateBegun:
		b.WriteString("whose send has begun and has no result: it may have been sent")
	default:
		b.WriteString("whose outcome is unknown: it may have been sent")
	}
	if e.Account != "" {
		who := Error{Provider: e.Provider, Account: e.Account}
		b.WriteString(", through " + text.OneLine(who.who()))
	}
	if !e.At.IsZero() {
		b.WriteString(" at " + e.At.UTC().Format(time.RFC3339))
	}
	if id := e.Receipt.firstID(); id != "" {
		fmt.Fprintf(&b, ", id %q", text.Clip(id))
	}
	return b.String()
}

// firstID is the id of the mail, else the first of its recipients' ids.
func (r *Receipt) firstID() string {
	if r == nil {
		return ""
	}
	if r.MessageID != "" {
		return r.MessageID
	}
	for _, p := range r.Recipients {
		if p.MessageID != "" {
			return p.MessageID
		}
	}
	return r.BatchID
}

// unfinished returns the receipt of a send that was recorded as begun and has no
// result: recipients without a final state are unknown.
func (e GuardEntry) unfinished(m *Message) *Receipt {
	t := m.Trace(e.At, e.At.Add(guardLongest))
	t.Digest = e.Digest
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
	r.Provider, r.Account, r.IdempotencyKey, r.Unsettled = e.Provider, e.Account, m.IdempotencyKey, t
	return r
}

// finish stores a result, also after the end of the caller's context.
func (g *guard) finish(ctx context.Context, key string, end GuardEntry) error {
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardWrite)
	defer cancel()
	return g.store.Finish(write, key, end)
}

// settled records in the store that the mail of r, which a look-up has settled, was
// sent to all recipients. looked is the receipt that was looked up.
func (g *guard) settled(ctx context.Context, looked, r *Receipt) {
	each := func() bool { return true }
	if g == nil || r.IdempotencyKey == "" || guardStatus(r, nil, each) != StateAccepted {
		return
	}
	end := GuardEntry{Status: StateAccepted, Provider: r.Provider, Account: r.Account, Receipt: r.Clone()}
	if looked.Unsettled != nil {
		end.Digest = looked.Unsettled.Digest
	}
	if err := g.store.Finish(ctx, guardKey(g.namespace, r.IdempotencyKey), end); err != nil {
		r.Notes = append(r.Notes, Note{
			Field: keyField, Action: NoteWarning,
			Why: "the duplicate guard could not be updated: " + err.Error(),
		})
	}
}

// guardStatus returns the state that a send leaves for its key. each reports whether
// recipients had requests of their own, so that single ones can be sent again.
func guardStatus(r *Receipt, err error, each func() bool) State {
	if r == nil {
		return StateRefused
	}
	var unsent int
	for _, p := range r.Recipients {
		if p.NotSent() {
			unsent++
		}
	}
	e := errorOf(err)
	switch {
	case unsent > 0 && unsent == len(r.Recipients):
		return StateRefused
	case unsent > 0 && each():
		return StatePartlyAccepted
	case r.State == StateUnknown || len(r.unknown()) > 0:
		return StateUnknown
	case r.State == StateRefused && e != nil && e.Outcome != OutcomeNotSent:
		return StateUnknown // refused, but not proved
	}
	return StateAccepted
}

// Digest returns the SHA-256 of the message as the caller gave it, without its idempotency
// key, as 64 hexadecimal digits. Messages that are equal as JSON have the same one; a nil
// list and an empty one may differ. The duplicate guard and the outbox tell by it that a key
// was used for another message. The error is about a message that cannot be written as JSON.
func (m *Message) Digest() (string, error) {
	plain := *m
	plain.IdempotencyKey = ""
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(&plain); err != nil {
		return "", Invalid("", "expected a message that can be written as JSON: %v", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
