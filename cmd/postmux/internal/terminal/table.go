package terminal

import (
	"iter"
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

// column is how narrow a column gets: to its longest cell, word, and part of a word.
type column struct{ cell, word, part int }

// longWord is the width above which a word counts as its parts: an id or a URL does not
// push all other columns together.
const longWord = 32

func (c *column) add(text string) {
	c.cell = max(c.cell, uniseg.StringWidth(text))
	for word := range strings.SplitSeq(text, " ") {
		part := 0
		for strong := range parts(word, marks[0]) {
			for weak := range parts(strong, marks[1]) {
				part = max(part, uniseg.StringWidth(weak))
			}
		}
		c.part = max(c.part, part)
		if whole := uniseg.StringWidth(word); whole <= longWord {
			part = whole
		}
		c.word = max(c.word, part)
	}
}

// fit returns the widths of the columns of rows so that a line takes at most width cells of
// the output; 0 is any number. The widest columns give way: as far as no word is broken,
// then as far as words are broken behind marks alone, at last wherever it is. The first
// column holds names and gives way after the others, unless it takes more than half.
func fit(rows [][]string, width int) []int {
	var columns []column
	for _, row := range rows {
		for i, c := range row {
			if i == len(columns) {
				columns = append(columns, column{})
			}
			columns[i].add(c)
		}
	}
	over := (len(columns)-1)*len(gap) - width
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.cell
		over += c.cell
	}
	if width == 0 || len(columns) == 0 {
		return widths
	}
	first := 0
	if len(columns) > 1 && widths[0] <= width/2 {
		first = 1
	}
	for _, floor := range []func(column) int{
		func(c column) int { return c.word },
		func(c column) int { return c.part },
		func(column) int { return narrowest },
	} {
		for _, from := range []int{first, 0} {
			for ; over > 0; over-- {
				widest := -1
				for i := from; i < len(widths); i++ {
					if widths[i] > max(floor(columns[i]), narrowest) && (widest < 0 || widths[i] > widths[widest]) {
						widest = i
					}
				}
				if widest < 0 {
					break
				}
				widths[widest]--
			}
		}
	}
	return widths
}

// marks are the signs behind which a word may be broken, the better ones first.
var marks = []string{"./@:", "_-"}

// parts are the parts of a word, each with the mark at its end.
func parts(word, marks string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word != "" {
			end := len(word)
			if i := strings.IndexAny(word, marks); i >= 0 {
				end = i + 1
			}
			if !yield(word[:end]) {
				return
			}
			word = word[end:]
		}
	}
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
	cells := func(s string) int { return uniseg.StringWidth(strings.TrimRight(s, " ")) }
	var put func(text string, level int)
	put = func(text string, level int) {
		if cells(line+text) > width && cells(text) <= width {
			next()
		}
		switch {
		case cells(line+text) <= width:
			line += text
		case level < len(marks):
			for part := range parts(text, marks[level]) {
				put(part, level+1)
			}
		default:
			for letters := uniseg.NewGraphemes(text); letters.Next(); {
				if cells(line+letters.Str()) > width {
					next()
				}
				line += letters.Str()
			}
		}
	}
	for _, word := range strings.SplitAfter(text, " ") {
		if cells(line+word) > width {
			next()
		}
		put(word, 0)
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
