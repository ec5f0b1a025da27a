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
	"github.com/postmux/postmux/provider/contactrows"
)

// runFlags are the flags of a run over the rows of a file.
type runFlags struct {
	dry     dryRun
	report  string
	results string
	resume  bool
}

func (f *runFlags) register(cmd *cobra.Command, run string) {
	s := cmd.Flags()
	s.StringVar(&f.report, "report", "", "write the rows that were refused, are unknown or lost something to `FILE`: .csv in the form of the input, to correct and import it, or .jsonl")
	s.StringVar(&f.results, "results", "", "keep in `FILE` how far the "+run+" came")
	s.BoolVar(&f.resume, "resume", false, "go on where the "+run+" of --results ended")
}

func (f *runFlags) check() error {
	switch {
	case f.resume && f.results == "":
		return exit.UsageError("--resume", "expected --results FILE of the run to go on with")
	case f.resume && f.dry.on:
		return exit.UsageError("", "--dry-run and --resume cannot stand together; try --help")
	}
	return nil
}

func newContactImport(a *app) *cobra.Command {
	var f runFlags
	var read readFlags
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Import contacts from a file",
		Long: `Import contacts from CSV, a spreadsheet (.xlsx), or lines of JSON (.jsonl); stdin
(-) may be CSV or lines of JSON. Each row is an upsert: it sets and adds, and undoes
no unsubscription. An empty cell leaves the field alone.

The delimiter, the encoding and the columns of a file are recognised, as Mailchimp,
Brevo, SendPulse, MailWizz, Google Contacts, Outlook and spreadsheets write them, in
English, Russian, Persian and German. On a terminal a preview shows what becomes of
each column, and asks; elsewhere only what is certain is taken, and what is guessed
needs its flag: --encoding, --delimiter, --map or --status. A column that is not
known needs --map or --ignore-unknown. The targets of columns are
  ` + strings.Join(contactrows.Columns, ", ") + `,
field.NAME for further fields, - to leave one out, and for columns that say so by yes
and no or by a time subscribed, unsubscribed, bounced, complained and blocked.
lists holds names separated by ; (an alias, or id:ID). Blanks around cells, and a '
before what a spreadsheet takes for a formula, are taken off.

Whoever is stopped stays so: the words of standing of the exports are known, a row
with another word is refused, and the strongest stop of a row counts.

A line of JSON is a change, as "contacts upsert" takes it, or a whole contact, as
"contacts export" writes it.

A refused row does not stop the import and is told on stderr, or with all of its
cells in the file of --report, which has the form of the input: correct it and import
it. It also has the rows of which something was dropped. A report of an earlier import
that is there is kept under a number, NAME.1.csv and so on; with --resume rows are
added to it. Notes are counted at the end. With --json each row is one line of JSON
that begins with its index. The first interrupt ends the import after the calls under
way. --results keeps how far the import came, and --resume goes on there. --dry-run
reads the whole input, shows the preview and the calls of the first good row, and
tells which rows are refused.`,
		Example: `  postmux contacts import contacts.csv
  postmux contacts import members_export.csv --list newsletter --map City=field.CITY
  postmux contacts import contacts.csv --report refused.csv --results import.state
  postmux contacts import contacts.csv --report refused.csv --results import.state --resume`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.importFile(cmd, args[0], &f, &read)
		},
	}
	f.register(cmd, "import")
	read.register(cmd, contactrows.NeedAll)
	f.dry.flag(cmd)
	return cmd
}

func (a *app) importFile(cmd *cobra.Command, name string, f *runFlags, read *readFlags) error {
	return a.runFile(cmd, name, f, read, rowJob{
		need: contactrows.NeedAll, decision: decision{verb: "import", dry: f.dry.on}, op: "contacts.import", items: "rows", stored: "stored",
		do: func(c *provider.Client) rowFunc { return c.ImportContacts },
	})
}

// rowFunc does something with each row, as provider.Client.ImportContacts does.
type rowFunc func(context.Context, iter.Seq2[provider.ContactChange, error], func(provider.ImportResult) error) (provider.ImportReport, error)

// rowJob is what a run does with the rows of a file.
type rowJob struct {
	need     contactrows.Need
	decision decision
	op       provider.Op // of its errors
	items    string      // in words, in the plural
	stored   string      // the word for what was done
	do       func(*provider.Client) rowFunc
	refuses  func(contactrows.Row) string // why a row is refused before any request; nil: none is
}

// runFile does job with the rows of a file.
func (a *app) runFile(cmd *cobra.Command, name string, f *runFlags, read *readFlags, job rowJob) error {
	options, err := read.options(a, job.need)
	if err != nil {
		return err
	}
	stop := cmd.Context()
	in, err := contactfile.OpenInput(stop, cmd.InOrStdin(), name, options)
	if err != nil {
		return err
	}
	defer in.Close()
	c, err := a.open(cmd, f.dry.options()...)
	if err != nil {
		return err
	}
	if err := a.agree(cmd, c, in, read, job.decision); err != nil {
		return err
	}
	i := &importRun{app: a, flags: f, job: job, cmd: cmd, stop: stop, in: in, client: c}
	if f.dry.on {
		return i.dry()
	}
	if i.marks, err = journal.OpenMarks(stop, f.results, f.resume); err != nil {
		return err
	}
	defer func() { _ = i.marks.Close() }() // what matters is on the disk
	if i.report, err = contactfile.OpenReport(stop, f.report, contactfile.FormOf(in.Layout), f.resume, name, f.results); err != nil {
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
	return i.run()
}

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

// importRun is a run over the rows of a file, as an import is.
type importRun struct {
	app    *app
	cmd    *cobra.Command
	flags  *runFlags
	job    rowJob
	client *provider.Client
	stop   context.Context // ends at the first interrupt
	in     *contactfile.Input
	marks  *journal.Marks
	report *contactfile.Report

	progress *terminal.Progress
	waiting  []inputRow // rows that were read and have no result, in their order
	telling  inputRow   // the row that is being told
	read     int        // rows of the input
	paused   bool       // until the rows that wait have their results
	codes    exit.Tally
	refused  int   // rows that were refused before any request
	broken   error // ended the input before its end
	reason   error // of the last row that was tried and failed
	notes    noteCount
}

// inputRow is what is needed of a row of the input when its result is there.
type inputRow struct {
	index   int
	line    int // at which it begins
	email   string
	given   contactfile.Given
	lost    contactrows.Lost // what it says and an import cannot carry
	problem error            // why it is refused before any request
}

// problem is why a row is refused before any request; nil of a good one, and of an error
// that ends the input.
func (i *importRun) problem(row contactrows.Row, err error) error {
	p, bad := errors.AsType[*contactrows.Problem](err)
	field, text := "", ""
	switch {
	case bad:
		field, text = p.Field, p.Text
	case err == nil && i.job.refuses != nil:
		text = i.job.refuses(row)
	}
	if text == "" {
		return nil
	}
	e := provider.Invalid(field, "%s", text)
	e.Provider, e.Account, e.Op = i.client.Provider(), i.client.Account(), i.job.op
	return e
}

// run goes through the rows that are left and tells the result of each.
func (i *importRun) run() error {
	if err := i.stop.Err(); err != nil {
		return err
	}
	calls, release := terminal.Unhurried(i.stop)
	defer release()
	i.progress = terminal.NewProgress(i.cmd.ErrOrStderr(), i.in.Total(), i.job.items)
	i.codes = i.marks.Codes()
	next, end := iter.Pull2(i.in.Rows())
	defer end()
	var sum provider.ImportReport
	var err error
	for i.paused = true; i.paused && err == nil; {
		i.paused = false
		var part provider.ImportReport
		part, err = i.job.do(i.client)(calls, i.left(next), i.result)
		if failed := i.refuse(); err == nil {
			err = failed
		}
		sum = added(sum, part)
	}
	i.progress.Clear()
	sum.Rows += i.refused
	sum.Refused += i.refused
	if failed := i.marks.Flush(); err == nil {
		err = failed
	}
	changed := sum.Rows == 0 && exit.IsUsage(err) // another input than that of --resume
	before := i.marks.With(provider.ImportReport{})
	all := i.marks.With(sum)
	if err != nil && (changed || all.Rows == 0) {
		return i.inputError(err)
	}
	i.summary(before, sum, err == nil)
	if err != nil {
		// The rest was not tried. A row told the reason already, unless it lies
		// outside of the rows.
		return i.codes.Stopped(terminal.Plural(all.Rows-all.NotTried, "row", "rows"), i.inputError(err), exit.Same(i.reason, err))
	}
	return i.codes.Err(i.job.items)
}

// inputError names the input when its form ended the run.
func (i *importRun) inputError(err error) error {
	if i.broken != nil && !exit.IsInterrupt(err) {
		return input.InFile(i.in.Name(), i.broken)
	}
	return err
}

// result takes the result of a row for which a request was made, in the order of rows.
func (i *importRun) result(r provider.ImportResult) error {
	if err := i.refuse(); err != nil { // those before it
		return err
	}
	from := i.waiting[0]
	i.waiting = i.waiting[1:]
	r.Index = from.index
	return i.row(from, r)
}

// added is the sum of two reports.
func added(a, b provider.ImportReport) provider.ImportReport {
	return provider.ImportReport{
		Rows: a.Rows + b.Rows, Created: a.Created + b.Created, Updated: a.Updated + b.Updated, Stored: a.Stored + b.Stored,
		Refused: a.Refused + b.Refused, Unknown: a.Unknown + b.Unknown, NotTried: a.NotTried + b.NotTried,
	}
}

// mostWaiting bounds the rows that wait for the result of one before them. A provider may
// gather many rows for one call; refused ones fill none.
var mostWaiting = 100_000 // tests lower it

// left are the rows that are left. Those that are refused before any request wait for the
// results of the rows before them; when they are too many it pauses, until those have theirs.
func (i *importRun) left(next func() (contactrows.Row, error, bool)) iter.Seq2[provider.ContactChange, error] {
	return func(yield func(provider.ContactChange, error) bool) {
		var raw []byte
		if i.flags.results != "" && i.read == 0 {
			raw = i.in.Layout.Identity(raw)
		}
		for {
			if i.paused = len(i.waiting) >= mostWaiting; i.paused {
				return
			}
			row, err, more := next()
			if !more {
				break
			}
			problem := i.problem(row, err)
			if problem != nil {
				err = nil
			}
			if stopped := i.ended(); stopped != nil {
				err = stopped
			} else if err != nil && !exit.IsInterrupt(err) {
				i.broken = err
			}
			if err != nil {
				yield(provider.ContactChange{}, err)
				return
			}
			i.read++
			if i.flags.results != "" {
				raw = row.Identity(raw)
			}
			done, err := i.marks.Read(raw)
			raw = raw[:0]
			if done && err == nil {
				i.progress.Add(1)
				continue
			}
			item := inputRow{index: i.read - 1, line: row.Line, email: row.Change.Email, lost: row.Kept, problem: problem}
			if i.report.On() {
				item.given = contactfile.GivenOf(i.in.Layout, row)
			}
			i.waiting = append(i.waiting, item)
			if problem != nil && err == nil {
				if err = i.refuse(); err == nil {
					continue
				}
				yield(provider.ContactChange{}, err)
				return
			}
			if !yield(row.Change, err) || err != nil {
				return
			}
		}
		if err := i.marks.End(); err != nil {
			yield(provider.ContactChange{}, err)
		}
	}
}

// refuse tells the rows that were refused before any request, up to the next that waits
// for its result.
func (i *importRun) refuse() error {
	for len(i.waiting) > 0 && i.waiting[0].problem != nil {
		from := i.waiting[0]
		i.waiting = i.waiting[1:]
		i.refused++
		if err := i.row(from, provider.ImportResult{Index: from.index, Email: from.email, Err: from.problem}); err != nil {
			return err
		}
	}
	return nil
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

// row tells the result of one row. When it cannot be told that ends the run; then the
// rows that were read before are told on stderr.
func (i *importRun) row(from inputRow, row provider.ImportResult) error {
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
	i.telling = from
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
	err := i.report.Row(line, i.telling.given, row)
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

func (i *importRun) summary(before, now provider.ImportReport, whole bool) {
	text := importSummary(before, now, i.in.Total(), i.job.stored)
	if whole && now.Rows == 0 && before.Rows > 0 {
		text = "nothing was left to do; " + text
	}
	i.app.tellSummary(i.cmd, text)
	for _, line := range i.notes.lines() {
		i.cmd.PrintErrln(line)
	}
	if i.report.Told() > 0 {
		i.cmd.PrintErrln(fmt.Sprintf("%s told in %s", terminal.Plural(i.report.Told(), "row", "rows"), i.flags.report))
	}
}

// importSummary counts the rows by what became of them, those of earlier runs apart. stored
// is the word for those of which no more is told.
func importSummary(before, r provider.ImportReport, total int, stored string) string {
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
		{r.Stored, stored},
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
