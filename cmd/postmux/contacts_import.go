package main

import (
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newContactImport(a *app) *cobra.Command {
	var f runFlags
	var read readFlags
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Import contacts from a file",
		Long: `Import contacts from CSV, a spreadsheet (.xlsx), or lines of JSON (.jsonl); stdin
(-) may be CSV or lines of JSON. Each row is an upsert: it creates the contact or
sets its fields, and undoes no unsubscription. An empty cell leaves the field alone.

The delimiter, the encoding and the columns of a file are recognised, as Mailchimp,
Brevo, SendPulse, MailWizz, Google Contacts, Outlook and spreadsheets write them, in
English, Russian, Persian and German. On a terminal a preview shows what becomes of
each column, and asks; elsewhere only what is certain is taken, and what is guessed
needs its flag: --encoding, --delimiter, --map or --status. A column that is not
known needs --map or --ignore-unknown. A column can
become ` + strings.Join(contactrows.Columns, ", ") + `, field.NAME for
a further field, or - to leave it out. A column of yes and no, or of times, can become
subscribed, unsubscribed, bounced, complained or blocked. The cells of the column
lists hold names separated by ; (an alias, or id:ID). Blanks around cells, and a '
before what a spreadsheet takes for a formula, are taken off.

A person who gets no mail stays so. The words by which these programs say who may be
mailed are known; a row with another word is refused. When several columns stop a
row, the strongest counts.

A line of JSON is a change, as "contacts upsert" takes it, or a whole contact, as
"contacts export" writes it.

A refused row does not stop the import. It is printed on stderr, or written with all
of its cells to the file of --report, which has the form of the input: correct it and
import it. The report also has the rows of which something was dropped. A report of an earlier import
that is there is kept under a number, NAME.1.csv and so on; with --resume rows are
added to it. Notes are counted at the end. With --json each row is one line of JSON
that begins with its index. The first interrupt ends the import after the calls under
way. --results keeps how far the import came, and --resume goes on there. --dry-run
reads the whole input, shows the preview and the calls of the first good row, and
lists the rows that are refused.`,
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
