package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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
	return []provider.Driver{
		provider.DriverOf[groupSettings]{
			Name: nameFailover, Route: true, Check: groupSettings.check, Open: openFailover,
		}.Driver(),
		provider.DriverOf[groupSettings]{
			Name: nameRoundRobin, Route: true, Check: groupSettings.check, Open: openRoundRobin,
		}.Driver(),
		provider.DriverOf[weightedSettings]{
			Name: nameWeighted, Route: true, Check: weightedSettings.check, Open: openWeighted,
		}.Driver(),
		provider.DriverOf[rulesSettings]{
			Name: nameRules, Route: true, Check: rulesSettings.check, Open: openRules,
		}.Driver(),
	}
}

func openFailover(
	_ context.Context, cfg groupSettings, env provider.DriverEnv,
) (provider.Adapter, error) {
	o := opening{env: env}
	return o.route(cfg.AccountSettings, func() (*route, error) {
		members, err := o.members(cfg.Members)
		if err != nil {
			return nil, err
		}
		return o.options(cfg.Patience).failover(members...)
	})
}

func openRoundRobin(
	_ context.Context, cfg groupSettings, env provider.DriverEnv,
) (provider.Adapter, error) {
	o := opening{env: env}
	return o.route(cfg.AccountSettings, func() (*route, error) {
		members, err := o.members(cfg.Members)
		if err != nil {
			return nil, err
		}
		return o.options(cfg.Patience).roundRobin(members...)
	})
}

func openWeighted(
	_ context.Context, cfg weightedSettings, env provider.DriverEnv,
) (provider.Adapter, error) {
	o := opening{env: env}
	return o.route(cfg.AccountSettings, func() (*route, error) {
		members, err := o.members(cfg.Members)
		if err != nil {
			return nil, err
		}
		shares := make([]Share, len(members))
		for i, name := range cfg.Members {
			shares[i] = Share{members[i], cfg.Weights[name]}
		}
		return o.options(cfg.Patience).weighted(shares...)
	})
}

func openRules(
	_ context.Context, cfg rulesSettings, env provider.DriverEnv,
) (provider.Adapter, error) {
	o := opening{env: env}
	return o.route(cfg.AccountSettings, func() (*route, error) {
		fallback, err := o.member("default", cfg.Default)
		if err != nil {
			return nil, err
		}
		rules := make([]Rule, len(cfg.Rules))
		for i, r := range cfg.Rules {
			rules[i] = Rule{RecipientDomain: r.RecipientDomain, Tag: r.Tag}
			if rules[i].Member, err = o.member(fmt.Sprintf("rules[%d].account", i), r.Account); err != nil {
				return nil, err
			}
		}
		return o.options(0).rules(fallback, rules...)
	})
}

// opening holds the state of opening a route from a configuration.
type opening struct {
	env    provider.DriverEnv
	opened map[string]*provider.Client
}

func (o *opening) options(patience time.Duration) Options {
	return Options{Name: o.env.Account, Hooks: o.env.Hooks, Guard: o.env.Guard, Patience: patience}
}

func (o *opening) path(field string) string { return "providers." + o.env.Account + "." + field }

// route makes the route and checks that every member has the required features; its
// Client checks that some member has them.
func (o *opening) route(
	s provider.AccountSettings, open func() (*route, error),
) (provider.Adapter, error) {
	if len(o.env.Lists)+len(o.env.Templates)+len(o.env.Fields) > 0 {
		return nil, configError(
			"aliases", "%s is a route and has no ids; give them for its members", o.env.Account,
		)
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	for i, f := range s.Require {
		for _, m := range r.members {
			if !m.client.Has(f) {
				return nil, configError(
					o.path(fmt.Sprintf("require[%d]", i)), "%s: its member %s has it at level %s",
					f, m.client.Account(), m.client.Capabilities().Level(f),
				)
			}
		}
	}
	return r, nil
}

// member opens an account once. field is the setting of the route that names it.
func (o *opening) member(field, name string) (*provider.Client, error) {
	if c, ok := o.opened[name]; ok {
		return c, nil
	}
	c, err := o.env.Client(name)
	if err != nil {
		var e *provider.Error
		if errors.As(err, &e) && e.Kind == provider.ErrConfig && e.Field == "providers."+name {
			return nil, configError(o.path(field), "%s", name+": "+e.Message)
		}
		return nil, err
	}
	if o.opened == nil {
		o.opened = make(map[string]*provider.Client)
	}
	o.opened[name] = c
	return c, nil
}

func (o *opening) members(names []string) ([]*provider.Client, error) {
	out := make([]*provider.Client, len(names))
	for i, name := range names {
		var err error
		if out[i], err = o.member(fmt.Sprintf("members[%d]", i), name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// groupSettings are the settings of failover and round_robin.
type groupSettings struct {
	provider.AccountSettings
	Members  []string      `json:"members" required:"send" doc:"the accounts that mail goes through, in order"`
	Patience time.Duration `json:"patience" default:"2s" doc:"how long a message that provably was not sent waits at a member, for a limit or a repeat, while another member is ready for it"`
}

func (s groupSettings) check() []*provider.Error { return checkNames(s.Members) }

type weightedSettings struct {
	provider.AccountSettings
	Members  []string       `json:"members" required:"send" doc:"the accounts that mail goes through, in order"`
	Weights  map[string]int `json:"weights" required:"send" doc:"a whole number for each member: {a: 3, b: 1}"`
	Patience time.Duration  `json:"patience" default:"2s" doc:"how long a message that provably was not sent waits at a member, for a limit or a repeat, while another member is ready for it"`
}

func (s weightedSettings) check() []*provider.Error {
	out := checkNames(s.Members)
	for _, name := range slices.Sorted(maps.Keys(s.Weights)) {
		field := "weights." + name
		switch w := s.Weights[name]; {
		case !slices.Contains(s.Members, name):
			out = append(out, configError(field, "not among the members"))
		case w < 1 || w > maxWeight:
			out = append(
				out, configError(field, "expected a whole number of 1 … %d, got %d", maxWeight, w),
			)
		}
	}
	for _, name := range s.Members {
		if _, ok := s.Weights[name]; !ok && len(s.Weights) > 0 {
			out = append(out, configError("weights", "no weight for %s", name))
		}
	}
	return out
}

type rulesSettings struct {
	provider.AccountSettings
	Rules   []ruleSettings `json:"rules" required:"send" doc:"a list of {recipient_domain | tag, account}; the first that matches counts"`
	Default string         `json:"default" required:"send" doc:"the account for mail that no rule matches"`
}

type ruleSettings struct {
	RecipientDomain string `json:"recipient_domain"`
	Tag             string `json:"tag"`
	Account         string `json:"account"`
}

func (s rulesSettings) check() []*provider.Error {
	var out []*provider.Error
	for i, r := range s.Rules {
		field := fmt.Sprintf("rules[%d]", i)
		switch err := checkDomain(r.RecipientDomain); {
		case r.Account == "":
			out = append(out, configError(field+".account", "missing"))
		case (r.RecipientDomain == "") == (r.Tag == ""):
			out = append(out, configError(field, "expected either recipient_domain or tag"))
		case err != nil:
			out = append(out, configError(field, "%s", err.Error()))
		}
	}
	return out
}

func checkNames(names []string) []*provider.Error {
	var out []*provider.Error
	for i, name := range names {
		field := fmt.Sprintf("members[%d]", i)
		switch {
		case name == "":
			out = append(out, configError(field, "expected the name of an account"))
		case slices.Index(names, name) < i:
			out = append(out, configError(field, "%s is listed twice", name))
		}
	}
	return out
}

func configError(field, format string, args ...any) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}
