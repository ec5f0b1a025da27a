package contactfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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

// Report is the file with the rows of an import that somebody should look at. Each
// row is written at once; after an error of writing none is.
type Report struct {
	file *journal.File // nil: off
	disk *os.File
	csv  bool // else lines of JSON
	rows int
	torn string
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

// reportTorn is the longest row that a crash may have torn. What is longer is not
// of an import, but has a quote that is not closed.
const reportTorn = 1 << 20

// OpenReport opens the file called name, behind the whole rows that it holds when more is
// true. It must be none of the others. With an empty name the report is off.
func OpenReport(name string, more bool, others ...string) (*Report, error) {
	r := new(Report)
	if name == "" {
		return r, nil
	}
	ext := strings.ToLower(filepath.Ext(name))
	if ext != ".csv" && ext != ".jsonl" && ext != ".ndjson" {
		return nil, exit.UsageError("--report", "expected a name that ends in .csv, .jsonl or .ndjson, got %q", name)
	}
	r.csv = ext == ".csv"
	before, err := os.Stat(name)
	for _, other := range others {
		if o, failed := os.Stat(other); err == nil && failed == nil && os.SameFile(before, o) {
			return nil, exit.UsageError("--report", "expected a file of its own, %s is in use by the same import", name)
		}
	}
	isNew := err != nil
	regular := isNew || before.Mode().IsRegular()
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if regular {
		mode = os.O_CREATE | os.O_RDWR | os.O_APPEND
	}
	if r.disk, err = os.OpenFile(name, mode, 0o600); err != nil {
		return nil, exit.UsageError("--report", "cannot write the file: %v", err)
	}
	size := int64(0)
	if regular {
		size, err = r.goOn(name, more)
	}
	if err == nil && regular && !isNew {
		err = journal.Private("--report", r.disk)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	var disk journal.Disk = r.disk
	if !regular {
		disk = stream{r.disk}
	}
	r.file = journal.NewFile(name, disk, size)
	if r.csv && size == 0 {
		r.file.Append(csvRecord(reportColumns))
	}
	if isNew {
		journal.SyncDir(filepath.Dir(name))
	}
	if err := r.file.Failed(); err != nil {
		r.Close()
		return nil, exit.UsageError("--report", "%v", err)
	}
	return r, nil
}

// goOn returns the length of the whole rows that an earlier import left, and cuts off
// what a crash left of the next.
func (r *Report) goOn(name string, more bool) (int64, error) {
	info, err := r.disk.Stat()
	if err != nil {
		return 0, exit.UsageError("--report", "cannot read the file: %v", err)
	}
	size := info.Size()
	if !more {
		if size == 0 || r.csv && onlyHead(r.disk, size) {
			return size, nil
		}
		return 0, exit.UsageError("--report", "%s is there already and not empty; name a new file, or go on with --results FILE --resume", name)
	}
	whole, err := wholeLines(r.disk, size)
	if r.csv {
		whole, err = wholeRecords(r.disk, size)
	}
	if err == nil && size-whole > reportTorn {
		err = errors.New("its last row is not closed")
	}
	if err != nil {
		return 0, exit.UsageError("--report", "%s is not a report to go on with: %v", name, err)
	}
	if whole < size {
		torn := make([]byte, size-whole)
		if _, err = r.disk.ReadAt(torn, whole); err == nil {
			err = r.disk.Truncate(whole)
		}
		if err != nil {
			return 0, exit.UsageError("--report", "cannot cut off an unfinished row: %v", err)
		}
		r.torn = string(torn)
	}
	return whole, nil
}

// onlyHead reports whether a report of that size holds its columns and no row: an
// import that had nothing to report leaves one.
func onlyHead(r io.ReaderAt, size int64) bool {
	head := csvRecord(reportColumns)
	if size != int64(len(head)) {
		return false
	}
	data := make([]byte, size)
	_, err := r.ReadAt(data, 0)
	return err == nil && bytes.Equal(data, head)
}

// wholeLines is the length of the lines that have their line break.
func wholeLines(r io.ReaderAt, size int64) (int64, error) {
	in := bufio.NewReader(io.NewSectionReader(r, 0, size))
	var whole int64
	for {
		line, err := in.ReadSlice('\n')
		n := int64(len(line))
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = in.ReadSlice('\n')
			n += int64(len(line))
		}
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		if err != nil {
			return 0, err
		}
		whole += n
	}
}

// wholeRecords is the length of the rows of CSV that have their line break. A cell in
// quotes may hold line breaks too.
func wholeRecords(r io.ReaderAt, size int64) (int64, error) {
	in := csv.NewReader(io.NewSectionReader(r, 0, size))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	var whole int64
	for {
		record, err := in.Read()
		at := in.InputOffset()
		ended := make([]byte, 1)
		if at > 0 {
			if _, failed := r.ReadAt(ended, at-1); failed != nil {
				return 0, failed
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return whole, nil
		case at == size && (errors.As(err, new(*csv.ParseError)) || ended[0] != '\n'):
			return whole, nil // the last one is torn, which the caller cuts off
		case err != nil:
			return 0, err
		case whole == 0 && !isHead(record):
			return 0, fmt.Errorf("expected the columns %s", strings.Join(reportColumns, ","))
		case len(record) != len(reportColumns):
			line, _ := in.FieldPos(0)
			return 0, fmt.Errorf("line %d: expected %d cells, got %d", line, len(reportColumns), len(record))
		}
		whole = at
	}
}

// isHead reports whether a row has the names of the columns. Spreadsheets write a byte
// order mark before them.
func isHead(record []string) bool {
	record = slices.Clone(record)
	record[0] = strings.TrimPrefix(record[0], "\ufeff")
	return slices.Equal(record, reportColumns)
}

// stream is a report that is no file: nothing is taken back, and no disk waited for.
type stream struct{ *os.File }

func (stream) Sync() error                    { return nil }
func (stream) Truncate(int64) error           { return nil }
func (stream) Seek(int64, int) (int64, error) { return 0, nil }

// On reports whether there is a file for the report.
func (r *Report) On() bool { return r.file != nil }

// Torn returns the unfinished row that was cut off when the report was opened.
func (r *Report) Torn() string { return r.torn }

// dropped reports whether a note says that something of the row was lost. Other
// notes are often the same for every row.
func dropped(n provider.Note) bool { return n.Action == provider.NoteDropped }

// toLookAt reports whether a person must look at a row: it is not known to be stored, or
// something of it was lost.
func toLookAt(row provider.ImportResult) bool {
	switch journal.RowState(row) {
	case string(provider.ContactCreated), string(provider.ContactUpdated), string(provider.ContactStored):
		return slices.ContainsFunc(row.Receipt.Notes, dropped)
	}
	return true
}

// Row writes a row to look at; line is where it begins.
func (r *Report) Row(line int, row provider.ImportResult) error {
	if !r.On() || !toLookAt(row) {
		return nil
	}
	if err := r.file.Failed(); err != nil {
		return err
	}
	out := reportRow{Line: line, Email: row.Email, State: journal.RowState(row)}
	if row.Err != nil {
		e := exit.ProviderError(row.Err)
		out.Error, out.Message = e.Kind, strings.TrimPrefix(e.Field+": "+e.Message, ": ")
	}
	if row.Receipt != nil {
		out.Notes = row.Receipt.Notes
	}
	record := csvRecord([]string{strconv.Itoa(out.Line), guard(out.Email), out.State, string(out.Error), guard(out.Message), guard(terminal.NoteTexts(out.Notes))})
	if !r.csv {
		data, err := terminal.Marshal(out)
		if err != nil {
			return err
		}
		record = append(data, '\n')
	}
	if r.file.Append(record) {
		r.rows++
	}
	return r.file.Failed()
}

// csvRecord is a row of CSV, with its line break.
func csvRecord(cells []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // to memory
	w.Flush()
	return b.Bytes()
}

// Safe waits until the disk has what was told. Once it failed it fails for ever.
func (r *Report) Safe() error {
	if !r.On() {
		return nil
	}
	return r.file.Safe()
}

// Failed returns the first error of writing.
func (r *Report) Failed() error {
	if !r.On() {
		return nil
	}
	return r.file.Failed()
}

// Through makes the report write through what wrap returns. Tests make a disk full with it.
func (r *Report) Through(wrap func(journal.Disk) journal.Disk) { r.file.Through(wrap) }

// Told returns how many rows were written.
func (r *Report) Told() int { return r.rows }

// Close ends the report. What it holds was written row by row.
func (r *Report) Close() {
	if r.disk != nil {
		_ = r.disk.Close()
	}
}
