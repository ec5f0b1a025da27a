package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// A result file of which a line was changed, moved or removed is refused, and nothing is
// sent: what the line told could be done twice. Only a last line may be torn.
func TestResultFileChanged(t *testing.T) {
	sb, cfg := account(t, "    concurrency: 1")
	input, results := file(t, "in.jsonl", messages(4)), filepath.Join(t.TempDir(), "results.jsonl")
	rows, state := file(t, "in.csv", rowsText(2100)), filepath.Join(t.TempDir(), "state")
	for name, job := range map[string]struct {
		file string
		args []string
	}{
		"batch":  {results, []string{"--config", cfg, "batch", input, "--results", results}},
		"import": {state, []string{"--config", cfg, "contacts", "import", rows, "--results", state}},
	} {
		require.Equal(t, exit.Done, postmux(t, job.args...).code)
		whole := must1(os.ReadFile(job.file))
		lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
		require.Greater(t, len(lines), 2)
		for _, row := range []struct {
			name   string
			change func(lines []string) []string
			want   string // in the error; empty when the run goes on
		}{
			{name: "a line removed", change: func(l []string) []string { return slices.Delete(l, 1, 2) }, want: "line 2 is not as it was written, or a line before it was removed or moved"},
			{name: "the first removed", change: func(l []string) []string { return l[1:] }, want: "line 1 is not as it was written"},
			{name: "two lines exchanged", change: func(l []string) []string { l[1], l[2] = strings.TrimSuffix(l[2], "\n")+"\n", l[1]; return l }, want: "line 2 is not as it was written"},
			{name: "a line twice", change: func(l []string) []string { return slices.Insert(l, 1, l[0]) }, want: "line 2 is not as it was written"},
			{name: "one character", change: func(l []string) []string { l[1] = strings.Replace(l[1], ":", ": ", 1); return l }, want: "line 2 is not as it was written"},
			{name: "the last line changed", change: func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], ":", ": ", 1) + "\n"
				return l
			}, want: fmt.Sprintf("line %d is not as it was written", len(lines))},
			{name: "an empty line", change: func(l []string) []string { return slices.Insert(l, 1, "\n") }, want: "line 2: not of a"},
			{name: "the last line torn", change: func(l []string) []string { l[len(l)-1] = l[len(l)-1][:20]; return l }},
			{name: "no line break at the end", change: func(l []string) []string { return l }},
			{name: "line breaks of another system", change: func(l []string) []string {
				for i := range l {
					l[i] = strings.TrimSuffix(l[i], "\n") + "\r\n"
				}
				return l
			}},
		} {
			t.Run(name+", "+row.name, func(t *testing.T) {
				text := strings.Join(row.change(slices.Clone(lines)), "")
				require.NoError(t, os.WriteFile(job.file, []byte(text), 0o600))
				before := len(sb.Requests("brevo"))
				r := postmux(t, append(job.args, "--resume")...)
				if row.want == "" {
					assert.Contains(t, []int{exit.Done, exit.Unknown}, r.code, r.errOut)
					r = postmux(t, append(job.args, "--resume")...)
					assert.Contains(t, []int{exit.Done, exit.Unknown}, r.code, r.errOut)
					return
				}
				assert.Equal(t, exit.Local, r.code, r.errOut)
				assert.Contains(t, r.errOut, job.file+": "+row.want)
				assert.Len(t, sb.Requests("brevo"), before)
				assert.Equal(t, text, must1(os.ReadFile(job.file)), "it stays as it is")
			})
		}
	}
	for subject, n := range subjects(sb) {
		assert.Equal(t, 1, n, subject)
	}
}

// The same report is named every night: each holds the rows of its own import, and none is
// lost.
func TestNightlyImport(t *testing.T) {
	sb, cfg := crowd(t)
	sb.AddContact("brevo", provider.Contact{Email: "left@example.com", Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}}})
	dir := t.TempDir()
	told := filepath.Join(dir, "told.csv")
	night := func(text string, more ...string) result {
		return postmux(t, append([]string{"--config", cfg, "contacts", "import", file(t, "in.csv", text), "--report", told}, more...)...)
	}
	r := night("email\na@example.com\n")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	r = night("email\na@example.com\n")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Empty(t, r.errOut, "a report without rows has nothing to keep")
	r = night("email,lists\nbad,\nleft@example.com,newsletter\n")
	assert.Equal(t, exit.Refused, r.code, r.errOut)
	assert.Contains(t, r.errOut, "2 rows told in "+told)
	first := must1(os.ReadFile(told))

	sb.Fail("brevo", sandbox.Fault{Operation: "createContact", Drop: true, After: true, Times: 4})
	r = night("email\nunknown@example.com\n")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	kept := filepath.Join(dir, "told.1.csv")
	assert.Contains(t, r.errOut, told+": the report of an earlier import was there and is kept as "+kept)
	assert.Equal(t, first, must1(os.ReadFile(kept)))
	assert.Contains(t, must1(os.ReadFile(told)), "2,unknown,outcome_unknown: ")

	r = night("email\na@example.com\n")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, must1(os.ReadFile(filepath.Join(dir, "told.2.csv"))), "unknown@example.com")
	assert.Equal(t, first, must1(os.ReadFile(kept)))
	assert.Equal(t, 1, strings.Count(must1(os.ReadFile(told)), "\n"))

	// A file that is no report stays where it is.
	own := file(t, "own.csv", "email\na@example.com\n")
	told = own
	r = night("email\nb@example.com\n")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, own+" is there already and is no report of an import (expected the columns postmux_line,")
	assert.Equal(t, "email\na@example.com\n", must1(os.ReadFile(own)))
}

// What is read as a whole into memory has a size.
func TestTooLarge(t *testing.T) {
	sb, cfg := account(t)
	large := file(t, "large.json", "")
	if err := os.Truncate(large, 1100<<20); err != nil {
		t.Skip(err) // no sparse files
	}
	yaml := file(t, "large.yaml", "")
	require.NoError(t, os.Truncate(yaml, 300<<20))
	for _, row := range []struct {
		name, want string
		args       []string
	}{
		{name: "message", args: []string{"send", large}, want: "cannot read the file: it is larger than 64 MiB; nothing was sent"},
		{name: "html", args: []string{"send", "--html-file", large, "--to", "a@example.com"}, want: "--html-file: cannot read the file: it is larger than 64 MiB"},
		{name: "text", args: []string{"send", "--text-file", large, "--to", "a@example.com"}, want: "--text-file: cannot read the file: it is larger than 64 MiB"},
		{name: "attachment", args: []string{"send", "--attach", large, "--to", "a@example.com"}, want: "--attach: cannot read the file: it is larger than 64 MiB"},
		{name: "contact", args: []string{"contacts", "upsert", large}, want: "cannot read the file: it is larger than 16 MiB"},
		{name: "receipt", args: []string{"status", "--receipt", large}, want: "--receipt: cannot read the file: it is larger than 16 MiB"},
		{name: "receipt to settle", args: []string{"status", "--settle", "--receipt", large}, want: "--receipt: cannot read the file: it is larger than 16 MiB"},
		{name: "configuration", args: []string{"--config", yaml, "check"}, want: "cannot read the configuration: it is larger than 4 MiB"},
		{name: "a line of a batch", args: []string{"batch", large}, want: "line 1: longer than 64 MiB"},
		{name: "a row of an import", args: []string{"contacts", "import", file(t, "a.csv", "email\n\""+strings.Repeat("x", 17<<20))}, want: "longer than 16 MiB"},
		{name: "stdin", args: []string{"send", "-"}, want: "cannot read stdin: it is larger than 64 MiB"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stdin := ""
			if row.name == "stdin" {
				stdin = strings.Repeat(" ", 65<<20)
			}
			args := row.args
			if args[0] != "--config" {
				args = append([]string{"--config", cfg}, args...)
			}
			r := postmuxWith(t, stdin, args...)
			assert.Equal(t, exit.Local, r.code, r.errOut)
			assert.Contains(t, r.errOut, row.want)
		})
	}
	assert.Empty(t, sb.Requests("brevo"))
}

// An export to a link replaces what it leads to, and the link stays.
func TestExportToALink(t *testing.T) {
	sb, cfg := crowd(t)
	sb.AddContact("brevo", people[0])
	dir, other := t.TempDir(), t.TempDir()
	target, link := filepath.Join(other, "real.csv"), filepath.Join(dir, "link.csv")
	require.NoError(t, os.WriteFile(target, []byte("old\n"), 0o600))
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(other, ".link.csv.postmux"), []byte("of a kill"), 0o600))
	r := postmux(t, "--config", cfg, "contacts", "export", link)
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, must1(os.ReadFile(target)), "anna@example.by")
	to, err := os.Readlink(link)
	require.NoError(t, err)
	assert.Equal(t, target, to)
	for _, folder := range []string{dir, other} {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Len(t, left, 1, folder)
	}
	require.NoError(t, os.Remove(target))
	r = postmux(t, "--config", cfg, "contacts", "export", link)
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "is a link to nothing")
}

// A receipt that cannot be kept, at any write, is told; half of one is no file.
func TestReceiptCannotBeKept(t *testing.T) {
	sb, cfg := account(t, "    tries: 1")
	for n := 1; ; n++ {
		t.Chdir(t.TempDir())
		t.Setenv("TMPDIR", t.TempDir())
		sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
		disk := &fullDisk{left: n, stays: true}
		ctx := journal.OnDisk(t.Context(), func(d journal.Disk) journal.Disk { return fullFile{d, disk} })
		r := postmuxIn(ctx, "", "--config", cfg, "send", "--to", "a@example.com", "--subject", fmt.Sprint("s", n), "--html", "h")
		assert.Equal(t, exit.Unknown, r.code, r.errOut)
		left, err := filepath.Glob("postmux-unknown-*")
		require.NoError(t, err)
		if !disk.hit {
			assert.Len(t, left, 1)
			return
		}
		assert.Empty(t, left)
		assert.Contains(t, r.errOut, "the receipt cannot be kept: ")
		_, line, found := strings.Cut(r.errOut, "this is it, for status --receipt FILE --settle: ")
		require.True(t, found, r.errOut)
		r = postmuxWith(t, line, "--config", cfg, "status", "--receipt", "-", "--settle")
		assert.Equal(t, exit.Done, r.code, r.errOut)
	}
}

// syncedDisk notes the names of what was waited for.
type syncedDisk struct {
	journal.Disk
	names map[string]bool
}

func (d syncedDisk) Sync() error {
	d.names[d.Disk.(*os.File).Name()] = true //nolint:forcetypeassert // there is no other
	return nil
}

// The name of a new file is on the disk too, so that a crash of the machine does not lose
// it, and nobody but its owner reads a file of addresses, whatever mode it had.
func TestFilesStay(t *testing.T) {
	for _, row := range []struct {
		name  string
		file  string // in the folder that must be waited for
		there string // what the file holds before, with a wide mode
		args  []string
		code  int
		drop  bool // the answer of the provider
	}{
		{name: "export", file: "out.csv", args: []string{"contacts", "export", "DIR/out.csv"}},
		{name: "export over a file", file: "out.csv", args: []string{"contacts", "export", "DIR/out.csv"}, there: "old"},
		{name: "results of a batch", file: "sent.jsonl", args: []string{"batch", "IN.jsonl", "--results", "DIR/sent.jsonl"}},
		{name: "results of a batch, empty", file: "sent.jsonl", there: " ", args: []string{"batch", "IN.jsonl", "--results", "DIR/sent.jsonl"}},
		{name: "results of an import", file: "state", args: []string{"contacts", "import", "IN.csv", "--results", "DIR/state"}},
		{name: "report of an import", file: "told.csv", args: []string{"contacts", "import", "IN.csv", "--report", "DIR/told.csv"}},
		{
			name: "receipt of an unknown mail", file: "postmux-unknown-", drop: true, code: exit.Unknown,
			args: []string{"send", "--to", "a@example.com", "--subject", "s", "--html", "h"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			sb, cfg := account(t, "    tries: 1")
			sb.AddContact("brevo", people[0])
			if row.drop {
				sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
			}
			dir := t.TempDir()
			t.Chdir(dir)
			names := strings.NewReplacer("DIR", dir, "IN.jsonl", file(t, "in.jsonl", messages(1)), "IN.csv", file(t, "in.csv", rowsText(1)))
			args := []string{"--config", cfg}
			for _, arg := range row.args {
				args = append(args, names.Replace(arg))
			}
			if row.there != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, row.file), []byte(strings.TrimSpace(row.there)), 0o600))
				require.NoError(t, os.Chmod(filepath.Join(dir, row.file), 0o666)) //nolint:gosec // the fault
			}
			synced := make(map[string]bool)
			ctx := journal.OnDisk(t.Context(), func(d journal.Disk) journal.Disk { return syncedDisk{d, synced} })
			r := postmuxIn(ctx, "", args...)
			require.Equal(t, row.code, r.code, r.errOut)
			assert.True(t, synced[dir] || synced["."], "%v", synced)
			written, err := filepath.Glob(filepath.Join(dir, row.file+"*"))
			require.NoError(t, err)
			require.Len(t, written, 1)
			info, err := os.Stat(written[0])
			require.NoError(t, err)
			if runtime.GOOS != "windows" {
				assert.Equal(t, os.FileMode(0o600), info.Mode())
			}
		})
	}
}
