// Package input reads what a user gives as a file or on stdin, whole or line by line, and
// stops waiting when the command is interrupted.
package input

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/internal/lines"
	"github.com/postmux/postmux/provider"
)

// Source is an input that may be longer than the memory.
type Source struct {
	Name    string
	file    *os.File // nil for stdin
	Regular bool     // it can be read twice
	r       io.Reader
}

// Open opens a file, or stdin for "-". A read that waits for input ends
// with ctx.
func Open(ctx context.Context, stdin io.Reader, name string) (*Source, error) {
	if name == "-" {
		return &Source{Name: name, r: &interruptible{ctx: ctx, r: stdin}}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, exit.UsageError("", "cannot read the file: %v", err)
	}
	s := &Source{Name: name, file: f, r: f}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		_ = f.Close()
		return nil, exit.UsageError("", "cannot read the file: %s is a folder", name)
	case err == nil && info.Mode().IsRegular():
		s.Regular = true
	default:
		s.r = &interruptible{ctx: ctx, r: f}
	}
	return s, nil
}

// Read reads on in the input.
func (s *Source) Read(p []byte) (int, error) { return s.r.Read(p) }

// Rewind goes back to the beginning of a regular file.
func (s *Source) Rewind() error {
	_, err := s.file.Seek(0, io.SeekStart)
	return err
}

// Close lets the file go; stdin stays open.
func (s *Source) Close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}

// interruptible is a reader whose waiting ends with a context. The read that
// waits then is abandoned.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte
	left []byte // read and not yet taken
	err  error
}

func (i *interruptible) Read(p []byte) (int, error) {
	if len(i.left) > 0 || i.err != nil {
		n := copy(p, i.left)
		if i.left = i.left[n:]; n == 0 {
			return 0, i.err
		}
		return n, nil
	}
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if i.buf == nil {
		i.buf = make([]byte, 64<<10)
	}
	type read struct {
		n   int
		err error
	}
	done := make(chan read, 1)
	go func() {
		n, err := i.r.Read(i.buf)
		done <- read{n, err}
	}()
	select {
	case got := <-done:
		i.left, i.err = i.buf[:got.n], got.err
		n := copy(p, i.left)
		if i.left = i.left[n:]; n == 0 && i.err != nil {
			return 0, i.err
		}
		return n, nil
	case <-i.ctx.Done():
		i.buf, i.err = nil, i.ctx.Err() // the read under way still writes into the buffer
		return 0, i.err
	}
}

// InFile says in which file a problem of form lies.
func InFile(name string, err error) error {
	if exit.IsInterrupt(err) {
		return err
	}
	if !errors.As(err, new(*provider.Error)) {
		err = provider.Invalid("", "%s", err.Error())
	}
	return &exit.FileError{File: name, Err: err}
}

// ReadError is an error of reading, as opposed to one of a call.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return e.Err.Error() }
func (e *ReadError) Unwrap() error { return e.Err }

// The sizes of what is read as a whole, at most.
const (
	MessageMost = 64 << 20 // a message, a body or a file of one: as a line of a batch
	ContactMost = 16 << 20 // a contact: as a row of CSV
	ReceiptMost = 16 << 20
)

// ReadAll reads a text file, or stdin when it is called "-", without a byte order mark,
// of at most that many bytes. flag is the one that names the file; empty for an argument.
func ReadAll(stdin io.Reader, flag, name string, most int) ([]byte, error) {
	what := "stdin"
	var data []byte
	var err error
	if name == "-" {
		data, err = bounded.ReadAll(stdin, most)
	} else {
		what = "the file"
		data, err = bounded.ReadFile(name, most)
	}
	if err != nil {
		return nil, exit.UsageError(flag, "cannot read %s: %v", what, err)
	}
	return bytes.TrimPrefix(data, lines.ByteOrderMark), nil
}
