package route

import (
	"context"
	"slices"

	"github.com/postmux/postmux/provider"
)

// Options are what a route made by a program may have. The zero value is fine.
type Options struct {
	// Name is the account name of the route; empty means the driver's name.
	Name string
	// Hooks observe the route. Those of the members are their own.
	Hooks provider.Hooks

	// What a configuration has beside.
	section provider.Section
	env     provider.Env
}

// Share is a member of Weighted.
type Share struct {
	Member *provider.Client
	Weight int // 1 … 1 000 000
}

// Rule sends messages to a member. Exactly one of RecipientDomain and Tag is set.
type Rule struct {
	// RecipientDomain matches when all recipients, copies too, are in this
	// domain itself. International names match in either spelling.
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
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.open(nameFailover, members, inOrder{})
}

// RoundRobin sends through the members in turn, and through another when one
// cannot.
func (o Options) RoundRobin(members ...*provider.Client) (*provider.Client, error) {
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.open(nameRoundRobin, members, newTurns(slices.Repeat([]int{1}, len(members))))
}

// Weighted sends through the members in turn, so that of every ten messages a
// member of weight 3 beside one of weight 7 gets three, and through another when
// one cannot.
func (o Options) Weighted(shares ...Share) (*provider.Client, error) {
	members, weights := make([]*provider.Client, len(shares)), make([]int, len(shares))
	for i, s := range shares {
		members[i], weights[i] = s.Member, s.Weight
		if s.Weight < 1 || s.Weight > maxWeight {
			return nil, configError("weights", "expected a whole number of 1 … %d for member %d", maxWeight, i+1)
		}
	}
	if err := checkMembers("members", members); err != nil {
		return nil, err
	}
	return o.open(nameWeighted, members, newTurns(weights))
}

// Rules sends through the member of the first rule that matches, else through
// fallback, and never through another. A member may be a route.
func (o Options) Rules(fallback *provider.Client, rules ...Rule) (*provider.Client, error) {
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
	return o.open(nameRules, members, table)
}

func (o Options) open(kind string, clients []*provider.Client, p plan) (*provider.Client, error) {
	r := &route{name: o.Name, hooks: o.Hooks, plan: p}
	if r.name == "" {
		r.name = kind
	}
	for i, c := range clients {
		r.members = append(r.members, newMember(c, i))
	}
	r.caps = capabilities(clients)
	o.section.Provider, o.env.Account, o.env.Hooks = kind, r.name, o.Hooks
	return provider.NewClient(r, o.section, o.env)
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

// States returns what a route thinks of its members, in their order; false when
// c is no route. Members that are routes have states of their own inside.
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
}

var (
	_ provider.Adapter = (*route)(nil)
	_ provider.Router  = (*route)(nil)
)

func (r *route) Capabilities() provider.Capabilities { return r.caps }

func (r *route) Native() any { return r }

// changed tells the hook; no lock is held.
func (r *route) changed(ctx context.Context, m *member, c change) {
	if c.from == c.to || r.hooks.OnState == nil {
		return
	}
	r.hooks.OnState(ctx, provider.StateEvent{
		Provider: m.client.Provider(), Account: m.client.Account(), Route: r.name,
		From: string(c.from), To: string(c.to), Why: c.why,
	})
}
