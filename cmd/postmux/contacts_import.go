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
lists holds names separated by ; (an alias, or id:ID). A ' before what a spreadsheet
takes for a formula, as an export writes it, is taken off.
A line of JSON is a change, as "contacts upsert" takes it, or a whole contact, as
"contacts export" writes it.

The form of a file is checked to its end before the first row is imported. Stdin
can be read only once: there a row of bad form ends the import, and those before
it are done.

A refused row does not stop the import and is told on stderr, or in the file of
--report, which also has the rows of which something was dropped. A report of an
earlier import that is there is kept under a number, NAME.1.csv and so on; with
--resume rows are added to it. Notes are counted at the end. With --json each row
is one line of JSON that begins with its index. The first interrupt ends the import
after the calls under way. --results keeps how far the import came, and --resume
goes on there. --dry-run reads the whole input, shows the calls of the first good
row and tells which rows are refused.`,
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
		return dryImport(cmd, a, c, in, &f.dry)
	}
	i := &importRun{rows: make(map[int]inputRow), app: a, flags: f, cmd: cmd, stop: stop, in: in, total: total}
	if i.marks, err = journal.OpenMarks(stop, f.results, f.resume); err != nil {
		return err
	}
	defer func() { _ = i.marks.Close() }() // what matters is on the disk
	if i.report, err = contactfile.OpenReport(stop, f.report, f.resume, name, f.results); err != nil {
		return err
	}
	defer i.report.Close()
	i.marks.Tell(i)
	if kept := i.report.Kept(); kept != "" {
		cmd.PrintErrln(f.report + ": the report of an earlier import was there and is kept as " + kept)
	}
	if torn := i.report.Torn(); torn != "" {
		cmd.PrintErrln(f.report + ": an unfinished last row was cut off: " + terminal.Printable(torn))
	}
	return i.run(c)
}

// dryImport shows the calls of the first row that is not refused, and which rows of the
// whole input are refused before any request.
func dryImport(cmd *cobra.Command, a *app, c *provider.Client, in *input.Source, dry *dryRun) error {
	ctx := cmd.Context()
	var codes exit.Tally
	line, count, refused := 0, 0, 0
	var broken error
	rows := func(yield func(provider.ContactChange) bool) {
		for row, err := range contactfile.Rows(in.Name, in) {
			if err != nil {
				broken = input.InFile(in.Name, err)
				return
			}
			line, count = row.Line, count+1
			if !yield(row.Change) {
				return
			}
		}
	}
	// One row at a time goes through the checks of an import, so that the calls of one
	// can be shown by themselves.
	for change := range rows {
		calls := len(dry.requests)
		var problem error
		_, err := c.ImportContacts(ctx, rowsOf([]provider.ContactChange{change}), func(r provider.ImportResult) error {
			if r.Err != nil && !isDryRun(r.Err) {
				problem = r.Err
			}
			return nil
		})
		if err != nil && !isDryRun(err) {
			return err
		}
		codes.Add(exit.Code(problem))
		switch {
		case problem != nil:
			dry.requests = dry.requests[:calls]
			if refused++; refused <= dryTold {
				e := exit.ProviderError(problem)
				cmd.PrintErrln(terminal.Printable(fmt.Sprintf("line %d, %s: %s", line, change.Email, strings.TrimPrefix(e.Field+": "+e.Message, ": "))))
			}
		case count-refused > 1: // its calls are those of the first
			dry.requests = dry.requests[:calls]
		}
	}
	if broken != nil {
		return broken
	}
	if refused > 0 {
		cmd.PrintErrln(terminal.Plural(refused, "row", "rows") + " would be refused")
	}
	if n, more := len(dry.requests), count-refused-1; n > 0 && more > 0 {
		last := &dry.requests[n-1]
		words := terminal.Plural(more, "further row", "further rows") + ", by as few calls as the provider can do with"
		last.Then = strings.TrimPrefix(last.Then+"; "+words, "; ")
	}
	if err := dry.show(a, nil); err != nil {
		return err
	}
	return codes.Err("rows")
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
	rows     map[int]inputRow // without a result, by their index in the input
	read     int              // rows of the input
	codes    exit.Tally
	reason   error // of the last row that was tried and failed
	notes    noteCount
}

// inputRow is what is needed of a row of the input when its result is there.
type inputRow struct {
	line int              // at which it begins
	lost contactfile.Lost // what it says and an import cannot carry
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
	sum, err := c.ImportContacts(calls, i.left(), func(r provider.ImportResult) error {
		return i.row(r)
	})
	i.progress.Clear()
	if failed := i.marks.Flush(); err == nil {
		err = failed
	}
	changed := sum.Rows == 0 && exit.IsUsage(err) // another input than that of --resume
	before := i.marks.With(provider.ImportReport{})
	all := i.marks.With(sum)
	if err != nil && (changed || all.Rows == 0) {
		return i.stdinError(err)
	}
	i.summary(before, sum)
	if err != nil {
		// The rest was not tried. A row told the reason already, unless it lies
		// outside of the rows.
		return i.codes.Stopped(terminal.Plural(all.Rows-all.NotTried, "row", "rows"), i.stdinError(err), exit.Same(i.reason, err))
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

// left are the rows that are left to import.
func (i *importRun) left() iter.Seq2[provider.ContactChange, error] {
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
			i.read++
			done, err := i.marks.Read(row.Raw)
			if done && err == nil {
				i.progress.Add(1)
				continue
			}
			i.rows[i.read-1] = inputRow{row.Line, row.Kept}
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
	case i.failed() != nil:
		return i.failed()
	}
	return i.marks.Failed()
}

// row tells the result of one row. When it cannot be told that ends the import; then the
// rows that were read before are told on stderr.
func (i *importRun) row(row provider.ImportResult) error {
	row.Index += i.marks.Before() // in the input
	from := i.rows[row.Index]
	delete(i.rows, row.Index)
	if !exit.NotTried(row.Err) {
		i.codes.Add(rowCode(row))
		if row.Err != nil {
			i.reason = row.Err
		}
	}
	if row.Receipt != nil {
		row.Receipt.Notes = append(row.Receipt.Notes, from.lost.Notes()...)
		i.notes.add(row.Receipt.Notes)
	}
	err := i.marks.Done(from.line, row)
	if i.app.json {
		i.app.out.Line(terminal.Lined(row.Index, from.line, newItem(row.Email, row.Receipt, row.Err)))
	}
	i.progress.Add(1)
	return err
}

// Row makes the import the journal's Teller: a row to look at is told in the report, or,
// where there is none or it cannot be written, on stderr.
func (i *importRun) Row(line int, row provider.ImportResult) error {
	err := i.report.Row(line, row)
	if i.report.On() && err == nil {
		return nil
	}
	if text := rowText(row); text != "" {
		i.progress.Clear()
		i.cmd.PrintErrln(fmt.Sprintf("line %d, %s: %s", line, terminal.Printable(row.Email), terminal.Printable(text)))
	}
	if err == nil {
		err = i.failed()
	}
	return err
}

// Safe waits until the disk has what was told.
func (i *importRun) Safe() error {
	if i.report.On() {
		return i.report.Safe()
	}
	return i.failed()
}

// failed is why rows cannot be told.
func (i *importRun) failed() error {
	if i.report.On() {
		return i.report.Failed()
	}
	if err := i.app.errOut.Failed(); err != nil {
		return fmt.Errorf("cannot write stderr, on which rows are told without --report: %w", err)
	}
	return nil
}

// rowText says why a row is one to look at; nothing of one that is done or was not tried.
func rowText(row provider.ImportResult) string {
	switch {
	case exit.NotTried(row.Err):
		return ""
	case row.Err != nil:
		return strings.TrimSpace(row.Err.Error())
	case rowCode(row) == exit.Unknown && row.Receipt != nil:
		return strings.TrimSuffix("outcome unknown: "+terminal.NoteTexts(row.Receipt.Notes), ": ")
	}
	return ""
}

// rowCode is the exit code of a row. A row may be unknown without an error.
func rowCode(row provider.ImportResult) int {
	if journal.RowState(row) == string(provider.ContactUnknown) {
		return exit.Unknown
	}
	return exit.Code(row.Err)
}

func (i *importRun) summary(before, now provider.ImportReport) {
	text := importSummary(before, now, i.total)
	i.app.tellSummary(i.cmd, text)
	for _, line := range i.notes.lines() {
		i.cmd.PrintErrln(line)
	}
	if i.report.Told() > 0 {
		i.cmd.PrintErrln(fmt.Sprintf("%s told in %s", terminal.Plural(i.report.Told(), "row", "rows"), i.flags.report))
	}
}

// importSummary counts the rows by what became of them, those of earlier runs apart.
func importSummary(before, r provider.ImportReport, total int) string {
	rows := before.Rows + r.Rows
	parts := []string{terminal.Plural(rows, "row", "rows")}
	if total > rows {
		parts[0] = fmt.Sprintf("%d of %d rows", rows, total)
	}
	for _, x := range []struct {
		n    int
		what string
	}{
		{before.Created + before.Updated + before.Stored, "done before"},
		{before.Refused, "refused before"},
		{before.Unknown, "unknown before"},
		{r.Created, "created"},
		{r.Updated, "updated"},
		{r.Stored, "stored"},
		{r.Refused, "refused"},
		{r.Unknown, "unknown"},
		{r.NotTried, "not tried"},
	} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return parts[0] + ": " + strings.Join(append(parts[1:], nothingDone(parts)...), ", ")
}

func nothingDone(parts []string) []string {
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
