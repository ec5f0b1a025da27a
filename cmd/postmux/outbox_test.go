package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/sandbox"
)

// outboxAccount starts a sandbox and writes a configuration with an account called main at
// Pakat, which knows no keys, and an outbox in a file.
func outboxAccount(t *testing.T, settings string) (*sandbox.Server, string) {
	t.Helper()
	sb := sandbox.New(t)
	return sb, file(t, "postmux.yaml", fmt.Sprintf(`
name: shop
default: main
providers:
  main: {provider: pakatv3, base_url: %s, api_key: %s, from: shop@example.com}
outbox: {%s}
`, sb.BaseURL("pakatv3"), sandbox.Key("pakatv3"), settings))
}

func fileOutbox(t *testing.T) string {
	return "database: file:" + filepath.Join(t.TempDir(), "outbox.db")
}

// The demo keeps what it says: one worker is killed, nothing is lost or sent twice.
func TestOutboxDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	t.Setenv(toolEnv, "1") // of the workers
	t.Setenv("COLUMNS", "80")
	r := postmux(t, "--json", "outbox", "demo")
	require.Equal(t, exit.Done, r.code, "%s\n%s", r.out, r.errOut)
	var doc struct{ Accounts []demoResult }
	r.json(t, &doc)
	require.Len(t, doc.Accounts, 2)
	for _, a := range doc.Accounts {
		assert.Equal(t, demoMessages, a.Received, "%+v", a)
		assert.Equal(t, demoMessages, a.Accepted+a.Unknown, "%+v", a)
		assert.Zero(t, a.Twice+a.Lost, "%+v", a)
	}
	assert.Zero(t, doc.Accounts[0].Unknown, "its provider knows keys")
	assert.LessOrEqual(t, doc.Accounts[1].Unknown, demoSenders)

	r = postmux(t, "outbox", "demo")
	require.Equal(t, exit.Done, r.code, "%s\n%s", r.out, r.errOut)
	for line := range strings.Lines(r.out) {
		assert.LessOrEqual(t, len(strings.TrimSpace(line)), 80, line)
	}
	r = postmux(t, "--provider", "x", "outbox", "demo")
	assert.Equal(t, exit.Local, r.code)
}

// The first signal lets a worker end in order: what was under way has its result.
func TestOutboxRunEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	sb, config := outboxAccount(t, fileOutbox(t))
	require.Equal(t, exit.Done, postmux(t, "--config", config, "outbox", "migrate").code)
	r := postmux(t, "--config", config, "outbox", "enqueue", "--to", "anna@example.com", "--subject", "x", "--html", "y")
	require.Equal(t, exit.Done, r.code, r.errOut)
	sb.Fail("pakatv3", sandbox.Fault{Delay: time.Second})
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "--config", config, "outbox", "run")
	cmd.Env = append(os.Environ(), toolEnv+"=1")
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(sb.Messages("pakatv3")) == 1 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), errOut.String())
	assert.Equal(t, "1 accepted\n", out.String())
	assert.Contains(t, errOut.String(), "sending; interrupt to stop in order")
	r = postmux(t, "--config", config, "outbox", "stats", "--fail-on", "unknown")
	assert.Equal(t, exit.Done, r.code, r.out)
}

// The same commands work on PostgreSQL; its URL is in no text.
func TestOutboxPostgres(t *testing.T) {
	url := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	if url == "" {
		t.Skip("POSTMUX_TEST_DATABASE_URL is not set")
	}
	prefix := fmt.Sprintf("tool_%d_", time.Now().UnixNano())
	sb, config := outboxAccount(t, "database: env:POSTMUX_TEST_DATABASE_URL, prefix: "+prefix)
	run := func(code int, args ...string) result {
		r := postmux(t, append([]string{"--config", config, "outbox"}, args...)...)
		assert.Equal(t, code, r.code, "%v\n%s\n%s", args, r.out, r.errOut)
		assert.NotContains(t, r.out+r.errOut, url)
		return r
	}
	assert.Contains(t, run(exit.Local, "list").errOut, "make them: postmux outbox migrate")
	assert.Contains(t, run(exit.Done, "migrate", "--print").out, "create table "+prefix+"message")
	run(exit.Done, "migrate")
	t.Cleanup(func() { dropTables(t, config) })
	run(exit.Done, "enqueue", "--to", "anna@example.com", "--subject", "x", "--html", "y", "--idempotency-key", "order-1")
	run(exit.Done, "run", "--drain")
	assert.Contains(t, run(exit.Done, "list", "--state", "accepted").out, "anna@example.com")
	assert.Len(t, sb.Messages("pakatv3"), 1)
	run(exit.Done, "stats", "--fail-on", "unknown,dead,refused,held,oldest=10m")
}

// dropTables takes the tables of a configuration away.
func dropTables(t *testing.T, config string) {
	a := &app{configFile: config}
	s, err := a.openStore()
	require.NoError(t, err)
	defer s.close()
	rows, err := s.DB().Query("select tablename from pg_tables where tablename like $1 || '%'", s.settings.Prefix)
	require.NoError(t, err)
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	for _, name := range names {
		_, err := s.DB().Exec("drop table " + name)
		require.NoError(t, err)
	}
}

// What is wrong with the settings, or in the way of the database, is told before anything.
func TestOutboxMistakes(t *testing.T) {
	for _, row := range []struct {
		name     string
		settings string
		args     []string
		code     int
		says     string
	}{
		{
			name: "unknown keys, all at once", settings: "databse: file:x, lease: soon", args: []string{"list"}, code: exit.Local,
			says: "postmux.yaml: 3 problems:\n  outbox.databse: unknown key; known: database, prefix, schema, senders, batch, lease, stop_within, " +
				"give_up, limits, retention\n  outbox.lease: expected a duration like 30s, got \"soon\"\n  outbox.database: missing: where the outbox is",
		},
		{
			name: "no such database", settings: "database: postgres://u:hunter2@127.0.0.1:1/none", args: []string{"list"}, code: exit.Later,
			says: "connection refused",
		},
		{
			name: "a URL that cannot be read", settings: `database: "postgres://u:hunter2@[::1/none"`, args: []string{"list"}, code: exit.Local,
			says: "outbox.database: the URL of PostgreSQL cannot be read",
		},
		{name: "a batch of nobody", settings: "database: file:x.db, batch: [mian]", args: []string{"run"}, code: exit.Local, says: `outbox.batch[0]: no account is called "mian"; known: main`},
		{name: "an account of a worker", settings: "database: file:x.db", args: []string{"--provider", "main", "run"}, code: exit.Local, says: "leave it out: a worker sends for all accounts"},
		{name: "a state", settings: "database: file:x.db", args: []string{"list", "--state", "gone"}, code: exit.Local, says: `--state: expected states of queued, leased, sending`},
		{name: "a check", settings: "database: file:x.db", args: []string{"stats", "--fail-on", "oldest=soon"}, code: exit.Local, says: "--fail-on: expected oldest=LENGTH, like oldest=10m"},
		{name: "no decision", settings: "database: file:x.db", args: []string{"decide", "x", "--by", "anna"}, code: exit.Local, says: "expected --sent, --again or --drop"},
		{name: "no time of a backup", settings: "database: file:x.db", args: []string{"doubt", "--by", "anna"}, code: exit.Local, says: "--since: expected the time of the backup"},
		{name: "a purge of the future", settings: "database: file:x.db", args: []string{"purge", "--before", "+1h"}, code: exit.Local, says: "--before: expected a time in the past"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, config := outboxAccount(t, row.settings)
			t.Chdir(t.TempDir())
			r := postmux(t, append([]string{"--config", config, "outbox"}, row.args...)...)
			assert.Equal(t, row.code, r.code, r.errOut)
			assert.Contains(t, r.errOut, row.says)
			assert.NotContains(t, r.errOut, "hunter2")
		})
	}
	r := postmux(t, "--config", file(t, "bare.yaml", "providers:\n  main: {provider: brevo, api_key: key-of-a-test}\n"), "outbox", "list")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "outbox: missing: the configuration has no settings of an outbox, such as outbox: {database: file:outbox.db}")
	t.Setenv(configfile.Env, "")
}

// A person at a terminal is asked before mail may go out twice.
func TestOutboxAsks(t *testing.T) {
	sb, config := outboxAccount(t, fileOutbox(t))
	require.Equal(t, exit.Done, postmux(t, "--config", config, "outbox", "migrate").code)
	sb.Fail("pakatv3", sandbox.Fault{Operation: "sendEmail", Status: 502, After: true})
	r := postmux(t, "--json", "--config", config, "outbox", "enqueue", "--to", "anna@example.com", "--subject", "x", "--html", "y")
	require.Equal(t, exit.Done, r.code, r.errOut)
	var stored enqueued
	r.json(t, &stored)
	r = postmux(t, "--config", config, "outbox", "run", "--drain")
	require.Equal(t, "1 unknown\n", r.out, r.errOut)

	r = postmuxWith(t, "n\n", "--config", config, "outbox", "decide", stored.ID, "--again", "--by", "anna", "--yes=false")
	assert.Equal(t, exit.Local, r.code)
	r = postmux(t, "--json", "--config", config, "outbox", "decide", stored.ID, "--again", "--by", "anna", "--yes")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.JSONEq(t, fmt.Sprintf(`{"index":0,"id":%q,"state":"queued"}`, stored.ID), r.out)
	r = postmux(t, "--json", "--config", config, "outbox", "run", "--drain")
	assert.Contains(t, r.out, `"state":"accepted"`)
	assert.Len(t, sb.Messages("pakatv3"), 2, "as the person decided")

	var x outbox.Explanation
	postmux(t, "--json", "--config", config, "outbox", "show", stored.ID).json(t, &x)
	assert.Equal(t, "anna", x.Message.Decided)
	var stats outboxStats
	postmux(t, "--json", "--config", config, "outbox", "stats").json(t, &stats)
	assert.EqualValues(t, 1, stats.ByState[outbox.Accepted])
	r = postmux(t, "--config", config, "outbox", "retry", stored.ID, "01890000-0000-7000-8000-000000000000")
	assert.Equal(t, exit.Refused, r.code)
	assert.Contains(t, r.errOut, "is accepted; nothing was changed")
	assert.Contains(t, r.errOut, "the outbox has no message 01890000-0000-7000-8000-000000000000")
}
