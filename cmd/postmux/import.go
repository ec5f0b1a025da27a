package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

func newContactImport(a *app) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "import FILE.csv|FILE.jsonl|-",
		Short: "Import contacts from a file",
		Long: `Import contacts from CSV, or from lines of JSON when the name ends in .jsonl or
.ndjson; stdin (-) may be either. Each row is an upsert: it sets and adds, and
undoes no unsubscription. An empty cell leaves the field alone.

The columns of a CSV file are
  ` + strings.Join(csvColumns, ", ") + `
and field.NAME for further fields; email must be there, any other is refused.
lists holds names separated by ; (an alias, or id:ID). A ' before = @ + - TAB CR
at the beginning of a cell, as a spreadsheet-safe export writes it, is taken off.

A refused row does not stop the import and is told on stderr. With --json each
row is one line of JSON that begins with its index. --dry-run shows the first row.`,
		Args:        wantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			rows, err := readContacts(args[0], data)
			if err != nil {
				if !errors.As(err, new(*provider.Error)) {
					err = provider.Invalid("", "%s", err.Error())
				}
				return &fileError{file: args[0], err: err}
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			if dry.on {
				return dryImport(cmd.Context(), a, c, rows, &dry)
			}
			return a.importContacts(cmd, c, rows)
		},
	}
	dry.flag(cmd)
	return cmd
}

// readContacts reads a contact file of either form.
func readContacts(name string, data []byte) ([]provider.ContactChange, error) {
	lines := bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson":
		lines = true
	case ".csv":
		lines = false
	}
	if lines {
		return readJSONL(data)
	}
	return readCSV(data)
}

func rowsOf(rows []provider.ContactChange) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// dryImport shows the calls of the first row.
func dryImport(ctx context.Context, a *app, c *provider.Client, rows []provider.ContactChange, dry *dryRun) error {
	_, err := c.ImportContacts(ctx, rowsOf(rows[:min(1, len(rows))]), nil)
	if n := len(dry.requests); n > 0 && len(rows) > 1 {
		last := &dry.requests[n-1]
		more := fmt.Sprintf("the same for %s", plural(len(rows)-1, "further row", "further rows"))
		last.Then = strings.TrimPrefix(last.Then+"; "+more, "; ")
	}
	return dry.show(a, err)
}

// importContacts imports rows and tells the result of each.
func (a *app) importContacts(cmd *cobra.Command, c *provider.Client, rows []provider.ContactChange) error {
	progress := newProgress(cmd.ErrOrStderr(), len(rows))
	var codes []int
	var last error
	report, err := c.ImportContacts(cmd.Context(), rowsOf(rows), func(row provider.ImportRow) {
		last = row.Err
		codes = append(codes, exitCode(row.Err))
		if a.json {
			a.printLine(indexed(row.Index, newItem(row.Email, row.Receipt, row.Err)))
		}
		if row.Err != nil {
			progress.clear()
			cmd.PrintErrln(fmt.Sprintf("row %d, %s: %s", row.Index+1, printable(row.Email), strings.TrimSpace(row.Err.Error())))
		}
		progress.step()
	})
	progress.clear()
	if err != nil && len(codes) == 0 {
		return err
	}
	summary := importSummary(report, len(rows))
	if a.json {
		cmd.PrintErrln(summary)
	} else {
		fmt.Fprintln(a.out, summary)
	}
	if err != nil {
		// The rest was not tried. The last row told the reason already, unless
		// it lies outside of the rows.
		told := sameError(last, err)
		if !told {
			codes = append(codes, exitCode(err))
		}
		return &resultError{err: fmt.Errorf("stopped after %s: %w", plural(report.Rows, "row", "rows"), err), code: stopCode(codes, err), shown: told}
	}
	return manyError(codes, "rows")
}

// stopCode is the code of an import that stopped: rows that were done before
// make it partly done.
func stopCode(codes []int, err error) int {
	if interrupted(err) && combine(codes) != exitUnknown {
		return exitInterrupted
	}
	return combine(codes)
}

func importSummary(r provider.ImportReport, total int) string {
	parts := []string{plural(r.Rows, "row", "rows")}
	if total > r.Rows {
		parts[0] = fmt.Sprintf("%d of %d rows", r.Rows, total)
	}
	for _, x := range []struct {
		n    int
		what string
	}{{r.Created, "created"}, {r.Updated, "updated"}, {r.Stored, "stored"}, {r.Refused, "refused"}, {r.Unknown, "unknown"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return parts[0] + ": " + strings.Join(append(parts[1:], nothing(parts)...), ", ")
}

func nothing(parts []string) []string {
	if len(parts) == 1 {
		return []string{"nothing done"}
	}
	return nil
}

// progress counts rows on a terminal.
type progress struct {
	w           io.Writer
	done, total int
	on          bool
}

func newProgress(w io.Writer, total int) *progress {
	return &progress{w: w, total: total, on: terminal(w)}
}

func (p *progress) step() {
	p.done++
	if p.on && (p.done%20 == 0 || p.done == p.total) {
		fmt.Fprintf(p.w, "\r%d of %d", p.done, p.total)
	}
}

func (p *progress) clear() {
	if p.on {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
