package route

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postmux/postmux/internal/patience"
	"github.com/postmux/postmux/internal/pin"
	"github.com/postmux/postmux/provider"
)

// Accepts returns nil when a member would take m.
func (r *route) Accepts(m *provider.Message) error {
	_, _, err := r.able(m, nil)
	return err
}

// able returns the members that can take m by their settings and capabilities, of only if
// that is not nil, and the results of the others. The error has the reasons of all when none can, or is
// that of an invalid message.
func (r *route) able(m *provider.Message, only *member) ([]*member, []provider.AccountResult, error) {
	candidates := []*member{only}
	if only == nil {
		var err error
		if candidates, err = r.plan.candidates(m, r.members); err != nil {
			return nil, nil, err
		}
	}
	var able []*member
	var refused []provider.AccountResult
	for _, mb := range candidates {
		err := mb.client.Accepts(m)
		if err == nil {
			able = append(able, mb)
			continue
		}
		var e *provider.Error
		if !errors.As(err, &e) || !e.Elsewhere {
			return nil, nil, err // invalid for every member
		}
		refused = append(refused, mb.attempt(e, 0))
	}
	if len(able) == 0 {
		return nil, nil, joined(reasonsOf(refused))
	}
	return able, refused, nil
}

// Send tries one member after the other, as long as nothing was sent.
func (r *route) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	ctx, only, err := r.only(ctx)
	if err != nil {
		return nil, err
	}
	d := &delivery{route: r, message: m, only: only}
	if m.IdempotencyKey == "" {
		return d.tryMembers(ctx)
	}
	held, err := r.keys.acquire(ctx, m.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	doubt := true // also when an adapter panics
	defer func() {
		if held != nil {
			d.holder = held
		}
		r.keys.release(m.IdempotencyKey, d.holder, doubt)
	}()
	receipt, err := d.tryAny(ctx, held)
	doubt = err != nil
	return receipt, err
}

// tryAny tries held alone if it may have sent under the key before, else one member
// after the other.
func (d *delivery) tryAny(ctx context.Context, held *member) (*provider.Receipt, error) {
	switch {
	case held == nil:
		return d.tryMembers(ctx)
	case d.only != nil && d.only != held:
		return d.heldElsewhere(held)
	}
	return d.again(ctx, held)
}

// stalledLast moves stalled members to the end and keeps the order of the others.
func (r *route) stalledLast(ctx context.Context, order []*member) []*member {
	var first, last []*member
	for _, m := range order {
		stalled, c := m.stalled()
		r.changed(ctx, m, c)
		if stalled {
			last = append(last, m)
		} else {
			first = append(first, m)
		}
	}
	return append(first, last...)
}

// delivery is the send of one message through the members.
type delivery struct {
	route    *route
	message  *provider.Message
	only     *member // the caller has named it, else nil
	attempts []provider.AccountResult
	why      []*provider.Error // of each member that did not take it
	unable   []*provider.Error // of each that cannot take it
	receipt  *provider.Receipt
	last     error   // of the last member that was tried
	ended    bool    // last ends the search: no other member may be tried
	holder   *member // that may have sent
}

// tryMembers tries one member after the other.
func (d *delivery) tryMembers(ctx context.Context) (*provider.Receipt, error) {
	able, refused, err := d.able(ctx)
	if err != nil {
		return nil, err
	}
	d.attempts, d.unable = refused, reasonsOf(refused)
	order := d.route.stalledLast(ctx, d.route.plan.order(able))
	for i, mb := range order {
		if err := ctx.Err(); err != nil && d.last == nil {
			d.last = err
		}
		if ctx.Err() != nil || d.try(d.route.impatient(ctx, order[i+1:]), mb) {
			break
		}
	}
	err = d.end()
	return d.receipt, err
}

// able returns the members that can take the message, and the results of the others.
func (d *delivery) able(ctx context.Context) ([]*member, []provider.AccountResult, error) {
	if pin.Of(ctx) != "" { // a route whose member is named: that one knows
		return []*member{d.only}, nil, nil
	}
	return d.route.able(d.message, d.only)
}

// impatient returns a context in which a message does not wait for long, when one of the
// other members is ready for it.
func (r *route) impatient(ctx context.Context, others []*member) context.Context {
	if !slices.ContainsFunc(others, (*member).ready) {
		return ctx
	}
	until := time.Now().Add(r.patience)
	if outer := patience.Of(ctx); !outer.IsZero() && outer.Before(until) {
		return ctx
	}
	return patience.With(ctx, until)
}

// try sends through mb and reports whether no other member is tried.
func (d *delivery) try(ctx context.Context, mb *member) bool {
	p, blocked, c := mb.admit()
	d.route.changed(ctx, mb, c)
	if p.ask {
		blocked, c = mb.ask(ctx, p)
		d.route.changed(ctx, mb, c)
		if err := ctx.Err(); err != nil {
			mb.abandon(p)
			d.last = err
			return true
		}
		p.ask = false
	}
	if blocked != nil {
		d.why = append(d.why, blocked)
		d.attempts = append(d.attempts, mb.attempt(blocked, 0))
		return false
	}
	d.holder = mb // also when the adapter panics
	start := time.Now()
	receipt, err := mb.send(ctx, d.route, p, d.message)
	var e *provider.Error
	errors.As(err, &e)
	switch {
	case answered(e):
		d.attempts = append(d.attempts, provider.AccountResult{
			Provider: e.Provider, Account: e.Account, Outcome: e.Outcome, Error: e,
		})
	case receipt != nil && len(receipt.Accounts) > 0:
		d.attempts = append(d.attempts, receipt.Accounts...)
	case receipt != nil || e != nil && e.Kind != provider.ErrCanceled:
		d.attempts = append(d.attempts, mb.attempt(e, time.Since(start)))
	}
	d.receipt, d.last = receipt, err
	if e != nil {
		d.why = append(d.why, e)
	}
	if !unsent(receipt, err) {
		d.ended = true
		return true
	}
	d.holder = nil
	d.ended = e == nil || !e.Elsewhere
	return d.ended
}

func (m *member) send(
	ctx context.Context, r *route, p permit, message *provider.Message,
) (receipt *provider.Receipt, err error) {
	settled := false
	defer func() {
		if !settled {
			m.abandon(p) // the adapter panicked; another send may be the probe
		}
	}()
	receipt, err = m.client.Send(ctx, message)
	settled = true
	r.changed(ctx, m, m.finish(ctx, p, err))
	return receipt, err
}

// answered reports whether a duplicate guard of the member ended the send: nobody was
// asked, and e is about the account that may have sent before.
func answered(e *provider.Error) bool {
	return e != nil && e.Field == keyField && e.Outcome == provider.OutcomeMaybeSent
}

// unsent reports whether it is proved that nothing was sent to any recipient.
func unsent(r *provider.Receipt, err error) bool {
	var e *provider.Error
	switch {
	case err == nil:
		return false
	case !errors.As(err, &e): // a bare context error comes before any request
		return r == nil
	case e.Kind == provider.ErrDryRun:
		return true
	}
	return e.Outcome == provider.OutcomeNotSent && (r == nil || r.State == provider.StateRefused)
}

// end completes the receipt and makes the error.
func (d *delivery) end() error {
	err := d.last
	if err != nil || d.receipt == nil {
		err = d.reasons()
	}
	if d.receipt == nil && slices.ContainsFunc(d.attempts, leftOrBlocked) {
		d.receipt = d.refused(err)
	}
	if d.receipt != nil {
		d.receipt.Accounts = d.attempts
	}
	return err
}

// reasons returns the error of a message that was not accepted: what ended the search,
// with the reasons of the other members, else the reasons of all.
func (d *delivery) reasons() error {
	e, ok := errors.AsType[*provider.Error](d.last)
	if d.last != nil && !ok {
		return d.last // a bare context error
	}
	all := joined(slices.Concat(d.why, d.unable))
	if !d.ended || len(all.Members) == 0 {
		return all
	}
	own := *e
	own.Members = all.Members
	return &own
}

// reasonsOf returns the errors of members that were passed over.
func reasonsOf(refused []provider.AccountResult) []*provider.Error {
	out := make([]*provider.Error, len(refused))
	for i, r := range refused {
		out[i] = r.Error
	}
	return out
}

// joined returns the error of a message that no member took: the only reason, or one
// with all of them, in their order.
func joined(reasons []*provider.Error) *provider.Error {
	var members []*provider.Error
	for _, e := range reasons {
		if len(e.Members) > 0 { // a route among the members
			members = append(members, e.Members...)
		} else {
			members = append(members, e)
		}
	}
	decides := members[0]
	for _, m := range members[1:] {
		if hope(m) > hope(decides) || hope(m) == hope(decides) && hope(m) > 0 {
			decides = m
		}
	}
	if len(members) == 1 {
		return decides
	}
	out := *decides
	out.Members = members
	for _, m := range members {
		if hope(m) == hope(decides) {
			out.RetryAfter = min(out.RetryAfter, m.RetryAfter)
		}
	}
	return &out
}

// hope orders the reasons of members by how much they say about a later try: of a
// member that was passed over for its settings, that refused, that may take it later.
func hope(e *provider.Error) int {
	switch {
	case e.Local():
		return 0
	case !e.Retryable():
		return 1
	}
	return 2
}

// leftOrBlocked reports whether a result is more than a local refusal.
func leftOrBlocked(a provider.AccountResult) bool { return a.Error == nil || !a.Error.Local() }

// refused returns the receipt of a message that no member took.
func (d *delivery) refused(err error) *provider.Receipt {
	r := d.message.Receipt("", provider.StateRefused)
	r.Account, r.IdempotencyKey = d.route.name, d.message.IdempotencyKey
	var e *provider.Error
	if errors.As(err, &e) {
		r.Provider, r.Account = e.Provider, e.Account
		own := *e
		own.Members = nil // Accounts has them
		for i := range r.Recipients {
			r.Recipients[i].Error = &own
		}
	}
	return r
}

func (m *member) attempt(e *provider.Error, took time.Duration) provider.AccountResult {
	a := provider.AccountResult{
		Provider: m.client.Provider(), Account: m.client.Account(), Outcome: provider.OutcomeSent,
		Error: e, Took: took,
	}
	if e != nil {
		a.Outcome = e.Outcome
	}
	return a
}

// again repeats a message under a key under which held may have sent. It tries held
// alone, and the outcome stays unknown without a success.
func (d *delivery) again(ctx context.Context, held *member) (*provider.Receipt, error) {
	d.try(ctx, held)
	err := d.end()
	var e *provider.Error
	if err == nil || !errors.As(err, &e) || e.Local() || e.Kind == provider.ErrDryRun || !unsent(d.receipt, err) {
		return d.receipt, err
	}
	unknown := &provider.Error{
		Kind: provider.ErrOutcomeUnknown, Provider: held.client.Provider(), Account: held.client.Account(), Op: "send",
		Outcome: provider.OutcomeMaybeSent, Status: e.Status, Code: e.Code, RequestID: e.RequestID, RetryAfter: e.RetryAfter,
		Message: "a send before under this key may have gone out; the repeat ended: " + e.Error(), Err: e,
	}
	receipt := d.unknown(unknown)
	if d.receipt != nil {
		receipt.Notes, receipt.Accounts = d.receipt.Notes, d.receipt.Accounts
		if d.receipt.IdempotencyKey != "" {
			receipt.IdempotencyKey = d.receipt.IdempotencyKey
		}
	}
	return receipt, unknown
}

// unknown returns the receipt of a message that may have been sent under its key.
func (d *delivery) unknown(e *provider.Error) *provider.Receipt {
	r := d.message.Receipt("", provider.StateUnknown)
	r.Provider, r.Account, r.IdempotencyKey = e.Provider, e.Account, d.message.IdempotencyKey
	return r
}
