package terminal

import (
	"io"
	"strings"
	"sync"
)

// Talk is stderr: what a command says beside its data. It is safe for concurrent use.
type Talk struct {
	mu sync.Mutex
	w  io.Writer
}

// NewTalk returns the talk that goes to w.
func NewTalk(w io.Writer) *Talk { return &Talk{w: w} }

// Write writes p as one line, whatever it holds, with the line breaks at its end: a text
// from outside gives no orders to a terminal and forges no line of a log, whoever prints
// it.
func (t *Talk) Write(p []byte) (int, error) {
	line := strings.TrimRight(string(p), "\n")
	return len(p), t.write(Printable(line) + string(p[len(line):]))
}

// Lines writes a text whose lines are ours, and a line break.
func (t *Talk) Lines(text string) { _ = t.write(printableLines(text) + "\n") }

func (t *Talk) write(text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := io.WriteString(t.w, text)
	return err
}

// under is what w writes to. A bar of progress is made of what Talk does not let through.
func under(w io.Writer) io.Writer {
	if t, ok := w.(*Talk); ok {
		return t.w
	}
	return w
}
