package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// messages are lines of n messages, whose subjects are their indexes. Each has a
// key, so each has a call of its own.
func messages(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"to":[{"email":"u%d@example.com"}],"subject":"s%d","html":"<p>x</p>","idempotency_key":"k%d"}`+"\n", i, i, i)
	}
	return b.String()
}

// together are the same messages without keys: Brevo takes them in one call.
func together(n int) string {
	return regexp.MustCompile(`,"idempotency_key":"k\d+"`).ReplaceAllString(messages(n), "")
}

// subjects counts the mails that arrived by their subject.
func subjects(sb *sandbox.Server) map[string]int {
	out := make(map[string]int)
	for _, m := range sb.Messages("brevo") {
		out[m.Subject]++
	}
	return out
}

func TestBatch(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	r := postmux(t, "--config", cfg, "batch", example(t, examples.Batch))
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "batch/example.txt", r.out)
	assert.Empty(t, r.errOut)
	assert.Len(t, sb.Messages("brevo"), 5)

	// A line that is no message, a message that is refused here: the others go out.
	text := together(1) + "\n{\"to\":1}\n" + `{"to":[{"email":"x"}],"subject":"x","html":"y"}` + "\n" + together(1)
	r = postmuxWith(t, text, "--config", cfg, "batch", "-")
	assert.Equal(t, exit.Partly, r.code)
	golden(t, "batch/mixed.txt", r.out)
	golden(t, "batch/mixed.stderr.txt", r.errOut)
	r = postmuxWith(t, text, "--config", cfg, "--json", "batch", "-")
	assert.Equal(t, exit.Partly, r.code)
	golden(t, "batch/mixed.ndjson", r.out)

	r = postmuxWith(t, "{\n", "--config", cfg, "batch", "-")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "1 of 1 messages failed; nothing was sent")
	r = postmuxWith(t, "", "--config", cfg, "batch", "-")
	assert.Equal(t, exit.Done, r.code)
	assert.Equal(t, "0 messages: nothing done\n", r.out)
}

func TestBatchUsage(t *testing.T) {
	sb, cfg := account(t)
	full := file(t, "full.jsonl", "{}\n")
	input := file(t, "in.jsonl", messages(2))
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{input, "--resume"}, "--resume: expected --results FILE"},
		{[]string{input, "--results", full}, "is there already and not empty; --resume goes on with it"},
		{[]string{input, "--results", full, "--resume"}, "line 1: not of a batch"},
		{[]string{input, "--results", filepath.Join(t.TempDir(), "none"), "--resume"}, "--results: cannot open the file"},
		{[]string{input, "--results", t.TempDir()}, "is not a regular file"},
		{[]string{t.TempDir()}, "is a folder"},
		{[]string{"/nonexistent.jsonl"}, "cannot read the file"},
	} {
		r := postmux(t, append([]string{"--config", cfg, "batch"}, tc.args...)...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, tc.want)
		nothingOnce(t, notSent, r.errOut)
	}
	assert.Empty(t, sb.Requests("brevo"))
}

func TestBatchDryRun(t *testing.T) {
	sb, cfg := account(t)
	r := postmux(t, "--config", cfg, "batch", example(t, examples.Batch), "--dry-run")
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "dryrun/batch.json", r.out)
	assert.Empty(t, r.errOut)
	r = postmuxWith(t, messages(1)+"x\n", "--config", cfg, "batch", "-", "--dry-run")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "line 2: ")
	assert.Contains(t, r.errOut, "1 line would be refused")
	// A message that is refused here is told by its line; the call is of the others.
	r = postmuxWith(t, together(1)+"\n"+`{"to":[{"email":"x"}],"subject":"x","html":"y"}`+"\n"+together(1), "--config", cfg, "batch", "-", "--dry-run")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "line 3: to[0].email: ")
	assert.Contains(t, r.errOut, "1 line would be refused")
	assert.Contains(t, r.out, `"then": "this call is for 2 messages"`)
	r = postmuxWith(t, `{"to":[{"email":"x"}]}`, "--config", cfg, "batch", "-", "--dry-run")
	assert.Equal(t, exit.Local, r.code, "a dry run finds what is wrong")
	assert.Empty(t, sb.Requests("brevo"))
}

// What every further message would meet ends the batch, and a later run goes on.
func TestBatchStops(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	input, results := file(t, "in.jsonl", messages(5)), filepath.Join(t.TempDir(), "results.jsonl")
	sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
	r := postmux(t, "--config", cfg, "batch", input, "--results", results)
	assert.Equal(t, exit.Credentials, r.code)
	assert.Contains(t, r.errOut, "stopped after 1 message")
	assert.Contains(t, r.out, "1 refused")

	r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "5 messages: 5 accepted\n")
	r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, "5 messages: 5 done before\n", r.out)
	assert.Len(t, sb.Messages("brevo"), 5)
}

// What may have gone out is never sent again, and its line can be settled.
func TestBatchUnknown(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1", "    tries: 1")
	input, results := file(t, "in.jsonl", messages(3)), filepath.Join(t.TempDir(), "results.jsonl")
	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	first := postmux(t, "--config", cfg, "batch", input, "--results", results)
	assert.Equal(t, exit.Unknown, first.code)
	assert.Contains(t, first.out, "3 messages: 2 accepted, 1 unknown")
	again := postmux(t, "--config", cfg, "--json", "batch", input, "--results", results, "--resume")
	assert.Equal(t, exit.Unknown, again.code)
	assert.Equal(t, map[string]int{"s0": 1, "s1": 1, "s2": 1}, subjects(sb))
	golden(t, "batch/unknown.ndjson", again.out)
	for _, r := range []result{first, again} {
		settleLine(t, cfg, results, r.errOut)
	}
	// Settled in the result file, it is done.
	r := postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume", "--settle")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "3 messages: 2 done before, 1 accepted\n")
	r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, map[string]int{"s0": 1, "s1": 1, "s2": 1}, subjects(sb))
}

// What cannot be settled stays unknown.
func TestBatchSettlesNothing(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1", "    tries: 1")
	input, results := file(t, "in.jsonl", messages(1)), filepath.Join(t.TempDir(), "results.jsonl")
	sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true})
	require.Equal(t, exit.Unknown, postmux(t, "--config", cfg, "batch", input, "--results", results).code)
	r := postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume", "--settle")
	assert.Equal(t, exit.Unknown, r.code)
	assert.Contains(t, r.errOut, "--settle did not find 1 of them")
	assert.NotContains(t, r.errOut, "--resume --settle looks it up", "it has just done that")
	sb.Fail("brevo", sandbox.Fault{Operation: "listEmails", Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`, Times: 9})
	r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume", "--settle")
	assert.Equal(t, exit.Unknown, r.code)
	assert.Contains(t, r.errOut, "line 1: ")
	assert.Contains(t, r.errOut, "Key not found")
	assert.Contains(t, r.errOut, "--resume --settle looks it up")
	assert.Empty(t, sb.Messages("brevo"))
}

// settleLine looks up the line of the result file that stderr names.
func settleLine(t *testing.T, cfg, results, errOut string) {
	t.Helper()
	found := regexp.MustCompile(`sed -n (\d+)p ` + regexp.QuoteMeta(results)).FindStringSubmatch(errOut)
	require.NotNil(t, found, errOut)
	number, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	line := strings.Split(string(data), "\n")[number-1]
	r := postmuxWith(t, line, "--config", cfg, "status", "--receipt", "-", "--settle")
	assert.Equal(t, exit.Done, r.code, r.errOut+line)
}

// A crash may cut the result file anywhere. Wherever it did, every mail arrives
// once or is reported unknown, and none arrives twice.
func TestBatchResumesAfterAnyCut(t *testing.T) {
	for name, text := range map[string]string{"one by one": messages(4), "one call": together(4), "both": messages(2) + strings.Join(strings.SplitAfter(together(4), "\n")[2:], "")} {
		t.Run(name, func(t *testing.T) { cutAnywhere(t, text, 4) })
	}
}

func cutAnywhere(t *testing.T, text string, n int) {
	sb, cfg := account(t, "    concurrency: 2", "    tries: 1")
	input, results := file(t, "in.jsonl", text), filepath.Join(t.TempDir(), "results.jsonl")
	r := postmux(t, "--config", cfg, "batch", input, "--results", results)
	require.Equal(t, exit.Done, r.code, r.errOut)
	whole, err := os.ReadFile(results)
	require.NoError(t, err)
	step := 1
	if raceEnabled {
		step = 3
	}
	for cut := 0; cut <= len(whole); cut += step {
		if cut > 0 && cut < len(whole) && whole[cut-1] != '\n' && whole[cut] != '\n' && cut%37 != 0 {
			continue // all line ends, and some places inside of lines
		}
		// What the tool had written when it died has gone out: each message that
		// was begun has arrived, the others have not.
		kept := whole[:cut]
		arrived, answered := before(kept)
		sb.Reset()
		require.NoError(t, os.WriteFile(results, kept, 0o600))
		r := postmux(t, "--config", cfg, "--json", "batch", input, "--results", results, "--resume")
		unknown := make(map[string]bool)
		for line := range strings.Lines(r.out) {
			var doc struct {
				Index   int
				Receipt provider.Receipt
			}
			require.NoError(t, json.Unmarshal([]byte(line), &doc), line)
			if doc.Receipt.State == provider.StateUnknown {
				unknown[fmt.Sprint("s", doc.Index)] = true
			}
		}
		sent := subjects(sb)
		for i := range n {
			s := fmt.Sprint("s", i)
			times := sent[s]
			if arrived[i] {
				times++
			}
			assert.Equal(t, 1, times, "cut %d: %s arrives once: %s", cut, s, kept)
			assert.Equal(t, arrived[i] && !answered[i], unknown[s], "cut %d: %s is in doubt", cut, s)
		}
		want := exit.Done
		if len(unknown) > 0 {
			want = exit.Unknown
		}
		assert.Equal(t, want, r.code, "cut %d: %s", cut, r.errOut)

		// The file is whole again: one more run sends nothing.
		sb.Reset()
		r = postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
		assert.Equal(t, want, r.code, r.errOut)
		assert.Empty(t, sb.Messages("brevo"), "cut %d", cut)
	}
}

// before reads a result file by itself: what was begun and what has a result.
func before(data []byte) (begun, done map[int]bool) {
	begun, done = make(map[int]bool), make(map[int]bool)
	for line := range bytes.Lines(data) {
		var doc struct {
			Begun []int
			Index *int
			State string
		}
		if json.Unmarshal(line, &doc) != nil {
			continue
		}
		for _, i := range doc.Begun {
			begun[i] = true
		}
		if doc.Index != nil {
			done[*doc.Index] = true
		}
	}
	return begun, done
}

// A message that was begun and has no result can be looked up.
func TestBatchSettlesAfterCrash(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	input, results := file(t, "in.jsonl", messages(1)), filepath.Join(t.TempDir(), "results.jsonl")
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "batch", input, "--results", results).code)
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	first, _, _ := bytes.Cut(data, []byte("\n"))
	require.NoError(t, os.WriteFile(results, append(first, '\n'), 0o600))
	r := postmux(t, "--config", cfg, "batch", input, "--results", results, "--resume")
	assert.Equal(t, exit.Unknown, r.code)
	settleLine(t, cfg, results, r.errOut)
	assert.Len(t, sb.Messages("brevo"), 1)
}

func TestBatchInputChanged(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	results := filepath.Join(t.TempDir(), "results.jsonl")
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "batch", file(t, "in.jsonl", messages(3)), "--results", results).code)
	more := len(sb.Messages("brevo"))
	for want, text := range map[string]string{
		"line 2 (message 1) is not the message":  strings.Replace(messages(4), "s1", "other", 1),
		"it ends after 2 messages, and":          messages(2),
		"line 4 (message 2) is not the message ": strings.Replace("\n"+messages(3), "u2", "v2", 1),
	} {
		r := postmux(t, "--config", cfg, "batch", file(t, "changed.jsonl", text), "--results", results, "--resume")
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, want)
		nothingOnce(t, notSent, r.errOut)
		r = postmuxWith(t, text, "--config", cfg, "batch", "-", "--results", results, "--resume")
		assert.NotEqual(t, exit.Done, r.code)
		assert.Contains(t, r.errOut, want)
	}
	assert.Len(t, sb.Messages("brevo"), more)
	// Lines that are new at the end are sent.
	r := postmuxWith(t, messages(5), "--config", cfg, "batch", "-", "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "5 messages: 3 done before, 2 accepted")
}

// The first interrupt lets the call under way end; nothing further begins.
func TestBatchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	results := filepath.Join(t.TempDir(), "results.jsonl")
	calls := 0
	cfg := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if data, err := os.ReadFile(results); assert.NoError(t, err) {
			assert.Contains(t, string(data), `"begun":[0]`, "it is written down before the call leaves")
		}
		cancel()
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"messageId":"<1@example.com>"}`)
	})
	text, err := os.ReadFile(cfg)
	require.NoError(t, err)
	cfg = file(t, "postmux.yaml", strings.Replace(string(text), "timeout:", "concurrency: 1, timeout:", 1))
	r := postmuxIn(ctx, "", "--config", cfg, "batch", file(t, "in.jsonl", messages(50)), "--results", results)
	assert.Equal(t, exit.Interrupted, r.code, r.errOut)
	assert.Contains(t, r.errOut, "postmux: stopped after 1 message by an interrupt\n")
	assert.Equal(t, 1, calls)
	assert.Contains(t, r.out, "1 accepted")
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	assert.Contains(t, string(data), `"state":"accepted"`)
	assert.Equal(t, 1, strings.Count(string(data), `"begun"`))
}

// An interrupt ends a wait for input.
func TestInterruptedWait(t *testing.T) {
	_, cfg := account(t)
	ctx, cancel := context.WithCancel(t.Context())
	in := &stopAfter{r: strings.NewReader(messages(1)), left: len(messages(1)), stop: cancel}
	var out, errOut bytes.Buffer
	code := run(ctx, []string{"--config", cfg, "batch", "-"}, in, &out, &errOut)
	assert.Equal(t, exit.Interrupted, code, errOut.String())
}
