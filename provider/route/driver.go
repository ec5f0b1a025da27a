package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/postmux/postmux/provider"
)

// Names of the drivers.
const (
	nameFailover   = "failover"
	nameRoundRobin = "round_robin"
	nameWeighted   = "weighted"
	nameRules      = "rules"
)

// Drivers returns the drivers failover, round_robin, weighted and rules.
func Drivers() []provider.Driver {
	members := provider.Setting{Name: "members", Required: true, Doc: "the accounts that mail goes through, in order", Check: checkNames}
	return []provider.Driver{
		{Name: nameFailover, Settings: []provider.Setting{members}, Open: opener(openFailover)},
		{Name: nameRoundRobin, Settings: []provider.Setting{members}, Open: opener(openRoundRobin)},
		{Name: nameWeighted, Settings: []provider.Setting{
			members, {Name: "weights", Required: true, Doc: "a whole number for each member: {a: 3, b: 1}", Check: checkWeights},
		}, Open: opener(openWeighted)},
		{Name: nameRules, Settings: []provider.Setting{
			{Name: "rules", Required: true, Doc: "a list of {recipient_domain | tag, account}; the first that matches counts", Check: checkRules},
			{Name: "default", Required: true, Doc: "the account for mail that no rule matches"},
		}, Open: opener(openRules)},
	}
}

// opening is a route that is being opened.
type opening struct {
	Options
	path   string // providers.NAME
	opened map[string]*provider.Client
}

func opener(open func(*opening) (*provider.Client, error)) func(context.Context, provider.Section, provider.Env) (*provider.Client, error) {
	return func(_ context.Context, s provider.Section, env provider.Env) (*provider.Client, error) {
		o := &opening{
			Options: Options{Name: env.Account, Hooks: env.Hooks, section: s, env: env},
			path:    "providers." + env.Account, opened: make(map[string]*provider.Client),
		}
		if err := o.checkCommon(); err != nil {
			return nil, err
		}
		c, err := open(o)
		if err != nil {
			return nil, err
		}
		return c, o.checkRequire(c)
	}
}

// checkCommon refuses settings of accounts that would do nothing here.
func (o *opening) checkCommon() error {
	s := o.section
	for _, x := range []struct {
		key string
		set bool
	}{
		{"from", s.From != provider.Address{}},
		{"policy", len(s.Policy) > 0},
		{"base_url", s.BaseURL != ""},
		{"timeout", s.Timeout != 0},
		{"attempts", s.Attempts != 0},
		{"rate_limits", len(s.RateLimits) > 0},
		{"proxy", s.Proxy != ""},
		{"ca_file", s.CAFile != ""},
	} {
		if x.set {
			return configError(o.path+"."+x.key, "a route has none; set it at its members")
		}
	}
	if a := o.env.Aliases; len(a.Lists)+len(a.Templates)+len(a.Fields) > 0 {
		return configError("aliases", "%s is a route and has no ids; give them for its members", o.Name)
	}
	return nil
}

// checkRequire holds a route to what every member has. That some member has it
// is checked already.
func (o *opening) checkRequire(c *provider.Client) error {
	for i, f := range o.section.Require {
		for _, m := range Members(c) {
			if !m.Has(f) {
				return configError(fmt.Sprintf("%s.require[%d]", o.path, i), "%s: its member %s has it at level %s", f, m.Account(), m.Capabilities().Level(f))
			}
		}
	}
	return nil
}

// member opens an account once. field is where the route names it.
func (o *opening) member(field, name string) (*provider.Client, error) {
	if c, ok := o.opened[name]; ok {
		return c, nil
	}
	c, err := o.env.Client(name)
	if err != nil {
		var e *provider.Error
		if errors.As(err, &e) && e.Kind == provider.ErrConfig && e.Field == "providers."+name {
			return nil, configError(o.path+"."+field, "%s", name+": "+e.Message)
		}
		return nil, err
	}
	o.opened[name] = c
	return c, nil
}

func (o *opening) members() ([]*provider.Client, error) {
	names := texts(o.section.Settings["members"].Reveal())
	out := make([]*provider.Client, len(names))
	for i, name := range names {
		var err error
		if out[i], err = o.member(fmt.Sprintf("members[%d]", i), name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func openFailover(o *opening) (*provider.Client, error) {
	members, err := o.members()
	if err != nil {
		return nil, err
	}
	return o.Failover(members...)
}

func openRoundRobin(o *opening) (*provider.Client, error) {
	members, err := o.members()
	if err != nil {
		return nil, err
	}
	return o.RoundRobin(members...)
}

func openWeighted(o *opening) (*provider.Client, error) {
	names := texts(o.section.Settings["members"].Reveal())
	weights, _ := o.section.Settings["weights"].Reveal().(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if !slices.Contains(names, name) {
			return nil, configError(o.path+".weights."+name, "not among the members")
		}
	}
	members, err := o.members()
	if err != nil {
		return nil, err
	}
	shares := make([]Share, len(members))
	for i, c := range members {
		weight, ok := weights[names[i]]
		if !ok {
			return nil, configError(o.path+".weights", "no weight for %s", names[i])
		}
		n, _ := whole(weight)
		shares[i] = Share{c, n}
	}
	return o.Weighted(shares...)
}

func openRules(o *opening) (*provider.Client, error) {
	fallback, err := o.member("default", o.section.Text("default"))
	if err != nil {
		return nil, err
	}
	list, _ := o.section.Settings["rules"].Reveal().([]any)
	rules := make([]Rule, len(list))
	for i, x := range list {
		text := func(key string) string {
			object, _ := x.(map[string]any)
			s, _ := object[key].(string)
			return s
		}
		rules[i] = Rule{RecipientDomain: text("recipient_domain"), Tag: text("tag")}
		if rules[i].Member, err = o.member(fmt.Sprintf("rules[%d].account", i), text("account")); err != nil {
			return nil, err
		}
	}
	return o.Rules(fallback, rules...)
}
