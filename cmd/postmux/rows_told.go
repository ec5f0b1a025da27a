package main

import (
	"fmt"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

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
