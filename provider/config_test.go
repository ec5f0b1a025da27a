package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/memory"
)

type ctx = context.Context

func parse(t *testing.T, text string) provider.Config {
	t.Helper()
	cfg, err := provider.ParseConfig([]byte(text))
	require.NoError(t, err)
	return cfg
}

func TestConfigTellsAllProblemsAtOnce(t *testing.T) {
	cfg, err := provider.ParseConfig([]byte(`{
		"default": "nobody",
		"providers": {
			"a": {"provider": "brevo", "api_kye": "x"},
			"b": {"provider": "nope"},
			"c": {"provider": "brevo", "timeout": "soon", "api_key": "x", "base_url": "http://api.example.com", "policy": {"message.html": "drop", "message.cc": "fan_out"}, "require": ["message.cx"], "from": {"email": "x"}},
			"d": {"provider": "brevo", "api_key": 5, "proxy": "nonsense", "dial_timeout": 15, "answer_timeout": "-3s"},
			"e": {}
		},
		"aliases": {"lists": {"news": {"zz": "4"}}}
	}`))
	require.NoError(t, err)
	err = all.Registry().Check(cfg)
	require.ErrorIs(t, err, provider.ErrConfig)
	for _, want := range []string{
		`default: no account is called "nobody"; known: a, b, c, d, e`,
		`providers.a.api_kye: unknown key; known: api_key, `,
		`providers.a.api_key: missing: `,
		`providers.b.provider: no provider is called "nope"; known: `,
		`providers.c.base_url: expected https`,
		`providers.c.timeout: expected a duration like 30s`,
		`providers.c.policy.message.html: no feature of this name can have a policy`,
		`providers.c.policy.message.cc: expected drop or error, got "fan_out"`,
		`providers.c.require[0]: no feature is called "message.cx"`,
		`providers.c.from.email: expected one address`,
		`providers.d.api_key: expected a text`,
		`providers.d.proxy: expected a URL with http, https, socks5 or socks5h`,
		`providers.d.dial_timeout: expected a duration like 30s, got "15"`,
		`providers.d.answer_timeout: expected a duration like 30s, got "-3s"`,
		`providers.e.provider: expected one of `,
		`aliases.lists.news.zz: no account is called "zz"`,
		"nothing was sent",
	} {
		assert.Contains(t, err.Error(), want)
	}
}

func TestParseConfigIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		`{"provders": {}}`:                              "provders: unknown key",
		`{"default": 5}`:                                "default: expected a text",
		`{"providers": {"a": []}}`:                      "providers.a: expected an object",
		`{"providers": {"a": {"timeout": "x"}}}`:        "providers.a.timeout: expected a duration like 30s",
		`{"providers": {"a": {"from": {"mail": "x"}}}}`: "providers.a.from.mail: unknown key",
		`{"providers": {"a": {"require": "x"}}}`:        "providers.a.require: expected a list",
		`{"providers": {"a": {"provider": "brevo"}, "a": {"provider": "brevo"}}}`:     "providers.a: the key is given twice",
		`{"providers": {"a": {"provider": "brevo", "api_key": "1", "api_key": "2"}}}`: "providers.a.api_key: the key is given twice",
		`{"default": "a"`:     "expected a JSON document",
		`{"default": "a"} {}`: "one JSON document",
		``:                    "expected",
	} {
		cfg, err := provider.ParseConfig([]byte(text))
		if err == nil {
			err = all.Registry().Check(cfg)
		}
		require.ErrorIs(t, err, provider.ErrConfig, text)
		assert.Contains(t, err.Error(), want, text)
	}
}

func TestSecretsAreReferences(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("from-file\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	t.Setenv("POSTMUX_TEST_KEY", "from-env")
	t.Setenv("POSTMUX_TEST_EMPTY", "")
	var got string
	type settings struct {
		provider.AccountSettings
		Key provider.Secret `json:"key" required:"send" doc:"a key"`
	}
	d := provider.DriverOf[settings]{Name: "memory", Open: func(_ ctx, s settings, _ provider.DriverEnv) (provider.Adapter, error) {
		got = s.Key.Reveal()
		return &stub{}, nil
	}}
	reg := provider.Registry{d.Driver()}
	open := func(value string) error {
		_, err := reg.Open(t.Context(), parse(t, `{"providers": {"a": {"provider": "memory", "key": "`+value+`"}}}`))
		return err
	}
	require.NoError(t, open("env:POSTMUX_TEST_KEY"))
	assert.Equal(t, "from-env", got)
	require.NoError(t, open("file:"+file))
	assert.Equal(t, "from-file", got)
	require.NoError(t, open("literal"))
	assert.Equal(t, "literal", got)
	for value, want := range map[string]string{
		"env:POSTMUX_TEST_EMPTY": "providers.a.key: environment variable POSTMUX_TEST_EMPTY is not set or empty",
		"file:/does/not/exist":   "providers.a.key: cannot read the file",
		"file:" + empty:          "is empty",
		"":                       "providers.a.key: missing: a key",
	} {
		err := open(value)
		require.ErrorIs(t, err, provider.ErrConfig, value)
		assert.Contains(t, err.Error(), want)
	}
	cfg := parse(t, `{"default": "a", "providers": {"a": {"provider": "memory", "key": "literal-4711"}, "b": {"provider": "memory", "key": "env:POSTMUX_TEST_EMPTY"}}}`)
	assert.Equal(t, []string{"providers.a.key is written in the configuration; env:NAME or file:PATH keeps it out"}, reg.Warnings(cfg))
	_, err := reg.Open(t.Context(), cfg)
	assert.NoError(t, err, "secrets of other accounts are not resolved")
	assert.ErrorContains(t, reg.CheckSecrets(cfg), "providers.b.key")
	data, err := json.Marshal(cfg)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "literal-4711")
}

func TestAccountIsChosen(t *testing.T) {
	reg := provider.Registry{memory.Driver()}
	two := parse(t, `{"providers": {"a": {"provider": "memory"}, "b": {"provider": "memory"}}}`)
	_, err := reg.Open(t.Context(), two)
	assert.ErrorContains(t, err, "default: expected the name of an account: a, b")
	c, err := reg.OpenAccount(t.Context(), two, "b")
	require.NoError(t, err)
	assert.Equal(t, "b", c.Account())
	assert.Equal(t, "memory", c.Provider())
	_, err = reg.OpenAccount(t.Context(), two, "c")
	assert.ErrorContains(t, err, `no account is called "c"; known: a, b`)
	_, err = reg.Open(t.Context(), provider.Config{})
	assert.ErrorContains(t, err, "expected at least one account")
}

func TestAccountsThatReferToEachOther(t *testing.T) {
	type settings struct {
		provider.AccountSettings
		Next string `json:"next" required:"send" doc:"another account"`
	}
	d := provider.DriverOf[settings]{Name: "ring", Open: func(_ ctx, s settings, env provider.DriverEnv) (provider.Adapter, error) {
		_, err := env.Client(s.Next)
		return nil, err
	}}
	_, err := provider.Registry{d.Driver()}.Open(t.Context(), parse(t, `{"default": "a", "providers": {"a": {"provider": "ring", "next": "b"}, "b": {"provider": "ring", "next": "a"}}}`))
	assert.ErrorContains(t, err, "in a circle: a -> b -> a")
}

func TestCheckBaseURL(t *testing.T) {
	for _, good := range []string{"", "https://api.example.com/v3", "http://127.0.0.1:8080/x", "http://localhost:1", "http://[::1]:80"} {
		assert.NoError(t, vendorurl.Check(good), good)
	}
	for _, bad := range []string{"api.example.com", "http://api.example.com", "https://u:p@x.example", "https://x.example/", "https://x.example?a=b", "https://x.example#f", "ftp://x.example", "http://127.0.0.1.example.com", "://", "http://localhost.example.com"} {
		assert.Error(t, vendorurl.Check(bad), bad)
	}
}

func TestCheckProxy(t *testing.T) {
	const (
		scheme = "expected a URL with http, https, socks5 or socks5h"
		part   = "expected a URL without path, query and fragment"
		clear  = "expected a proxy on loopback, or none"
	)
	for _, row := range []struct{ name, proxy, base, problem string }{
		{name: "none", base: "http://127.0.0.1:1"},
		{name: "http", proxy: "http://proxy.example.com:3128"},
		{name: "https", proxy: "https://proxy.example.com"},
		{name: "socks5", proxy: "socks5://user:pass@proxy.example.com:1080", base: "https://api.example.com"},
		{name: "socks5h", proxy: "socks5h://[::1]:1080/"},
		{name: "password", proxy: "http://user:PLANTED%2F%23@proxy.example.com:3128"},
		{name: "no scheme", proxy: "proxy.example.com:3128", problem: scheme},
		{name: "no scheme, a password", proxy: "user:PLANTED@proxy.example.com:3128", problem: scheme},
		{name: "another scheme", proxy: "socks4://user:PLANTED@proxy.example.com", problem: scheme},
		{name: "no host", proxy: "http://user:PLANTED@:3128", problem: scheme},
		{name: "a password that is no URL", proxy: "http://user:PLANTED/@proxy.example.com:3128", problem: scheme},
		{name: "a password that is a port", proxy: "http://user:4711/PLANTED@proxy.example.com:3128", problem: part},
		{name: "a query", proxy: "http://user?PLANTED@proxy.example.com", problem: part},
		{name: "a fragment", proxy: "http://user#PLANTED@proxy.example.com", problem: part},
		{name: "in clear", proxy: "http://proxy.example.com:3128", base: "http://127.0.0.1:8080/v3", problem: clear},
		{name: "in clear, socks", proxy: "socks5://proxy.example.com:1080", base: "http://localhost:8080", problem: clear},
		{name: "in clear behind TLS", proxy: "https://proxy.example.com", base: "http://[::1]:8080", problem: clear},
		{name: "this machine alone", proxy: "http://user:pass@127.0.0.1:3128", base: "http://127.0.0.1:8080"},
	} {
		t.Run(row.name, func(t *testing.T) {
			account := provider.AccountConfig{"provider": "brevo", "api_key": "env:X"}
			if row.proxy != "" {
				account["proxy"] = row.proxy
			}
			if row.base != "" {
				account["base_url"] = row.base
			}
			err := all.Registry().Check(provider.Config{Providers: map[string]provider.AccountConfig{"a": account}})
			if row.problem == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, "providers.a.proxy: "+row.problem)
			assert.NotContains(t, err.Error(), "PLANTED")
		})
	}
}

// The proxy of an account may stand elsewhere like a key, and is checked when it is read.
func TestProxyIsAReference(t *testing.T) {
	open := func(base string) error {
		_, err := all.Registry().Open(t.Context(), provider.Config{Providers: map[string]provider.AccountConfig{"a": {
			"provider": "brevo", "api_key": "x", "proxy": "env:POSTMUX_TEST_PROXY", "base_url": base,
		}}})
		return err
	}
	t.Setenv("POSTMUX_TEST_PROXY", "http://user:PLANTED@proxy.example.com:3128")
	require.NoError(t, open("https://api.example.com"))
	err := open("http://127.0.0.1:1")
	assert.ErrorContains(t, err, "providers.a.proxy: expected a proxy on loopback, or none")
	t.Setenv("POSTMUX_TEST_PROXY", "ftp://user:PLANTED@proxy.example.com")
	err = errors.Join(err, open("https://api.example.com"))
	assert.ErrorContains(t, err, "providers.a.proxy: expected a URL with http, https, socks5 or socks5h")
	assert.NotContains(t, err.Error(), "PLANTED")
	t.Setenv("POSTMUX_TEST_PROXY", "")
	assert.ErrorContains(t, open("https://api.example.com"), "providers.a.proxy: environment variable POSTMUX_TEST_PROXY is not set or empty")
}

func TestProxyIsASecretWhenItHoldsOne(t *testing.T) {
	for _, row := range []struct {
		name, proxy string
		warnings    int
		problem     string
	}{
		{name: "a password", proxy: "http://user:pass@proxy.example.com", warnings: 1},
		{name: "a token for a user", proxy: "http://token@proxy.example.com", warnings: 1},
		{name: "no user", proxy: "http://proxy.example.com"},
		{name: "a reference", proxy: "env:PROXY"},
		{name: "a forgotten variable", proxy: "", problem: "providers.a.proxy: expected a text, got nothing; without one, leave the key out"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := provider.Config{Providers: map[string]provider.AccountConfig{"a": {
				"provider": "brevo", "api_key": "env:X", "proxy": row.proxy,
			}}}
			assert.Len(t, all.Registry().Warnings(cfg), row.warnings)
			if err := all.Registry().Check(cfg); row.problem != "" {
				assert.ErrorContains(t, err, row.problem)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

// A duration from Go is checked as one from a configuration.
func TestDurationsFromGo(t *testing.T) {
	_, err := brevo.Open(brevo.Config{APIKey: provider.NewSecret("x"), AccountSettings: provider.AccountSettings{
		Timeout: -time.Second, DialTimeout: -time.Minute, AnswerTimeout: -1,
	}})
	require.ErrorIs(t, err, provider.ErrConfig)
	for _, want := range []string{
		`timeout: expected a duration like 30s, got "-1s"`,
		`dial_timeout: expected a duration like 30s, got "-1m0s"`,
		`answer_timeout: expected a duration like 30s, got "-1ns"`,
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestDoc(t *testing.T) {
	for _, f := range provider.Features() {
		assert.NotEmpty(t, f.Doc(), f)
		assert.Equal(t, strings.ToLower(string(f)), string(f))
	}
	assert.Empty(t, provider.Feature("nope").Doc())
}

// What is no JSON object is one error; YAML gets a hint, and a byte order mark is no content.
func TestParseConfigOfSomethingElse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"null", "null", "expected an object, got null"},
		{"a list", "[]", "expected an object, got a list"},
		{"YAML", "default: main\n", "YAML is read by the tool postmux only"},
		{"nothing", "", "expected a JSON document, found its end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := provider.ParseConfig([]byte(tt.text))
			require.ErrorIs(t, err, provider.ErrConfig)
			assert.ErrorContains(t, err, tt.want)
		})
	}
	cfg, err := provider.ParseConfig([]byte("\ufeff" + `{"default": "main"}`))
	require.NoError(t, err)
	assert.Equal(t, "main", cfg.Default)
}

// The settings of an outbox are kept as they are, for the module that knows them.
func TestConfigKeepsTheOutbox(t *testing.T) {
	for _, tt := range []struct {
		name, outbox string
		err          string // of Check
	}{
		{name: "none"},
		{name: "empty", outbox: `{}`},
		{name: "any settings", outbox: `{"database": "env:X", "accounts": {"main": {"senders": 3}}}`},
		{name: "a text", outbox: `"postgres://x"`, err: "outbox: expected an object, got a text"},
		{name: "null", outbox: `null`, err: "outbox: expected an object, got null"},
		{name: "a list", outbox: `[]`, err: "outbox: expected an object, got a list"},
		{name: "a key twice", outbox: `{"a": {"b": 1, "b": 2}}`, err: "outbox.a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := `{"providers": {"main": {"provider": "brevo", "api_key": "x"}}}`
			if tt.outbox != "" {
				text = strings.TrimSuffix(text, "}") + `, "outbox": ` + tt.outbox + "}"
			}
			cfg := parse(t, text)
			assert.Equal(t, tt.outbox, string(cfg.Outbox))
			err := all.Registry().Check(cfg)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, provider.ErrConfig)
			assert.ErrorContains(t, err, tt.err)
		})
	}
}
