package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// example writes a file of the examples to a folder.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := examples.Files.ReadFile(name)
	require.NoError(t, err)
	return file(t, name, string(text))
}

func TestHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		r := postmux(t, args...)
		assert.Equal(t, exit.Done, r.code)
		assert.Empty(t, r.errOut)
		golden(t, "help/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+".txt", r.out)
		for _, sub := range c.Commands() {
			if sub.Name() != "completion" && sub.Name() != "help" {
				walk(sub)
			}
		}
	}
	walk(newRoot(&app{registry: all.Registry()}))
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"sned"}, `unknown command "sned" for "postmux"; did you mean send?`},
		{[]string{"contacts", "gte"}, `unknown command "gte" for "postmux contacts"; did you mean get?`},
		{[]string{"lists", "ad"}, `unknown command "ad" for "postmux lists"; did you mean add?`},
		{[]string{"send", "--nope"}, "unknown flag: --nope; try --help"},
		{[]string{"send"}, "expected a message"},
		{[]string{"send", "--dry-run"}, "expected a message"},
		{[]string{"send", "a", "b"}, `unexpected argument "b"; try --help; nothing was sent`},
		{[]string{"send", "--to", "anna"}, "--to: expected one address like user@example.com"},
		{[]string{"send", "--to", "a@example.com", "--send-at", "tomorrow"}, "--send-at: expected a time like"},
		{[]string{"send", "--to", "a@example.com", "--header", "x"}, "--header: expected \"NAME: VALUE\""},
		{[]string{"send", "--to", "a@example.com", "--var", "x:=y"}, "--var: expected a JSON value behind x:="},
		{[]string{"send", "--to", "a@example.com", "--attach", "/nonexistent"}, "--attach: cannot read the file"},
		{[]string{"send", "/nonexistent.json"}, "cannot read the file"},
		{[]string{"send", "--text", "a", "--text-file", "b"}, "--text and --text-file cannot stand together"},
		{[]string{"status"}, "expected the ID of a message"},
		{[]string{"status", "1", "--receipt", "x"}, "--receipt: expected either ID or --receipt"},
		{[]string{"contacts", "get"}, "EMAIL: missing; try --help; no request was made"},
		{[]string{"contacts", "import"}, "FILE: missing"},
		{[]string{"contacts", "list", "x"}, `unexpected argument "x"`},
		{[]string{"lists", "create"}, "NAME: missing"},
		{[]string{"lists", "delete"}, "LIST: missing"},
		{[]string{"lists", "add"}, "LIST: missing"},
		{[]string{"completion", "csh"}, `unknown command "csh" for "postmux completion"`},
		{[]string{"help", "nosuch"}, `no help on "nosuch"`},
		{[]string{"help", "contacts", "gte"}, `no help on "contacts gte"`},
		{[]string{"contacts", "list", "--limit", "-1"}, "--limit: expected 0 or more"},
		{[]string{"contacts", "list", "--limit", "x"}, `invalid argument "x" for "--limit" flag`},
		{[]string{"contacts", "list", "--list", "id:"}, "--list: expected an alias or id:ID"},
		{[]string{"contacts", "list", "--modified-since", "x"}, "--modified-since: expected a time"},
		{[]string{"contacts", "upsert"}, "--email: expected the address"},
		{[]string{"contacts", "upsert", "--email", "a@example.com", "--phone", "1", "--clear", "phone"}, "--clear: phone is set and cleared at once"},
		{[]string{"contacts", "upsert", "--email", "a@example.com", "--field", "A=1", "--clear", "A"}, "--clear: A is set and cleared at once"},
		{[]string{"lists", "add", "newsletter"}, "EMAIL: missing"},
		{[]string{"capabilities", "brevo"}, "expected no argument"},
		{[]string{"capabilities", "--diff", "brevo"}, "--diff: expected two names"},
		{[]string{"check", "--all", "--provider", "a"}, "--all: expected either --all or --provider"},
		{[]string{"sandbox", "--listen", "0.0.0.0:8025"}, "--listen: expected a loopback address"},
		{[]string{"sandbox", "--listen", ":8025"}, "name who may ask from elsewhere with --allow-host"},
		{[]string{"sandbox", "--listen", "localhost"}, "--listen: expected an address and a port"},
		{[]string{"sandbox", "--allow-host", "http://a.example/"}, "--allow-host: expected a name without port"},
		{[]string{"sandbox", "--allow-host", "a.example:80"}, "--allow-host: expected a name without port"},
		{[]string{"sandbox", "mail"}, `unknown command "mail" for "postmux sandbox"; did you mean mails?`},
		{[]string{"sandbox", "mails", "x"}, `NUMBER: expected the number of a mail, got "x"`},
		{[]string{"sandbox", "mails", "--at", "nowhere"}, "--at: expected an address and a port"},
		{[]string{"sandbox", "mails", "7", "--to", "a@example.com"}, "NUMBER: expected either a number or filters"},
		{[]string{"sandbox", "mails", "--wait", "6m"}, "--wait: expected at most 5m0s"},
		{[]string{"sandbox", "fault", "--status", "500"}, "PROVIDER: missing"},
		{[]string{"sandbox", "fault", "brevo", "--delay", "-1s"}, "--delay: expected 0 or more"},
		{[]string{"sandbox", "fault", "brevo", "--clear", "--status", "500"}, "--clear: expected no other flag"},
		{[]string{"sandbox", "fault", "brevo", "--header", "x"}, "--header: expected NAME=VALUE"},
		{[]string{"sandbox", "reset", "now"}, `unexpected argument "now"`},
		{[]string{"demo", "--config", "x"}, "the demo has a configuration of its own"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			r := postmux(t, tc.args...)
			assert.Equal(t, exit.Local, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.errOut, tc.want)
			assert.Equal(t, 1, strings.Count(r.errOut, "\n"), r.errOut)
			nothingOnce(t, nothingFor(tc.args), r.errOut)

			r = postmux(t, append([]string{"--json"}, tc.args...)...)
			assert.Equal(t, exit.Local, r.code)
			var doc struct {
				Error struct{ Kind, Op, Outcome string }
			}
			r.json(t, &doc)
			assert.Equal(t, "invalid usage not_sent", doc.Error.Kind+" "+doc.Error.Op+" "+doc.Error.Outcome)
		})
	}
}

// A bad message is told with the name of its field, and no request is made.
func TestBadMessage(t *testing.T) {
	sb, cfg := account(t)
	for _, tc := range []struct{ what, message, want string }{
		{"unknown key", `{"to":[{"email":"a@example.com"}],"subjet":"x"}`, "subjet: unknown key"},
		{"bad address", `{"to":[{"email":"a@example"}],"subject":"x","html":"y"}`, "to[0].email: expected one address"},
		{"template with html", `{"to":[{"email":"a@example.com"}],"template":{"id":"1"},"html":"y"}`, "template: expected either"},
		{"not base64", `{"to":[{"email":"a@example.com"}],"subject":"x","html":"y","attachments":[{"name":"a","content":"é"}]}`, "attachments[0].content: expected base64"},
		{"no alias", `{"to":[{"email":"a@example.com"}],"template":{"alias":"welcome"}}`, `template: no alias "welcome"`},
		{"not there", `{"to":[{"email":"a@example.com"}],"subject":"x","html":"y","track_opens":true}`, "message.track_opens is not supported"},
		{"not JSON", `{"to"`, "JSON"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			r := postmuxWith(t, tc.message, "--config", cfg, "send", "-")
			assert.Equal(t, exit.Local, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.errOut, tc.want)
			nothingOnce(t, notSent, r.errOut)
		})
	}
	assert.Empty(t, sb.Requests("brevo"))
}

func TestSend(t *testing.T) {
	sb, cfg := account(t)
	r := postmux(t, "--config", cfg, "send", example(t, examples.Message))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "send.txt", r.out)
	assert.Empty(t, r.errOut)

	r = postmux(t, "--config", cfg, "--json", "send", example(t, examples.Message))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "send.json", r.out)

	mails := sb.Messages("brevo")
	require.Len(t, mails, 2)
	assert.Equal(t, "سفارش شما ثبت شد: ۱۰۴۲", mails[0].Subject)
	assert.Equal(t, "order-1042.pdf", mails[0].Attachments[0].Name)
}

func TestSendByFlags(t *testing.T) {
	sb, cfg := account(t)
	r := postmuxWith(t, `{"from":{"email":"shop@example.com"},"to":[{"email":"old@example.com"}],"subject":"old","html":"<p>stays</p>"}`, "--config", cfg,
		"send", "-", "--to", "Иванова, Анна <anna@example.by>", "--to", "bob@example.com", "--cc", "carl@example.com", "--bcc", "dora@example.com",
		"--reply-to", "help@example.com", "--from", "فروشگاه <shop@example.com>", "--subject", "سلام", "--text-file", file(t, "body.txt", "متن"),
		"--tag", "order", "--header", "X-Shop=1", "--metadata", "order=1042", "--send-at", time.Now().Add(time.Hour).Format(time.RFC3339),
		"--attach", file(t, "a.pdf", "%PDF"), "--idempotency-key", "order-1042")
	require.Equal(t, exit.Done, r.code, r.errOut)
	m := sb.Messages("brevo")[0]
	assert.Equal(t, provider.Address{Email: "shop@example.com", Name: "فروشگاه"}, m.From)
	assert.Equal(t, "Иванова, Анна <anna@example.by>; bob@example.com", addressTexts(m.To))
	assert.Equal(t, "carl@example.com dora@example.com help@example.com", m.Cc[0].Email+" "+m.Bcc[0].Email+" "+m.ReplyTo[0].Email)
	assert.Equal(t, "سلام <p>stays</p> متن", m.Subject+" "+m.HTML+" "+m.Text)
	assert.Equal(t, []string{"order"}, m.Tags)
	assert.Equal(t, "a.pdf", m.Attachments[0].Name)
	assert.False(t, m.SendAt.IsZero())
}

func TestSendFails(t *testing.T) {
	send := []string{"--json", "send", "--to", "anna@example.com", "--subject", "x", "--html", "y"}
	for _, tc := range []struct {
		what           string
		fault          sandbox.Fault
		code           int
		kind, outcome  string
		receiptOutcome string
	}{
		{"refused", sandbox.Fault{Status: 400, Body: `{"code":"invalid_parameter","message":"no"}`}, exit.Refused, "invalid", "not_sent", "refused"},
		{"no key", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`}, exit.Credentials, "unauthorized", "not_sent", "refused"},
		{"no credit", sandbox.Fault{Status: 402, Body: `{"code":"not_enough_credits","message":"no"}`}, exit.Refused, "no_credit", "not_sent", "refused"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			sb, cfg := account(t)
			sb.Fail("brevo", tc.fault)
			r := postmux(t, append([]string{"--config", cfg}, send...)...)
			assert.Equal(t, tc.code, r.code)
			var doc struct {
				Error   struct{ Kind, Outcome string }
				Receipt struct{ State string }
			}
			r.json(t, &doc)
			assert.Equal(t, tc.kind+" "+tc.outcome+" "+tc.receiptOutcome, doc.Error.Kind+" "+doc.Error.Outcome+" "+doc.Receipt.State)
			assert.Equal(t, 1, strings.Count(r.errOut, "\n"))
			golden(t, "fail/"+strings.ReplaceAll(tc.what, " ", "-")+".json", r.out)
		})
	}
}

// fake is an account at a server of the test.
func fake(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return file(t, "postmux.yaml", fmt.Sprintf("providers: {main: {provider: brevo, api_key: x, timeout: 30s, base_url: %q, from: {email: shop@example.com}}}", srv.URL))
}

func TestInterrupted(t *testing.T) {
	t.Chdir(t.TempDir()) // where the receipt goes
	ctx, cancel := context.WithCancel(t.Context())
	cfg := fake(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the end of the connection
		cancel()
		<-r.Context().Done()
	})
	r := postmuxIn(ctx, "", "--config", cfg, "send", "--to", "anna@example.com", "--subject", "x", "--html", "y")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.errOut, "it may have been sent")

	// A context that has ended makes no request at all.
	r = postmuxIn(ctx, "", "--config", cfg, "--json", "send", "--to", "anna@example.com", "--subject", "x", "--html", "y")
	assert.Equal(t, exit.Interrupted, r.code)
	assert.Equal(t, "postmux: interrupted: main (brevo): send: context canceled; nothing was sent\n", r.errOut)
	assert.Contains(t, r.out, `"kind": "canceled"`)
	r = postmuxIn(ctx, "", "--config", cfg, "contacts", "import", file(t, "a.csv", "email\na@example.com\n"))
	assert.Equal(t, exit.Interrupted, r.code, r.errOut)
}

func TestDryRun(t *testing.T) {
	sb, cfg := account(t)
	send := example(t, examples.Message)
	for name, args := range map[string][]string{
		"send":        {"send", send, "--idempotency-key", "00000000-0000-4000-8000-000000000000"},
		"upsert":      {"contacts", "upsert", example(t, examples.Contact)},
		"delete":      {"contacts", "delete", "anna@example.com"},
		"unsubscribe": {"contacts", "unsubscribe", "anna@example.com"},
		"import":      {"contacts", "import", example(t, examples.Contacts)},
		"add":         {"lists", "add", "newsletter", "anna@example.com"},
		"remove":      {"lists", "remove", "newsletter", "anna@example.com"},
	} {
		r := postmux(t, append([]string{"--config", cfg}, append(args, "--dry-run")...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
		assert.NotContains(t, r.out, sandbox.Key("brevo"))
		golden(t, "dryrun/"+name+".json", r.out)
	}
	assert.Empty(t, sb.Requests("brevo"))

	// A dry run finds what is wrong.
	r := postmux(t, "--config", cfg, "send", send, "--dry-run", "--track-opens")
	assert.Equal(t, exit.Local, r.code)
	assert.Empty(t, r.out)
}

func TestStatus(t *testing.T) {
	_, cfg := account(t)
	sent := postmux(t, "--config", cfg, "--json", "send", example(t, examples.Message))
	require.Equal(t, exit.Done, sent.code, sent.errOut)
	var receipt provider.Receipt
	sent.json(t, &receipt)

	byID := postmux(t, "--config", cfg, "--json", "status", receipt.MessageID)
	assert.Equal(t, exit.Done, byID.code, byID.errOut)
	golden(t, "status.json", byID.out)
	for _, text := range []string{sent.out, `{"error":{"kind":"x"},"receipt":` + sent.out + `}`} {
		r := postmux(t, "--config", cfg, "--json", "status", "--receipt", file(t, "receipt.json", text))
		assert.Equal(t, exit.Done, r.code, r.errOut)
		assert.Equal(t, byID.out, r.out)
	}
	several := fmt.Sprintf(`{"account":"main","message_id":"","recipients":[{"message_id":%q},{"message_id":"gone"},{"message_id":""}]}`, receipt.MessageID)
	r := postmuxWith(t, several, "--config", cfg, "--json", "status", "--receipt", "-")
	assert.Equal(t, exit.Partly, r.code)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, lines, 2)
	assert.True(t, strings.HasPrefix(lines[0], `{"index":0,"provider":"brevo"`), lines[0])
	assert.True(t, strings.HasPrefix(lines[1], `{"index":1,"error":{"kind":"not_found"`), lines[1])

	r = postmuxWith(t, `{"account":"other","message_id":"x"}`, "--config", cfg, "status", "--receipt", "-")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, `no account is called "other"`)
	for _, text := range []string{`{}`, `[]`, `x`, `{"error":{},"receipt":null}`} {
		assert.Equal(t, exit.Local, postmuxWith(t, text, "--config", cfg, "status", "--receipt", "-").code, text)
	}
}

func TestContacts(t *testing.T) {
	sb, cfg := account(t)
	do := func(args ...string) result { return postmux(t, append([]string{"--config", cfg}, args...)...) }

	r := do("contacts", "upsert", example(t, examples.Contact))
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "contacts/upsert.txt", r.out)
	r = do("contacts", "upsert", "--email", "anna.ivanova@example.by", "--last-name", "Ким", "--field", "VIP:=true", "--clear", "CITY", "--list", "id:4")
	require.Equal(t, exit.Done, r.code, r.errOut)
	r = do("contacts", "get", "anna.ivanova@example.by")
	golden(t, "contacts/get.txt", r.out)
	r = do("--json", "contacts", "get", "anna.ivanova@example.by")
	golden(t, "contacts/get.json", r.out)

	r = do("contacts", "list")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "contacts/list.txt", r.out)
	r = do("--json", "contacts", "list", "--list", "newsletter", "--modified-since", "2020-01-01", "--limit", "1")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "contacts/list.ndjson", r.out)

	r = do("lists")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "lists/list.txt", r.out)
	golden(t, "lists/list.ndjson", do("--json", "lists").out)
	r = do("lists", "remove", "newsletter", "anna.ivanova@example.by")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "lists/remove.txt", r.out)
	r = do("--json", "lists", "add", "newsletter", "anna.ivanova@example.by")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "lists/add.json", r.out)
	assert.Equal(t, exit.Refused, do("lists", "add", "newsletter", "nobody@example.com").code)

	r = do("contacts", "unsubscribe", "anna.ivanova@example.by")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	require.Len(t, sb.Contacts("brevo"), 1)
	assert.NotEmpty(t, sb.Contacts("brevo")[0].Suppressed)
	r = do("--json", "contacts", "delete", "anna.ivanova@example.by", "--yes")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "contacts/delete.json", r.out)
	r = do("--json", "contacts", "get", "anna.ivanova@example.by")
	assert.Equal(t, exit.Refused, r.code)
	golden(t, "contacts/not-found.json", r.out)
	assert.Empty(t, sb.Contacts("brevo"))
}

func TestImport(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	r := postmux(t, "--config", cfg, "contacts", "import", example(t, examples.Contacts))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, "200 rows: 200 stored\n", r.out)
	assert.Len(t, sb.Contacts("brevo"), 200)

	r = postmuxWith(t, "email,first_name,field.NOPE\nnot-an-address,x,\nsara@example.ir,سارا,\nbob@example.com,,1\n", "--config", cfg, "contacts", "import", "-")
	assert.Equal(t, exit.Partly, r.code)
	assert.Equal(t, "3 rows: 1 created, 2 refused\n", r.out)
	golden(t, "contacts/import.stderr.txt", r.errOut)

	r = postmuxWith(t, `{"email":"sara@example.ir","last_name":"نوری"}`+"\n"+`{"email":"x"}`+"\n", "--config", cfg, "--json", "contacts", "import", "-")
	assert.Equal(t, exit.Partly, r.code)
	golden(t, "contacts/import.ndjson", r.out)
	assert.Contains(t, r.errOut, "2 rows: 1 updated, 1 refused\n")

	// A file with a bad form is refused as a whole.
	before := len(sb.Requests("brevo"))
	r = postmux(t, "--config", cfg, "contacts", "import", file(t, "a.csv", "email,nickname\na@example.com,x\n"))
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, `a.csv: `)
	assert.Contains(t, r.errOut, `the column "nickname" is not known: --map nickname=field.NICKNAME, or --ignore-unknown`)
	assert.Len(t, sb.Requests("brevo"), before)

	// What every further row would meet stops the import.
	sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`, Times: 99})
	r = postmux(t, "--config", cfg, "contacts", "import", file(t, "a.csv", "email\na@example.com\nb@example.com\nc@example.com\n"))
	assert.Equal(t, exit.Credentials, r.code)
	assert.Regexp(t, `^[12] of 3 rows: 1 refused(, 1 not tried)?\n$`, r.out, "rows are begun until the first one is refused")
	assert.Contains(t, r.errOut, "stopped after 1 row")
}

func TestCheck(t *testing.T) {
	sb, cfg := account(t)
	for name, args := range map[string][]string{"check.txt": {"check"}, "check.json": {"--json", "check"}, "all.txt": {"check", "--all"}, "all.json": {"--json", "check", "--all"}} {
		r := postmux(t, append([]string{"--config", cfg}, args...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
		golden(t, "check/"+name, r.out)
	}
	sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
	r := postmux(t, "--config", cfg, "check", "--all")
	assert.Equal(t, exit.Credentials, r.code)
	assert.Contains(t, r.out, "Key not found")

	// Every secret that is missing is told.
	before := len(sb.Requests("brevo"))
	r = postmux(t, "--config", file(t, "postmux.yaml", "providers: {a: {provider: brevo, api_key: env:POSTMUX_NOT_A}, b: {provider: brevo, api_key: env:POSTMUX_NOT_B}}"), "check", "--all")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "POSTMUX_NOT_A")
	assert.Contains(t, r.errOut, "POSTMUX_NOT_B")
	assert.Len(t, sb.Requests("brevo"), before)
}

func TestDebug(t *testing.T) {
	_, cfg := account(t)
	r := postmux(t, "--config", cfg, "--debug", "send", "--to", "anna@example.com", "--subject", "سلام", "--html", "<p>x</p>")
	assert.Equal(t, exit.Done, r.code)
	assert.NotContains(t, r.errOut, sandbox.Key("brevo"))
	golden(t, "debug.stderr.txt", r.errOut)

	var again strings.Builder
	debugHooks(terminal.NewTalk(&again)).OnTry(t.Context(), provider.TryEvent{Method: "POST", Route: "/smtp/email", Try: 2, Status: 503})
	assert.Equal(t, "--> POST /smtp/email (try 2)\n<-- 503 in 0 ms\n", again.String())
}

// The demo is the proof: all providers, by the name of the account alone.
func TestDemo(t *testing.T) {
	r := postmux(t, "demo")
	assert.Equal(t, exit.Done, r.code, r.errOut+r.out)
	assert.NotContains(t, r.out, "Problems")

	r = postmux(t, "--json", "demo")
	require.Equal(t, exit.Done, r.code, r.errOut)
	var doc struct{ Accounts []demoRow }
	r.json(t, &doc)
	require.Len(t, doc.Accounts, len(sandbox.Providers()))
	for _, a := range doc.Accounts {
		assert.Equal(t, provider.StateAccepted, a.State, a.Account)
		assert.NotEmpty(t, a.MessageID, a.Account)
		writes := can(a.Provider, feature.ContactsUpsert)
		reads := can(a.Provider, feature.ContactsListMembers, feature.ContactsList, feature.ContactsGet)
		assert.Equal(t, writes, a.Written != nil && *a.Written == 200, "%s wrote %s", a.Account, countText(a.Written))
		assert.Equal(t, writes && reads, a.ReadBack != nil && *a.ReadBack == 200, "%s read %s back", a.Account, countText(a.ReadBack))
		require.Len(t, a.Received, 1, a.Account)
		assert.Equal(t, "سفارش شما ثبت شد: ۱۰۴۲", a.Received[0].Subject, a.Account)
	}
}

// can reports whether an account without settings has one of some features.
func can(driver string, features ...provider.Feature) bool {
	caps, _ := driverCapabilities(all.Registry(), driver)
	return slices.ContainsFunc(features, caps.Can)
}

// The configuration of the examples, which "postmux sandbox" prints, has an
// account of every provider.
func TestExampleConfig(t *testing.T) {
	sb, cfg, err := startSandbox()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sb.Close()) })
	for name, want := range sb.Config().Providers {
		host := strings.NewReplacer("http://"+hostOf(t, sb), "http://"+examples.Address)
		var account strings.Builder
		fmt.Fprintf(&account, "  %s:\n", name)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value := want[key]
			if from, ok := value.(provider.Address); ok {
				value = fmt.Sprintf("{email: %s}", from.Email)
			}
			fmt.Fprintf(&account, "    %s: %s\n", key, host.Replace(fmt.Sprint(value)))
		}
		_, ok := cfg.Providers[name]
		assert.True(t, ok, "examples/postmux.yaml has no account %s; add it below providers:\n%s", name, &account)
	}
}

func hostOf(t *testing.T, sb *sandbox.Server) string {
	t.Helper()
	u, err := url.Parse(sb.BaseURL(sandbox.Providers()[0]))
	require.NoError(t, err)
	return u.Host
}

// Every example works at every provider that has the feature.
func TestExamples(t *testing.T) {
	sb, cfg, err := startSandbox()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sb.Close()) })
	text, err := sandboxConfig(hostOf(t, sb))
	require.NoError(t, err)
	path := file(t, "postmux.yaml", string(text))
	for name := range cfg.Providers {
		do := func(args ...string) result {
			return postmux(t, append([]string{"--config", path, "--provider", name}, args...)...)
		}
		r := do("check")
		assert.Contains(t, []int{exit.Done, exit.Local}, r.code, name+": "+r.errOut)
		r = do("contacts", "upsert", example(t, examples.Contact))
		assert.Equal(t, exitOf(can(name, feature.ContactsUpsert)), r.code, name+": "+r.errOut)
		r = do("batch", example(t, examples.Batch))
		assert.Equal(t, exit.Done, r.code, name+": "+r.errOut)
		r = do("send", example(t, examples.MessageTemplate))
		assert.Equal(t, exitOf(can(name, feature.MessageTemplate)), r.code, name+": "+r.errOut)
	}
	r := postmux(t, "--config", path, "check", "--all")
	assert.Equal(t, exit.Done, r.code, r.errOut+r.out)
	assert.Empty(t, sb.Violations())
}

func exitOf(able bool) int {
	if able {
		return exit.Done
	}
	return exit.Local
}

func TestSandbox(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	talk, errOut := io.Pipe()
	var out bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"sandbox", "--listen", "127.0.0.1:0"}, nil, &out, errOut)
		_ = errOut.Close()
	}()
	lines := bufio.NewScanner(talk)
	require.True(t, lines.Scan())
	assert.Regexp(t, `^listening on (127\.0\.0\.1:\d+), mails at http://127\.0\.0\.1:\d+/_postmux/, interrupt to stop$`, lines.Text())

	cfg := file(t, "postmux.yaml", out.String())
	sent := make(chan result)
	go func() { sent <- postmuxIn(ctx, "", "--config", cfg, "--provider", "pakat", "lists") }()
	require.True(t, lines.Scan())
	assert.Regexp(t, `^\d\d:\d\d:\d\d 200     GET /pakat/api/lists \d+ ms$`, lines.Text())
	r := <-sent
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "newsletter001")

	cancel()
	assert.Equal(t, exit.Done, <-code, "an interrupt is how a sandbox ends")

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	taken := postmux(t, "sandbox", "--listen", strings.TrimPrefix(other.URL, "http://"))
	assert.Equal(t, exit.Local, taken.code)
	assert.Contains(t, taken.errOut, "--listen: cannot listen")
}

// The sandbox of the tool takes what programs in use send, and says so; --strict refuses it.
func TestSandboxIsLenient(t *testing.T) {
	for _, row := range []struct {
		name   string
		args   []string
		status int
		line   string // after that of the request
	}{
		{"lenient", nil, 200, `brevo getAccount: request: unknown parameter "colour" \(taken\)$`},
		{"as objects", []string{"--json"}, 200, `^\{"provider":"brevo","operation":"getAccount","what":"request: unknown parameter .*","taken":true\}$`},
		{"strict", []string{"--strict"}, 400, `brevo getAccount: request: the spec has no parameter "colour"$`},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			talk, errOut := io.Pipe()
			code := make(chan int)
			go func() {
				code <- run(ctx, append([]string{"sandbox", "--listen", "127.0.0.1:0"}, row.args...), nil, io.Discard, errOut)
				_ = errOut.Close()
			}()
			lines := bufio.NewScanner(talk)
			require.True(t, lines.Scan())
			address, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "listening on "), ",")
			status := make(chan int)
			go func() {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/brevo/v3/account?colour=red", nil)
				req.Header.Set("api-key", sandbox.Key("brevo"))
				tr := &http.Transport{}
				defer tr.CloseIdleConnections()
				resp, err := (&http.Client{Transport: tr}).Do(req)
				if err != nil {
					status <- 0
					return
				}
				_ = resp.Body.Close()
				status <- resp.StatusCode
			}()
			require.True(t, lines.Scan())
			require.True(t, lines.Scan())
			assert.Regexp(t, row.line, lines.Text())
			assert.Equal(t, row.status, <-status)
			cancel()
			assert.Equal(t, exit.Done, <-code)
		})
	}
}

func TestCapabilities(t *testing.T) {
	r := postmux(t, "capabilities")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	for _, name := range sandbox.Providers() {
		assert.Contains(t, r.out, name)
		one := postmux(t, "capabilities", "--provider", name)
		assert.Equal(t, exit.Done, one.code, one.errOut)
		assert.Contains(t, one.out, "message.text.only")
		assert.Contains(t, postmux(t, "capabilities", "--markdown").out, "## "+name+": limits and notes")
	}
	var doc struct {
		Features []struct {
			Feature   provider.Feature
			Providers map[string]provider.Support
		}
	}
	postmux(t, "--json", "capabilities").json(t, &doc)
	assert.Len(t, doc.Features, len(provider.Features()))
	assert.Equal(t, provider.LevelNative, doc.Features[0].Providers["brevo"].Level)
	for _, f := range doc.Features {
		for name, s := range f.Providers {
			assert.NotEqual(t, "live", s.Checked, "%s of %s: the page says that no cell is", f.Feature, name)
		}
	}

	// The name of an account comes first.
	_, cfg := account(t)
	r = postmux(t, "--config", cfg, "--json", "capabilities", "--provider", "main")
	assert.Contains(t, r.out, `"account": "main"`)
	assert.Equal(t, "no difference\n", postmux(t, "--config", cfg, "capabilities", "--diff", "main", "brevo").out)
	assert.Equal(t, exit.Local, postmux(t, "capabilities", "--provider", "pigeon").code)
}

// The matrix in the documentation is what the tool prints.
func TestMatrixInDocs(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "capabilities.md")
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it: make capabilities")
	assert.Equal(t, string(want), postmux(t, "capabilities", "--markdown").out, "write it anew: make capabilities")
}

func TestVersionAndCompletion(t *testing.T) {
	assert.Regexp(t, `^postmux \d+\.\d+\.\d+\S* \(go\S+, \w+/\w+\)\n$`, postmux(t, "version").out)
	assert.Contains(t, postmux(t, "--json", "version").out, `"version"`)
	assert.Equal(t, postmux(t, "version").out, postmux(t, "--version").out)
	assert.Equal(t, postmux(t, "--json", "version").out, postmux(t, "--json", "--version").out)
	assert.Equal(t, postmux(t, "contacts", "list", "--help").out, postmux(t, "help", "contacts", "list").out)
	assert.Equal(t, postmux(t, "--help").out, postmux(t, "help").out)
	assert.Equal(t, exit.Done, postmux(t, "completion").code)
	assert.Contains(t, postmux(t, "completion", "bash").out, "__start_postmux")
	_, cfg := account(t)
	assert.Equal(t, "main\n:4\n", postmux(t, "__complete", "--config", cfg, "--provider", "").out)
}
