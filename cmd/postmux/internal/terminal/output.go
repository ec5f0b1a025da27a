// Package terminal writes what a command prints: JSON documents, tables, progress, and what
// it says on stderr. Nothing that a terminal would obey gets through it. It also holds how
// arguments are counted and how the signals of a terminal end a command.
package terminal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// sink is where a stream goes; it keeps the first error of writing, and is safe for
// concurrent use.
type sink struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// write writes p, unless an earlier write has failed.
func (s *sink) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// fail makes err the first error of writing, unless there is one.
func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = cmp.Or(s.err, err)
}

// Failed returns the first error of writing.
func (s *sink) Failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Output is stdout. It is no io.Writer, so that nothing is printed that none of its methods
// has made harmless.
type Output struct {
	sink
	terminal bool
	width    int    // of a line in cells; 0 when there is no limit
	colour   bool   // words for states have colours
	rest     []byte // the beginning of a character whose end Data has not got yet
}

// NewOutput returns the output that goes to w. Its lines are as wide as the terminal, or as
// COLUMNS says. A terminal gets colours, unless NO_COLOR is set.
func NewOutput(w io.Writer) *Output {
	o := &Output{sink: sink{w: w}, terminal: IsTerminal(w)}
	if f, ok := w.(*os.File); ok && o.terminal {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			o.width = width
		}
		o.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		o.width = width
	}
	return o
}

// Say writes text as one line, whatever it holds.
func (o *Output) Say(text string) { _, _ = o.write([]byte(Printable(text) + "\n")) }

// Hang writes text as one line or, where that is wider than the output, as several, of
// which all but the first begin with indent.
func (o *Output) Hang(text, indent string) {
	text = Printable(text)
	if o.width > 0 && uniseg.StringWidth(text) > o.width {
		text = strings.Join(broken(text, max(o.width-len(indent), narrowest)), "\n"+indent)
	}
	o.Text(text + "\n")
}

// Text writes a text whose lines are ours.
func (o *Output) Text(text string) { _, _ = o.write([]byte(printableLines(text))) }

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
		o.fail(err)
		return
	}
	_, _ = o.write(harmless(b.Bytes()))
}

// Data returns the writer of a file that goes to stdout. It writes the bytes as they are,
// but to a terminal what a terminal may show.
func (o *Output) Data() io.Writer { return data{o} }

type data struct{ *Output }

func (d data) Write(p []byte) (int, error) {
	if !d.terminal {
		return d.write(p)
	}
	text := append(d.rest, p...)
	whole := len(text) - len(unfinished(text))
	d.rest = bytes.Clone(text[whole:])
	if _, err := d.write([]byte(printableLines(string(text[:whole])))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished is the end of p that may be the beginning of a character.
func unfinished(p []byte) []byte {
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax); i-- {
		if utf8.RuneStart(p[i]) {
			if utf8.FullRune(p[i:]) {
				break
			}
			return p[i:]
		}
	}
	return nil
}

// printableLines is Printable for each line of s.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// IsTerminal reports whether the output goes to a terminal.
func (o *Output) IsTerminal() bool { return o.terminal }

// IsTerminal reports whether a stream, or what a Talk writes to, is a terminal.
func IsTerminal(stream any) bool {
	if t, ok := stream.(*Talk); ok {
		stream = t.w
	}
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
