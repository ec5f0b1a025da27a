package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
)

// Two runs with one result file would send twice what neither has written down.
func TestResultFileInUse(t *testing.T) {
	if !journal.Locks {
		t.Skip("no locks on this system")
	}
	sb, cfg := account(t)
	input := file(t, "in.jsonl", messages(1))
	rows := file(t, "c.csv", "email\na@example.com\n")
	dir := t.TempDir()
	for _, tc := range []struct {
		held string
		args []string
	}{
		{"batch.jsonl", []string{"batch", input, "--results", filepath.Join(dir, "batch.jsonl")}},
		{"batch.jsonl", []string{"batch", input, "--results", filepath.Join(dir, "batch.jsonl"), "--resume"}},
		{"import", []string{"contacts", "import", rows, "--results", filepath.Join(dir, "import")}},
		{"out.csv.part", []string{"contacts", "export", filepath.Join(dir, "out.csv"), "--resume"}},
	} {
		other, err := os.OpenFile(filepath.Join(dir, tc.held), os.O_CREATE|os.O_RDWR, 0o600)
		require.NoError(t, err)
		require.False(t, journal.Lock(other))
		r := postmux(t, append([]string{"--config", cfg}, tc.args...)...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, "another run is using it")
		require.NoError(t, other.Close())
		r = postmux(t, append([]string{"--config", cfg}, tc.args...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
	}
	assert.Len(t, sb.Messages("brevo"), 1)
}

// summed gives the lines of a result file the sums that they would have been written with.
func summed(text string) string {
	var b strings.Builder
	sum := make([]byte, 8)
	for line := range strings.Lines(text) {
		body, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), "}"), `,"sum":`)
		h := sha256.Sum256(append(sum, body...))
		sum = h[:8:8]
		fmt.Fprintf(&b, "%s,\"sum\":\"%x\"}\n", body, sum)
	}
	return b.String()
}

// toolEnv makes the test program the tool.
const toolEnv = "POSTMUX_TEST_TOOL"

// Whoever reads stdout may go away: the calls under way end and are written down.
// There is more to tell than a pipe holds, so the tool cannot end before that.
func TestBatchReaderGone(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 4")
	results := filepath.Join(t.TempDir(), "results.jsonl")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--config", cfg, "batch", file(t, "in.jsonl", messages(1500)), "--results", results) //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), toolEnv+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var errOut strings.Builder
	cmd.Stderr = &errOut
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(out, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, out.Close())
	var ended *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &ended, errOut.String())
	assert.Equal(t, exit.Partly, ended.ExitCode(), errOut.String())
	assert.Contains(t, errOut.String(), "accepted", "the summary goes to stderr")
	assert.Equal(t, 1, strings.Count(errOut.String(), "cannot write the output"), errOut.String())

	data, err := os.ReadFile(results)
	require.NoError(t, err)
	begun, done := before(data)
	assert.Less(t, len(begun), 1500)
	for i := range begun {
		assert.True(t, done[i], "every call under way has come to its end: %d", i)
	}
	r := postmux(t, "--config", cfg, "batch", file(t, "in.jsonl", messages(1500)), "--results", results, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	for subject, n := range subjects(sb) {
		assert.Equal(t, 1, n, subject)
	}
}

// The end of the terminal is an interrupt like another.
func TestBatchHangup(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("started so that it outlives its terminal")
	}
	results := filepath.Join(t.TempDir(), "results.jsonl")
	hangup, hung := make(chan struct{}, 2000), make(chan struct{})
	cfg := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		hangup <- struct{}{}
		<-hung
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"messageId":"<1@example.com>"}`)
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--config", cfg, "batch", file(t, "in.jsonl", messages(2000)), "--results", results) //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), toolEnv+"=1")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	require.NoError(t, cmd.Start())
	<-hangup
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	close(hung)
	var ended *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &ended)
	assert.Equal(t, exit.Interrupted, ended.ExitCode(), text.String())
	data, err := os.ReadFile(results)
	require.NoError(t, err)
	begun, done := before(data)
	assert.NotEmpty(t, begun)
	for i := range begun {
		assert.True(t, done[i], "every call under way has come to its end: %d", i)
	}
}

// What a resumed run says is of the whole, its exit code too.
func TestImportResumedCode(t *testing.T) {
	_, cfg := account(t)
	rows := file(t, "c.csv", "email\nbad\nworse\n")
	state := filepath.Join(t.TempDir(), "state")
	r := postmux(t, "--config", cfg, "contacts", "import", rows, "--results", state)
	assert.Equal(t, exit.Local, r.code, r.errOut)
	r = postmux(t, "--config", cfg, "contacts", "import", rows, "--results", state, "--resume")
	assert.Equal(t, exit.Local, r.code, r.errOut)
	assert.Contains(t, r.out, "2 rows: 2 refused")

	// A file of others, or one that is shorter: nothing is done.
	state = filepath.Join(t.TempDir(), "state")
	r = postmux(t, "--config", cfg, "contacts", "import", file(t, "c.csv", "email\nbad\na@example.com\n"), "--results", state)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	for _, text := range []string{"email\nbad\n", "email\nbad\nother@example.com\na@example.com\n"} {
		r = postmux(t, "--config", cfg, "--json", "contacts", "import", file(t, "c.csv", text), "--results", state, "--resume")
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, "the input has changed")
		assert.Contains(t, r.errOut, "nothing was changed")
		assert.True(t, json.Valid([]byte(r.out)), r.out)
	}
}

// A file may have one purpose only.
func TestImportFilesDiffer(t *testing.T) {
	sb, cfg := account(t)
	rows := file(t, "c.csv", "email\na@example.com\n")
	state := file(t, "state.jsonl", "")
	for _, args := range [][]string{{"--report", state, "--results", state}, {"--report", rows, "--results", state, "--resume"}} {
		r := postmux(t, append([]string{"--config", cfg, "contacts", "import", rows}, args...)...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, "--report: expected a file of its own")
	}
	assert.Empty(t, sb.Requests("brevo"))
}

// The summary is told, also when stdout is full.
func TestSummaryWithoutStdout(t *testing.T) {
	_, cfg := account(t)
	for summary, args := range map[string][]string{
		"1 message: 1 accepted\n": {"batch", file(t, "in.jsonl", messages(1))},
		"1 row: 1 created\n":      {"contacts", "import", file(t, "c.csv", "email\na@example.com\n")},
	} {
		var errOut strings.Builder
		code := run(t.Context(), append([]string{"--config", cfg}, args...), strings.NewReader(""), full{}, &errOut)
		assert.Equal(t, exit.Bug, code)
		assert.Contains(t, errOut.String(), summary)
		assert.Equal(t, 1, strings.Count(errOut.String(), "cannot write the output"), errOut.String())
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
