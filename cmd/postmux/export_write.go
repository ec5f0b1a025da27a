package main

import (
	"bufio"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
)

// writtenForm is the form in which contacts are written.
type writtenForm struct {
	csv    bool     // else lines of JSON
	fields []string // columns for these further fields only; nil for each field that any contact has
	raw    bool     // cells that a spreadsheet takes for formulas stay as they are
}

// written tells what a file of contacts holds and what it does not.
type written struct {
	contacts int
	unseen   []string // of the fields that were asked for, those that no contact has
	lost     lost
}

// write writes all contacts of the spool in the form of a contact file.
func (s *spool) write(to io.Writer, form writtenForm) (written, error) {
	w := bufio.NewWriterSize(to, 256<<10)
	var sum written
	var err error
	if form.csv {
		sum, err = s.writeCSV(w, form)
	} else {
		err = s.each(func(line []byte, _ *provider.Contact) error {
			sum.contacts++
			_, err := w.Write(append(line, '\n'))
			return err
		})
	}
	if err == nil {
		err = w.Flush()
	}
	return sum, err
}

func (s *spool) writeCSV(to io.Writer, form writtenForm) (written, error) {
	var sum written
	fields := form.fields
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
	w := csv.NewWriter(to)
	columns := slices.Clone(csvColumns)
	for _, name := range fields {
		columns = append(columns, fieldPrefix+name)
	}
	if err := w.Write(columns); err != nil {
		return sum, err
	}
	sum.unseen = slices.Clone(form.fields)
	err := s.each(func(_ []byte, c *provider.Contact) error {
		sum.contacts++
		sum.unseen = slices.DeleteFunc(sum.unseen, func(name string) bool { return c.Fields[name] != nil })
		cells, out := csvCells(c, fields)
		sum.lost.add(out)
		if !form.raw {
			for i := range cells {
				cells[i] = guard(cells[i])
			}
		}
		return w.Write(cells)
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return sum, err
}

// csvCells are the cells of a contact, in the order of csvColumns and fields.
func csvCells(c *provider.Contact, fields []string) ([]string, lost) {
	status, lists, out := consent(c)
	cells := []string{c.Email}
	for _, f := range ownFields {
		cells = append(cells, f.of(c))
	}
	cells = append(cells, strings.Join(lists, ";"), string(status))
	for _, name := range fields {
		text, isList := fieldCell(c.Fields[name])
		if isList {
			out.values++
		}
		cells = append(cells, text)
	}
	return cells, out
}
