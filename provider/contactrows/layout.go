package contactrows

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/postmux/postmux/internal/charset"
	"github.com/postmux/postmux/internal/lines"
	"github.com/postmux/postmux/internal/mailaddr"
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

// Need is what is needed of the rows of a file.
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

// Question is something about a file that is not certain. Setting names what answers it,
// as the Options do: encoding, delimiter, map, status.
type Question struct {
	Setting string
	Value   string // a proposal for the setting; empty when there is none
	Text    string // what is not certain
	// Guessed is true when the layout goes by Value until something else is given; without
	// it the file cannot be read before the question is answered.
	Guessed bool
}

// headMost is how much of a file is looked at for its form. Its first row must end in it.
const headMost = 64 << 10

// delimiters are those that are recognised.
const delimiters = ",;\t|"

// Recognize tells how a file is to be read. It reads r to its end, but keeps a part alone:
// for an input that can be read only once r has its beginning. name may say the form, and
// that the file is one of people who get no mail. The error is about a file or an option
// that makes no sense; what is not certain is told by Questions.
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
	if cells, bad := notText(records[0], l.charset); bad {
		return provider.Invalid("", "line 1: %s", wantText(l.charset, cells))
	}
	return l.recognizeColumns(records[0])
}

// recognizeDelimiter takes the delimiter that is the only possible one, or guesses: the
// one with most known names, and then with most cells.
func (l *Layout) recognizeDelimiter(text []byte) {
	const rows = 50
	type candidate struct {
		delimiter   rune
		cells       int
		known, even bool
	}
	var all []candidate
	for _, d := range delimiters {
		records, err := sample(text, d, rows)
		if len(records) == 0 || len(records[0]) < 2 {
			continue
		}
		c := candidate{delimiter: d, cells: len(records[0])}
		c.even = (err == nil || errors.Is(err, io.EOF)) && !slices.ContainsFunc(records, func(r []string) bool { return len(r) != c.cells })
		c.known = slices.ContainsFunc(records[0], func(name string) bool { return headers[plain(name)] == targetEmail })
		all = append(all, c)
	}
	l.Delimiter = ','
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		rank := func(c candidate) int {
			n := c.cells
			if c.known {
				n += 1 << 20
			}
			if c.even {
				n += 1 << 10
			}
			return n
		}
		return rank(b) - rank(a)
	})
	l.Delimiter = all[0].delimiter
	if len(all) > 1 && (all[0].known == all[1].known) && (all[0].even == all[1].even) {
		l.guesses = append(l.guesses, Question{
			"delimiter", DelimiterName(l.Delimiter), fmt.Sprintf("cells may be separated by %s or by %s", DelimiterName(all[0].delimiter), DelimiterName(all[1].delimiter)), true,
		})
	}
}

// DelimiterName is a delimiter in words for people: comma, semicolon, tab, bar, or itself.
func DelimiterName(d rune) string {
	switch d {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "bar"
	}
	return string(d)
}

// sample reads the first records of a text that are not empty.
func sample(text []byte, delimiter rune, most int) (records [][]string, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, lines.ByteOrderMark)))
	r.Comma, r.FieldsPerRecord = delimiter, -1
	for len(records) < most {
		record, err := r.Read()
		if err != nil {
			return records, err
		}
		if !empty(record) {
			records = append(records, record)
		}
	}
	return records, nil
}

func empty(cells []string) bool {
	for _, c := range cells {
		if trim(c) != "" {
			return false
		}
	}
	return true
}

// recognizeColumns tells what the columns are, by the first row that is not empty.
func (l *Layout) recognizeColumns(head []string) error {
	l.head = head
	addressed := func(cell string) bool { return strings.Contains(cell, "@") && mailaddr.Check(trimmed(cell)) == nil }
	if slices.ContainsFunc(head, addressed) {
		l.Headless, l.head = true, nil
		known := false
		for i, cell := range head {
			c := Column{Name: fmt.Sprintf("column %d", i+1)}
			if !known && addressed(cell) {
				c.Target, c.Why, known = targetEmail, "holds an address", true
			}
			l.Columns = append(l.Columns, c)
		}
	} else {
		for _, name := range head {
			l.Columns = append(l.Columns, Column{Name: trimmed(name)})
		}
	}
	if err := l.takeMapping(); err != nil {
		return err
	}
	own := l.programs()
	for i := range l.Columns {
		l.recognizeColumn(&l.Columns[i], own)
	}
	l.wholeName()
	if !l.has(targetEmail) {
		l.guesses = append(l.guesses, Question{Setting: "map", Text: "no column is one of mail addresses"})
	}
	l.twice()
	return nil
}

// takeMapping gives the columns the targets of the options.
func (l *Layout) takeMapping() error {
	for name, target := range l.opts.Map {
		same := func(c Column) bool { return c.Name == trim(name) }
		if !slices.ContainsFunc(l.Columns, same) {
			same = func(c Column) bool { return plain(c.Name) == plain(name) && plain(name) != "" }
		}
		found := false
		for i, c := range l.Columns {
			if same(c) {
				l.Columns[i].Target, l.Columns[i].Why, found = target, "as given", true
			}
		}
		if !found {
			var names []string
			for _, c := range l.Columns {
				names = append(names, c.Name)
			}
			return provider.Invalid("map", "no column is called %q; the file has %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// programs are those whose export the file may be.
func (l *Layout) programs() []program {
	var out []program
	for _, p := range programs {
		if slices.ContainsFunc(l.Columns, func(c Column) bool { return slices.Contains(p.marks, plain(c.Name)) }) {
			out = append(out, p)
		}
	}
	return out
}

func (l *Layout) recognizeColumn(c *Column, own []program) {
	name := plain(c.Name)
	target := headers[name]
	if len(c.Name) > len(fieldPrefix) && strings.EqualFold(c.Name[:len(fieldPrefix)], fieldPrefix) {
		target = fieldPrefix + trim(c.Name[len(fieldPrefix):])
	}
	if target == targetStatus || target == targetSubscribed || slices.Contains(stopTargets, target) {
		c.standing = target
	}
	switch {
	case c.Why != "": // given, or an address
	case strings.HasPrefix(strings.ToLower(c.Name), OwnPrefix):
		c.Target, c.Why = LeaveOut, "of a report"
	case c.Name == "":
		c.Target, c.Why = LeaveOut, "has no name"
	case target != "":
		c.Target = target
		if c.Name != target {
			c.Why = "known"
		}
	case ownOf(own, name) != "":
		c.Target, c.Why = LeaveOut, "bookkeeping of "+ownOf(own, name)
	case l.opts.IgnoreUnknown, l.opts.Need != NeedAll:
		c.Target, c.Why = LeaveOut, "not known"
	}
	switch {
	case c.Target == targetEmail, c.Target == LeaveOut, c.Target == "", c.Target == targetName:
	case l.opts.Need == NeedAddress, l.opts.Need == NeedStanding && c.standing == "":
		c.Target, c.Why = LeaveOut, "not needed"
	}
	if l.opts.Need == NeedAddress {
		c.standing = ""
	}
}

// ownOf is the program that a column is about, and not about the person.
func ownOf(of []program, name string) string {
	for _, p := range of {
		if p.columns[name] {
			return p.name
		}
	}
	return ""
}

// wholeName decides about a column of whole names.
func (l *Layout) wholeName() {
	i := slices.IndexFunc(l.Columns, func(c Column) bool { return c.Target == targetName })
	if i < 0 {
		return
	}
	c := &l.Columns[i]
	switch first, last := l.has("first_name"), l.has("last_name"); {
	case l.opts.Need != NeedAll:
		c.Target, c.Why = LeaveOut, "not needed"
	case first && last:
		c.Target, c.Why = LeaveOut, "repeats the other names"
	case first:
		c.Target = "last_name"
	default:
		c.Target = "first_name"
	}
	if c.Target != LeaveOut {
		c.Why = "guessed"
		l.guesses = append(l.guesses, Question{"map", c.Name + "=" + c.Target, fmt.Sprintf("the column %q may hold a first, a last or a whole name", c.Name), true})
	}
	for j := range l.Columns { // a second one of the kind
		if l.Columns[j].Target == targetName {
			l.Columns[j].Target, l.Columns[j].Why = LeaveOut, "repeats the other names"
		}
	}
}

func (l *Layout) has(target string) bool {
	return slices.ContainsFunc(l.Columns, func(c Column) bool { return c.Target == target })
}

// twice asks about targets that two columns have. Of standing there may be several: the
// strongest stop counts.
func (l *Layout) twice() {
	for i, c := range l.Columns {
		if c.Target == "" || c.Target == LeaveOut || c.Target == targetStatus || slices.Contains(stopTargets, c.Target) {
			continue
		}
		before := slices.IndexFunc(l.Columns, func(x Column) bool { return x.Target == c.Target })
		if before < i {
			l.guesses = append(l.guesses, Question{Setting: "map", Value: c.Name + "=" + LeaveOut, Text: fmt.Sprintf(
				"the columns %q and %q are both %s", l.Columns[before].Name, c.Name, c.Target,
			)})
		}
	}
}

// Questions returns what is not certain about the file, as far as it was looked at: after
// Survey there are fewer, because a column without content, and a standing that each row
// states, ask nothing.
func (l *Layout) Questions() []Question {
	out := slices.Clone(l.guesses)
	for _, c := range l.Columns {
		if c.Target == "" && (l.Surveyed == nil || c.Filled > 0) {
			out = append(out, Question{Setting: "map", Value: c.Name + "=" + fieldPrefix + fieldName(c.Name), Text: fmt.Sprintf("the column %q is not known", c.Name)})
		}
	}
	if why := l.stops(); why != "" && l.opts.Status == "" && (l.Surveyed == nil || l.Surveyed.Unstated > 0) {
		out = append(out, Question{"status", string(provider.StatusUnsubscribed), why + ", and not each row says whether it is stopped", true})
	}
	return out
}

// fieldName is a proposal for the name of a field.
func fieldName(column string) string {
	return strings.Trim(strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, column)), "_")
}

// stops is why the file may be one of people who get no mail.
func (l *Layout) stops() string {
	if l.opts.Need == NeedAddress {
		return ""
	}
	if l.stopName {
		return "the name of the file says that its people get no mail"
	}
	for _, c := range l.Columns {
		if slices.Contains(stopTargets, c.Target) {
			return fmt.Sprintf("the column %q says that people get no mail", c.Name)
		}
	}
	return ""
}

// unstated is the standing of rows that state none.
func (l *Layout) unstated() provider.MembershipStatus {
	if l.opts.Status == "" && l.stops() != "" {
		return provider.StatusUnsubscribed
	}
	return l.opts.Status
}

// Certain returns an error that tells all Questions; nil when there are none.
func (l *Layout) Certain() error {
	var texts []string
	for _, q := range l.Questions() {
		text := q.Text + "; the setting " + q.Setting + " says it"
		if q.Value != "" {
			text += ": " + q.Value
		}
		texts = append(texts, text)
	}
	if texts == nil {
		return nil
	}
	return provider.Invalid("", "%s", strings.Join(texts, "\n  "))
}

// Head returns the names of the columns as they stand in the file; of a file without them,
// nil.
func (l *Layout) Head() []string { return slices.Clone(l.head) }

// Encode returns text in the encoding of the file where its characters are bytes, else in
// UTF-8; what it does not have becomes a ?.
func (l *Layout) Encode(text []byte) []byte { return l.charset.Encode(text) }

// Marked reports whether the file begins with a byte order mark.
func (l *Layout) Marked() bool { return l.marked }

// OneByte reports whether Encode writes the encoding of the file and not UTF-8.
func (l *Layout) OneByte() bool { return l.charset.OneByte() }

// Identity appends what the rows are read by, to tell another file or another reading by.
func (l *Layout) Identity(to []byte) []byte {
	to = fmt.Appendf(to, "%s %s %q %q %v\n", l.Form, l.Encoding, l.Delimiter, l.unstated(), l.opts.Lists)
	for _, c := range l.Columns {
		to = fmt.Appendf(to, "%d:%s%d:%s", len(c.Name), c.Name, len(c.Target), c.Target)
	}
	return append(to, '\n')
}

// HasLists reports whether rows may be put on lists: by a column or by the options.
func (l *Layout) HasLists() bool { return len(l.opts.Lists) > 0 || l.has(targetLists) }
