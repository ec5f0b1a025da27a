package contactfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/provider"
)

// Columns are the columns of a contact file, next to field.NAME.
var Columns = slices.Concat([]string{"email"}, OwnNames(), []string{"lists", "status"})

const fieldPrefix = "field."

// recordMost is the longest row that is read. A quote that is never closed would
// otherwise take the rest of the file for one cell.
const recordMost = 16 << 20

// csvRows reads contacts from CSV, row by row. An empty cell leaves the field alone.
type csvRows struct {
	r       *csv.Reader
	cap     *capped
	columns []string
	raw     []byte
}

// capped is a reader that ends when a single row takes too much.
type capped struct {
	r    io.Reader
	left int
}

var errLongRow = errors.New("longer than 16 MiB; is a quote not closed?")

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errLongRow
	}
	n, err := c.r.Read(p)
	c.left -= n
	return n, err
}

// newCSVRows reads the names of the columns.
func newCSVRows(r io.Reader) (*csvRows, error) {
	limit := &capped{r: r, left: recordMost}
	rows := &csvRows{r: csv.NewReader(limit), cap: limit}
	rows.r.ReuseRecord = true
	header, err := rows.r.Read()
	if errors.Is(err, io.EOF) {
		return nil, provider.Invalid("", "expected a line of column names, found an empty file")
	}
	if err != nil {
		return nil, csvError(err)
	}
	if err := checkUTF8(1, header, nil); err != nil {
		return nil, provider.Invalid("", "%s", err.Error())
	}
	for _, name := range header {
		rows.columns = append(rows.columns, unguard(name))
	}
	rows.raw = appendRaw(nil, header)
	return rows, checkColumns(rows.columns)
}

// next reads one row. A *RowProblem is about this row alone.
func (c *csvRows) next() (Row, error) {
	c.cap.left = recordMost
	record, err := c.r.Read()
	line := 0
	if len(record) > 0 {
		line, _ = c.r.FieldPos(0)
	}
	row := Row{Line: line}
	switch {
	case errors.Is(err, io.EOF):
		return row, io.EOF
	case errors.Is(err, csv.ErrFieldCount):
		return row, &RowProblem{line, fmt.Sprintf("expected %d cells, got %d", len(c.columns), len(record))}
	case err != nil:
		return row, csvError(err)
	}
	if err := checkUTF8(line, record, c.columns); err != nil {
		return row, err
	}
	row.Raw = appendRaw(c.raw, record) // with the names of the columns before the first row
	c.raw = row.Raw[:0]
	if row.Change, err = changeFromRecord(c.columns, record); err != nil {
		return row, &RowProblem{line, err.Error()}
	}
	return row, nil
}

func checkUTF8(line int, record, columns []string) error {
	for i, cell := range record {
		switch {
		case utf8.ValidString(cell):
		case i < len(columns):
			return &RowProblem{line, columns[i] + ": expected a CSV file in UTF-8"}
		default:
			return &RowProblem{line, "expected a CSV file in UTF-8"}
		}
	}
	return nil
}

// appendRaw writes cells so that different rows never look the same.
func appendRaw(to []byte, record []string) []byte {
	for _, cell := range record {
		to = fmt.Appendf(to, "%d:%s", len(cell), cell)
	}
	return append(to, '\n')
}

// csvError says where reading ended; what a bad file is, is the caller's fault,
// and an interrupt is none.
func csvError(err error) error {
	var p *csv.ParseError
	switch {
	case errors.As(err, &p):
		return provider.Invalid("", "line %d: %s", p.Line, p.Err.Error())
	case errors.Is(err, errLongRow):
		return provider.Invalid("", "a row is %s", err.Error())
	}
	return err
}

func checkColumns(columns []string) error {
	known := strings.Join(Columns, ", ") + ", " + fieldPrefix + "NAME"
	for i, c := range columns {
		switch name, isField := strings.CutPrefix(c, fieldPrefix); {
		case isField && name == "", !isField && !slices.Contains(Columns, c):
			hint := ""
			if strings.Contains(c, ";") {
				hint = "; the cells are separated by commas, only the lists inside a cell by ;"
			}
			return provider.Invalid("", "unknown column %q; known: %s%s", c, known, hint)
		case slices.Contains(columns[:i], c):
			return provider.Invalid("", "the column %q stands twice", c)
		}
	}
	if !slices.Contains(columns, "email") {
		return provider.Invalid("", "the column email is missing; known: %s", known)
	}
	return nil
}

func changeFromRecord(columns, record []string) (provider.ContactChange, error) {
	var c provider.ContactChange
	for i, cell := range record {
		cell = unguard(cell)
		if cell == "" {
			continue
		}
		switch columns[i] {
		case "email":
			c.Email = cell
		case "status":
			c.Status = provider.MembershipStatus(cell)
		case "lists":
			for name := range strings.SplitSeq(cell, ";") {
				ref := RefOf(strings.TrimSpace(name))
				if ref.IsZero() {
					return c, fmt.Errorf("lists: expected names separated by ;, got %q", cell)
				}
				c.Lists = append(c.Lists, ref)
			}
		default:
			if own := OwnFieldIn(&c, columns[i]); own != nil {
				*own = provider.ChangeTo(cell)
				continue
			}
			if c.Fields == nil {
				c.Fields = make(map[string]any)
			}
			c.Fields[strings.TrimPrefix(columns[i], fieldPrefix)] = cell
		}
	}
	return c, nil
}
