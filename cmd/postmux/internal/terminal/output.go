// Package terminal writes what a command prints: JSON documents, tables, progress. It also
// holds how arguments are counted and how the signals of a terminal end a command.
package terminal

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Output is stdout or stderr; it keeps the first error of writing.
//
// It is safe for concurrent use.
type Output struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

// NewOutput returns the output that goes to w.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// Write writes p, unless an earlier write has failed.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// Document writes v as one indented JSON document.
func (o *Output) Document(v any) { o.encode(v, "  ") }

// Line writes v as one line of NDJSON.
func (o *Output) Line(v any) { o.encode(v, "") }

func (o *Output) encode(v any, indent string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
		return
	}
	_, _ = o.Write(harmless(b.Bytes()))
}

// Failed returns the first error of writing.
func (o *Output) Failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// IsTerminal reports whether the output goes to a terminal.
func (o *Output) IsTerminal() bool { return IsTerminal(o.w) }

// SyncWriter is a writer for several goroutines.
type SyncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewSyncWriter returns a writer to w that is safe for concurrent use.
func NewSyncWriter(w io.Writer) *SyncWriter { return &SyncWriter{w: w} }

func (s *SyncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// IsTerminal reports whether a stream, or what an Output writes to, is a terminal.
func IsTerminal(stream any) bool {
	if o, ok := stream.(*Output); ok {
		stream = o.w
	}
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
