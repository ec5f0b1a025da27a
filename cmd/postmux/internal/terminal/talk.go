package terminal

import (
	"io"
	"strings"
)

// Talk is stderr: what a command says beside its data. It is safe for concurrent use.
type Talk struct{ sink }

// NewTalk returns the talk that goes to w.
func NewTalk(w io.Writer) *Talk { return &Talk{sink{w: w}} }

// Write writes p as one line, whatever it holds, with the line breaks at its end: a text
// from outside gives no orders to a terminal and forges no line of a log, whoever prints
// it.
func (t *Talk) Write(p []byte) (int, error) {
	line := strings.TrimRight(string(p), "\n")
	if _, err := t.write([]byte(Printable(line) + string(p[len(line):]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Lines writes a text whose lines are ours, and a line break.
func (t *Talk) Lines(text string) { _, _ = t.write([]byte(printableLines(text) + "\n")) }

// under is what w writes to. A bar of progress is made of what Talk does not let through.
func under(w io.Writer) io.Writer {
	if t, ok := w.(*Talk); ok {
		return t.w
	}
	return w
}
