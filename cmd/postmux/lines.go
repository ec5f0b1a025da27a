package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/postmux/postmux/provider"
)

// lineMost is the longest line that is read: more than any provider takes as a mail.
const lineMost = 64 << 20

// lines reads lines one by one. Blank ones are skipped, and the ends cut of blanks.
type lines struct {
	r    *bufio.Reader
	line int // the line read last, from 1
	most int
	buf  []byte
}

// newLines returns the lines of r.
func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, 64<<10), most: lineMost}
}

// number returns the number of the line that was read last, from 1; 0 before the first.
func (l *lines) number() int { return l.line }

// next returns the next line, valid until the call after; io.EOF at the end.
func (l *lines) next() ([]byte, error) {
	for {
		l.line++
		l.buf = l.buf[:0]
		var err error
		for {
			var part []byte
			part, err = l.r.ReadSlice('\n')
			l.buf = append(l.buf, part...)
			if len(l.buf) > l.most {
				return nil, provider.Invalid("", "line %d: longer than %d MiB", l.line, l.most>>20)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		line := l.buf
		if l.line == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// byteOrderMark may stand before the text of a file.
var byteOrderMark = []byte("\ufeff")

// source is an input that may be longer than the memory.
type source struct {
	name    string
	file    *os.File // nil for stdin
	regular bool     // it can be read twice
	r       io.Reader
}

// openSource opens a file, or stdin for "-". A read that waits for input ends
// with ctx.
func openSource(ctx context.Context, stdin io.Reader, name string) (*source, error) {
	if name == "-" {
		return &source{name: name, r: &interruptible{ctx: ctx, r: stdin}}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErr("", "cannot read the file: %v", err)
	}
	s := &source{name: name, file: f, r: f}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		_ = f.Close()
		return nil, usageErr("", "cannot read the file: %s is a folder", name)
	case err == nil && info.Mode().IsRegular():
		s.regular = true
	default:
		s.r = &interruptible{ctx: ctx, r: f}
	}
	return s, nil
}

// Read reads on in the input.
func (s *source) Read(p []byte) (int, error) { return s.r.Read(p) }

// rewind goes back to the beginning of a regular file.
func (s *source) rewind() error {
	_, err := s.file.Seek(0, io.SeekStart)
	return err
}

// close lets the file go; stdin stays open.
func (s *source) close() {
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

// inFile says in which file a problem of form lies.
func inFile(name string, err error) error {
	if interrupted(err) {
		return err
	}
	if !errors.As(err, new(*provider.Error)) {
		err = provider.Invalid("", "%s", err.Error())
	}
	return &fileError{file: name, err: err}
}

// readError is an error of reading, as opposed to one of a call.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// readInput reads a file, or stdin when it is called "-".
func readInput(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, usageErr("-", "cannot read stdin: %v", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usageErr("", "cannot read the file: %v", err)
	}
	return data, nil
}
