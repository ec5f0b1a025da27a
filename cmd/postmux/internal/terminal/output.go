package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/postmux/postmux/provider"
)

// Output is stdout; it keeps the first error of writing.
type Output struct {
	w   io.Writer
	err error
}

// NewOutput returns the output that goes to w.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

func (o *Output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// Document writes v as one indented JSON document.
func (o *Output) Document(v any) { o.encode(v, "  ") }

// Line writes v as one line of NDJSON.
func (o *Output) Line(v any) { o.encode(v, "") }

func (o *Output) encode(v any, indent string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil && o.err == nil {
		o.err = err
		return
	}
	_, _ = o.Write(b.Bytes())
}

// Failed returns the first error of writing.
func (o *Output) Failed() error { return o.err }

// IsTerminal reports whether the output goes to a terminal.
func (o *Output) IsTerminal() bool { return IsTerminal(o.w) }

// Indexed is v with the key index put first, for lines of a stream.
func Indexed(i int, v any) json.RawMessage {
	data, err := Marshal(v)
	if err != nil || len(data) < 2 || data[0] != '{' {
		data = fmt.Appendf(nil, `{"value":%s}`, data)
	}
	head := fmt.Appendf(nil, `{"index":%d`, i)
	if len(data) > len("{}") {
		head = append(head, ',')
	}
	return append(head, data[1:]...)
}

func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// Table prints rows in columns. Widths are counted in runes, which is right for
// Latin, Cyrillic and, but for combining marks, Persian.
//
// The head comes with the first row, or at the end: before that a failure may
// still be all there is to tell.
type Table struct {
	to   io.Writer
	head []string
	text bytes.Buffer
	w    *tabwriter.Writer
}

func NewTable(w io.Writer, head ...string) *Table {
	t := &Table{to: w, head: head}
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	return t
}

func (t *Table) Row(cells ...string) {
	if head := t.head; len(head) > 0 {
		t.head = nil
		t.Row(head...)
	}
	for i, c := range cells {
		cells[i] = Printable(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// End writes the rest, and the head of a table without rows.
func (t *Table) End() {
	if head := t.head; len(head) > 0 {
		t.head = nil
		t.Row(head...)
	}
	t.Flush()
}

// Flush writes the rows so far, without the blanks of empty cells at the end.
func (t *Table) Flush() {
	_ = t.w.Flush() // to a buffer
	for line := range strings.Lines(t.text.String()) {
		_, _ = io.WriteString(t.to, strings.TrimRight(line, " \n")+"\n")
	}
	t.text.Reset()
}

// Printable makes text from a provider harmless for a terminal: no control
// sequence, no line break, nothing that turns the direction of the line.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029:
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}

// Pairs prints "name  value" lines and leaves out empty values.
func (o *Output) Pairs(rows [][2]string) {
	t := NewTable(o)
	for _, r := range rows {
		if r[1] != "" {
			t.Row(r[0], r[1])
		}
	}
	t.Flush()
}

func NoteText(n provider.Note) string { return n.Field + " " + string(n.Action) + ": " + n.Why }

func NoteTexts(notes []provider.Note) string {
	texts := make([]string, len(notes))
	for i, n := range notes {
		texts[i] = NoteText(n)
	}
	return strings.Join(texts, "; ")
}

func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// syncWriter is a writer for several goroutines.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewSyncWriter returns a writer to w that is safe for concurrent use.
func NewSyncWriter(w io.Writer) *syncWriter { return &syncWriter{w: w} }

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// IsTerminal reports whether w is a terminal, as far as the standard library tells.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
