package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// A dry run reads the whole input and ends with the code of a run whose requests succeed.
func TestDryRunAndRunAgree(t *testing.T) {
	const (
		good = `{"to":[{"email":"a@example.com"}],"subject":"s","html":"h"}`
		bad  = `{"to":[{"email":"x"}],"subject":"s","html":"h"}`
		none = `x`
		late = `{"to":[{"email":"a@example.com"}],"subject":"s","html":"h","send_at":"2020-01-01T00:00:00Z"}`
	)
	for _, tt := range []struct {
		name string
		args []string
		file string
		text string
		want int
	}{
		{"messages", []string{"batch"}, "m.jsonl", good + "\n" + good, exit.Done},
		{"no message is one", []string{"batch"}, "m.jsonl", none + "\n" + none, exit.Local},
		{"a bad one behind a good one", []string{"batch"}, "m.jsonl", good + "\n" + bad, exit.Partly},
		{"a bad one far behind", []string{"batch"}, "m.jsonl", strings.Repeat(good+"\n", 1500) + bad, exit.Partly},
		{"a time in the past", []string{"batch"}, "m.jsonl", late + "\n" + late, exit.Local},
		{"contacts", []string{"contacts", "import"}, "c.csv", "email\na@example.com\nb@example.com\n", exit.Done},
		{"a bad status", []string{"contacts", "import"}, "c.csv", "email,status\na@example.com,pending\nb@example.com,\n", exit.Partly},
		{"a bad row behind good ones", []string{"contacts", "import"}, "c.csv", "email\na@example.com\nb@example.com\nx\n", exit.Partly},
		{"no row is good", []string{"contacts", "import"}, "c.csv", "email\nx\ny\n", exit.Local},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sb, cfg := account(t)
			args := append(append([]string{"--config", cfg}, tt.args...), file(t, tt.file, tt.text))
			dry := postmux(t, append(args, "--dry-run")...)
			assert.Equal(t, tt.want, dry.code, dry.errOut)
			assert.Empty(t, sb.Requests("brevo"))
			run := postmux(t, args...)
			assert.Equal(t, tt.want, run.code, run.errOut)
		})
	}
}

// Two messages of one input that look alike in the provider's list are not settled: the
// one that is found may be the other's.
func TestBatchSettlesNoTwin(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1", "    tries: 1")
	twin := func(body string) string {
		return fmt.Sprintf(`{"to":[{"email":"a@example.com"}],"subject":"Your code","html":%q,"idempotency_key":""}`, body)
	}
	other := `{"to":[{"email":"b@example.com"}],"subject":"Your code","html":"3"}`
	input := file(t, "in.jsonl", twin("1")+"\n"+twin("2")+"\n"+other+"\n")
	results := filepath.Join(t.TempDir(), "results.jsonl")
	first := postmux(t, "--config", cfg, "batch", input, "--results", results)
	require.Equal(t, exit.Done, first.code, first.errOut)
	// As after a crash: the second twin and the other were begun, and only the other left.
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	var kept []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if !strings.HasPrefix(line, `{"index":1,`) && !strings.HasPrefix(line, `{"index":2,`) {
			kept = append(kept, line)
		}
	}
	require.NoError(t, os.WriteFile(results, []byte(strings.Join(kept, "\n")+"\n"), 0o600))
	before := len(sb.Messages("brevo"))

	r := postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume", "--settle")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.errOut, "--settle left out 1 of them: another message of the input has the same recipient and subject")
	assert.Contains(t, r.out, "line 2  a@example.com  unknown")
	assert.Contains(t, r.out, "line 3  b@example.com  accepted", "what is singled out is settled")
	assert.Len(t, sb.Messages("brevo"), before, "a look-up sends nothing")

	stdin := postmuxWith(t, twin("1")+"\n", "--config", cfg, "batch", "-", "--results", results, "--resume", "--settle")
	assert.Equal(t, exit.Local, stdin.code)
	assert.Contains(t, stdin.errOut, "--settle: expected a FILE")
}

// What becomes past between two runs of a result file goes out at once.
func TestBatchTimePassesBetweenRuns(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1", "    tries: 1")
	now := time.Now().UTC()
	at := now.Add(-10 * time.Minute).Format(time.RFC3339)
	input := file(t, "in.jsonl", `{"to":[{"email":"a@example.com"}],"subject":"s","html":"h"}`+"\n"+
		fmt.Sprintf(`{"to":[{"email":"b@example.com"}],"subject":"s","html":"h","send_at":%q}`, at)+"\n")
	results := filepath.Join(t.TempDir(), "results.jsonl")
	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
	first := postmux(t, "--config", cfg, "batch", input, "--results", results)
	require.Equal(t, exit.Credentials, first.code, first.errOut)
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	// The first run was an hour ago.
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if head, _, ok := strings.Cut(line, `"at":"`); ok {
			lines[i] = head + `"at":"` + now.Add(-time.Hour).Format(time.RFC3339) + `"}`
		}
	}
	require.NoError(t, os.WriteFile(results, []byte(summed(strings.Join(lines, "\n"))), 0o600))
	r := postmux(t, "--config", cfg, "--json", "batch", input, "--results", results, "--resume")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "the time has passed since the first run began")
	assert.Len(t, sb.Messages("brevo"), 2)
}

// An unknown outcome leaves a receipt and says what to do with it.
func TestUnknownLeavesAReceipt(t *testing.T) {
	sb, cfg := account(t, "    tries: 1")
	t.Chdir(t.TempDir())
	send := []string{"--config", cfg, "send", "--to", "a@example.com", "--subject", "s", "--html", "h"}
	for range 2 {
		sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
		r := postmux(t, send...)
		require.Equal(t, exit.Unknown, r.code, r.errOut)
		assert.Contains(t, r.errOut, "next, in a minute: postmux status --receipt postmux-unknown-")
	}
	files, err := filepath.Glob("postmux-unknown-*.json")
	require.NoError(t, err)
	require.Len(t, files, 2, "one is never overwritten by another")
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var receipt provider.Receipt
	require.NoError(t, json.Unmarshal(data, &receipt))
	assert.NotNil(t, receipt.Unsettled)

	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true})
	r := postmux(t, append([]string{"--json"}, send...)...)
	assert.Equal(t, exit.Unknown, r.code)
	files, _ = filepath.Glob("postmux-unknown-*.json")
	assert.Len(t, files, 2, "with --json the receipt is on stdout")
}

// Of a route the members are checked.
func TestCheckOfARoute(t *testing.T) {
	sb, cfg := account(t)
	_ = sb
	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	route := file(t, "route.yaml", strings.Replace(string(text), "providers:\n", "providers:\n  any: {provider: failover, members: [main]}\n", 1))
	r := postmux(t, "--config", route, "--provider", "any", "check")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "main")
	assert.Contains(t, r.out, "ok")
	all := postmux(t, "--config", route, "check", "--all")
	require.Equal(t, exit.Done, all.code, all.errOut)
	assert.Contains(t, all.out, "a route: its members are checked as accounts of their own")
}
