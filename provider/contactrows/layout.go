package contactrows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/charset"
	"github.com/postmux/postmux/provider"
)

// Options say how a file is to be read. What is zero is recognised.
type Options struct {
	// Encoding is a name like utf-8, utf-16, windows-1251, windows-1252, windows-1256,
	// koi8-r.
	Encoding string
	// Delimiter stands between the cells of CSV: a comma, a semicolon, a TAB or a bar.
	Delimiter rune
	// Map gives columns, by their names in the file, a target: a name of Columns,
	// field.NAME, subscribed, unsubscribed, bounced, complained or blocked for columns that
	// say so by yes and no or by a time, or LeaveOut.
	Map map[string]string
	// IgnoreUnknown leaves out columns whose names are not known.
	IgnoreUnknown bool
	// Lists are added to the lists of each row.
	Lists []provider.Ref
	// Status is the standing of rows that state none. It lifts no stop that a row states.
	Status provider.MembershipStatus
	// Phone converts a phone number of the file; nil leaves it as it is. It is called by
	// the goroutine that reads.
	Phone func(string) (string, error)
	// ListID returns the provider's id of a list, for the memberships of whole contacts;
	// nil takes only ids.
	ListID func(provider.Ref) (id string, ok bool)
	// Need says what of each row is needed.
	Need Need
}

// Need is the part of each row that the program uses.
type Need int

// What is needed of each row.
const (
	NeedAll      Need = iota // the contact
	NeedStanding             // the address, and whether it is stopped
	NeedAddress              // the address alone
)

// Form is the form of a file.
type Form string

// The forms.
const (
	CSV   Form = "CSV"           // cells with a delimiter between, a row a line
	Lines Form = "lines of JSON" // a contact, or a change of one, a line
	Table Form = "a spreadsheet" // Records
)

// Layout is how a file is read: what was recognised, and what was given.
type Layout struct {
	Form      Form
	Encoding  string
	Delimiter rune     // of CSV
	Columns   []Column // of CSV and tables
	Headless  bool     // the first row is one of data
	// Surveyed is what Survey has found in the whole file; nil before.
	Surveyed *Survey

	opts      Options
	charset   charset.Charset
	head      []string // the names as they stand in the file; nil when there are none
	returns   bool     // lines end in CR alone
	separator bool     // the first line says which the delimiter is
	marked    bool     // the file begins with a byte order mark
	stopName  bool     // the file's name says that its people get no mail
	guesses   []Question
}

// Column is a column of a file.
type Column struct {
	Name   string // in the file
	Target string // what it becomes, as in Options.Map; empty when that is not known
	Why    string // in words, how the target was found; empty when the name is the target
	Filled int    // cells with content, as Survey counted them

	standing string // the target that the name stands for, when it is one of standing
}

// headMost is how much of a file is looked at for its form. Its first row must end in it.
const headMost = 64 << 10

// Recognize tells how a file is to be read. It reads r to its end and keeps only a part of
// it. For an input that can be read only once, pass its beginning as r. name may show the
// form of the file, or that it is one of people who get no mail. The error is about a file
// or an option that makes no sense; Questions returns what is not certain.
func Recognize(name string, r io.Reader, o Options) (*Layout, error) {
	l, err := newLayout(name, o)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(r, headMost)
	head, err := in.Peek(headMost)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = bytes.Clone(head)
	var seen charset.Survey
	if _, err := io.Copy(&seen, in); err != nil {
		return nil, err
	}
	if err := l.recognizeCharset(&seen); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(l.charset.Reader(bytes.NewReader(head)))
	if err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("[")) && filepath.Ext(name) != ".csv" {
		return nil, provider.Invalid("", "expected CSV or lines of JSON, found a list of JSON; write one contact a line")
	}
	if l.Form = formOf(name, text); l.Form == Lines {
		if l.opts.Delimiter != 0 || len(l.opts.Map) > 0 {
			return nil, provider.Invalid("", "lines of JSON have neither columns nor a delimiter")
		}
		return l, nil
	}
	return l, l.recognizeCSV(text, len(head) == headMost)
}

// Records are the rows of a table that is no text: Next returns the cells of the next row
// and its number in the table, from 1, and io.EOF behind the last.
type Records interface {
	// Next returns the next row. A *Problem is about that row alone.
	Next() (cells []string, line int, err error)
}

// RecognizeTable tells how a table is to be read, by its first rows. It reads on in records.
func RecognizeTable(name string, records Records, o Options) (*Layout, error) {
	l, err := newLayout(name, o)
	if err != nil {
		return nil, err
	}
	l.Form = Table
	if o.Encoding != "" || o.Delimiter != 0 {
		return nil, provider.Invalid("", "a spreadsheet has neither an encoding nor a delimiter to give")
	}
	for {
		cells, _, err := records.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errEmpty()
		case err != nil:
			return nil, err
		case !empty(cells):
			return l, l.recognizeColumns(slices.Clone(cells))
		}
	}
}

func errEmpty() error {
	return provider.Invalid("", "expected a line of column names, found an empty file")
}

func newLayout(name string, o Options) (*Layout, error) {
	for column, target := range o.Map {
		if !isTarget(target) {
			return nil, provider.Invalid("map", "expected one of %s, got %q for %q", strings.Join(targets(), ", "), target, column)
		}
	}
	if o.Status != "" && o.Status != provider.StatusSubscribed && !o.Status.Terminal() {
		return nil, provider.Invalid("status", "expected subscribed, unsubscribed, bounced, complained or blocked, got %q", o.Status)
	}
	l := &Layout{opts: o, stopName: stopInName.MatchString(filepath.Base(name))}
	return l, nil
}

func (l *Layout) recognizeCharset(seen *charset.Survey) error {
	c, certain := seen.Charset()
	l.marked = seen.Marked()
	if l.opts.Encoding != "" {
		given, ok := charset.Named(l.opts.Encoding)
		if !ok {
			return provider.Invalid("encoding", "expected one of %s, got %q", strings.Join(charset.Names(), ", "), l.opts.Encoding)
		}
		if certain && c.Decodes() || !given.OneByte() && c != given && given.Decodes() && c.Decodes() {
			given = c // a byte order mark says which end comes first
		}
		c, certain = given, true
	}
	l.charset, l.Encoding = c, c.String()
	if !certain {
		l.guesses = append(l.guesses, Question{"encoding", c.String(), "the text is not UTF-8 and looks like " + c.String(), true})
	}
	return nil
}

// formOf returns the form of a text: the name tells, or else the first character.
func formOf(name string, text []byte) Form {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson":
		return Lines
	case ".csv", ".tsv", ".txt":
		return CSV
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return Lines
	}
	return CSV
}

// recognizeCSV finds the delimiter and the columns. torn says that text is only the
// beginning of the file.
func (l *Layout) recognizeCSV(text []byte, torn bool) error {
	if !bytes.ContainsRune(text, '\n') && bytes.ContainsRune(text, '\r') {
		l.returns = true
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	if torn {
		end := bytes.LastIndexByte(text, '\n')
		if end < 0 {
			return provider.Invalid("", "the first line is longer than %d KiB; is this a file of contacts?", headMost>>10)
		}
		text = text[:end+1]
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if sep, ok := strings.CutPrefix(strings.TrimSpace(string(first)), "sep="); ok && len([]rune(sep)) == 1 {
		l.separator = true
		if l.opts.Delimiter == 0 {
			l.Delimiter = []rune(sep)[0]
		}
		text = text[min(len(first)+1, len(text)):]
	}
	if l.opts.Delimiter != 0 {
		l.Delimiter = l.opts.Delimiter
	}
	if d := l.Delimiter; d == '"' || d == '\r' || d == '\n' || d == 0xfffd {
		return provider.Invalid("delimiter", "expected a comma, a semicolon, tab or a bar, got %q", d)
	}
	if l.Delimiter == 0 {
		l.recognizeDelimiter(text)
	}
	records, err := sample(text, l.Delimiter, 1)
	if len(records) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return errEmpty()
		}
		return csvError(err)
	}
	if _, bad := notText(records[0], l.charset); bad {
		return provider.Invalid("", "the names of the columns: %s", wantText(l.charset))
	}
	return l.recognizeColumns(records[0])
}

// Head returns the names of the columns as they stand in the file; of a file without them,
// nil.
func (l *Layout) Head() []string { return slices.Clone(l.head) }

// Encode returns text in the encoding of the file if that has one byte for each character,
// else in UTF-8. A character that the encoding lacks becomes a ?.
func (l *Layout) Encode(text []byte) []byte { return l.charset.Encode(text) }

// Marked reports whether the file begins with a byte order mark.
func (l *Layout) Marked() bool { return l.marked }

// OneByte reports whether Encode writes the encoding of the file and not UTF-8.
func (l *Layout) OneByte() bool { return l.charset.OneByte() }

// Identity appends to the bytes in to how the file is read: its form, columns and options.
// A program that goes on with an import compares it with that of the first run.
func (l *Layout) Identity(to []byte) []byte {
	to = fmt.Appendf(to, "%s %s %q %q %v\n", l.Form, l.Encoding, l.Delimiter, l.unstated(), l.opts.Lists)
	for _, c := range l.Columns {
		to = fmt.Appendf(to, "%d:%s%d:%s", len(c.Name), c.Name, len(c.Target), c.Target)
	}
	return append(to, '\n')
}

// HasLists reports whether rows may be put on lists: by a column or by the options.
func (l *Layout) HasLists() bool { return len(l.opts.Lists) > 0 || l.has(targetLists) }
