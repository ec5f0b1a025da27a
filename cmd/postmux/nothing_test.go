package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// Every command says what it has not done, and "nothing was sent" is said of sends only.
func TestEveryCommandSaysWhatItHasNotDone(t *testing.T) {
	known := make(map[string]bool)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		known[wordsBehindRoot(c)] = true
		assert.Contains(t, nothing, wordsBehindRoot(c))
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&app{registry: all.Registry()}))
	for words, text := range nothing {
		assert.True(t, known[words], "no command is called %q", words)
		assert.Equal(t, slices.Contains([]string{"send", "batch", "mailing run", "outbox run"}, words), text == notSent, words)
	}
}

// A read has no outcome, and a command that sends nothing does not speak of sending.
func TestNothingWasSentIsSaidOfSends(t *testing.T) {
	sb := sandbox.New(t)
	cfg := file(t, "postmux.yaml", "providers:\n  main:\n    provider: smsby\n    base_url: "+
		sb.BaseURL("smsby")+"\n    token: "+sandbox.Key("smsby")+"\n")
	for _, tt := range []struct {
		name    string
		args    []string
		want    string
		outcome provider.Outcome
	}{
		{"a look-up", []string{"status", "1"}, notAsked, ""},
		{"a withdrawal", []string{"cancel", "1"}, notWithdrawn, provider.OutcomeNotSent},
		{"a contact", []string{"contacts", "get", "x"}, notAsked, ""},
		{"a change", []string{"contacts", "delete", "x", "--yes"}, notChanged, provider.OutcomeNotSent},
		{"a send", []string{"send", "--to", "a@example.com", "--html", "x"}, notSent, provider.OutcomeNotSent},
		{"usage", []string{"capabilities", "--diff", "brevo"}, notDone, provider.OutcomeNotSent},
		{"usage of a read", []string{"contacts", "list", "x"}, notAsked, provider.OutcomeNotSent},
		{"usage of a send", []string{"send", "--nope"}, notSent, provider.OutcomeNotSent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := postmux(t, append([]string{"--json", "--config", cfg}, tt.args...)...)
			assert.Equal(t, exit.Local, r.code, r.errOut)
			nothingOnce(t, tt.want, r.errOut)
			var doc struct {
				Error struct{ Outcome provider.Outcome }
			}
			r.json(t, &doc)
			assert.Equal(t, tt.outcome, doc.Error.Outcome)
		})
	}
	assert.Empty(t, sb.Requests("smsby"))
	_, cfg = account(t)
	r := postmux(t, "--json", "--config", cfg, "contacts", "get", "nobody@example.com")
	assert.Equal(t, exit.Refused, r.code)
	assert.Contains(t, r.out, `"outcome": ""`)
	assert.NotContains(t, r.errOut, "nothing was")
}

// Four mistakes of one configuration, and one in its aliases, are told at once.
// The settings of an outbox are not the commands' that send without one.
func TestConfigWithAnOutbox(t *testing.T) {
	_, cfg := account(t, "outbox: {database: env:NOWHERE, accounts: {main: {senders: 3}}}")
	r := postmux(t, "--config", cfg, "check")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	_, cfg = account(t, "outbox: file:outbox.db")
	r = postmux(t, "--config", cfg, "check")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "outbox: expected an object, got a text")
}

func TestConfigMistakesAreToldTogether(t *testing.T) {
	cfg := file(t, "m.yaml", `
defalt: main
providers: {main: {provider: brevo, timeout: 30, apikey: x}}
aliases: {list: {newsletter: {main: "4"}}, lists: {newsletter: {main: 4}, old: [main]}}
`)
	r := postmux(t, "--config", cfg, "check")
	assert.Equal(t, exit.Local, r.code)
	for _, want := range []string{
		"7 problems:",
		"defalt: unknown key; known: name, default, providers, aliases, outbox",
		`providers.main.timeout: expected a duration like 30s, got "30"`,
		"providers.main.apikey: unknown key", "providers.main.api_key: missing",
		"aliases.list: unknown key; known: lists, templates, fields",
		"aliases.lists.newsletter.main: expected a text, got a number",
		"aliases.lists.old: expected an object, got a list",
	} {
		assert.Contains(t, r.errOut, want)
	}

	r = postmux(t, "--config", file(t, "c.yaml", "providers: {main: {provider: sendpulse, client_id: 0012, client_secret: x}}"), "check")
	assert.Equal(t, "postmux: c.yaml: providers.main.client_id: expected a text, got a number: quote it; no request was made\n",
		strings.ReplaceAll(r.errOut[strings.Index(r.errOut, "postmux: "):], filepath.Dir(cfgOf(r.errOut))+"/", ""))
}

// cfgOf is the path of the configuration in the sentence of an error.
func cfgOf(text string) string {
	_, rest, _ := strings.Cut(text, "postmux: ")
	path, _, _ := strings.Cut(rest, ": ")
	return path
}

// A flag may hold several addresses, with commas between; a name may have commas too.
func TestAddressesWithCommas(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		want []string
		err  string
	}{
		{"one", "a@example.com", []string{"a@example.com"}, ""},
		{"two", "a@example.com, b@example.com", []string{"a@example.com", "b@example.com"}, ""},
		{"without a blank", "a@example.com,b@example.com", []string{"a@example.com", "b@example.com"}, ""},
		{"a name with a comma", "Иванова, Анна <a@example.by>", []string{"Иванова, Анна <a@example.by>"}, ""},
		{"that and others", "x@example.com, Иванова, Анна <a@example.by>, B <b@example.com>", []string{"x@example.com", "Иванова, Анна <a@example.by>", "B <b@example.com>"}, ""},
		{"in quotes", `"Doe, Jane" <j@example.com>,k@example.com`, []string{"Doe, Jane <j@example.com>", "k@example.com"}, ""},
		{"the first is none", "anna, b@example.com", nil, `got "anna"`},
		{"the last is none", "a@example.com, anna", nil, `got "anna"`},
		{"a comma too many", "a@example.com,", nil, "got nothing"},
		{"nothing", "", nil, "got nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := parseAddresses("--to", []string{tt.text})
			if tt.err != "" {
				assert.ErrorContains(t, err, tt.err)
				assert.Equal(t, exit.Local, exit.Code(err))
				return
			}
			require.NoError(t, err)
			var got []string
			for _, a := range list {
				text := a.Email
				if a.Name != "" {
					text = a.Name + " <" + a.Email + ">"
				}
				got = append(got, text)
			}
			assert.Equal(t, tt.want, got)
		})
	}
	sb, cfg := account(t)
	r := postmux(t, "--config", cfg, "send", "--to", "a@example.com, b@example.com", "--cc", "c@example.com,d@example.com", "--subject", "s", "--html", "h")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Len(t, sb.Messages()[0].To, 2)
	assert.Len(t, sb.Messages()[0].Cc, 2)
}

// Editors of one system begin a text file with a byte order mark.
func TestByteOrderMark(t *testing.T) {
	const mark = "\ufeff"
	sb, cfg := account(t)
	do := func(args ...string) {
		t.Helper()
		r := postmux(t, append([]string{"--config", cfg}, args...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
	}
	do("send", file(t, "m.json", mark+`{"to":[{"email":"a@example.com"}],"subject":"s","html":"h"}`))
	do("contacts", "upsert", file(t, "c.json", mark+`{"email":"a@example.com"}`))
	do("send", "--to", "a@example.com", "--subject", "s", "--html-file", file(t, "h.html", mark+"<p>h</p>"), "--text-file", file(t, "t.txt", mark+"h"))
	require.Len(t, sb.Messages(), 2)
	assert.Equal(t, "<p>h</p>", sb.Messages()[1].HTML)
	assert.Equal(t, "h", sb.Messages()[1].Text)

	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	key := file(t, "key", mark+sandbox.Key("brevo")+"\n")
	cfg = file(t, "bom.yaml", mark+strings.Replace(string(text), sandbox.Key("brevo"), "file:"+key, 1))
	do("check")
	cfg = file(t, "bom.json", mark+`{"providers": {"main": {"provider": "brevo", "base_url": "`+sb.BaseURL("brevo")+`", "api_key": "file:`+key+`"}}}`)
	do("check")
}

// The error of a send is told once, and a mail that never left is not called refused.
func TestErrorOfASendIsToldOnce(t *testing.T) {
	cfg := file(t, "postmux.yaml", "providers: {main: {provider: brevo, api_key: env:HOME, base_url: \"http://127.0.0.1:1\", tries: 1}}\n")
	r := postmux(t, "--config", cfg, "send", "--from", "s@example.com", "--to", "a@example.com", "--subject", "s", "--html", "h")
	assert.Equal(t, exit.Later, r.code)
	assert.Equal(t, 1, strings.Count(r.out+r.errOut, "connection refused"), r.out+r.errOut)
	assert.Contains(t, aligned(r.out), "state not sent\n")
	assert.Contains(t, aligned(r.out), "recipient a@example.com not sent\n")
	assert.NotContains(t, r.out, "refused")

	sb, cfg := account(t)
	sb.Fail("brevo", sandbox.Fault{Status: 400, Body: `{"code":"invalid_parameter","message":"no"}`})
	r = postmux(t, "--config", cfg, "send", "--to", "a@example.com", "--subject", "s", "--html", "h")
	assert.Equal(t, exit.Refused, r.code)
	assert.Contains(t, aligned(r.out), "state refused\n", "this is the provider's word")
	assert.Equal(t, 1, strings.Count(r.out+r.errOut, "invalid_parameter"), r.out+r.errOut)
}

// Rows whose outcome is unknown are, whatever else there is, exit code 7.
func TestImportUnknownRows(t *testing.T) {
	sb, cfg := account(t, "    tries: 1", "    concurrency: 1")
	sb.Fail("brevo", sandbox.Fault{Drop: true, After: true, Operation: "importContacts"})
	results := filepath.Join(t.TempDir(), "state")
	var text strings.Builder
	text.WriteString("email,lists\n")
	for i := range 60 {
		fmt.Fprintf(&text, "u%d@example.com,newsletter\n", i)
	}
	input := file(t, "c.csv", text.String())
	r := postmux(t, "--config", cfg, "contacts", "import", input, "--results", results)
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.out, "60 rows: 60 unknown")
	r = postmux(t, "--config", cfg, "contacts", "import", input, "--results", results, "--resume")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.out, "60 rows: 60 unknown before")
}

func TestSmallThings(t *testing.T) {
	r := postmux(t, "send", "--to", "a@example.com", "--subject", "s", "--html-file", "/nonexistent")
	assert.Contains(t, r.errOut, "postmux: --html-file: cannot read the file")

	for _, group := range []string{"contacts", "lists", "suppressions"} {
		r = postmux(t, group, "help")
		assert.Equal(t, exit.Done, r.code, r.errOut)
		assert.Equal(t, postmux(t, group, "--help").out, r.out)
	}
	r = postmux(t, "contacts", "help", "get")
	assert.Equal(t, postmux(t, "contacts", "get", "--help").out, r.out)
	r = postmux(t, "contacts", "help", "gte")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, `no help on "contacts gte"`)

	var doc struct{ Providers, Routes []string }
	postmux(t, "--json", "version").json(t, &doc)
	assert.Equal(t, []string{"brevo", "pakat", "pakatv3", "sendpulse", "smsby"}, doc.Providers)
	assert.Contains(t, doc.Routes, "failover")

	_, err := provider.ParseConfig([]byte("default: main\n"))
	assert.ErrorContains(t, err, "YAML is read by the tool postmux only")

	data, err := json.Marshal(&provider.Error{Kind: provider.ErrNotFound, Op: "status"})
	require.NoError(t, err)
	assert.Contains(t, string(data), `"outcome":""`)
}

// A port that is taken: the configuration is not printed.
func TestSandboxPortTaken(t *testing.T) {
	sb := sandbox.New(t)
	r := postmux(t, "sandbox", "--listen", hostOf(t, sb))
	assert.Equal(t, exit.Local, r.code)
	assert.Empty(t, r.out)
	assert.Contains(t, r.errOut, "port 0 takes a free one; "+notDone)
}
