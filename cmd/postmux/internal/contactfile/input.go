// Package contactfile opens files of contacts for reading, whatever their form, keeps the
// rows that were refused in the form of their file, and writes exports.
package contactfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// Input is a file of contacts, or stdin, whose form is recognised.
type Input struct {
	Layout *contactrows.Layout
	source *input.Source
	sheet  *sheet        // nil: text
	stream *bufio.Reader // of what can be read once
}

// OpenInput opens a file, or stdin for "-", and tells how it is to be read. A regular file
// is read to its end for that. The caller closes the Input.
func OpenInput(ctx context.Context, stdin io.Reader, name string, o contactrows.Options) (*Input, error) {
	in := new(Input)
	var err error
	if in.source, err = input.Open(ctx, stdin, name); err != nil {
		return nil, err
	}
	if err := in.recognize(ctx, name, o); err != nil {
		in.Close()
		return nil, asProblemOf(name, err)
	}
	return in, nil
}

// asProblemOf names the file, or the flag of an option, that is wrong.
func asProblemOf(name string, err error) error {
	e, ok := errors.AsType[*provider.Error](err)
	switch {
	case exit.IsInterrupt(err), exit.IsUsage(err):
		return err
	case ok && e.Field != "":
		return exit.UsageError("--"+e.Field, "%s", strings.TrimSpace(e.Message))
	case ok:
		err = errors.New(strings.TrimSpace(e.Message))
	}
	return &exit.FileError{File: name, Err: exit.UsageError("", "%s", err.Error())}
}

func (in *Input) recognize(ctx context.Context, name string, o contactrows.Options) (err error) {
	if !in.source.Regular {
		return in.recognizeStream(name, o)
	}
	head := make([]byte, 8)
	n, err := io.ReadFull(in.source, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if err := in.source.Rewind(); err != nil {
		return err
	}
	if isOffice(name, head[:n]) {
		return in.recognizeSheet(ctx, name, head[:n], o)
	}
	if in.Layout, err = contactrows.Recognize(name, reading(ctx, in.source), o); err != nil {
		return err
	}
	if err := in.source.Rewind(); err != nil {
		return err
	}
	return in.Layout.Survey(reading(ctx, in.source))
}

// recognizeStream looks at what has come up to the end of a line, and waits for no more.
func (in *Input) recognizeStream(name string, o contactrows.Options) error {
	const most = 64 << 10
	in.stream = bufio.NewReaderSize(in.source, most)
	var head []byte
	for {
		_, err := in.stream.Peek(min(in.stream.Buffered()+1, most))
		head, _ = in.stream.Peek(in.stream.Buffered())
		end := bytes.LastIndexByte(head, '\n')
		if end >= 0 && err == nil {
			if end++; bytes.HasPrefix(head, []byte{0xff, 0xfe}) {
				end++ // the other half of the character
			}
			head = head[:min(end, len(head))]
			break
		}
		if errors.Is(err, io.EOF) || len(head) == most {
			break
		}
		if err != nil {
			return err
		}
	}
	if isOffice(name, head) {
		return errors.New("a spreadsheet cannot be read from stdin or a pipe; name its file")
	}
	var err error
	in.Layout, err = contactrows.Recognize(name, bytes.NewReader(head), o)
	return err
}

func (in *Input) recognizeSheet(ctx context.Context, name string, head []byte, o contactrows.Options) (err error) {
	if in.sheet, err = openSheet(name, head); err != nil {
		return err
	}
	rows, err := in.sheet.rows()
	if err != nil {
		return err
	}
	if in.Layout, err = contactrows.RecognizeTable(name, rows, o); err != nil {
		return err
	}
	if rows, err = in.sheet.rows(); err != nil {
		return err
	}
	rows.ctx = ctx
	return in.Layout.SurveyOf(rows)
}

// reading is r until ctx ends.
func reading(ctx context.Context, r io.Reader) io.Reader { return &interrupted{ctx, r} }

type interrupted struct {
	ctx context.Context
	r   io.Reader
}

func (i *interrupted) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// Rows iterates over the rows from the beginning: those of stdin once. A
// *contactrows.Problem is about one row, and any other error ends the iteration.
func (in *Input) Rows() iter.Seq2[contactrows.Row, error] {
	switch {
	case in.stream != nil:
		return in.Layout.Rows(in.stream)
	case in.sheet != nil:
		rows, err := in.sheet.rows()
		if err != nil {
			return failing(err)
		}
		return in.Layout.RowsOf(rows)
	}
	if err := in.source.Rewind(); err != nil {
		return failing(err)
	}
	return in.Layout.Rows(in.source)
}

func failing(err error) iter.Seq2[contactrows.Row, error] {
	return func(yield func(contactrows.Row, error) bool) { yield(contactrows.Row{}, err) }
}

// Name is the name that the input was opened by.
func (in *Input) Name() string { return in.source.Name }

// Sheet is the name of the sheet that is read when the file has others; else it is empty.
func (in *Input) Sheet() string {
	if in.sheet == nil || in.sheet.of < 2 {
		return ""
	}
	return in.sheet.name
}

// Total is the number of rows; -1 when that is not known before they are read.
func (in *Input) Total() int {
	if in.Layout.Surveyed == nil {
		return -1
	}
	return in.Layout.Surveyed.Rows
}

// Close lets the file go; stdin stays open.
func (in *Input) Close() {
	in.source.Close()
	if in.sheet != nil {
		in.sheet.close()
	}
}

// isOffice reports whether a file is one of an office program.
func isOffice(name string, head []byte) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".xlsx", ".xlsm", ".xls", ".ods", ".numbers":
		return true
	}
	return bytes.HasPrefix(head, zipBegins) || bytes.HasPrefix(head, oldBegins)
}

// same reports whether two names lead to one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	y, failed := os.Stat(b)
	return err == nil && failed == nil && os.SameFile(x, y)
}
