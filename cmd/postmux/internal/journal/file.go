// Package journal keeps on disk how far a batch or an import has come, so that a later run
// goes on there: what was begun, what became of it, and who has the file.
//
// A message that was begun is never sent by a later run; see File for what a crash may leave.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

// File is a file of records, each written at once: the lines of JSON of --results, and
// the report of an import. Its zero value, with which no file was asked for, does nothing.
// It is safe for concurrent use.
type File struct {
	name string
	file Disk // nil: none

	mu     sync.Mutex
	size   int64 // bytes of whole records
	lines  int
	sum    Digest // of all lines, chained
	err    error  // the first of writing
	loose  error  // the first of waiting for the disk, which may have forgotten what it had not written
	broken bool   // what a write that failed has left cannot be taken back
}

// openResults opens the file called name for this run alone and gives the lines
// of earlier runs to line. To resume it must be there; otherwise it must be new
// or empty. A last line that was torn off by a crash is cut off.
func openResults(ctx context.Context, name string, resume bool, line func(number int, data []byte) error) (*File, error) {
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
	r.file = DiskOf(ctx, f)
	err = r.load(ctx, f, resume, line)
	if err == nil && !isNew {
		err = Private("--results", f)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

func (r *File) load(ctx context.Context, f *os.File, resume bool, line func(number int, data []byte) error) error {
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
	if r.size < info.Size() {
		err = r.cut()
	} else {
		_, err = r.file.Seek(r.size, io.SeekStart)
	}
	if err == nil && !ended {
		_, err = r.file.Write([]byte{'\n'})
		r.size++
	}
	if err != nil {
		return exit.UsageError("--results", "cannot write the file: %v", err)
	}
	if info.Size() == 0 {
		err = SyncDir(ctx, filepath.Dir(r.name))
	}
	if err != nil {
		return exit.UsageError("--results", "%v", err)
	}
	return nil
}

// read gives the lines of f to line, and reports whether the last has its line break.
func (r *File) read(f io.Reader, line func(number int, data []byte) error) (ended bool, err error) {
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		data, err := in.ReadBytes('\n')
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return false, exit.UsageError("--results", "cannot read the file: %v", err)
		}
		if atEnd && !json.Valid(data) {
			return true, nil // nothing, or what a crash has torn
		}
		text, sum, whole := unchained(r.sum, bytes.TrimSpace(data))
		r.lines++
		if err := line(r.lines, text); err != nil {
			return false, exit.UsageError("--results", "%s: line %d: %v", r.name, r.lines, err)
		}
		if !whole {
			return false, exit.UsageError("--results", "%s: line %d is not as it was written, or a line before it was removed or moved, so what is missing might be done twice; "+
				"take a copy of the file as it was, or begin a new one with an input of what is certainly not done", r.name, r.lines)
		}
		r.sum = sum
		if r.size += int64(len(data)); atEnd {
			return false, nil
		}
	}
}

// Each line ends in the sum of all lines up to it, so that one that is changed, moved or
// missing is noticed, unless it is the last. It is a member of the line's object.
const sumHead, sumTail = `,"sum":"`, "\"}"

// chained appends to a line that is an object the sum of it and all lines before.
func chained(before Digest, line []byte) ([]byte, Digest) {
	line = bytes.TrimSuffix(line, []byte("}"))
	sum := before.with(line)
	line = append(line, sumHead...)
	line = hex.AppendEncode(line, sum[:])
	return append(line, sumTail...), sum
}

// unchained takes the sum off a line, and reports whether it is the right one.
func unchained(before Digest, line []byte) (text []byte, sum Digest, ok bool) {
	n := len(line) - len(sumHead) - hex.EncodedLen(len(sum)) - len(sumTail)
	if n < 0 {
		return line, sum, false
	}
	sum = before.with(line[:n])
	if string(line[n:]) != sumHead+sum.String()+sumTail {
		return line, sum, false
	}
	line[n] = '}'
	return line[:n+1], sum, true
}

// NewFile returns a File that appends to disk, whose first size bytes are whole records.
func NewFile(name string, disk Disk, size int64) *File {
	return &File{name: name, file: disk, size: size}
}

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

// Write writes v as a line and returns its number; 0 when there is no such line.
// What a write that failed left behind is taken back, so that a later line, when
// there is room again, stands by itself.
func (r *File) Write(v any) (number int) {
	if r.file == nil {
		return 0
	}
	data, err := terminal.Marshal(v)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.fail(err)
		return 0
	}
	line, sum := chained(r.sum, data)
	if !r.append(append(line, '\n')) {
		return 0
	}
	r.sum = sum
	r.lines++
	return r.lines
}

// Append writes a record and reports whether it is there as a whole.
func (r *File) Append(record []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.append(record)
}

func (r *File) append(record []byte) bool {
	if r.broken {
		return false
	}
	if _, err := r.file.Write(record); err != nil {
		r.fail(err)
		r.broken = r.cut() != nil
		return false
	}
	r.size += int64(len(record))
	return true
}

// Sync waits until the disk has all lines.
func (r *File) Sync() error {
	if err := r.Safe(); err != nil {
		r.mu.Lock()
		r.fail(r.loose)
		r.mu.Unlock()
	}
	return r.Failed()
}

// Safe waits until the disk has all whole records. Once it failed it fails for ever. That
// another record could not be written is no error of it.
func (r *File) Safe() error {
	r.mu.Lock()
	defer r.mu.Unlock()
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
	r.mu.Lock()
	defer r.mu.Unlock()
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
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		if err := r.file.Close(); err != nil {
			r.fail(err)
		}
		r.file = nil
	}
	return r.wrap(r.err)
}
