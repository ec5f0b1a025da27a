package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

func newContactResubscribe(a *app) *cobra.Command {
	var list string
	var ref provider.Ref
	cmd := newAddressChange(a, "resubscribe EMAIL", "Undo an unsubscription from one list, or from all mail",
		`Undo an unsubscription: from the list --list names, or from all mail. Do it only
when the person has asked for it. What it does not lift is told in the notes.`,
		func(ctx context.Context, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.Resubscribe(ctx, email, ref)
		})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if cmd.Flags().Changed("list") {
			ref, err = parseRef("--list", list)
		}
		return err
	}
	cmd.Flags().StringVar(&list, "list", "", "only to the list `REF`: an alias, or id:ID")
	return cmd
}
