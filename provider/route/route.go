package route

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postmux/postmux/provider"
)

// defaultPatience is shorter than the wait for most hints of vendors, and long enough for
// a repeat or two.
const defaultPatience = 2 * time.Second

// Options are the optional settings of a route that a program makes. The zero value
// is valid.
type Options struct {
	// Name is the account name of the route; empty means the driver's name.
	Name string
	// Hooks observe the route. Members have hooks of their own.
	Hooks provider.Hooks
	// Guard and Namespace are the arguments of provider.WithDuplicateGuard. The route
	// claims a key once, for whichever member sends; members need no guard for it, and
	// those that have one are not asked.
	Guard     provider.GuardStore
	Namespace string
	// Patience is how long a message waits at a member that provably has not sent it,
	// for a limit or before a repeat, while another member is ready for it; 0 means 2 s.
	// A request under way is not cut off. Rules ignore it: they name the only member.
	Patience time.Duration
}

// Share is a member of Weighted.
type Share struct {
	Member *provider.Client
	Weight int // 1 … 1 000 000
}

// Rule sends messages to a member. Exactly one of RecipientDomain and Tag is set.
type Rule struct {
	// RecipientDomain matches when all recipients, including copies, are in exactly
	// this domain. International names match in either spelling.
	RecipientDomain string
	// Tag matches when the message has it.
	Tag    string
	Member *provider.Client
}

// Failover is Options{}.Failover.
func Failover(members ...*provider.Client) (*provider.Client, error) {
	return Options{}.Failover(members...)
}

// RoundRobin is Options{}.RoundRobin.
func RoundRobin(members ...*provider.Client) (*provider.Client, error) {
	return Options{}.RoundRobin(members...)
}

// Weighted is Options{}.Weighted.
func Weighted(shares ...Share) (*provider.Client, error) { return Options{}.Weighted(shares...) }

// Rules is Options{}.Rules.
func Rules(fallback *provider.Client, rules ...Rule) (*provider.Client, error) {
	return Options{}.Rules(fallback, rules...)
}

// Failover sends through the first member that can take the message.
func (o Options) Failover(members ...*provider.Client) (*provider.Client, error) {
	r, err := o.failover(members...)
	return o.client(r, nameFailover, err)
}

func (o Options) failover(members ...*provider.Client) (*route, error) {
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.route(nameFailover, members, inOrder{}), nil
}

// RoundRobin sends through the members in turn, and through another when one
// cannot.
func (o Options) RoundRobin(members ...*provider.Client) (*provider.Client, error) {
	r, err := o.roundRobin(members...)
	return o.client(r, nameRoundRobin, err)
}

func (o Options) roundRobin(members ...*provider.Client) (*route, error) {
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.route(nameRoundRobin, members, newTurns(slices.Repeat([]int{1}, len(members)))), nil
}

// Weighted sends through the members in turn by weight, and through another when
// one cannot: with weights 3 and 7 the first gets three of every ten messages.
func (o Options) Weighted(shares ...Share) (*provider.Client, error) {
	r, err := o.weighted(shares...)
	return o.client(r, nameWeighted, err)
}

func (o Options) weighted(shares ...Share) (*route, error) {
	members, weights := make([]*provider.Client, len(shares)), make([]int, len(shares))
	for i, s := range shares {
		members[i], weights[i] = s.Member, s.Weight
		if s.Weight < 1 || s.Weight > maxWeight {
			return nil, configError(
				"weights", "expected a whole number of 1 … %d for member %d", maxWeight, i+1,
			)
		}
	}
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.route(nameWeighted, members, newTurns(weights)), nil
}

// Rules sends through the member of the first matching rule, else through fallback,
// and never through another. A member may be a route.
func (o Options) Rules(fallback *provider.Client, rules ...Rule) (*provider.Client, error) {
	r, err := o.rules(fallback, rules...)
	return o.client(r, nameRules, err)
}

func (o Options) rules(fallback *provider.Client, rules ...Rule) (*route, error) {
	if fallback == nil {
		return nil, configError("default", "expected a member")
	}
	members := []*provider.Client{fallback}
	table := make(ruleTable, len(rules))
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, configError("rules", "[%d]: %s", i, err)
		}
		at := slices.Index(members, r.Member)
		if at < 0 {
			at = len(members)
			members = append(members, r.Member)
		}
		table[i] = compiled{domain: domainKey(r.RecipientDomain), tag: r.Tag, member: at}
	}
	return o.route(nameRules, members, table), nil
}

// route makes a route of clients.
func (o Options) route(kind string, clients []*provider.Client, p plan) *route {
	r := &route{
		name: cmp.Or(o.Name, kind), hooks: o.Hooks, plan: p, guarded: o.Guard != nil,
		patience: cmp.Or(o.Patience, defaultPatience),
	}
	for i, c := range clients {
		r.members = append(r.members, newMember(c, i))
	}
	r.caps = capabilities(clients)
	return r
}

// client returns the Client of a route that a program made.
func (o Options) client(r *route, kind string, err error) (*provider.Client, error) {
	if err != nil {
		return nil, err
	}
	return provider.NewClient(r, kind, provider.AccountSettings{}, provider.DriverEnv{
		Account: r.name, Hooks: o.Hooks, Guard: o.Guard, Namespace: o.Namespace,
	})
}

func checkMembers(field string, members []*provider.Client) error {
	if len(members) == 0 {
		return configError(field, "expected at least one member")
	}
	for i, c := range members {
		switch {
		case c == nil:
			return configError(field, "[%d]: expected a member, got nil", i)
		case slices.Index(members, c) < i:
			return configError(field, "[%d]: %s is a member already", i, c.Account())
		}
	}
	return nil
}

// States returns the states of a route's members, in their order; false when c is
// no route. A member that is a route has States of its own.
func States(c *provider.Client) ([]MemberState, bool) {
	r, ok := provider.Native[*route](c)
	if !ok {
		return nil, false
	}
	out := make([]MemberState, len(r.members))
	for i, m := range r.members {
		out[i] = m.state()
	}
	return out, true
}

// Members returns the members of a route in their order; nil when c is no route.
func Members(c *provider.Client) []*provider.Client {
	r, ok := provider.Native[*route](c)
	if !ok {
		return nil
	}
	out := make([]*provider.Client, len(r.members))
	for i, m := range r.members {
		out[i] = m.client
	}
	return out
}

// route is the adapter behind the Client of a route.
type route struct {
	name    string
	hooks   provider.Hooks
	plan    plan
	members []*member
	caps    provider.Capabilities
	keys    keyTable

	patience time.Duration
	guarded  bool // a duplicate guard serves the idempotency key
}

var _ provider.Adapter = (*route)(nil)

func (r *route) Capabilities() provider.Capabilities { return r.caps }

func (r *route) Native() any { return r }

// Member returns the member with this account, also one of a route among them.
func (r *route) Member(account string) *provider.Client {
	for _, m := range r.members {
		if m.client.Account() == account {
			return m.client
		}
	}
	for _, m := range r.members {
		if inner, ok := provider.Native[*route](m.client); ok && inner.Member(account) != nil {
			return m.client
		}
	}
	return nil
}

// KeyWindow is the least of the members'.
func (r *route) KeyWindow() time.Duration {
	least := r.members[0].client.KeyWindow()
	for _, m := range r.members[1:] {
		least = min(least, m.client.KeyWindow())
	}
	return least
}

// changed calls the hook; no lock is held.
func (r *route) changed(ctx context.Context, m *member, c change) {
	if c.from == c.to || r.hooks.OnState == nil {
		return
	}
	r.hooks.OnState(ctx, provider.StateEvent{
		Provider: m.client.Provider(), Account: m.client.Account(), Route: r.name,
		From: string(c.from), To: string(c.to), Why: c.why,
	})
}
