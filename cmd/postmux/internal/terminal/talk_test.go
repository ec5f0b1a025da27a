package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One write is one line, whoever prints it and whatever it holds.
func TestTalk(t *testing.T) {
	for _, x := range []struct {
		name  string
		print func(t *Talk)
		want  string
	}{
		{name: "a line", print: func(t *Talk) { fmt.Fprintln(t, "سلام 👩") }, want: "سلام 👩\n"},
		{name: "no line break", print: func(t *Talk) { fmt.Fprint(t, "a") }, want: "a"},
		{name: "two line breaks", print: func(t *Talk) { fmt.Fprint(t, "a\n\n") }, want: "a\n\n"},
		{name: "hostile", print: func(t *Talk) { fmt.Fprintf(t, "note: %s\n", "a\x1b[2J\n2026 fake\r\u009b\u202eb") }, want: "note: a?[2J 2026 fake ??b\n"},
		{name: "not UTF-8", print: func(t *Talk) { fmt.Fprintln(t, "a\x9b\xff") }, want: "a??\n"},
		{name: "lines", print: func(t *Talk) { t.Lines("a\x1b\n  b\r\n") }, want: "a?\n  b \n\n"},
		{name: "nothing", print: func(t *Talk) { fmt.Fprintln(t) }, want: "\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var b strings.Builder
			x.print(NewTalk(&b))
			assert.Equal(t, x.want, b.String())
		})
	}
}

func TestOutput(t *testing.T) {
	var b strings.Builder
	o := NewOutput(&b)
	o.Say("a\x1b\nb")
	o.Text("c\x1b\nd\n")
	fmt.Fprint(o.Data(), "e\x1b\nf\n")
	assert.Equal(t, "a? b\nc?\nd\ne\x1b\nf\n", b.String(), "a file on stdout stays as it is")
	assert.False(t, o.IsTerminal())
}

// A file that is written to a terminal is shown; a letter that comes in parts stays whole.
func TestDataOnATerminal(t *testing.T) {
	const text = "email,سلام\n\x1b]0;x\x07,\u009b,\u202e,👩\xff,Анна\n"
	for size := 1; size <= len(text); size++ {
		var b strings.Builder
		o := NewOutput(&b)
		o.terminal = true
		for rest := text; rest != ""; {
			part := rest[:min(size, len(rest))]
			n, err := io.WriteString(o.Data(), part)
			require.NoError(t, err)
			require.Equal(t, len(part), n)
			rest = rest[len(part):]
		}
		assert.Equal(t, "email,سلام\n?]0;x?,?,?,👩?,Анна\n", b.String(), "in parts of %d", size)
	}
}

// Nothing that a terminal would obey gets through any of the ways to print.
func FuzzTalk(f *testing.F) {
	f.Add(hostile, uint8(3))
	f.Add("a\u061c\nb\u2066c\x9b\xc2", uint8(1))
	f.Fuzz(func(t *testing.T, s string, size uint8) {
		var talk, said, text, data bytes.Buffer
		fmt.Fprintln(NewTalk(&talk), s)
		require.Equal(t, 0, strings.Count(strings.TrimRight(talk.String(), "\n"), "\n"), "%q", talk.String())
		NewOutput(&said).Say(s)
		require.Equal(t, 1, strings.Count(said.String(), "\n"))
		NewOutput(&text).Text(s)
		o := NewOutput(&data)
		o.terminal = true
		for rest := []byte(s); len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			_, err := o.Data().Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.True(t, strings.HasPrefix(text.String(), data.String()), "%q %q: parts of a letter at the end are not shown", text.String(), data.String())
		for _, printed := range []string{talk.String(), said.String(), text.String(), data.String()} {
			if strings.ContainsFunc(strings.ReplaceAll(printed, "\n", ""), unsafe) {
				t.Fatalf("%q", printed)
			}
		}
	})
}
