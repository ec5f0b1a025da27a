package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Table prints rows in columns. Widths are counted in runes, which is right for
// Latin, Cyrillic and, but for combining marks, Persian.
//
// The head comes with the first row, or at the end: before that a failure may
// still be all there is to tell.
type Table struct {
	to   *Output
	head []string
	text bytes.Buffer
	w    *tabwriter.Writer
}

// NewTable returns a table that writes to out under the names of columns in head, if any.
func NewTable(out *Output, head ...string) *Table {
	t := &Table{to: out, head: head}
	t.w = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	return t
}

// Row adds a row. Its cells are made harmless for a terminal.
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
		_, _ = t.to.write([]byte(strings.TrimRight(line, " \n") + "\n"))
	}
	t.text.Reset()
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
