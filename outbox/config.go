package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Settings are the settings of an outbox in a configuration: what ParseConfig reads from
// provider.Config.Outbox. Zero values are the defaults of Config.
type Settings struct {
	Database   provider.Secret `json:"database" required:"send" doc:"where the outbox is: file:PATH of SQLite, or a URL of PostgreSQL, best as env:NAME"`
	Prefix     string          `json:"prefix" default:"postmux_" doc:"before the name of each table"`
	Schema     string          `json:"schema" doc:"schema of PostgreSQL that has the tables; without one the first of the search path"`
	Senders    int             `json:"senders" min:"1" max:"1000" default:"16" doc:"calls of one account at the same time; a worker that is killed leaves at most so many messages unknown"`
	Batch      []string        `json:"batch" doc:"accounts whose messages go out many in a call, without a key, where the provider can"`
	Lease      time.Duration   `json:"lease" default:"30s" doc:"how long a worker that shows no sign of life keeps what it has"`
	StopWithin time.Duration   `json:"stop_within" default:"30s" doc:"how long a worker that is told to end waits for its calls"`
	GiveUp     time.Duration   `json:"give_up" default:"24h" doc:"how long after it is due a message is given up, while provably nothing was sent"`
	Limits     string          `json:"limits" enum:"share|refuse|off" default:"share" doc:"whether all workers share the limits of an account, and what happens while the database is away: share (each goes on alone), refuse (nothing is sent), off (each has its own, always)"`
	Retention  Retention       `json:"retention" doc:"how long what ended stays: accepted, failed, keys"`
}

// ParseConfig reads the settings of an outbox, a JSON object, and follows the references in
// it but that of the database, which Place follows. The error has all that is wrong at once.
func ParseConfig(raw []byte) (Settings, error) {
	var s Settings
	if len(raw) == 0 {
		return s, configError("outbox", "missing: the configuration has no settings of an outbox, such as "+
			"outbox: {database: file:outbox.db}")
	}
	values, retention := make(map[string]any), make(map[string]any)
	collect := func(into map[string]any) func(string, string, json.RawMessage) []*strictjson.Error {
		return func(key, at string, value json.RawMessage) []*strictjson.Error {
			into[key], _ = exact.Decode(value) // it is JSON already
			if err := strictjson.Twice(at, value); err != nil {
				return []*strictjson.Error{err}
			}
			return nil
		}
	}
	var problems []*provider.Error
	own := collect(values)
	for _, p := range strictjson.Collect("outbox", raw, func(key, at string, value json.RawMessage) []*strictjson.Error {
		if key == "retention" {
			return strictjson.Collect(at, value, collect(retention))
		}
		return own(key, at, value)
	}) {
		problems = append(problems, configError(p.Path, "%s", p.Message))
	}
	problems = append(problems, within("outbox.", decode(values, &s))...)
	problems = append(problems, within("outbox.retention.", decode(retention, &s.Retention))...)
	for _, p := range within("outbox.", settings.Check(s, settings.Send)) {
		if !slices.ContainsFunc(problems, func(e *provider.Error) bool { return e.Field == p.Field || e.Field == "outbox" }) {
			problems = append(problems, p) // not what could not be read, once more
		}
	}
	problems = append(problems, s.checkNames()...)
	return s, joined(problems)
}

// decode reads values into out, a pointer to settings. References are followed, but that of
// the database, and those of keys that nobody knows.
func decode(values map[string]any, out any) []settings.Problem {
	own := make(map[string]any)
	for _, f := range settings.Fields(reflect.TypeOf(out).Elem()) {
		if value, ok := values[f.Name]; ok && !f.Secret {
			own[f.Name] = value
		}
	}
	resolved, problems := settings.Resolve(own)
	for name, value := range resolved {
		values[name] = value
	}
	for _, p := range problems {
		delete(values, p.Field)
	}
	return append(problems, settings.Decode(values, out)...)
}

func (s Settings) checkNames() []*provider.Error {
	var out []*provider.Error
	for _, name := range []struct{ field, value string }{{"prefix", s.Prefix}, {"schema", s.Schema}} {
		if err := checkName("outbox."+name.field, name.value); err != nil {
			out = append(out, err)
		}
	}
	if s.Lease != 0 && s.Lease < leastLease {
		out = append(out, configError("outbox.lease", "expected at least %s, got %s", leastLease, s.Lease))
	}
	return out
}

func within(path string, problems []settings.Problem) []*provider.Error {
	out := make([]*provider.Error, len(problems))
	for i, p := range problems {
		out[i] = configError(path+p.Field, "%s", p.Message)
	}
	return out
}

// joined is one error of several; nil of none.
func joined(problems []*provider.Error) error {
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	errs, lines := make([]error, len(problems)), make([]string, len(problems))
	for i, p := range problems {
		errs[i], lines[i] = p, text.OneLine(p.Field)+": "+text.OneLine(p.Message)
	}
	e := configError("", "%d problems:\n  %s\n", len(problems), strings.Join(lines, "\n  "))
	e.Err = errors.Join(errs...)
	return e
}

// Place is where an outbox is: one of the two is set.
type Place struct {
	File string          // of SQLite
	URL  provider.Secret // of PostgreSQL
}

// urlSchemes are how URLs of PostgreSQL begin.
var urlSchemes = []string{"postgres://", "postgresql://"}

func isURL(word string) bool {
	return slices.ContainsFunc(urlSchemes, func(scheme string) bool { return strings.HasPrefix(word, scheme) })
}

// Place follows the reference of the database. env:NAME may hold what the setting may. A file
// that begins with a URL of PostgreSQL is a reference to it; every other is one of SQLite,
// which cannot begin so.
func (s Settings) Place() (Place, error) {
	word := s.Database.Reveal()
	var err error
	if strings.HasPrefix(word, "env:") {
		word, err = settings.Follow(word)
	}
	if path, ok := strings.CutPrefix(word, "file:"); ok && err == nil {
		if path == "" {
			return Place{}, configError("outbox.database", "expected the name of a file behind file:")
		}
		if !holdsURL(path) {
			return Place{File: path}, nil
		}
		word, err = settings.Follow(word)
	}
	switch {
	case err != nil:
		return Place{}, configError("outbox.database", "%s", strings.Replace(err.Error(), "a key itself", "a URL itself", 1))
	case isURL(word):
		return Place{URL: provider.NewSecret(strings.TrimSpace(word))}, nil
	}
	return Place{}, configError("outbox.database", "expected file:PATH of SQLite, a URL that begins with postgres://, or "+
		"env:NAME of a variable with one of them")
}

// holdsURL reports whether a file begins with a URL of PostgreSQL.
func holdsURL(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // a file that is not there is made; others are told when they are opened
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(urlSchemes[1]))
	n, _ := f.Read(head)
	return isURL(strings.TrimPrefix(string(head[:n]), "\ufeff"))
}

// Names are the names of the tables.
func (s Settings) Names() StoreOptions { return StoreOptions{Prefix: s.Prefix, Schema: s.Schema} }

// Config returns the Config of a Box on store whose accounts are those of cfg, opened by r
// with opts and, as the settings say, the Store's Limiter; Default and Namespace are those of cfg. A program adds what no configuration
// has, Hooks and Log, before it calls Open. The error has all that is wrong with cfg.
func (s Settings) Config(store *Store, cfg provider.Config, r provider.Registry, opts ...provider.Option) (Config, error) {
	if err := r.Check(cfg); err != nil {
		return Config{}, err
	}
	var problems []*provider.Error
	for i, name := range s.Batch {
		if _, ok := cfg.Providers[name]; !ok {
			problems = append(problems, configError(fmt.Sprintf("outbox.batch[%d]", i), "no account is called %q; known: %s",
				text.NoKey(name), strings.Join(accountsOf(cfg.Providers), ", ")))
		}
	}
	if err := joined(problems); err != nil {
		return Config{}, err
	}
	byDefault := cfg.Default
	if names := accountsOf(cfg.Providers); byDefault == "" && len(names) == 1 {
		byDefault = names[0]
	}
	opts = append(slices.Clip(opts), s.options(store)...)
	return Config{
		Accounts: func(ctx context.Context, account string) (*provider.Client, error) {
			return r.OpenAccount(ctx, cfg, account, opts...)
		},
		Default: byDefault, Namespace: cfg.Name, Senders: s.Senders, Batch: s.Batch, Lease: s.Lease,
		StopWithin: s.StopWithin, GiveUp: s.GiveUp, Retention: s.Retention,
	}, nil
}

// options are those that the accounts of a Box get: they share their limits with all who use
// the same tables, unless the settings say otherwise.
func (s Settings) options(store *Store) []provider.Option {
	if s.Limits == limitsOff || store == nil {
		return nil
	}
	return []provider.Option{provider.WithLimiter(store.Limiter(LimiterOptions{OnStoreDown: OnStoreDown(s.Limits)}))}
}

// limitsOff is the value of limits with which each process has limits of its own.
const limitsOff = "off"
