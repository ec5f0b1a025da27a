package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/internal/tries"
)

// Client sends mail and keeps contacts through one account. It checks its input,
// fills in defaults, resolves aliases, applies the policy, calls the adapter, calls
// the hooks and completes errors. It implements Mailer, Contacts and the other
// interfaces, so a program may depend on those. A Client is cheap (clients share
// connections) and safe for concurrent use.
//
// All its errors are *Error.
type Client struct {
	adapter  Adapter
	provider string
	account  string
	caps     Capabilities
	from     Address
	policy   Policy
	aliases  aliases
	hooks    Hooks
	staging  staging
	calls    int    // requests of a batch or an import at the same time
	guard    *guard // nil: the account has no guard
	ownKeys  bool   // the provider itself has idempotency keys
	// namespace is that of the program's keys; it may be empty without a guard.
	namespace string
}

// aliases are the aliases of one account: alias -> id.
type aliases struct{ lists, templates, fields map[string]string }

// DriverEnv holds the arguments of a driver besides the settings of the account.
type DriverEnv struct {
	Account string // the account's name in the configuration
	// Lists, Templates and Fields are the aliases of the account: alias -> id.
	Lists, Templates, Fields map[string]string
	// HTTPClient is the one of WithHTTPClient, or nil. Its transport, timeout and
	// cookie jar are used; redirects are never followed.
	HTTPClient *http.Client
	Hooks      Hooks
	// DryRun is called with each request instead of sending it.
	DryRun func(WireRequest)
	// Guard makes a repeat under an idempotency key send nothing; nil: no guard.
	Guard GuardStore
	// Namespace is where the idempotency keys of the program live: the name of the
	// configuration, or the argument of WithDuplicateGuard. A guard needs one. An
	// adapter whose provider has keys makes the caller's unique with it, else with
	// Account.
	Namespace string
	// Limiter keeps the limits of calls; nil: this process keeps them for itself.
	Limiter Limiter
	// UserAgent is the application's part of the User-Agent header.
	UserAgent string
	// Client opens another account of the same configuration, for routes.
	Client func(name string) (*Client, error)
}

// NewClient returns a Client for an adapter that a program wrote itself; the
// promises of this package about outcomes then depend on that adapter. A program
// opens accounts of this module's adapters by their packages or by a Registry. name
// is the provider's. Of s and env the Client uses everything that does not concern
// HTTP.
//
// The error lists every feature of s.Require that is missing, or the methods that
// the adapter's capability table promises and the adapter does not have.
func NewClient(a Adapter, name string, s AccountSettings, env DriverEnv) (*Client, error) {
	c := &Client{
		adapter: a, provider: name, account: env.Account, caps: a.Capabilities(),
		from: s.From, policy: s.Policy, hooks: env.Hooks, staging: s.staging(), calls: s.Concurrency,
		aliases: aliases{env.Lists, env.Templates, env.Fields}, namespace: env.Namespace,
	}
	if c.account == "" {
		c.account = name
	}
	switch {
	case env.DryRun != nil:
		c.calls = 1 // requests are shown in the order of the messages
	case c.calls == 0:
		c.calls = defaultConcurrency
	}
	_, route := a.(router)
	if err := missingMethods(a); err != nil && !route {
		return nil, asError(err, name, c.account, opOpen)
	}
	c.ownKeys = c.caps.Level(featureIdempotencyKey) != LevelNone
	var problems []*Error
	if err := checkNamespace(env.Guard, env.Namespace); err != nil {
		problems = append(problems, err)
	}
	c.guard, c.caps = newGuard(env, c.caps, route)
	for i, f := range s.Require {
		if c.Has(f) {
			continue
		}
		problems = append(
			problems,
			configError(
				fmt.Sprintf("require[%d]", i), "%s: %s has it at level %s%s", f, name,
				c.caps.Level(f), unprovedText(c.caps[f]),
			),
		)
	}
	if err := joinProblems(problems); err != nil {
		return nil, asError(err, name, c.account, opOpen)
	}
	return c, nil
}

// checkNamespace returns the problem of the namespace of keys, if there is one.
func checkNamespace(store GuardStore, namespace string) *Error {
	if store != nil && namespace == "" {
		return configError(
			"name", "a duplicate guard needs the name of the program: set name in the configuration, or give it to "+
				"WithDuplicateGuard. Programs with the same name share their keys",
		)
	}
	if err := checkLine("name", namespace); err != nil {
		return configError("name", "%s", errorOf(err).Message)
	}
	return nil
}

// newGuard returns the guard for a client with caps, nil when it has none, and the
// capabilities with the guard.
func newGuard(env DriverEnv, caps Capabilities, route bool) (*guard, Capabilities) {
	if env.Guard == nil {
		return nil, caps
	}
	if own := caps[featureIdempotencyKey]; route && own.Level != LevelNative || caps.Level(featureIdempotencyKey) == LevelNone {
		caps = maps.Clone(caps)
		if caps == nil {
			caps = Capabilities{}
		}
		caps[featureIdempotencyKey] = Support{
			Level: LevelEmulated, Limit: "as far as the duplicate guard remembers", Note: "by the duplicate guard",
			Basis: "document", Checked: "fake",
		}
	}
	if env.DryRun != nil {
		return nil, caps // nothing is sent, and no key is used up
	}
	return &guard{env.Guard, env.Namespace}, caps
}

// Provider is the name of the driver, "brevo".
func (c *Client) Provider() string { return c.provider }

// Account is the name of the account in the configuration.
func (c *Client) Account() string { return c.account }

// String names the account and its provider: "main (brevo)".
func (c *Client) String() string {
	if c == nil {
		return "no client"
	}
	if c.account == c.provider {
		return c.provider
	}
	return c.account + " (" + c.provider + ")"
}

// GoString returns what String does, so that %#v does not print the fields, which hold
// credentials and caches.
func (c *Client) GoString() string { return "provider.Client(" + c.String() + ")" }

// Capabilities returns the features of the provider. The caller must not change the
// map.
func (c *Client) Capabilities() Capabilities { return c.caps }

// Has reports whether this account has f: natively, within a limit, or by an
// emulation that the policy allows, and not unproved. The setting require uses the same
// rule.
func (c *Client) Has(f Feature) bool {
	if c.caps[f].Basis == "unproved" {
		return false // it may be called, and nobody should count on it
	}
	if c.caps.Level(f) != LevelEmulated {
		return c.caps.Can(f)
	}
	switch action, named := c.policy.action(f); {
	case named:
		return action == ActionEmulate || action == ActionFanOut
	default:
		return c.caps.Can(f)
	}
}

// Takes reports whether Send takes a message that asks for f: the account has it, or does it
// otherwise or leaves it out, by default or as the policy says. One message may be refused
// all the same, for its values.
func (c *Client) Takes(f Feature) bool {
	action, _ := c.policy.action(f)
	return action == ActionDrop || action == actionSendNow || c.allows(f)
}

// unprovedText says that a cell is unproved, for errors of require.
func unprovedText(s Support) string {
	if s.Basis != "unproved" {
		return ""
	}
	return ", unproved: the provider does not document it"
}

// Native returns the adapter's generated client of type T, if it has one. Adapter
// packages wrap it in a function named API.
func Native[T any](c *Client) (T, bool) {
	var zero T
	n, ok := c.adapter.(nativer)
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

// router is an adapter that hands messages to other Clients. The Client of a router
// checks the syntax of a message and nothing else: the default sender, aliases,
// policy, capabilities, receipts and errors are those of the Client that sends.
type router interface {
	// Accepts implements Client.Accepts for the route: nil when some member would
	// take m, else the error of the first.
	Accepts(m *Message) error
	// Member returns the member that made a receipt, by the account it names;
	// nil when there is none.
	Member(account string) *Client
	// KeyWindow implements Client.KeyWindow for the route.
	KeyWindow() time.Duration
}

// sender returns the Client of the account with this name that sends the mail of c: c
// itself, or a member of a route at any depth; nil when there is none.
func (c *Client) sender(account string) *Client {
	route, ok := c.adapter.(router)
	if !ok {
		if c.account == account {
			return c
		}
		return nil
	}
	if member := route.Member(account); member != nil {
		return member.sender(account)
	}
	return nil
}

// leads reports whether the way from c to the account, through routes, has the Client of
// the account with this name on it.
func (c *Client) leads(account, name string) bool {
	for c != nil && c.account != name {
		route, ok := c.adapter.(router)
		if !ok {
			return false
		}
		c = route.Member(account)
	}
	return c != nil
}

// begin calls the hooks for the start of an operation and returns its context, or
// the error of a context that has already ended.
func (c *Client) begin(ctx context.Context, op Op) (context.Context, time.Time, error) {
	var start time.Time
	if c.hooks.OnResult != nil {
		start = time.Now()
	}
	if c.hooks.OnStart != nil { // may return any context
		ctx = c.hooks.OnStart(ctx, StartEvent{Provider: c.provider, Account: c.account, Op: op})
	}
	if c.hooks.OnResult != nil {
		ctx = tries.With(ctx)
	}
	return ctx, start, ctx.Err()
}

// end calls the hooks for the result of an operation.
func (c *Client) end(ctx context.Context, op Op, start time.Time, r *Receipt, err error) {
	if c.hooks.OnResult != nil {
		n, waited, backoff := tries.Of(ctx)
		c.hooks.OnResult(ctx, ResultEvent{
			Provider: c.provider, Account: c.account, Op: op, Receipt: r, Err: err,
			Took: time.Since(start), Tries: n, Waited: waited, Backoff: backoff,
		})
	}
}

// run wraps every operation except Send: context, features, hooks, errors.
func run[T any](
	ctx context.Context, c *Client, op Op, needs []Feature, call func(context.Context) (T, error),
) (out T, err error) {
	ctx, start, err := c.begin(ctx, op)
	if err == nil {
		err = c.supports(needs...)
	}
	if err == nil {
		out, err = call(ctx)
	}
	err = asError(err, c.provider, c.account, op)
	r, _ := any(out).(*Receipt)
	c.end(ctx, op, start, r, err)
	return out, err
}

// Call runs an operation that another package defines over a method of the adapter, such
// as ListEvents of package events: it checks the features, calls the hooks, gives the
// adapter to call and completes the error. A program needs it for none of the operations
// that a Client has itself, which check more.
func (c *Client) Call(ctx context.Context, op Op, needs []Feature, call func(context.Context, Adapter) error) error {
	_, err := run(ctx, c, op, needs, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, call(ctx, c.adapter)
	})
	return err
}

// supports returns the error for the first feature that the account does not have.
func (c *Client) supports(needs ...Feature) error {
	for _, f := range needs {
		if !c.allows(f) {
			return c.unsupported(f)
		}
	}
	return nil
}

// allows reports whether f is used as the provider has it, or emulated: by default, or as
// the policy says.
func (c *Client) allows(f Feature) bool {
	action, _ := c.policy.action(f)
	switch c.caps.Level(f) {
	case LevelNative, LevelLimited:
		return true
	case LevelEmulated:
		return action == ActionEmulate || action == ActionFanOut || f.info().emulation() == ""
	}
	return action == ActionFanOut // the Client's own work
}

// unsupported is the error for the features that are missing, with why the first one is, and
// with the policy that would do without them.
func (c *Client) unsupported(missing ...Feature) *Error {
	f := missing[0]
	s := c.caps[f]
	why := s.Note
	switch c.caps.Level(f) {
	case LevelAccountWide:
		why = c.provider + " sets this for the whole account: " + s.Note
	case LevelEmulated:
		why = c.provider + " can only emulate it (" + s.Note + ")"
	}
	if why == "" {
		why = c.provider + " has no such feature"
	}
	if f == featureIdempotencyKey {
		why += "; a duplicate guard serves it everywhere: provider.WithDuplicateGuard(guard.NewMemory(0, 0), \"NAME\")"
	}
	for _, more := range missing[1:] {
		why += "; nor is " + string(more)
	}
	var refused, without []string
	for _, f := range missing {
		action, named := c.policy.action(f)
		switch info := f.info(); {
		case named && action == actionError:
			refused = append(refused, string(f))
		case c.caps.Level(f) == LevelEmulated && info.emulation() != "" && action != info.emulation():
			without = append(without, string(f)+": "+string(info.emulation()))
		case slices.Contains(info.actions, ActionDrop): // also where this message cannot have the emulation
			without = append(without, string(f)+": "+string(ActionDrop))
		case slices.Contains(info.actions, actionSendNow):
			without = append(without, string(f)+": "+string(actionSendNow))
		}
	}
	if len(refused) > 0 {
		why += "; the policy refuses to do without " + strings.Join(refused, ", ")
	}
	if len(without) > 0 {
		why += fmt.Sprintf("; a policy allows to do without: %q", strings.Join(without, ", "))
	}
	e := Unsupported(f, "%s", why)
	if len(missing) > 1 { // for those who ask for them one by one
		each := make([]error, len(missing))
		for i, f := range missing {
			each[i] = c.unsupported(f)
		}
		e.Err = errors.Join(each...)
	}
	return e
}

// addOn returns the adapter as T, which serves f. NewClient has checked that it is
// one, except for a route, whose members serve f.
func addOn[T any](c *Client, f Feature) (T, error) {
	t, ok := c.adapter.(T)
	if !ok {
		return t, c.unsupported(f)
	}
	return t, nil
}

// idOf resolves a reference to the id at the account.
func idOf(field string, table map[string]string, r Ref) (Ref, error) {
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
		return r, ofAccount(
			Invalid(
				field, "no alias %q for this account; write %q for a literal id",
				text.Clip(r.Alias), "id:"+text.Clip(r.Alias),
			),
		)
	}
	return Ref{ID: id}, checkID(field, id)
}

// listID resolves a list; a zero list is an error.
func (c *Client) listID(list Ref) (Ref, error) {
	if list.IsZero() {
		return list, Invalid("list", "expected id or alias")
	}
	return idOf("list", c.aliases.lists, list)
}

// Check tests the credentials and returns the senders and quotas of the account. It
// sends nothing.
func (c *Client) Check(ctx context.Context) (*Health, error) {
	return run(ctx, c, opCheck, []Feature{featureCheck}, func(ctx context.Context) (*Health, error) {
		a, err := addOn[checker](c, featureCheck)
		if err != nil {
			return nil, err
		}
		h, err := a.Check(ctx)
		if h != nil {
			h.Provider, h.Account = c.provider, c.account
			h.Notes = append(h.Notes, h.notesOf(c.from)...)
		}
		return h, err
	})
}

// notesOf returns a note when from is not among the senders from which the account may
// send. It is a warning, because a provider may accept more: all addresses of a domain
// that it has verified.
func (h *Health) notesOf(from Address) []Note {
	if from.Email == "" || len(h.Senders) == 0 {
		return nil
	}
	i := slices.IndexFunc(h.Senders, func(s Sender) bool { return mailaddr.Key(s.Email) == mailaddr.Key(from.Email) })
	switch {
	case i < 0:
		return []Note{{Field: "from", Action: NoteWarning, Why: fmt.Sprintf(
			"%s is not among the senders that the provider lists: mail from it is refused, unless the provider has verified its domain", from.Email,
		)}}
	case !h.Senders[i].Verified:
		return []Note{{Field: "from", Action: NoteWarning, Why: fmt.Sprintf("%s is not verified at the provider: mail from it is refused", from.Email)}}
	}
	return nil
}
