package contactrows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/charset"
	"github.com/postmux/postmux/internal/lines"
	"github.com/postmux/postmux/provider"
)

// recordMost is the longest row that is read. A quote that is never closed would
// otherwise take the rest of the file for one cell.
const recordMost = 16 << 20

// Row is a row of a contact file.
type Row struct {
	Line   int // the line of the file at which it begins, from 1; of a table, its row
	Change provider.ContactChange
	// Cells are those of CSV or a table as they stand in the file, Text is a line of JSON.
	// Both are valid until the next row.
	Cells []string
	Text  []byte
	Kept  Lost // what the row says and a change cannot carry
	// Stated reports whether the row says by itself whether it is stopped.
	Stated bool
}

// Identity appends the content of the row, so that different rows never look the same.
func (r *Row) Identity(to []byte) []byte {
	for _, cell := range r.Cells {
		to = fmt.Appendf(to, "%d:%s", len(cell), cell)
	}
	return append(append(to, r.Text...), '\n')
}

// Problem is wrong with one row; others can be read.
type Problem struct {
	Line  int
	Field string // what of the row; may be empty
	Text  string
}

// Error is the line and what is wrong there.
func (p *Problem) Error() string {
	return fmt.Sprintf("line %d: %s", p.Line, strings.TrimPrefix(p.Field+": "+p.Text, ": "))
}

// errLongRow is a row that takes too much.
var errLongRow = errors.New("longer than 16 MiB; is a quote not closed?")

// Rows iterates over the rows of the file, from its beginning. A *Problem is about one row,
// whose Line, Cells and Text are there, and the iteration goes on; any other error ends it.
// Rows without content are skipped.
func (l *Layout) Rows(r io.Reader) iter.Seq2[Row, error] {
	if l.Form == Lines {
		return l.all((&jsonRows{layout: l, lines: lines.New(l.decoded(r), recordMost)}).next)
	}
	in := newCSVRecords(l.decoded(r), l.Delimiter)
	if l.separator {
		in.skip = true
	}
	return l.RowsOf(in)
}

func (l *Layout) decoded(r io.Reader) io.Reader {
	r = l.charset.Reader(r)
	if l.returns {
		r = &unreturned{r}
	}
	return r
}

// RowsOf iterates over the rows of a table, from its first row on, as Rows does.
func (l *Layout) RowsOf(records Records) iter.Seq2[Row, error] {
	t := &tableRows{layout: l, in: records, head: !l.Headless}
	t.change.targets = l.targets()
	t.email = slices.IndexFunc(l.Columns, func(c Column) bool { return c.Target == targetEmail })
	return l.all(t.next)
}

func (*Layout) all(next func() (Row, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			row, err := next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(row, err) || err != nil && !errors.As(err, new(*Problem)) {
				return
			}
		}
	}
}

// unreturned reads lines that end in CR alone.
type unreturned struct{ r io.Reader }

func (u *unreturned) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// tableRows makes contacts of records.
type tableRows struct {
	layout *Layout
	in     Records
	head   bool // the next record with content is that of the names
	change builder
	email  int // the column of addresses; -1 for none
}

func (t *tableRows) next() (Row, error) {
	for {
		cells, line, err := t.in.Next()
		row := Row{Line: line, Cells: cells}
		problem, bad := errors.AsType[*Problem](err)
		if err != nil && !bad {
			return row, err
		}
		if !bad && empty(cells) {
			continue
		}
		if t.head {
			t.head = false
			continue
		}
		n := len(t.layout.Columns)
		for len(cells) > n && trim(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		if t.email >= 0 && t.email < len(cells) {
			row.Change.Email = trimmed(cells[t.email]) // also of a row that is refused
		}
		if problem != nil {
			return row, problem
		}
		if len(cells) != n && (t.layout.Form != Table || len(cells) > n) {
			return row, &Problem{Line: line, Text: fmt.Sprintf("expected %d cells, got %d", n, len(cells))}
		}
		if i, bad := notText(cells, t.layout.charset); bad {
			return row, &Problem{line, t.layout.Columns[i].Name, wantText(t.layout.charset)}
		}
		if p := t.layout.row(&t.change, cells, &row); p != nil {
			p.Line = line
			return row, p
		}
		return row, nil
	}
}

// notText finds a cell that is no text in the charset.
func notText(cells []string, c charset.Charset) (int, bool) {
	for i, cell := range cells {
		if !c.Decodes() && !utf8.ValidString(cell) || c.Decodes() && strings.ContainsRune(cell, utf8.RuneError) {
			return i, true
		}
	}
	return 0, false
}

func wantText(c charset.Charset) string {
	if c.Decodes() {
		return "expected text in " + c.String() + ", found bytes that stand for nothing in it"
	}
	return "expected text in UTF-8, found other bytes; the setting encoding names what it is in"
}

// csvRecords reads records of CSV, with the bytes of the last at hand.
type csvRecords struct {
	r    *csv.Reader
	in   window
	skip bool // the first record says which the delimiter is
}

// window keeps what was read and not yet passed, and ends when that is too much.
type window struct {
	r    io.Reader
	buf  []byte
	from int64 // offset of buf in the text
	left int   // bytes that may still be read for this record
}

func (w *window) Read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, errLongRow
	}
	n, err := w.r.Read(p)
	w.left -= n
	w.buf = append(w.buf, p[:n]...)
	return n, err
}

// pass forgets the text before offset, now and then.
func (w *window) pass(offset int64) {
	w.left = recordMost
	if n := int(offset - w.from); n > 64<<10 {
		w.buf = w.buf[:copy(w.buf, w.buf[n:])]
		w.from = offset
	}
}

func newCSVRecords(r io.Reader, delimiter rune) *csvRecords {
	c := &csvRecords{in: window{r: r, left: recordMost}}
	c.r = csv.NewReader(&c.in)
	c.r.Comma, c.r.FieldsPerRecord, c.r.ReuseRecord = delimiter, -1, true
	return c
}

// Next returns the next record. A *Problem is about a record whose quotes are wrong, and
// comes with the cells that it seems to have.
func (c *csvRecords) Next() ([]string, int, error) {
	begin := c.r.InputOffset()
	c.in.pass(begin)
	record, err := c.r.Read()
	if c.skip && err == nil {
		c.skip = false
		return c.Next()
	}
	if err == nil {
		line, _ := c.r.FieldPos(0)
		return record, line, nil
	}
	p, ok := errors.AsType[*csv.ParseError](err)
	if !ok || p.StartLine != p.Line {
		return nil, 0, csvError(err)
	}
	raw := c.in.buf[begin-c.in.from : c.r.InputOffset()-c.in.from]
	cells := strings.Split(string(bytes.TrimRight(raw, "\r\n")), string(c.r.Comma))
	return cells, p.Line, &Problem{Line: p.Line, Text: p.Err.Error()}
}

// csvError says where reading ended.
func csvError(err error) error {
	p, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case ok && p.StartLine != p.Line:
		return provider.Invalid("", "line %d: a quote that is opened there is not closed properly (line %d: %s)", p.StartLine, p.Line, p.Err.Error())
	case ok:
		return provider.Invalid("", "line %d: %s", p.Line, p.Err.Error())
	case errors.Is(err, errLongRow):
		return provider.Invalid("", "a row is %s", err.Error())
	}
	return err
}

// jsonRows reads contacts from lines of JSON: changes, whole contacts as an export writes
// them, or lines of a report that hold one of these.
type jsonRows struct {
	layout *Layout
	lines  *lines.Reader
}

func (j *jsonRows) next() (Row, error) {
	line, err := j.lines.Next()
	row := Row{Line: j.lines.Number(), Text: line}
	if err != nil {
		return row, err
	}
	var p *Problem
	if row.Change, row.Kept, row.Stated, p = j.layout.fromLine(line); p != nil {
		p.Line = row.Line
		return row, p
	}
	return row, nil
}

func (l *Layout) fromLine(line []byte) (change provider.ContactChange, lost Lost, stated bool, p *Problem) {
	var err error
	line = OfReport(line)
	if isWhole(line) {
		change, lost, err = l.changeOfContact(line)
		stated = true
	} else {
		change, err = provider.ParseContactChange(line)
		stated = change.Status != "" || len(change.Memberships)+len(change.Suppressed) > 0
	}
	if err != nil {
		return change, lost, stated, problemOf(err)
	}
	if l.opts.Phone != nil && change.Phone.IsSet() {
		number, err := l.opts.Phone(change.Phone.Value())
		if err != nil {
			return change, lost, stated, &Problem{Field: "phone", Text: err.Error()}
		}
		change.Phone = provider.ChangeTo(number)
	}
	if !stated {
		change.Status = l.unstated()
	}
	for _, list := range l.opts.Lists {
		if !slices.Contains(change.Lists, list) {
			change.Lists = append(change.Lists, list)
		}
	}
	return change, lost, stated, nil
}

func problemOf(err error) *Problem {
	if e, ok := errors.AsType[*provider.Error](err); ok {
		return &Problem{Field: e.Field, Text: strings.TrimSpace(e.Message)}
	}
	return &Problem{Text: err.Error()}
}

// OfReport returns the row that a line of a report in JSON holds; another line as it is.
func OfReport(line []byte) []byte {
	if !bytes.HasPrefix(line, []byte(`{"line":`)) {
		return line
	}
	var report struct {
		State *string         `json:"state"`
		Row   json.RawMessage `json:"row"`
	}
	if json.Unmarshal(line, &report) != nil || report.State == nil || !bytes.HasPrefix(report.Row, []byte("{")) {
		return line
	}
	return report.Row
}

// isWhole reports whether a line is a contact and no change of one: only a contact says
// what mail it does not get, and has times.
func isWhole(line []byte) bool {
	if !bytes.Contains(line, []byte(`"suppressed"`)) {
		return false
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(line, &keys) != nil {
		return false
	}
	_, has := keys["suppressed"]
	for _, key := range []string{"lists", "status"} { // a change has these
		if _, ok := keys[key]; ok {
			return false
		}
	}
	return has
}
