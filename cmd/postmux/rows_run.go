package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

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

// rowFunc does something with each row, as provider.Client.ImportContacts does.
type rowFunc func(context.Context, iter.Seq2[provider.ContactChange, error], func(provider.ImportResult) error) (provider.ImportReport, error)

// rowJob is what a run does with the rows of a file.
type rowJob struct {
	need     contactrows.Need
	decision decision
	op       provider.Op // of its errors
	list     string      // the list that it is about
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
			// Rows that another verb has done, or for another account or list, are not done.
			raw = fmt.Appendf(raw, "%s %s %s\n", i.job.op, i.client.Account(), i.job.list)
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
