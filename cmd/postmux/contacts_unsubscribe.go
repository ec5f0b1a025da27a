package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newContactUnsubscribe(a *app) *cobra.Command {
	var list, reason string
	var from provider.Ref
	cmd := newAddressesChange(a, "unsubscribe", "Unsubscribe an address from one list, or from all mail",
		`Unsubscribe an address from one list, or from all mail.`,
		addressJob{verb: "unsubscribe", op: "contacts.unsubscribe", need: contactrows.NeedAddress},
		func(ctx context.Context, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.Unsubscribe(ctx, email, from, reason)
		})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if cmd.Flags().Changed("list") {
			from, err = parseRef("--list", list)
		}
		return err
	}
	cmd.Flags().StringVar(&list, "list", "", "only from the list `REF`: an alias, or id:ID")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why, where the provider keeps it")
	return cmd
}
