package terminal

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Table prints rows in columns, as wide as the output: where all cells do not fit into its
// lines, the widest columns are broken into lines of their own. Nothing is cut off. A word
// for a state stands in a colour where the output has colours.
//
// The head comes with the first row, or at the end: before that a failure may
// still be all there is to tell.
type Table struct {
	to   *Output
	head []string
	rows [][]string
}

// narrowest is how narrow a column gets at most.
const narrowest = 8

// gap is between columns.
const gap = "  "

// NewTable returns a table that writes to out under the names of columns in head, if any.
func NewTable(out *Output, head ...string) *Table { return &Table{to: out, head: head} }

// Row adds a row. Its cells are made harmless for a terminal.
func (t *Table) Row(cells ...string) {
	if head := t.head; len(head) > 0 {
		t.head = nil
		t.Row(head...)
	}
	for i, c := range cells {
		cells[i] = Printable(c)
	}
	t.rows = append(t.rows, cells)
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
	widths := fit(t.rows, t.to.width)
	for _, row := range t.rows {
		var cells [][]string
		height := 1
		for i, c := range row {
			lines := broken(c, widths[i])
			cells = append(cells, lines)
			height = max(height, len(lines))
		}
		for n := range height {
			var line strings.Builder
			blanks := 0
			for i, lines := range cells {
				text := ""
				if n < len(lines) {
					text = lines[n]
				}
				if text != "" {
					line.WriteString(strings.Repeat(" ", blanks))
					line.WriteString(t.to.coloured(text, row[i]))
					blanks = 0
				}
				blanks += widths[i] - uniseg.StringWidth(text) + len(gap)
			}
			_, _ = t.to.write([]byte(line.String() + "\n"))
		}
	}
	t.rows = nil
}

// fit returns the widths of the columns of rows so that a line takes at most width cells of
// the output; 0 is any number. The widest columns give way, but not the first one, which
// holds names, as long as it takes no more than half.
func fit(rows [][]string, width int) []int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	over := (len(widths) - 1) * len(gap)
	for _, w := range widths {
		over += w
	}
	first := 0
	if len(widths) > 1 && widths[0] <= width/2 {
		first = 1
	}
	for over -= width; width > 0 && over > 0; over-- {
		widest := first
		for i := first; i < len(widths); i++ {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= narrowest {
			break
		}
		widths[widest]--
	}
	return widths
}

// broken returns text in lines of at most width cells: between words where it can be, else
// inside a word, behind a mark if there is one.
func broken(text string, width int) []string {
	if uniseg.StringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	next := func() {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
		line = ""
	}
	fits := func(more string) bool { return uniseg.StringWidth(line+strings.TrimRight(more, " ")) <= width }
	for _, word := range strings.SplitAfter(text, " ") {
		if !fits(word) {
			next()
		}
		if fits(word) {
			line += word
			continue
		}
		for letters := uniseg.NewGraphemes(word); letters.Next(); {
			if !fits(letters.Str()) {
				tail := ""
				if i := strings.LastIndexAny(line, "._-/@:"); i > len(line)/2 {
					line, tail = line[:i+1], line[i+1:]
				}
				next()
				line = tail
			}
			line += letters.Str()
		}
	}
	next()
	return lines
}

// Wrap returns the paragraphs of text in lines of at most width cells. Lines that begin
// with a blank stay as they are.
func Wrap(text string, width int) string {
	var out []string
	paragraph := ""
	end := func() {
		if paragraph != "" {
			out = append(out, broken(paragraph, width)...)
		}
		paragraph = ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || strings.HasPrefix(line, " ") {
			end()
			out = append(out, line)
			continue
		}
		paragraph = strings.TrimSpace(paragraph + " " + line)
	}
	end()
	return strings.Join(out, "\n")
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

// The colours of words for states: what went well, what needs a look, what failed.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

var colours = map[string]string{
	"accepted": green, "sent": green, "delivered": green, "opened": green, "clicked": green, "ok": green,
	"created": green, "updated": green, "unchanged": green, "done": green, "withdrawn": green,
	"unknown": yellow, "scheduled": yellow, "deferred": yellow, "see notes": yellow, "partly_accepted": yellow, "queued": yellow, "enqueued": yellow,
	"refused": red, "failed": red, "bounced": red, "rejected": red, "complained": red, "conflict": red,
}

// coloured returns text, a line of a cell, in the colour of the cell.
func (o *Output) coloured(text, cell string) string {
	if colour := colours[cell]; o.colour && colour != "" {
		return colour + text + plain
	}
	return text
}
