package contactfile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/provider"
)

// oneColumn is the form of a report on an input of one column.
var oneColumn = ReportForm{Delimiter: ',', Head: []string{"email"}}

// A report torn at any byte is gone on with behind its last whole row; what was cut is told.
func TestReportTorn(t *testing.T) {
	for _, tc := range []struct{ ext, head, row string }{
		{ext: ".csv", head: "postmux_line,postmux_state,postmux_reason,email\n", row: "2,refused,\"invalid: a\n\"\"b\"\", c\",a@example.com\n"},
		{ext: ".jsonl", row: `{"line":2,"email":"a@example.com","state":"refused","message":"a\nb"}` + "\n"},
	} {
		whole := tc.head + tc.row + tc.row
		for n := range len(whole) + 1 {
			name := filepath.Join(t.TempDir(), "report"+tc.ext)
			require.NoError(t, os.WriteFile(name, []byte(whole[:n]), 0o644))
			r, err := OpenReport(t.Context(), name, oneColumn, true)
			require.NoError(t, err, "%q", whole[:n])
			r.Close()
			want := tc.head
			for len(want)+len(tc.row) <= n {
				want += tc.row
			}
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			assert.Equal(t, want, string(data), "%q", whole[:n])
			if n >= len(tc.head) {
				assert.Equal(t, whole[len(want):n], r.Torn())
			}
			info, err := os.Stat(name)
			require.NoError(t, err)
			if runtime.GOOS != "windows" {
				assert.Equal(t, os.FileMode(0o600), info.Mode(), "others read it no longer")
			}
		}
	}
}

// What is no report is not cut.
func TestReportOfAnother(t *testing.T) {
	head := strings.Join(ownColumns, ",") + ",email\n"
	for _, tc := range []struct{ text, want string }{
		{text: "email,phone\na@example.com,1\n", want: "expected the columns"},
		{text: strings.Join(ownColumns, ",") + ",mail\n2,refused,,a\n", want: "its columns are not those of this input"},
		{text: head + "2,\"a\n" + strings.Repeat("x,,,\n", reportTorn/5), want: "its last row is not closed"},
	} {
		name := filepath.Join(t.TempDir(), "report.csv")
		require.NoError(t, os.WriteFile(name, []byte(tc.text), 0o600))
		_, err := OpenReport(t.Context(), name, oneColumn, true)
		require.ErrorContains(t, err, tc.want)
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, tc.text, string(data))
	}
}

// A row that is unknown without an error, as a job leaves it, is one to look at.
func TestReportOfUnknown(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.csv")
	r, err := OpenReport(t.Context(), name, oneColumn, false)
	require.NoError(t, err)
	defer r.Close()
	for i, receipt := range []*provider.ContactReceipt{
		{State: provider.ContactUnknown, Notes: []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: "the job left rows out"}}},
		{State: provider.ContactStored, Notes: []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: "as for all"}}},
		nil,
	} {
		require.NoError(t, r.Row(i+2, Given{Cells: []string{"a@example.com"}}, provider.ImportResult{Index: i, Email: "a@example.com", Receipt: receipt}))
	}
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, 2, r.Told())
	assert.Equal(t, 3, strings.Count(string(data), "\n"))
	assert.Contains(t, string(data), "2,unknown,email warning: the job left rows out,a@example.com\n")
	assert.Contains(t, string(data), "4,unknown,,a@example.com\n")
}

// A part that is there is neither overwritten nor followed.
func TestPartIsThere(t *testing.T) {
	query := Query{Provider: "brevo", Account: "main"}
	for _, tc := range []struct {
		name, text string
		link       bool
		resume     bool
		want       string
	}{
		{name: "own notes", text: "my notes\n", want: "is no part of an export"},
		{name: "own notes, resumed", text: "my notes\n", resume: true, want: "is not of an export"},
		{name: "link", text: "my notes\n", link: true, want: "is no part of an export"},
		{name: "link, resumed", text: `{"export":{"provider":"brevo","account":"main","list":"","modified_since":""}}` + "\n", link: true, resume: true, want: "is no part of an export"},
		{name: "unfinished", text: `{"export":{"provider":"brevo","account":"main","list":"","modified_since":""}}` + "\n", want: "--resume goes on with it, and to begin anew remove it first"},
		{name: "empty", want: "--resume goes on with it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "a.csv.part")
			real := name
			if tc.link {
				real = filepath.Join(dir, "other")
				require.NoError(t, os.Symlink(real, name))
			}
			require.NoError(t, os.WriteFile(real, []byte(tc.text), 0o600))
			_, err := OpenSpool(t.Context(), name, query, tc.resume)
			require.ErrorContains(t, err, tc.want)
			data, err := os.ReadFile(real)
			require.NoError(t, err)
			assert.Equal(t, tc.text, string(data))
		})
	}
	// A link to nothing makes no file either.
	name := filepath.Join(t.TempDir(), "a.csv.part")
	require.NoError(t, os.Symlink(name+".target", name))
	_, err := OpenSpool(t.Context(), name, query, false)
	require.ErrorContains(t, err, "is no part of an export")
	assert.NoFileExists(t, name+".target")
}

// The spool of an export to stdout has no name, and a part is its owner's alone.
func TestSpoolIsPrivate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := TempSpool(t.Context(), Query{})
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
	require.NoError(t, s.Add(&provider.Page[provider.Contact]{Items: []provider.Contact{{Email: "a@example.com"}}}))
	var text strings.Builder
	sum, err := s.Write(&text, Form{CSV: true})
	require.NoError(t, err)
	assert.Equal(t, 1, sum.Contacts)
	assert.Contains(t, text.String(), "a@example.com")
	s.Close()

	name := filepath.Join(dir, "a.csv.part")
	s, err = OpenSpool(t.Context(), name, Query{}, false)
	require.NoError(t, err)
	s.Close()
	require.NoError(t, os.Chmod(name, 0o666))
	s, err = OpenSpool(t.Context(), name, Query{}, true)
	require.NoError(t, err)
	s.Close()
	info, err := os.Stat(name)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
}

// A report of an earlier import is kept under a free number, and what is no report, or is
// in use, stays as it is.
func TestReportOfAnEarlierImport(t *testing.T) {
	head := strings.Join(ownColumns, ",") + ",email\n"
	row := "2,refused,invalid: no,a@example.com\n"
	for _, tc := range []struct {
		name, ext, text string
		link            bool
		kept            string // what is kept; empty when nothing is
		want            string // the error
	}{
		{name: "rows", ext: ".csv", text: head + row, kept: head + row},
		{name: "rows behind a link", ext: ".csv", text: head + row, link: true, kept: head + row},
		{name: "a row that is torn", ext: ".csv", text: head + row + "3,b@ex", kept: head + row + "3,b@ex"},
		{name: "no rows", ext: ".csv", text: head},
		{name: "a head that is torn", ext: ".csv", text: head[:9]},
		{name: "with a byte order mark", ext: ".csv", text: "\ufeff" + head + row, kept: "\ufeff" + head + row},
		{name: "of another input", ext: ".csv", text: strings.Join(ownColumns, ";") + ";Mail;Ort\n" + "2;refused;no;a;b\n", kept: strings.Join(ownColumns, ";") + ";Mail;Ort\n" + "2;refused;no;a;b\n"},
		{name: "no rows of another input", ext: ".csv", text: strings.Join(ownColumns, ";") + ";Mail;Ort\n"},
		{name: "lines", ext: ".jsonl", text: `{"line":2,"email":"","state":"refused"}` + "\n", kept: `{"line":2,"email":"","state":"refused"}` + "\n"},
		{name: "contacts", ext: ".csv", text: "email,phone\n", want: "is no report of an import (expected the columns"},
		{name: "messages", ext: ".jsonl", text: `{"to":[]}` + "\n", want: "is no report of an import (expected rows with line and state)"},
		{name: "notes", ext: ".jsonl", text: "my notes\nare here", want: "is no report of an import (expected rows with line and state)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "told"+tc.ext)
			real := name
			if tc.link {
				real = filepath.Join(dir, "real"+tc.ext)
				require.NoError(t, os.Symlink(real, name))
			}
			numbered := func(n string) string { return strings.TrimSuffix(real, tc.ext) + n + tc.ext }
			require.NoError(t, os.WriteFile(real, []byte(tc.text), 0o600))
			require.NoError(t, os.WriteFile(numbered(".1"), []byte("taken"), 0o600))
			r, err := OpenReport(t.Context(), name, oneColumn, false)
			if tc.want != "" {
				require.ErrorContains(t, err, tc.want)
				data, err := os.ReadFile(real)
				require.NoError(t, err)
				assert.Equal(t, tc.text, string(data))
				return
			}
			require.NoError(t, err)
			_, inUse := OpenReport(t.Context(), name, oneColumn, true)
			r.Close()
			if journal.Locks {
				require.ErrorContains(t, inUse, "another run is using it")
			}
			want := ""
			if tc.ext == ".csv" {
				want = head
			}
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			assert.Equal(t, want, string(data))
			data, err = os.ReadFile(numbered(".1"))
			require.NoError(t, err)
			assert.Equal(t, "taken", string(data))
			if tc.kept == "" {
				assert.Empty(t, r.Kept())
				assert.NoFileExists(t, numbered(".2"))
				return
			}
			assert.Equal(t, numbered(".2"), r.Kept())
			data, err = os.ReadFile(numbered(".2"))
			require.NoError(t, err)
			assert.Equal(t, tc.kept, string(data))
		})
	}
}
