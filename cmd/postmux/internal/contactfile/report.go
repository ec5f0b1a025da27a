package contactfile

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/cellguard"
	"github.com/postmux/postmux/internal/lines"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// Report is the file with the rows of an import that somebody should look at. Each
// row is written at once; after an error of writing none is.
type Report struct {
	file    *journal.File // nil: off
	form    ReportForm
	to      *os.File
	regular bool // a file, and no pipe or device
	csv     bool // else lines of JSON
	rows    int
	torn    string
	kept    string // name of a report that was in the way
	made    bool   // the file is new
}

// ReportForm is the form of the rows of a report: that of the input, so that they can be
// corrected and imported again.
type ReportForm struct {
	// Lines is true for an input of lines of JSON.
	Lines bool
	// Delimiter stands between the cells, Head are the names of the input's columns.
	Delimiter rune
	Head      []string
	// Mark begins the report with a byte order mark, by which spreadsheets know UTF-8.
	Mark bool
	// Encode writes the encoding of the input; nil is UTF-8.
	Encode func([]byte) []byte
}

// FormOf is the form of a report on an input of this layout. Of spreadsheets, and of
// encodings whose characters are not bytes, it is UTF-8 with a byte order mark.
func FormOf(l *contactrows.Layout) ReportForm {
	if l.Form == contactrows.Lines {
		return ReportForm{Lines: true}
	}
	f := ReportForm{Delimiter: l.Delimiter, Encode: l.Encode, Mark: !l.OneByte() && l.Encoding != "utf-8" || l.Marked()}
	if l.Form == contactrows.Table {
		f.Delimiter, f.Mark = ',', true
	}
	for i, c := range l.Columns {
		name := c.Name
		switch head := l.Head(); {
		case isOwn(name):
			continue
		case head != nil:
			name = head[i]
		case c.Target != "" && c.Target != contactrows.LeaveOut:
			name = c.Target
		}
		f.Head = append(f.Head, name)
	}
	return f
}

// ownColumns are those of a report before the ones of the input.
var ownColumns = []string{contactrows.OwnPrefix + "line", contactrows.OwnPrefix + "state", contactrows.OwnPrefix + "reason"}

// Given is a row as it stands in the input.
type Given struct {
	Cells []string
	Text  []byte // of JSON
}

// GivenOf keeps how a row stands in the input, but for the columns of an earlier report.
func GivenOf(l *contactrows.Layout, row contactrows.Row) Given {
	var cells []string
	for i, cell := range row.Cells {
		if i >= len(l.Columns) || !isOwn(l.Columns[i].Name) {
			cells = append(cells, cell)
		}
	}
	return Given{cells, bytes.Clone(row.Text)}
}

// isOwn reports whether a column is one that a report adds.
func isOwn(name string) bool { return slices.Contains(ownColumns, strings.ToLower(name)) }

// reportRow is one row of a report in lines of JSON.
type reportRow struct {
	Line    int             `json:"line"` // of the input at which the row begins, from 1
	Email   string          `json:"email"`
	State   string          `json:"state"`
	Error   provider.Kind   `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
	Notes   []provider.Note `json:"notes,omitempty"`
	Row     any             `json:"row,omitempty"` // as it stands in the input
}

// reportTorn is the longest row that a crash may have torn. What is longer is not
// of an import, but has a quote that is not closed.
const reportTorn = 1 << 20

// OpenReport opens the file called name for rows of that form: behind the whole rows that it
// holds when more is true, else a new one, for which a report of an earlier import that is
// there moves to a numbered name. It must be none of the others. With an empty name the
// report is off.
func OpenReport(ctx context.Context, name string, form ReportForm, more bool, others ...string) (*Report, error) {
	r := &Report{form: form}
	if name == "" {
		return r, nil
	}
	ext := strings.ToLower(filepath.Ext(name))
	if ext != ".csv" && ext != ".jsonl" && ext != ".ndjson" {
		return nil, exit.UsageError("--report", "expected a name that ends in .csv, .jsonl or .ndjson, got %q", name)
	}
	r.csv = ext == ".csv"
	if r.csv && form.Lines {
		return nil, exit.UsageError("--report", "expected a name that ends in .jsonl: the rows of the input are lines of JSON, got %q", name)
	}
	for _, other := range others {
		if same(name, other) {
			return nil, exit.UsageError("--report", "expected a file of its own, %s is in use by the same import", name)
		}
	}
	size, err := r.open(name, more)
	if err != nil {
		r.Close()
		return nil, err
	}
	r.file = journal.NewFile(name, r.disk(ctx), size)
	if r.csv && size == 0 {
		r.file.Append(r.head())
	}
	err = r.file.Failed()
	if err == nil && size == 0 && r.regular {
		err = journal.SyncDir(ctx, filepath.Dir(name))
	}
	if err != nil {
		if r.made {
			_ = os.Remove(name) // nothing was told in it
		}
		r.Close()
		return nil, exit.UsageError("--report", "%v", err)
	}
	return r, nil
}

// open opens the file for this run alone, and returns the length of the whole rows that
// it goes on behind.
func (r *Report) open(name string, more bool) (size int64, err error) {
	info, err := os.Stat(name)
	isNew := err != nil
	r.regular = isNew || info.Mode().IsRegular()
	flags := os.O_CREATE | os.O_APPEND | os.O_RDWR
	if !r.regular {
		flags = os.O_WRONLY | os.O_APPEND
	}
	if r.to, err = os.OpenFile(name, flags, 0o600); err != nil {
		return 0, exit.UsageError("--report", "cannot write the file: %v", err)
	}
	if !r.regular {
		return 0, nil
	}
	if journal.Lock(r.to) {
		return 0, exit.UsageError("--report", "%s: another run is using it", name)
	}
	r.made = isNew
	if info, err = r.to.Stat(); err != nil {
		return 0, exit.UsageError("--report", "cannot read the file: %v", err)
	}
	size = info.Size()
	if err := r.checkReport(size); err != nil {
		return 0, exit.UsageError("--report", "%s is there already and is no report of an import (%v); name another file", name, err)
	}
	if err := journal.Private("--report", r.to); err != nil {
		return 0, err
	}
	switch {
	case more:
		return r.goOn(name, size)
	case size > 0 && (!r.csv || !headOnly(r.to, size)):
		return 0, r.moveAway(name)
	case r.csv:
		err = r.to.Truncate(0) // names of columns, or what a crash has left of them
		size = 0
	}
	if err != nil {
		err = exit.UsageError("--report", "cannot write the file: %v", err)
	}
	return size, err
}

// moveAway gives a report of an earlier import a numbered name, and makes a new file in its
// place.
func (r *Report) moveAway(name string) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // a link stays
	}
	old := r.to
	r.to = nil
	if runtime.GOOS == "windows" {
		_ = old.Close() // a file that is open cannot be moved there
	} else {
		defer func() { _ = old.Close() }() // until it has moved no other run takes it
	}
	ext := filepath.Ext(name)
	for n := 1; ; n++ {
		kept := fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, ext), n, ext)
		// The name is taken by a file before the report moves there: nothing is replaced.
		taken, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = taken.Close()
		}
		if err == nil {
			err = os.Rename(name, kept)
		}
		if err == nil {
			r.to, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_RDWR, 0o600)
		}
		if err != nil {
			return exit.UsageError("--report", "cannot keep the report of an earlier import: %v", err)
		}
		r.kept, r.made = kept, true
		if journal.Lock(r.to) {
			return exit.UsageError("--report", "%s: another run is using it", name)
		}
		return nil
	}
}

// checkReport returns why the beginning of a file is not that of a report. What a crash
// has left of one is.
func (r *Report) checkReport(size int64) error {
	if size == 0 {
		return nil
	}
	in := io.NewSectionReader(r.to, 0, min(size, reportTorn))
	if r.csv {
		if _, ok := ownHead(in); !ok {
			return fmt.Errorf("expected the columns %s", strings.Join(ownColumns, ","))
		}
		return nil
	}
	line, err := bufio.NewReader(in).ReadBytes('\n')
	if errors.Is(err, io.EOF) && size <= reportTorn {
		if own := []byte(`{"line":`); bytes.HasPrefix(line, own) || bytes.HasPrefix(own, line) {
			return nil
		}
	}
	var row reportRow
	if json.Unmarshal(line, &row) != nil || row.Line == 0 || row.State == "" {
		return errors.New("expected rows with line and state")
	}
	return nil
}

// ownHead reports whether a text begins as a report in CSV does, and the delimiter of its
// columns; it is 0 when the text ends before the second.
func ownHead(in io.Reader) (delimiter rune, ok bool) {
	text := make([]byte, 100)
	n, _ := io.ReadFull(in, text)
	rest := strings.TrimPrefix(string(text[:n]), "\ufeff")
	if n > 0 && n < 3 && strings.HasPrefix("\ufeff", string(text[:n])) {
		return 0, true
	}
	for i, name := range ownColumns {
		before := rest
		if rest, ok = strings.CutPrefix(rest, name); !ok {
			return delimiter, strings.HasPrefix(name, before)
		}
		if rest == "" {
			return delimiter, true
		}
		d, size := utf8.DecodeRuneInString(rest)
		if i == 0 {
			delimiter = d
		} else if i < len(ownColumns)-1 && d != delimiter {
			return 0, false
		}
		rest = rest[size:]
	}
	return delimiter, true
}

// goOn returns the length of the whole rows that an earlier import left, and cuts off
// what a crash left of the next.
func (r *Report) goOn(name string, size int64) (whole int64, err error) {
	if r.csv {
		whole, err = r.wholeRecords(size)
	} else {
		whole, err = wholeLines(r.to, size)
	}
	if err == nil && size-whole > reportTorn {
		err = errors.New("its last row is not closed")
	}
	if err != nil {
		return 0, exit.UsageError("--report", "%s is not a report to go on with: %v", name, err)
	}
	if whole < size {
		torn := make([]byte, size-whole)
		if _, err = r.to.ReadAt(torn, whole); err == nil {
			err = r.to.Truncate(whole)
		}
		if err != nil {
			return 0, exit.UsageError("--report", "cannot cut off an unfinished row: %v", err)
		}
		r.torn = string(torn)
	}
	return whole, nil
}

// head are the names of the columns, as they begin the file.
func (r *Report) head() []byte {
	var mark []byte
	if r.form.Mark {
		mark = lines.ByteOrderMark
	}
	return append(mark[:len(mark):len(mark)], r.record(slices.Concat(ownColumns, r.form.Head))...)
}

// record is a row of CSV in the encoding of the report. Cells are safe for spreadsheets; a
// reader takes off what makes them so.
func (r *Report) record(cells []string) []byte {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = cellguard.Guard(cellguard.Unguard(c))
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = cmp.Or(r.form.Delimiter, ',')
	_ = w.Write(safe) // to memory
	w.Flush()
	if r.form.Encode == nil {
		return b.Bytes()
	}
	return r.form.Encode(b.Bytes())
}

// headOnly reports whether a report of that size holds the names of columns, or their
// beginning, and no row: an import that had nothing to report leaves one.
func headOnly(r io.ReaderAt, size int64) bool {
	in := io.NewSectionReader(r, 0, size)
	delimiter, ok := ownHead(in)
	if !ok || delimiter == 0 {
		return ok
	}
	rows := csv.NewReader(io.NewSectionReader(r, 0, size))
	rows.Comma, rows.FieldsPerRecord, rows.LazyQuotes = delimiter, -1, true
	_, err := rows.Read()
	return err == nil && rows.InputOffset() == size
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
func (r *Report) wholeRecords(size int64) (int64, error) {
	in := csv.NewReader(io.NewSectionReader(r.to, 0, size))
	in.Comma, in.FieldsPerRecord, in.ReuseRecord = cmp.Or(r.form.Delimiter, ','), -1, true
	head := r.head()
	var whole int64
	for {
		_, err := in.Read()
		at := in.InputOffset()
		ended := make([]byte, 1)
		if at > 0 {
			if _, failed := r.to.ReadAt(ended, at-1); failed != nil {
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
		}
		if whole == 0 {
			begin := make([]byte, min(at, int64(len(head)+1)))
			if _, failed := r.to.ReadAt(begin, 0); failed != nil {
				return 0, failed
			}
			if !bytes.Equal(begin, head) {
				return 0, errors.New("its columns are not those of this input")
			}
		}
		whole = at
	}
}

// stream is a report that is no file: nothing is taken back, and no disk waited for.
type stream struct{ journal.Disk }

func (stream) Sync() error                    { return nil }
func (stream) Truncate(int64) error           { return nil }
func (stream) Seek(int64, int) (int64, error) { return 0, nil }

// disk is what the report is written to through.
func (r *Report) disk(ctx context.Context) journal.Disk {
	d := journal.DiskOf(ctx, r.to)
	if !r.regular {
		return stream{d}
	}
	return d
}

// On reports whether there is a file for the report.
func (r *Report) On() bool { return r.file != nil }

// Kept returns the name to which a report of an earlier import has moved; empty when none
// was there.
func (r *Report) Kept() string { return r.kept }

// Torn returns the unfinished row that was cut off when the report was opened.
func (r *Report) Torn() string { return r.torn }

// dropped reports whether a note says that something of the row was lost. Other
// notes are often the same for every row.
func dropped(n provider.Note) bool { return n.Action == provider.NoteDropped }

// toLookAt reports whether a person must look at a row: it is not known to be stored, or
// something of it was lost.
func toLookAt(row provider.ImportResult) bool {
	switch journal.RowState(row) {
	case string(provider.ContactCreated), string(provider.ContactUpdated), string(provider.ContactStored), string(provider.ContactDone):
		return slices.ContainsFunc(row.Receipt.Notes, dropped)
	}
	return true
}

// Row writes a row to look at; line is where it begins, given how it stands in the input.
func (r *Report) Row(line int, given Given, row provider.ImportResult) error {
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
	var record []byte
	if r.csv {
		reason := strings.TrimPrefix(strings.TrimSuffix(string(out.Error)+": "+out.Message, ": "), ": ")
		reason = strings.TrimPrefix(strings.TrimSuffix(reason+"; "+terminal.NoteTexts(out.Notes), "; "), "; ")
		record = r.record(slices.Concat([]string{strconv.Itoa(line), out.State, reason}, given.Cells))
	} else {
		data, err := terminal.Marshal(withRow(out, given))
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

// withRow adds what stands in the input: an object of JSON as it is, another line as a
// text, cells as texts.
func withRow(out reportRow, given Given) reportRow {
	switch {
	case given.Cells != nil:
		out.Row = given.Cells
	case bytes.HasPrefix(given.Text, []byte("{")) && json.Valid(given.Text):
		out.Row = json.RawMessage(contactrows.OfReport(given.Text))
	case given.Text != nil:
		out.Row = string(given.Text)
	}
	return out
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

// Told returns how many rows were written.
func (r *Report) Told() int { return r.rows }

// Close ends the report. What it holds was written row by row.
func (r *Report) Close() {
	if r.to != nil {
		_ = r.to.Close()
	}
}
