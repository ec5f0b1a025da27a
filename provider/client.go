package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Client is the front of one account: it checks, fills in defaults, resolves
// aliases, applies the policy, calls the adapter, observes and wraps errors. It
// implements Mailer and Contacts again, so a program may depend on either. It
// is cheap (clients share connections) and safe for concurrent use.
type Client struct {
	adapter  Adapter
	provider string
	account  string
	caps     Capabilities
	from     Address
	policy   Policy
	aliases  AccountAliases
	hooks    Hooks
	staging  staging
	calls    int    // of a batch or an import at the same time
	guard    *guard // nil: the provider has keys of its own, or no guard is wanted
}

// Adapter is what an adapter implements. Further abilities are the add-on
// interfaces StatusReader, Unsubscriber, Lists, Checker and Nativer.
type Adapter interface {
	Mailer
	Contacts
	// Capabilities are fixed for the life of the adapter.
	Capabilities() Capabilities
}

// Router is implemented by an adapter that hands messages to other Clients. The
// Client in front of it checks the syntax of a message and nothing else: the
// default sender, aliases, policy, capabilities, receipts and errors are those
// of the Client that sends.
type Router interface {
	// Accepts is what Client.Accepts says of the route: nil when some member
	// would take m, else what stands in the way at the first.
	Accepts(m *Message) error
}

// Nativer hands out the adapter's generated client; several come as []any.
type Nativer interface{ Native() any }

var (
	_ Mailer       = (*Client)(nil)
	_ Contacts     = (*Client)(nil)
	_ StatusReader = (*Client)(nil)
	_ Unsubscriber = (*Client)(nil)
	_ Lists        = (*Client)(nil)
	_ Checker      = (*Client)(nil)
	_ Canceler     = (*Client)(nil)
	_ Suppressions = (*Client)(nil)
	_ Resubscriber = (*Client)(nil)
	_ ListKeeper   = (*Client)(nil)
)

// NewClient puts a Client in front of an adapter. Drivers call it; a program
// opens clients by a Registry or by the New function of an adapter's package.
// The error lists every feature of s.Require that is missing.
func NewClient(a Adapter, s Section, env Env) (*Client, error) {
	c := &Client{
		adapter: a, provider: s.Provider, account: env.Account, caps: a.Capabilities(),
		from: s.From, policy: s.Policy, aliases: env.Aliases, hooks: env.Hooks, staging: s.staging(), calls: s.Concurrency,
	}
	if c.account == "" {
		c.account = s.Provider
	}
	if c.calls == 0 {
		c.calls = defaultConcurrency
	}
	_, route := a.(Router)
	c.guard, c.caps = newGuard(env, c.caps, route)
	var problems []*Error
	for i, f := range s.Require {
		if c.Has(f) {
			continue
		}
		problems = append(problems, configError(fmt.Sprintf("providers.%s.require[%d]", c.account, i), "%s: %s has it at level %s", f, s.Provider, c.caps.Level(f)))
	}
	if err := joinProblems(problems); err != nil {
		return nil, asError(err, c.provider, c.account, "open")
	}
	return c, nil
}

// Provider is the name of the driver, "brevo".
func (c *Client) Provider() string { return c.provider }

// Account is the name of the account in the configuration.
func (c *Client) Account() string { return c.account }

// Capabilities say what the provider can do. The map is the caller's to read, not to change.
func (c *Client) Capabilities() Capabilities { return c.caps }

// Has reports whether f may be asked for at this account: natively, within a
// limit, or by an emulation that the policy allows. Require asks the same.
func (c *Client) Has(f Feature) bool {
	return c.caps.Can(f) || c.caps.Level(f) == LevelEmulated && c.policy.action(f) != ""
}

// Native returns the adapter's own client of type T, if it has one. Adapter
// packages wrap it in a function named API.
func Native[T any](c *Client) (T, bool) {
	var zero T
	n, ok := c.adapter.(Nativer)
	if !ok {
		return zero, false
	}
	native := n.Native()
	all, ok := native.([]any)
	if !ok {
		all = []any{native}
	}
	for _, own := range all {
		if t, ok := own.(T); ok {
			return t, true
		}
	}
	return zero, false
}

// run is the frame of every operation: context, features, hooks, errors.
func run[T any](ctx context.Context, c *Client, op string, needs []Feature, call func() (T, error)) (out T, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	start := time.Now()
	if err = c.supports(needs...); err == nil {
		out, err = call()
	}
	err = asError(err, c.provider, c.account, op)
	c.observe(ctx, ResultEvent{Op: op, Err: err, Took: time.Since(start)})
	return out, err
}

func (c *Client) observe(ctx context.Context, e ResultEvent) {
	if c.hooks.OnResult != nil {
		e.Provider, e.Account = c.provider, c.account
		c.hooks.OnResult(ctx, e)
	}
}

// supports returns the error for the first feature that is not there.
func (c *Client) supports(needs ...Feature) error {
	for _, f := range needs {
		if !c.caps.Can(f) {
			return c.unsupported(f)
		}
	}
	return nil
}

func (c *Client) unsupported(f Feature) *Error {
	s := c.caps[f]
	switch c.caps.Level(f) {
	case LevelAccountWide:
		return Unsupported(f, "%s sets this for the whole account: %s", c.provider, s.Note)
	case LevelEmulated:
		return Unsupported(f, "%s can only emulate it (%s); a policy allows that: %q", c.provider, s.Note, string(f)+": "+string(f.emulation()))
	}
	why := s.Note
	if why == "" {
		why = c.provider + " has no such feature"
	}
	if slices.Contains(f.info().actions, ActionDrop) {
		why += fmt.Sprintf(" (a policy can drop it: %q)", string(f)+": "+string(ActionDrop))
	}
	return Unsupported(f, "%s", why)
}

// addOn returns the adapter as T. A capability that says more than the adapter
// has is a bug; the conformance suite finds it.
func addOn[T any](c *Client, f Feature) (T, error) {
	t, ok := c.adapter.(T)
	if !ok {
		return t, c.unsupported(f)
	}
	return t, nil
}

// id resolves a reference to the account's own id.
func (a AccountAliases) id(field string, table map[string]string, r Ref) (Ref, error) {
	switch {
	case r.ID != "" && r.Alias != "":
		return r, Invalid(field, "expected either id or alias, got both")
	case r.IsZero():
		return r, nil
	case r.Alias == "":
		return r, checkID(field, r.ID)
	}
	id, ok := table[r.Alias]
	if !ok {
		return r, ofAccount(Invalid(field, "no alias %q for this account; write %q for a literal id", text.Clip(r.Alias), "id:"+text.Clip(r.Alias)))
	}
	return Ref{ID: id}, checkID(field, id)
}

// Status looks a mail up by the MessageID of its Receipt.
func (c *Client) Status(ctx context.Context, messageID string) (*Receipt, error) {
	return run(ctx, c, "status", []Feature{featureStatus}, func() (*Receipt, error) {
		if err := checkID("message_id", messageID); err != nil {
			return nil, err
		}
		a, err := addOn[StatusReader](c, featureStatus)
		if err != nil {
			return nil, err
		}
		r, err := a.Status(ctx, messageID)
		if r != nil {
			r.Provider, r.Account = c.provider, c.account
		}
		return r, err
	})
}

// Check asks the provider whether the credentials work and what the account
// may send. It sends nothing.
func (c *Client) Check(ctx context.Context) (*Health, error) {
	return run(ctx, c, "check", []Feature{featureCheck}, func() (*Health, error) {
		a, err := addOn[Checker](c, featureCheck)
		if err != nil {
			return nil, err
		}
		h, err := a.Check(ctx)
		if h != nil {
			h.Provider, h.Account = c.provider, c.account
		}
		return h, err
	})
}

// kindOf is the kind of err; a bare context error is canceled.
func kindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrCanceled
	}
	return ErrInternal
}
