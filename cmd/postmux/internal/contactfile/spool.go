package contactfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// Spool is the file that collects contacts, one a line, with a mark after each
// page. CSV needs all names of fields before its first row, and an export that
// was interrupted needs something to go on from.
type Spool struct {
	name     string
	file     *os.File
	disk     journal.Disk // that file is written to through it
	w        *bufio.Writer
	contacts int
	cursor   string // of the page to read next
	complete bool
	leftOut  int
	unread   int
	litter   string // to be removed at the end
}

// spoolMark is a line that is no contact: the head with the query, or the end of a page.
type spoolMark struct {
	Export *Query     `json:"export,omitempty"`
	Page   *spoolPage `json:"page,omitempty"`
}

// Query says which contacts a spool holds.
type Query struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	List     string `json:"list"`
	Since    string `json:"modified_since"` // empty: all
}

// spoolPage ends a page.
type spoolPage struct {
	Next    string `json:"next"` // empty after the last page
	LeftOut int    `json:"left_out"`
	Unread  int    `json:"unread,omitempty"`
}

// OpenSpool opens the spool called name: a new one, or to resume the one that an
// export with the same query left behind. One run at a time may have it. A file that
// is there is never overwritten, nor followed when it is a link: it may be what an
// export read for hours, or not ours.
func OpenSpool(ctx context.Context, name string, query Query, resume bool) (*Spool, error) {
	s := &Spool{name: name}
	info, err := os.Lstat(name)
	there := err == nil
	switch {
	case resume && !there:
		return nil, exit.UsageError("--resume", "no export to go on with: %v", err)
	case there && !info.Mode().IsRegular():
		return nil, exit.UsageError("FILE", "%s is there already and is no part of an export; move it away, or name another FILE", name)
	}
	flags := os.O_RDWR | noFollow
	if !there {
		flags |= os.O_CREATE | os.O_EXCL
	}
	if s.file, err = os.OpenFile(name, flags, 0o600); err != nil {
		return nil, exit.UsageError("FILE", "cannot write the file: %v", err)
	}
	s.disk = journal.DiskOf(ctx, s.file)
	if err := s.open(query, resume, there); err != nil {
		_ = s.file.Close()
		if !there {
			_ = os.Remove(name) // it holds nothing
		}
		return nil, err
	}
	return s, nil
}

// TempSpool opens a spool that nobody goes on with. Where the system can, it has no
// name any more, so that a kill leaves no contacts behind.
func TempSpool(ctx context.Context, query Query) (*Spool, error) {
	f, err := os.CreateTemp("", "postmux-export-*")
	if err != nil {
		return nil, fmt.Errorf("cannot write a temporary file: %w", err)
	}
	s := &Spool{name: f.Name(), file: f, disk: journal.DiskOf(ctx, f)}
	if os.Remove(s.name) != nil {
		s.litter = s.name
	}
	if err := s.begin(query, 0); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// open makes the spool's file ready. When it was there, it must be of the export to resume.
func (s *Spool) open(query Query, resume, there bool) error {
	if journal.Lock(s.file) {
		return exit.UsageError("FILE", "%s: another run is using it", s.name)
	}
	if !there {
		return s.begin(query, 0)
	}
	if !resume {
		return s.taken()
	}
	keep, err := s.load(query)
	if err == nil {
		err = journal.Private("--resume", s.file)
	}
	if err == nil {
		err = s.begin(query, keep)
	}
	return err
}

// headBegins is how the file of every export begins.
var headBegins = []byte(`{"export":{"provider":"`)

// taken is the error of a new export where a file is.
func (s *Spool) taken() error {
	var mark spoolMark
	line, err := bufio.NewReader(s.reader()).ReadBytes('\n')
	torn := errors.Is(err, io.EOF) && (bytes.HasPrefix(line, headBegins) || bytes.HasPrefix(headBegins, line))
	if torn || json.Unmarshal(line, &mark) == nil && mark.Export != nil {
		return exit.UsageError("FILE", "%s is of an export that did not end; --resume goes on with it, and to begin anew remove it first", s.name)
	}
	return exit.UsageError("FILE", "%s is there already and is no part of an export; move it away, or name another FILE", s.name)
}

// begin writes behind the first keep bytes, and a head when there are none.
func (s *Spool) begin(query Query, keep int64) error {
	err := s.disk.Truncate(keep)
	if err == nil {
		_, err = s.disk.Seek(keep, io.SeekStart)
	}
	s.w = bufio.NewWriterSize(s.disk, 256<<10)
	if err == nil && keep == 0 {
		if err = s.line(spoolMark{Export: &query}); err == nil {
			err = s.w.Flush() // from now on the file says what it is
		}
	}
	if err != nil {
		return exit.UsageError("FILE", "cannot write the file: %v", err)
	}
	return nil
}

// reader reads the file from its beginning, by what is open and not by its name.
func (s *Spool) reader() io.Reader { return io.NewSectionReader(s.file, 0, math.MaxInt64) }

// load reads a spool up to the end of its last complete page.
func (s *Spool) load(query Query) (keep int64, err error) {
	r := bufio.NewReaderSize(s.reader(), 256<<10)
	var at int64
	contacts, head := 0, false
	own, err := terminal.Marshal(spoolMark{Export: &query})
	if err != nil {
		return 0, err
	}
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && (head || bytes.HasPrefix(own, line)) {
			return keep, nil // it may have ended before its head, or within it
		}
		at += int64(len(line))
		var mark spoolMark
		if err != nil || json.Unmarshal(line, &mark) != nil || !head && mark.Export == nil {
			return 0, exit.UsageError("--resume", "%s is not of an export", s.name)
		}
		switch {
		case mark.Export != nil && *mark.Export != query:
			return 0, exit.UsageError("--resume", "%s is of an export of another account, list or time", s.name)
		case mark.Export != nil:
			head, keep = true, at
		case mark.Page != nil:
			s.contacts, s.cursor, s.complete, keep = contacts, mark.Page.Next, mark.Page.Next == "", at
			s.leftOut += mark.Page.LeftOut
			s.unread += mark.Page.Unread
		default:
			contacts++
		}
	}
}

// Count returns how many contacts the spool holds.
func (s *Spool) Count() int { return s.contacts }

// Left returns how many contacts of the provider's pages are not in the spool: those
// without an address, and those that could not be read.
func (s *Spool) Left() (withoutEmail, unread int) { return s.leftOut, s.unread }

// Next returns the cursor of the page to read next, and whether none is left.
func (s *Spool) Next() (cursor string, complete bool) { return s.cursor, s.complete }

// Add takes a page and writes it to the file at once.
func (s *Spool) Add(page *provider.Page[provider.Contact]) error {
	var err error
	for i := range page.Items {
		if err == nil {
			err = s.line(&page.Items[i])
		}
	}
	if err == nil {
		err = s.line(spoolMark{Page: &spoolPage{Next: page.Next, LeftOut: page.LeftOut, Unread: page.Unread}})
	}
	if err == nil {
		err = s.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", s.name, err)
	}
	s.contacts += len(page.Items)
	s.leftOut += page.LeftOut
	s.unread += page.Unread
	return nil
}

func (s *Spool) line(v any) error {
	data, err := terminal.Marshal(v)
	if err == nil {
		_, err = s.w.Write(append(data, '\n'))
	}
	return err
}

// Close lets other runs use the file. What it holds was flushed page by page.
func (s *Spool) Close() {
	_ = s.file.Close()
	if s.litter != "" {
		_ = os.Remove(s.litter)
	}
}

// each calls f with every contact of the spool.
func (s *Spool) each(f func(line []byte, c *provider.Contact) error) error {
	l := input.NewLines(s.reader())
	for {
		line, err := l.Next()
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
