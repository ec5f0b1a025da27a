package main

import (
	"fmt"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// dry shows the calls of the first rows that are not refused, and which rows of the whole
// input are refused before any request.
func (i *importRun) dry() error {
	dry := &i.flags.dry
	var codes exit.Tally
	count, refused := 0, 0
	do := i.job.do(i.client)
	for row, err := range i.in.Rows() {
		problem := i.problem(row, err)
		if err != nil && problem == nil {
			return input.InFile(i.in.Name(), err)
		}
		count++
		calls := len(dry.requests)
		if problem == nil {
			// One row at a time, so that the calls of one can be shown by themselves.
			_, err := do(i.cmd.Context(), rowsOf([]provider.ContactChange{row.Change}), func(r provider.ImportResult) error {
				if r.Err != nil && !isDryRun(r.Err) {
					problem = r.Err
				}
				return nil
			})
			if err != nil && !isDryRun(err) {
				return err
			}
		}
		codes.Add(exit.Code(problem))
		switch {
		case problem != nil:
			dry.requests = dry.requests[:calls]
			if refused++; refused <= dryTold {
				e := exit.ProviderError(problem)
				i.cmd.PrintErrln(terminal.Printable(fmt.Sprintf("line %d, %s: %s", row.Line, row.Change.Email, strings.TrimPrefix(e.Field+": "+e.Message, ": "))))
			}
		case count-refused > 1: // its calls are those of the first
			dry.requests = dry.requests[:calls]
		}
	}
	if refused > 0 {
		i.cmd.PrintErrln(terminal.Plural(refused, "row", "rows") + " would be refused")
	}
	if n, more := len(dry.requests), count-refused-1; n > 0 && more > 0 {
		last := &dry.requests[n-1]
		words := terminal.Plural(more, "further row", "further rows") + ", by as few calls as the provider can do with"
		last.Then = strings.TrimPrefix(last.Then+"; "+words, "; ")
	}
	if err := dry.show(i.app, nil); err != nil {
		return err
	}
	return codes.Err(i.job.items)
}
