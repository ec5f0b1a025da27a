package main

import (
	"errors"
	"io"

	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/provider"
)

// batchItems are where the messages of a run come from.
type batchItems interface {
	// next returns the next item; io.EOF at the end. It is used before the call after.
	next() (batchItem, error)
	// end checks what can be checked when read items were all.
	end(read int) error
}

// batchItem is a message before it is made.
type batchItem struct {
	index  int // in the result file
	line   int // in the input, from 1
	digest journal.Digest
	// message makes it. What an earlier run has begun may go without what is needed to send.
	message func(was journal.Did) (*provider.Message, []provider.Note, error)
}

// lineItems are messages in JSON, one a line.
type lineItems struct {
	in    *input.Source
	lines *input.Lines
	past  *journal.Past
	read  int
}

func (l *lineItems) next() (batchItem, error) {
	line, err := l.lines.Next()
	if errors.Is(err, io.EOF) {
		return batchItem{}, err
	}
	if err != nil {
		return batchItem{}, input.InFile(l.in.Name, err)
	}
	l.read++
	return batchItem{l.read - 1, l.lines.Number(), journal.DigestOf(line), func(journal.Did) (*provider.Message, []provider.Note, error) {
		m, err := provider.ParseMessage(line)
		return m, nil, err
	}}, nil
}

func (l *lineItems) end(read int) error { return l.past.End(read) }
