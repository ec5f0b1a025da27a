package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
)

// A sandbox that runs is asked for its mails, given faults and reset.
func TestSandboxControl(t *testing.T) {
	sb, cfg := account(t)
	at := hostOf(t, sb)
	ask := func(code int, args ...string) result {
		t.Helper()
		r := postmux(t, append([]string{"sandbox"}, append(args, "--at", at)...)...)
		require.Equal(t, code, r.code, "%v: %s", args, r.errOut)
		return r
	}
	send := func(code int) result {
		t.Helper()
		r := postmux(t, "--config", cfg, "send", example(t, examples.Message))
		require.Equal(t, code, r.code, r.errOut)
		return r
	}
	assert.Equal(t, "NUMBER  TIME  PROVIDER  TO  SUBJECT  FATE\n", ask(exit.Done, "mails").out)
	r := ask(exit.Refused, "mails", "--wait", "1ms")
	assert.Contains(t, r.errOut, "no such mail came within 1ms")
	send(exit.Done)
	send(exit.Done)
	mails := sb.Messages()
	require.Len(t, mails, 2)

	r = ask(exit.Done, "mails")
	assert.Len(t, strings.Split(strings.TrimSpace(r.out), "\n"), 3)
	assert.Contains(t, r.out, mails[0].Subject)
	assert.Contains(t, r.out, "delivered")
	assert.Len(t, strings.Split(strings.TrimSpace(ask(exit.Done, "mails", "--limit", "1").out), "\n"), 2)
	assert.NotContains(t, ask(exit.Done, "mails", "--only", "smsby").out, "delivered")
	r = ask(exit.Done, "mails", "1")
	assert.Contains(t, r.out, mails[0].ID)
	assert.Contains(t, r.out, "http://"+at+"/_postmux/#/1")
	assert.Contains(t, ask(exit.Done, "mails", "--wait", "10s", "--to", mails[0].To[0].Email).out, mails[1].ID, "the newest")
	assert.Contains(t, ask(exit.Refused, "mails", "9").errOut, "no mail has the number 9")
	assert.Contains(t, ask(exit.Refused, "mails", "--only", "brvo").errOut, "provider: expected one of brevo")

	lines := strings.Split(strings.TrimSpace(ask(exit.Done, "mails", "--json").out), "\n")
	require.Len(t, lines, 2)
	var row struct {
		Index, Number int
		Fate          string
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &row))
	assert.Equal(t, []any{1, 1, "delivered"}, []any{row.Index, row.Number, row.Fate})
	assert.Contains(t, ask(exit.Done, "mails", "2", "--json").out, `"notes":[`)

	r = ask(exit.Done, "fault", "brevo", "--operation", "sendEmail", "--status", "402", "--body", `{"code":"not_enough_credits","message":"no"}`, "--times", "2")
	assert.Regexp(t, `brevo +sendEmail +402 +2\n`, r.out)
	send(exit.Refused)
	assert.Regexp(t, `brevo +sendEmail +402 +1\n`, ask(exit.Done, "fault").out, "one is left")
	assert.Contains(t, ask(exit.Refused, "fault", "brevo", "--operation", "SendEmail").errOut, "its name is sendEmail")
	assert.Contains(t, ask(exit.Done, "fault", "smsby", "--delay", "40s").out, "its own  40s")
	assert.Contains(t, ask(exit.Done, "fault", "smsby", "--drop", "--after").out, "none, after it is carried out")
	assert.Len(t, strings.Split(strings.TrimSpace(ask(exit.Done, "fault", "--json").out), "\n"), 3)
	ask(exit.Done, "fault", "brevo", "--clear")
	send(exit.Done)
	ask(exit.Done, "fault", "--clear")
	assert.Equal(t, "PROVIDER  OPERATION  ANSWER  DELAY  TIMES\n", ask(exit.Done, "fault").out)

	assert.Contains(t, ask(exit.Done, "reset").out, "as at its beginning")
	assert.Empty(t, sb.Messages())
}

// A line of a mail does not pass for a line of the tool.
func TestSandboxMailIsPrintedHarmless(t *testing.T) {
	sb, cfg := account(t)
	text := "first\nfate  delivered\nthird"
	message := file(t, "message.json", string(marshal(t, map[string]any{"to": []string{"a@example.com"}, "subject": "Hi", "text": text, "html": "<p>x</p>"})))
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "send", message).code)
	r := postmux(t, "sandbox", "mails", "1", "--at", hostOf(t, sb))
	assert.Contains(t, r.out, "\n\n  first\n  fate  delivered\n  third\n")
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

func TestNoSandboxThere(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>hello") }))
	defer page.Close()
	for _, row := range []struct {
		name, url, want string
		code            int
	}{
		{"nothing", closed.URL, "no sandbox answers at", exit.Later},
		{"something else", other.URL, "is no sandbox", exit.Later},
		{"a page", page.URL, "is no sandbox", exit.Later},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, args := range [][]string{{"mails"}, {"mails", "3"}, {"fault"}, {"reset"}} {
				r := postmux(t, append([]string{"sandbox"}, append(args, "--at", strings.TrimPrefix(row.url, "http://"))...)...)
				assert.Equal(t, row.code, r.code, r.errOut)
				assert.Contains(t, r.errOut, row.want)
				assert.Empty(t, r.out)
			}
		})
	}
}

// Others may ask a sandbox by a name that is allowed, and its owner is warned.
func TestSandboxBeyondLoopback(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	talk, errOut := io.Pipe()
	var out bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"sandbox", "--listen", "0.0.0.0:0", "--allow-host", "sandbox.example"}, nil, &out, errOut)
		_ = errOut.Close()
	}()
	lines := bufio.NewScanner(talk)
	require.True(t, lines.Scan())
	assert.Regexp(t, `^warning: whoever reaches .*:\d+ can read and change what is in the sandbox$`, lines.Text())
	require.True(t, lines.Scan())
	assert.Regexp(t, `^listening on 127\.0\.0\.1:\d+, mails at `, lines.Text())
	address, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "listening on "), ",")
	assert.Contains(t, out.String(), "http://"+address+"/brevo/v3")
	for _, row := range []struct {
		host string
		want int
	}{
		{"sandbox.example", 200}, {"Sandbox.Example:25689", 200}, {"other.example", 421}, {address, 200},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/_postmux/v1/mails", nil)
		require.NoError(t, err)
		req.Host = row.host
		tr := &http.Transport{DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: tr}).Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, row.want, resp.StatusCode, row.host)
	}
	r := postmux(t, "sandbox", "--listen", address)
	assert.Equal(t, exit.Local, r.code)
	assert.Empty(t, r.out, "a taken port is told before anything is written")
	assert.Contains(t, r.errOut, "a sandbox answers there already; port 0 takes a free one; "+notDone)
	cancel()
	assert.Equal(t, exit.Done, <-code)
}
