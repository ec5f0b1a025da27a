package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

const forwardSecret = "secret-of-the-program"

// program is what events are forwarded to: it checks the signature, and keeps each event once
// and who must not be mailed.
type program struct {
	*httptest.Server
	t    *testing.T
	mu   sync.Mutex
	down bool
	kept map[string]events.Event
	stop map[string]provider.Suppression
}

func newProgram(t *testing.T) *program {
	p := &program{t: t, kept: map[string]events.Event{}, stop: map[string]provider.Suppression{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, []byte(forwardSecret))
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	var message struct {
		Type      string
		Timestamp time.Time
		Data      events.Event
	}
	switch {
	case p.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case !assert.Equal(p.t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), r.Header.Get("webhook-signature")),
		!assert.NoError(p.t, json.Unmarshal(body, &message)), !assert.Equal(p.t, string(message.Data.Kind), message.Type):
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, twice := p.kept[id]; twice {
		return
	}
	p.kept[id] = message.Data
	if s, ok := message.Data.Suppression(); ok {
		p.stop[s.Email] = s
	}
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

// The commands of docs/events.md, in their order, with three terminals: mail bounces, is
// complained of and left, events listen sees it, a program gets it, also what came while it was
// down, and knows then who must not be mailed.
func TestEventsPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	require.NoError(t, err)
	page := string(data)
	commands := commandsOf(page)
	require.Len(t, commands, 11, "%v", commands)
	t.Chdir(t.TempDir())
	t.Setenv("POSTMUX_FORWARD_SECRET", forwardSecret)
	p := newProgram(t)
	args := func(line string) []string {
		return words(strings.ReplaceAll(line, "http://127.0.0.1:9000/events", p.URL))[1:]
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
	_, transcript, ok := strings.Cut(page, "<!-- transcript -->\n```\n")
	require.True(t, ok)
	transcript, _, _ = strings.Cut(transcript, "```")
	eventually(t, "the events of three mails", func() bool { return strings.Count(listener.out.String(), "\n") >= 8 })
	seen := listener.out.String()
	for _, v := range varying {
		seen = v.find.ReplaceAllString(seen, v.with)
	}
	assert.Equal(t, transcript, seen)
	listener.interrupt(t)

	p.down = true
	replay := commands[0]
	down := postmux(t, args(replay)...)
	assert.Equal(t, exit.Later, down.code, down.errOut)
	assert.Contains(t, down.errOut, "line 1: ")
	assert.Empty(t, p.stop)
	p.down = false
	do("events replay --forward-to", exit.Done)
	assert.Len(t, p.kept, 8)
	require.Len(t, p.stop, 3)
	assert.Equal(t, provider.Reason("complained"), p.stop["complain@example.com"].Reason)
	assert.Equal(t, exit.Done, postmux(t, args(replay)...).code)
	assert.Len(t, p.kept, 8, "the second time nothing is new")

	forwarder := startTerminal(t, append(next("events listen --forward-to"), "--listen", listener.address(t))...)
	trigger := append(next("sandbox trigger brevo opened"), "--at", fakes.address(t))
	assert.Equal(t, exit.Done, postmux(t, trigger...).code)
	eventually(t, "the open at the program", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.kept) == 9
	})
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
		if polled++; e.Kind != events.KindOpened {
			assert.True(t, ids[e.ID], "%s of %s has another id in the log", e.Kind, e.Recipient)
		}
	}
	assert.Equal(t, 9, polled)
	poll := startTerminal(t, next("events poll --cursor state --every 5m")...)
	assert.Equal(t, "brevo: 0 events new of 9 listed", poll.line)
	poll.interrupt(t)
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
