package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// exportFlags are the flags of an export.
type exportFlags struct {
	list, since, format string
	fields              []string
	raw, bom, resume    bool
}

func newContactExport(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export FILE.csv|FILE.jsonl|-",
		Short: "Export contacts to a file",
		Long: `Write all contacts, or those of a list, to a file that "contacts import" reads, or
to stdout (-). FILE appears, or is replaced, when it is complete: until then the
contacts are in FILE.part, and after an interrupt --resume goes on from there. A
FILE.part that is there is never overwritten: to begin anew, remove it first. Where
FILE is a link, what it leads to is replaced.

CSV has the columns of an import and one for each field that any contact has, or
that --fields names. Its lists are those that a contact gets mail of, by alias where
the configuration has one. A contact that gets no marketing mail has the status
unsubscribed or blocked, with the lists it has left, so that an import never makes
it a subscriber. What CSV cannot say is counted on stderr: stops of SMS, of
transactional mail or of one sender, and lists left by somebody who stays on others.

A cell that a spreadsheet would take for a formula, because it begins with = + - or @,
maybe behind blanks, has a ' before it, which an import takes off; so has a part of
a cell behind ; TAB or a line break. A cell that is a plain phone number is left
alone. --raw writes cells as they are; on a terminal ? stands for what it would obey.

Lines of JSON hold whole contacts, with lists as on the command line. Contacts
without a mail address are left out and counted. Where a provider lists contacts
list by list, one that is on several comes several times; an import joins them.`,
		Example: `  postmux contacts export contacts.csv
  postmux contacts export changed.jsonl --list newsletter --modified-since 2026-03-21
  postmux --provider backup contacts import contacts.csv --report refused.csv`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := newExport(a, cmd, args[0], &f)
			if err != nil {
				return err
			}
			return e.run()
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.list, "list", "", "only members of the list `REF`: an alias, or id:ID")
	s.StringVar(&f.since, "modified-since", "", "only contacts changed since `TIME`, like 2026-03-21 (UTC) or 2026-03-21T09:00:00+03:30")
	s.StringSliceVar(&f.fields, "fields", nil, "columns of CSV for these further fields only: `NAME,NAME`")
	s.StringVar(&f.format, "format", "", "`FORMAT` csv or jsonl, where the name does not tell")
	s.BoolVar(&f.raw, "raw", false, "write cells of CSV as they are, also those that a spreadsheet takes for formulas")
	s.BoolVar(&f.bom, "bom", false, "begin CSV with a byte order mark, without which Excel shows other letters than Latin ones wrongly")
	s.BoolVar(&f.resume, "resume", false, "go on with the FILE.part of an export that was interrupted")
	return cmd
}

// export is an export under way.
type export struct {
	app    *app
	cmd    *cobra.Command
	client *provider.Client
	flags  *exportFlags
	name   string
	csv    bool
	query  provider.ContactQuery
	lists  map[string]string // how a list is written, by its id

	sum     contactfile.Summary
	leftOut int
	unread  int
}

func newExport(a *app, cmd *cobra.Command, name string, f *exportFlags) (*export, error) {
	e := &export{app: a, cmd: cmd, flags: f, name: name}
	format := f.format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")
	}
	switch {
	case format == "csv":
		e.csv = true
	case format == "jsonl", format == "ndjson", name == "-" && format == "":
	case f.format != "":
		return nil, exit.UsageError("--format", "expected csv or jsonl, got %q", f.format)
	default:
		return nil, exit.UsageError("FILE", "expected a name that ends in .csv, .jsonl or .ndjson, or --format, got %q", name)
	}
	switch {
	case name == "-" && f.resume:
		return nil, exit.UsageError("--resume", "expected a file: what went to stdout cannot be gone on with")
	case !e.csv && (f.raw || f.bom || f.fields != nil):
		return nil, exit.UsageError("--format", "--raw, --bom and --fields are for csv")
	case name != "-":
		info, err := os.Stat(name)
		if err == nil && !info.Mode().IsRegular() {
			return nil, exit.UsageError("FILE", "%s is not a regular file; - is stdout", name)
		}
		if _, link := os.Lstat(name); err != nil && link == nil {
			return nil, exit.UsageError("FILE", "%s is a link to nothing; name what it shall lead to", name)
		}
	}
	var err error
	if cmd.Flags().Changed("list") {
		if e.query.List, err = parseRef("--list", f.list); err != nil {
			return nil, err
		}
	}
	if e.query.ModifiedSince, err = parseSince(f.since); err != nil {
		return nil, err
	}
	if e.client, err = a.open(cmd); err != nil {
		return nil, err
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	e.lists = listNames(cfg.Aliases.Lists, e.client.Account())
	return e, nil
}

// listNames are the aliases of an account's lists by their ids, as far as a cell
// can hold them.
func listNames(aliases map[string]map[string]string, account string) map[string]string {
	out := make(map[string]string)
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		id, ok := aliases[alias][account]
		if _, taken := out[id]; !ok || taken || strings.Contains(alias, ";") || strings.HasPrefix(alias, "id:") || strings.TrimSpace(alias) != alias {
			continue
		}
		out[id] = alias
	}
	return out
}

// run reads all contacts into a file beside the target, and makes the target of it.
func (e *export) run() error {
	if e.name == "-" && !e.csv {
		return e.direct()
	}
	part := e.name + ".part"
	var s *contactfile.Spool
	var err error
	if e.name == "-" {
		s, err = contactfile.TempSpool(e.cmd.Context(), e.spoolQuery())
	} else {
		s, err = contactfile.OpenSpool(e.cmd.Context(), part, e.spoolQuery(), e.flags.resume)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if err = e.read(s); err == nil {
		err = e.finish(s)
	}
	switch {
	case err == nil || e.name == "-":
	case s.Count() == 0:
		_ = os.Remove(part) // there is nothing to go on from
	default:
		e.cmd.PrintErrln(fmt.Sprintf("%s holds %s; --resume goes on from there", part, terminal.Plural(s.Count(), "contact", "contacts")))
	}
	if err != nil {
		return e.stdoutError(err)
	}
	if e.name != "-" {
		_ = os.Remove(part) // the target is complete; a part left over is only litter
	}
	e.summary()
	return nil
}

// Query says which contacts the export reads.
func (e *export) spoolQuery() contactfile.Query {
	query := contactfile.Query{Provider: e.client.Provider(), Account: e.client.Account(), Since: timeText(e.query.ModifiedSince)}
	if !e.query.List.IsZero() {
		query.List = e.query.List.String()
	}
	return query
}

// read fetches what the spool does not hold yet.
func (e *export) read(s *contactfile.Spool) error {
	cursor, complete := s.Next()
	if complete {
		return nil
	}
	return e.pages(cursor, s.Add)
}

// finish makes the target of what was read.
func (e *export) finish(s *contactfile.Spool) error {
	if e.name == "-" {
		return e.convert(s, e.app.out.Data())
	}
	return e.replace(s)
}

// convert writes the contacts of a spool in the form of the target.
func (e *export) convert(s *contactfile.Spool, to io.Writer) (err error) {
	e.leftOut, e.unread = s.Left()
	e.sum, err = s.Write(to, contactfile.Form{CSV: e.csv, Fields: e.flags.fields, Raw: e.flags.raw, Mark: e.flags.bom})
	return err
}

// stdoutError leaves out what is told at the end of the tool: that stdout is gone.
func (e *export) stdoutError(err error) error {
	if e.app.out.Failed() != nil && errors.Is(err, e.app.out.Failed()) {
		return nil
	}
	return err
}

// replace writes the target under another name and moves it into place. Where the target
// is a link, what it leads to is replaced and the link stays.
func (e *export) replace(s *contactfile.Spool) error {
	target := e.name
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	dir := filepath.Dir(target)
	next := filepath.Join(dir, "."+filepath.Base(e.name)+".postmux")
	_ = os.Remove(next) // an export that was killed has left it; this one has FILE.part to itself
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the file: %w", err)
	}
	disk := journal.DiskOf(e.cmd.Context(), f)
	err = e.convert(s, disk)
	if err == nil {
		err = disk.Sync()
	}
	own, failed := f.Stat()
	if closed := disk.Close(); err == nil {
		err = errors.Join(closed, failed)
	}
	if err == nil {
		there, failed := os.Lstat(next)
		if err = failed; err == nil && !os.SameFile(own, there) {
			return fmt.Errorf("cannot write the file: another run has replaced %s", next)
		}
	}
	if err == nil {
		err = os.Rename(next, target)
	}
	if err != nil {
		_ = os.Remove(next)
		return fmt.Errorf("cannot write the file: %w", err)
	}
	return journal.SyncDir(e.cmd.Context(), dir)
}

// pages iterates over pages of contacts whose lists are written as on the
// command line.
func (e *export) pages(cursor string, take func(*provider.Page[provider.Contact]) error) error {
	e.query.Cursor = cursor
	bar := terminal.NewProgress(e.cmd.ErrOrStderr(), -1, "contacts")
	defer bar.Clear()
	for page, err := range contactPages(e.cmd, e.client, e.query) {
		if err != nil {
			return err
		}
		for i := range page.Items {
			for k := range page.Items[i].Memberships {
				m := &page.Items[i].Memberships[k]
				name, ok := e.lists[m.List]
				if !ok {
					name = "id:" + m.List
				}
				m.List = name
			}
		}
		if err := take(page); err != nil {
			return err
		}
		bar.Add(len(page.Items))
	}
	return nil
}

// direct writes lines of JSON to stdout as they come.
func (e *export) direct() error {
	err := e.pages("", func(page *provider.Page[provider.Contact]) error {
		for _, c := range page.Items {
			e.app.out.Line(c)
		}
		e.sum.Contacts += len(page.Items)
		e.leftOut += page.LeftOut
		e.unread += page.Unread
		return e.app.out.Failed()
	})
	if err == nil {
		e.summary()
	}
	return e.stdoutError(err)
}

// summary tells what was written and what was not.
func (e *export) summary() {
	text := terminal.Plural(e.sum.Contacts, "contact", "contacts") + " exported"
	switch {
	case e.name == "-":
		e.cmd.PrintErrln(text)
	case e.app.json:
		e.app.out.Document(map[string]any{"file": e.name, "contacts": e.sum.Contacts, "left_out": e.leftOut, "unread": e.unread})
	default:
		e.app.out.Say(text + " to " + e.name)
	}
	if e.leftOut > 0 {
		e.cmd.PrintErrln(terminal.Plural(e.leftOut, "contact", "contacts") + " without a mail address left out")
	}
	tellUnread(e.cmd, e.unread)
	if !e.csv {
		return
	}
	for _, name := range e.sum.Unseen {
		e.cmd.PrintErrln("no contact has the field " + name)
	}
	if text := contactfile.LostSentence(e.sum.Lost); text != "" {
		e.cmd.PrintErrln(text)
	}
	if n := e.sum.Lost.Values; n > 0 {
		e.cmd.PrintErrln(terminal.Plural(n, "value that is a list", "values that are lists") + " written as one text with ; between; .jsonl keeps lists")
	}
}
