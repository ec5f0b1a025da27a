package contactfile

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// Report is the file with the rows of an import that somebody should look at.
type Report struct {
	name string
	file *os.File
	csv  *csv.Writer // nil: lines of JSON
	rows int
	err  error
}

// reportRow is one row of a report.
type reportRow struct {
	Line    int             `json:"line"` // of the input at which the row begins, from 1
	Email   string          `json:"email"`
	State   string          `json:"state"`
	Error   provider.Kind   `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
	Notes   []provider.Note `json:"notes,omitempty"`
}

var reportColumns = []string{"line", "email", "state", "error", "message", "notes"}

// OpenReport opens the file called name, behind what it holds when more is true.
// It must be none of the others. With an empty name the report is off.
func OpenReport(name string, more bool, others ...string) (*Report, error) {
	r := &Report{name: name}
	if name == "" {
		return r, nil
	}
	ext := strings.ToLower(filepath.Ext(name))
	if ext != ".csv" && ext != ".jsonl" && ext != ".ndjson" {
		return nil, exit.UsageError("--report", "expected a name that ends in .csv, .jsonl or .ndjson, got %q", name)
	}
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	var err error
	if r.file, err = os.OpenFile(name, mode, 0o600); err != nil {
		return nil, exit.UsageError("--report", "cannot write the file: %v", err)
	}
	info, err := r.file.Stat()
	for _, other := range others {
		if o, failed := os.Stat(other); err == nil && failed == nil && os.SameFile(info, o) {
			r.Close()
			return nil, exit.UsageError("--report", "expected a file of its own, %s is in use by the same import", name)
		}
	}
	empty := err == nil && (info.Size() == 0 || info.Mode().IsRegular() && onlyHead(name, info.Size()))
	if err == nil && !empty && !more && info.Mode().IsRegular() {
		r.Close()
		return nil, exit.UsageError("--report", "%s is there already and not empty; name a new file, or go on with --results FILE --resume", name)
	}
	if ext == ".csv" {
		r.csv = csv.NewWriter(r.file)
		if err == nil && info.Size() == 0 {
			r.write(reportColumns)
		}
	}
	return r, r.err
}

// onlyHead reports whether a report of that size holds its columns and no row: an
// import that had nothing to report leaves one.
func onlyHead(name string, size int64) bool {
	head := strings.Join(reportColumns, ",") + "\n"
	if size != int64(len(head)) {
		return false
	}
	data, err := os.ReadFile(name)
	return err == nil && string(data) == head
}

// On reports whether there is a file for the report.
func (r *Report) On() bool { return r.file != nil }

// dropped reports whether a note says that something of the row was lost. Other
// notes are often the same for every row.
func dropped(n provider.Note) bool { return n.Action == provider.NoteDropped }

// Row writes a row that was not done as it was given; line is where it begins.
func (r *Report) Row(line int, row provider.ImportResult) {
	if !r.On() || row.Err == nil && (row.Receipt == nil || !slices.ContainsFunc(row.Receipt.Notes, dropped)) {
		return
	}
	out := reportRow{Line: line, Email: row.Email, State: journal.RowState(row)}
	if row.Err != nil {
		e := exit.ProviderError(row.Err)
		out.Error, out.Message = e.Kind, strings.TrimPrefix(e.Field+": "+e.Message, ": ")
	}
	if row.Receipt != nil {
		out.Notes = row.Receipt.Notes
	}
	r.rows++
	if r.csv == nil {
		data, err := terminal.Marshal(out)
		if err == nil {
			_, err = r.file.Write(append(data, '\n'))
		}
		r.fail(err)
		return
	}
	r.write([]string{strconv.Itoa(out.Line), guard(out.Email), out.State, string(out.Error), guard(out.Message), guard(terminal.NoteTexts(out.Notes))})
}

func (r *Report) write(cells []string) {
	err := r.csv.Write(cells)
	r.csv.Flush()
	if err == nil {
		err = r.csv.Error()
	}
	r.fail(err)
}

func (r *Report) fail(err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("cannot write %s: %w", r.name, err)
	}
}

// Failed returns the first error of writing.
func (r *Report) Failed() error { return r.err }

// Told returns how many rows the report has.
func (r *Report) Told() int { return r.rows }

// Close ends the report.
func (r *Report) Close() {
	if r.file != nil {
		_ = r.file.Close()
	}
}
