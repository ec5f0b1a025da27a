package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider/mailing"
)

func newMailing(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mailing",
		Short: "Send one message to many contacts",
		Args:  terminal.NoCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMailingRun(a))
	return cmd
}

// mailingFlags are the flags of a mailing.
type mailingFlags struct {
	list, contacts     string
	keeper             string
	htmlFile, textFile string
	results            string
	most               int
	settle, dry, yes   bool
	noUnsubscribe      bool
}

func newMailingRun(a *app) *cobra.Command {
	var f mailingFlags
	cmd := &cobra.Command{
		Use:   "run FILE.json",
		Short: "Send a mailing to those who may be mailed",
		Long: `Send one message to the members of a list, or to the contacts of a file, each by a
mail of its own. FILE is JSON: the name of the mailing, the message, whose subject,
html, text and variables are Go templates over the contact, and the way to
unsubscribe. docs/mailing.md shows one.

Only those who may be mailed get it: whoever has left, is blocked, has not confirmed
or has no address is left out and counted. This is read again before each thousand
mails; those who leave later are counted at the end.

The command first shows the numbers, three examples and the time it will take. Then
it asks whether to send; without a terminal it needs --yes. --max-recipients must be
at least the number of mails. --dry-run stops before the question.

The mails that were begun, and their results, are kept in FILE.results.jsonl, or in
the file of --results. With it the same command goes on after an interrupt, and
nobody gets the mailing twice, even through another account; --contacts-account then
names the account that knows who has left. Keep the file for as long as the mailing
may be run. --settle looks up mails of unknown outcome, as in a batch.`,
		Example: `  postmux mailing run spring.json --list newsletter --dry-run
  postmux mailing run spring.json --list newsletter --max-recipients 500
  postmux mailing run spring.json --contacts people.csv --max-recipients 500 --yes`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE:        func(cmd *cobra.Command, args []string) error { return a.runMailing(cmd, args[0], &f) },
	}
	s := cmd.Flags()
	s.StringVar(&f.list, "list", "", "to the members of the list `REF`: an alias, or id:ID (default the list of FILE)")
	s.StringVar(&f.contacts, "contacts", "", "to the contacts of `FILE`, .csv or .jsonl, as an import reads it")
	s.StringVar(&f.keeper, "contacts-account", "", "`ACCOUNT` that has the contacts and knows who has said no (default the one that sends)")
	s.StringVar(&f.htmlFile, "html-file", "", "HTML body from `FILE`")
	s.StringVar(&f.textFile, "text-file", "", "text body from `FILE`")
	s.StringVar(&f.results, "results", "", "keep in `FILE` what was begun and what became of each mail (default beside the mailing)")
	s.IntVar(&f.most, "max-recipients", 0, "send at most `N` mails; must cover the number of those to be mailed")
	s.BoolVar(&f.settle, "settle", false, "look up the mails whose outcome is unknown")
	s.BoolVar(&f.noUnsubscribe, "no-unsubscribe", false, "the mails have no way to unsubscribe")
	s.BoolVar(&f.yes, "yes", false, "send without a question")
	s.BoolVar(&f.dry, "dry-run", false, "show the numbers and three examples, and send nothing")
	cmd.MarkFlagsMutuallyExclusive("list", "contacts")
	return cmd
}

// mailingConfig reads the mailing and lays the flags over it.
func mailingConfig(cmd *cobra.Command, name string, f *mailingFlags) (mailing.Config, error) {
	data, err := input.ReadAll(cmd.InOrStdin(), "", name, input.MessageMost)
	if err != nil {
		return mailing.Config{}, err
	}
	config, err := mailing.Parse(data)
	if err != nil {
		return config, &exit.FileError{File: name, Err: err}
	}
	for _, body := range []struct {
		flag, file string
		in         *string
	}{{"--html-file", f.htmlFile, &config.Message.HTML}, {"--text-file", f.textFile, &config.Message.Text}} {
		if body.file == "" {
			continue
		}
		data, err := input.ReadAll(cmd.InOrStdin(), body.flag, body.file, input.MessageMost)
		if err != nil {
			return config, err
		}
		*body.in = string(data)
	}
	if f.noUnsubscribe {
		if u := &config.Unsubscribe; u.Link != "" || u.Mailto != "" {
			return config, exit.UsageError("--no-unsubscribe", "%s has a way to unsubscribe", name)
		}
		config.Unsubscribe.None = true
	}
	if f.list != "" {
		if config.List, err = parseRef("--list", f.list); err != nil {
			return config, err
		}
	}
	if config.List.IsZero() && f.contacts == "" {
		return config, exit.UsageError("--list", "expected --list REF or --contacts FILE: who is to get it?")
	}
	return config, nil
}

func (a *app) runMailing(cmd *cobra.Command, name string, f *mailingFlags) error {
	config, err := mailingConfig(cmd, name, f)
	if err != nil {
		return err
	}
	m, err := mailing.New(config)
	if err != nil {
		return &exit.FileError{File: name, Err: err}
	}
	c, err := a.open(cmd)
	if err != nil {
		return err
	}
	stop := cmd.Context()
	keeper := c
	if f.keeper != "" {
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		if keeper, err = a.openAccount(cmd, cfg, f.keeper); err != nil {
			return err
		}
	}
	var audience *mailing.Audience
	if f.contacts == "" {
		audience = mailing.Members(keeper, config.List, config.Message.From.Email)
	} else {
		audience = mailing.Given(keeper, contactsOf(stop, f.contacts), config.Message.From.Email)
	}
	if f.results == "" {
		f.results = strings.TrimSuffix(name, filepath.Ext(name)) + ".results.jsonl"
	}
	look := &mailingPreview{mailing: m, config: &config, audience: audience, client: c, keeper: keeper.Provider(), results: f.results}
	if f.dry {
		if err := look.read(a, cmd, journal.PastOf(stop, f.results, config.Name)); err != nil {
			return membersHint(err)
		}
		look.show(a, a.out.Text)
		return nil
	}
	past, results, err := journal.OpenMailing(stop, f.results, config.Name, f.settle)
	if err != nil {
		return err
	}
	defer func() { _ = results.Close() }() // what matters is on the disk
	if err := look.read(a, cmd, past); err != nil {
		return membersHint(err)
	}
	look.show(a, func(text string) { a.errOut.Lines(strings.TrimSuffix(text, "\n")) })
	if err := a.agreed(cmd, f, look.count.ToSend); err != nil {
		return err
	}
	audience.Most = look.count.Before + f.most
	items := newMailingItems(stop, look, past)
	defer items.close()
	b := &batchRun{
		app: a, cmd: cmd, client: c, settle: f.settle, stop: stop, past: past, file: results, results: f.results,
		items: items, noun: "contact", again: "--settle",
	}
	failed := b.run(look.count.ToSend + look.count.Before)
	items.summary(cmd)
	return failed
}

// membersHint names the flag that helps where a list cannot be read.
func membersHint(err error) error {
	e := exit.ProviderError(err)
	if strings.HasSuffix(e.Message, "give the contacts themselves") {
		e.Message += ": --contacts FILE"
		return e
	}
	return err
}

// agreed makes sure that somebody wants n mails sent.
func (a *app) agreed(cmd *cobra.Command, f *mailingFlags, n int) error {
	switch {
	case n == 0:
		return nil
	case f.most <= 0:
		return exit.UsageError("--max-recipients", "expected a number that covers the %s", terminal.Plural(n, "mail", "mails"))
	case n > f.most:
		return exit.UsageError("--max-recipients", "%s would go out, more than the %d that are allowed", terminal.Plural(n, "mail", "mails"), f.most)
	}
	mails := terminal.Plural(n, "mail", "mails")
	return a.confirm(cmd, f.yes, "sending "+mails, "Send "+mails+"?")
}
