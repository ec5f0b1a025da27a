package provider

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Driver opens accounts of one provider.
type Driver struct {
	Name     string // "brevo"
	Settings []Setting
	// Check refuses a combination of settings; nil means that any is fine. The
	// Field of its error is relative to the account.
	Check func(s Section) *Error
	// Capabilities are those of an account with these settings. They need no
	// valid credentials. A route's driver has none: they are those of its members.
	Capabilities func(s Section) Capabilities
	// Open assembles a Client; it does not touch the network. The Section's
	// settings are checked and resolved.
	Open func(ctx context.Context, s Section, env Env) (*Client, error)
}

// Setting is a setting of a driver. Unknown-key errors and help come from it.
type Setting struct {
	Name     string
	Secret   bool
	Required bool
	Doc      string
	// Check refuses a bad value; nil means any text.
	Check func(v any) error
}

// Env is what a driver gets besides its Section.
type Env struct {
	Account string
	Aliases AccountAliases
	// HTTPClient is the caller's, nil when none was given. Its transport,
	// timeout and cookie jar are used; redirects are never followed.
	HTTPClient *http.Client
	Hooks      Hooks
	// DryRun is called with each request instead of sending it.
	DryRun func(Request)
	// Guard serves idempotency keys where the provider has none; nil for none.
	Guard GuardStore
	// JSON writes and reads JSON bodies; nil means encoding/json.
	JSON JSONCodec
	// UserAgent is the application's part of the User-Agent header.
	UserAgent string
	// Client opens another account of the same configuration, for routes.
	Client func(name string) (*Client, error)
}

// AccountAliases are the Aliases of one account: alias -> id.
type AccountAliases struct{ Lists, Templates, Fields map[string]string }

// Option changes how Open opens.
type Option func(*openOptions)

type openOptions struct {
	account string
	env     Env
}

// WithAccount opens the named account instead of the default.
func WithAccount(name string) Option { return func(o *openOptions) { o.account = name } }

// WithHTTPClient sends through hc. hc itself is not changed: redirects are
// refused and answers capped all the same.
func WithHTTPClient(hc *http.Client) Option { return func(o *openOptions) { o.env.HTTPClient = hc } }

// WithHooks observes every operation and request.
func WithHooks(h Hooks) Option { return func(o *openOptions) { o.env.Hooks = h } }

// WithDryRun sends nothing: each request that would go out is given to show,
// and the operation ends in an error of kind ErrDryRun.
func WithDryRun(show func(Request)) Option { return func(o *openOptions) { o.env.DryRun = show } }

// WithUserAgent puts the application's name and version before ours.
func WithUserAgent(product string) Option { return func(o *openOptions) { o.env.UserAgent = product } }

// Registry is a set of drivers. It is a value: nothing registers itself.
type Registry map[string]Driver

// NewRegistry returns a Registry of drivers.
func NewRegistry(drivers ...Driver) Registry {
	r := make(Registry, len(drivers))
	for _, d := range drivers {
		r[d.Name] = d
	}
	return r
}

// Open opens an account of cfg: the one named by WithAccount, else cfg.Default,
// else the only one. It checks the form of all accounts, resolves the secrets of
// the opened one, checks its require list, and never touches the network. The
// error tells all problems at once.
func (r Registry) Open(ctx context.Context, cfg Config, opts ...Option) (*Client, error) {
	var o openOptions
	for _, opt := range opts {
		opt(&o)
	}
	if err := r.Check(cfg); err != nil {
		return nil, err
	}
	name, err := cfg.account(o.account)
	if err != nil {
		return nil, err
	}
	return r.open(ctx, cfg, name, o.env, nil)
}

func (r Registry) open(ctx context.Context, cfg Config, name string, env Env, path []string) (*Client, error) {
	if slices.Contains(path, name) {
		return nil, configError("providers."+name, "accounts refer to each other in a circle: %s", strings.Join(append(path, name), " -> "))
	}
	s, ok := cfg.Providers[name]
	if !ok {
		return nil, configError("providers."+name, "no such account; known: %s", cfg.names())
	}
	s, err := r.resolve(name, s)
	if err != nil {
		return nil, err
	}
	env.Account = name
	env.Aliases = AccountAliases{Lists: pick(cfg.Aliases.Lists, name), Templates: pick(cfg.Aliases.Templates, name), Fields: pick(cfg.Aliases.Fields, name)}
	path = append(slices.Clip(path), name)
	env.Client = func(member string) (*Client, error) { return r.open(ctx, cfg, member, env, path) }
	c, err := r[s.Provider].Open(ctx, s, env)
	if err != nil {
		return nil, asError(err, s.Provider, name, "open")
	}
	return c, nil
}

// OpenOne opens a single account of one driver, named after it, without a Config.
func OpenOne(d Driver, s Section, opts ...Option) (*Client, error) {
	s.Provider = d.Name
	cfg := Config{Default: d.Name, Providers: map[string]Section{d.Name: s}}
	return NewRegistry(d).Open(context.Background(), cfg, opts...)
}

// Check reports all problems of form in cfg at once, without resolving secrets
// and without the network.
func (r Registry) Check(cfg Config) error {
	problems := slices.Clone(cfg.problems)
	if len(cfg.Providers) == 0 {
		problems = append(problems, configError("providers", "expected at least one account"))
	}
	if cfg.Default != "" {
		if _, ok := cfg.Providers[cfg.Default]; !ok {
			problems = append(problems, configError("default", "no account is called %q; known: %s", text.Clip(cfg.Default), cfg.names()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		problems = append(problems, r.checkSection("providers."+name, cfg.Providers[name], cfg.problems)...)
	}
	problems = append(problems, cfg.checkAliases()...)
	return joinProblems(problems)
}

// CheckSecrets resolves the secrets of all accounts and reports all that are missing.
func (r Registry) CheckSecrets(cfg Config) error {
	var problems []*Error
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		s := cfg.Providers[name]
		for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
			if _, err := resolve("providers."+name+"."+key, s.Settings[key]); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return joinProblems(problems)
}

func (r Registry) checkSection(path string, s Section, known []*Error) []*Error {
	d, ok := r[s.Provider]
	switch {
	case s.Provider == "" && slices.ContainsFunc(known, func(e *Error) bool { return e.Field == path || e.Field == path+".provider" }):
		return nil // told already
	case s.Provider == "":
		return []*Error{configError(path+".provider", "expected one of %s", strings.Join(slices.Sorted(maps.Keys(r)), ", "))}
	case !ok:
		return []*Error{configError(path+".provider", "no provider is called %q; known: %s", text.Clip(s.Provider), strings.Join(slices.Sorted(maps.Keys(r)), ", "))}
	}
	problems := s.check(path)
	for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
		i := slices.IndexFunc(d.Settings, func(x Setting) bool { return x.Name == key })
		switch {
		case i < 0:
			problems = append(problems, configError(path+"."+key, "unknown key; %s knows: %s", d.Name, d.keys()))
		case d.Settings[i].Check != nil:
			if err := d.Settings[i].Check(s.Settings[key].Reveal()); err != nil {
				problems = append(problems, configError(path+"."+key, "%s", err.Error()))
			}
		default:
			if _, ok := s.Settings[key].Reveal().(string); !ok {
				problems = append(problems, configError(path+"."+key, "expected a text"))
			}
		}
	}
	for _, x := range d.Settings {
		if v, ok := s.Settings[x.Name]; x.Required && (!ok || v.Reveal() == "") {
			problems = append(problems, configError(path+"."+x.Name, "missing: %s", x.Doc))
		}
	}
	if d.Check != nil {
		if e := d.Check(s); e != nil {
			problems = append(problems, configError(join(path, e.Field), "%s", e.Message))
		}
	}
	return problems
}

func (r Registry) resolve(name string, s Section) (Section, error) {
	resolved := make(map[string]Value, len(s.Settings))
	var problems []*Error
	for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
		v, err := resolve("providers."+name+"."+key, s.Settings[key])
		if err != nil {
			problems = append(problems, err)
		}
		resolved[key] = v
	}
	s.Settings = resolved
	return s, joinProblems(problems)
}

// keys are the keys that an account of this driver may have.
func (d Driver) keys() string {
	own := make([]string, 0, len(d.Settings)+len(commonKeys))
	for _, s := range d.Settings {
		own = append(own, s.Name)
	}
	return strings.Join(append(own, commonKeys...), ", ")
}

// Warnings are things about cfg that work but should not stay: keys written
// into the configuration itself. Accounts on loopback are left out.
func (r Registry) Warnings(cfg Config) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		s := cfg.Providers[name]
		if u, err := url.Parse(s.BaseURL); err == nil && Loopback(u.Hostname()) {
			continue
		}
		for _, x := range r[s.Provider].Settings {
			text, ok := s.Settings[x.Name].Reveal().(string)
			if x.Secret && ok && text != "" && !strings.HasPrefix(text, "env:") && !strings.HasPrefix(text, "file:") {
				out = append(out, fmt.Sprintf("providers.%s.%s is written in the configuration; env:NAME or file:PATH keeps it out", name, x.Name))
			}
		}
	}
	return out
}

func (c Config) account(name string) (string, error) {
	switch {
	case name != "":
		if _, ok := c.Providers[name]; !ok {
			return "", configError("provider", "no account is called %q; known: %s", text.Clip(name), c.names())
		}
		return name, nil
	case c.Default != "":
		return c.Default, nil
	case len(c.Providers) == 1:
		for name := range c.Providers {
			return name, nil
		}
	}
	return "", configError("default", "expected the name of an account: %s", c.names())
}

func (c Config) names() string { return strings.Join(slices.Sorted(maps.Keys(c.Providers)), ", ") }

func (c Config) checkAliases() []*Error {
	var out []*Error
	for kind, table := range map[string]map[string]map[string]string{"lists": c.Aliases.Lists, "templates": c.Aliases.Templates, "fields": c.Aliases.Fields} {
		for alias, ids := range table {
			for account, id := range ids {
				field := "aliases." + kind + "." + alias + "." + account
				if _, ok := c.Providers[account]; !ok {
					out = append(out, configError(field, "no account is called %q; known: %s", text.Clip(account), c.names()))
				} else if id == "" {
					out = append(out, configError(field, "expected an id"))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b *Error) int { return strings.Compare(a.Field, b.Field) })
	return out
}

func pick(table map[string]map[string]string, account string) map[string]string {
	out := make(map[string]string, len(table))
	for alias, ids := range table {
		if id, ok := ids[account]; ok {
			out[alias] = id
		}
	}
	return out
}

// Text returns a text setting, empty when it is absent.
func (s Section) Text(name string) string {
	text, _ := s.Settings[name].Reveal().(string)
	return text
}

// Secret returns a secret setting.
func (s Section) Secret(name string) Secret { return NewSecret(s.Text(name)) }
