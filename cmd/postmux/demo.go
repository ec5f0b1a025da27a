package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show all providers at work on this machine",
		Long: `Start the sandbox in this process, send the message and import the contacts of
the examples through all providers, and show what arrived. Only the name of the
account changes. No account and no network is needed.`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.configFile != "" || a.account != "" {
				return exit.UsageError("", "the demo has a configuration of its own; leave out --config and --provider")
			}
			return a.demo(cmd)
		},
	}
}

// demoRow is what the demo shows of one account.
type demoRow struct {
	Account   string          `json:"account"`
	Provider  string          `json:"provider"`
	MessageID string          `json:"message_id"`
	State     provider.State  `json:"state"`
	Notes     []provider.Note `json:"notes"`
	Written   *int            `json:"contacts_written"`   // null: the provider cannot
	ReadBack  *int            `json:"contacts_read_back"` // null: the provider cannot
	Received  []sandbox.Mail  `json:"received"`
	Problems  []string        `json:"problems"`
	codes     []int
}

func (r *demoRow) fail(code int, format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	r.codes = append(r.codes, code)
}

func (r *demoRow) note(field, why string) {
	r.Notes = append(r.Notes, provider.Note{Field: field, Action: "unsupported", Why: why})
}

func (a *app) demo(cmd *cobra.Command) error {
	sb, cfg, err := startSandbox()
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	message, rows, err := demoFiles()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "One message and %d contacts go through %d providers of the sandbox.\n\n", len(rows), len(sandbox.Providers()))
	var results []*demoRow
	var codes []int
	for _, account := range sandbox.Providers() {
		c, err := a.openAccount(cmd, cfg, account)
		if err != nil {
			return err
		}
		mail := *message
		if !c.Has(feature.MessageAttachments) {
			mail.Attachments = nil
		}
		r := a.demoAccount(cmd, c, &mail, rows)
		if len(mail.Attachments) < len(message.Attachments) {
			r.Notes = append(r.Notes, provider.Note{
				Field: "attachments", Action: provider.NoteDropped, Why: "the provider takes no files",
			})
		}
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		r.compare(sb, &mail)
		results = append(results, r)
		if len(r.codes) == 0 {
			r.codes = []int{exit.Done}
		}
		codes = append(codes, exit.Combine(r.codes))
	}
	if a.json {
		a.out.Document(map[string]any{"accounts": results})
	} else {
		a.printDemo(results)
	}
	return exit.ManyError(codes, "accounts")
}

func demoFiles() (*provider.Message, []provider.ContactChange, error) {
	text, err := examples.Files.ReadFile(examples.Message)
	if err != nil {
		return nil, nil, err
	}
	message, err := provider.ParseMessage(text)
	if err != nil {
		return nil, nil, &exit.FileError{File: examples.Message, Err: err}
	}
	text, err = examples.Files.ReadFile(examples.Contacts)
	if err != nil {
		return nil, nil, err
	}
	rows, err := contactrows.Read(examples.Contacts, text)
	if err != nil {
		return nil, nil, &exit.FileError{File: examples.Contacts, Err: err}
	}
	return message, rows, nil
}

// demoAccount sends, imports and reads back through one account.
func (a *app) demoAccount(cmd *cobra.Command, c *provider.Client, message *provider.Message, rows []provider.ContactChange) *demoRow {
	r := &demoRow{Account: c.Account(), Provider: c.Provider(), Notes: []provider.Note{}, Problems: []string{}}
	receipt, err := c.Send(cmd.Context(), message)
	if receipt != nil {
		r.MessageID, r.State = receipt.MessageID, receipt.State
		r.Notes = append(r.Notes, receipt.Notes...)
	}
	if code := exit.ReceiptCode(receipt, err); code != exit.Done {
		r.fail(code, "send: %v", err)
	}
	r.importAll(cmd.Context(), c, rows)
	if r.Written != nil {
		r.readBack(cmd, c, rows)
	}
	return r
}

// importAll imports rows. What the provider has no feature for is a note.
func (r *demoRow) importAll(ctx context.Context, c *provider.Client, rows []provider.ContactChange) {
	var first error
	unsupported := 0
	report, err := c.ImportContacts(ctx, rowsOf(rows), func(row provider.ImportResult) error {
		if first == nil {
			first = row.Err
		}
		if errors.Is(row.Err, provider.ErrUnsupported) {
			unsupported++
		}
		return nil
	})
	if errors.Is(err, provider.ErrUnsupported) || len(rows) > 0 && unsupported == len(rows) {
		e := exit.ProviderError(errors.Join(err, first))
		r.note("contacts", string(e.Feature)+": "+e.Message)
		return
	}
	written := report.Created + report.Updated + report.Stored
	r.Written = &written
	switch {
	case err != nil:
		r.fail(exit.Code(err), "import: %v", err)
	case first != nil:
		r.fail(exit.Partly, "import: %d of %d rows failed, the first: %v", report.Refused+report.Unknown, report.Rows, first)
	}
}

// readBack counts the rows that come back as they were written: from their list,
// or from all contacts, or one by one, whichever the provider has.
func (r *demoRow) readBack(cmd *cobra.Command, c *provider.Client, rows []provider.ContactChange) {
	caps := c.Capabilities()
	var count int
	var err error
	switch {
	case caps.Can(feature.ContactsListMembers):
		count, err = countListed(cmd, c, provider.ContactQuery{List: rows[0].Lists[0]}, rows)
	case caps.Can(feature.ContactsList):
		count, err = countListed(cmd, c, provider.ContactQuery{}, rows)
	case caps.Can(feature.ContactsGet):
		count, err = countGot(cmd.Context(), c, rows)
	default:
		r.note("contacts", c.Provider()+" has no call to read contacts")
		return
	}
	if err != nil {
		r.fail(exit.Code(err), "read back: %v", err)
		return
	}
	r.ReadBack = &count
	if count != *r.Written {
		r.fail(exit.Bug, "read back: %d of %d contacts are as they were written", count, *r.Written)
	}
}

func countListed(cmd *cobra.Command, c *provider.Client, q provider.ContactQuery, rows []provider.ContactChange) (int, error) {
	want := make(map[string]provider.ContactChange, len(rows))
	for _, row := range rows {
		want[strings.ToLower(row.Email)] = row
	}
	for page, err := range contactPages(cmd, c, q) {
		if err != nil {
			return 0, err
		}
		for _, contact := range page.Items {
			email := strings.ToLower(contact.Email)
			if row, ok := want[email]; ok && sameContact(row, contact) {
				delete(want, email)
			}
		}
	}
	return len(rows) - len(want), nil
}

func countGot(ctx context.Context, c *provider.Client, rows []provider.ContactChange) (int, error) {
	count := 0
	for _, row := range rows {
		contact, err := c.GetContact(ctx, row.Email)
		if err != nil {
			return 0, err
		}
		if sameContact(row, *contact) {
			count++
		}
	}
	return count, nil
}

func sameContact(row provider.ContactChange, c provider.Contact) bool {
	if !strings.EqualFold(c.Email, row.Email) || c.FirstName != row.FirstName.Value() || c.LastName != row.LastName.Value() {
		return false
	}
	for name, v := range row.Fields {
		if fieldText(c.Fields[name]) != fieldText(v) {
			return false
		}
	}
	return true
}

// compare looks at what the sandbox received from the account.
func (r *demoRow) compare(sb *sandbox.Server, m *provider.Message) {
	r.Received = sb.Messages(r.Provider)
	if len(r.Received) != 1 {
		r.fail(exit.Bug, "the sandbox received %d mails instead of one", len(r.Received))
		return
	}
	got := r.Received[0]
	for _, x := range []struct {
		what string
		same bool
	}{
		{"subject", got.Subject == m.Subject},
		{"sender", got.From.Email == m.From.Email && shownName(got.From) == m.From.Name},
		{"HTML", got.HTML == m.HTML},
		{"recipient", len(got.To) == 1 && got.To[0].Email == m.To[0].Email && (shownName(got.To[0]) == m.To[0].Name || got.To[0].Name == "")},
		{"attachment", slices.EqualFunc(got.Attachments, m.Attachments, func(a, b provider.Attachment) bool {
			return a.Name == b.Name && bytes.Equal(a.Content, b.Content)
		})},
	} {
		if !x.same {
			r.fail(exit.Bug, "the %s did not arrive as it was sent", x.what)
		}
	}
	if kept := len(sb.Contacts(r.Provider)); r.Written != nil && kept != *r.Written {
		r.fail(exit.Bug, "the sandbox keeps %d contacts, not %d", kept, *r.Written)
	}
	for _, v := range sb.Violations() {
		r.fail(exit.Bug, "the vendor's specification does not allow it: %s", v)
	}
}
