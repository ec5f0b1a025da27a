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
