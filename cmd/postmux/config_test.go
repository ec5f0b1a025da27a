package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestYAML(t *testing.T) {
	for _, tc := range []struct{ what, yaml, want string }{
		{"text stays text", `{a: on, b: yes, c: "0012", d: '4', e: 2026-03-21, f: 12:30:45, g: ~user}`, `{"a":"on","b":"yes","c":"0012","d":"4","e":"2026-03-21","f":"12:30:45","g":"~user"}`},
		{"scalars", "{a: true, b: 4, c: -1.5, d: null, e: ~, f: , g: 0x1F}", `{"a":true,"b":4,"c":-1.5,"d":null,"e":null,"f":null,"g":31}`},
		{"lists", "a:\n- x\n- [1, {b: c}]\n", `{"a":["x",[1,{"b":"c"}]]}`},
		{"anchors", "{a: &x {b: c}, d: *x}", `{"a":{"b":"c"},"d":{"b":"c"}}`},
		{"twice the same key is left to the parser", "a: 1\na: 2\n", `{"a":1,"a":2}`},
		{"folded text", "a: >-\n  one\n  two\n", `{"a":"one two"}`},
		{"other scripts", "نام: فروشگاه # comment", `{"نام":"فروشگاه"}`},
		{"JSON is YAML", `{"a": {"b": ["c"]}}`, `{"a":{"b":["c"]}}`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got, err := yamlToJSON([]byte(tc.yaml))
			require.NoError(t, err)
			assert.Equal(t, tc.want, string(got))
		})
	}
}

func TestYAMLRefused(t *testing.T) {
	for _, tc := range []struct{ what, yaml, want string }{
		{"empty", "", "the file is empty"},
		{"only a comment", "# nothing\n", "the file is empty"},
		{"syntax", "a: [", "not valid YAML"},
		{"number as key", "aliases:\n  lists:\n    4: {main: x}\n", `aliases.lists: line 3: the key 4 is not a text; write it in quotes: "4"`},
		{"truth as key", "true: x", `the key true is not a text`},
		{"empty key", "~: x", `is not a text`},
		{"list as key", "? [a]\n: b\n", "expected a text as key"},
		{"merge", "a: &x {b: c}\nd: {<<: *x}\n", "d: line 2: merge keys (<<) are not supported"},
		{"second document", "a: b\n---\nc: d\n", "expected one YAML document"},
		{"not a number in JSON", "a: .inf", "a: line 1: not a value that JSON has (float)"},
		{"tag", "a: !secret x", "the tag !secret is not supported"},
		{"tag of an object", "a: !x {b: c}", "the tag !x is not supported"},
		{"binary", "a: !!binary aGk=", "the tag !!binary is not supported"},
		{"anchor in itself", "a: &x [*x]", "too much in one file"},
		{"anchors that multiply", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", "too much in one file"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got, err := yamlToJSON([]byte(tc.yaml))
			require.Error(t, err, string(got))
			assert.Contains(t, err.Error(), tc.want)
			assert.ErrorIs(t, err, provider.ErrConfig)
		})
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: {b: [c, 1, 2.5, ~, on]}"))
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := yamlToJSON(data)
		if err == nil && !json.Valid(out) {
			t.Fatalf("%q became %q", data, out)
		}
	})
}

func TestFindConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)

	r := postmux(t, "lists")
	assert.Equal(t, exitLocal, r.code)
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
	t.Setenv(configEnv, "other.yaml")
	assert.Contains(t, postmux(t, "lists").errOut, `"inenv"`)
	write("named.yaml", "inflag")
	assert.Contains(t, postmux(t, "--config", "named.yaml", "lists").errOut, `"inflag"`)
	r = postmux(t, "--config", "gone.yaml", "lists")
	assert.Equal(t, exitLocal, r.code)
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
	assert.Equal(t, exitLocal, r.code)
	assert.Empty(t, r.out)
	golden(t, "config/timeout.txt", r.errOut)

	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	cfg = file(t, "postmux.yaml", string(text[:len(text)-len("aliases:\n  lists: {news: {ghost: \"1\"}}\n")-len("  e: {provider: brevo, api_key: x, timeout: soon}\n")])+"aliases:\n  lists: {news: {ghost: \"1\"}}\n")
	r = postmux(t, "--config", cfg, "lists")
	assert.Equal(t, exitLocal, r.code)
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
			assert.Equal(t, exitLocal, r.code)
			assert.Contains(t, r.errOut, tc.name+": ")
			assert.Contains(t, r.errOut, tc.want)
			nothingSentOnce(t, r.errOut)
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
	assert.Equal(t, exitDone, r.code)
	assert.Equal(t, "warning: providers.a.api_key is written in the configuration; env:NAME or file:PATH keeps it out\n", r.errOut)
	assert.NotContains(t, r.out+r.errOut, "plain-key")
}
