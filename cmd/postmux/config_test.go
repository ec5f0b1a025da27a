package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

func TestFindConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)

	r := postmux(t, "lists")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "looked at $POSTMUX_CONFIG (not set), ./postmux.yaml and "+filepath.Join(home, "postmux", "postmux.yaml"))
	assert.Empty(t, r.out)

	write := func(path, provider string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte("providers: {a: {provider: "+provider+"}}"), 0o600))
	}
	// The name of an unknown provider tells which file was read.
	write(filepath.Join(home, "postmux", "postmux.yaml"), "inhome")
	assert.Contains(t, postmux(t, "lists").errOut, `"inhome"`)
	write("postmux.yaml", "infolder")
	assert.Contains(t, postmux(t, "lists").errOut, `"infolder"`)
	write("other.yaml", "inenv")
	t.Setenv(configfile.Env, "other.yaml")
	assert.Contains(t, postmux(t, "lists").errOut, `"inenv"`)
	write("named.yaml", "inflag")
	assert.Contains(t, postmux(t, "--config", "named.yaml", "lists").errOut, `"inflag"`)
	r = postmux(t, "--config", "gone.yaml", "lists")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "gone.yaml")
}

// Whatever is wrong with a configuration is told at once, before any request.
func TestConfigProblems(t *testing.T) {
	sb, _ := account(t)
	cfg := file(t, "postmux.yaml", `
default: nobody
providers:
  a: {provider: brevo, api_key: x, base_url: "http://api.example.com", colour: red}
  b: {provider: brevo, api_key: x, from: {email: not-an-address}, policy: {message.cc: shrink}, require: [message.fax]}
  c: {provider: pigeon}
  d: {provider: brevo}
  e: {provider: brevo, api_key: x, timeout: soon}
aliases:
  lists: {news: {ghost: "1"}}
`)
	r := postmux(t, "--config", cfg, "send", "--to", "anna@example.com", "--subject", "x", "--text", "y")
	assert.Equal(t, exit.Local, r.code)
	assert.Empty(t, r.out)
	golden(t, "config/timeout.txt", r.errOut)

	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	cfg = file(t, "postmux.yaml", string(text[:len(text)-len("aliases:\n  lists: {news: {ghost: \"1\"}}\n")-len("  e: {provider: brevo, api_key: x, timeout: soon}\n")])+"aliases:\n  lists: {news: {ghost: \"1\"}}\n")
	r = postmux(t, "--config", cfg, "lists")
	assert.Equal(t, exit.Local, r.code)
	golden(t, "config/problems.txt", r.errOut)
	assert.Empty(t, sb.Requests("brevo"))
}

func TestConfigOneProblem(t *testing.T) {
	for _, tc := range []struct{ what, name, text, want string }{
		{"unknown key", "postmux.yaml", "provider: {}", "provider: unknown key"},
		{"key stands twice", "postmux.yaml", "providers: {}\nproviders: {}", "providers: the key is given twice"},
		{"JSON file", "postmux.json", `{"providers": {"a": {"provider": "pigeon"}}}`, `providers.a.provider: no provider is called "pigeon"`},
		{"JSON is not YAML", "postmux.json", `providers: {}`, "not valid JSON"},
		{"number for an id", "postmux.yaml", "providers: {a: {provider: brevo, api_key: x}}\naliases: {lists: {n: {a: 4}}}", "expected a text, got a number"},
		{"secret not set", "postmux.yaml", "providers: {a: {provider: brevo, api_key: env:POSTMUX_TEST_NOT_SET}}", "providers.a.api_key: environment variable POSTMUX_TEST_NOT_SET is not set or empty"},
		{"secret not readable", "postmux.yaml", "providers: {a: {provider: brevo, api_key: file:/nonexistent/key}}", "providers.a.api_key: cannot read the file"},
		{"no account", "postmux.yaml", "providers: {}", "providers: expected at least one account"},
		{"no default", "postmux.yaml", "providers: {a: {provider: brevo, api_key: x}, b: {provider: brevo, api_key: x}}", "default: expected the name of an account: a, b"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			r := postmux(t, "--json", "--config", file(t, tc.name, tc.text), "lists")
			assert.Equal(t, exit.Local, r.code)
			assert.Contains(t, r.errOut, tc.name+": ")
			assert.Contains(t, r.errOut, tc.want)
			nothingOnce(t, notAsked, r.errOut)
			var doc struct {
				Error   struct{ Kind, Message string }
				Receipt any
			}
			r.json(t, &doc)
			assert.Equal(t, "config", doc.Error.Kind)
			assert.Contains(t, doc.Error.Message, tc.name+": ")
		})
	}
}

func TestWarnings(t *testing.T) {
	r := postmux(t, "--config", file(t, "postmux.yaml", "providers: {a: {provider: brevo, api_key: plain-key}}"), "send", "--to", "anna@example.com", "--subject", "x", "--html", "y", "--from", "shop@example.com", "--dry-run")
	assert.Equal(t, exit.Done, r.code)
	assert.Equal(t, "warning: providers.a.api_key is written in the configuration; env:NAME or file:PATH keeps it out\n", r.errOut)
	assert.NotContains(t, r.out+r.errOut, "plain-key")
}
