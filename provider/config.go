package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
)

// Config names the accounts of a program and how to open them.
type Config struct {
	// Name is the name of the program, the namespace of its idempotency keys. A
	// duplicate guard needs it.
	Name string `json:"name"`
	// Default is the account that Open opens. It may be empty when there is one
	// account.
	Default   string                   `json:"default"`
	Providers map[string]AccountConfig `json:"providers"`
	// Aliases give names to ids that differ from account to account:
	// alias -> account -> id.
	Aliases struct {
		Lists     map[string]map[string]string `json:"lists"`
		Templates map[string]map[string]string `json:"templates"`
		Fields    map[string]map[string]string `json:"fields"`
	} `json:"aliases"`

	// Outbox are the settings of an outbox as they stand in the configuration, a JSON object
	// that the module of the outbox checks. Its database may be given with a password.
	Outbox json.RawMessage `json:"outbox,omitempty"`

	problems []*Error // of accounts, found while reading; Registry.Check returns them with all others
}

// ParseConfig reads a Config from JSON; it reads no YAML, which the tool converts. It returns an error for what is no JSON object.
// Everything else that is wrong, in accounts and outside of them, Registry.Check returns
// at once: Open calls it, and it knows the drivers.
func ParseConfig(data []byte) (Config, error) {
	var cfg Config
	var whole json.RawMessage
	if len(data) > configMost {
		return cfg, configError("", "the configuration is larger than %d MiB", configMost>>20)
	}
	if err := strictjson.Decode(data, &whole); err != nil {
		if text := bytes.TrimSpace(data); len(text) > 0 && text[0] != '{' {
			err.Message += "; YAML is read by the tool postmux only, from a file called .yaml"
		}
		return cfg, configError(err.Path, "%s", err.Message)
	}
	if !strings.HasPrefix(string(whole), "{") {
		err := strictjson.EachKey("", whole, nil) // says what it is instead
		return cfg, configError(err.Path, "%s", err.Message)
	}
	cfg.Providers = make(map[string]AccountConfig)
	cfg.collect("", whole, func(key, at string, value json.RawMessage) []*strictjson.Error {
		switch key {
		case "name":
			return one(strictjson.Value(at, value, &cfg.Name))
		case "default":
			return one(strictjson.Value(at, value, &cfg.Default))
		case "providers":
			return strictjson.Collect(at, value, func(name, at string, account json.RawMessage) []*strictjson.Error {
				a, problems := parseAccount(at, account)
				cfg.Providers[name] = a
				return problems
			})
		case "aliases":
			return cfg.parseAliases(at, value)
		case "outbox":
			cfg.Outbox = value
			if !strings.HasPrefix(string(value), "{") {
				return one(strictjson.EachKey(at, value, nil)) // says what it is instead
			}
			return one(strictjson.Twice(at, value))
		}
		return []*strictjson.Error{{Path: at, Message: "unknown key; known: name, default, providers, aliases, outbox"}}
	})
	return cfg, nil
}

func (c *Config) collect(
	path string, raw json.RawMessage, visit func(key, at string, value json.RawMessage) []*strictjson.Error,
) {
	for _, p := range strictjson.Collect(path, raw, visit) {
		c.problems = append(c.problems, configError(p.Path, "%s", p.Message))
	}
}

// one is a list of err, empty without one.
func one(err *strictjson.Error) []*strictjson.Error {
	if err == nil {
		return nil
	}
	return []*strictjson.Error{err}
}

// parseAliases reads the aliases. What cannot be read is left out.
func (c *Config) parseAliases(path string, raw json.RawMessage) []*strictjson.Error {
	tables := map[string]*map[string]map[string]string{
		"lists": &c.Aliases.Lists, "templates": &c.Aliases.Templates, "fields": &c.Aliases.Fields,
	}
	return strictjson.Collect(path, raw, func(kind, at string, value json.RawMessage) []*strictjson.Error {
		table, ok := tables[kind]
		if !ok {
			return []*strictjson.Error{{Path: at, Message: "unknown key; known: lists, templates, fields"}}
		}
		*table = make(map[string]map[string]string)
		return strictjson.Collect(at, value, func(alias, at string, value json.RawMessage) []*strictjson.Error {
			ids := make(map[string]string)
			(*table)[alias] = ids
			return strictjson.Collect(at, value, func(account, at string, value json.RawMessage) []*strictjson.Error {
				var id string
				if err := strictjson.Value(at, value, &id); err != nil {
					return one(err)
				}
				ids[account] = id
				return nil
			})
		})
	})
}

// parseAccount reads an account. Settings that cannot be read are left out.
func parseAccount(path string, raw json.RawMessage) (AccountConfig, []*strictjson.Error) {
	a := make(AccountConfig)
	return a, strictjson.Collect(path, raw, func(key, at string, value json.RawMessage) []*strictjson.Error {
		a[key], _ = exact.Decode(value) // it is JSON already
		return one(strictjson.Twice(at, value))
	})
}

// AccountConfig is one account of a configuration: the provider and its settings by
// their names, unchecked. It may hold keys, so it prints REDACTED.
type AccountConfig map[string]any

// Provider is the name of the account's driver; empty when it has none.
func (a AccountConfig) Provider() string {
	name, _ := a["provider"].(string)
	return name
}

// With returns a copy of a with one setting changed.
func (a AccountConfig) With(name string, value any) AccountConfig {
	out := maps.Clone(a)
	if out == nil {
		out = make(AccountConfig)
	}
	out[name] = value
	return out
}

// String returns REDACTED.
func (AccountConfig) String() string { return redacted }

// Format writes REDACTED for every verb.
func (AccountConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns REDACTED.
func (AccountConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns REDACTED; it also serves JSON and YAML.
func (AccountConfig) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// defaultAccount returns the name of the account that Open opens.
func (c Config) defaultAccount() (string, error) {
	switch {
	case c.Default != "":
		return c.Default, nil
	case len(c.Providers) == 1:
		for name := range c.Providers {
			return name, nil
		}
	}
	return "", configError("default", "expected the name of an account: %s", c.names())
}

// names are the names of the accounts, for an error.
func (c Config) names() string {
	names := slices.Sorted(maps.Keys(c.Providers))
	for i, name := range names {
		names[i] = text.NoKey(name)
	}
	return strings.Join(names, ", ")
}

// checkAliases returns the aliases that name no account.
func (c Config) checkAliases() []*Error {
	var out []*Error
	for kind, table := range map[string]map[string]map[string]string{"lists": c.Aliases.Lists, "templates": c.Aliases.Templates, "fields": c.Aliases.Fields} {
		for alias, ids := range table {
			for account, id := range ids {
				field := "aliases." + kind + "." + alias + "." + account
				if _, ok := c.Providers[account]; !ok {
					out = append(
						out,
						configError(
							field, "no account is called %q; known: %s", text.NoKey(account),
							c.names(),
						),
					)
				} else if id == "" {
					out = append(out, configError(field, "expected an id"))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b *Error) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// aliasesOf are the aliases of one account.
func aliasesOf(table map[string]map[string]string, account string) map[string]string {
	out := make(map[string]string, len(table))
	for alias, ids := range table {
		if id, ok := ids[account]; ok {
			out[alias] = id
		}
	}
	return out
}
