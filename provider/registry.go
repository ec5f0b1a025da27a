package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/internal/vendorurl"
)

// Registry is a set of drivers. It is a value: nothing registers itself.
type Registry []Driver

// Open opens the default account of cfg: cfg.Default, else the only one. It checks
// the form of all accounts, follows the references of the opened one, checks its
// require list, and never touches the network. The error lists all problems at
// once.
func (r Registry) Open(ctx context.Context, cfg Config, opts ...Option) (*Client, error) {
	if err := r.Check(cfg); err != nil {
		return nil, err
	}
	name, err := cfg.defaultAccount()
	if err != nil {
		return nil, err
	}
	return r.OpenAccount(ctx, cfg, name, opts...)
}

// OpenAccount is Open for the account with this name.
func (r Registry) OpenAccount(
	ctx context.Context, cfg Config, name string, opts ...Option,
) (*Client, error) {
	if err := r.Check(cfg); err != nil {
		return nil, err
	}
	if _, ok := cfg.Providers[name]; !ok {
		return nil, configError(
			"provider", "no account is called %q; known: %s", text.NoKey(name), cfg.names(),
		)
	}
	o := optionsOf(opts)
	o.env.Namespace = cmp.Or(o.env.Namespace, cfg.Name)
	if err := checkNamespace(o.env.Guard, o.env.Namespace); err != nil {
		return nil, err
	}
	if o.from != (Address{}) {
		cfg.Providers = maps.Clone(cfg.Providers)
		cfg.Providers[name] = cfg.Providers[name].With("from", o.from)
	}
	return r.open(ctx, cfg, name, o.env, nil)
}

func (r Registry) open(
	ctx context.Context, cfg Config, name string, env DriverEnv, path []string,
) (*Client, error) {
	if slices.Contains(path, name) {
		return nil, configError(
			placeOf(name), "accounts refer to each other in a circle: %s",
			strings.Join(append(path, name), " -> "),
		)
	}
	a, ok := cfg.Providers[name]
	if !ok {
		return nil, configError(placeOf(name), "no such account; known: %s", cfg.names())
	}
	d, _ := r.driver(a.Provider())
	own, problems := d.decode(d.toSend(a), true)
	problems = append(within(placeOf(name), problems), keyAsName(name, settings.Secrets(own))...)
	if len(problems) > 0 {
		return nil, joinProblems(withoutKeys(problems, r.keysOf(cfg, own)))
	}
	env.Account = name
	env.Lists, env.Templates, env.Fields = aliasesOf(cfg.Aliases.Lists, name), aliasesOf(
		cfg.Aliases.Templates, name,
	), aliasesOf(cfg.Aliases.Fields, name)
	path = append(slices.Clip(path), name)
	env.Client = func(member string) (*Client, error) { return r.open(ctx, cfg, member, env, path) }
	c, err := d.open(ctx, own, env)
	e := errorOf(err)
	if e == nil || e.Kind != ErrConfig {
		return c, err
	}
	if e.Field != "" && !inside(e.Field, "providers") && !inside(e.Field, "aliases") {
		e = e.At(placeOf(name) + ".")
	}
	return nil, withoutKeys([]*Error{e}, r.keysOf(cfg, own))[0]
}

// keysOf are the keys of an account with the settings own, and those that cfg itself holds
// of the others.
func (r Registry) keysOf(cfg Config, own any) []string {
	keys := settings.Secrets(own)
	for _, a := range cfg.Providers {
		keys = append(keys, r.literalKeys(a)...)
	}
	return keys
}

// placeOf is the path of an account in a configuration, for an error.
func placeOf(account string) string { return "providers." + text.NoKey(account) }

// keyAsName refuses a name of an account that holds one of its keys: names are printed.
func keyAsName(name string, keys []string) []*Error {
	for _, key := range keys {
		if len(key) >= 8 && strings.Contains(strings.ToLower(name), strings.ToLower(key)) {
			return []*Error{configError("providers", "the name of an account holds its key")}
		}
	}
	return nil
}

// withoutKeys takes keys out of problems: one that stands in the wrong place too is quoted
// by the problem that this makes.
func withoutKeys(problems []*Error, keys []string) []*Error {
	if len(problems) == 0 {
		return nil
	}
	known := scrub.New(keys...)
	out := make([]*Error, len(problems))
	for i, p := range problems {
		c := *p
		c.Field, c.Message = text.NoKeyInPath(known.Text(p.Field)), known.Text(p.Message)
		if c.Err != nil {
			if cause := c.Err.Error(); known.Text(cause) != cause {
				c.Err = errors.New(known.Text(cause))
			}
		}
		out[i] = &c
	}
	return out
}

// Check reports all problems of form in cfg at once, without following references
// and without the network.
func (r Registry) Check(cfg Config) error { return r.check(cfg, false) }

// CheckSecrets is Check that also follows the references of all accounts, and
// reports those without a value.
func (r Registry) CheckSecrets(cfg Config) error { return r.check(cfg, true) }

func (r Registry) check(cfg Config, resolve bool) error {
	problems := slices.Clone(cfg.problems)
	if err := checkNamespace(nil, cfg.Name); err != nil {
		problems = append(problems, err)
	}
	if len(cfg.Providers) == 0 {
		problems = append(problems, configError("providers", "expected at least one account"))
	}
	if cfg.Default != "" {
		if _, ok := cfg.Providers[cfg.Default]; !ok {
			problems = append(
				problems,
				configError(
					"default", "no account is called %q; known: %s", text.NoKey(cfg.Default),
					cfg.names(),
				),
			)
		}
	}
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		path := "providers." + name
		if !slices.ContainsFunc(cfg.problems, func(e *Error) bool { return e.Field == path }) { // an account that could be read
			own, found := r.checkAccount(path, cfg.Providers[name], resolve)
			problems = append(append(problems, without(found, cfg.problems)...), keyAsName(name, own)...)
			keys = append(keys, own...)
		}
	}
	problems = append(problems, cfg.checkAliases()...)
	return joinProblems(withoutKeys(problems, keys))
}

// checkAccount returns the keys of an account, as far as they are known, and its problems.
func (r Registry) checkAccount(path string, a AccountConfig, resolve bool) (keys []string, problems []*Error) {
	given, ok := a["provider"]
	name, isText := given.(string)
	d, known := r.driver(name)
	switch {
	case ok && !isText:
		return r.literalKeys(a), []*Error{configError(path+".provider", "expected a text")}
	case !ok || name == "":
		return r.literalKeys(a), append(
			within(path, commonProblems(a)),
			configError(path+".provider", "expected one of %s", r.names()),
		)
	case !known:
		return r.literalKeys(a), append(
			within(path, commonProblems(a)),
			configError(
				path+".provider", "no provider is called %q; known: %s", text.NoKey(name), r.names(),
			),
		)
	}
	own, problems := d.decode(a, resolve)
	return settings.Secrets(own), within(path, problems)
}

// literalKeys are the values of a that are keys at some provider.
func (r Registry) literalKeys(a AccountConfig) []string {
	var out []string
	for _, d := range r {
		for _, f := range settings.Fields(reflect.TypeOf(d.config)) {
			if word, ok := a[f.Name].(string); f.Secret && ok && settings.Literal(word) && !slices.Contains(out, word) {
				out = append(out, word)
			}
		}
	}
	return out
}

// commonProblems returns the problems of the settings that every account may have,
// for an account whose driver is not known.
func commonProblems(a AccountConfig) []*Error {
	var s AccountSettings
	common := make(map[string]any)
	for _, f := range settings.Fields(reflect.TypeFor[AccountSettings]()) {
		if v, ok := a[f.Name]; ok {
			common[f.Name] = v
		}
	}
	out := configErrors(settings.Decode(common, &s))
	return append(out, without(s.check(), out)...)
}

// within puts the fields of problems below path.
func within(path string, problems []*Error) []*Error {
	out := make([]*Error, len(problems))
	for i, p := range problems {
		out[i] = p.At(path + ".")
	}
	return out
}

func (r Registry) driver(name string) (Driver, bool) {
	for _, d := range r {
		if d.name == name {
			return d, true
		}
	}
	return Driver{}, false
}

// Driver returns the driver with this name; ok is false when there is none.
func (r Registry) Driver(name string) (d Driver, ok bool) { return r.driver(name) }

// Names are the names of the drivers in alphabetical order.
func (r Registry) Names() []string {
	out := make([]string, len(r))
	for i, d := range r {
		out[i] = d.name
	}
	slices.Sort(out)
	return out
}

func (r Registry) names() string { return strings.Join(r.Names(), ", ") }

// Warnings returns things in cfg that work but should be changed: keys written into
// the configuration itself. Accounts on loopback are left out.
func (r Registry) Warnings(cfg Config) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		a := cfg.Providers[name]
		if base, ok := a["base_url"].(string); ok && vendorurl.Loopback(base) {
			continue
		}
		d, ok := r.driver(a.Provider())
		if !ok {
			continue
		}
		for _, f := range settings.Fields(reflect.TypeOf(d.config)) {
			if word, ok := a[f.Name].(string); f.Secret && ok && settings.Literal(word) && !vendorurl.Open(word) {
				out = append(
					out,
					fmt.Sprintf(
						"%s.%s is written in the configuration; env:NAME or file:PATH keeps it out",
						placeOf(scrub.New(word).Text(name)), f.Name,
					),
				)
			}
		}
	}
	return out
}

// DriverOf describes a provider whose accounts have the settings C: a struct that
// embeds AccountSettings and declares its own settings by tags, see
// docs/adding-a-provider.md.
type DriverOf[C any] struct {
	Name string
	// Route means that accounts send through other accounts, and have only the
	// common settings that apply to a route.
	Route bool
	// Check returns the problems of cfg that the tags do not cover; nil checks
	// nothing. Fields are relative to the account. A text may still be a reference.
	Check func(cfg C) []*Error
	// Capabilities are those of an account with these settings. They need no valid
	// credentials. A route's driver has no such function: a route has the
	// capabilities of its members.
	Capabilities func(cfg C) Capabilities
	// Receiver makes what receives the webhooks of an account, an events.Receiver; nil where
	// the provider pushes nothing. Only the settings with the tag use:"receive" are set.
	Receiver func(cfg C) any
	// Open makes the adapter; it does not touch the network. It gets checked
	// settings, with references followed.
	Open func(ctx context.Context, cfg C, env DriverEnv) (Adapter, error)
}

// Driver opens accounts of one provider. DriverOf.Driver returns one.
type Driver struct {
	name   string
	route  bool
	config any // a zero C
	caps   func(AccountConfig) Capabilities
	// decode reads and checks settings; resolve: follow references.
	decode func(a AccountConfig, resolve bool) (any, []*Error)
	// receiver checks the form of all settings and follows the references of those of
	// webhooks; nil where the provider pushes nothing.
	receiver func(a AccountConfig) (any, []*Error)
	open     func(ctx context.Context, cfg any, env DriverEnv) (*Client, error)
}

// Name is the provider's name in a configuration, "brevo".
func (d Driver) Name() string { return d.name }

// Config is the zero value of the struct with the driver's settings.
func (d Driver) Config() any { return d.config }

// Capabilities are those of an account with the settings of a, which need not be
// complete; nil for a route, whose capabilities are those of its members.
func (d Driver) Capabilities(a AccountConfig) Capabilities {
	if d.caps == nil {
		return nil
	}
	return d.caps(a)
}

// receiver is Receiver for settings of a configuration.
func (d DriverOf[C]) receiver(a AccountConfig) (any, []*Error) {
	var all, own C
	out := configErrors(settings.Decode(withoutProvider(a), &all))
	out = append(out, without(configErrors(settings.Check(all, settings.Receive)), out)...)
	values := make(map[string]any)
	for _, f := range settings.Fields(reflect.TypeFor[C]()) {
		if v, ok := a[f.Name]; ok && f.Tag.Get("use") == "receive" {
			values[f.Name] = v
		}
	}
	values, problems := settings.Resolve(values)
	out = append(out, without(configErrors(append(problems, settings.Decode(values, &own)...)), out)...)
	out = append(out, without(embeddedProblems(own), out)...)
	return d.Receiver(own), withoutKeys(out, append(settings.Secrets(all), settings.Secrets(own)...))
}

// Receivers returns what receives the webhooks of the accounts of cfg, by the names of the
// accounts. It follows only the references of the webhook settings, so API keys need not be
// there; of all other settings it checks the form. The error lists all problems at once.
// events.FromConfig makes a handler of it.
func (r Registry) Receivers(cfg Config) (map[string]any, error) {
	out, problems := make(map[string]any), slices.Clone(cfg.problems)
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		a := cfg.Providers[name]
		d, ok := r.driver(a.Provider())
		if !ok {
			_, found := r.checkAccount(placeOf(name), a, false)
			problems = append(problems, without(found, cfg.problems)...)
			continue
		}
		if d.receiver == nil {
			continue
		}
		made, found := d.receiver(a)
		problems = append(problems, without(within(placeOf(name), found), cfg.problems)...)
		out[name] = made
	}
	if err := joinProblems(problems); err != nil {
		return nil, err
	}
	return out, nil
}

// Driver returns the driver for a Registry.
func (d DriverOf[C]) Driver() Driver {
	out := d.driver()
	if d.Receiver != nil {
		out.receiver = d.receiver
	}
	return out
}

func (d DriverOf[C]) driver() Driver {
	var zero C
	return Driver{
		name: d.Name, route: d.Route, config: zero,
		caps: func(a AccountConfig) Capabilities {
			if d.Capabilities == nil {
				return nil
			}
			var cfg C
			settings.Decode(withoutProvider(a), &cfg)
			return d.Capabilities(cfg)
		},
		decode: func(a AccountConfig, resolve bool) (any, []*Error) {
			var cfg C
			values, problems := withoutProvider(a), []settings.Problem(nil)
			if resolve {
				values, problems = settings.Resolve(values)
			}
			out := configErrors(append(problems, settings.Decode(values, &cfg)...))
			return cfg, append(out, without(d.problems(cfg), out)...)
		},
		open: func(ctx context.Context, cfg any, env DriverEnv) (*Client, error) {
			c, ok := cfg.(C)
			if !ok {
				return nil, &Error{
					Kind: ErrInternal, Outcome: OutcomeNotSent,
					Message: fmt.Sprintf("settings of type %T", cfg),
				}
			}
			return d.openClient(ctx, c, env)
		},
	}
}

// Client opens an account with settings from Go, named after its provider. It does
// not touch the network. Texts may be references as in a configuration. The error
// lists all problems at once.
func (d DriverOf[C]) Client(cfg C, opts ...Option) (*Client, error) {
	o := optionsOf(opts)
	problems := configErrors(settings.ResolveStruct(&cfg))
	if s := accountOf(&cfg); o.from != (Address{}) {
		s.From = o.from
	}
	problems = append(problems, without(d.problems(cfg), problems)...)
	if err := joinProblems(withoutKeys(problems, settings.Secrets(cfg))); err != nil {
		return nil, asError(err, d.Name, d.Name, opOpen)
	}
	o.env.Account = d.Name
	c, err := d.openClient(context.Background(), cfg, o.env)
	if e := errorOf(err); e != nil && e.Kind == ErrConfig {
		return nil, withoutKeys([]*Error{e}, settings.Secrets(cfg))[0]
	}
	return c, err
}

func (d DriverOf[C]) openClient(ctx context.Context, cfg C, env DriverEnv) (*Client, error) {
	a, err := d.Open(ctx, cfg, env)
	if err != nil {
		return nil, asError(err, d.Name, env.Account, opOpen)
	}
	return NewClient(a, d.Name, *accountOf(&cfg), env)
}

// problems returns everything that is wrong with the values in cfg.
func (d DriverOf[C]) problems(cfg C) []*Error {
	out := configErrors(settings.Check(cfg, settings.Send))
	out = append(out, without(accountOf(&cfg).check(), out)...)
	if d.Route {
		out = append(out, notOfRoutes(cfg)...)
	}
	out = append(out, without(embeddedProblems(cfg), out)...)
	if d.Check != nil {
		out = append(out, without(d.Check(cfg), out)...)
	}
	return out
}

// embeddedProblems are those of settings that a group of drivers embeds, such as
// events.Settings, which have a method Check.
func embeddedProblems(cfg any) []*Error {
	if group, ok := cfg.(interface{ Check() []*Error }); ok {
		return group.Check()
	}
	return nil
}

// toSend leaves out references to what only the receipt of webhooks needs, such as its
// secret: a host that sends need not have it.
func (d Driver) toSend(a AccountConfig) AccountConfig {
	out := a
	for _, f := range settings.Fields(reflect.TypeOf(d.config)) {
		word, ok := a[f.Name].(string)
		if f.Tag.Get("use") != "receive" || !ok || settings.Literal(word) {
			continue
		}
		out = maps.Clone(out)
		delete(out, f.Name)
	}
	return out
}

// notOfRoutes returns a problem for each common setting in cfg that has no effect
// on a route.
func notOfRoutes(cfg any) []*Error {
	var out []*Error
	v := reflect.ValueOf(cfg)
	for _, f := range settings.Fields(v.Type()) {
		if f.Tag.Get("route") == "no" && !f.Of(v).IsZero() {
			out = append(out, configError(f.Name, "a route has none; set it at its members"))
		}
	}
	return out
}

// accountOf returns the AccountSettings that *C embeds.
func accountOf[C any](cfg *C) *AccountSettings {
	if s, ok := any(cfg).(interface{ settings() *AccountSettings }); ok {
		return s.settings()
	}
	panic(fmt.Sprintf("provider: %T does not embed AccountSettings", *cfg))
}

func withoutProvider(a AccountConfig) map[string]any {
	out := make(map[string]any, len(a))
	for name, v := range a {
		if name != "provider" {
			out[name] = v
		}
	}
	return out
}
