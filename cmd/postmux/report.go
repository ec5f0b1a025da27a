package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/provider"
)

// report is the file with the rows of an import that somebody should look at.
type report struct {
	name string
	file *os.File
	csv  *csv.Writer // nil: lines of JSON
	rows int
	err  error
}

// reportRow is one row of a report.
type reportRow struct {
	Row     int             `json:"row"` // from 1, the line of column names not counted
	Email   string          `json:"email"`
	State   string          `json:"state"`
	Error   provider.Kind   `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
	Notes   []provider.Note `json:"notes,omitempty"`
}

var reportColumns = []string{"row", "email", "state", "error", "message", "notes"}

// openReport opens the file called name, behind what it holds when more is true.
// It must be none of the others.
func openReport(name string, more bool, others ...string) (*report, error) {
	r := &report{name: name}
	if name == "" {
		return r, nil
	}
	ext := strings.ToLower(filepath.Ext(name))
	if ext != ".csv" && ext != ".jsonl" && ext != ".ndjson" {
		return nil, usageErr("--report", "expected a name that ends in .csv, .jsonl or .ndjson, got %q", name)
	}
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	var err error
	if r.file, err = os.OpenFile(name, mode, 0o600); err != nil {
		return nil, usageErr("--report", "cannot write the file: %v", err)
	}
	info, err := r.file.Stat()
	for _, other := range others {
		if o, failed := os.Stat(other); err == nil && failed == nil && os.SameFile(info, o) {
			r.close()
			return nil, usageErr("--report", "expected a file of its own, %s is in use by the same import", name)
		}
	}
	if err == nil && info.Size() > 0 && !more && info.Mode().IsRegular() {
		r.close()
		return nil, usageErr("--report", "%s is there already and not empty; name a new file, or go on with --results FILE --resume", name)
	}
	if ext == ".csv" {
		r.csv = csv.NewWriter(r.file)
		if err == nil && info.Size() == 0 {
			r.write(reportColumns)
		}
	}
	return r, r.err
}

// on reports whether there is a file for the report.
func (r *report) on() bool { return r.file != nil }

// dropped reports whether a note says that something of the row was lost. Other
// notes are often the same for every row.
func dropped(n provider.Note) bool { return n.Action == provider.NoteDropped }

// row writes a row that was not done as it was given.
func (r *report) row(row provider.ImportResult) {
	if !r.on() || row.Err == nil && (row.Receipt == nil || !slices.ContainsFunc(row.Receipt.Notes, dropped)) {
		return
	}
	out := reportRow{Row: row.Index + 1, Email: row.Email, State: rowState(row)}
	if row.Err != nil {
		e := asProviderError(row.Err)
		out.Error, out.Message = e.Kind, strings.TrimPrefix(e.Field+": "+e.Message, ": ")
	}
	if row.Receipt != nil {
		out.Notes = row.Receipt.Notes
	}
	r.rows++
	if r.csv == nil {
		data, err := marshal(out)
		if err == nil {
			_, err = r.file.Write(append(data, '\n'))
		}
		r.fail(err)
		return
	}
	r.write([]string{strconv.Itoa(out.Row), guard(out.Email), out.State, string(out.Error), guard(out.Message), guard(noteTexts(out.Notes))})
}

func (r *report) write(cells []string) {
	err := r.csv.Write(cells)
	r.csv.Flush()
	if err == nil {
		err = r.csv.Error()
	}
	r.fail(err)
}

func (r *report) fail(err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("cannot write %s: %w", r.name, err)
	}
}

// failed returns the first error of writing.
func (r *report) failed() error { return r.err }

// told returns how many rows the report has.
func (r *report) told() int { return r.rows }

// close ends the report.
func (r *report) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
}
