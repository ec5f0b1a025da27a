package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
)

// Config names the accounts of a program and how to open them.
type Config struct {
	// Default is the account that Open takes when none is named. It may be
	// empty when there is one account.
	Default   string             `json:"default"`
	Providers map[string]Section `json:"providers"`
	Aliases   Aliases            `json:"aliases"`

	problems []*Error // of accounts, found while reading; told by Registry.Check with all others
}

// Aliases give names to ids that differ from account to account:
// alias -> account -> id.
type Aliases struct {
	Lists     map[string]map[string]string `json:"lists"`
	Templates map[string]map[string]string `json:"templates"`
	Fields    map[string]map[string]string `json:"fields"`
}

// Common are the settings that every account may have.
type Common struct {
	// BaseURL replaces the vendor's address, with its version path and without
	// a slash at the end. https only, but for loopback.
	BaseURL string
	// Timeout bounds a whole call with repeats and token; 0 means 90 s.
	Timeout time.Duration
	Proxy   string // URL of an HTTP proxy
	CAFile  string // PEM file of further certificate authorities
	From    Address
	Policy  Policy
	// Attempts bounds the attempts of one call, the first included; 0 means 4,
	// 1 means that nothing is repeated.
	Attempts int
	// RateLimits replace the limits that the library keeps for the vendor, by
	// class of calls: {"send": "50/s", "contacts": "10/s"}.
	RateLimits map[string]string
	// Concurrency is how many calls of a batch or an import run at the same time,
	// at most; 0 means 8. The limits hold as well.
	Concurrency int
	// Require are features without which Open fails.
	Require []Feature
	// RedirectTo gets all mail instead of its recipients, so that a system which
	// is not in production mails nobody else. The notes of a Receipt name the
	// addresses that were replaced.
	RedirectTo string
	// AllowDomains are the only domains that may be mailed: a recipient in
	// another one is an error, or is redirected where RedirectTo is set. nil
	// means all.
	AllowDomains []string
}

// Section is one account of a Config.
type Section struct {
	Provider string // driver name
	Common
	// Settings are the driver's own, by name. They print REDACTED.
	Settings map[string]Value
}

const (
	defaultConcurrency = 8
	maxConcurrency     = 256
)

// commonKeys are the JSON keys of Common.
var commonKeys = []string{"provider", "base_url", "timeout", "proxy", "ca_file", "from", "policy", "require", "attempts", "rate_limits", "concurrency", "redirect_to", "allow_domains"}

// ParseConfig reads a Config from JSON. It fails on what is no configuration at
// all: broken JSON, duplicate keys, unknown top-level keys. Everything wrong
// inside accounts is told at once by Registry.Check, which Open calls and which
// knows the drivers.
func ParseConfig(data []byte) (Config, error) {
	var cfg Config
	var wire struct {
		Default   string                     `json:"default"`
		Providers map[string]json.RawMessage `json:"providers"`
		Aliases   Aliases                    `json:"aliases"`
	}
	if err := decodeStrict(data, &wire); err != nil {
		return cfg, asConfigError("", err)
	}
	cfg = Config{Default: wire.Default, Aliases: wire.Aliases, Providers: make(map[string]Section, len(wire.Providers))}
	for _, name := range slices.Sorted(maps.Keys(wire.Providers)) {
		s, errs := parseSection("providers."+name, wire.Providers[name])
		cfg.problems = append(cfg.problems, errs...)
		cfg.Providers[name] = s
	}
	return cfg, nil
}

func parseSection(path string, raw json.RawMessage) (Section, []*Error) {
	keys := make(map[string]Value)
	var s Section
	if err := eachKey(path, raw, func(key, _ string, value json.RawMessage) *Error {
		var v Value
		_ = v.UnmarshalJSON(value) // it is JSON already
		keys[key] = v
		return checkTwice(path+"."+key, value)
	}); err != nil {
		return s, []*Error{asConfigError("", err)}
	}
	var problems []*Error
	bad := func(key, format string, args ...any) {
		problems = append(problems, configError(path+"."+key, format, args...))
	}
	textOf := func(key string) string {
		v, ok := keys[key]
		if !ok {
			return ""
		}
		t, ok := v.Reveal().(string)
		if !ok {
			bad(key, "expected a text")
		}
		return t
	}
	s.Provider, s.BaseURL, s.Proxy, s.CAFile = textOf("provider"), textOf("base_url"), textOf("proxy"), textOf("ca_file")
	if t := textOf("timeout"); t != "" {
		d, err := time.ParseDuration(t)
		if err != nil || d <= 0 {
			bad("timeout", "expected a duration like 30s, got %q", text.Clip(t))
		}
		s.Timeout = d
	}
	part := func(key string, out any) {
		if v, ok := keys[key]; ok {
			data, _ := json.Marshal(v.Reveal())
			if err := checkShape(path+"."+key, data, reflect.TypeOf(out).Elem()); err != nil {
				problems = append(problems, asConfigError("", err))
			} else if err := json.Unmarshal(data, out); err != nil {
				bad(key, "%s", err.Error())
			}
		}
	}
	part("from", &s.From)
	part("policy", &s.Policy)
	part("require", &s.Require)
	s.RedirectTo = textOf("redirect_to")
	part("allow_domains", &s.AllowDomains)
	// Given but empty must not mean that everybody is mailed.
	if v, ok := keys["redirect_to"]; ok && v.Reveal() == "" {
		bad("redirect_to", "expected an address, got nothing")
	}
	if v, ok := keys["allow_domains"]; ok && v.Reveal() == nil {
		bad("allow_domains", "expected a list of domains, got null")
	}
	part("attempts", &s.Attempts)
	part("rate_limits", &s.RateLimits)
	if s.Attempts < 0 || s.Attempts > 10 {
		bad("attempts", "expected a number from 1 to 10, got %d", s.Attempts)
	}
	part("concurrency", &s.Concurrency)
	if s.Concurrency < 0 || s.Concurrency > maxConcurrency {
		bad("concurrency", "expected a number from 1 to %d, got %d", maxConcurrency, s.Concurrency)
	}
	for _, k := range commonKeys {
		delete(keys, k)
	}
	s.Settings = keys
	return s, problems
}

// check returns the problems of the settings that every account may have.
func (c Common) check(path string) []*Error {
	var out []*Error
	add := func(e *Error) {
		e.Field = join(path, e.Field)
		out = append(out, e)
	}
	if err := CheckBaseURL(c.BaseURL); err != nil {
		add(configError("base_url", "%s", err.Error()))
	}
	if c.Proxy != "" {
		if u, err := url.Parse(c.Proxy); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			add(configError("proxy", "expected a URL like http://proxy.example.com:3128"))
		}
	}
	if c.From.Email != "" || c.From.Name != "" {
		if err := checkAddress("from", -1, c.From); err != nil {
			var e *Error
			errors.As(err, &e)
			add(configError(e.Field, "%s", e.Message))
		}
	}
	for _, e := range slices.Concat(c.Policy.check(), c.staging().check()) {
		add(e)
	}
	for i, f := range c.Require {
		if f.Doc() == "" {
			add(configError(fmt.Sprintf("require[%d]", i), "no feature is called %q", text.Clip(string(f))))
		}
	}
	return out
}

// CheckBaseURL refuses an address to which keys must not be sent: anything but
// https, except on loopback; with user, query or fragment. Empty is fine.
func CheckBaseURL(base string) error {
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("expected a URL like https://api.example.com/v3")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("expected a URL without user, query and fragment")
	case strings.HasSuffix(base, "/"):
		return fmt.Errorf("expected a URL without a slash at the end")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("expected https: http is allowed only on loopback")
	}
	return fmt.Errorf("expected https, got scheme %q", text.Clip(u.Scheme))
}

// Loopback reports whether host is this machine itself: localhost or a loopback address.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// resolve returns the value with a reference "env:NAME" or "file:PATH" followed.
// One line break at the end of a file is trimmed; empty counts as missing.
func resolve(field string, v Value) (Value, *Error) {
	ref, ok := v.Reveal().(string)
	if !ok {
		return v, nil
	}
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return v, configError(field, "environment variable %s is not set or empty", text.Clip(name))
		}
		return NewValue(value), nil
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		data, err := os.ReadFile(path)
		if err != nil {
			return v, configError(field, "cannot read the file: %v", err)
		}
		value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		if value == "" {
			return v, configError(field, "file %s is empty", text.Clip(path))
		}
		return NewValue(value), nil
	}
	return v, nil
}

func configError(field, format string, args ...any) *Error {
	return &Error{Kind: ErrConfig, Outcome: NotSent, Field: field, Message: fmt.Sprintf(format, args...)}
}

// joinProblems makes one error of all; its text has a line for each.
func joinProblems(problems []*Error) error {
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	errs := make([]error, len(problems))
	lines := make([]string, len(problems))
	for i, p := range problems {
		errs[i], lines[i] = p, p.Field+": "+p.Message
	}
	return &Error{
		Kind: ErrConfig, Outcome: NotSent, Err: errors.Join(errs...),
		Message: fmt.Sprintf("%d problems:\n  %s\n", len(problems), strings.Join(lines, "\n  ")),
	}
}

// checkTwice refuses a key that stands twice anywhere below.
func checkTwice(path string, raw json.RawMessage) *Error {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	return eachKey(path, raw, func(_, at string, value json.RawMessage) *Error { return checkTwice(at, value) })
}

// asConfigError makes an error about the shape of JSON one of the configuration.
func asConfigError(path string, err error) *Error {
	var e *Error
	errors.As(err, &e)
	return &Error{Kind: ErrConfig, Outcome: NotSent, Field: join(path, e.Field), Message: e.Message}
}
