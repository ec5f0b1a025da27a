package main

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

// output is stdout; it keeps the first error of writing.
type output struct {
	w   io.Writer
	err error
}

// newOutput returns the output that goes to w.
func newOutput(w io.Writer) *output { return &output{w: w} }

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// document writes v as one indented JSON document.
func (o *output) document(v any) { o.encode(v, "  ") }

// line writes v as one line of NDJSON.
func (o *output) line(v any) { o.encode(v, "") }

func (o *output) encode(v any, indent string) {
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

// failed returns the first error of writing.
func (o *output) failed() error { return o.err }

// isTerminal reports whether the output goes to a terminal.
func (o *output) isTerminal() bool { return isTerminal(o.w) }

// indexed is v with the key index put first, for lines of a stream.
func indexed(i int, v any) json.RawMessage {
	data, err := marshal(v)
	if err != nil || len(data) < 2 || data[0] != '{' {
		data = fmt.Appendf(nil, `{"value":%s}`, data)
	}
	head := fmt.Appendf(nil, `{"index":%d`, i)
	if len(data) > len("{}") {
		head = append(head, ',')
	}
	return append(head, data[1:]...)
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// table prints rows in columns. Widths are counted in runes, which is right for
// Latin, Cyrillic and, but for combining marks, Persian.
//
// The head comes with the first row, or at the end: before that a failure may
// still be all there is to tell.
type table struct {
	to   io.Writer
	head []string
	text bytes.Buffer
	w    *tabwriter.Writer
}

func newTable(w io.Writer, head ...string) *table {
	t := &table{to: w, head: head}
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	return t
}

func (t *table) row(cells ...string) {
	if head := t.head; len(head) > 0 {
		t.head = nil
		t.row(head...)
	}
	for i, c := range cells {
		cells[i] = printable(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// end writes the rest, and the head of a table without rows.
func (t *table) end() {
	if head := t.head; len(head) > 0 {
		t.head = nil
		t.row(head...)
	}
	t.flush()
}

// flush writes the rows so far, without the blanks of empty cells at the end.
func (t *table) flush() {
	_ = t.w.Flush() // to a buffer
	for line := range strings.Lines(t.text.String()) {
		_, _ = io.WriteString(t.to, strings.TrimRight(line, " \n")+"\n")
	}
	t.text.Reset()
}

// printable makes text from a provider harmless for a terminal: no control
// sequence, no line break, nothing that turns the direction of the line.
func printable(s string) string {
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

// pairs prints "name  value" lines and leaves out empty values.
func (o *output) pairs(rows [][2]string) {
	t := newTable(o)
	for _, r := range rows {
		if r[1] != "" {
			t.row(r[0], r[1])
		}
	}
	t.flush()
}

func noteText(n provider.Note) string { return n.Field + " " + string(n.Action) + ": " + n.Why }

func noteTexts(notes []provider.Note) string {
	texts := make([]string, len(notes))
	for i, n := range notes {
		texts[i] = noteText(n)
	}
	return strings.Join(texts, "; ")
}

func plural(n int, one, many string) string {
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

// newSyncWriter returns a writer to w that is safe for concurrent use.
func newSyncWriter(w io.Writer) *syncWriter { return &syncWriter{w: w} }

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// isTerminal reports whether w is a terminal, as far as the standard library tells.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
