package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

func newContacts(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contacts",
		Short: "Read and change contacts",
		Args:  terminal.NoCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newContactGet(a), newContactList(a), newContactUpsert(a), newContactDelete(a), newContactUnsubscribe(a), newContactResubscribe(a), newContactImport(a), newContactExport(a))
	return cmd
}
