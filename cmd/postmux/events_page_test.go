package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// program is examples/events/program.py, to which events are forwarded.
type program struct {
	t      *testing.T
	python string
	file   string
	run    *exec.Cmd
	url    string
}

func newProgram(t *testing.T) *program {
	python, err := exec.LookPath("python3")
	if err != nil || exec.CommandContext(t.Context(), python, "-c", "import sqlite3").Run() != nil {
		t.Skip("no Python with SQLite here, which the program of the page needs")
	}
	file, err := filepath.Abs(filepath.Join("..", "..", "examples", "events", "program.py"))
	require.NoError(t, err)
	p := &program{t: t, python: python, file: file}
	t.Cleanup(p.stop)
	return p
}

// start runs the program on the port that it had, or on a free one.
func (p *program) start() {
	port := "0"
	if p.url != "" {
		u, err := url.Parse(p.url)
		require.NoError(p.t, err)
		port = u.Port()
	}
	p.run = exec.CommandContext(p.t.Context(), p.python, p.file, port)
	out, err := p.run.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.run.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(p.t, err)
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	require.True(p.t, ok, line)
	p.url = "http://" + address + "/events"
}

func (p *program) stop() {
	if p.run != nil {
		_ = p.run.Process.Kill()
		_ = p.run.Wait() // which tells of the kill
		p.run = nil
	}
}

// stops is what the program says of who must not be mailed.
func (p *program) stops() string {
	out, err := exec.CommandContext(p.t.Context(), p.python, p.file, "stops").Output()
	require.NoError(p.t, err)
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

// terminalRun is a command that runs until it is interrupted.
type terminalRun struct {
	stop context.CancelFunc
	code chan int
	out  *lockedText
	line string // the first one on stderr
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func startTerminal(t *testing.T, args ...string) *terminalRun {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &terminalRun{stop: stop, code: make(chan int, 1), out: &lockedText{}}
	talk, errOut := io.Pipe()
	go func() {
		r.code <- run(ctx, args, nil, r.out, errOut)
		_ = errOut.Close()
	}()
	lines := bufio.NewScanner(talk)
	require.True(t, lines.Scan())
	r.line = lines.Text()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // requests, which nobody reads here
		}
	}()
	t.Cleanup(func() { stop(); <-drained })
	return r
}

func (r *terminalRun) address(t *testing.T) string {
	rest, ok := strings.CutPrefix(r.line, "listening on ")
	require.True(t, ok, r.line)
	address, _, _ := strings.Cut(rest, " for ")
	address, _, _ = strings.Cut(address, ",")
	return address
}

func (r *terminalRun) interrupt(t *testing.T) {
	r.stop()
	assert.Equal(t, exit.Done, <-r.code, "an interrupt is how it ends")
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 200 {
		if is() {
			return
		}
		<-time.After(25 * time.Millisecond)
	}
	t.Fatalf("not within 5 s: %s", what)
}

// What differs from run to run, and from system to system.
var (
	eventID = regexp.MustCompile(`brevo_1-[0-9a-f]{32}`)
	refused = regexp.MustCompile(`dial tcp [^;]*;`)
)

// transcripts are the parts of a page that show what is printed, in their order.
func transcripts(page string) (out []string) {
	for _, part := range strings.Split(page, "<!-- transcript -->\n```\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		out = append(out, text)
	}
	return out
}

// The commands of docs/events.md, in their order, with four terminals: mail bounces, is
// complained of and left, events listen sees it, a program gets it, also what came while it was
// down, and its database says who must not be mailed. What is printed is what the page shows.
func TestEventsPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	require.NoError(t, err)
	page := string(data)
	commands, shown := commandsOf(page), transcripts(page)
	require.Len(t, commands, 14, "%v", commands)
	require.Len(t, shown, 5)
	p := newProgram(t)
	t.Chdir(t.TempDir())
	_, secret, ok := strings.Cut(page, "export POSTMUX_FORWARD_SECRET=")
	require.True(t, ok)
	secret, _, _ = strings.Cut(secret, "\n")
	t.Setenv("POSTMUX_FORWARD_SECRET", secret)
	p.start() // which finds it a port
	p.stop()
	args := func(line string) []string {
		return words(strings.ReplaceAll(line, "http://127.0.0.1:9000/events", p.url))[1:]
	}
	next := func(beginning string) []string {
		require.Contains(t, commands[0], beginning)
		line := commands[0]
		commands = commands[1:]
		return args(line)
	}
	do := func(beginning string, want int) result {
		t.Helper()
		r := postmux(t, next(beginning)...)
		assert.Equal(t, want, r.code, "%s\n%s%s", beginning, r.out, r.errOut)
		return r
	}
	see := func(text string) {
		t.Helper()
		text = strings.ReplaceAll(text, p.url, "http://127.0.0.1:9000/events")
		for _, v := range varying[1:] { // the port is that of the page
			text = v.find.ReplaceAllString(text, v.with)
		}
		text = eventID.ReplaceAllString(text, "brevo_ID")
		text = refused.ReplaceAllString(text, "dial tcp 127.0.0.1:9000: connect: connection refused;")
		assert.Equal(t, shown[0], text)
		shown = shown[1:]
	}

	first := next("sandbox > sandbox.yaml")
	require.Equal(t, []string{"sandbox", ">", "sandbox.yaml"}, first)
	fakes := startTerminal(t, "sandbox", "--listen", "127.0.0.1:0")
	config := fakes.out.String()
	require.NoError(t, os.WriteFile("sandbox.yaml", []byte(config), 0o600))
	listen := next("events listen --out events.jsonl")
	listener := startTerminal(t, append(listen, "--listen", "127.0.0.1:0")...)
	config = strings.ReplaceAll(config, listenAddress, listener.address(t))
	require.NoError(t, os.WriteFile("sandbox.yaml", []byte(config), 0o600))

	r := do("webhooks sync --yes", exit.Done)
	assert.NotContains(t, r.out+r.errOut, "sandbox-webhooks-secret")
	do("bounce@example.com", exit.Done)
	do("complain@example.com", exit.Done)
	do("unsub@example.com", exit.Done)
	eventually(t, "the events of three mails", func() bool { return strings.Count(listener.out.String(), "\n") >= 8 })
	see(listener.out.String())
	listener.interrupt(t)

	see(do("events replay --forward-to", exit.Later).errOut)
	assert.Empty(t, p.stops())
	p.start()
	see(do("events replay --forward-to", exit.Done).errOut + do("events replay --forward-to", exit.Done).errOut)
	see(p.stops())

	forwarder := startTerminal(t, append(next("events listen --forward-to"), "--listen", listener.address(t))...)
	trigger := append(next("sandbox trigger brevo complained"), "--at", fakes.address(t))
	assert.Equal(t, exit.Done, postmux(t, trigger...).code)
	eventually(t, "the complaint at the program", func() bool { return strings.Contains(p.stops(), "anna@example.com") })
	see(p.stops())
	forwarder.interrupt(t)

	t.Setenv(configfile.Env, "sandbox.yaml")
	before, err := os.ReadFile("events.jsonl")
	require.NoError(t, err)
	do("events poll --cursor state --out events.jsonl", exit.Done)
	after, err := os.ReadFile("events.jsonl")
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, line := range linesOf(before) {
		e, err := parseEvent(line)
		require.NoError(t, err)
		ids[e.ID] = true
	}
	polled := 0
	for _, line := range linesOf(after[len(before):]) {
		e, err := parseEvent(line)
		require.NoError(t, err)
		if polled++; e.Recipient != "anna@example.com" { // which went to the program alone
			assert.True(t, ids[e.ID], "%s of %s has another id in the log", e.Kind, e.Recipient)
		}
	}
	assert.Equal(t, 9, polled)
	poll := startTerminal(t, next("events poll --cursor state --every 5m")...)
	assert.Equal(t, "brevo: 0 events new of 9 listed", poll.line)
	poll.interrupt(t)
	export := startTerminal(t, next("suppressions export --follow")...)
	assert.Contains(t, export.line, "appended to suppressed.jsonl")
	export.interrupt(t)
	fakes.interrupt(t)
	assert.Empty(t, commands)
}

// Who comes to those that get no mail is written while it happens, each once.
func TestSuppressionsFollow(t *testing.T) {
	sb, cfg := account(t)
	sb.AddSuppression("brevo", "blocked@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
	out := filepath.Join(t.TempDir(), "stops.jsonl")
	r := startTerminal(t, "suppressions", "export", "--config", cfg, "--follow", "--cursor", t.TempDir(), "--out", out, "--every", "20ms", "--all-every", "30ms")
	assert.Equal(t, "1 address appended to "+out, r.line)
	require.NoError(t, sb.Trigger("brevo", "bounced", "anna@example.com"))
	require.NoError(t, sb.Trigger("brevo", "opened", "bert@example.com"))
	emails := func() []string {
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		var list []string
		for _, line := range linesOf(data) {
			var s provider.Suppression
			require.NoError(t, json.Unmarshal(line, &s))
			list = append(list, s.Email)
		}
		return list
	}
	eventually(t, "the bounce", func() bool { return len(emails()) == 2 })
	// What comes by the log and by the whole list too is written once.
	require.NoError(t, sb.Trigger("brevo", "complained", "carl@example.com"))
	eventually(t, "the complaint", func() bool { return slices.Contains(emails(), "carl@example.com") })
	requests := len(sb.Requests("brevo"))
	eventually(t, "more rounds", func() bool { return len(sb.Requests("brevo")) > requests+6 })
	r.interrupt(t)
	counted := map[string]int{}
	for _, email := range emails() {
		counted[email]++
	}
	assert.Equal(t, 1, counted["blocked@example.com"])
	assert.Equal(t, 1, counted["anna@example.com"])
	assert.LessOrEqual(t, counted["carl@example.com"], 2, "once for each scope")
	assert.Zero(t, counted["bert@example.com"])
}

// Bodies that are kept are read again, with the events that they had; what is of no use is told.
func TestEventsJournal(t *testing.T) {
	sb, cfg := account(t, "    webhook_secret: secret-of-a-test-0123")
	dir := t.TempDir()
	bodies, kept, again := filepath.Join(dir, "bodies"), filepath.Join(dir, "kept"), filepath.Join(dir, "again")
	r := startTerminal(t, "events", "listen", "--config", cfg, "--listen", "127.0.0.1:0", "--journal", bodies, "--out", kept)
	address := "http://" + r.address(t) + "/main/secret-of-a-test-0123"
	require.NoError(t, sb.AddWebhook("brevo", "", address))
	require.NoError(t, sb.Trigger("brevo", "bounced", "anna@example.com"))
	require.NoError(t, sb.Trigger("brevo", "opened", "anna@example.com"))
	taken, err := sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, taken)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for body, want := range map[string]int{"<html>": 400, "\xff\xfe": 400, "{}": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode)
	}
	r.interrupt(t)
	got := postmux(t, "events", "replay", bodies, "--out", again, "--config", cfg)
	assert.Equal(t, exit.Partly, got.code, got.errOut)
	assert.Contains(t, got.errOut, "2 events were handed on")
	assert.Contains(t, got.errOut, "2 bodies could not be read")
	assert.NotContains(t, got.errOut, "secret-of-a-test")
	read := func(name string) (list []events.Event) {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, line := range linesOf(data) {
			e, err := parseEvent(line)
			require.NoError(t, err)
			e.ReceivedAt = time.Time{}
			list = append(list, e)
		}
		return list
	}
	assert.Equal(t, read(kept), read(again))
	journal, err := os.ReadFile(bodies)
	require.NoError(t, err)
	assert.Len(t, linesOf(journal), 5)
	assert.NotContains(t, string(journal), "secret-of-a-test")
}

// What a body becomes is shown without a configuration.
func TestEventsDecode(t *testing.T) {
	body := `[{"event":"opened","recipient":"anna@example.com","timestamp":1793610930}]`
	r := postmuxWith(t, body, "events", "decode", "--driver", "sendpulse", "--stream", "smtp", "--json")
	require.Equal(t, exit.Done, r.code, r.errOut)
	var e events.Event
	r.json(t, &e)
	assert.Equal(t, events.KindOpened, e.Kind)
	for name, args := range map[string][]string{
		"--driver": {"--driver", "nobody"}, "smsby calls no webhooks": {"--driver", "smsby"},
		"expected bulk or smtp": {"--driver", "sendpulse"}, "without a name": {"--stream", "x"},
		"neither a JSON object": {},
	} {
		r := postmuxWith(t, "null", append([]string{"events", "decode"}, args...)...)
		assert.Equal(t, exit.Local, r.code)
		assert.Contains(t, r.errOut, name)
	}
}

func TestEventsMistakes(t *testing.T) {
	_, cfg := account(t, "    webhook_secret: secret-of-a-test-0123")
	_, plain := account(t)
	t.Setenv("POSTMUX_FORWARD_SECRET", "")
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"events", "listen", "--config", plain}, "no account has a webhook_secret"},
		{[]string{"events", "listen", "--config", cfg, "--out", "a", "--forward-to", "https://a.example"}, "expected either --out or --forward-to"},
		{[]string{"events", "listen", "--config", cfg, "--forward-to", "https://a.example"}, "POSTMUX_FORWARD_SECRET is not set"},
		{[]string{"events", "poll", "--config", cfg}, "--cursor: expected a folder"},
		{[]string{"events", "watch", "--config", cfg}, "--state: expected a file"},
		{[]string{"events", "replay", "--config", cfg, file(t, "x", "{}\n")}, "line 1: expected an event"},
		{[]string{"webhooks", "sync", "--config", plain}, "webhook_secret: missing"},
		{[]string{"webhooks", "sync", "--config", cfg}, "webhook_url: missing"},
		{[]string{"webhooks", "delete", "x", "--config", cfg}, "id: expected a number"},
	} {
		r := postmux(t, row.args...)
		assert.Equal(t, exit.Local, r.code, row.args)
		assert.Contains(t, r.errOut, row.want)
		assert.NotContains(t, r.errOut, "secret-of-a-test")
	}
}
