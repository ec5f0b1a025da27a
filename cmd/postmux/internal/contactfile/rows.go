// Package contactfile reads and writes files of contacts, in CSV and in lines of JSON. What an
// export writes an import reads as it was.
package contactfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/provider"
)

// Row is a row of a contact file.
type Row struct {
	Line   int // the line of the file at which it begins, from 1
	Change provider.ContactChange
	Raw    []byte // its content, to tell a changed file by; valid until the next row
	Kept   Lost   // what the row says and an import cannot carry
}

// RowProblem is wrong with the form of one row; others can be read.
type RowProblem struct {
	line int
	text string
}

func (p *RowProblem) Error() string { return fmt.Sprintf("line %d: %s", p.line, p.text) }

// Rows iterates over the rows of a contact file of either form: the name
// tells, or else the first character. A *RowProblem is about one row, after
// which the iteration goes on; any other error ends it.
func Rows(name string, r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		next, err := rowReader(name, r)
		for err == nil {
			var row Row
			row, err = next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(row, err) {
				return
			}
			if errors.As(err, new(*RowProblem)) {
				err = nil
			} else if err != nil {
				return
			}
		}
		yield(Row{}, err)
	}
}

func rowReader(name string, r io.Reader) (func() (Row, error), error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(len(input.ByteOrderMark)); bytes.Equal(head, input.ByteOrderMark) {
		_, _ = in.Discard(len(input.ByteOrderMark)) // it was there a moment ago
	}
	asLines, err := isLines(name, in)
	if err != nil {
		return nil, err
	}
	if asLines {
		return (&jsonRows{lines: input.NewLines(in)}).next, nil
	}
	rows, err := newCSVRows(in)
	if err != nil {
		return nil, err
	}
	return rows.next, nil
}

// isLines reports whether the input is lines of JSON.
func isLines(name string, in *bufio.Reader) (bool, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson":
		return true, nil
	case ".csv":
		return false, nil
	}
	const most = 4096
	for n := 1; n <= most; n++ {
		head, err := in.Peek(n)
		if len(head) < n {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return false, err
		}
		if c := head[n-1]; !strings.ContainsRune(" \t\r\n", rune(c)) {
			return c == '{', nil
		}
	}
	return false, nil
}

// jsonRows reads contacts from lines of JSON: changes, or whole contacts as an
// export writes them.
type jsonRows struct{ lines *input.Lines }

func (j *jsonRows) next() (Row, error) {
	line, err := j.lines.Next()
	row := Row{Line: j.lines.Number(), Raw: line}
	if err != nil {
		return row, err
	}
	if whole(line) {
		row.Change, row.Kept, err = changeFromLine(line)
	} else {
		row.Change, err = provider.ParseContactChange(line)
	}
	if err != nil {
		e := exit.ProviderError(err)
		return row, &RowProblem{j.lines.Number(), strings.TrimPrefix(e.Field+": "+e.Message, ": ")}
	}
	return row, nil
}

// whole reports whether a line is a contact and no change of one: only a
// contact says what mail it does not get.
func whole(line []byte) bool {
	if !bytes.Contains(line, []byte(`"suppressed"`)) {
		return false
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(line, &keys) != nil {
		return false
	}
	_, ok := keys["suppressed"]
	return ok
}

// Check reads a contact file for its form alone, and counts its rows. All
// problems of rows are told at once.
func Check(name string, r io.Reader) (int, error) {
	var found problemList
	n := 0
	for _, err := range Rows(name, r) {
		p, ok := errors.AsType[*RowProblem](err)
		switch {
		case ok:
			found.add(p.Error())
		case err != nil && found.count > 0 && errors.Is(err, provider.ErrInvalid):
			found.add(exit.ProviderError(err).Message)
		case err != nil:
			return n, err
		}
		n++
	}
	return n, found.err()
}

// problemList keeps the first of many problems.
type problemList struct {
	texts []string
	count int
}

func (l *problemList) add(text string) {
	const most = 20
	if l.count++; l.count <= most {
		l.texts = append(l.texts, text)
	}
}

func (l *problemList) err() error {
	texts := l.texts
	switch {
	case l.count == 0:
		return nil
	case l.count == 1:
		return provider.Invalid("", "%s", texts[0])
	case l.count > len(texts):
		texts = append(texts, fmt.Sprintf("and %d more", l.count-len(texts)))
	}
	return provider.Invalid("", "%s", "the file has problems:\n  "+strings.Join(texts, "\n  "))
}

// Read reads a whole contact file of either form.
func Read(name string, data []byte) ([]provider.ContactChange, error) {
	if _, err := Check(name, bytes.NewReader(data)); err != nil {
		return nil, err
	}
	var out []provider.ContactChange
	for row, err := range Rows(name, bytes.NewReader(data)) {
		if err != nil {
			return nil, err
		}
		out = append(out, row.Change)
	}
	return out, nil
}
