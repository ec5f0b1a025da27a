package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newContactDelete(a *app) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "delete EMAIL",
		Short: "Delete a contact from the account",
		Long: `Delete a contact from the account, with its history. Whoever does not want mail
any more should be unsubscribed instead: a deleted address can be imported anew.`,
		Args: terminal.WantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			err = c.DeleteContact(cmd.Context(), args[0])
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			return a.showContactReceipt(&provider.ContactReceipt{Provider: c.Provider(), Account: c.Account(), Email: args[0], State: provider.ContactDone}, nil)
		},
	}
	dry.flag(cmd)
	return cmd
}
