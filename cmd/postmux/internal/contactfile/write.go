package contactfile

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/cellguard"
	"github.com/postmux/postmux/internal/lines"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// Form is the form in which contacts are written.
type Form struct {
	CSV    bool     // else lines of JSON
	Fields []string // columns for these further fields only; nil for each field that any contact has
	Raw    bool     // cells that a spreadsheet takes for formulas stay as they are
	Mark   bool     // CSV begins with a byte order mark, by which spreadsheets know UTF-8
}

// guard makes cells safe for spreadsheets, unless the form has them as they are.
func (f Form) guard(cells []string) {
	if f.Raw {
		return
	}
	for i := range cells {
		cells[i] = cellguard.Guard(cells[i])
	}
}

// Summary tells what a file of contacts holds and what it does not.
type Summary struct {
	Contacts int
	Unseen   []string // of the fields that were asked for, those that no contact has
	Lost     contactrows.Lost
}

// Write writes all contacts of the spool in the form of a contact file.
func (s *Spool) Write(to io.Writer, form Form) (Summary, error) {
	w := bufio.NewWriterSize(to, 256<<10)
	var sum Summary
	var err error
	if form.CSV {
		sum, err = s.writeCSV(w, form)
	} else {
		err = s.each(func(line []byte, _ *provider.Contact) error {
			sum.Contacts++
			_, err := w.Write(append(line, '\n'))
			return err
		})
	}
	if err == nil {
		err = w.Flush()
	}
	return sum, err
}

func (s *Spool) writeCSV(to io.Writer, form Form) (Summary, error) {
	var sum Summary
	fields := form.Fields
	if fields == nil {
		all := make(map[string]bool)
		if err := s.each(func(_ []byte, c *provider.Contact) error {
			for name := range c.Fields {
				all[name] = true
			}
			return nil
		}); err != nil {
			return sum, err
		}
		fields = slices.Sorted(maps.Keys(all))
	}
	if form.Mark {
		if _, err := to.Write(lines.ByteOrderMark); err != nil {
			return sum, err
		}
	}
	w := csv.NewWriter(to)
	columns := slices.Clone(contactrows.Columns)
	for _, name := range fields {
		columns = append(columns, "field."+name)
	}
	form.guard(columns)
	if err := w.Write(columns); err != nil {
		return sum, err
	}
	sum.Unseen = slices.Clone(form.Fields)
	err := s.each(func(_ []byte, c *provider.Contact) error {
		sum.Contacts++
		sum.Unseen = slices.DeleteFunc(sum.Unseen, func(name string) bool { return c.Fields[name] != nil })
		cells, out := csvCells(c, fields)
		sum.Lost.Add(out)
		form.guard(cells)
		return w.Write(cells)
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return sum, err
}

// csvCells are the cells of a contact, in the order of contactrows.Columns and fields.
func csvCells(c *provider.Contact, fields []string) ([]string, contactrows.Lost) {
	status, lists, out := contactrows.Consent(c)
	cells := []string{c.Email}
	for _, f := range contactrows.OwnFields {
		cells = append(cells, f.Of(c))
	}
	cells = append(cells, strings.Join(lists, ";"), string(status))
	for _, name := range fields {
		text, isList := fieldCell(c.Fields[name])
		if isList {
			out.Values++
		}
		cells = append(cells, text)
	}
	return cells, out
}

// fieldCell is the value of a field as a cell.
func fieldCell(v any) (text string, asList bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, false
	case []string:
		return strings.Join(v, ";"), true
	case []any:
		texts := make([]string, len(v))
		for i, x := range v {
			texts[i] = fmt.Sprint(x)
		}
		return strings.Join(texts, ";"), true
	}
	data, err := terminal.Marshal(v)
	if err != nil {
		return fmt.Sprint(v), false
	}
	return string(data), false
}

// LostSentence tells what CSV cannot say of contacts; empty when it says all.
func LostSentence(l contactrows.Lost) string {
	var parts []string
	if l.Memberships > 0 {
		parts = append(parts, terminal.Plural(l.Memberships, "membership that is over or not confirmed", "memberships that are over or not confirmed"))
	}
	if l.Suppressions > 0 {
		parts = append(parts, terminal.Plural(l.Suppressions, "suppression", "suppressions")+" of SMS, of transactional mail or of one sender")
	}
	if len(parts) == 0 {
		return ""
	}
	return "left out, because a row cannot say it: " + strings.Join(parts, ", ")
}
