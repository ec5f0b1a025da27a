package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// rowsText is a CSV file of n contacts.
func rowsText(n int) string {
	var b strings.Builder
	b.WriteString("email,first_name\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d@example.com,N%d\n", i, i)
	}
	return b.String()
}

// upserts counts the calls that store a contact.
func upserts(sb *sandbox.Server) int {
	n := 0
	for _, r := range sb.Requests("brevo") {
		if r.Operation == "createContact" {
			n++
		}
	}
	return n
}

// An import that stopped goes on where it ended, and its summary is of the whole.
func TestImportResumes(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	dir := t.TempDir()
	input, results, told := file(t, "a.csv", strings.Replace(rowsText(40), "u3@example.com", "not-an-address", 1)), filepath.Join(dir, "state"), filepath.Join(dir, "told.csv")
	sb.Fail("brevo", sandbox.Fault{Operation: "createContact", Status: 400, Body: `{"code":"invalid_parameter","message":"=no"}`})
	r := postmuxWith(t, strings.Join(strings.SplitAfter(rowsText(2), "\n")[:3], ""), "--config", cfg, "contacts", "import", "-", "--results", results+".other", "--report", filepath.Join(dir, "first.csv"))
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	text, err := os.ReadFile(filepath.Join(dir, "first.csv"))
	require.NoError(t, err)
	golden(t, "import/report.csv", string(text))

	ctx, cancel := context.WithCancel(t.Context())
	stopping := &stopAfter{r: strings.NewReader(must1(os.ReadFile(input))), left: 300, stop: cancel}
	var out, errOut bytes.Buffer
	code := run(ctx, []string{"--config", cfg, "contacts", "import", "-", "--results", results, "--report", told}, stopping, &out, &errOut)
	require.Equal(t, exit.Interrupted, code, errOut.String())
	done := len(sb.Contacts("brevo"))
	require.Less(t, done, 39)
	before := upserts(sb)

	for _, changed := range []string{rowsText(40), rowsText(2)} {
		r = postmux(t, "--config", cfg, "contacts", "import", file(t, "b.csv", changed), "--results", results, "--resume", "--report", told)
		assert.Equal(t, before, upserts(sb))
		if done > 0 {
			assert.Contains(t, r.errOut, "the input has changed", out.String())
			assert.NotEqual(t, exit.Done, r.code)
		}
	}
	r = postmux(t, "--config", cfg, "contacts", "import", input, "--results", results, "--resume", "--report", told)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.out, "40 rows: ")
	assert.Contains(t, r.out, "1 refused")
	assert.Len(t, sb.Contacts("brevo"), 39)
	again := upserts(sb)
	r = postmux(t, "--config", cfg, "contacts", "import", input, "--results", results, "--resume", "--report", told)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Equal(t, again, upserts(sb), "nothing is left to do")
	text, err = os.ReadFile(told)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(text), ",refused,\"invalid: email: expected one address"), string(text))
}

func must1(data []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(data)
}

// stopAfter is an input during which an interrupt comes.
type stopAfter struct {
	r    io.Reader
	left int
	stop func()
}

func (s *stopAfter) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.stop()
		select {} // there is no more input, and no end either
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// A row that was left for a reason outside of it is tried again, and so are those
// behind it; a refused one is not.
func TestImportTriesAgain(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	input, results := file(t, "a.csv", strings.Replace(rowsText(4), "u0@example.com", "not-an-address", 1)), filepath.Join(t.TempDir(), "state")
	sb.Fail("brevo", sandbox.Fault{Operation: "createContact", Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
	r := postmux(t, "--config", cfg, "contacts", "import", input, "--results", results)
	assert.Equal(t, exit.Credentials, r.code, "nothing was done, and of several codes the key's comes first: %s", r.errOut)
	assert.Empty(t, sb.Contacts("brevo"))
	r = postmux(t, "--config", cfg, "--json", "contacts", "import", input, "--results", results, "--resume")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "4 rows: 1 refused before, 3 created")
	assert.True(t, strings.HasPrefix(r.out, `{"index":1,"line":3,"email":"u1@example.com"`), r.out)
	assert.Len(t, sb.Contacts("brevo"), 3)
}

// A row of bad form is refused and told; those around it are imported. A quote that takes
// several lines and is not closed leaves nothing that could be told from it: a file is
// refused, and of stdin the rows before it are done.
func TestImportBadRows(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	text := "email,phone\na@example.com,\nb@example.com\nc@example.com,\n"
	r := postmuxWith(t, text, "--config", cfg, "contacts", "import", "-")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "line 3, b@example.com: main (brevo): contacts.import: invalid: expected 2 cells, got 1")
	assert.Len(t, sb.Contacts("brevo"), 2)

	text = "email,phone\nd@example.com,\n\"e@example.com,\nf@example.com,\n\"x\"\n"
	r = postmux(t, "--config", cfg, "contacts", "import", file(t, "a.csv", text))
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "a.csv: line 3: a quote that is opened there is not closed properly")
	nothingOnce(t, notChanged, r.errOut)
	assert.Len(t, sb.Contacts("brevo"), 2)
	r = postmuxWith(t, text, "--config", cfg, "contacts", "import", "-")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "stopped after 1 row: -: line 3: a quote")
	assert.Len(t, sb.Contacts("brevo"), 3)
}

// However many rows are refused behind one that waits for its call, the memory is bounded:
// the call is made before more are read, and the results stay in order.
func TestImportOfRefusedRows(t *testing.T) {
	before := mostWaiting
	t.Cleanup(func() { mostWaiting = before })
	mostWaiting = 7
	sb, cfg := shapeLab(t) // SendPulse takes many in a call
	var b strings.Builder
	b.WriteString("email,lists\n")
	for i := range 100 {
		if i%10 == 0 {
			fmt.Fprintf(&b, "u%d@example.com,newsletter\n", i)
		} else {
			fmt.Fprintf(&b, "bad%d,newsletter\n", i)
		}
	}
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"--config", cfg, "--provider", "sendpulse", "--json", "contacts", "import", file(t, "a.csv", b.String()), "--results", state}
	r := postmux(t, args...)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "100 rows: 10 created, 90 refused")
	assert.Len(t, sb.Contacts("sendpulse"), 10)
	for i, line := range strings.Split(strings.TrimSpace(r.out), "\n") {
		assert.True(t, strings.HasPrefix(line, fmt.Sprintf(`{"index":%d,"line":%d,`, i, i+2)), line)
	}
	r = postmux(t, append(args, "--resume")...)
	assert.Contains(t, r.errOut, "nothing was left to do; 100 rows: 10 done before, 90 refused before")
}

// A report that cannot be written ends the import, and what it does not tell is on stderr.
func TestImportReportFails(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no device that is always full")
	}
	sb, cfg := account(t, "    concurrency: 1")
	dir := t.TempDir()
	input := file(t, "a.csv", strings.Replace(rowsText(400), "u3@example.com", "not-an-address", 1))
	for _, ext := range []string{".csv", ".jsonl"} {
		require.NoError(t, os.Symlink("/dev/full", filepath.Join(dir, "full"+ext)))
	}
	r := postmux(t, "--config", cfg, "contacts", "import", input, "--report", filepath.Join(dir, "full.csv"))
	assert.Equal(t, exit.Local, r.code, "the names of the columns are written first")
	nothingOnce(t, notChanged, r.errOut)
	assert.Empty(t, sb.Requests("brevo"))

	results := filepath.Join(dir, "state")
	r = postmux(t, "--config", cfg, "contacts", "import", input, "--report", filepath.Join(dir, "full.jsonl"), "--results", results)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "line 5, not-an-address: ")
	assert.Contains(t, r.errOut, "cannot write "+filepath.Join(dir, "full.jsonl")+": ")
	assert.NotContains(t, r.errOut, "told in")
	assert.Less(t, len(sb.Contacts("brevo")), 399)

	told := filepath.Join(dir, "told.jsonl")
	r = postmux(t, "--config", cfg, "contacts", "import", input, "--report", told, "--results", results, "--resume")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "1 row told in "+told)
	assert.Len(t, sb.Contacts("brevo"), 399)
}

func TestImportUsage(t *testing.T) {
	sb, cfg := account(t)
	input, full := file(t, "a.csv", "email\na@example.com\n"), file(t, "full.csv", "x\n")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--resume"}, "--resume: expected --results FILE"},
		{[]string{"--report", "x.txt"}, "--report: expected a name that ends in"},
		{[]string{"--report", full}, "--report: " + full + " is there already"},
		{[]string{"--results", full}, "is there already and not empty"},
		{[]string{"--results", full, "--resume"}, "line 1: not of an import"},
		{[]string{"--report", "/nonexistent/x.csv"}, "--report: cannot write the file"},
	} {
		r := postmux(t, append([]string{"--config", cfg, "contacts", "import", input}, tc.args...)...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, tc.want)
		nothingOnce(t, notChanged, r.errOut)
	}
	assert.Empty(t, sb.Requests("brevo"))
}

// A row of which something was dropped is in the report; what is the same for
// every row is told once.
func TestImportNotes(t *testing.T) {
	sb, cfg := crowd(t)
	sb.AddContact("brevo", provider.Contact{Email: "a@example.com", Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}})
	told := filepath.Join(t.TempDir(), "told.jsonl")
	r := postmux(t, "--config", cfg, "contacts", "import", file(t, "a.csv", "email,lists,status\na@example.com,newsletter,\nb@example.com,,blocked\nc@example.com,,blocked\n"), "--report", told)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "2 rows: status converted: ")
	text, err := os.ReadFile(told)
	require.NoError(t, err)
	golden(t, "import/notes.jsonl", string(text))
	assert.Equal(t, 1, strings.Count(string(text), "\n"))

	var many noteCount
	for i := range 30 {
		many.add([]provider.Note{{Field: "x", Action: provider.NoteDropped, Why: fmt.Sprint(i % 15)}})
	}
	assert.Len(t, many.lines(), 11)
	assert.Equal(t, "and 10 notes of other kinds", many.lines()[10])
}

func TestImportSummary(t *testing.T) {
	assert.Equal(t, "1 row: 1 created", importSummary(provider.ImportReport{}, provider.ImportReport{Rows: 1, Created: 1}, 1, "stored"))
	assert.Equal(t, "3 of 9 rows: 1 updated, 1 refused, 1 unknown", importSummary(provider.ImportReport{}, provider.ImportReport{Rows: 3, Updated: 1, Refused: 1, Unknown: 1}, 9, "stored"))
	assert.Equal(t, "0 rows: nothing done", importSummary(provider.ImportReport{}, provider.ImportReport{}, 0, "stored"))
}
