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

// Disk is what a File needs of the file that it writes to.
type Disk interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
}

// File is a file of records, each written at once: the lines of JSON of --results, and
// the report of an import. Its zero value, with which no file was asked for, does nothing.
type File struct {
	name  string
	file  Disk  // nil: none
	size  int64 // bytes of whole records
	lines int
	err   error // the first of writing
	loose error // the first of waiting for the disk, which may have forgotten what it had not written
}

// openResults opens the file called name for this run alone and gives the lines
// of earlier runs to line. To resume it must be there; otherwise it must be new
// or empty. A last line that was torn off by a crash is cut off.
func openResults(name string, resume bool, line func(number int, data []byte) error) (*File, error) {
	r := &File{name: name}
	if name == "" {
		return r, nil
	}
	before, err := os.Stat(name)
	if err == nil && !before.Mode().IsRegular() {
		return nil, exit.UsageError("--results", "%s is not a regular file", name)
	}
	isNew := err != nil
	flags := os.O_RDWR
	if !resume {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(name, flags, 0o600) // addresses and subjects are nobody else's business
	if err != nil {
		return nil, exit.UsageError("--results", "cannot open the file: %v", err)
	}
	r.file = f
	err = r.load(f, resume, line)
	if err == nil && !isNew {
		err = Private("--results", f)
	}
	if err != nil {
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
		SyncDir(filepath.Dir(r.name))
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

// NewFile returns a File that appends to disk, whose first size bytes are whole records.
func NewFile(name string, disk Disk, size int64) *File {
	return &File{name: name, file: disk, size: size}
}

// Through makes the file write through what wrap returns. Tests make a disk full with it.
func (r *File) Through(wrap func(Disk) Disk) { r.file = wrap(r.file) }

// Private makes sure that nobody but its owner reads or writes a file that was there
// before: it is about to get addresses. flag names the file's flag in the error.
func Private(flag string, f *os.File) error {
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return exit.UsageError(flag, "others may read %s, and that cannot be changed (%v); name a new file", f.Name(), err)
	}
	return nil
}

// SyncDir makes sure that a new file is found after a crash of the machine. Not
// every system can; then its own habits must do.
func SyncDir(name string) {
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
	if err != nil {
		r.fail(err)
		return 0
	}
	if !r.Append(append(data, '\n')) {
		return 0
	}
	r.lines++
	return r.lines
}

// Append writes a record and reports whether it is there as a whole.
func (r *File) Append(record []byte) bool {
	if _, err := r.file.Write(record); err != nil {
		r.fail(err)
		r.fail(r.cut())
		return false
	}
	r.size += int64(len(record))
	return true
}

// Sync waits until the disk has all lines.
func (r *File) Sync() error {
	if err := r.Safe(); err != nil {
		r.fail(r.loose)
	}
	return r.Failed()
}

// Safe waits until the disk has all whole records. Once it failed it fails for ever. That
// another record could not be written is no error of it.
func (r *File) Safe() error {
	if r.file != nil && r.loose == nil {
		r.loose = r.file.Sync()
	}
	return r.wrap(r.loose)
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
	return r.wrap(r.err)
}

func (r *File) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", r.name, err)
}

// Close lets other runs use the file.
func (r *File) Close() error {
	if r.file != nil {
		r.fail(r.file.Close())
		r.file = nil
	}
	return r.Failed()
}
