package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newContactList(a *app) *cobra.Command {
	var list, since string
	var limit int
	var withoutEmail bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List contacts",
		Long: `List all contacts, or those of a list. With --json each contact is one line of
JSON that begins with its index.`,
		Example: `  postmux contacts list --list newsletter --limit 20
  postmux --json contacts list --modified-since 2026-03-21 > changed.ndjson`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := provider.ContactQuery{WithoutEmail: withoutEmail}
			var err error
			if cmd.Flags().Changed("list") {
				if q.List, err = parseRef("--list", list); err != nil {
					return err
				}
			}
			if q.ModifiedSince, err = parseSince(since); err != nil {
				return err
			}
			if limit < 0 {
				return exit.UsageError("--limit", "expected 0 or more, got %d", limit)
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			return a.listContacts(cmd, c, q, limit)
		},
	}
	f := cmd.Flags()
	f.StringVar(&list, "list", "", "only members of the list `REF`: an alias, or id:ID")
	f.StringVar(&since, "modified-since", "", "only contacts changed since `TIME`, like 2026-03-21 (UTC) or 2026-03-21T09:00:00+03:30")
	f.IntVar(&limit, "limit", 0, "stop after `N` contacts; 0 means all")
	f.BoolVar(&withoutEmail, "without-email", false, "include contacts that have no mail address")
	return cmd
}

const (
	smallPage  = 50   // a limit up to this is also asked for as the size of the page
	tableBlock = 1000 // rows whose columns are aligned together; bounds the memory
)

// listContacts prints contacts as they come, page after page.
func (a *app) listContacts(cmd *cobra.Command, c *provider.Client, q provider.ContactQuery, limit int) error {
	if limit > 0 && limit <= smallPage {
		q.Limit = limit
	}
	var t *terminal.Table
	if !a.json {
		t = terminal.NewTable(a.out, "EMAIL", "FIRST NAME", "LAST NAME", "LISTS", "SUPPRESSED")
		defer func() { t.Flush() }() // also the rows before a failure
	}
	shown, leftOut, unread := 0, 0, 0
	for page, err := range contactPages(cmd, c, q) {
		if err != nil {
			return err
		}
		leftOut += page.LeftOut
		unread += page.Unread
		for _, contact := range page.Items {
			if limit > 0 && shown == limit {
				break
			}
			if a.json {
				a.out.Line(terminal.Indexed(shown, contact))
			} else {
				t.Row(contact.Email, contact.FirstName, contact.LastName, membershipText(contact.Memberships), suppressedText(contact.Suppressed))
			}
			shown++
			if t != nil && shown%tableBlock == 0 {
				t.Flush()
			}
		}
		if a.out.Failed() != nil || limit > 0 && shown >= limit {
			break
		}
	}
	if t != nil {
		t.End()
	}
	if leftOut > 0 {
		cmd.PrintErrln(terminal.Plural(leftOut, "contact", "contacts") + " without a mail address left out; --without-email includes them")
	}
	tellUnread(cmd, unread)
	return nil
}

// tellUnread says on stderr how many contacts of the provider's pages could not be read.
func tellUnread(cmd *cobra.Command, unread int) {
	if unread > 0 {
		cmd.PrintErrln(terminal.Plural(unread, "contact", "contacts") + " left out: the provider's answer holds them in a form that cannot be read")
	}
}

// contactPages iterates over pages, because the count of what is left out comes
// with the page. A provider that gives the same page again ends it with an error.
func contactPages(cmd *cobra.Command, c *provider.Client, q provider.ContactQuery) func(func(*provider.Page[provider.Contact], error) bool) {
	return func(yield func(*provider.Page[provider.Contact], error) bool) {
		for {
			page, err := c.ListContacts(cmd.Context(), q)
			if err == nil && page.Next != "" && page.Next == q.Cursor {
				err = &provider.Error{
					Kind: provider.ErrBadResponse, Provider: c.Provider(), Account: c.Account(), Op: "contacts.list",
					Message: "the provider gives the same page again",
				}
			}
			if !yield(page, err) || err != nil || page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

func membershipText(list []provider.Membership) string {
	texts := make([]string, len(list))
	for i, m := range list {
		texts[i] = m.List
		if m.Status != provider.StatusSubscribed {
			texts[i] += " (" + string(m.Status) + ")"
		}
	}
	return strings.Join(texts, ", ")
}

func suppressedText(list []provider.Suppression) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = suppressionText(s)
	}
	return strings.Join(texts, ", ")
}
