package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
)

// spool is the file that collects contacts, one a line, with a mark after each
// page. CSV needs all names of fields before its first row, and an export that
// was interrupted needs something to go on from.
type spool struct {
	name     string
	file     *os.File
	w        *bufio.Writer
	contacts int
	cursor   string // of the page to read next
	complete bool
	leftOut  int
}

// spoolMark is a line that is no contact: the head with the query, or the end of a page.
type spoolMark struct {
	Export *spoolQuery `json:"export,omitempty"`
	Page   *spoolPage  `json:"page,omitempty"`
}

type spoolQuery struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	List     string `json:"list"`
	Since    string `json:"modified_since"`
}

type spoolPage struct {
	Next    string `json:"next"` // empty after the last page
	LeftOut int    `json:"left_out"`
}

// openSpool opens the spool called name: a new one, or to resume the one that an
// export with the same query left behind.
func openSpool(name string, e *export) (*spool, error) {
	s := &spool{name: name}
	query := &spoolQuery{e.client.Provider(), e.client.Account(), "", timeText(e.query.ModifiedSince)}
	if !e.query.List.IsZero() {
		query.List = e.query.List.String()
	}
	var keep int64
	flags := os.O_CREATE | os.O_RDWR
	if e.flags.resume {
		var err error
		if keep, err = s.load(query); err != nil {
			return nil, err
		}
		flags = os.O_RDWR
	}
	var err error
	if s.file, err = os.OpenFile(name, flags, 0o600); err == nil {
		if lockFile(s.file) {
			_ = s.file.Close()
			return nil, usageErr("FILE", "%s: another run is using it", name)
		}
		err = s.file.Truncate(keep)
	}
	if err == nil {
		_, err = s.file.Seek(keep, io.SeekStart)
	}
	if err != nil {
		return nil, usageErr("FILE", "cannot write the file: %v", err)
	}
	s.w = bufio.NewWriterSize(s.file, 256<<10)
	if keep == 0 {
		return s, s.line(spoolMark{Export: query})
	}
	return s, nil
}

// load reads a spool up to the end of its last complete page.
func (s *spool) load(query *spoolQuery) (keep int64, err error) {
	f, err := os.Open(s.name)
	if err != nil {
		return 0, usageErr("--resume", "no export to go on with: %v", err)
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 256<<10)
	var at int64
	contacts, head := 0, false
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && head {
			return keep, nil
		}
		at += int64(len(line))
		var mark spoolMark
		if err != nil || json.Unmarshal(line, &mark) != nil || !head && mark.Export == nil {
			return 0, usageErr("--resume", "%s is not of an export", s.name)
		}
		switch {
		case mark.Export != nil && *mark.Export != *query:
			return 0, usageErr("--resume", "%s is of an export of another account, list or time", s.name)
		case mark.Export != nil:
			head, keep = true, at
		case mark.Page != nil:
			s.contacts, s.cursor, s.complete, keep = contacts, mark.Page.Next, mark.Page.Next == "", at
			s.leftOut += mark.Page.LeftOut
		default:
			contacts++
		}
	}
}

// read fetches what the spool does not hold yet.
func (e *export) read(s *spool) error {
	if s.complete {
		return nil
	}
	return e.pages(s.cursor, func(page *provider.Page[provider.Contact]) error {
		for i := range page.Items {
			if err := s.line(&page.Items[i]); err != nil {
				return err
			}
		}
		err := s.line(spoolMark{Page: &spoolPage{Next: page.Next, LeftOut: page.LeftOut}})
		if err == nil {
			err = s.w.Flush()
		}
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", s.name, err)
		}
		s.contacts += len(page.Items)
		s.leftOut += page.LeftOut
		return nil
	})
}

func (s *spool) line(v any) error {
	data, err := marshal(v)
	if err == nil {
		_, err = s.w.Write(append(data, '\n'))
	}
	return err
}

// close lets other runs use the file. What it holds was flushed page by page.
func (s *spool) close() { _ = s.file.Close() }

// each calls f with every contact of the spool.
func (s *spool) each(f func(line []byte, c *provider.Contact) error) error {
	file, err := os.Open(s.name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	l := newLines(file)
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var row struct {
			spoolMark
			provider.Contact
		}
		dec := json.NewDecoder(strings.NewReader(string(line)))
		dec.UseNumber() // ids lose digits as floats
		if err := dec.Decode(&row); err != nil {
			return err
		}
		if row.Export != nil || row.Page != nil {
			continue
		}
		if err := f(line, &row.Contact); err != nil {
			return err
		}
	}
}

// convert writes the contacts of a spool in the form of the target.
func (e *export) convert(s *spool, to io.Writer) error {
	e.leftOut = s.leftOut
	w := bufio.NewWriterSize(to, 256<<10)
	var err error
	if e.csv {
		err = e.convertCSV(s, w)
	} else {
		err = s.each(func(line []byte, _ *provider.Contact) error {
			e.written++
			_, err := w.Write(append(line, '\n'))
			return err
		})
	}
	if err == nil {
		err = w.Flush()
	}
	return err
}

func (e *export) convertCSV(s *spool, to io.Writer) error {
	fields := e.flags.fields
	if fields == nil {
		all := make(map[string]bool)
		if err := s.each(func(_ []byte, c *provider.Contact) error {
			for name := range c.Fields {
				all[name] = true
			}
			return nil
		}); err != nil {
			return err
		}
		fields = slices.Sorted(maps.Keys(all))
	}
	w := csv.NewWriter(to)
	columns := slices.Clone(csvColumns)
	for _, name := range fields {
		columns = append(columns, fieldPrefix+name)
	}
	if err := w.Write(columns); err != nil {
		return err
	}
	e.unseen = slices.Clone(e.flags.fields)
	err := s.each(func(_ []byte, c *provider.Contact) error {
		e.written++
		e.unseen = slices.DeleteFunc(e.unseen, func(name string) bool { return c.Fields[name] != nil })
		cells, out := csvCells(c, fields)
		e.lost.add(out)
		if !e.flags.raw {
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
	return err
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
