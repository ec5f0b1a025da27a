package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/sandbox"
)

// "Who got it" is one command: it asks for every mail of a batch, goes on after a stop, and
// counts the states.
func TestStatusOfABatch(t *testing.T) {
	sb, cfg := account(t)
	results := filepath.Join(t.TempDir(), "sent.jsonl")
	input := file(t, "in.jsonl", messages(4)+"{\"to\":[\"nobody\"]}\n")
	r := postmux(t, "--config", cfg, "batch", input, "--results", results)
	require.Equal(t, exit.Partly, r.code, r.errOut)
	asked := func() int {
		n := 0
		for _, x := range sb.Requests("brevo") {
			if x.Method == http.MethodGet {
				n++
			}
		}
		return n
	}

	r = postmux(t, "--config", cfg, "status", "--results", results)
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "status-results.txt", r.out)
	n := asked()
	assert.Positive(t, n)

	r = postmux(t, "--config", cfg, "status", "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, n, asked(), "all have come to their end")
	assert.Contains(t, r.out, "4 delivered")

	r = postmux(t, "--config", cfg, "--json", "status", "--results", results)
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, 2*n, asked(), "without --resume all are asked for again")
	assert.Len(t, strings.Split(strings.TrimSpace(r.out), "\n"), 5)
	assert.Contains(t, r.errOut, "5 messages: 1 refused, 4 delivered")

	// The file is still that of the batch.
	before := len(sb.Messages("brevo"))
	r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
	assert.Contains(t, r.out, "4 done before")
	assert.Len(t, sb.Messages("brevo"), before)
}

// A fault that the next look-up would meet too stops the run; what was found is kept.
func TestStatusOfABatchStops(t *testing.T) {
	sb, cfg := account(t)
	results := filepath.Join(t.TempDir(), "sent.jsonl")
	r := postmux(t, "--config", cfg, "batch", file(t, "in.jsonl", messages(1)), "--results", results)
	require.Equal(t, exit.Done, r.code, r.errOut)
	for range 2 {
		before, err := os.ReadFile(results)
		require.NoError(t, err)
		sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
		r = postmux(t, "--config", cfg, "status", "--results", results)
		assert.Equal(t, exit.Credentials, r.code, r.errOut)
		assert.Contains(t, r.errOut, "stopped after 0 look-ups; the same command with --resume goes on: main (brevo): status: unauthorized")
		after, err := os.ReadFile(results)
		require.NoError(t, err)
		assert.Equal(t, string(before), string(after))
	}
}

// A mail of unknown outcome is counted as that, and the way on is told.
func TestStatusOfABatchUnknown(t *testing.T) {
	sb, cfg := account(t, "    tries: 1")
	results := filepath.Join(t.TempDir(), "sent.jsonl")
	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	r := postmux(t, "--config", cfg, "batch", file(t, "in.jsonl", messages(1)), "--results", results)
	require.Equal(t, exit.Unknown, r.code, r.errOut)
	r = postmux(t, "--config", cfg, "status", "--results", results)
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.errOut, "the outcome of 1 is unknown; next: postmux batch INPUT --results "+results+" --resume --settle")
	assert.Contains(t, r.out, "1 message: 1 unknown")
}

func TestStatusOfABatchUsage(t *testing.T) {
	_, cfg := account(t)
	for args, want := range map[string]string{
		"status x --results y":           "--results: expected it alone",
		"status --results x --receipt y": "--results: expected it alone",
		"status --results x --settle":    "--results: expected it alone",
		"status --resume":                "--resume: expected --results FILE",
		"status --results missing.jsonl": "--results: cannot open the file",
	} {
		r := postmux(t, append([]string{"--config", cfg}, strings.Fields(args)...)...)
		assert.Equal(t, exit.Local, r.code, args)
		assert.Contains(t, r.errOut, want, args)
		assert.Contains(t, r.errOut, "no request was made", args)
	}
}

// Mail of an account without look-ups is told as that, and the others are looked up.
func TestStatusOfABatchWithoutLookUps(t *testing.T) {
	sb := sandbox.New(t)
	text, err := sandboxConfig(hostOf(t, sb))
	require.NoError(t, err)
	cfg := file(t, "postmux.yaml", string(text))
	results := filepath.Join(t.TempDir(), "sent.jsonl")
	r := postmux(t, "--config", cfg, "--provider", "smsby", "batch", file(t, "in.jsonl", together(2)), "--results", results)
	require.Equal(t, exit.Done, r.code, r.errOut)
	r = postmux(t, "--config", cfg, "status", "--results", results)
	assert.Equal(t, exit.Local, r.code, r.errOut)
	assert.Contains(t, r.out, "u0@example.com  accepted; smsby: status: message.status is not supported: only mail of send_via bulk can be looked up")
	assert.Contains(t, r.out, "2 messages: 2 accepted")
}

// An interrupt keeps what was found, and --resume asks for the rest alone.
func TestStatusOfABatchInterrupted(t *testing.T) {
	sb, cfg := account(t)
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && asked.Add(1) == 13 { // of two for each mail, with a few mails at a time
			cancel()
			<-r.Context().Done()
			return
		}
		sb.ServeHTTP(w, r)
	}))
	defer front.Close()
	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	cfg = file(t, "postmux.yaml", strings.ReplaceAll(string(text), "http://"+hostOf(t, sb), front.URL))
	results := filepath.Join(t.TempDir(), "sent.jsonl")
	r := postmux(t, "--config", cfg, "batch", file(t, "in.jsonl", messages(9)), "--results", results)
	require.Equal(t, exit.Done, r.code, r.errOut)

	r = postmuxIn(ctx, "", "--config", cfg, "status", "--results", results)
	assert.Equal(t, exit.Interrupted, r.code, r.errOut)
	assert.Contains(t, r.errOut, "the same command with --resume goes on")
	kept, err := os.ReadFile(results)
	require.NoError(t, err)
	found := int64(strings.Count(string(kept), `"state":"delivered","message_id"`))
	assert.Positive(t, found)
	assert.Less(t, found, int64(9))

	asked.Store(100)
	r = postmux(t, "--config", cfg, "status", "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "9 messages: 9 delivered")
	assert.Equal(t, 2*(9-found), asked.Load()-100)
}
