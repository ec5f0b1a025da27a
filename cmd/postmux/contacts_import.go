package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// importFlags are the flags of an import.
type importFlags struct {
	dry     dryRun
	report  string
	results string
	resume  bool
}

func newContactImport(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE.csv|FILE.jsonl|-",
		Short: "Import contacts from a file",
		Long: `Import contacts from CSV, or from lines of JSON when the name ends in .jsonl or
.ndjson; stdin (-) may be either. Each row is an upsert: it sets and adds, and
undoes no unsubscription. An empty cell leaves the field alone.

The columns of a CSV file are
  ` + strings.Join(contactfile.Columns, ", ") + `
and field.NAME for further fields; email must be there, any other is refused.
lists holds names separated by ; (an alias, or id:ID). A ' before = @ + - TAB CR
at the beginning of a cell, as a spreadsheet-safe export writes it, is taken off.
A line of JSON is a change, as "contacts upsert" takes it, or a whole contact, as
"contacts export" writes it.

The form of a file is checked to its end before the first row is imported. Stdin
can be read only once: there a row of bad form ends the import, and those before
it are done.

A refused row does not stop the import and is told on stderr, or in the file of
--report, which also has the rows of which something was dropped. Notes are counted
at the end. With --json each row is one line of JSON that begins with its index.
The first interrupt ends the import after the calls under way. --results keeps
how far the import came, and --resume goes on there. --dry-run shows the first row.`,
		Example: `  postmux contacts import contacts.csv
  postmux contacts import contacts.csv --report refused.csv --results import.state
  postmux contacts import contacts.csv --report refused.csv --results import.state --resume`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.resume && f.results == "" {
				return exit.UsageError("--resume", "expected --results FILE of the import to go on with")
			}
			return a.importFile(cmd, args[0], &f)
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.report, "report", "", "write the rows that were refused, are unknown or lost something to `FILE`, .csv or .jsonl")
	s.StringVar(&f.results, "results", "", "keep in `FILE` how far the import came")
	s.BoolVar(&f.resume, "resume", false, "go on where the import of --results ended")
	f.dry.flag(cmd)
	cmd.MarkFlagsMutuallyExclusive("dry-run", "resume")
	return cmd
}

func (a *app) importFile(cmd *cobra.Command, name string, f *importFlags) error {
	stop := cmd.Context()
	in, err := input.Open(stop, cmd.InOrStdin(), name)
	if err != nil {
		return err
	}
	defer in.Close()
	total := -1
	if in.Regular {
		if total, err = contactfile.Check(name, in); err != nil {
			return input.InFile(name, err)
		}
		if err := in.Rewind(); err != nil {
			return err
		}
	}
	c, err := a.open(cmd, f.dry.options()...)
	if err != nil {
		return err
	}
	if f.dry.on {
		return dryImport(stop, a, c, in, total, &f.dry)
	}
	i := &importRun{app: a, flags: f, cmd: cmd, stop: stop, in: in, total: total}
	if i.marks, err = journal.OpenMarks(f.results, f.resume); err != nil {
		return err
	}
	defer func() { _ = i.marks.Close() }() // what matters is on the disk
	if i.report, err = contactfile.OpenReport(f.report, f.resume, name, f.results); err != nil {
		return err
	}
	defer i.report.Close()
	return i.run(c)
}

// dryImport shows the calls of the first row.
func dryImport(ctx context.Context, a *app, c *provider.Client, in *input.Source, total int, dry *dryRun) error {
	var first []provider.ContactChange
	for row, err := range contactfile.Rows(in.Name, in) {
		if err != nil {
			return input.InFile(in.Name, err)
		}
		first = append(first, row.Change)
		break
	}
	_, err := c.ImportContacts(ctx, rowsOf(first), nil)
	if n := len(dry.requests); n > 0 && total != len(first) {
		more := "all further rows"
		if total > 0 {
			more = terminal.Plural(total-1, "further row", "further rows")
		}
		more += ", by as few calls as the provider can do with"
		last := &dry.requests[n-1]
		last.Then = strings.TrimPrefix(last.Then+"; "+more, "; ")
	}
	return dry.show(a, err)
}

// importRun is an import under way.
type importRun struct {
	app    *app
	cmd    *cobra.Command
	flags  *importFlags
	stop   context.Context // ends at the first interrupt
	in     *input.Source
	total  int // rows of the input; -1 when not known
	marks  *journal.Marks
	report *contactfile.Report

	progress *terminal.Progress
	codes    exit.Tally
	reason   error // of the last row that was tried and failed
	lost     contactfile.Lost
	notes    noteCount
}

// run imports the rows that are left and tells the result of each.
func (i *importRun) run(c *provider.Client) error {
	if err := i.stop.Err(); err != nil {
		return err
	}
	calls, release := terminal.Unhurried(i.stop)
	defer release()
	i.progress = terminal.NewProgress(i.cmd.ErrOrStderr(), i.total, "rows")
	i.codes = i.marks.Codes()
	sum, err := c.ImportContacts(calls, i.rows(), func(r provider.ImportResult) error {
		i.row(r)
		return nil
	})
	i.progress.Clear()
	if failed := i.marks.Flush(); err == nil {
		err = failed
	}
	changed := sum.Rows == 0 && exit.IsUsage(err) // another input than that of --resume
	sum = i.marks.With(sum)
	if err != nil && (changed || sum.Rows == 0) {
		return i.stdinError(err)
	}
	i.summary(sum)
	if err != nil {
		// The rest was not tried. A row told the reason already, unless it lies
		// outside of the rows.
		return i.codes.Stopped(terminal.Plural(sum.Rows-sum.NotTried, "row", "rows"), i.stdinError(err), exit.Same(i.reason, err))
	}
	return i.codes.Err("rows")
}

// stdinError names the input when its form ended the import.
func (i *importRun) stdinError(err error) error {
	if errors.As(err, new(*contactfile.RowProblem)) || errors.As(err, new(*input.ReadError)) {
		return input.InFile(i.in.Name, err)
	}
	return err
}

// rows are the rows that are left to import.
func (i *importRun) rows() iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		for row, err := range contactfile.Rows(i.in.Name, i.in) {
			if stopped := i.ended(); stopped != nil {
				err = stopped
			} else if err != nil && !exit.IsInterrupt(err) {
				err = &input.ReadError{Err: err}
			}
			if err != nil {
				yield(provider.ContactChange{}, err)
				return
			}
			done, err := i.marks.Read(row.Raw)
			if done && err == nil {
				i.progress.Add(1)
				continue
			}
			i.lost.Add(row.Kept)
			if !yield(row.Change, err) || err != nil {
				return
			}
		}
		if err := i.marks.End(); err != nil {
			yield(provider.ContactChange{}, err)
		}
	}
}

// ended is why no further row is read: an interrupt, or an output that is gone.
func (i *importRun) ended() error {
	switch {
	case i.stop.Err() != nil:
		return i.stop.Err()
	case i.app.out.Failed() != nil:
		return fmt.Errorf("cannot write the output: %w", i.app.out.Failed())
	case i.report.Failed() != nil:
		return i.report.Failed()
	}
	return i.marks.Failed()
}

// row tells the result of one row.
func (i *importRun) row(row provider.ImportResult) {
	row.Index += i.marks.Before() // in the input
	if !exit.NotTried(row.Err) {
		i.codes.Add(exit.Code(row.Err))
		if row.Err != nil {
			i.reason = row.Err
		}
	}
	i.marks.Done(row)
	i.report.Row(row)
	if row.Receipt != nil {
		i.notes.add(row.Receipt.Notes)
	}
	if i.app.json {
		i.app.out.Line(terminal.Indexed(row.Index, newItem(row.Email, row.Receipt, row.Err)))
	}
	if row.Err != nil && !i.report.On() && !exit.NotTried(row.Err) {
		i.progress.Clear()
		i.cmd.PrintErrln(fmt.Sprintf("row %d, %s: %s", row.Index+1, terminal.Printable(row.Email), strings.TrimSpace(row.Err.Error())))
	}
	i.progress.Add(1)
}

func (i *importRun) summary(r provider.ImportReport) {
	text := importSummary(r, i.total)
	i.app.tellSummary(i.cmd, text)
	for _, line := range i.notes.lines() {
		i.cmd.PrintErrln(line)
	}
	if i.report.Told() > 0 {
		i.cmd.PrintErrln(fmt.Sprintf("%s told in %s", terminal.Plural(i.report.Told(), "row", "rows"), i.flags.report))
	}
	if text := i.lost.Sentence(); text != "" {
		i.cmd.PrintErrln(text)
	}
}

func importSummary(r provider.ImportReport, total int) string {
	parts := []string{terminal.Plural(r.Rows, "row", "rows")}
	if total > r.Rows {
		parts[0] = fmt.Sprintf("%d of %d rows", r.Rows, total)
	}
	for _, x := range []struct {
		n    int
		what string
	}{{r.Created, "created"}, {r.Updated, "updated"}, {r.Stored, "stored"}, {r.Refused, "refused"}, {r.Unknown, "unknown"}, {r.NotTried, "not tried"}} {
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

// item is the JSON of one item of many.
type item struct {
	Email   string                   `json:"email"`
	Receipt *provider.ContactReceipt `json:"receipt"`
	Error   *provider.Error          `json:"error"`
}

func newItem(email string, r *provider.ContactReceipt, err error) item {
	out := item{Email: email, Receipt: r}
	if err != nil {
		out.Error = exit.ProviderError(err)
	}
	return out
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
