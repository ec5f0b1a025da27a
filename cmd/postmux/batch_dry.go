package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// dryBatch shows the first call of a batch and says how many messages follow.
// Lines that are no message are told, in the whole input.
func (a *app) dryBatch(cmd *cobra.Command, in *input.Source) error {
	var mu sync.Mutex // the call is made on a goroutine of its own
	dry := dryRun{on: true}
	c, err := a.open(cmd, provider.WithDryRun(func(r provider.WireRequest) {
		mu.Lock()
		defer mu.Unlock()
		dry.requests = append(dry.requests, r)
	}))
	if err != nil {
		return err
	}
	d := &dryInput{client: c, cmd: cmd, in: in, lines: input.NewLines(in)}
	firstOnly := errors.New("only the first call is wanted")
	each := func(r provider.BatchResult) error {
		if r.Err != nil && !isDryRun(r.Err) && !exit.NotTried(r.Err) {
			d.read--
			d.refused(d.at[r.Index], r.Err)
		}
		return nil
	}
	_, err = c.SendBatch(cmd.Context(), d.messages(), each, provider.BeforeSending(func(indexes []int) error {
		if d.first > 0 {
			return firstOnly
		}
		d.first = len(indexes)
		return nil
	}, nil))
	if err != nil && !errors.Is(err, firstOnly) {
		return input.InFile(in.Name, err)
	}
	mu.Lock()
	defer mu.Unlock()
	d.at = nil
	for err = nil; err == nil; {
		var m *provider.Message
		if m, err = d.next(); err == nil {
			if refused := c.Accepts(m); refused != nil {
				d.read--
				d.refused(d.lines.Number(), refused)
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		return input.InFile(in.Name, err)
	}
	if d.bad > 0 {
		cmd.PrintErrln(terminal.Plural(d.bad, "line", "lines") + " would be refused")
	}
	d.then(dry.requests)
	if err := dry.show(a, nil); err != nil {
		return err
	}
	d.codes.AddMany(exit.Done, d.read)
	return d.codes.Err("messages")
}

// dryTold is how many refused items a dry run tells of one by one.
const dryTold = 20

// dryInput is the input of a dry run.
type dryInput struct {
	client *provider.Client
	cmd    *cobra.Command
	in     *input.Source
	lines  *input.Lines
	codes  exit.Tally
	read   int   // messages that are not refused
	bad    int   // lines that are none, and messages that are refused
	first  int   // messages of the first call
	at     []int // the lines of the messages that the library was given
}

func (d *dryInput) messages() iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for {
			m, err := d.next()
			d.at = append(d.at, d.lines.Number())
			if errors.Is(err, io.EOF) || !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (d *dryInput) next() (*provider.Message, error) {
	for {
		line, err := d.lines.Next()
		if err != nil {
			return nil, err
		}
		m, err := provider.ParseMessage(line)
		if err == nil {
			d.read++
			return m, nil
		}
		d.refused(d.lines.Number(), err)
	}
}

// refused tells what is wrong with a line; of many, with the first.
func (d *dryInput) refused(line int, err error) {
	d.codes.Add(exit.Code(exit.ProviderError(err)))
	if d.bad++; d.bad <= dryTold {
		e := exit.ProviderError(err)
		d.cmd.PrintErrln(terminal.Printable(fmt.Sprintf("line %d: %s", line, strings.TrimPrefix(e.Field+": "+e.Message, ": "))))
	}
}

// then says in the last request what follows.
func (d *dryInput) then(requests []provider.WireRequest) {
	if len(requests) == 0 {
		return
	}
	var parts []string
	last := &requests[len(requests)-1]
	if last.Then != "" {
		parts = append(parts, last.Then)
	}
	if d.first > 1 {
		parts = append(parts, fmt.Sprintf("this call is for %d messages", d.first))
	}
	if n := d.read - d.first; n > 0 {
		parts = append(parts, "the same for "+terminal.Plural(n, "further message", "further messages"))
	}
	last.Then = strings.Join(parts, "; ")
}
