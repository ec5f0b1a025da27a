// Package journal keeps on disk how far a batch or an import has come, so that a later run
// goes on there: what was begun, what became of it, and who has the file.
//
// A message that was begun is never sent by a later run; see File for what a crash may leave.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

// logFile is what a result file needs of a file.
type logFile interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
}

// File is the file of --results: lines of JSON, each written at once. Its
// zero value, with which no file was asked for, does nothing.
type File struct {
	name  string
	file  logFile // nil: none
	size  int64   // bytes of whole lines
	lines int
	err   error // the first of writing
}

// openResults opens the file called name for this run alone and gives the lines
// of earlier runs to line. To resume it must be there; otherwise it must be new
// or empty. A last line that was torn off by a crash is cut off.
func openResults(name string, resume bool, line func(number int, data []byte) error) (*File, error) {
	r := &File{name: name}
	if name == "" {
		return r, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, exit.UsageError("--results", "%s is not a regular file", name)
	}
	flags := os.O_RDWR
	if !resume {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(name, flags, 0o600) // addresses and subjects are nobody else's business
	if err != nil {
		return nil, exit.UsageError("--results", "cannot open the file: %v", err)
	}
	r.file = f
	if err := r.load(f, resume, line); err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

func (r *File) load(f *os.File, resume bool, line func(number int, data []byte) error) error {
	if Lock(f) {
		return exit.UsageError("--results", "%s: another run is using it", r.name)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return exit.UsageError("--results", "cannot read the file: %v", err)
	case !resume && info.Size() > 0:
		return exit.UsageError("--results", "%s is there already and not empty; --resume goes on with it", r.name)
	}
	ended, err := r.read(f, line)
	if err != nil {
		return err
	}
	err = r.cut()
	if err == nil && !ended {
		_, err = r.file.Write([]byte{'\n'})
		r.size++
	}
	if err != nil {
		return exit.UsageError("--results", "cannot write the file: %v", err)
	}
	if info.Size() == 0 {
		syncDir(filepath.Dir(r.name))
	}
	return nil
}

// read gives the lines of f to line, and reports whether the last has its line break.
func (r *File) read(f io.Reader, line func(number int, data []byte) error) (ended bool, err error) {
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		data, err := in.ReadBytes('\n')
		atEnd := errors.Is(err, io.EOF)
		switch {
		case err != nil && !atEnd:
			return false, exit.UsageError("--results", "cannot read the file: %v", err)
		case atEnd && !json.Valid(data):
			return true, nil
		}
		r.lines++
		if err := line(r.lines, bytes.TrimSpace(data)); err != nil {
			return false, exit.UsageError("--results", "%s: line %d: %v", r.name, r.lines, err)
		}
		if r.size += int64(len(data)); atEnd {
			return false, nil
		}
	}
}

// syncDir makes sure that a new file is found after a crash of the machine. Not
// every system can; then its own habits must do.
func syncDir(name string) {
	if d, err := os.Open(name); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// Write writes v as a line and returns its number; 0 when there is no such line.
// What a write that failed left behind is taken back, so that a later line, when
// there is room again, stands by itself.
func (r *File) Write(v any) (number int) {
	if r.file == nil {
		return 0
	}
	data, err := terminal.Marshal(v)
	if err == nil {
		_, err = r.file.Write(append(data, '\n'))
	}
	if err != nil {
		r.fail(err)
		r.fail(r.cut())
		return 0
	}
	r.size += int64(len(data)) + 1
	r.lines++
	return r.lines
}

// Sync waits until the disk has all lines.
func (r *File) Sync() error {
	if r.file != nil {
		r.fail(r.file.Sync())
	}
	return r.Failed()
}

// cut takes off what is behind the last whole line.
func (r *File) cut() error {
	err := r.file.Truncate(r.size)
	if err == nil {
		_, err = r.file.Seek(r.size, io.SeekStart)
	}
	return err
}

func (r *File) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Failed returns the first error of writing.
func (r *File) Failed() error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", r.name, r.err)
}

// Close lets other runs use the file.
func (r *File) Close() error {
	if r.file != nil {
		r.fail(r.file.Close())
		r.file = nil
	}
	return r.Failed()
}
